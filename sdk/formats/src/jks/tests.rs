//! Tests of keystores: those of keytool, and what is made here.

use proptest::prelude::*;
use sha1::{Digest, Sha1};

use super::*;
use crate::der::{SEQUENCE, wrap};
use crate::workshop::Workshop;

const PASSWORD: &str = "changeit";

/// What stands before the digest, from these entries.
fn body(version: u8, entries: &[Vec<u8>]) -> Vec<u8> {
    let count = u32::try_from(entries.len()).unwrap().to_be_bytes();
    let header = [0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, version];
    [&header[..], &count, &entries.concat()].concat()
}

/// A whole file around what stands before its digest.
fn sealed(body: &[u8], password: &str) -> Vec<u8> {
    let units: Vec<u8> = password.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let mut digest = Sha1::new();
    digest.update(units);
    digest.update(b"Mighty Aphrodite");
    digest.update(body);
    [body, &digest.finalize()].concat()
}

fn text(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
    [&length[..], bytes].concat()
}

fn block(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
    [&length[..], bytes].concat()
}

fn trusted(version: u8, alias: &[u8], der: &[u8]) -> Vec<u8> {
    let kind = if version == 2 { text(b"X.509") } else { vec![] };
    [vec![0, 0, 0, 2], text(alias), vec![0; 8], kind, block(der)].concat()
}

fn key(version: u8, chain: u8) -> Vec<u8> {
    let kind = if version == 2 { text(b"X.509") } else { vec![] };
    let certificate = [kind, block(&[9; 50])].concat();
    let certificates = certificate.repeat(usize::from(chain));
    let start = [vec![0, 0, 0, 1], text(b"own"), vec![0; 8], block(&[8; 70])];
    [start.concat(), vec![0, 0, 0, chain], certificates].concat()
}

fn sample() -> Vec<u8> {
    let der = wrap(SEQUENCE, &[&[7; 20]]);
    let entries = [
        trusted(2, b"one", &der),
        key(2, 2),
        trusted(2, b"two", &der),
    ];
    sealed(&body(2, &entries), PASSWORD)
}

#[test]
fn what_keytool_writes_is_read() {
    let Some(shop) = Workshop::open(&["openssl", "keytool"]) else {
        return;
    };
    let aliases = [
        "plain",
        "tsm server tsm1 self-signed key",
        "schlüssel 東京 \u{1f511}",
    ];
    let store = [
        "-keystore",
        "x.jks",
        "-storetype",
        "JKS",
        "-storepass",
        PASSWORD,
    ];
    let mut expected = Vec::new();
    for (index, alias) in aliases.into_iter().enumerate() {
        let name = format!("c{index}");
        let der = shop.certificate(&name);
        let file = format!("{name}.pem");
        let words = ["-J-Dsun.jnu.encoding=UTF-8", "-J-Dfile.encoding=UTF-8"];
        let import = ["-importcert", "-noprompt", "-alias", alias, "-file", &file];
        let mut command = vec!["LC_ALL=C.UTF-8", "keytool"];
        command.extend(words);
        command.extend(import);
        command.extend(store);
        shop.run("env", &command);
        let alias = alias.to_owned();
        expected.push(Trusted { alias, der });
    }
    let generate = [
        "-genkeypair",
        "-keyalg",
        "EC",
        "-alias",
        "own",
        "-dname",
        "CN=own",
    ];
    let password = ["-keypass", PASSWORD];
    shop.run("keytool", &[&generate[..], &password, &store].concat());
    let bytes = shop.read("x.jks");
    let mut keystore = read(&bytes, PASSWORD).unwrap();
    assert_eq!(keystore.keys, 1);
    // The order is that of a hash table.
    keystore.trusted.sort_by(|a, b| a.alias.cmp(&b.alias));
    expected.sort_by(|a, b| a.alias.cmp(&b.alias));
    assert_eq!(keystore.trusted, expected);
    assert_eq!(read(&bytes, "changeIt"), Err(JksError::WrongPassword));
    assert_eq!(read(&bytes, ""), Err(JksError::WrongPassword));
}

