//! Files exchanged with Java's keytool.

use super::*;

/// The words that import `Anchor.pem` under this alias.
fn importing(alias: &str) -> [&str; 6] {
    let file = "Anchor.pem";
    ["-importcert", "-noprompt", "-alias", alias, "-file", file]
}

#[test]
fn keytool_reads_what_is_written() {
    let Some((workshop, der)) = bench(&["keytool"]) else {
        return;
    };
    let labels = [
        "plain",
        "TSM server TSM1 self-signed key (2)",
        "東京 \u{1f511}",
    ];
    write_ours(&workshop, &labels, &der);
    let text = keytool(&workshop, "ours.p12", &["-list", "-rfc"]);
    assert_eq!(certificates_in(text.as_bytes()), vec![der; labels.len()]);
    let text = keytool(&workshop, "ours.p12", &["-list"]);
    assert!(text.contains("contains 3 entries"), "{text}");
    assert_eq!(text.matches("trustedCertEntry").count(), 3, "{text}");
    assert!(
        text.contains("tsm server tsm1 self-signed key (2)"),
        "{text}"
    );
}

#[test]
fn keytool_reads_an_empty_file() {
    let Some((workshop, der)) = bench(&["keytool"]) else {
        return;
    };
    write_ours(&workshop, &[], &der);
    let text = keytool(&workshop, "ours.p12", &["-list"]);
    assert!(text.contains("contains 0 entries"), "{text}");
}

#[test]
fn what_keytool_adds_to_our_file_is_read_beside_ours() {
    let Some((workshop, der)) = bench(&["keytool"]) else {
        return;
    };
    write_ours(&workshop, &["ours"], &der);
    keytool(&workshop, "ours.p12", &importing("theirs"));
    let archive = opened(workshop.read("ours.p12"));
    let mut labels: Vec<_> = archive.certificates().map(|c| c.label).collect();
    labels.sort_unstable();
    assert_eq!(labels, ["ours", "theirs"]);
    assert!(archive.certificates().all(|c| c.trusted && c.der == der));
}

#[test]
fn what_keytool_writes_is_read() {
    let Some((workshop, der)) = bench(&["keytool"]) else {
        return;
    };
    for (algorithm, mac) in [
        ("PBEWithHmacSHA256AndAES_256", "HmacPBESHA256"),
        ("PBEWithHmacSHA1AndAES_128", "HmacPBESHA1"),
        ("PBEWithHmacSHA224AndAES_256", "HmacPBESHA224"),
        ("PBEWithHmacSHA384AndAES_256", "HmacPBESHA384"),
        ("PBEWithHmacSHA512AndAES_128", "HmacPBESHA512"),
        ("PBEWithSHA1AndDESede", "HmacPBESHA1"),
        ("PBEWithSHA1AndRC2_40", "HmacPBESHA1"),
        ("PBEWithSHA1AndRC2_128", "HmacPBESHA1"),
        ("NONE", "HmacPBESHA256"),
    ] {
        let name = format!("{algorithm}.p12");
        let options = [
            format!("-J-Dkeystore.pkcs12.certProtectionAlgorithm={algorithm}"),
            format!("-J-Dkeystore.pkcs12.macAlgorithm={mac}"),
        ];
        let options = options.each_ref().map(String::as_str);
        let kind = ["-storetype", "PKCS12"];
        let words = [&options[..], &importing("Anchor"), &kind].concat();
        keytool(&workshop, &name, &words);
        let archive = opened(workshop.read(&name));
        assert_eq!(archive.len(), 1, "{algorithm}");
        let found = archive.get(0).unwrap();
        assert_eq!(
            (found.label, found.der),
            ("Anchor", &der[..]),
            "{algorithm}"
        );
        assert!(found.trusted, "{algorithm}");
    }
}

#[test]
fn keys_that_keytool_makes_are_listed_and_paired() {
    let Some((workshop, _)) = bench(&["keytool"]) else {
        return;
    };
    let made = ["-genkeypair", "-keyalg", "EC", "-dname", "CN=own"];
    let kind = ["-storetype", "PKCS12", "-alias", "own"];
    keytool(&workshop, "k.p12", &[&made[..], &kind].concat());
    keytool(&workshop, "k.p12", &importing("anchor"));
    let archive = opened(workshop.read("k.p12"));
    assert_eq!((archive.keys(), archive.len(), archive.others()), (1, 2, 0));
    for found in archive.certificates() {
        assert_eq!(found.of_key, found.label == "own");
        assert_eq!(found.trusted, found.label == "anchor");
    }
    let key = archive.key_records().next().unwrap();
    assert_eq!(key.label, "own");
    let own = archive.certificates().find(|found| found.of_key).unwrap();
    let public = key.public.unwrap();
    assert!(own.der.windows(public.len()).any(|part| part == public));
}
