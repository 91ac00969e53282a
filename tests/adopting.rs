//! The vendor's key databases as stores: shown, adopted, only read, and trusted by nobody's label.

mod damaged;
mod found;
mod made;

use std::fs;

use serde_json::Value;

use crate::support::{Home, Identity, Openssl, Snapshot, TRUSTED, UNKNOWN, Vendor, here, stanza};

/// A home with two servers, three certificates, and the maker of databases.
struct Scene {
    home: Home,
    openssl: Openssl,
    vendor: Vendor,
    one: Identity,
    two: Identity,
    three: Identity,
}

impl Scene {
    fn set() -> Option<Self> {
        let servers = [stanza("TSM1", 1500, &[]), stanza("TSM2", 1501, &[])];
        let home = Home::with_options(&servers.concat());
        let openssl = Openssl::find(home.directory())?;
        Some(Self {
            vendor: Vendor::find(&home)?,
            one: openssl.stock("one"),
            two: openssl.stock("two"),
            three: openssl.stock("three"),
            openssl,
            home,
        })
    }

    /// The database that the vendor's client would have for both servers.
    fn kdb(&self, version: u8) {
        let held = [
            (LABEL, &self.one, TRUSTED),
            (OTHER_LABEL, &self.two, TRUSTED),
        ];
        self.vendor.kdb(KDB, version, &held);
    }

    /// Adopts a database, and returns what is said of the only store.
    #[track_caller]
    fn adopts(&self, words: &[&str]) -> Value {
        let mut all = vec!["store", "create", "--adopt"];
        all.extend(words);
        let document = self.home.json(0, &all);
        let stores = document["stores"].as_array().expect("a list");
        assert_eq!(stores.len(), 1, "{document:#}");
        stores[0].clone()
    }

    /// Whether the server's certificate would be trusted.
    #[track_caller]
    fn is_trusted(&self, identity: &Identity, server: &str) -> bool {
        let file = identity.certificate.to_str().expect("text");
        let words = ["verify", file, "--server", server, "--json"];
        let outcome = self.home.run(&words);
        match outcome.status.code() {
            Some(0) => true,
            Some(1) => false,
            _ => panic!("no verdict\n{}", outcome.shown()),
        }
    }

    /// Runs the command that stands in a text behind a colon.
    #[track_caller]
    fn obeys(&self, text: &str) {
        let (_, command) = text.rsplit_once(": ").expect("a command");
        self.home.shell(command).exits(0);
    }

    fn database(&self) -> Vec<u8> {
        fs::read(self.home.path(KDB)).expect("there")
    }
}

const KDB: &str = "client/dsmcert.kdb";
const LABEL: &str = "TSM server TSM1 self-signed key";
const OTHER_LABEL: &str = "TSM server TSM2 self-signed key";

/// The labels of what a store is said to hold.
fn labels(store: &Value) -> Vec<&str> {
    let held = store["certificates"].as_array().expect("a list");
    held.iter()
        .map(|one| one["label"].as_str().expect("text"))
        .collect()
}

#[test]
fn what_the_vendor_made_is_shown_first_and_only_read() {
    let Some(scene) = Scene::set() else { return };
    for (version, name) in [(4, "v4"), (6, "v6")] {
        scene.kdb(version);
        let before = Snapshot::of(&scene.home.path("client"));
        let dry = scene.adopts(&[KDB, "--name", name, "--dry-run"]);
        assert_eq!(dry["outcome"], "new", "{dry:#}");
        let made = scene.home.path(&format!("h/stores.d/{name}.toml"));
        assert!(!made.exists(), "a dry run writes nothing");
        let store = scene.adopts(&[KDB, "--name", name]);
        assert_eq!(store["format"], "kdb", "{store:#}");
        assert_eq!(store["version"], name, "{store:#}");
        assert_eq!(store["adopted"], "read", "{store:#}");
        assert_eq!(labels(&store), [LABEL, OTHER_LABEL]);
        let proposed = store["proposed"].as_array().expect("a list");
        let servers: Vec<_> = proposed.iter().map(|one| &one["server"]).collect();
        assert_eq!(servers, ["TSM1", "TSM2"]);
        assert!(
            !scene.is_trusted(&scene.one, "TSM1"),
            "nobody has agreed yet"
        );
        let words = ["import", "--server", "TSM1", "three.pem", "--store", name];
        let refused = scene.home.json(2, &words);
        assert_eq!(refused["error"]["code"], "store-read-only", "{refused:#}");
        assert_eq!(Snapshot::of(&scene.home.path("client")), before);
        fs::remove_file(made).expect("there");
    }
}

