//! Files that have a password, or keys, or marks that nobody knows.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::round_trip::origin::{ORIGINS, PASSWORD, Workshop, indefinite};
use crate::support::{Authority, Desk, Home, Layout, Leaf, Outcome, Program, stanza};

/// A desk, the certificate of which is in `file.p12` with the password of every file.
fn desk() -> Option<Desk> {
    let desk = Desk::set()?;
    export(&desk, "file.p12", &["-nokeys"], PASSWORD);
    secret(&desk.home, "password", PASSWORD);
    Some(desk)
}

fn export(desk: &Desk, out: &str, more: &[&str], password: &str) {
    let password = format!("pass:{password}");
    let words = ["pkcs12", "-export", "-in", "cert256.pem", "-out", out];
    let words = [&words[..], &["-passout", &password], more].concat();
    desk.openssl.run(&words);
}

/// Writes a file that only its owner can read.
fn secret(home: &Home, name: &str, text: &str) {
    let path = home.write(name, text);
    fs::set_permissions(path, Permissions::from_mode(0o600)).expect("set");
}

/// The password is never shown, whatever comes of a call.
#[track_caller]
fn quiet(outcome: Outcome) -> Outcome {
    assert!(!outcome.stdout.contains(PASSWORD), "{}", outcome.shown());
    assert!(!outcome.stderr.contains(PASSWORD), "{}", outcome.shown());
    outcome
}

/// The import is refused as wrong input, and nothing is written.
#[track_caller]
fn refused(home: &Home, words: &[&str], code: &str) -> Value {
    let all = [&["import", "--server", "TSM1", "--json"], words].concat();
    let document = quiet(home.run(&all)).exits(2).document();
    assert_eq!(document["error"]["code"], code, "{document:#}");
    let remedy = document["error"]["remedy"].as_str().expect("a remedy");
    assert!(!remedy.is_empty(), "{document:#}");
    assert!(home.snapshot().is_empty(), "nothing is written");
    document
}

/// The labels and notes of an import that is done.
#[track_caller]
fn taken(home: &Home, words: &[&str]) -> (Vec<String>, String) {
    let all = [&["import", "--server", "TSM1", "--json"], words].concat();
    let document = quiet(home.run(&all)).exits(0).document();
    let taken = document["imported"].as_array().expect("a list").iter();
    let digits = taken.map(|one| one["sha256"].as_str().expect("text").to_owned());
    let said = format!("{} {}", document["notes"], document["warnings"]);
    (digits.collect(), said)
}

#[test]
fn one_password_opens_every_file_that_needs_it() {
    let Some(desk) = desk() else { return };
    desk.openssl.stock("second");
    let words = ["second.pem", "file.p12", "--password-file", "password"];
    let (digits, _) = taken(&desk.home, &words);
    assert_eq!(digits.len(), 2);
    assert!(digits.contains(&desk.identity.sha256()));
}

#[test]
fn the_stash_beside_a_file_opens_it_and_that_is_said() {
    let Some(desk) = desk() else { return };
    let Some(layout) = Layout::find(desk.home.directory()) else {
        return;
    };
    for form in ["v1", "v2"] {
        let home = Home::with_options(&stanza("TSM1", 1500, &[]));
        let filler = "55".repeat(128);
        let salt: String = (0..32).map(|byte| format!("{byte:02x}")).collect();
        let mut stash = json!({"form": form, "password": PASSWORD, "filler": filler});
        if form == "v2" {
            stash["salt"] = salt.into();
        }
        home.write("file.sth", layout.write_stash("file.sth", &stash));
        home.write(
            "file.p12",
            fs::read(desk.home.path("file.p12")).expect("there"),
        );
        let (digits, said) = taken(&home, &["file.p12"]);
        assert_eq!(digits, [desk.identity.sha256()]);
        assert!(
            said.contains("file.p12: opened with the password in its stash, file.sth"),
            "{said}"
        );
    }
}

