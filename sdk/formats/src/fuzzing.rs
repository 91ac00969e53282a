//! Entries for fuzzers: bytes in, and nothing comes out but a panic where something is wrong.
//!
//! Where a format is authenticated, the bytes are read as they are, and once more with an
//! authenticator that fits, so that what comes behind it is read too.

mod seal;

use crate::edit::{Edit, Edits, Entry};
use crate::{ber, der, jks, kdb, p7b, p12, pem, sth};

/// The password of whatever has one.
pub const PASSWORD: &str = "changeit";

/// Takes every element of DER, down to the innermost.
pub fn der(bytes: &[u8]) {
    let mut readers = vec![der::Reader::new(bytes)];
    while let Some(mut reader) = readers.pop() {
        let _ = reader.clone().unsigned();
        let oid = reader.clone().oid();
        assert!(
            oid.is_err() || oid.is_ok_and(|oid| oid.is_empty() || !der::dotted(oid).is_empty())
        );
        let Ok(element) = reader.any() else {
            continue;
        };
        assert_eq!(Some(element.contents), bytes.get(element.range()));
        assert_eq!(der::stated_size(element.whole), Ok(element.whole.len()));
        assert_eq!(der::wrap(element.tag, &[element.contents]), element.whole);
        readers.push(reader);
        if element.tag & 0x20 != 0 && readers.len() < 64 {
            readers.push(element.reader());
        }
    }
}

/// Turns BER into DER, which then stays what it is.
pub fn ber(bytes: &[u8]) {
    let whole = ber::Reader::new(bytes).any();
    let Ok(der) = ber::to_der(bytes) else { return };
    assert_eq!(whole.map(|element| element.whole), Ok(bytes));
    let mut reader = der::Reader::new(&der);
    assert!(reader.any().is_ok() && reader.is_empty());
    assert_eq!(ber::to_der(&der).as_ref(), Ok(&der));
}

/// Reads a text; its certificates in armour of our own are the same.
pub fn pem(bytes: &[u8]) {
    let _ = pem::contents(bytes);
    let Ok(certificates) = pem::certificates(bytes) else {
        return;
    };
    let text: String = certificates.iter().map(|der| pem::write(der)).collect();
    assert_eq!(pem::certificates(text.as_bytes()), Ok(certificates));
}

/// Reads a PKCS#7 file; every certificate of it stands there as it is, or became DER.
pub fn p7b(bytes: &[u8]) {
    for der in p7b::certificates(bytes).unwrap_or_default() {
        let found = bytes.windows(der.len()).any(|part| part == der);
        assert!(found || ber::to_der(&der).as_ref() == Ok(&der));
    }
}

/// Reads a keystore of Java, and a keystore around the bytes.
pub fn jks(bytes: &[u8]) {
    let _ = jks::read(bytes, PASSWORD);
    for version in [1, 2] {
        let _ = jks::read(&seal::jks(version, bytes), PASSWORD);
    }
}

/// Reads a stash; what was read is written, and read again.
pub fn sth(bytes: &[u8]) {
    let Ok(password) = sth::read(bytes) else {
        return;
    };
    let filler = &[0x55; sth::MAX_PASSWORD];
    for written in [
        sth::write_v1(&password, filler),
        sth::write_v2(&password, &[7; 32], filler),
    ] {
        let read = written.map(|stash| sth::read(&stash));
        assert_eq!(read, Ok(Ok(password.clone())));
    }
}

/// Reads a PKCS#12 file, and files around the bytes: as their parts, and as bags of one part.
pub fn p12(bytes: &[u8]) {
    for file in [
        bytes.to_vec(),
        seal::p12(bytes),
        seal::p12(&seal::part(bytes)),
    ] {
        let mut password = p12::Password::new(PASSWORD);
        let Ok(archive) = p12::read(file.clone(), &mut password) else {
            continue;
        };
        let held = held(archive.certificates().map(|one| (one.label, one.der)));
        assert_eq!(p12::digest(&file), Ok(*archive.digest()));
        // Deriving the keys of what is written takes long, as it should: a few are enough.
        if bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)) % 16 != 0 {
            continue;
        }
        edited(&held, |edits| {
            let file = p12::rewrite(file.clone(), edits, &mut password, &RANDOM).ok()?;
            let again = p12::read(file, &mut password);
            let again = again.map(|again| {
                assert_eq!(again.keys(), archive.keys());
                self::held(again.certificates().map(|one| (one.label, one.der)))
            });
            again.ok().or_else(|| Some(Vec::new()))
        });
    }
}

/// Reads a key database as it is, and with authenticators that fit.
pub fn kdb(bytes: &[u8]) {
    let _ = kdb::header(bytes);
    for file in [bytes.to_vec(), seal::kdb(bytes)] {
        let Ok(database) = kdb::read(file.clone(), PASSWORD.as_bytes()) else {
            continue;
        };
        assert_eq!(kdb::digest(&file), Ok(*database.digest()));
        let held = held(database.certificates().map(|one| (one.label, one.der)));
        edited(&held, |edits| {
            let file = kdb::rewrite(&database, edits, PASSWORD.as_bytes(), &[7; 23]).ok()?;
            let again = kdb::read(file, PASSWORD.as_bytes());
            let again = again.map(|again| {
                assert_eq!(again.keys(), database.keys());
                self::held(again.certificates().map(|one| (one.label, one.der)))
            });
            again.ok().or_else(|| Some(Vec::new()))
        });
    }
}

/// A label and a certificate.
type Held = (String, Vec<u8>);

fn held<'a>(certificates: impl Iterator<Item = (&'a str, &'a [u8])>) -> Vec<Held> {
    certificates
        .map(|(label, der)| (label.to_owned(), der.to_vec()))
        .collect()
}

/// What a writer makes of some edits is what they say, wherever it agrees to make them.
///
/// It gives back what was read again, and nothing where it refuses the edits.
fn edited(held: &[Held], mut write: impl FnMut(&Edits<'_>) -> Option<Vec<Held>>) {
    let added = Entry {
        label: "added",
        der: &[0x30, 0],
    };
    let last = held.len().saturating_sub(1);
    for edit in [None, Some(Edit::Label("another")), Some(Edit::Remove)] {
        let mut edits = Edits::default();
        let mut expected = held.to_vec();
        match edit {
            None => {
                edits.added.push(added);
                expected.push((added.label.to_owned(), added.der.to_vec()));
            }
            Some(edit) if !held.is_empty() => {
                edits.changes.insert(last, edit);
                let gone = expected.pop();
                if let (Edit::Label(label), Some((_, der))) = (edit, gone) {
                    expected.push((label.to_owned(), der));
                }
            }
            Some(_) => continue,
        }
        if let Some(mut found) = write(&edits) {
            // A new certificate may come before those that were there.
            found.sort();
            expected.sort();
            assert_eq!(found, expected, "{edit:?}");
        }
    }
}

const RANDOM: p12::Randomness = p12::Randomness {
    salt: [1; 16],
    iv: [2; 16],
    mac_salt: [3; 16],
};