#[test]
fn what_java_writes_as_jceks_or_pkcs12_is_told_apart() {
    let Some(shop) = Workshop::open(&["openssl", "keytool"]) else {
        return;
    };
    shop.certificate("c");
    for (kind, error) in [
        ("JCEKS", JksError::Jceks),
        ("PKCS12", JksError::NotAKeystore),
    ] {
        let import = ["-importcert", "-noprompt", "-alias", "c", "-file", "c.pem"];
        let store = [
            "-keystore",
            kind,
            "-storetype",
            kind,
            "-storepass",
            PASSWORD,
        ];
        shop.run("keytool", &[&import[..], &store].concat());
        assert_eq!(read(&shop.read(kind), PASSWORD), Err(error), "{kind}");
    }
}

#[test]
fn keytool_reads_the_files_that_these_tests_make() {
    let Some(shop) = Workshop::open(&["openssl", "keytool"]) else {
        return;
    };
    let der = shop.certificate("c");
    for version in [1, 2] {
        let entries = [
            trusted(version, b"one", &der),
            trusted(version, b"two", &der),
        ];
        shop.write("x.jks", &sealed(&body(version, &entries), PASSWORD));
        let words = ["-J-Duser.language=en", "-list", "-keystore", "x.jks"];
        let words = [&words[..], &["-storetype", "JKS", "-storepass", PASSWORD]].concat();
        let listed = shop.run("keytool", &words);
        let listed = String::from_utf8_lossy(&listed);
        assert_eq!(listed.matches("trustedCertEntry").count(), 2, "{listed}");
    }
}

#[test]
fn both_versions_are_read_and_keys_are_counted() {
    let der = wrap(SEQUENCE, &[&[7; 20]]);
    for version in [1, 2] {
        let entries = [
            key(version, 0),
            trusted(version, b"a", &der),
            key(version, 3),
        ];
        let keystore = read(&sealed(&body(version, &entries), PASSWORD), PASSWORD).unwrap();
        let (alias, der) = ("a".to_owned(), der.clone());
        let trusted = vec![Trusted { alias, der }];
        // The first of the chain, and none of a key without a chain.
        let of_keys = vec![Trusted {
            alias: "own".to_owned(),
            der: vec![9; 50],
        }];
        let keys = 2;
        assert_eq!(
            keystore,
            Keystore {
                trusted,
                of_keys,
                keys
            }
        );
    }
    let empty = read(
        &sealed(&body(2, &[]), "Schlüssel \u{1f511}"),
        "Schlüssel \u{1f511}",
    );
    assert_eq!(empty, Ok(Keystore::default()));
}

#[test]
fn aliases_are_read_as_java_writes_them() {
    for (written, alias) in [
        (&b""[..], Some("")),
        (b"a\xc0\x80b", Some("a\0b")),
        ("é東".as_bytes(), Some("é東")),
        (b"\xed\xa0\xbd\xed\xb4\x91", Some("\u{1f511}")),
        // Half of a pair, a character that Java writes in two halves, pieces of characters.
        (b"\xed\xa0\xbd", None),
        ("\u{1f511}".as_bytes(), None),
        (b"\xc3", None),
        (b"\xc3\x28", None),
        (b"\xe6\x9d", None),
        (b"\x80", None),
        (b"\0", None),
    ] {
        let bytes = sealed(&body(2, &[trusted(2, written, &[0x30, 0])]), PASSWORD);
        match (read(&bytes, PASSWORD), alias) {
            (Ok(keystore), Some(alias)) => assert_eq!(keystore.trusted[0].alias, alias),
            (Err(JksError::Damaged { part, offset }), None) => {
                assert_eq!((part, offset), ("an alias", 16), "{written:x?}");
            }
            (other, _) => panic!("{written:x?}: {other:?}"),
        }
    }
}

