//! What stands in front of the records, and the two authenticators in it.

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use super::{Content, Header, KdbError, MAX_FILE, MAX_RECORDS, Salt, Version};

/// Where everything is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) header: Header,
    /// The size of each record, its padding included.
    pub(super) slot: usize,
}

/// An authenticator of any version.
pub(super) struct Tag {
    bytes: [u8; 48],
    length: usize,
}

impl Frame {
    /// Reads the header, and nothing of what follows.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, KdbError> {
        let fixed = bytes.get(..FIXED).ok_or_else(|| short(bytes))?;
        let content = content(fixed)?;
        let version = version(fixed[2])?;
        let size = number(&fixed[0x10..]);
        let slot = usize::try_from(size).unwrap_or(usize::MAX);
        if !(MIN_SLOT..=MAX_SLOT).contains(&slot) {
            return Err(KdbError::RecordSize { found: size });
        }
        let header = Header {
            version,
            content,
            records: number(&fixed[0x14..]),
        };
        Ok(Self { header, slot })
    }

    /// Reads the header of a whole file, whose size must be the one that it states.
    pub(super) fn of_whole(bytes: &[u8]) -> Result<Self, KdbError> {
        let frame = Self::read(bytes)?;
        if bytes.len() > MAX_FILE {
            return Err(KdbError::TooLarge);
        }
        let Some(size) = frame.size().filter(|size| *size <= MAX_FILE) else {
            // So much cannot be there, whatever is meant.
            return Err(KdbError::Truncated {
                missing: frame.size().unwrap_or(usize::MAX) - bytes.len(),
            });
        };
        if let Some(missing) = size.checked_sub(bytes.len()).filter(|missing| *missing > 0) {
            return Err(KdbError::Truncated { missing });
        }
        if bytes.len() > size {
            return Err(KdbError::TrailingBytes {
                count: bytes.len() - size,
            });
        }
        if frame.records() > MAX_RECORDS {
            return Err(KdbError::TooMany);
        }
        Ok(frame)
    }

    pub(super) fn records(&self) -> usize {
        usize::try_from(self.header.records).unwrap_or(usize::MAX)
    }

    /// Where the records begin.
    pub(super) fn start(&self) -> usize {
        FIXED + 2 * self.header.version.tag()
    }

    /// The size of the whole file; none where no file has that size.
    pub(super) fn size(&self) -> Option<usize> {
        self.records()
            .checked_mul(self.slot)?
            .checked_add(self.start())
    }

    /// Appends the header with no authenticators yet. What has no meaning is taken from
    /// `reserved`, and no byte of the salt is written as zero.
    pub(super) fn write(&self, out: &mut Vec<u8>, reserved: [u8; 4], salt: &Salt) {
        let version = match self.header.version {
            Version::V3 => 3,
            Version::V4 => 4,
            Version::V6 => 6,
        };
        let slot = u32::try_from(self.slot).unwrap_or(u32::MAX);
        out.extend_from_slice(&[MAGIC[0], MAGIC[1], version, KEYS.0]);
        out.extend_from_slice(&reserved);
        out.extend_from_slice(KEYS.1);
        out.extend_from_slice(&slot.to_be_bytes());
        out.extend_from_slice(&self.header.records.to_be_bytes());
        out.extend(salt.iter().map(|byte| (*byte).max(1)));
        out.push(0);
        out.resize(out.len() + 2 * self.header.version.tag(), 0);
    }

    /// Whether `password` is the one that the file was written with.
    pub(super) fn opens(&self, bytes: &[u8], password: &[u8]) -> bool {
        let length = self.header.version.tag();
        let tag = self.header.version.check(&bytes[..FIXED], password);
        tag.fits(&bytes[FIXED..FIXED + length])
    }

    /// Whether the records are those that the file was written with. The password opens it.
    ///
    /// In version 3 nobody can tell.
    pub(super) fn holds(&self, bytes: &[u8], password: &[u8]) -> bool {
        let length = self.header.version.tag();
        let stated = &bytes[FIXED + length..self.start()];
        self.integrity(bytes, password)
            .is_none_or(|tag| tag.fits(stated))
    }

    /// Puts both authenticators where they belong.
    pub(super) fn seal(&self, bytes: &mut [u8], password: &[u8]) {
        let length = self.header.version.tag();
        let check = self.header.version.check(&bytes[..FIXED], password);
        bytes[FIXED..FIXED + length].copy_from_slice(check.bytes());
        if let Some(tag) = self.integrity(bytes, password) {
            bytes[FIXED + length..FIXED + 2 * length].copy_from_slice(tag.bytes());
        }
    }

    /// What tells this state of the file from every other.
    pub(super) fn digest(&self, bytes: &[u8]) -> [u8; 32] {
        let telling = match self.header.version {
            // Its authenticators need not differ where its records do.
            Version::V3 => bytes,
            Version::V4 | Version::V6 => &bytes[SALT..self.start()],
        };
        Sha256::digest(telling).into()
    }

    /// The authenticator over everything, where it is known how it is made.
    fn integrity(&self, bytes: &[u8], password: &[u8]) -> Option<Tag> {
        let parts = [
            &bytes[..FIXED + self.header.version.tag()],
            &bytes[self.start()..],
        ];
        match self.header.version {
            Version::V3 => None,
            Version::V4 => Some(authenticate::<Hmac<Sha1>>(password, &parts)),
            Version::V6 => Some(authenticate::<Hmac<Sha384>>(password, &parts)),
        }
    }
}