#[test]
fn the_command_that_is_said_lets_imports_write() {
    let Some(scene) = Scene::set() else { return };
    scene.kdb(6);
    let before = scene.database();
    scene.adopts(&[KDB, "--name", "kdb"]);
    let import = ["import", "--server", "TSM1", "three.pem", "--store", "kdb"];
    let refused = scene.home.json(2, &import);
    scene.obeys(refused["error"]["remedy"].as_str().expect("a remedy"));
    let imported = scene.home.run(&import).exits(0);
    imported.says("dsmcert.kdb.before-anchorhold");
    let kept = scene.home.path("client/dsmcert.kdb.before-anchorhold");
    assert_eq!(fs::read(kept).expect("kept"), before);
    assert_ne!(scene.database(), before);
    assert!(scene.is_trusted(&scene.three, "TSM1"));
    // Saying it once more without the word takes the right away again.
    let store = scene.adopts(&[KDB]);
    assert_eq!(
        (&store["name"], &store["outcome"]),
        (&"kdb".into(), &"updated".into())
    );
    let words = ["remove", &scene.three.sha256(), "--all"];
    scene.home.run(&words).exits(0).says("does not let");
    let journal = scene.home.run(&["journal", "show"]).exits(0).stdout;
    for event in ["store-adopted", "store-changed"] {
        assert!(journal.contains(event), "{event}\n{journal}");
    }
    scene.home.run(&["journal", "verify"]).exits(0);
}

#[test]
fn a_p12_with_its_stash_is_adopted_as_well() {
    let Some(scene) = Scene::set() else { return };
    let held = [(LABEL, &scene.one), ("a root", &scene.two)];
    scene.vendor.p12(&scene.openssl, "client/trust.p12", &held);
    let store = scene.adopts(&["client/trust.p12"]);
    assert_eq!(store["name"], "trust", "{store:#}");
    assert_eq!(
        (&store["format"], &store["version"]),
        (&"p12".into(), &Value::Null)
    );
    assert_eq!(labels(&store), [LABEL, "a root"]);
    assert!(!scene.is_trusted(&scene.one, "TSM1"));
    scene
        .home
        .json(0, &["scope", "--propose", "--store", "trust", "--yes"]);
    assert!(scene.is_trusted(&scene.one, "TSM1"));
    assert!(!scene.is_trusted(&scene.two, "TSM2"));
}

#[test]
fn labels_propose_and_somebody_decides() {
    let Some(scene) = Scene::set() else { return };
    let root = scene.openssl.stock("root");
    let held = [
        (LABEL, &scene.one, TRUSTED),
        ("tsm SERVER tsm1 SELF-SIGNED KEY (2)", &scene.two, TRUSTED),
        (OTHER_LABEL, &scene.three, UNKNOWN),
        ("spcert_1", &root, TRUSTED),
    ];
    scene.vendor.kdb(KDB, 6, &held);
    let store = scene.adopts(&[KDB]);
    let marked = &store["certificates"][2];
    let note = marked["note"].as_str().expect("a note");
    assert!(note.contains("flags-unknown"), "{note}");

    let propose = ["scope", "--propose", "--store", "dsmcert"];
    let document = scene.home.json(0, &propose);
    assert_eq!(document["applied"], false);
    let proposed = document["proposed"].as_array().expect("a list");
    let pairs: Vec<_> = proposed
        .iter()
        .map(|one| (&one["server"], one["note"].is_null()))
        .collect();
    let expected = [("TSM1", true), ("tsm1", true), ("TSM2", false)];
    let expected = expected.map(|(server, plain)| (Value::from(server), plain));
    assert!(
        pairs
            .into_iter()
            .eq(expected.iter().map(|(server, plain)| (server, *plain))),
        "{document:#}"
    );
    assert!(
        !scene.is_trusted(&scene.one, "TSM1"),
        "nobody has agreed yet"
    );

    let agreed = scene
        .home
        .json(0, &["scope", "--propose", "--store", "dsmcert", "--yes"]);
    assert_eq!(agreed["applied"], true);
    for identity in [&scene.one, &scene.two] {
        assert!(scene.is_trusted(identity, "TSM1"));
        assert!(!scene.is_trusted(identity, "TSM2"));
    }
    // Neither the label nor a yes to labels is enough for what is marked in an unknown way.
    assert!(!scene.is_trusted(&scene.three, "TSM2"));
    let again = scene
        .home
        .json(0, &["scope", "--propose", "--store", "dsmcert", "--yes"]);
    assert_eq!(again["applied"], false);
    scene
        .home
        .json(0, &["scope", &scene.three.sha256(), "--server", "TSM2"]);
    assert!(scene.is_trusted(&scene.three, "TSM2"));
    assert!(!scene.is_trusted(&root, "TSM1"));
}

