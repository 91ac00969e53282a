//! DER, tag by tag: a bounded reader that never recurses, and a writer of exact sizes.

mod oid;
mod read;
mod write;

pub use oid::dotted;
pub use read::{DerError, Element, Reader, stated_size};
pub use write::{Opening, element, header, integer, size, wrap};

/// INTEGER.
pub const INTEGER: u8 = 0x02;
/// BIT STRING, primitive.
pub const BIT_STRING: u8 = 0x03;
/// OCTET STRING, primitive.
pub const OCTET_STRING: u8 = 0x04;
/// NULL.
pub const NULL: u8 = 0x05;
/// OBJECT IDENTIFIER.
pub const OID: u8 = 0x06;
/// BMPString: UTF-16, big-endian.
pub const BMP_STRING: u8 = 0x1e;
/// SEQUENCE, SEQUENCE OF.
pub const SEQUENCE: u8 = 0x30;
/// SET, SET OF.
pub const SET: u8 = 0x31;
/// `[0]`, constructed: every EXPLICIT tag 0.
pub const CONTEXT_0: u8 = 0xa0;
/// `[0]`, primitive: an IMPLICIT OCTET STRING.
pub const CONTEXT_0_PRIMITIVE: u8 = 0x80;

/// Whether `bytes` are exactly one SEQUENCE, which every certificate is.
///
/// Nothing inside is looked at.
pub fn is_one_sequence(bytes: &[u8]) -> bool {
    let mut reader = Reader::new(bytes);
    reader.expect(SEQUENCE).is_ok() && reader.finish().is_ok()
}

#[cfg(test)]
mod tests;
