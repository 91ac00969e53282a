//! BER of other programs: its elements one at a time, and the DER that it stands for.
//!
//! Some writers of PKCS#7 and PKCS#12 use what DER forbids: lengths that an end mark replaces,
//! lengths in more octets than they need, and strings in pieces. Nothing here recurses, and
//! elements nest no deeper than [`MAX_DEPTH`].

mod convert;
mod read;

pub use convert::to_der;
pub use read::{Element, Reader};

use crate::der::DerError;

/// How deep elements may nest where they are converted.
pub const MAX_DEPTH: usize = 32;

/// A tag, and how long what follows its header is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Header {
    /// The identifier octet.
    tag: u8,
    /// The octets of the header itself.
    size: usize,
    /// Those of its contents; none where an end mark ends them.
    length: Option<usize>,
}

impl Header {
    /// Reads the header at `offset`; what holds the element ends at `limit`.
    fn read(bytes: &[u8], offset: usize, limit: usize) -> Result<Self, DerError> {
        let truncated = DerError::Truncated { offset };
        let rest = bytes.get(offset..limit).ok_or(truncated)?;
        let &[tag, first, ..] = rest else {
            return Err(truncated);
        };
        if tag & TAG_NUMBER == TAG_NUMBER {
            return Err(DerError::LongTag { offset });
        }
        let header = |size, length| Self { tag, size, length };
        match first {
            0..=0x7f => header(2, Some(usize::from(first))).within(rest, offset),
            0x80 if tag & CONSTRUCTED == 0 => Err(DerError::Length { offset }),
            0x80 => Ok(header(2, None)),
            _ => {
                let size = 2 + usize::from(first & 0x7f);
                let octets = rest.get(2..size).ok_or(truncated)?;
                let length = number(octets).ok_or(DerError::Length { offset })?;
                header(size, Some(length)).within(rest, offset)
            }
        }
    }

    /// The header, if the contents that it states are there.
    fn within(self, rest: &[u8], offset: usize) -> Result<Self, DerError> {
        let whole = self.size.checked_add(self.length.unwrap_or_default());
        match whole {
            Some(whole) if whole <= rest.len() => Ok(self),
            _ => Err(DerError::Truncated { offset }),
        }
    }

    /// Whether it is the mark that ends contents of no stated length.
    fn ends(self) -> bool {
        self.tag == 0 && self.size == 2 && self.length == Some(0)
    }
}

/// A number of any count of octets; none where it is too large.
fn number(octets: &[u8]) -> Option<usize> {
    octets.iter().try_fold(0_usize, |number, octet| {
        number.checked_mul(256)?.checked_add(usize::from(*octet))
    })
}

/// The bit of a tag that says that elements are inside.
const CONSTRUCTED: u8 = 0x20;
/// The bits of a tag that number it.
const TAG_NUMBER: u8 = 0x1f;
/// The octets of an end mark.
const END: usize = 2;

#[cfg(test)]
mod tests;
