//! What an export writes, what it replaces, and what it never lets out.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Desk, Foreign, Home, Judge, Layout, Ruling, sha256};

/// A desk whose home holds its certificate, and the fingerprint.
fn desk() -> Option<(Desk, String)> {
    let desk = Desk::set()?;
    desk.import(&["cert256.pem"]);
    let digits = desk.identity.sha256();
    Some((desk, digits))
}

/// The export is refused as wrong input; nothing is made, and nothing of the home is written.
#[track_caller]
fn refused(home: &Home, words: &[&str], code: &str) -> Value {
    let before = (names(home.directory()), home.snapshot());
    let document = home.json(2, &[&["export"], words].concat());
    assert_eq!(document["error"]["code"], code, "{document:#}");
    let after = (names(home.directory()), home.snapshot());
    assert!(after == before, "{words:?} changes nothing");
    document
}

fn names(directory: &Path) -> Vec<std::ffi::OsString> {
    let entries = fs::read_dir(directory).expect("there");
    let mut names: Vec<_> = entries.map(|one| one.expect("read").file_name()).collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o7777
}

#[test]
fn text_is_clean_and_a_bare_certificate_is_its_bytes() {
    let Some((desk, digits)) = desk() else { return };
    let before = desk.home.snapshot();
    desk.home.json(0, &["export", &digits, "-o", "out.pem"]);
    let text = fs::read_to_string(desk.home.path("out.pem")).expect("made");
    assert!(text.starts_with("-----BEGIN CERTIFICATE-----\n"), "{text}");
    assert!(text.ends_with("-----END CERTIFICATE-----\n"), "{text}");
    assert!(text.lines().all(|line| line.len() <= 64), "{text}");
    assert_eq!(text.matches("-----").count(), 4, "and nothing else: {text}");
    assert_eq!(mode(&desk.home.path("out.pem")), 0o644);
    desk.home.json(0, &["export", &digits, "-o", "out.der"]);
    assert_eq!(
        fs::read(desk.home.path("out.der")).expect("made"),
        desk.identity.der()
    );
    assert_eq!(
        desk.home.snapshot(),
        before,
        "nothing of the home is written"
    );
}

#[test]
fn standard_output_gets_the_certificate_and_nothing_else() {
    let Some((desk, digits)) = desk() else { return };
    let printed = desk.home.run(&["export", &digits, "-o", "-"]).exits(0);
    assert!(
        printed.stdout.starts_with("-----BEGIN"),
        "{}",
        printed.stdout
    );
    assert!(
        printed.stdout.ends_with("CERTIFICATE-----\n"),
        "{}",
        printed.stdout
    );
    assert_eq!(printed.stderr, "");
    let shell = format!("anchorhold --home h export {digits} --format der -o - > out.der");
    desk.home.shell(&shell).exits(0);
    assert_eq!(
        fs::read(desk.home.path("out.der")).expect("made"),
        desk.identity.der()
    );
    refused(&desk.home, &[&digits, "-o", "-"], "usage");
    let word = ["export", &digits, "--format", "kdb", "-o", "-"];
    desk.home.run(&word).exits(2).says("written to a file");
}

#[test]
fn a_database_and_its_stash_are_their_owners_alone_and_differ_each_time() {
    let Some((desk, digits)) = desk() else { return };
    for (file, stash) in [("a.p12", "a.sth"), ("b.kdb", "b.sth")] {
        let document = desk.home.json(0, &["export", &digits, "-o", file]);
        assert_eq!(document["stash"], stash);
        let first = fs::read(desk.home.path(stash)).expect("made");
        assert_eq!(first.len(), 193);
        let words = ["export", &digits, "-o", file, "--force", "--stash", "v1"];
        desk.home.json(0, &words);
        let second = fs::read(desk.home.path(stash)).expect("made");
        assert_eq!(second.len(), 129);
        let read = |bytes: &[u8]| anchorhold_formats::sth::read(bytes).expect("a stash");
        assert_ne!(read(&first), read(&second));
        assert_eq!(read(&first).len(), 40);
        assert!(read(&first).is_ascii());
        for name in [file, stash] {
            assert_eq!(mode(&desk.home.path(name)), 0o600, "{name}");
        }
    }
    assert_eq!(
        names(desk.home.directory())
            .iter()
            .filter(|name| { name.to_string_lossy().contains(".new") })
            .count(),
        0,
        "nothing passing is left"
    );
}