impl Version {
    /// The size of each authenticator.
    fn tag(self) -> usize {
        match self {
            Self::V3 => 16,
            Self::V4 => 20,
            Self::V6 => 48,
        }
    }

    /// The authenticator that tells whether a password is the right one.
    fn check(self, fixed: &[u8], password: &[u8]) -> Tag {
        match self {
            Self::V3 => {
                let mut hash = Md5::new();
                hash.update(fixed);
                hash.update(password);
                Tag::new(&hash.finalize())
            }
            Self::V4 => authenticate::<Hmac<Sha1>>(password, &[fixed]),
            Self::V6 => authenticate::<Hmac<Sha384>>(password, &[fixed]),
        }
    }
}

impl Tag {
    fn new(bytes: &[u8]) -> Self {
        let mut tag = Self {
            bytes: [0; 48],
            length: bytes.len(),
        };
        tag.bytes[..bytes.len()].copy_from_slice(bytes);
        tag
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn fits(&self, stated: &[u8]) -> bool {
        self.bytes().ct_eq(stated).into()
    }
}

impl Drop for Tag {
    fn drop(&mut self) {
        // What would have fitted a file that somebody altered is nobody's business.
        self.bytes.zeroize();
    }
}

fn authenticate<M: Mac + KeyInit>(password: &[u8], parts: &[&[u8]]) -> Tag {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
    let mut mac = <M as KeyInit>::new_from_slice(password).expect("any length is a key's");
    for part in parts {
        mac.update(part);
    }
    Tag::new(&mac.finalize().into_bytes())
}

/// What a file of so few bytes is.
fn short(bytes: &[u8]) -> KdbError {
    let known = bytes.len().min(MAGIC.len());
    if bytes.is_empty() || bytes[..known] != MAGIC[..known] {
        return KdbError::NotAKeyDatabase;
    }
    KdbError::Truncated {
        missing: FIXED - bytes.len(),
    }
}

fn content(fixed: &[u8]) -> Result<Content, KdbError> {
    let named = (fixed[3], &fixed[0x08..0x10]);
    if fixed[..2] != MAGIC {
        Err(KdbError::NotAKeyDatabase)
    } else if named == (KEYS.0, &KEYS.1[..]) {
        Ok(Content::Keys)
    } else if named == (LIST, b"X509KYP\0") {
        Ok(Content::Requests)
    } else if named == (LIST, b"X509CRL\0") {
        Ok(Content::Revocations)
    } else {
        Err(KdbError::NotAKeyDatabase)
    }
}

fn version(found: u8) -> Result<Version, KdbError> {
    match found {
        3 => Ok(Version::V3),
        4 => Ok(Version::V4),
        6 => Ok(Version::V6),
        _ => Err(KdbError::Version { found }),
    }
}

/// The number that `bytes`, at least four of them, begin with.
pub(super) fn number(bytes: &[u8]) -> u32 {
    bytes[..4]
        .iter()
        .fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// What every file begins with.
const MAGIC: [u8; 2] = [0x37, 0x48];
/// The kind and name of a list of certificates and keys.
const KEYS: (u8, &[u8; 8]) = (2, b"X509KEY\0");
/// The kind of every other list.
const LIST: u8 = 1;
/// The size of what stands before the authenticators.
const FIXED: usize = 0x30;
const SALT: usize = 0x18;
/// What no record can be smaller than: its fields of fixed size.
const MIN_SLOT: usize = 16;
/// Larger records than any that a certificate or key needs.
pub(super) const MAX_SLOT: usize = 16 << 20;
