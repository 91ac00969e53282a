//! PKCS#7 files of certificates (.p7b): bare, in DER or BER.

use core::fmt;

use crate::ber::{self, Element, Reader};
use crate::der::{CONTEXT_0, DerError, INTEGER, OID, SEQUENCE, SET, dotted};

/// The largest file that is read, in bytes.
pub const MAX_FILE: usize = 256 << 20;
/// The most certificates that are read from one file.
pub const MAX_CERTIFICATES: usize = 1_000_000;

/// Every certificate of a PKCS#7 file, in order, as DER.
///
/// The file is bare: [`crate::pem::contents`] takes the armour off.
/// The file is signed data, with or without signatures, which are not checked: they say nothing
/// of the certificates beside them. What is in the set and no X.509 certificate, such as an
/// attribute certificate, is passed over.
pub fn certificates(bytes: &[u8]) -> Result<Vec<Vec<u8>>, P7bError> {
    if bytes.len() > MAX_FILE {
        return Err(P7bError::TooLarge);
    }
    let mut found = Vec::new();
    if let Some(set) = set(bytes)? {
        let mut members = set.reader();
        while !members.is_empty() {
            let member = members.any()?;
            match member.tag {
                // Each that is empty takes far more room here than in the file.
                SEQUENCE if found.len() == MAX_CERTIFICATES => return Err(P7bError::TooMany),
                SEQUENCE => found.push(certificate(&member)?),
                // Extended and attribute certificates, and what a later standard adds.
                tag if tag & CONTEXT == CONTEXT => {}
                _ => {
                    return Err(P7bError::Malformed(DerError::Tag {
                        offset: members.offset() - member.whole.len(),
                        expected: SEQUENCE,
                        found: member.tag,
                    }));
                }
            }
        }
    }
    if found.is_empty() {
        return Err(P7bError::NoCertificate);
    }
    Ok(found)
}

/// The set of certificates, where the signed data has one.
fn set(bytes: &[u8]) -> Result<Option<Element<'_>>, P7bError> {
    let mut file = Reader::new(bytes);
    if file.peek() != Some(SEQUENCE) {
        return Err(P7bError::NotPkcs7);
    }
    let mut info = file.any()?.reader();
    if !file.rest().iter().all(u8::is_ascii_whitespace) {
        let (offset, count) = (file.offset(), file.rest().len());
        return Err(P7bError::Malformed(DerError::Trailing { offset, count }));
    }
    if info.peek() != Some(OID) {
        return Err(P7bError::NotPkcs7);
    }
    let kind = info.any()?.contents;
    if kind != SIGNED_DATA {
        return Err(P7bError::other(kind));
    }
    let mut content = info.expect(CONTEXT_0)?.reader();
    finish(&info)?;
    let mut signed = content.expect(SEQUENCE)?.reader();
    finish(&content)?;
    signed.expect(INTEGER)?;
    signed.expect(SET)?;
    signed.expect(SEQUENCE)?;
    let set = match signed.peek() {
        Some(CONTEXT_0) => Some(signed.any()?),
        _ => None,
    };
    // Lists of revocations and signatures, which only have to be whole.
    while !signed.is_empty() {
        signed.any()?;
    }
    Ok(set)
}

/// A member of the set, as its issuer signed it.
fn certificate(member: &Element<'_>) -> Result<Vec<u8>, P7bError> {
    if member.is_indefinite {
        // What was signed is DER, whatever a writer made of it on the way.
        Ok(ber::to_der(member.whole)?)
    } else {
        Ok(member.whole.to_vec())
    }
}

fn finish(reader: &Reader<'_>) -> Result<(), DerError> {
    match reader.rest().len() {
        0 => Ok(()),
        count => Err(DerError::Trailing {
            offset: reader.offset(),
            count,
        }),
    }
}

/// The class of tags that the surrounding structure gives.
const CONTEXT: u8 = 0xa0;
/// pkcs7-signedData.
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// What stands before the last number of the content types of PKCS#7.
const PKCS7: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07];

/// Why a PKCS#7 file was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum P7bError {
    /// Something inside is not what the standard puts there.
    Malformed(DerError),
    /// It holds no certificate.
    NoCertificate,
    /// It does not begin as PKCS#7 does.
    NotPkcs7,
    /// It is PKCS#7, but no signed data, which alone holds certificates.
    OtherContent {
        /// What it is.
        kind: String,
    },
    /// It is larger than what is read.
    TooLarge,
    /// It has more certificates than are read.
    TooMany,
    /// It is shorter than it says.
    Truncated,
}

impl P7bError {
    fn other(kind: &[u8]) -> Self {
        let name = match kind.strip_prefix(PKCS7) {
            Some([1]) => "plain data",
            Some([3]) => "enveloped data",
            Some([4]) => "signed and enveloped data",
            Some([5]) => "digested data",
            Some([6]) => "encrypted data",
            _ => return Self::OtherContent { kind: dotted(kind) },
        };
        let kind = name.to_owned();
        Self::OtherContent { kind }
    }
}

impl From<DerError> for P7bError {
    fn from(error: DerError) -> Self {
        match error {
            DerError::Truncated { .. } => Self::Truncated,
            error => Self::Malformed(error),
        }
    }
}

impl fmt::Display for P7bError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(_) => f.write_str("it is no well-formed PKCS#7 file"),
            Self::NoCertificate => f.write_str("it holds no certificate"),
            Self::NotPkcs7 => f.write_str("it is no PKCS#7 file"),
            Self::OtherContent { kind } => write!(
                f,
                "it is PKCS#7 of another kind ({kind}); only signed data holds certificates"
            ),
            Self::TooLarge => write!(f, "it is larger than {} MiB", MAX_FILE >> 20),
            Self::TooMany => write!(f, "it holds more than {MAX_CERTIFICATES} certificates"),
            Self::Truncated => f.write_str("it is cut short"),
        }
    }
}

impl core::error::Error for P7bError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Malformed(source) => Some(source),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