#[test]
fn what_is_there_is_replaced_only_where_that_is_said() {
    let Some((desk, digits)) = desk() else { return };
    let home = &desk.home;
    let old = home.write("old.pem", "precious");
    fs::set_permissions(&old, Permissions::from_mode(0o640)).expect("set");
    symlink("nowhere", home.path("link.pem")).expect("linked");
    fs::create_dir(home.path("directory.pem")).expect("made");
    home.write("lone.sth", "precious");
    for name in [
        "old.pem",
        "link.pem",
        "directory.pem",
        "lone.kdb",
        "lone.p12",
    ] {
        let document = refused(home, &[&digits, "-o", name], "output-refused");
        assert!(
            document["error"]["message"]
                .to_string()
                .contains("there already")
        );
    }
    for name in ["link.pem", "directory.pem", "nowhere/x.pem", "/dev/null"] {
        let words = [&*digits, "--format", "pem", "-o", name, "--force"];
        refused(home, &words, "output-refused");
    }
    assert_eq!(fs::read_to_string(&old).expect("there"), "precious");
    home.json(0, &["export", &digits, "-o", "old.pem", "--force"]);
    assert!(
        fs::read_to_string(&old)
            .expect("there")
            .starts_with("-----BEGIN")
    );
    assert_eq!(mode(&old), 0o640, "what anybody may read keeps its mode");
    home.json(0, &["export", &digits, "-o", "lone.kdb", "--force"]);
    home.json(0, &["export", &digits, "-o", "x.kdb"]);
}

#[test]
fn the_stash_of_another_database_is_never_replaced() {
    let Some((desk, digits)) = desk() else { return };
    let home = &desk.home;
    home.json(0, &["export", &digits, "-o", "a.p12"]);
    let stash = fs::read(home.path("a.sth")).expect("made");
    for more in [&[][..], &["--force"]] {
        let words = [&[&*digits, "-o", "a.kdb"], more].concat();
        let document = refused(home, &words, "output-refused");
        assert!(document["error"]["message"].to_string().contains("a.p12"));
    }
    assert_eq!(fs::read(home.path("a.sth")).expect("there"), stash);
    refused(home, &[&digits, "--format", "kdb", "-o", "b.sth"], "usage");
}

#[test]
fn the_files_of_a_store_are_no_place_for_an_export() {
    let Some((desk, digits)) = desk() else { return };
    symlink("h/stores", desk.home.path("way")).expect("linked");
    for name in [
        "h/stores/anchorhold.p12",
        "h/stores/anchorhold.sth",
        "way/anchorhold.p12",
        "h/stores/anchorhold.kdb",
        "h/stores/anchorhold.p12.lock",
        "h/stores/anchorhold.p12.before-anchorhold",
        "way/anchorhold.p12.lock",
    ] {
        let words = [&*digits, "--format", "p12", "-o", name, "--force"];
        let document = refused(&desk.home, &words, "output-refused");
        assert!(document["error"]["message"].to_string().contains("keydb"));
    }
    for name in [
        "h/anchorhold.toml",
        "h/stores.d/x.toml",
        "h/state/ledger.db",
        "way/../state/journal.jsonl",
    ] {
        fs::create_dir_all(desk.home.path("h/stores.d")).expect("made");
        let before = fs::read(desk.home.path(name)).ok();
        let words = [&*digits, "--format", "pem", "-o", name, "--force"];
        let document = refused(&desk.home, &words, "output-refused");
        assert!(document["error"]["message"].to_string().contains("own"));
        assert_eq!(fs::read(desk.home.path(name)).ok(), before);
    }
}

#[test]
fn a_disk_that_takes_no_more_leaves_what_was_there() {
    let Some((desk, digits)) = desk() else { return };
    let home = &desk.home;
    home.json(0, &["export", &digits, "-o", "a.kdb"]);
    let both = || ["a.kdb", "a.sth"].map(|name| fs::read(home.path(name)).expect("there"));
    let before = both();
    // Nothing larger than 512 bytes can be written: the stash can, and the database cannot.
    let line =
        format!("trap '' XFSZ; ulimit -f 1; anchorhold --home h export {digits} -o a.kdb --force");
    home.shell(&line).exits(3).says("a.kdb");
    assert_eq!(both(), before);
    let left = names(home.directory());
    assert!(
        left.iter()
            .all(|name| !name.to_string_lossy().contains(".new")),
        "nothing passing is left: {left:?}"
    );
}

