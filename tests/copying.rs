//! What one store holds into another: everything that fits, with no more trust than before.

use std::fs;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::examples;
use crate::support::{Home, Identity, Openssl, Snapshot, TRUSTED, UNKNOWN, Vendor, here, stanza};

/// A home with two servers and an adopted database.
struct Scene {
    home: Home,
    openssl: Openssl,
    vendor: Vendor,
    one: Identity,
    two: Identity,
    three: Identity,
}

impl Scene {
    /// The database holds one for TSM1 that is agreed to, one for nobody, and one that is marked
    /// in an unknown way.
    fn set() -> Option<Self> {
        let servers = [stanza("TSM1", 1500, &[]), stanza("TSM2", 1501, &[])];
        let home = Home::with_options(&servers.concat());
        let openssl = Openssl::find(home.directory())?;
        let scene = Self {
            vendor: Vendor::find(&home)?,
            one: openssl.stock("one"),
            two: openssl.stock("two"),
            three: openssl.stock("three"),
            openssl,
            home,
        };
        let held = [
            (LABEL, &scene.one, TRUSTED),
            ("a root", &scene.two, TRUSTED),
            ("marked", &scene.three, UNKNOWN),
        ];
        scene.vendor.kdb("client/dsmcert.kdb", 4, &held);
        let adopt = ["store", "create", "--adopt", "client", "--name", "kdb"];
        scene.home.json(0, &adopt);
        let propose = ["scope", "--propose", "--store", "kdb", "--yes"];
        scene.home.json(0, &propose);
        Some(scene)
    }

    /// Servers use this store and no other from now on.
    fn only(&self, store: &str) {
        self.home.configure(&format!(
            "[server.TSM1]\nstores = [\"{store}\"]\n[server.TSM2]\nstores = [\"{store}\"]\n"
        ));
    }

    #[track_caller]
    fn judges(&self, identity: &Identity, exit: i32) {
        let file = identity.certificate.to_str().expect("text");
        self.home.json(exit, &["verify", file, "--server", "TSM1"]);
    }
}

const LABEL: &str = "TSM server TSM1 self-signed key";

/// The labels and outcomes of what was copied.
fn copied(document: &Value) -> Vec<(&str, &str)> {
    let all = document["copied"].as_array().expect("a list");
    all.iter()
        .map(|one| {
            let text = |field: &str| one[field].as_str().expect("text");
            (text("label"), text("outcome"))
        })
        .collect()
}

fn left_out(document: &Value) -> Vec<(&str, &str)> {
    let all = document["left_out"].as_array().expect("a list");
    all.iter()
        .map(|one| {
            let text = |field: &str| one[field].as_str().expect("text");
            (text("label"), text("what"))
        })
        .collect()
}

#[test]
fn a_kdb_becomes_a_p12_that_others_open_and_that_vouches_for_the_same_servers() {
    let Some(scene) = Scene::set() else { return };
    let before = (
        Snapshot::of(&scene.home.path("client")),
        scene.home.snapshot(),
    );
    let dry = scene
        .home
        .json(0, &["store", "copy", "kdb", "p12", "--dry-run"]);
    assert_eq!(dry["dry_run"], true);
    assert_eq!(scene.home.snapshot(), before.1, "a dry run writes nothing");
    let document = scene.home.json(0, &["store", "copy", "kdb", "p12"]);
    assert_eq!(copied(&document), [(LABEL, "new"), ("a root", "new")]);
    assert_eq!(left_out(&document), [("marked", "certificate")]);
    let made = scene
        .home
        .path("h/stores.d/p12.toml")
        .canonicalize()
        .expect("made");
    let said = document["made"].as_str().expect("a file");
    assert_eq!(fs::canonicalize(said).expect("there"), made);
    assert_eq!(Snapshot::of(&scene.home.path("client")), before.0);
    for field in ["copied", "left_out", "warnings"] {
        assert_eq!(dry[field], document[field], "the preview is what happens");
    }
    scene.only("p12");
    scene.judges(&scene.one, 0);
    scene.judges(&scene.two, 1);
    scene.judges(&scene.three, 1);

    scene
        .home
        .json(0, &["store", "password", "p12", "-o", "pw"]);
    let words = [
        "pkcs12",
        "-in",
        "h/stores/p12.p12",
        "-nokeys",
        "-passin",
        "file:pw",
    ];
    let shown = scene.openssl.run(&words).stdout;
    assert_eq!(shown.matches("BEGIN CERTIFICATE").count(), 2, "{shown}");
    if here("keytool") {
        let line = "keytool -list -keystore h/stores/p12.p12 -storepass:file pw";
        let listed = scene.home.shell(line).exits(0).stdout;
        assert_eq!(listed.matches("trustedCertEntry").count(), 2, "{listed}");
    }
    let journal = scene.home.run(&["journal", "show"]).exits(0).stdout;
    let sum = |word: &str| journal.matches(&format!("\t{word}\t")).count();
    assert_eq!((sum("store-created"), sum("copied")), (1, 2), "{journal}");
    let again = scene.home.json(0, &["store", "copy", "kdb", "p12"]);
    assert_eq!(
        copied(&again),
        [(LABEL, "unchanged"), ("a root", "unchanged")]
    );
    assert_eq!(again["made"], Value::Null);
}

