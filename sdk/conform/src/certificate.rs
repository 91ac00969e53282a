//! As much of a certificate as finding it needs.

use anchorhold_formats::der::{self, Reader};
use sha2::{Digest, Sha256};

/// The parts of a certificate by which it is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// The DER Name of its subject.
    pub(crate) subject: Vec<u8>,
    /// The DER Name of its issuer.
    pub(crate) issuer: Vec<u8>,
    /// The contents of the INTEGER of its serial number.
    pub(crate) serial: Vec<u8>,
    /// Its SubjectPublicKeyInfo.
    pub(crate) key: Vec<u8>,
}

impl Certificate {
    /// Reads the parts.
    pub(crate) fn parse(der: &[u8]) -> Result<Self, der::DerError> {
        let mut outer = Reader::new(der);
        let certificate = outer.expect(der::SEQUENCE)?;
        outer.finish()?;
        let mut reader = certificate.reader();
        let to_be_signed = reader.expect(der::SEQUENCE)?;
        reader.expect(der::SEQUENCE)?;
        reader.expect(BIT_STRING)?;
        reader.finish()?;
        let mut reader = to_be_signed.reader();
        reader.optional(der::CONTEXT_0)?;
        let serial = reader.expect(der::INTEGER)?.contents.to_vec();
        reader.expect(der::SEQUENCE)?;
        let issuer = reader.expect(der::SEQUENCE)?.whole.to_vec();
        reader.expect(der::SEQUENCE)?;
        let subject = reader.expect(der::SEQUENCE)?.whole.to_vec();
        let key = reader.expect(der::SEQUENCE)?.whole.to_vec();
        Ok(Self {
            subject,
            issuer,
            serial,
            key,
        })
    }
}

/// The SHA-256 of bytes.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

const BIT_STRING: u8 = 0x03;
