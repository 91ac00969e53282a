//! The certificates of a store as a file, which is authenticated as a whole before anything of it
//! is read.

use std::collections::BTreeMap;
use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// What tells one state of the file from every other: its authentication code.
pub(crate) type Tag = [u8; 32];

/// The id of a certificate: the SHA-256 of its bytes.
pub(crate) type Id = [u8; 32];

/// One certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) der: Vec<u8>,
    pub(crate) label: String,
    pub(crate) scope: String,
    /// Whether it may vouch for servers, or is only kept.
    pub(crate) is_anchor: bool,
}

/// Every certificate, by its id.
pub(crate) type Contents = BTreeMap<Id, Held>;

/// Why a file is not one that was written here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContentsError {
    /// What authenticates it does not fit: it was altered, or written with another key.
    Altered,
    /// It is authentic, and not laid out as this version reads it.
    Malformed,
}

impl fmt::Display for ContentsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Altered => "was altered, or is another keychain's",
            Self::Malformed => "is of another version of this program",
        })
    }
}

/// The id of a certificate.
pub(crate) fn id(der: &[u8]) -> Id {
    Sha256::digest(der).into()
}

/// The file, and its tag.
pub(crate) fn write(contents: &Contents, key: &[u8; 32]) -> (Vec<u8>, Tag) {
    let mut file = MAGIC.to_vec();
    put(&mut file, contents.len());
    for held in contents.values() {
        for part in [&held.der[..], held.label.as_bytes(), held.scope.as_bytes()] {
            put(&mut file, part.len());
            file.extend_from_slice(part);
        }
        file.push(u8::from(held.is_anchor));
    }
    let tag = tag(&file, key);
    file.extend_from_slice(&tag);
    (file, tag)
}

/// Reads a file that is authentic, with its tag.
pub(crate) fn read(file: &[u8], key: &[u8; 32]) -> Result<(Contents, Tag), ContentsError> {
    let (body, told) = file
        .split_last_chunk::<32>()
        .ok_or(ContentsError::Altered)?;
    if !bool::from(tag(body, key).ct_eq(told)) {
        return Err(ContentsError::Altered);
    }
    let contents = parse(body).ok_or(ContentsError::Malformed)?;
    Ok((contents, *told))
}

fn parse(body: &[u8]) -> Option<Contents> {
    let mut rest = Reader(body.strip_prefix(MAGIC)?);
    let count = rest.number(COUNT_MAX)?;
    let mut contents = Contents::new();
    for _ in 0..count {
        let der = rest.part(CERTIFICATE_MAX)?.to_vec();
        let label = String::from_utf8(rest.part(LABEL_MAX)?.to_vec()).ok()?;
        let scope = String::from_utf8(rest.part(SCOPE_MAX)?.to_vec()).ok()?;
        let is_anchor = match rest.take(1)? {
            [0] => false,
            [1] => true,
            _ => return None,
        };
        let held = Held {
            der,
            label,
            scope,
            is_anchor,
        };
        if contents.insert(id(&held.der), held).is_some() {
            return None;
        }
    }
    rest.0.is_empty().then_some(contents)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, most: usize) -> Option<usize> {
        let bytes = <[u8; 4]>::try_from(self.take(4)?).ok()?;
        let number = usize::try_from(u32::from_le_bytes(bytes)).ok()?;
        (number <= most).then_some(number)
    }

    fn part(&mut self, most: usize) -> Option<&'a [u8]> {
        let length = self.number(most)?;
        self.take(length)
    }
}

/// Every length here is bounded far below what the number holds.
fn put(file: &mut Vec<u8>, length: usize) {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    file.extend_from_slice(&length.to_le_bytes());
}

fn tag(body: &[u8], key: &[u8; 32]) -> Tag {
    // A key shorter than a block is filled with zeros (RFC 2104).
    let mut block = Zeroizing::new([0; 64]);
    for (place, byte) in block.iter_mut().zip(key) {
        *place = *byte;
    }
    let mut mac = Hmac::<Sha256>::new((&*block).into());
    mac.update(body);
    mac.finalize().into_bytes().into()
}

/// What the file begins with: a name, and the version of its layout.
const MAGIC: &[u8] = b"anchorhold keychain 1\n";
/// The most certificates of a store.
pub(crate) const COUNT_MAX: usize = 200_000;
/// In bytes, as the contract has it.
pub(crate) const CERTIFICATE_MAX: usize = 256 << 10;
/// The most bytes of a label.
pub(crate) const LABEL_MAX: usize = 1024;
/// The most bytes of the servers that a certificate is meant for.
pub(crate) const SCOPE_MAX: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; 32] = [7; 32];

    fn sample() -> Contents {
        let held = |der: &[u8], label: &str| Held {
            der: der.to_vec(),
            label: label.to_owned(),
            scope: "TSM1".to_owned(),
            is_anchor: true,
        };
        [held(b"one", "first"), held(b"two", "")]
            .map(|held| (id(&held.der), held))
            .into()
    }

    #[test]
    fn what_is_written_is_read() {
        for contents in [sample(), Contents::new()] {
            let (file, tag) = write(&contents, &KEY);
            assert_eq!(read(&file, &KEY), Ok((contents, tag)));
        }
    }

    #[test]
    fn every_altered_byte_is_noticed() {
        let (file, _) = write(&sample(), &KEY);
        for place in 0..file.len() {
            for bit in [1, 0x80] {
                let mut altered = file.clone();
                altered[place] ^= bit;
                assert_eq!(read(&altered, &KEY), Err(ContentsError::Altered), "{place}");
            }
            assert_eq!(read(&file[..place], &KEY), Err(ContentsError::Altered));
        }
        assert_eq!(read(&file, &[8; 32]), Err(ContentsError::Altered));
    }

    #[test]
    fn what_is_authentic_and_odd_is_refused() {
        let odd = |body: &[u8]| {
            let mut file = body.to_vec();
            file.extend_from_slice(&tag(body, &KEY));
            read(&file, &KEY)
        };
        let (file, _) = write(&sample(), &KEY);
        let body = &file[..file.len() - 32];
        assert!(odd(body).is_ok());
        let malformed = Err(ContentsError::Malformed);
        assert_eq!(odd(b""), malformed);
        assert_eq!(odd(&[body, b"x"].concat()), malformed);
        assert_eq!(odd(&body[..body.len() - 1]), malformed);
        let huge = [MAGIC, &u32::MAX.to_le_bytes()].concat();
        assert_eq!(odd(&huge), malformed);
        // The same certificate twice.
        let one = &body[MAGIC.len() + 4..][..4 + 3 + 4 + 5 + 4 + 4 + 1];
        let twice = [MAGIC, &2_u32.to_le_bytes(), one, one].concat();
        assert_eq!(odd(&twice), malformed);
    }
}
