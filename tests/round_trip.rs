//! Certificates from every form that others make to every form that others read, and back.

pub(crate) mod origin;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::{Home, Layout, Program, stanza};
use origin::{ORIGINS, PASSWORD, Workshop};

/// A key database of each kind.
const STORES: &str = "\
[[store]]
name = \"p12\"
plugin = \"anchorhold.keydb\"
settings = { path = \"stores/a.p12\" }

[[store]]
name = \"kdb\"
plugin = \"anchorhold.keydb\"
settings = { path = \"stores/b.kdb\" }
";

/// A home with both stores, in a directory of its own.
fn home() -> Home {
    let home = Home::with_options(&stanza("TSM1", 1500, &[]));
    home.configure(STORES);
    home
}

/// Imports a file for TSM1 into both stores.
#[track_caller]
fn import(home: &Home, what: &str, words: &[&str]) -> Value {
    let all = [
        "import", "--server", "TSM1", "--store", "p12", "--store", "kdb", "--json",
    ];
    let outcome = home.run(&[&all[..], words].concat());
    assert_eq!(
        outcome.status.code(),
        Some(0),
        "{what}\n{}",
        outcome.shown()
    );
    outcome.document()
}

/// What a store holds: label by fingerprint.
fn held(home: &Home, store: &str) -> BTreeMap<String, String> {
    let list = home.json(0, &["list", "--store", store]);
    let held = list["certificates"].as_array().expect("a list").iter();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    held.map(|one| (text(&one["sha256"]), text(&one["label"])))
        .collect()
}

/// Copies a file of the workshop, and its password, to a home.
fn bring(workshop: &Workshop, home: &Home, name: &str) {
    for file in [name, "password"] {
        let (from, to) = (workshop.home.path(file), home.path(file));
        fs::copy(from, to).expect("copied");
    }
}

#[test]
fn every_form_goes_into_a_store_and_out_to_every_form_and_in_again() {
    let Some(workshop) = Workshop::set() else {
        return;
    };
    let fingerprints = workshop.fingerprints();
    let expected: BTreeSet<&String> = fingerprints.iter().collect();
    for (number, origin) in ORIGINS.iter().enumerate() {
        let file = format!("file{number}");
        if !origin.make(&workshop, &file) {
            continue;
        }
        let home = home();
        bring(&workshop, &home, &file);
        let words = [&*file, "--password-file", "password"];
        let words = if origin.locked {
            &words[..]
        } else {
            &words[..1]
        };
        import(&home, origin.what, words);
        for store in ["p12", "kdb"] {
            let held = held(&home, store);
            let found: BTreeSet<&String> = held.keys().collect();
            assert_eq!(found, expected, "{} in {store}", origin.what);
            if let Some(labels) = origin.labels {
                let kept = fingerprints.each_ref().map(|one| held[one].as_str());
                assert_eq!(kept, labels, "{} in {store}", origin.what);
            }
        }
        let back = exports(&home, &fingerprints);
        let labels = held(&home, "p12");
        for (form, again) in back {
            let found: BTreeSet<&String> = again.keys().collect();
            assert_eq!(found, expected, "{} as {form}", origin.what);
            if form.contains("12") || form.contains("kdb") {
                assert_eq!(again, labels, "{} as {form}", origin.what);
            }
        }
    }
}

/// What a home holds that has imported each form of an export.
fn exports(home: &Home, fingerprints: &[String; 2]) -> Vec<(String, BTreeMap<String, String>)> {
    let [root, issuing] = fingerprints.each_ref().map(String::as_str);
    let mut found = Vec::new();
    for (number, (file, more)) in [
        ("out.pem", &[][..]),
        ("out.arm", &[]),
        ("out.p12", &[]),
        ("out.p12", &["--stash", "v1"]),
        ("out.pfx", &["--password-file", "password"]),
        ("out.kdb", &[]),
        ("out.kdb", &["--kdb-version", "v4", "--stash", "v1"]),
        (
            "out.kdb",
            &["--kdb-version", "v4", "--password-file", "password"],
        ),
        (
            "out",
            &[
                "--format",
                "kdb",
                "--password-file",
                "password",
                "--stash",
                "v2",
            ],
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let directory = format!("export{number}");
        fs::create_dir(home.path(&directory)).expect("made");
        let path = format!("{directory}/{file}");
        let words = ["export", root, issuing, "-o", &path];
        let document = home.json(0, &[&words[..], more].concat());
        let other = self::home();
        for one in fs::read_dir(home.path(&directory)).expect("there") {
            let from = one.expect("read").path();
            let name = from.file_name().expect("a name").to_owned();
            fs::copy(&from, other.directory().join(name)).expect("copied");
        }
        let mut words = vec![file];
        if more.contains(&"--password-file") && document["stash"].is_null() {
            fs::copy(home.path("password"), other.path("password")).expect("copied");
            words.extend(["--password-file", "password"]);
        }
        let form = format!("{file} {}", more.join(" "));
        found.push((form.clone(), again(&other, &form, &words)));
        fs::remove_dir_all(home.path(&directory)).expect("removed");
    }
    found.push(("der".to_owned(), bare(home, fingerprints)));
    found
}

/// The same of one DER file for each.
fn bare(home: &Home, fingerprints: &[String; 2]) -> BTreeMap<String, String> {
    let other = self::home();
    for (one, name) in fingerprints.iter().zip(["one.der", "two.der"]) {
        home.json(0, &["export", one, "-o", name, "--force"]);
        fs::copy(home.path(name), other.path(name)).expect("copied");
    }
    again(&other, "der", &["one.der", "two.der"])
}

/// What an import would put into an empty store: label by fingerprint.
fn again(home: &Home, what: &str, words: &[&str]) -> BTreeMap<String, String> {
    let shown = import(home, what, &[words, &["--dry-run"]].concat());
    let shown = shown["imported"].as_array().expect("a list").iter();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    shown
        .filter(|one| one["store"] == "kdb")
        .map(|one| (text(&one["sha256"]), text(&one["label"])))
        .collect()
}

/// A home that holds both certificates with labels, and their fingerprints.
fn filled(workshop: &Workshop) -> Home {
    let origin = ORIGINS.iter().find(|one| one.what == "the same with names");
    assert!(origin.expect("there").make(workshop, "names.p12"));
    let home = home();
    bring(workshop, &home, "names.p12");
    import(
        &home,
        "names",
        &["names.p12", "--password-file", "password"],
    );
    home
}

#[test]
fn every_other_program_reads_an_exported_p12() {
    let Some(workshop) = Workshop::set() else {
        return;
    };
    let home = filled(&workshop);
    let [root, issuing] = workshop.fingerprints();
    let words = ["export", &root, &issuing, "-o", "out.p12"];
    home.json(0, &[&words[..], &["--password-file", "password"]].concat());
    let password = format!("pass:{PASSWORD}");
    let openssl = Program::find("openssl", home.directory()).expect("it made the certificates");
    let printed = openssl.run(&["pkcs12", "-in", "out.p12", "-nokeys", "-passin", &password]);
    assert_eq!(printed.stdout.matches("BEGIN CERTIFICATE").count(), 2);
    for word in ["corp root", "corp issuing 7"] {
        assert!(printed.stdout.contains(word), "{}", printed.stdout);
    }
    if let Some(keytool) = Program::find("keytool", home.directory()) {
        let words = ["-J-Duser.language=en", "-list", "-keystore", "out.p12"];
        let listed = keytool.run(&[&words[..], &["-storepass", PASSWORD]].concat());
        let entries = listed.stdout.matches("trustedCertEntry").count();
        assert_eq!(entries, 2, "{}", listed.stdout);
    }
    if let Some(pk12util) = Program::find("pk12util", home.directory()) {
        let listed = pk12util.run(&["-l", "out.p12", "-W", PASSWORD]);
        assert_eq!(listed.stdout.matches("Certificate:").count(), 2);
    }
    if let (Some(certutil), Some(pk12util)) = (
        Program::find("certutil", home.directory()),
        Program::find("pk12util", home.directory()),
    ) {
        fs::create_dir(home.path("nss")).expect("made");
        certutil.run(&["-N", "-d", "sql:nss", "--empty-password"]);
        pk12util.run(&["-i", "out.p12", "-d", "sql:nss", "-W", PASSWORD]);
        let listed = certutil.run(&["-L", "-d", "sql:nss"]);
        assert!(
            listed.stdout.contains("corp issuing 7"),
            "{}",
            listed.stdout
        );
    }
    if let Some(certtool) = Program::find("certtool", home.directory()) {
        let words = ["--p12-info", "--inder", "--infile", "out.p12"];
        let listed = certtool.run(&[&words[..], &["--password", PASSWORD]].concat());
        assert_eq!(listed.stdout.matches("BEGIN CERTIFICATE").count(), 2);
    }
    if let Some(python) = Program::pyca(home.directory()) {
        let script = format!(
            "from cryptography.hazmat.primitives.serialization import pkcs12\n\
             p = pkcs12.load_pkcs12(open('out.p12', 'rb').read(), b'{PASSWORD}')\n\
             assert p.key is None and p.cert is None\n\
             print(sorted(c.friendly_name.decode() for c in p.additional_certs))\n"
        );
        let listed = python.run(&["-c", &script]);
        assert_eq!(listed.stdout.trim(), "['corp issuing 7', 'corp root']");
    }
}

#[test]
fn a_program_that_knows_nothing_but_the_layout_reads_an_exported_kdb() {
    let Some(workshop) = Workshop::set() else {
        return;
    };
    let home = filled(&workshop);
    let Some(layout) = Layout::find(home.directory()) else {
        return;
    };
    let [root, issuing] = workshop.fingerprints();
    for (version, number) in [("v4", 4), ("v6", 6)] {
        let words = ["export", &root, &issuing, "-o", "out.kdb", "--force"];
        let more = ["--kdb-version", version, "--password-file", "password"];
        home.json(0, &[&words[..], &more].concat());
        let read = layout.read("out.kdb", PASSWORD);
        assert_eq!(read["version"], number);
        assert_eq!(read["check_fits"], true);
        assert_eq!(read["integrity_fits"], true);
        let slots = read["slots"].as_array().expect("slots");
        let labels: Vec<_> = slots.iter().map(|slot| slot["label"].as_str()).collect();
        assert_eq!(labels, [Some("corp root"), Some("corp issuing 7")]);
        let mode = fs::metadata(home.path("out.kdb"))
            .expect("there")
            .permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
    }
}