#[test]
fn options_that_do_not_fit_are_wrong_usage() {
    let Some((desk, digits)) = desk() else { return };
    desk.openssl.stock("second");
    let second = desk.import(&["second.pem"]);
    let second = second["imported"][0]["sha256"].as_str().expect("text");
    for words in [
        &["-o", "out"][..],
        &["-o", "out.jks"],
        &["-o", "out.pem", "--stash", "v1"],
        &["-o", "out.der", "--password-file", "pw"],
        &["-o", "out.p12", "--kdb-version", "v4"],
        &[second, "-o", "out.der"],
    ] {
        refused(&desk.home, &[&[&*digits], words].concat(), "usage");
    }
    refused(
        &desk.home,
        &["12345678", "-o", "out.pem"],
        "certificate-unknown",
    );
    desk.home.run(&["export", "-o", "out.pem"]).exits(2);
    desk.home.run(&["export", &digits]).exits(2);
    // The same one twice is one.
    let twice = desk
        .home
        .json(0, &["export", &digits, &digits[..8], "-o", "out.der"]);
    assert_eq!(twice["certificates"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_password_that_protects_nothing_or_is_no_secret_is_refused() {
    let Some((desk, digits)) = desk() else { return };
    let words = [&*digits, "-o", "out.p12", "--password-file", "pw"];
    for (text, mode, code) in [
        ("", 0o600, "password-unfit"),
        ("a\0b", 0o600, "password-unfit"),
        ("Example-Pass-1", 0o644, "secret-unreadable"),
    ] {
        let path = desk.home.write("pw", text);
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("set");
        refused(&desk.home, &words, code);
    }
    let path = desk.home.write("pw", "Passwörter");
    fs::set_permissions(path, Permissions::from_mode(0o600)).expect("set");
    let document = desk.home.json(0, &[&["export"], &words[..]].concat());
    assert_eq!(document["stash"], Value::Null);
    assert!(
        document["warnings"].to_string().contains("ASCII"),
        "{document:#}"
    );
}

#[test]
fn labels_differ_by_more_than_case() {
    let Some((desk, digits)) = desk() else { return };
    let Some(layout) = Layout::find(desk.home.directory()) else {
        return;
    };
    // Two stores, whose labels are of no concern to each other.
    desk.home.configure(
        "[[store]]\nname = \"a\"\nplugin = \"anchorhold.keydb\"\n\
         settings = { path = \"stores/anchorhold.p12\" }\n\
         [[store]]\nname = \"b\"\nplugin = \"anchorhold.keydb\"\n\
         settings = { path = \"stores/b.p12\" }\n",
    );
    let second = desk.openssl.stock("second").sha256();
    let label = "tsm SERVER tsm1 self-signed KEY";
    desk.import(&["second.pem", "--store", "b", "--label", label]);
    // The same certificate in both stores, with another label in the second.
    desk.import(&["cert256.pem", "--store", "b", "--label", "elsewhere"]);
    let words = ["export", &digits, &second, "-o", "out.kdb"];
    let document = desk.home.json(0, &words);
    let labels = ["TSM server TSM1 self-signed key", &format!("{label} (2)")];
    let certificates = document["certificates"].as_array().expect("a list");
    let told: Vec<_> = certificates
        .iter()
        .map(|one| one["label"].as_str())
        .collect();
    assert_eq!(told, labels.map(Some));
    let password = fs::read(desk.home.path("out.sth")).expect("made");
    let password = anchorhold_formats::sth::read(&password).expect("a stash");
    let read = layout.read("out.kdb", std::str::from_utf8(&password).expect("text"));
    assert_eq!(read["slots"][1]["label"], labels[1]);
}

#[test]
fn gskit_opens_what_is_exported_and_trusts_what_is_in_it() {
    let Some((desk, digits)) = desk() else { return };
    let Some(judge) = Judge::find(&desk.openssl) else {
        return;
    };
    desk.import(&["signer.pem", "--as", "anchor"]);
    let signer = judge.signer().sha256();
    let mut cases = Vec::new();
    for (one, ruling) in [(&signer, Ruling::Opens), (&digits, Ruling::NotTrusted)] {
        for (number, (ending, more)) in [
            ("p12", &[][..]),
            ("p12", &["--stash", "v1"]),
            ("kdb", &[]),
            ("kdb", &["--kdb-version", "v4", "--stash", "v1"]),
        ]
        .into_iter()
        .enumerate()
        {
            let file = format!("{ruling:?}{number}.{ending}");
            let words = ["export", one.as_str(), "-o", &file];
            desk.home.json(0, &[&words[..], more].concat());
            let database = desk.home.path(&file);
            let stash = database.with_extension("sth");
            cases.push((database, stash, ruling.clone()));
        }
    }
    judge.rules(&cases);
}

#[test]
fn what_vouches_for_nobody_is_exported_with_a_warning() {
    let Some((desk, digits)) = desk() else { return };
    desk.home.json(0, &["scope", &digits, "--none"]);
    let document = desk.home.json(0, &["export", &digits, "-o", "out.kdb"]);
    assert!(
        document["warnings"]
            .to_string()
            .contains("no server uses it")
    );
    let document = desk.home.json(0, &["export", &digits, "-o", "out.pem"]);
    assert_eq!(document["warnings"], json!([]));
}

#[test]
fn what_a_store_distrusts_goes_into_nothing_that_trusts_it() {
    let Some((desk, digits)) = desk() else { return };
    let Some(plugin) = Foreign::compile(&desk.home, &desk.identity.der()) else {
        return;
    };
    let header = "#include \"anchorhold.h\"\n#define AH_ANCHOR AH_DISTRUST\n";
    let header = desk.home.write("my/distrust.h", header);
    plugin.build(&["-include", &header.to_string_lossy()]);
    desk.home
        .run(&["plugin", "add", &plugin.manifest, "--yes"])
        .exits(0);
    // The place of what a plugin keeps is made when it first runs.
    desk.home.run(&["list"]);
    for name in ["out.p12", "out.kdb"] {
        let words = [&*digits, "-o", name];
        let document = refused(&desk.home, &words, "certificate-distrusted");
        assert!(document["error"]["remedy"].to_string().contains("pem"));
    }
    desk.home.json(0, &["export", &digits, "-o", "out.pem"]);
    // Where the store that distrusts it is silent, nobody knows.
    fs::remove_file(&plugin.library).expect("removed");
    let document = desk.home.json(3, &["export", &digits, "-o", "out.kdb"]);
    assert_eq!(document["error"]["code"], "store-unavailable");
    let document = desk.home.json(0, &["export", &digits, "-o", "out.der"]);
    assert_eq!(document["warnings"].as_array().map(Vec::len), Some(1));
}

#[test]
fn what_is_marked_in_an_unknown_way_and_keys_stay_where_they_are() {
    let Some(desk) = Desk::set() else { return };
    let Some(layout) = Layout::find(desk.home.directory()) else {
        return;
    };
    let (home, password) = (&desk.home, "Example-Pass-1");
    let key = [
        "pkcs8",
        "-topk8",
        "-in",
        "cert256.key",
        "-outform",
        "DER",
        "-out",
        "key.p8",
    ];
    desk.openssl
        .run(&[&key[..], &["-passout", "pass:another"]].concat());
    let other = desk.openssl.stock("other");
    home.write("other.der", other.der());
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let sealed = fs::read(home.path("key.p8")).expect("made");
    let held = [hex(&desk.identity.der()), hex(&sealed)];
    layout.write(
        "odd.kdb",
        &json!({
            "version": 6, "password": password, "salt": "5a".repeat(23),
            "records": [
                {"certificate": "other.der", "label": "odd", "flags": "0700"},
                {"record": {"kind": "key", "held": held, "label": "own"}},
            ],
        }),
    );
    let filler = "55".repeat(128);
    layout.write_stash(
        "odd.sth",
        &json!({"form": "v1", "password": password, "filler": filler}),
    );
    home.configure(
        "[[store]]\nname = \"kdb\"\nplugin = \"anchorhold.keydb\"\n\
         settings = { path = \"../odd.kdb\" }\n",
    );
    let listed = home.json(0, &["list"]);
    let listed = listed["certificates"].as_array().expect("a list");
    let key = listed
        .iter()
        .find(|one| one["kind"] == "key")
        .expect("a key");
    let key = key["sha256"].as_str().expect("text");
    let document = refused(home, &[key, "-o", "out.pem"], "certificate-unknown");
    assert!(
        document["error"]["message"]
            .to_string()
            .contains("private key")
    );
    let digits = sha256(&other.der());
    for name in ["out.kdb", "out.p12"] {
        let document = refused(home, &[&digits, "-o", name], "certificate-flags-unknown");
        assert!(document["error"]["remedy"].to_string().contains("scope"));
    }
    home.json(0, &["export", &digits, "-o", "out.pem"]);
    home.json(0, &["scope", &digits, "--server", "TSM1"]);
    home.json(0, &["export", &digits, "-o", "out.kdb"]);
}
