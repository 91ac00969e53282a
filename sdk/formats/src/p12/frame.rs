//! The outermost layers of a file: its version, its authenticator, and its parts.

use core::ops::Range;

use sha2::{Digest, Sha256};

use super::algorithm::{read_hash, read_rounds};
use super::encryption::Encryption;
use super::hash::Hash;
use super::password::{Derivation, Password, Purpose};
use super::{MAX_FILE, MAX_ITERATIONS, MAX_PARTS, P12Error, ids};
use crate::der::{
    self, CONTEXT_0, CONTEXT_0_PRIMITIVE, DerError, Element, OCTET_STRING, Reader, SEQUENCE,
};

/// What stands around the contents: nothing of it is trusted until the authenticator fits.
pub(super) struct Frame {
    /// Where the authenticated bytes are.
    pub(super) safe: Range<usize>,
    pub(super) mac: Authenticator,
    /// SHA-256 of the authenticator, its salt and its rounds.
    pub(super) digest: [u8; 32],
}

/// An HMAC and what its key is derived from.
pub(super) struct Authenticator {
    key: Derivation,
    value: Vec<u8>,
}

/// One part of the contents.
pub(super) struct Part {
    /// All of it.
    pub(super) whole: Range<usize>,
    /// Its bags, here, in clear or encrypted.
    pub(super) bags: Range<usize>,
    /// How they are encrypted; none where they are in clear.
    pub(super) encryption: Option<Encryption>,
}

impl Frame {
    /// Reads the layers around the contents of a whole file.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, P12Error> {
        check_size(bytes)?;
        let wrong = P12Error::reading("its outermost layer");
        let mut pfx = Reader::new(bytes)
            .expect(SEQUENCE)
            .map_err(&wrong)?
            .reader();
        if pfx.unsigned().map_err(&wrong)? != 3 {
            return Err(P12Error::Version);
        }
        let mut content = pfx.expect(SEQUENCE).map_err(&wrong)?.reader();
        match content.oid().map_err(&wrong)? {
            ids::DATA => {}
            ids::SIGNED_DATA => return Err(P12Error::Signed),
            other => return Err(P12Error::unknown("outermost layer", other)),
        }
        let safe = octets_within(content).map_err(&wrong)?.range();
        if pfx.is_empty() {
            return Err(P12Error::NoMac);
        }
        let mac = pfx.expect(SEQUENCE).map_err(&wrong)?;
        pfx.finish().map_err(&wrong)?;
        Ok(Self {
            safe,
            digest: Sha256::digest(mac.whole).into(),
            mac: Authenticator::read(&mac)?,
        })
    }

    /// The parts of the contents.
    pub(super) fn parts(&self, bytes: &[u8]) -> Result<Vec<Part>, P12Error> {
        let wrong = P12Error::reading("the list of its parts");
        let mut outer = Reader::at(&bytes[self.safe.clone()], self.safe.start);
        let mut list = outer.expect(SEQUENCE).map_err(&wrong)?.reader();
        outer.finish().map_err(&wrong)?;
        let mut parts = Vec::new();
        let mut rounds = self.mac.key.rounds;
        while !list.is_empty() {
            let part = Part::read(&list.expect(SEQUENCE).map_err(&wrong)?)?;
            rounds = rounds.saturating_add(part.rounds());
            if rounds > MAX_ITERATIONS {
                return Err(P12Error::Iterations);
            }
            if parts.len() == MAX_PARTS {
                return Err(P12Error::TooMany);
            }
            parts.push(part);
        }
        Ok(parts)
    }
}

impl Authenticator {
    fn read(mac: &Element<'_>) -> Result<Self, P12Error> {
        let wrong = P12Error::reading("its authenticator");
        let mut reader = mac.reader();
        let mut digest = reader.expect(SEQUENCE).map_err(&wrong)?.reader();
        let algorithm = digest.expect(SEQUENCE).map_err(&wrong)?;
        if algorithm.reader().oid().map_err(&wrong)? == ids::PBMAC1 {
            return Err(P12Error::Pbmac1);
        }
        let hash = read_hash(&algorithm, "authenticator", Hash::of_digest)?;
        let value = digest.expect(OCTET_STRING).map_err(&wrong)?;
        digest.finish().map_err(&wrong)?;
        if value.contents.len() != hash.size() {
            return Err(wrong(value.out_of_range()));
        }
        let salt = reader.expect(OCTET_STRING).map_err(&wrong)?.contents;
        // Left out it is 1, says RFC 7292.
        let rounds = if reader.is_empty() {
            1
        } else {
            read_rounds(reader.unsigned().map_err(&wrong)?)?
        };
        reader.finish().map_err(&wrong)?;
        Ok(Self {
            key: Derivation {
                purpose: Purpose::Authentication,
                hash,
                salt: salt.to_vec(),
                rounds,
            },
            value: value.contents.to_vec(),
        })
    }

