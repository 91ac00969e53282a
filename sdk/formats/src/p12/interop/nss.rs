//! Files exchanged with NSS, whose own are BER.

use super::*;

/// A database in the directory `db` with `Anchor.pem`, its key and other certificates.
fn database(workshop: &Workshop) {
    create(workshop, "db");
    export(workshop, &["-inkey", "Anchor.key", "-name", "Own"]);
    import(workshop, "db", "x.p12");
}

fn create(workshop: &Workshop, name: &str) {
    std::fs::create_dir(workshop.path(name)).unwrap();
    let place = format!("sql:{name}");
    workshop.run("certutil", &["-N", "-d", &place, "--empty-password"]);
}

fn import(workshop: &Workshop, name: &str, file: &str) {
    let place = format!("sql:{name}");
    let words = ["-i", file, "-d", &place, "-W", PASSWORD];
    workshop.run("pk12util", &words);
}

/// What is exported of the database, with its key.
fn exported(workshop: &Workshop, words: &[&str]) -> Vec<u8> {
    let fixed = ["-o", "nss.p12", "-n", "Own", "-d", "sql:db", "-W", PASSWORD];
    workshop.run("pk12util", &[&fixed, words].concat());
    workshop.read("nss.p12")
}

#[test]
fn what_nss_writes_is_read() {
    let Some((workshop, der)) = bench(&["certutil", "pk12util"]) else {
        return;
    };
    database(&workshop);
    let triple_des = "PKCS #12 V2 PBE With SHA-1 And 3KEY Triple DES-CBC";
    let rc2_40 = "PKCS #12 V2 PBE With SHA-1 And 40 Bit RC2 CBC";
    for words in [
        &[][..],
        &["-c", "AES-256-CBC", "-C", "AES-256-CBC", "-M", "SHA-512"],
        &["-c", triple_des, "-C", rc2_40, "-M", "SHA-1"],
        &["-C", "none"],
    ] {
        let bytes = exported(&workshop, words);
        assert_eq!(bytes[..2], [0x30, 0x80], "{words:?}");
        let archive = opened(bytes.clone());
        assert_eq!((archive.keys(), archive.len()), (1, 1), "{words:?}");
        let found = archive.get(0).unwrap();
        assert_eq!((found.label, found.of_key), ("Own", true), "{words:?}");
        assert_eq!(found.der, der, "{words:?}");
        let key = archive.key_records().next().unwrap();
        assert!(key.public.is_some(), "{words:?}");
        assert_eq!(digest(&bytes), Ok(*archive.digest()), "{words:?}");
        let wrong = read(bytes, &mut Password::new("other"));
        assert_eq!(wrong.unwrap_err(), P12Error::WrongPassword, "{words:?}");
    }
}

#[test]
fn what_nss_writes_in_many_pieces_is_read() {
    let Some((workshop, _)) = bench(&["certutil", "pk12util"]) else {
        return;
    };
    // A certificate of some hundred kilobytes, which no piece holds as a whole.
    let names: Vec<_> = (0..9_000).map(|n| format!("DNS:name{n}.example")).collect();
    let config = format!(
        "[req]\ndistinguished_name=dn\nx509_extensions=v3\n[dn]\n[v3]\nsubjectAltName={}\n",
        names.join(",")
    );
    workshop.write("large.cnf", config.as_bytes());
    let words = ["req", "-x509", "-new", "-key", "Anchor.key", "-config"];
    let more = ["large.cnf", "-subj", "/CN=Large", "-out", "Anchor.pem"];
    workshop.run("openssl", &[&words[..], &more].concat());
    let der = certificates_in(&workshop.read("Anchor.pem")).remove(0);
    assert!(der.len() > 100_000);
    database(&workshop);
    let archive = opened(exported(&workshop, &[]));
    assert_eq!(archive.get(0).unwrap().der, der);
}

#[test]
fn no_byte_of_what_nss_writes_can_be_changed() {
    let Some((workshop, _)) = bench(&["certutil", "pk12util"]) else {
        return;
    };
    database(&workshop);
    let bytes = exported(&workshop, &[]);
    let mut password = Password::new(PASSWORD);
    // For each byte of the salt and of the rounds a key is derived, in as many rounds as NSS has.
    let size = bytes.len();
    let slow = [size - 23..size - 7, size - 5..size - 2];
    for place in (0..size).filter(|place| !slow.iter().any(|range| range.contains(place))) {
        let mut changed = bytes.clone();
        changed[place] ^= 0x01;
        assert!(read(changed, &mut password).is_err(), "{place}");
    }
    for length in 0..bytes.len() {
        let cut = read(bytes[..length].to_vec(), &mut password);
        assert_eq!(cut.unwrap_err(), P12Error::Truncated, "{length}");
    }
}

#[test]
fn nss_reads_what_is_written() {
    let Some((workshop, der)) = bench(&["certutil", "pk12util"]) else {
        return;
    };
    write_ours(&workshop, &["plain", "Schlüssel"], &der);
    let words = ["-l", "ours.p12", "-W", PASSWORD];
    let listed = workshop.run("pk12util", &words);
    let listed = String::from_utf8_lossy(&listed);
    assert_eq!(listed.matches("Friendly Name: ").count(), 2, "{listed}");
    create(&workshop, "empty");
    import(&workshop, "empty", "ours.p12");
    let listed = workshop.run("certutil", &["-L", "-d", "sql:empty"]);
    let listed = String::from_utf8_lossy(&listed);
    assert!(listed.contains("plain"), "{listed}");
}
