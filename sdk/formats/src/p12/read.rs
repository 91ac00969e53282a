//! Reads a file: authenticator first, then one part after another.

use core::ops::Range;

use zeroize::{Zeroize, Zeroizing};

use super::archive::Record;
use super::collection::Collection;
use super::encryption::Encryption;
use super::frame::Part;
use super::source::{Source, der_of};
use super::{Archive, ITERATIONS, P12Error, Password};
use crate::der::DerError;

/// Reads a PKCS#12 file.
///
/// Nothing is read of contents whose authenticator does not fit. Encrypted parts are decrypted
/// where they are, in `bytes`, and certificates stay there. Private keys are listed without
/// their secret half, and what was decrypted of all bags but those of certificates is wiped.
pub fn read(bytes: Vec<u8>, password: &mut Password) -> Result<Archive, P12Error> {
    let mut source = Source::new(bytes)?;
    let parts = source.authenticate(password)?;
    let digest = source.digest();
    let is_usual = source.rounds() <= ITERATIONS
        && match &parts[..] {
            [] => true,
            [part] => part
                .encryption
                .as_ref()
                .is_some_and(|e| e.key.rounds <= ITERATIONS),
            _ => false,
        };
    let found = open(parts, &mut source.bytes, password)?;
    for secret in &found.secrets {
        source.bytes[secret.clone()].zeroize();
    }
    let is_own = |record: &Record| record.trusted && !record.of_key;
    let is_plain = is_usual
        && !found.is_foreign
        && found.keys.is_empty()
        && found.others == 0
        && found.records.iter().all(is_own);
    Ok(Archive {
        is_plain,
        bytes: core::mem::take(&mut *source.bytes),
        labels: found.labels,
        records: found.records,
        keys: found.keys,
        others: found.others,
        digest,
    })
}

/// The [`Archive::digest`] of a whole file whose contents are known, such as one just written.
///
/// Nothing is decrypted and the authenticator is not checked.
pub fn digest(bytes: &[u8]) -> Result<[u8; 32], P12Error> {
    super::source::digest(bytes)
}

/// Decrypts `bytes` where they are, and returns how many there are without the padding.
///
/// The authenticator fits, so whoever wrote the file used two passwords if this one is wrong.
pub(super) fn decrypt(
    encryption: &Encryption,
    bytes: &mut [u8],
    offset: usize,
    password: &mut Password,
) -> Result<usize, P12Error> {
    let length = encryption.decrypt(bytes, password);
    length.ok_or(P12Error::Malformed {
        part: "an encrypted part has another password",
        source: DerError::Value { offset },
    })
}

/// Decrypts and reads all parts.
fn open(
    parts: Vec<Part>,
    bytes: &mut Zeroizing<Vec<u8>>,
    password: &mut Password,
) -> Result<Collection, P12Error> {
    let mut found = Collection::default();
    for Part {
        bags, encryption, ..
    } in parts
    {
        let mut clear = bags.clone();
        if let Some(encryption) = encryption {
            let length = decrypt(&encryption, &mut bytes[bags.clone()], bags.start, password)?;
            clear.end = bags.start + length;
        }
        collect(&mut found, bytes, clear)?;
    }
    found.pair(bytes);
    Ok(found)
}

/// Reads a part in clear, in a form of DER that is put after all else if it has another.
fn collect(
    found: &mut Collection,
    bytes: &mut Zeroizing<Vec<u8>>,
    clear: Range<usize>,
) -> Result<(), P12Error> {
    let Err(error) = found.read(bytes, clear.clone()) else {
        return Ok(());
    };
    let der = der_of(bytes, clear.clone(), &error).ok_or(error)?;
    bytes[clear].zeroize();
    let start = bytes.len();
    append(bytes, &der);
    found.read(bytes, start..start + der.len())
}

/// Appends `more`, and leaves no copy behind where that needs other memory.
fn append(bytes: &mut Zeroizing<Vec<u8>>, more: &[u8]) {
    let needed = bytes.len() + more.len();
    if bytes.capacity() < needed {
        // Twice as much, so that many small parts do not each move all before them.
        let mut roomy = Zeroizing::new(Vec::with_capacity(2 * needed));
        roomy.extend_from_slice(bytes);
        *bytes = roomy;
    }
    bytes.extend_from_slice(more);
}