#[test]
fn what_is_there_already_stays_and_labels_get_a_number() {
    let Some(scene) = Scene::set() else { return };
    let import = |identity: &str, label: &str| {
        let words = ["import", "--server", "TSM2", identity, "--label", label];
        scene.home.json(0, &words);
    };
    scene.openssl.stock("four");
    import("four.pem", "A ROOT");
    import("one.pem", "mine");
    let document = scene.home.json(0, &["store", "copy", "kdb", "keydb"]);
    assert_eq!(
        copied(&document),
        [("mine", "unchanged"), ("a root (2)", "new")]
    );
    assert_eq!(document["copied"][1]["before"], "a root");
    let list = scene.home.json(0, &["list", "--store", "keydb"]);
    let labels = list["certificates"].as_array().expect("a list").iter();
    let labels: Vec<_> = labels
        .map(|one| one["label"].as_str().expect("text"))
        .collect();
    assert_eq!(labels, ["A ROOT", "mine", "a root (2)"]);
}

#[test]
fn a_store_like_another_is_of_its_kind_and_holds_the_same() {
    let Some(scene) = Scene::set() else { return };
    scene
        .vendor
        .stash("client/dsmcert.kdb", "v1", "Example-Pass-1");
    let words = ["store", "create", "--like", "kdb", "--name", "like"];
    let dry = scene.home.json(0, &[&words[..], &["--dry-run"]].concat());
    assert!(!scene.home.path("h/stores.d/like.toml").exists());
    let document = scene.home.json(0, &words);
    let store = &document["stores"][0];
    assert_eq!(
        (&store["format"], &store["version"]),
        (&"kdb".into(), &"v4".into())
    );
    assert_eq!(store["adopted"], Value::Null, "{store:#}");
    assert_eq!(document["copied"]["copied"], dry["copied"]["copied"]);
    let made = fs::read(scene.home.path("h/stores/like.kdb")).expect("made");
    assert_eq!(made[2], 4, "its version");
    let stash = fs::read(scene.home.path("h/stores/like.sth")).expect("made");
    assert_eq!(stash.len(), 129, "the older form");
    scene.only("like");
    scene.judges(&scene.one, 0);

    let words = [
        "store",
        "create",
        "--like",
        "kdb",
        "--name",
        "other",
        "--set",
        "path=other.p12",
    ];
    let document = scene.home.json(0, &words);
    assert_eq!(document["stores"][0]["format"], "p12");
    assert_eq!(
        copied(&document["copied"]),
        [(LABEL, "new"), ("a root", "new")]
    );
    let list = scene.home.json(0, &["list", "--store", "other"]);
    assert_eq!(list["certificates"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_copy_that_cannot_be_made_makes_nothing() {
    let Some(scene) = Scene::set() else { return };
    scene.home.json(0, &["store", "create", "--name", "bad"]);
    scene.home.write("h/stores/bad.p12", "damaged");
    scene.home.write("h/stores/bad.sth", "damaged");
    scene.home.write("h/stores/taken.p12", "somebody's");
    let before = (
        Snapshot::of(&scene.home.path("client")),
        scene.home.snapshot(),
    );
    for (words, exit, code) in [
        (["kdb", "kdb"], 2, "input-invalid"),
        (["nobody", "kdb"], 2, "unknown-store"),
        (["kdb", "../x"], 2, "store-invalid"),
        (["kdb", "taken"], 2, "database-there"),
        (["keydb", "kdb"], 0, ""),
        (["kdb", "bad"], 3, "store-unavailable"),
        (["bad", "new"], 3, "store-unavailable"),
    ] {
        let mut all = vec!["store", "copy"];
        all.extend(words);
        let document = scene.home.json(exit, &all);
        if exit != 0 {
            assert_eq!(document["error"]["code"], code, "{words:?}: {document:#}");
        }
    }
    let after = (
        Snapshot::of(&scene.home.path("client")),
        scene.home.snapshot(),
    );
    let changed = after.1.changed_since(&before.1);
    let touched =
        |path: &&std::path::PathBuf| path.starts_with("stores") || path.starts_with("stores.d");
    assert_eq!(changed.iter().find(touched), None, "{changed:?}");
    assert_eq!(after.0, before.0);
}

#[test]
fn nothing_is_copied_into_what_is_only_read_or_vouches_by_itself() {
    let Some(scene) = Scene::set() else { return };
    scene
        .home
        .json(0, &["import", "--server", "TSM2", "two.pem"]);
    scene.openssl.stock("four");
    scene
        .home
        .json(0, &["import", "--server", "TSM2", "four.pem"]);
    let refused = scene.home.json(2, &["store", "copy", "keydb", "kdb"]);
    assert_eq!(refused["error"]["code"], "store-read-only", "{refused:#}");
    let remedy = refused["error"]["remedy"].as_str().expect("a remedy");
    assert!(
        remedy.contains("--adopt") && remedy.contains("--write"),
        "{remedy}"
    );
    scene.home.configure(
        "[[store]]\nname = \"keydb\"\nplugin = \"anchorhold.keydb\"\n\
         settings = { path = \"stores/anchorhold.p12\" }\n\
         [[store]]\nname = \"open\"\nplugin = \"anchorhold.keydb\"\nscope = \"any\"\n\
         settings = { path = \"stores/open.p12\" }\n",
    );
    let refused = scene.home.json(2, &["store", "copy", "keydb", "open"]);
    let message = refused["error"]["message"].as_str().expect("a message");
    assert!(message.contains("more servers than before"), "{message}");
    assert!(!scene.home.path("h/stores/open.p12").exists());
}

#[test]
fn a_copy_that_vouches_by_the_scope_of_its_store_is_said_to() {
    let Some(scene) = Scene::set() else { return };
    let file = scene.home.path("h/stores.d/kdb.toml");
    let text = fs::read_to_string(&file).expect("there");
    let text = text.replacen("plugin =", "scope = \"any\"\nplugin =", 1);
    fs::write(&file, text).expect("written");
    let made = scene
        .home
        .json(0, &["store", "create", "--like", "kdb", "--name", "more"]);
    let warnings = made["copied"]["warnings"].to_string();
    assert!(
        warnings.contains("store \\\"more\\\" vouches for servers by its own `scope`"),
        "{warnings}"
    );
    assert!(!warnings.contains("nobody's scope"), "{warnings}");
    let listed = scene.home.json(0, &["list", "--store", "more"]);
    let listed = listed["certificates"].as_array().expect("certificates");
    let held = listed.iter().find(|one| one["label"] == "a root");
    assert_eq!(held.expect("copied")["servers"], "any", "{listed:#?}");
}

/// A store of items as files, which keeps whatever an item may say.
struct Files<'s> {
    scene: &'s Scene,
}

impl Files<'_> {
    /// Puts an item there, as its plugin would have written it.
    fn put(&self, kind: u8, name: &str, lines: &str, der: &[u8]) {
        let id = Sha256::new()
            .chain_update([kind])
            .chain_update(der)
            .finalize();
        let file = format!("files/{}.pem", data_encoding::HEXLOWER.encode(&id));
        let body = data_encoding::BASE64.encode(der);
        let body: Vec<&str> = body
            .as_bytes()
            .chunks(64)
            .map(|line| std::str::from_utf8(line).expect("text"))
            .collect();
        let text = format!(
            "{lines}-----BEGIN {name}-----\n{}\n-----END {name}-----\n",
            body.join("\n")
        );
        self.scene.home.write(&file, text);
    }
}

#[test]
fn what_does_not_fit_is_said_and_left_where_it_is() {
    let Some(scene) = Scene::set() else { return };
    let Some(examples) = examples::built(&scene.home) else {
        return;
    };
    let files = Files { scene: &scene };
    let names = [
        "plain",
        "mail",
        "only-mail",
        "distrusted",
        "until",
        "limited",
        "helps",
    ];
    let der = |name: &str| scene.openssl.stock(name).der();
    let ders = names.map(der);
    for (lines, der) in [
        "Label: plain\nRule: 1 1 0\nScope: TSM1\n",
        "Label: mail\nRule: 1 1 0\nRule: 3 1 0\n",
        "Label: only-mail\nRule: 3 1 0\n",
        "Label: distrusted\nRule: 0 2 0\n",
        "Label: until\nRule: 1 1 1767225600\n",
        "Label: limited\nRule: 1 1 0\nConstraints: 3000\n",
        "Label: helps\n",
    ]
    .into_iter()
    .zip(&ders)
    {
        files.put(1, "CERTIFICATE", lines, der);
    }
    files.put(
        3,
        "PUBLIC KEY SHA256",
        "Label: a key\nRule: 0 2 0\n",
        &[7; 32],
    );
    let manifest = examples.join("org.example.directory.plugin.toml");
    let manifest = manifest.to_str().expect("text");
    let words = [
        "plugin",
        "add",
        manifest,
        "--set",
        "dir=files",
        "--store",
        "files",
        "--yes",
    ];
    scene.home.json(0, &words);
    scene.home.json(
        0,
        &[
            "scope",
            &crate::support::sha256(&ders[0]),
            "--server",
            "TSM1",
        ],
    );
    let list = scene.home.json(0, &["list", "--store", "files"]);
    assert_eq!(
        list["certificates"].as_array().map(Vec::len),
        Some(8),
        "{list:#}"
    );

    let document = scene.home.json(0, &["store", "copy", "files", "new"]);
    let mut all = copied(&document);
    all.sort_unstable();
    assert_eq!(all, [("mail", "new"), ("plain", "new")], "{document:#}");
    let mail = document["copied"].as_array().expect("a list").iter();
    let mail = mail
        .into_iter()
        .find(|one| one["label"] == "mail")
        .expect("there");
    assert!(
        mail["note"]
            .as_str()
            .is_some_and(|note| note.contains("other purposes")),
        "{mail:#}"
    );
    let mut left = left_out(&document);
    left.sort_unstable();
    assert_eq!(
        left,
        [
            ("a key", "distrust"),
            ("distrusted", "distrust"),
            ("helps", "certificate"),
            ("limited", "certificate"),
            ("only-mail", "certificate"),
            ("until", "certificate"),
        ]
    );
    for one in document["left_out"].as_array().expect("a list") {
        assert!(
            !one["message"].as_str().expect("text").is_empty(),
            "{one:#}"
        );
    }
    // The other way round everything fits.
    fs::create_dir(scene.home.path("more")).expect("made");
    let words = [
        "store",
        "create",
        "--name",
        "more",
        "--plugin",
        "org.example.directory",
        "--set",
        "dir=more",
    ];
    scene.home.json(0, &words);
    let document = scene.home.json(0, &["store", "copy", "files", "more"]);
    let mut all: Vec<_> = copied(&document)
        .into_iter()
        .map(|(label, _)| label)
        .collect();
    all.sort_unstable();
    assert_eq!(
        all,
        ["a key", "distrusted", "limited", "mail", "plain", "until"],
        "{document:#}"
    );
    scene.home.run(&["store", "check"]).exits(0);
}