#[test]
fn every_changed_byte_is_an_error() {
    let good = sample();
    assert_eq!(read(&good, PASSWORD).unwrap().trusted.len(), 2);
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << bit;
            assert!(read(&bytes, PASSWORD).is_err(), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn a_file_of_another_length_is_damaged_whatever_the_password() {
    let good = sample();
    for length in 8..good.len() {
        for password in [PASSWORD, "other"] {
            let error = read(&good[..length], password).unwrap_err();
            assert!(
                matches!(error, JksError::Damaged { .. }),
                "{length}: {error}"
            );
        }
    }
    let longer = [&good[..], &[0]].concat();
    let error = read(&longer, PASSWORD).unwrap_err();
    assert!(matches!(error, JksError::Damaged { .. }), "{error}");
    // Also where whoever changed it has the password.
    let entry = trusted(2, b"a", &[0x30, 0]);
    for (what, count) in [("too few", 2), ("too many", 0), ("far too few", 0xff)] {
        let mut lying = body(2, std::slice::from_ref(&entry));
        lying[if count == 0xff { 8 } else { 11 }] = count;
        let error = read(&sealed(&lying, PASSWORD), PASSWORD).unwrap_err();
        assert!(matches!(error, JksError::Damaged { .. }), "{what}: {error}");
    }
}

#[test]
fn what_is_no_keystore_is_named() {
    for (bytes, error) in [
        (&b""[..], JksError::NotAKeystore),
        (&[0xfe, 0xed, 0xfe], JksError::NotAKeystore),
        (&[0x30, 0x82, 1, 2, 3], JksError::NotAKeystore),
        (&[0xce, 0xce, 0xce, 0xce], JksError::Jceks),
        (
            &[0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 3],
            JksError::Version { found: 3 },
        ),
        (
            &[0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2],
            JksError::Damaged {
                part: "its end",
                offset: 8,
            },
        ),
    ] {
        assert_eq!(read(bytes, PASSWORD), Err(error), "{bytes:x?}");
    }
    let mut entry = trusted(2, b"a", &[0x30, 0]);
    entry[4 + 3 + 8 + 2] = b'Y';
    let kind = "Y.509".to_owned();
    let error = read(&sealed(&body(2, &[entry]), PASSWORD), PASSWORD);
    assert_eq!(error, Err(JksError::UnknownCertificate { kind }));
    let mut entry = trusted(2, b"a", &[0x30, 0]);
    entry[3] = 3;
    let error = read(&sealed(&body(2, &[entry]), PASSWORD), PASSWORD).unwrap_err();
    assert!(matches!(error, JksError::Damaged { .. }), "{error}");
    let one = trusted(1, b"", &[0x30, 0]);
    let count = usize::try_from(MAX_ENTRIES).unwrap() + 1;
    let error = read(&sealed(&body(1, &vec![one; count]), PASSWORD), PASSWORD);
    assert_eq!(error, Err(JksError::TooMany));
    let large = vec![0xfe; MAX_FILE + 1];
    assert_eq!(read(&large, PASSWORD), Err(JksError::TooLarge));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        version in 1..3_u8,
        tag in 1..3_u8,
    ) {
        let _ = read(&bytes, PASSWORD);
        // Behind a digest that fits.
        let entry = [&[0, 0, 0, tag], &bytes[..]].concat();
        let _ = read(&sealed(&body(version, &[entry]), PASSWORD), PASSWORD);
    }

    #[test]
    fn what_was_written_is_read(
        aliases in proptest::collection::vec("[a-z äöü]{0,20}", 0..9),
        der in proptest::collection::vec(any::<u8>(), 0..80),
        password in "\\PC{0,12}",
    ) {
        let entries: Vec<_> = aliases
            .iter()
            .map(|alias| trusted(2, alias.as_bytes(), &der))
            .collect();
        let keystore = read(&sealed(&body(2, &entries), &password), &password).unwrap();
        let found: Vec<_> = keystore.trusted.iter().map(|one| one.alias.clone()).collect();
        prop_assert_eq!(found, aliases);
        prop_assert!(keystore.trusted.iter().all(|one| one.der == der));
    }
}
