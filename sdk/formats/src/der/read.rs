//! Reads DER forward, one element at a time.

use core::fmt;
use core::ops::Range;

use super::{INTEGER, OID};

/// A place in DER bytes, from which elements are taken in order.
///
/// Only definite, minimal lengths of at most four octets and tag numbers below 31 are read: that
/// is all that certificates and their containers use. Every offset counts from the start of the
/// bytes that the first reader was made of, so that callers can come back to a place.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    offset: usize,
}

/// One tag, length and contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// The identifier octet.
    pub tag: u8,
    /// What is inside.
    pub contents: &'a [u8],
    /// Header and contents.
    pub whole: &'a [u8],
    /// Where the contents begin.
    offset: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first of `bytes`.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self::at(bytes, 0)
    }

    /// Starts at the first of `bytes`, which is counted as `offset`.
    #[inline]
    pub fn at(bytes: &'a [u8], offset: usize) -> Self {
        Self {
            rest: bytes,
            offset,
        }
    }

    /// Takes the next element, whatever it is.
    #[inline]
    pub fn any(&mut self) -> Result<Element<'a>, DerError> {
        let offset = self.offset;
        let (tag, header, length) = parse_header(self.rest, offset)?;
        let end = header
            .checked_add(length)
            .ok_or(DerError::Truncated { offset })?;
        let Some((whole, rest)) = self.rest.split_at_checked(end) else {
            return Err(DerError::Truncated { offset });
        };
        let element = Element {
            tag,
            contents: &whole[header..],
            whole,
            offset: offset + header,
        };
        self.rest = rest;
        self.offset += end;
        Ok(element)
    }

    /// Takes the next element, which must have `tag`.
    #[inline]
    pub fn expect(&mut self, tag: u8) -> Result<Element<'a>, DerError> {
        let Some(&found) = self.rest.first() else {
            return Err(DerError::Truncated {
                offset: self.offset,
            });
        };
        if found != tag {
            return Err(DerError::Tag {
                offset: self.offset,
                expected: tag,
                found,
            });
        }
        self.any()
    }

    /// Takes the next element if it has `tag`.
    #[inline]
    pub fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, DerError> {
        if self.rest.first() == Some(&tag) {
            self.any().map(Some)
        } else {
            Ok(None)
        }
    }

    /// Takes an OBJECT IDENTIFIER and returns its contents.
    #[inline]
    pub fn oid(&mut self) -> Result<&'a [u8], DerError> {
        self.expect(OID).map(|element| element.contents)
    }

    /// Takes an INTEGER that is not negative and fits 64 bits.
    pub fn unsigned(&mut self) -> Result<u64, DerError> {
        let element = self.expect(INTEGER)?;
        let wrong = element.out_of_range();
        let digits = match element.contents {
            [] | [0x80..=0xff, ..] | [0, 0..=0x7f, ..] => return Err(wrong),
            [0, digits @ ..] => digits,
            digits => digits,
        };
        if digits.len() > size_of::<u64>() {
            return Err(wrong);
        }
        Ok(digits
            .iter()
            .fold(0, |value, digit| value << 8 | u64::from(*digit)))
    }

    /// Whether nothing is left.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Ends the reading, and refuses what is left over.
    #[inline]
    pub fn finish(self) -> Result<(), DerError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(DerError::Trailing {
                offset: self.offset,
                count: self.rest.len(),
            })
        }
    }
}

impl<'a> Element<'a> {
    /// Reads what is inside.
    #[inline]
    pub fn reader(&self) -> Reader<'a> {
        Reader::at(self.contents, self.offset)
    }

    /// The error that its contents are not what they may be.
    pub fn out_of_range(&self) -> DerError {
        DerError::Value {
            offset: self.offset,
        }
    }

    /// Where the contents stand in the bytes that the first reader was made of.
    #[inline]
    pub fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.contents.len()
    }

    /// Where all of it stands in the bytes that the first reader was made of.
    #[inline]
    pub fn place(&self) -> Range<usize> {
        let end = self.offset + self.contents.len();
        end - self.whole.len()..end
    }
}

/// The size of the element that `bytes` begin with, as its header states it.
///
/// The element itself need not be there as a whole.
pub fn stated_size(bytes: &[u8]) -> Result<usize, DerError> {
    let (_, header, length) = parse_header(bytes, 0)?;
    header
        .checked_add(length)
        .ok_or(DerError::Truncated { offset: 0 })
}

/// The tag, the size of the header and the length that it states.
#[inline]
fn parse_header(bytes: &[u8], offset: usize) -> Result<(u8, usize, usize), DerError> {
    let &[tag, first, ..] = bytes else {
        return Err(DerError::Truncated { offset });
    };
    if tag & 0x1f == 0x1f {
        return Err(DerError::LongTag { offset });
    }
    match first {
        0..=0x7f => Ok((tag, 2, usize::from(first))),
        0x80 => Err(DerError::IndefiniteLength { offset }),
        _ => {
            let count = usize::from(first & 0x7f);
            if count > MAX_LENGTH_OCTETS {
                return Err(DerError::Length { offset });
            }
            let header = 2 + count;
            let Some(octets) = bytes.get(2..header) else {
                return Err(DerError::Truncated { offset });
            };
            let length = octets
                .iter()
                .fold(0_usize, |length, octet| length << 8 | usize::from(*octet));
            // DER has one form for each length, the shortest.
            if octets[0] == 0 || length < 0x80 {
                return Err(DerError::Length { offset });
            }
            Ok((tag, header, length))
        }
    }
}

/// Four length octets reach 4 GiB, beyond every bound of this crate.
const MAX_LENGTH_OCTETS: usize = 4;

/// What is wrong with DER bytes, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DerError {
    /// An element is inside of more others than any writer needs.
    Depth {
        /// Where the element begins.
        offset: usize,
    },
    /// An element has BER's indefinite length.
    IndefiniteLength {
        /// Where the element begins.
        offset: usize,
    },
    /// A length is not in its shortest form, or has more than four octets.
    Length {
        /// Where the element begins.
        offset: usize,
    },
    /// A tag number is above 30.
    LongTag {
        /// Where the element begins.
        offset: usize,
    },
    /// Another element was due.
    Tag {
        /// Where the element begins.
        offset: usize,
        /// The identifier octet that was due.
        expected: u8,
        /// The one that stands there.
        found: u8,
    },
    /// Bytes are left where the element should end.
    Trailing {
        /// Where they begin.
        offset: usize,
        /// How many there are.
        count: usize,
    },
    /// An element is longer than what holds it, or none is left.
    Truncated {
        /// Where the element begins.
        offset: usize,
    },
    /// A value is out of its range, or not in its shortest form.
    Value {
        /// Where its contents begin.
        offset: usize,
    },
}

impl fmt::Display for DerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Depth { offset } => write!(f, "too many layers at byte {offset}"),
            Self::IndefiniteLength { offset } => {
                write!(f, "indefinite length (BER, not DER) at byte {offset}")
            }
            Self::Length { offset } => write!(f, "a length that is not DER at byte {offset}"),
            Self::LongTag { offset } => write!(f, "an unknown tag at byte {offset}"),
            Self::Tag {
                offset,
                expected,
                found,
            } => write!(
                f,
                "tag {found:#04x} instead of {expected:#04x} at byte {offset}"
            ),
            Self::Trailing { offset, count } => {
                write!(f, "{count} bytes too many at byte {offset}")
            }
            Self::Truncated { offset } => write!(f, "cut short at byte {offset}"),
            Self::Value { offset } => write!(f, "a value out of range at byte {offset}"),
        }
    }
}

impl core::error::Error for DerError {}