    /// The rounds that its key takes.
    pub(super) fn rounds(&self) -> u32 {
        self.key.rounds
    }

    /// Whether it is that of `message` under this password.
    pub(super) fn fits(&self, message: &[u8], password: &mut Password) -> bool {
        let key = password.key(&self.key);
        self.key.hash.verify(key, message, &self.value)
    }
}

impl Part {
    /// How many rounds of key derivation it takes to read it.
    pub(super) fn rounds(&self) -> u32 {
        self.encryption.as_ref().map_or(0, Encryption::rounds)
    }

    fn read(content: &Element<'_>) -> Result<Self, P12Error> {
        let wrong = P12Error::reading("one of its parts");
        let mut reader = content.reader();
        match reader.oid().map_err(&wrong)? {
            ids::DATA => {
                let clear = octets_within(reader).map_err(&wrong)?;
                Ok(Self {
                    whole: whole(content),
                    bags: clear.range(),
                    encryption: None,
                })
            }
            ids::ENCRYPTED_DATA => {
                let mut explicit = reader.expect(CONTEXT_0).map_err(&wrong)?.reader();
                reader.finish().map_err(&wrong)?;
                let sealed = explicit.expect(SEQUENCE).map_err(&wrong)?;
                explicit.finish().map_err(&wrong)?;
                let (bags, encryption) = read_sealed(&sealed)?;
                Ok(Self {
                    whole: whole(content),
                    bags,
                    encryption: Some(encryption),
                })
            }
            other => Err(P12Error::content(other)),
        }
    }
}

/// Where an EncryptedData has its bags, and how they are encrypted.
fn read_sealed(sealed: &Element<'_>) -> Result<(Range<usize>, Encryption), P12Error> {
    let wrong = P12Error::reading("an encrypted part");
    let mut reader = sealed.reader();
    // Versions 0 and 2 differ in attributes that PKCS#12 does not use.
    reader.unsigned().map_err(&wrong)?;
    let mut info = reader.expect(SEQUENCE).map_err(&wrong)?.reader();
    reader.finish().map_err(&wrong)?;
    match info.oid().map_err(&wrong)? {
        ids::DATA => {}
        other => return Err(P12Error::unknown("encrypted contents", other)),
    }
    let encryption = Encryption::read(&info.expect(SEQUENCE).map_err(&wrong)?)?;
    let bytes = info.expect(CONTEXT_0_PRIMITIVE).map_err(&wrong)?;
    info.finish().map_err(&wrong)?;
    let block = encryption.cipher.block();
    if bytes.contents.is_empty() || !bytes.contents.len().is_multiple_of(block) {
        return Err(wrong(bytes.out_of_range()));
    }
    Ok((bytes.range(), encryption))
}

/// Tells a file that is cut short or too long from one that is wrong inside.
fn check_size(bytes: &[u8]) -> Result<(), P12Error> {
    if bytes.len() > MAX_FILE {
        return Err(P12Error::TooLarge);
    }
    let wrong = P12Error::reading("its outermost layer");
    match bytes.first() {
        None => return Err(P12Error::Truncated),
        Some(&SEQUENCE) => {}
        Some(&found) => {
            return Err(wrong(DerError::Tag {
                offset: 0,
                expected: SEQUENCE,
                found,
            }));
        }
    }
    match der::stated_size(bytes) {
        Err(DerError::Truncated { .. }) => Err(P12Error::Truncated),
        Err(error) => Err(wrong(error)),
        Ok(size) if size > bytes.len() => Err(P12Error::Truncated),
        Ok(size) if size < bytes.len() => Err(P12Error::TrailingBytes {
            count: bytes.len() - size,
        }),
        Ok(_) => Ok(()),
    }
}

/// An OCTET STRING within an EXPLICIT tag 0, which is the last of `reader`.
fn octets_within(mut reader: Reader<'_>) -> Result<Element<'_>, DerError> {
    let mut explicit = reader.expect(CONTEXT_0)?.reader();
    let octets = explicit.expect(OCTET_STRING)?;
    explicit.finish()?;
    reader.finish()?;
    Ok(octets)
}

/// Where all of an element is, its header included.
fn whole(element: &Element<'_>) -> Range<usize> {
    let end = element.range().end;
    end - element.whole.len()..end
}
