//! Reads a keystore: its digest first, then one entry after another.

use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{JksError, Keystore, MAX_ENTRIES, MAX_FILE, Trusted};

/// Reads a keystore whose digest fits the password.
///
/// The digest is a SHA-1 that begins with the password, which is weak: what is read here is no
/// better than whoever gave it.
pub fn read(bytes: &[u8], password: &str) -> Result<Keystore, JksError> {
    let version = version(bytes)?;
    let damaged = JksError::Damaged {
        part: "its end",
        offset: bytes.len(),
    };
    let Some((body, digest)) = bytes.split_last_chunk::<DIGEST>() else {
        return Err(damaged);
    };
    let entries = body.get(ENTRIES..).ok_or(damaged)?;
    let read = Fields::new(entries).keystore(version);
    if bool::from(digest_of(body, password).ct_eq(digest)) {
        return read;
    }
    // Nothing is taken from it; but what no password makes good is told as what it is.
    match read {
        Err(error @ JksError::Damaged { .. }) => Err(error),
        _ => Err(JksError::WrongPassword),
    }
}

/// Tells keystores that are read from all others.
fn version(bytes: &[u8]) -> Result<Version, JksError> {
    if bytes.len() > MAX_FILE {
        return Err(JksError::TooLarge);
    }
    let mut header = Fields {
        rest: bytes,
        offset: 0,
        part: "its header",
    };
    match header.number().map(u32::to_be_bytes) {
        Ok(MAGIC) => {}
        Ok(JCEKS) => return Err(JksError::Jceks),
        _ => return Err(JksError::NotAKeystore),
    }
    match header.number()? {
        1 => Ok(Version::First),
        2 => Ok(Version::Second),
        found => Err(JksError::Version { found }),
    }
}

fn digest_of(body: &[u8], password: &str) -> [u8; DIGEST] {
    let mut units = Zeroizing::new(Vec::with_capacity(2 * password.len()));
    for unit in password.encode_utf16() {
        units.extend_from_slice(&unit.to_be_bytes());
    }
    Sha1::new()
        .chain_update(&*units)
        .chain_update(WHITENING)
        .chain_update(body)
        .finalize()
        .into()
}

/// The layouts of keystores.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    /// Certificates do not say of what kind they are.
    First,
    /// They do.
    Second,
}

/// What is left of the file, taken field by field.
struct Fields<'a> {
    rest: &'a [u8],
    offset: usize,
    /// What is being read, for an error.
    part: &'static str,
}

impl<'a> Fields<'a> {
    /// Starts where the entries do.
    fn new(rest: &'a [u8]) -> Self {
        Self {
            rest,
            offset: ENTRIES,
            part: "its count of entries",
        }
    }

    /// All entries, to the end.
    fn keystore(mut self, version: Version) -> Result<Keystore, JksError> {
        let count = self.number()?;
        let mut keystore = Keystore::default();
        // A count that lies ends where the file does.
        for place in 0..count {
            // Each that is empty takes far more room here than in the file.
            if place == MAX_ENTRIES {
                return Err(JksError::TooMany);
            }
            self.part = "an entry";
            match self.number()? {
                KEY => {
                    keystore.of_keys.extend(self.key(version)?);
                    keystore.keys += 1;
                }
                TRUSTED => keystore.trusted.push(self.trusted(version)?),
                _ => return Err(self.damaged()),
            }
        }
        self.part = "what follows the last entry";
        if self.rest.is_empty() {
            Ok(keystore)
        } else {
            Err(self.damaged())
        }
    }

    /// Passes over a private key and takes its own certificate, the first of its chain; none where
    /// it has none, or one of a kind that is not read.
    fn key(&mut self, version: Version) -> Result<Option<Trusted>, JksError> {
        self.part = "a private key";
        let alias = self.alias()?;
        self.take(DATE)?;
        self.bytes()?;
        let mut own = None;
        for place in 0..self.number()? {
            let kind = match version {
                Version::First => KINDS[0],
                Version::Second => self.text()?,
            };
            let der = self.bytes()?;
            if place == 0 && KINDS.contains(&kind) {
                own = Some(Trusted {
                    alias: alias.clone(),
                    der: der.to_vec(),
                });
            }
        }
        Ok(own)
    }

