//! Files exchanged with openssl.

use super::*;

#[test]
fn openssl_reads_what_is_written() {
    let Some((workshop, der)) = bench(&[]) else {
        return;
    };
    for count in [1, 2, 150] {
        let labels: Vec<_> = (0..count).map(|n| format!("Schlüssel {n}")).collect();
        let labels: Vec<_> = labels.iter().map(String::as_str).collect();
        write_ours(&workshop, &labels, &der);
        let words = ["pkcs12", "-in", "ours.p12", "-passin", "pass:changeit"];
        let listed = workshop.run("openssl", &words);
        assert_eq!(certificates_in(&listed), vec![der.clone(); count]);
        let text = String::from_utf8_lossy(&listed);
        assert_eq!(text.matches("friendlyName: ").count(), count);
        assert_eq!(text.matches("2.16.840.1.113894.746875.1.1").count(), count);
    }
}

#[test]
fn openssl_reads_an_empty_file() {
    let Some((workshop, der)) = bench(&[]) else {
        return;
    };
    write_ours(&workshop, &[], &der);
    let words = ["pkcs12", "-in", "ours.p12", "-passin", "pass:changeit"];
    assert_eq!(workshop.run("openssl", &words), b"");
}

#[test]
fn what_openssl_writes_is_read() {
    let Some((workshop, der)) = bench(&[]) else {
        return;
    };
    let only = ["-nokeys", "-caname", "Anchor", "-certfile", "Anchor.pem"];
    for more in [
        &[][..],
        &["-certpbe", "AES-128-CBC"],
        &["-certpbe", "AES-192-CBC", "-macalg", "sha1"],
        &["-certpbe", "AES-256-CBC", "-macalg", "sha384"],
        &["-certpbe", "DES-EDE3-CBC", "-macalg", "sha224"],
        &["-certpbe", "NONE", "-macalg", "sha512"],
        &["-iter", "1"],
        &["-iter", "300000"],
    ] {
        let archive = opened(export(&workshop, &[&only, more].concat()));
        assert_eq!((archive.keys(), archive.others()), (0, 0), "{more:?}");
        assert!(!archive.is_empty(), "{more:?}");
        for found in archive.certificates() {
            assert_eq!(found.der, der, "{more:?}");
            assert!(!found.trusted && !found.of_key, "{more:?}");
        }
    }
}

#[test]
fn what_openssl_writes_for_old_readers_is_read() {
    let Some((workshop, der)) = bench(&[]) else {
        return;
    };
    let own = ["-inkey", "Anchor.key", "-name", "Own"];
    for more in [
        &["-legacy"][..],
        &["-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"],
        &["-certpbe", "PBE-SHA1-2DES"],
        &["-certpbe", "PBE-SHA1-RC2-128", "-legacy"],
        &["-certpbe", "PBE-SHA1-RC2-40", "-legacy", "-nomaciter"],
        &["-legacy", "-noiter"],
    ] {
        let archive = opened(export(&workshop, &[&own, more].concat()));
        assert_eq!((archive.keys(), archive.len()), (1, 1), "{more:?}");
        let found = archive.get(0).unwrap();
        assert_eq!((found.label, found.of_key), ("Own", true), "{more:?}");
        assert_eq!(found.der, der, "{more:?}");
    }
}

#[test]
fn keys_that_openssl_writes_are_listed_and_paired() {
    let Some((workshop, _)) = bench(&[]) else {
        return;
    };
    let words = ["pkey", "-in", "Anchor.key", "-pubout", "-outform", "DER"];
    let public = workshop.run("openssl", &words);
    for more in [&[][..], &["-keypbe", "NONE", "-certpbe", "NONE"]] {
        let own = ["-inkey", "Anchor.key", "-name", "Own"];
        let archive = opened(export(&workshop, &[&own, more].concat()));
        assert_eq!(archive.len(), 1, "{more:?}");
        let found = archive.get(0).unwrap();
        assert_eq!((found.label, found.of_key), ("Own", true), "{more:?}");
        let keys: Vec<_> = archive.key_records().collect();
        assert_eq!(keys.len(), 1, "{more:?}");
        assert_eq!(keys[0].label, "Own", "{more:?}");
        assert_eq!(keys[0].public, Some(&public[..]), "{more:?}");
    }
}

#[test]
fn what_openssl_writes_without_safety_is_refused() {
    let Some((workshop, _)) = bench(&[]) else {
        return;
    };
    let password = &mut Password::new(PASSWORD);
    let no_mac = export(&workshop, &["-nokeys", "-nomac"]);
    assert_eq!(read(no_mac, password).unwrap_err(), P12Error::NoMac);
    let words = ["-nokeys", "-certpbe", "PBE-SHA1-RC4-40", "-legacy"];
    let old = export(&workshop, &words);
    let error = P12Error::UnknownAlgorithm {
        part: "encryption",
        oid: "1.2.840.113549.1.12.1.2".into(),
    };
    assert_eq!(read(old.clone(), password).unwrap_err(), error);
    assert_eq!(read(old, &mut Password::new("other")).unwrap_err(), error);
    for words in [&["-nokeys"][..], &["-nokeys", "-legacy"]] {
        let good = export(&workshop, words);
        let wrong = read(good, &mut Password::new("other"));
        assert_eq!(wrong.unwrap_err(), P12Error::WrongPassword);
    }
}

#[test]
fn passwords_beyond_ascii_are_those_of_openssl() {
    let Some((workshop, der)) = bench(&[]) else {
        return;
    };
    let text = "Schlüssel-\u{1f511}";
    let passout = format!("pass:{text}");
    for more in [&[][..], &["-legacy"]] {
        let words = [&["-nokeys", "-passout", &passout], more].concat();
        let archive = read(export(&workshop, &words), &mut Password::new(text)).unwrap();
        assert_eq!(archive.get(0).unwrap().der, der);
    }
}

#[test]
fn an_empty_password_is_that_of_openssl() {
    let Some((workshop, der)) = bench(&[]) else {
        return;
    };
    for more in [&[][..], &["-legacy"]] {
        let words = [&["-nokeys", "-passout", "pass:"], more].concat();
        let archive = read(export(&workshop, &words), &mut Password::new("")).unwrap();
        assert_eq!(archive.get(0).unwrap().der, der);
    }
}