#[test]
fn a_file_without_its_password_is_refused_with_what_to_do() {
    let Some(desk) = desk() else { return };
    let document = refused(&desk.home, &["file.p12"], "password-needed");
    let remedy = document["error"]["remedy"].as_str().expect("a remedy");
    for word in ["--password-file", "file.sth"] {
        assert!(remedy.contains(word), "{remedy}");
    }
    let message = document["error"]["message"].as_str().expect("a message");
    assert!(message.contains("file.p12"), "{message}");
    let bytes = fs::read(desk.home.path("file.p12")).expect("there");
    let words = ["import", "--server", "TSM1", "-", "--json"];
    let document = desk.home.run_with(&words, &bytes).exits(2).document();
    assert_eq!(document["error"]["code"], "password-needed");
    let words = [
        "import",
        "--server",
        "TSM1",
        "-",
        "--json",
        "--password-file",
        "password",
    ];
    desk.home.run_with(&words, &bytes).exits(0);
}

#[test]
fn a_wrong_password_is_refused_wherever_it_comes_from() {
    let Some(desk) = desk() else { return };
    secret(&desk.home, "wrong", "not-it");
    let words = ["file.p12", "--password-file", "wrong"];
    let document = refused(&desk.home, &words, "password-wrong");
    let message = document["error"]["message"].as_str().expect("a message");
    assert!(
        message.contains("file.p12") && message.contains("wrong"),
        "{message}"
    );
    // The stash of another file.
    let other = Home::with_options(&stanza("TSM1", 1500, &[]));
    other.write("cert.pem", desk.identity.pem());
    other
        .run(&["import", "--server", "TSM1", "cert.pem"])
        .exits(0);
    let stash = other.database().with_extension("sth");
    fs::copy(stash, desk.home.path("file.sth")).expect("copied");
    let document = refused(&desk.home, &["file.p12"], "password-wrong");
    assert!(
        document["error"]["message"]
            .to_string()
            .contains("file.sth")
    );
    // The right password is taken, whatever the stash says.
    taken(&desk.home, &["file.p12", "--password-file", "password"]);
}

#[test]
fn a_damaged_stash_is_refused_and_named() {
    let Some(desk) = desk() else { return };
    for bytes in [&b""[..], b"short", &[7; 193], &[7; 5000]] {
        desk.home.write("file.sth", bytes);
        let document = refused(&desk.home, &["file.p12"], "stash-unreadable");
        assert!(
            document["error"]["message"]
                .to_string()
                .contains("file.sth")
        );
    }
    fs::remove_file(desk.home.path("file.sth")).expect("removed");
    fs::create_dir(desk.home.path("file.sth")).expect("made");
    refused(&desk.home, &["file.p12"], "stash-unreadable");
}

#[test]
fn a_password_that_others_can_read_is_not_used() {
    let Some(desk) = desk() else { return };
    let path = desk.home.path("password");
    fs::set_permissions(path, Permissions::from_mode(0o644)).expect("set");
    let words = ["import", "--server", "TSM1", "file.p12", "--password-file"];
    let told = desk
        .home
        .run(&[&words[..], &["password"]].concat())
        .exits(2);
    quiet(told.says("chmod 600"));
    desk.home
        .run(&[&words[..], &["nowhere"]].concat())
        .exits(2)
        .says("nowhere");
    assert!(desk.home.snapshot().is_empty(), "nothing is written");
}

#[test]
fn an_empty_password_is_one_that_has_to_be_given() {
    let Some(desk) = desk() else { return };
    export(&desk, "empty.p12", &["-nokeys"], "");
    secret(&desk.home, "none", "");
    refused(&desk.home, &["empty.p12"], "password-needed");
    refused(
        &desk.home,
        &["file.p12", "--password-file", "none"],
        "password-wrong",
    );
    let (digits, _) = taken(&desk.home, &["empty.p12", "--password-file", "none"]);
    assert_eq!(digits, [desk.identity.sha256()]);
}

