//! Tests with other programs: what they write is read, and what is written they read.

use super::*;

#[test]
fn a_file_with_a_private_key_is_changed_and_the_key_stays_as_it_was() {
    if !has(&["openssl"]) {
        return;
    }
    let bench = Bench::new("anchors.p12");
    bench.real_certificate("own");
    let trusted = bench.real_certificate("trusted");
    bench.run(
        "openssl",
        &[
            "pkcs12",
            "-export",
            "-in",
            "own.pem",
            "-inkey",
            "own.key",
            "-certfile",
            "trusted.pem",
            "-caname",
            "Trusted",
            "-out",
            "anchors.p12",
            "-passout",
            "pass:changeit",
        ],
    );
    let original = fs::read(bench.path()).unwrap();
    bench.adopt(&original, b"changeit");
    let key = |name: &str| {
        let key = bench.run("openssl", &["pkey", "-in", name, "-outform", "PEM"]);
        key.replace('\r', "")
    };
    let own = key("own.key");

    let held = bench.items();
    let [(Kind::Certificate, _, "Trusted"), (Kind::PrivateKey, id, _)] = held
        .iter()
        .map(|(kind, id, label)| (*kind, id, label.as_str()))
        .collect::<Vec<_>>()[..]
    else {
        panic!("{held:?}");
    };
    let refused = bench.apply(&Batch::new(vec![Change::Remove(id)]));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::ReadOnly);
    let owner = fs::read(bench.path().with_file_name("own.pem")).unwrap();
    let owner = pem::certificates(&owner).unwrap().remove(0);
    let refused = bench.put(&owner, "own").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    let unheld = Id::of(&owner);
    let batch = Batch::new(vec![Change::Remove(unheld.as_bytes())]);
    assert_eq!(bench.apply(&batch).unwrap(), [Effect::Unchanged]);
    assert_eq!(fs::read(bench.path()).unwrap(), original);

    let new = bench.real_certificate("new");
    bench.put(&new, "New").unwrap();
    bench.put(&trusted, "Renamed").unwrap();
    let labels: Vec<_> = bench.items().into_iter().map(|(.., label)| label).collect();
    assert_eq!(labels[..2], ["Renamed", "New"]);
    bench.run(
        "openssl",
        &[
            "pkcs12",
            "-in",
            "anchors.p12",
            "-nocerts",
            "-nodes",
            "-passin",
            "pass:changeit",
            "-out",
            "kept.key",
        ],
    );
    assert_eq!(key("kept.key"), own);
    let backup = bench.path().with_file_name("anchors.p12.before-anchorhold");
    assert_eq!(fs::read(backup).unwrap(), original);
}

#[test]
fn openssl_and_keytool_read_what_several_writes_left() {
    if !has(&["openssl", "keytool"]) {
        return;
    }
    let bench = Bench::new("anchors.p12");
    let ders = ["one", "two", "three"].map(|name| bench.real_certificate(name));
    bench
        .put(&ders[0], "TSM server ONE self-signed key")
        .unwrap();
    bench.put(&ders[1], "Zwei – 二").unwrap();
    bench.put(&ders[2], "gone").unwrap();
    bench
        .put(&ders[0], "TSM server ONE self-signed key (2)")
        .unwrap();
    let gone = Id::of(&ders[2]);
    bench
        .apply(&Batch::new(vec![Change::Remove(gone.as_bytes())]))
        .unwrap();

    let password = crate::password(&bench.path()).unwrap();
    fs::write(bench.path().with_file_name("pw"), &*password).unwrap();
    let text = bench.run(
        "openssl",
        &["pkcs12", "-in", "anchors.p12", "-passin", "file:pw"],
    );
    assert_eq!(pem::certificates(text.as_bytes()).unwrap(), ders[..2]);
    assert!(
        text.contains("friendlyName: TSM server ONE self-signed key (2)"),
        "{text}"
    );
    let text = bench.run(
        "keytool",
        &[
            "-J-Duser.language=en",
            "-list",
            "-keystore",
            "anchors.p12",
            "-storepass:file",
            "pw",
        ],
    );
    assert!(text.contains("contains 2 entries"), "{text}");
    assert_eq!(text.matches("trustedCertEntry").count(), 2, "{text}");
}

#[test]
fn what_keytool_adds_is_listed_and_kept() {
    if !has(&["openssl", "keytool"]) {
        return;
    }
    let bench = Bench::new("anchors.p12");
    let ours = bench.real_certificate("ours");
    bench.real_certificate("theirs");
    bench.put(&ours, "ours").unwrap();
    let password = crate::password(&bench.path()).unwrap();
    fs::write(bench.path().with_file_name("pw"), &*password).unwrap();
    bench.run(
        "keytool",
        &[
            "-importcert",
            "-noprompt",
            "-keystore",
            "anchors.p12",
            "-storepass:file",
            "pw",
            "-alias",
            "theirs",
            "-file",
            "theirs.pem",
        ],
    );
    let mut labels = bench.list(0).unwrap();
    labels.sort();
    assert_eq!(labels, ["ours", "theirs"]);
    bench.put(&certificate(1), "new").unwrap();
    let mut labels = bench.list(0).unwrap();
    labels.sort();
    assert_eq!(labels, ["new", "ours", "theirs"]);
}
