//! Certificates in every form that people have them in, and what is no certificate.

use std::fs;

use serde_json::Value;

use crate::support::{Authority, Desk, Identity, Leaf};

#[test]
fn a_certificate_is_taken_in_every_form_that_people_have_it_in() {
    let Some(desk) = Desk::set() else { return };
    let pem = desk.identity.pem();
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
    let indented: String = pem.lines().map(|line| format!("   \t{line}\n")).collect();
    let trailing: String = pem.lines().map(|line| format!("{line} \t \n")).collect();
    for (what, text) in [
        ("as openssl writes it", pem.clone()),
        ("with CRLF", pem.replace('\n', "\r\n")),
        ("with a byte order mark", format!("\u{feff}{pem}")),
        ("indented", indented),
        ("with blanks behind its lines", trailing),
        (
            "with text before it",
            format!("Certificate of TSM1\nsee: the wiki\n\n{pem}"),
        ),
        (
            "with text behind it",
            format!("{pem}\nkind regards, your administrator\n"),
        ),
        ("in one long line", format!("{begin}\n{base64}\n{end}\n")),
        ("without a last line end", pem.trim_end().to_owned()),
        (
            "with the old label",
            pem.replace(" CERTIFICATE-", " X509 CERTIFICATE-"),
        ),
        ("twice", pem.repeat(2)),
    ] {
        desk.takes(what, text.as_bytes());
    }
    desk.takes("DER", &desk.identity.der());
}

#[test]
fn a_certificate_is_taken_as_openssl_writes_it_for_people_and_for_itself() {
    let Some(desk) = Desk::set() else { return };
    let written = |words: &[&str]| {
        let mut all = vec!["x509", "-in", "cert256.pem"];
        all.extend(words);
        desk.openssl.run(&all).stdout
    };
    let text = written(&["-text"]);
    assert!(text.starts_with("Certificate:"), "there is text before it");
    desk.takes("with its description before it", text.as_bytes());
    let trusted = written(&["-trustout", "-setalias", "x", "-addtrust", "serverAuth"]);
    assert!(trusted.contains("BEGIN TRUSTED CERTIFICATE"), "{trusted}");
    desk.takes("with openssl's own trust data", trusted.as_bytes());
}

#[test]
fn a_certificate_is_taken_from_standard_input() {
    let Some(desk) = Desk::set() else { return };
    let words = ["import", "--server", "TSM1", "-", "--json"];
    let outcome = desk
        .home
        .run_with(&words, desk.identity.pem().as_bytes())
        .exits(0);
    let document = outcome.document();
    assert_eq!(
        document["imported"][0]["sha256"].as_str(),
        Some(&*desk.identity.sha256())
    );
}

#[test]
fn what_is_no_certificate_is_wrong_input_and_writes_nothing() {
    let Some(desk) = Desk::set() else { return };
    let pem = desk.identity.pem();
    let key = fs::read_to_string(&desk.identity.key).expect("the key");
    let der = desk.identity.der();
    let without_end = pem.replace("-----END CERTIFICATE-----", "");
    let mut longer = der.clone();
    longer.push(0);
    for (what, content) in [
        ("an empty file", &b""[..]),
        ("text", b"this is no certificate\n"),
        ("zero bytes", &[0; 64]),
        ("a private key", key.as_bytes()),
        (
            "a certificate with its private key",
            format!("{pem}{key}").as_bytes(),
        ),
        ("half a certificate", &pem.as_bytes()[..pem.len() / 2]),
        ("no end line", without_end.as_bytes()),
        ("what is no base64", pem.replace("MII", "M!I").as_bytes()),
        ("what is base64 of something else", PEM_OF_TEXT.as_bytes()),
        ("DER cut short", &der[..der.len() - 1]),
        ("DER with a byte too many", &longer),
    ] {
        desk.refuses(what, content);
    }
}