#[test]
fn a_database_that_travels_is_agreed_to_once_more() {
    let Some(scene) = Scene::set() else { return };
    let words = [
        "store",
        "create",
        "--name",
        "mine",
        "--set",
        "path=mine/dsmcert.kdb",
    ];
    scene.home.json(0, &words);
    let import = ["import", "--server", "TSM1", "one.pem", "--store", "mine"];
    scene.home.json(0, &import);
    let other = Scene::set().expect("as before");
    for name in ["dsmcert.kdb", "dsmcert.sth"] {
        let bytes = fs::read(scene.home.path("mine").join(name)).expect("there");
        other.home.write(&format!("client/{name}"), bytes);
    }
    other.adopts(&[KDB]);
    assert!(!other.is_trusted(&scene.one, "TSM1"));
    other.home.json(0, &["scope", "--propose", "--yes"]);
    assert!(other.is_trusted(&scene.one, "TSM1"));
}

#[test]
fn keys_are_shown_and_never_opened() {
    let Some(scene) = Scene::set() else { return };
    let (request, sealed) = ("key.csr", "key.p8");
    let key = scene.one.key.to_str().expect("text");
    scene.openssl.run(&[
        "req", "-new", "-key", key, "-subj", "/CN=x", "-outform", "DER", "-out", request,
    ]);
    scene.openssl.run(&[
        "pkcs8", "-topk8", "-in", key, "-outform", "DER", "-out", sealed, "-passout", "pass:x",
    ]);
    let hex = |name: &str| {
        let bytes = fs::read(scene.home.path(name)).expect("there");
        data_encoding::HEXLOWER.encode(&bytes)
    };
    scene.home.write("two.der", scene.two.der());
    let records = vec![
        serde_json::json!({"record": {
            "kind": "request", "held": [hex(request), hex(sealed)], "label": "a key",
        }}),
        serde_json::json!({"label": LABEL, "certificate": "two.der"}),
    ];
    scene.vendor.kdb_of(KDB, 6, &records);
    let store = scene.adopts(&[KDB]);
    let held = store["certificates"].as_array().expect("a list");
    let key = held
        .iter()
        .find(|one| one["kind"] == "key")
        .expect("the key");
    assert_eq!(
        (&key["label"], &key["servers"]),
        (&"a key".into(), &"none".into())
    );
    assert_eq!(held.len(), 2, "{store:#}");
}

#[test]
fn an_index_beside_it_is_told_and_keeps_it_from_being_written() {
    let Some(scene) = Scene::set() else { return };
    scene.kdb(6);
    scene.home.write("client/dsmcert.idx", "whatever");
    let store = scene.adopts(&[KDB, "--name", "kdb"]);
    assert_eq!(store["idx"], true, "{store:#}");
    let import = ["import", "--server", "TSM1", "three.pem", "--store", "kdb"];
    scene.home.json(2, &import);
    scene.adopts(&[KDB, "--write"]);
    scene.home.json(0, &import);
    // The same where somebody has written the store down by hand and said nothing of it.
    let Some(other) = Scene::set() else { return };
    other.kdb(6);
    other.home.write("client/dsmcert.idx", "whatever");
    let path = other.home.path(KDB);
    other.home.configure(&format!(
        "[[store]]\nname = \"kdb\"\nplugin = \"anchorhold.keydb\"\n\
         settings = {{ path = \"{}\" }}\n",
        path.display()
    ));
    let refused = other.home.json(2, &import);
    let remedy = refused["error"]["remedy"].as_str().expect("a remedy");
    assert!(remedy.contains("anchorhold.toml"), "{remedy}");
    let refused = other.home.json(2, &["store", "create", "--adopt", KDB]);
    let message = refused["error"]["message"].as_str().expect("a message");
    assert!(message.contains("anchorhold.toml"), "{message}");
}