#[test]
fn a_file_that_nothing_protects_is_refused_with_and_without_a_password() {
    let Some(desk) = desk() else { return };
    export(&desk, "open.p12", &["-nokeys", "-nomac"], PASSWORD);
    for more in [&[][..], &["--password-file", "password"]] {
        let document = refused(&desk.home, &[&["open.p12"], more].concat(), "input-invalid");
        let message = document["error"]["message"].as_str().expect("a message");
        assert!(message.contains("authenticator"), "{message}");
    }
}

#[test]
fn a_damaged_file_is_refused_whatever_its_password() {
    let Some(desk) = desk() else { return };
    let whole = fs::read(desk.home.path("file.p12")).expect("there");
    for place in [9, whole.len() / 2, whole.len() - 20] {
        let mut bytes = whole.clone();
        bytes[place] ^= 1;
        desk.home.write("file.p12", bytes);
        let words = [
            "import",
            "--server",
            "TSM1",
            "file.p12",
            "--password-file",
            "password",
        ];
        quiet(desk.home.run(&words)).exits(2);
        assert!(desk.home.snapshot().is_empty(), "nothing is written");
    }
    desk.home.write("file.p12", &whole[..whole.len() - 1]);
    refused(
        &desk.home,
        &["file.p12", "--password-file", "password"],
        "input-invalid",
    );
}

#[test]
fn a_form_is_told_by_the_content_and_never_by_the_name() {
    let Some(desk) = desk() else { return };
    let rename = |from: &str, to: &str| {
        fs::copy(desk.home.path(from), desk.home.path(to)).expect("copied");
    };
    rename("file.p12", "cert.pem");
    rename("cert256.pem", "keys.kdb");
    let words = ["cert.pem", "keys.kdb", "--password-file", "password"];
    let (digits, _) = taken(&desk.home, &words);
    assert_eq!(digits, [desk.identity.sha256()]);
}

#[test]
fn certificates_of_a_key_are_taken_where_there_is_no_other_and_the_key_never() {
    let Some(desk) = desk() else { return };
    export(&desk, "own.p12", &["-inkey", "cert256.key"], PASSWORD);
    let (digits, said) = taken(&desk.home, &["own.p12", "--password-file", "password"]);
    assert_eq!(digits, [desk.identity.sha256()]);
    assert!(
        said.contains("a private key, which is left alone"),
        "{said}"
    );
    assert!(said.contains("there is no other"), "{said}");
    let home = Home::with_options(&stanza("TSM1", 1500, &[]));
    desk.openssl.stock("other");
    let more = [
        "-inkey",
        "cert256.key",
        "-certfile",
        "other.pem",
        "-name",
        "own",
    ];
    export(&desk, "both.p12", &more, PASSWORD);
    for name in ["both.p12", "password"] {
        fs::copy(desk.home.path(name), home.path(name)).expect("copied");
    }
    let (digits, said) = taken(&home, &["both.p12", "--password-file", "password"]);
    assert_eq!(digits.len(), 1);
    assert!(!digits.contains(&desk.identity.sha256()), "{digits:?}");
    assert!(said.contains("left out: \\\"own\\\""), "{said}");
}

#[test]
fn keys_alone_are_no_certificates_and_those_of_java_have_one() {
    let Some(desk) = desk() else { return };
    let key = [
        "pkcs12",
        "-export",
        "-nocerts",
        "-inkey",
        "cert256.key",
        "-out",
    ];
    let password = ["-passout", "pass:Example-Pass-1"];
    desk.openssl
        .run(&[&key[..], &["keys.p12"], &password].concat());
    let words = ["keys.p12", "--password-file", "password"];
    let document = refused(&desk.home, &words, "input-invalid");
    let message = document["error"]["message"].as_str().expect("a message");
    assert!(message.contains("private key"), "{message}");
    let Some(keytool) = Program::find("keytool", desk.home.directory()) else {
        return;
    };
    let words = [
        "-genkeypair",
        "-alias",
        "own",
        "-keyalg",
        "EC",
        "-dname",
        "CN=own",
    ];
    let store = ["-storetype", "JKS", "-keystore", "own.jks"];
    let passwords = ["-storepass", PASSWORD, "-keypass", PASSWORD];
    keytool.run(&[&words[..], &store, &passwords].concat());
    // The certificate of the key is there as well, and Java's own are as good as any.
    let (digits, said) = taken(&desk.home, &["own.jks", "--password-file", "password"]);
    assert_eq!(digits.len(), 1);
    assert!(said.contains("there is no other"), "{said}");
}