#[test]
fn a_private_key_is_refused_with_advice_and_never_shown() {
    let Some(desk) = Desk::set() else { return };
    let key = fs::read_to_string(&desk.identity.key).expect("the key");
    let document = desk.refuses("both", format!("{}{key}", desk.identity.pem()).as_bytes());
    let message = document["error"]["message"]
        .as_str()
        .expect("a message")
        .to_lowercase();
    assert!(message.contains("private key"), "{message}");
    let remedy = document["error"]["remedy"].as_str().expect("advice");
    assert!(!remedy.is_empty());
    let secret = key.lines().nth(1).expect("base64");
    assert!(
        !document.to_string().contains(secret),
        "the key stays where it is"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_wrong_input() {
    let Some(desk) = Desk::set() else { return };
    fs::create_dir(desk.home.path("directory")).expect("made");
    for file in ["nowhere.pem", "directory"] {
        let document = desk.home.json(2, &["import", "--server", "TSM1", file]);
        let message = document["error"]["message"].as_str().expect("a message");
        assert!(message.contains(file), "{message}");
    }
    // One bad file among good ones, and none is taken.
    let words = ["import", "--server", "TSM1", "cert256.pem", "nowhere.pem"];
    desk.home.json(2, &words);
    assert!(desk.home.snapshot().is_empty(), "nothing is written");
}

#[test]
fn a_certificate_of_version_1_is_refused_at_import() {
    let Some(desk) = Desk::set() else { return };
    let openssl = &desk.openssl;
    let key = [
        "genpkey",
        "-algorithm",
        "EC",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
    ];
    openssl.run(&[&key[..], &["-out", "v1.key"]].concat());
    openssl.run(&[
        "req", "-new", "-key", "v1.key", "-subj", "/CN=old", "-out", "v1.csr",
    ]);
    let sign = [
        "x509", "-req", "-in", "v1.csr", "-signkey", "v1.key", "-out", "v1.pem",
    ];
    openssl.run(&sign);
    let shown = openssl.run(&["x509", "-in", "v1.pem", "-noout", "-text"]);
    assert!(
        shown.stdout.contains("Version: 1 "),
        "openssl makes version 1: {}",
        shown.stdout
    );
    let v1 = fs::read(openssl.path("v1.pem")).expect("made");
    let document = desk.refuses("version 1", &v1);
    let message = document["error"]["message"].as_str().expect("a message");
    assert!(
        message.contains("version 1") || message.contains("v1"),
        "{message}"
    );
}

#[test]
fn weak_certificates_are_refused_at_import() {
    let Some(desk) = Desk::set() else { return };
    for (name, more) in [
        ("short", &["-newkey", "rsa:1024"][..]),
        ("md5", &["-newkey", "rsa:2048", "-md5"]),
        ("sha1", &["-newkey", "rsa:2048", "-sha1"]),
    ] {
        let identity = desk.openssl.self_signed(name, "/CN=weak", more);
        desk.refuses(name, identity.pem().as_bytes());
    }
}

#[test]
fn several_certificates_in_one_file_are_taken_each_as_what_it_is() {
    let Some(desk) = Desk::set() else { return };
    let root = Authority::root(&desk.openssl, "root");
    let intermediate = root.intermediate("intermediate");
    let leaf = intermediate.sign(&Leaf::GOOD);
    let chain = [&leaf, intermediate.identity(), root.identity()]
        .map(Identity::pem)
        .concat();
    desk.home.write("chain.pem", chain);
    let imported = desk.import(&["chain.pem"]);
    let kinds = [
        (leaf.sha256(), "pin"),
        (intermediate.identity().sha256(), "intermediate"),
        (root.identity().sha256(), "anchor"),
    ];
    let taken = imported["imported"].as_array().expect("a list");
    assert_eq!(taken.len(), 3);
    for (digits, kind) in kinds {
        let one = taken
            .iter()
            .find(|one| one["sha256"].as_str() == Some(&*digits));
        assert_eq!(one.expect("taken")["kind"], kind);
    }
    let list = desk.home.json(0, &["list", "--server", "tsm1"]);
    assert_eq!(list["certificates"].as_array().map(Vec::len), Some(3));
}

#[test]
fn a_dry_run_shows_what_would_be_done_and_does_nothing() {
    let Some(desk) = Desk::set() else { return };
    let shown = desk.import(&["cert256.pem", "--dry-run"]);
    assert_eq!(shown["dry_run"], true);
    assert_eq!(shown["imported"][0]["outcome"], "new");
    assert_eq!(
        shown["imported"][0]["label"],
        "TSM server TSM1 self-signed key"
    );
    assert!(desk.home.snapshot().is_empty(), "an empty home stays empty");
    let done = desk.import(&["cert256.pem"]);
    assert_eq!(done["dry_run"], false);
    assert_eq!(
        done["imported"], shown["imported"],
        "it was shown as it is done"
    );
    desk.openssl.stock("other");
    let before = desk.home.snapshot();
    desk.import(&["other.pem", "--dry-run"]);
    assert_eq!(
        desk.home.snapshot(),
        before,
        "a home that is there stays as it is"
    );
}

#[test]
fn what_is_there_already_is_unchanged() {
    let Some(desk) = Desk::set() else { return };
    desk.import(&["cert256.pem"]);
    let before = fs::read(desk.home.database()).expect("there");
    let again = desk.import(&["cert256.pem"]);
    assert_eq!(again["imported"][0]["outcome"], "unchanged");
    assert_eq!(fs::read(desk.home.database()).expect("there"), before);
    let list = desk.home.json(0, &["list"]);
    assert_eq!(list["certificates"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_second_certificate_is_added_and_only_replace_takes_the_first_away() {
    let Some(desk) = Desk::set() else { return };
    let label = |document: &Value| document["imported"][0]["label"].as_str().map(str::to_owned);
    let plain = "TSM server TSM1 self-signed key";
    desk.openssl.stock("second");
    desk.openssl.stock("third");
    assert_eq!(
        label(&desk.import(&["cert256.pem"])),
        Some(plain.to_owned())
    );
    assert_eq!(
        label(&desk.import(&["second.pem"])),
        Some(format!("{plain} (2)"))
    );
    let first = desk.identity.sha256();
    desk.import(&["third.pem", "--replace", &first[..8]]);
    let list = desk.home.json(0, &["list"]);
    let held = list["certificates"].as_array().expect("a list");
    assert_eq!(held.len(), 2);
    assert!(
        held.iter()
            .all(|one| one["sha256"].as_str() != Some(&*first)),
        "{held:#?}"
    );
}

#[test]
fn an_unknown_server_is_wrong_input_that_lists_the_names_and_the_files() {
    let Some(desk) = Desk::set() else { return };
    let document = desk
        .home
        .json(2, &["import", "--server", "TSM2", "cert256.pem"]);
    let message = document["error"]["message"].as_str().expect("a message");
    for word in ["TSM2", "TSM1", "dsm.sys"] {
        assert!(message.contains(word), "{word} is missing in: {message}");
    }
    assert!(desk.home.snapshot().is_empty(), "nothing is written");
}

#[test]
fn whom_a_certificate_is_for_has_to_be_said() {
    let Some(desk) = Desk::set() else { return };
    desk.home.run(&["import", "cert256.pem"]).exits(2);
    let both = ["import", "cert256.pem", "--server", "TSM1", "--any-server"];
    desk.home.run(&both).exits(2);
    assert!(desk.home.snapshot().is_empty(), "nothing is written");
}

#[test]
fn a_certificate_that_is_no_ca_is_refused_for_any_server() {
    let Some(desk) = Desk::set() else { return };
    let leaf = Authority::root(&desk.openssl, "root").sign(&Leaf::GOOD);
    desk.home.json(2, &["import", "--any-server", "leaf.pem"]);
    assert!(desk.home.snapshot().is_empty(), "nothing is written");
    desk.import(&["leaf.pem"]);
    let digits = leaf.sha256();
    desk.home.json(2, &["scope", &digits, "--any-server"]);
    let list = desk.home.json(0, &["list"]);
    assert_eq!(list["certificates"][0]["servers"][0], "TSM1");
}

#[test]
fn a_strict_import_makes_the_server_strict_at_once() {
    let Some(desk) = Desk::set() else { return };
    let document = desk.import(&["cert256.pem", "--strict"]);
    assert_eq!(document["raised"][0], "TSM1");
    let record = desk.home.json(0, &["server", "show", "TSM1"]);
    assert_eq!(record["session_security"], "strict");
}

#[test]
fn an_import_says_while_the_server_could_still_be_talked_to_in_plain() {
    let Some(desk) = Desk::set() else { return };
    let words = ["import", "--server", "TSM1", "cert256.pem"];
    desk.home.run(&words).exits(0).says("plain").says("raise");
}

const PEM_OF_TEXT: &str = "-----BEGIN CERTIFICATE-----
dGhpcyBpcyBubyBjZXJ0aWZpY2F0ZSBhdCBhbGw=
-----END CERTIFICATE-----
";