#[test]
fn the_way_to_it_may_be_its_stash_its_directory_or_a_link() {
    let Some(scene) = Scene::set() else { return };
    scene.kdb(6);
    let real = scene.home.path(KDB).canonicalize().expect("there");
    scene.home.write("elsewhere/x", "");
    let link = scene.home.path("elsewhere/link.kdb");
    std::os::unix::fs::symlink(&real, link).expect("linked");
    for way in ["client", "client/dsmcert.sth", "elsewhere/link.kdb", KDB] {
        let store = scene.adopts(&[way, "--dry-run"]);
        assert_eq!(store["path"].as_str(), real.to_str(), "{way}");
        let notes = store["notes"].to_string();
        assert_eq!(
            notes.contains("leads to"),
            way.contains("link"),
            "{way}: {notes}"
        );
    }
    scene.adopts(&["elsewhere", "--name", "kdb"]);
    // Whatever way leads there, it is that store.
    let store = scene.adopts(&["client"]);
    assert_eq!(
        (&store["name"], &store["outcome"]),
        (&"kdb".into(), &"unchanged".into())
    );
    let words = ["store", "create", "--adopt", "client", "--name", "other"];
    let refused = scene.home.json(2, &words);
    assert_eq!(refused["error"]["code"], "store-known", "{refused:#}");
}

#[test]
fn a_definition_that_others_may_change_decides_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let Some(scene) = Scene::set() else { return };
    scene.kdb(6);
    scene.adopts(&[KDB, "--name", "kdb"]);
    let file = scene.home.path("h/stores.d/kdb.toml");
    let mode = |path: &std::path::Path| fs::metadata(path).expect("there").permissions().mode();
    assert_eq!(mode(&file) & 0o777, 0o644);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).expect("changed");
    let refused = scene.home.json(2, &["store", "list"]);
    assert_eq!(refused["error"]["code"], "config-unsafe", "{refused:#}");
    let found = scene.home.json(1, &["doctor"]);
    let codes: Vec<_> = found["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["code"])
        .collect();
    assert!(codes.contains(&&"config-unsafe".into()), "{found:#}");
}

#[test]
fn an_adopted_store_is_no_finding_by_itself() {
    let Some(scene) = Scene::set() else { return };
    scene.kdb(6);
    scene.adopts(&[KDB, "--name", "kdb"]);
    let outcome = scene.home.run(&["doctor", "--json"]);
    let found = outcome.document();
    let findings = found["findings"].as_array().expect("a list");
    let about_store = findings
        .iter()
        .filter(|one| one["about"].to_string().contains("kdb"));
    let codes: Vec<_> = about_store.map(|one| &one["code"]).collect();
    assert!(!codes.contains(&&"store-read-only".into()), "{found:#}");
}

#[test]
fn somebody_who_is_not_root_adopts_what_they_can_read() {
    use std::os::unix::fs::{PermissionsExt, chown};
    use std::process::Command;
    let Some(scene) = Scene::set() else { return };
    if !rustix::process::geteuid().is_root() || !here("setpriv") {
        return;
    }
    scene.kdb(6);
    let nobody = Some(65_534);
    let mode = |name: &str, mode: u32| {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(scene.home.path(name), permissions).expect("changed");
    };
    mode("", 0o755);
    mode("client", 0o755);
    fs::create_dir(scene.home.path("h")).expect("made");
    chown(scene.home.path("h"), nobody, nobody).expect("given away");
    let run = |words: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
        let own = scene.home.command(words);
        command.arg(own.get_program()).args(own.get_args());
        command.current_dir(scene.home.directory());
        crate::support::Watched::output(&mut command, b"", std::time::Duration::from_secs(60))
    };
    let adopt = ["store", "create", "--adopt", KDB];
    // Whoever may not read the stash cannot open it, and is told which file that is.
    run(&adopt).exits(2).says("dsmcert");
    for name in [KDB, "client/dsmcert.sth"] {
        mode(name, 0o644);
    }
    let before = Snapshot::of(&scene.home.path("client"));
    run(&adopt).exits(0);
    run(&["scope", "--propose", "--yes"]).exits(0);
    run(&["verify", "one.pem", "--server", "TSM1"]).exits(0);
    run(&["store", "copy", "dsmcert", "mine"]).exits(0);
    // The right to write is the system's to give.
    run(&["store", "create", "--adopt", KDB, "--write"]).exits(0);
    let import = [
        "import",
        "--server",
        "TSM1",
        "three.pem",
        "--store",
        "dsmcert",
    ];
    run(&import).exits(3);
    assert_eq!(Snapshot::of(&scene.home.path("client")), before);
}