#[test]
fn what_java_does_not_trust_beside_a_key_is_left_out() {
    let Some(desk) = desk() else { return };
    let Some(keytool) = Program::find("keytool", desk.home.directory()) else {
        return;
    };
    let root = Authority::root(&desk.openssl, "root");
    root.sign(&Leaf::GOOD);
    let words = ["pkcs12", "-export", "-in", "leaf.pem", "-inkey", "leaf.key"];
    let rest = ["-certfile", "root.pem", "-name", "own", "-out", "own.p12"];
    let password = ["-passout", "pass:Example-Pass-1"];
    desk.openssl.run(&[&words[..], &rest, &password].concat());
    let words = ["-importkeystore", "-noprompt", "-srckeystore", "own.p12"];
    let to = ["-destkeystore", "java.p12", "-deststoretype", "PKCS12"];
    let passwords = ["-srcstorepass", PASSWORD, "-deststorepass", PASSWORD];
    keytool.run(&[&words[..], &to, &passwords].concat());
    let words = [
        "-importcert",
        "-noprompt",
        "-file",
        "cert256.pem",
        "-alias",
        "x",
    ];
    let store = ["-keystore", "java.p12", "-storepass", PASSWORD];
    keytool.run(&[&words[..], &store].concat());
    let (digits, said) = taken(&desk.home, &["java.p12", "--password-file", "password"]);
    assert_eq!(
        digits,
        [desk.identity.sha256()],
        "and not the CA of the key"
    );
    assert!(said.contains("left out"), "{said}");
    // Nothing says so in the file of a program that marks nothing.
    let digits = taken(&desk.home, &["own.p12", "--password-file", "password"]).0;
    assert_eq!(digits, [root.identity().sha256()]);
}

#[test]
fn a_keystore_of_another_kind_is_refused_with_the_command_that_changes_it() {
    let Some(desk) = desk() else { return };
    let Some(keytool) = Program::find("keytool", desk.home.directory()) else {
        return;
    };
    let words = [
        "-importcert",
        "-noprompt",
        "-file",
        "cert256.pem",
        "-alias",
        "x",
    ];
    let store = [
        "-storetype",
        "JCEKS",
        "-keystore",
        "x.jceks",
        "-storepass",
        PASSWORD,
    ];
    keytool.run(&[&words[..], &store].concat());
    let words = ["x.jceks", "--password-file", "password"];
    let document = refused(&desk.home, &words, "input-invalid");
    let remedy = document["error"]["remedy"].as_str().expect("a remedy");
    assert!(remedy.contains("keytool -importkeystore"), "{remedy}");
}

#[test]
fn a_database_of_version_3_is_taken_with_a_warning() {
    let Some(workshop) = Workshop::set() else {
        return;
    };
    let old = ORIGINS.iter().find(|one| one.what.ends_with("version 3"));
    if !old.expect("there").make(&workshop, "old.kdb") {
        return;
    }
    let home = workshop.home;
    home.write("dsm.sys", stanza("TSM1", 1500, &[]));
    let words = [
        "--options",
        "dsm.sys",
        "import",
        "--server",
        "TSM1",
        "old.kdb",
    ];
    let told = home.run(&[&words[..], &["--password-file", "password"]].concat());
    quiet(told.exits(0))
        .says("version 3")
        .says("compare the fingerprints");
}