    fn alias(&mut self) -> Result<String, JksError> {
        let damaged = JksError::Damaged {
            part: "an alias",
            offset: self.offset,
        };
        let alias = self.text()?;
        string(alias).ok_or(damaged)
    }

    fn trusted(&mut self, version: Version) -> Result<Trusted, JksError> {
        self.part = "a trusted certificate";
        let alias = self.alias()?;
        self.take(DATE)?;
        if version == Version::Second {
            let kind = self.text()?;
            if !KINDS.contains(&kind) {
                let kind = String::from_utf8_lossy(kind).into_owned();
                return Err(JksError::UnknownCertificate { kind });
            }
        }
        let der = self.bytes()?.to_vec();
        Ok(Trusted { alias, der })
    }

    /// Two octets of length, and so many more.
    fn text(&mut self) -> Result<&'a [u8], JksError> {
        let length = self.array().map(u16::from_be_bytes)?;
        self.take(usize::from(length))
    }

    /// Four octets of length, and so many more.
    fn bytes(&mut self) -> Result<&'a [u8], JksError> {
        let length = self.number()?;
        let length = usize::try_from(length).map_err(|_| self.damaged())?;
        self.take(length)
    }

    fn number(&mut self) -> Result<u32, JksError> {
        self.array().map(u32::from_be_bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], JksError> {
        let (array, rest) = self
            .rest
            .split_first_chunk()
            .ok_or_else(|| self.damaged())?;
        self.rest = rest;
        self.offset += N;
        Ok(*array)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], JksError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(|| self.damaged())?;
        self.rest = rest;
        self.offset += length;
        Ok(taken)
    }

    fn damaged(&self) -> JksError {
        JksError::Damaged {
            part: self.part,
            offset: self.offset,
        }
    }
}

/// A text as Java writes it: every UTF-16 unit for itself as UTF-8, and zero in two octets.
fn string(bytes: &[u8]) -> Option<String> {
    let mut units = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, after)) = rest.split_first() {
        let (unit, after) = match first {
            0x01..=0x7f => (u16::from(first), after),
            0xc0..=0xdf => {
                let ([second], after) = after.split_first_chunk()?;
                (u16::from(first & 0x1f) << 6 | tail(*second)?, after)
            }
            0xe0..=0xef => {
                let ([second, third], after) = after.split_first_chunk()?;
                let high = u16::from(first & 0x0f) << 12 | tail(*second)? << 6;
                (high | tail(*third)?, after)
            }
            _ => return None,
        };
        units.push(unit);
        rest = after;
    }
    String::from_utf16(&units).ok()
}

/// The six bits of an octet that goes on with a character.
fn tail(octet: u8) -> Option<u16> {
    (octet & 0xc0 == 0x80).then(|| u16::from(octet & 0x3f))
}

const MAGIC: [u8; 4] = [0xfe, 0xed, 0xfe, 0xed];
const JCEKS: [u8; 4] = [0xce, 0xce, 0xce, 0xce];
/// Where the entries begin, with their count.
const ENTRIES: usize = 8;
/// What marks the entry of a private key.
const KEY: u32 = 1;
/// What marks the entry of a trusted certificate.
const TRUSTED: u32 = 2;
/// The size of a moment.
const DATE: usize = 8;
/// The size of a SHA-1.
const DIGEST: usize = 20;
/// What stands between the password and the file in what is digested.
const WHITENING: &[u8] = b"Mighty Aphrodite";
/// How Java names the certificates that everybody else calls X.509.
const KINDS: [&[u8]; 2] = [b"X.509", b"X509"];
