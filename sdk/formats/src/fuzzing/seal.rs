//! Authenticators that fit, for files that hold whatever a fuzzer likes.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384};

use super::PASSWORD;
use crate::der::{CONTEXT_0, NULL, OCTET_STRING, OID, SEQUENCE, wrap};

/// A keystore of Java with this after its version.
pub(super) fn jks(version: u8, rest: &[u8]) -> Vec<u8> {
    let mut file = vec![0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, version];
    file.extend_from_slice(rest);
    let digest = Sha1::new()
        .chain_update(utf16(PASSWORD))
        .chain_update("Mighty Aphrodite")
        .chain_update(&file)
        .finalize();
    file.extend_from_slice(&digest);
    file
}

/// A PKCS#12 file whose parts are these bytes.
pub(super) fn p12(parts: &[u8]) -> Vec<u8> {
    const BLOCK: usize = 64;
    // One round, and a salt of one block: the key is a hash of its purpose, that and a block of
    // the password.
    let salt = [5; BLOCK];
    let password = [utf16(PASSWORD), vec![0, 0]].concat();
    let repeated: Vec<u8> = password.iter().copied().cycle().take(BLOCK).collect();
    let key = Sha256::new()
        .chain_update([3; BLOCK])
        .chain_update(salt)
        .chain_update(repeated)
        .finalize();
    let mac = hmac::<Hmac<Sha256>>(&key, &[parts]);
    let hash = [&wrap(OID, &[SHA256])[..], &wrap(NULL, &[])].concat();
    let digest = [wrap(SEQUENCE, &[&hash]), wrap(OCTET_STRING, &[&mac])];
    let mac = wrap(
        SEQUENCE,
        &[
            &wrap(SEQUENCE, &[&digest.concat()]),
            &wrap(OCTET_STRING, &[&salt]),
        ],
    );
    wrap(SEQUENCE, &[&[2, 1, 3], &data(parts), &mac])
}

/// Parts, of which the only one has these bytes for its bags.
pub(super) fn part(bags: &[u8]) -> Vec<u8> {
    wrap(SEQUENCE, &[&data(bags)])
}

/// Bytes as the content of PKCS#7.
fn data(bytes: &[u8]) -> Vec<u8> {
    let octets = wrap(OCTET_STRING, &[bytes]);
    wrap(
        SEQUENCE,
        &[&wrap(OID, &[DATA]), &wrap(CONTEXT_0, &[&octets])],
    )
}

/// The key database with authenticators that fit, as far as there is room for them.
pub(super) fn kdb(bytes: &[u8]) -> Vec<u8> {
    let mut file = bytes.to_vec();
    let password = PASSWORD.as_bytes();
    let make: fn(&[u8], &[&[u8]]) -> Vec<u8> = match bytes.get(2) {
        Some(3) => |password, parts| {
            let parts = [&parts.concat(), password].concat();
            Md5::digest(parts).to_vec()
        },
        Some(4) => hmac::<Hmac<Sha1>>,
        _ => hmac::<Hmac<Sha384>>,
    };
    let Some((header, rest)) = file.split_at_mut_checked(0x30) else {
        return file;
    };
    let check = make(password, &[header]);
    let Some((first, rest)) = rest.split_at_mut_checked(check.len()) else {
        return file;
    };
    first.copy_from_slice(&check);
    let Some((second, records)) = rest.split_at_mut_checked(check.len()) else {
        return file;
    };
    second.copy_from_slice(&make(password, &[header, first, records]));
    file
}

fn hmac<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else {
        return Vec::new();
    };
    for part in parts {
        Mac::update(&mut mac, part);
    }
    mac.finalize().into_bytes().to_vec()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