#[test]
fn what_a_database_marks_in_an_unknown_way_is_left_out_and_its_keys_too() {
    let Some(desk) = desk() else { return };
    let Some(layout) = Layout::find(desk.home.directory()) else {
        return;
    };
    let other = desk.openssl.stock("other");
    desk.home.write("one.der", desk.identity.der());
    desk.home.write("other.der", other.der());
    let database = |records: Value| {
        let salt = "5a".repeat(23);
        json!({"version": 6, "password": PASSWORD, "salt": salt, "records": records})
    };
    let odd = json!({"certificate": "one.der", "label": "odd", "flags": "0700"});
    let good = json!({"certificate": "other.der", "label": "good"});
    layout.write("only.kdb", &database(json!([odd])));
    let words = ["only.kdb", "--password-file", "password"];
    let document = refused(&desk.home, &words, "input-invalid");
    assert!(
        document["error"]["message"]
            .to_string()
            .contains("not known")
    );
    layout.write("both.kdb", &database(json!([odd, good])));
    let (digits, said) = taken(&desk.home, &["both.kdb", "--password-file", "password"]);
    assert_eq!(digits, [other.sha256()]);
    assert!(
        said.contains("\\\"odd\\\"") && said.contains("not known"),
        "{said}"
    );
}

#[test]
fn lists_of_requests_and_revocations_are_called_by_their_names() {
    let Some(desk) = desk() else { return };
    let Some(layout) = Layout::find(desk.home.directory()) else {
        return;
    };
    for (name, word) in [("requests", "(.rdb)"), ("crl", "(.crl)")] {
        layout.write(
            "list",
            &json!({
                "version": 6, "kind": 1, "name": name, "password": PASSWORD,
                "salt": "5a".repeat(23), "records": [],
            }),
        );
        for more in [&[][..], &["--password-file", "password"]] {
            let document = refused(&desk.home, &[&["list"], more].concat(), "input-invalid");
            assert!(document["error"]["message"].to_string().contains(word));
        }
    }
}

#[test]
fn pkcs7_is_taken_with_open_lengths_and_refused_where_it_is_cut_short() {
    let Some(desk) = desk() else { return };
    let words = [
        "crl2pkcs7",
        "-nocrl",
        "-certfile",
        "cert256.pem",
        "-outform",
        "DER",
    ];
    desk.openssl.run(&[&words[..], &["-out", "x.p7b"]].concat());
    let der = fs::read(desk.home.path("x.p7b")).expect("made");
    desk.takes("DER", &der);
    for levels in 1..6 {
        let ber = indefinite(&der, levels);
        desk.takes("BER", &ber);
        for cut in [1, 2, ber.len() / 2] {
            desk.refuses("cut short", &ber[..ber.len() - cut]);
        }
    }
}

#[test]
fn the_vendors_utility_and_a_verdict_take_a_database_with_its_stash() {
    let Some(desk) = desk() else { return };
    desk.home
        .run(&["import", "--server", "TSM1", "cert256.pem"])
        .exits(0);
    let digits = desk.identity.sha256();
    desk.home.json(0, &["export", &digits, "-o", "dsmcert.kdb"]);
    let home = Home::with_options(&stanza("TSM1", 1500, &[]));
    for name in ["dsmcert.kdb", "dsmcert.sth", "cert256.pem"] {
        fs::copy(desk.home.path(name), home.path(name)).expect("copied");
    }
    let added = home.dsmcert(&["-add", "-server", "TSM1", "-file", "dsmcert.kdb"]);
    added.exits(0).says("successfully").says("dsmcert.sth");
    let words = ["verify", "cert256.pem", "--anchors", "dsmcert.kdb"];
    let judged = home.run(&words);
    // A server's own certificate is no CA, so that the answer is no; but it was read.
    assert!(
        judged.status.code().is_some_and(|code| code < 2),
        "{}",
        judged.shown()
    );
    judged.says("opened with the password in its stash");
    fs::remove_file(home.path("dsmcert.sth")).expect("removed");
    home.run(&words).exits(2).says("password");
}
