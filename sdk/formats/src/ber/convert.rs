//! BER to DER, from the first byte to the last in one pass.

use super::{CONSTRUCTED, END, Header, MAX_DEPTH, TAG_NUMBER};
use crate::der::{
    BIT_STRING, CONTEXT_0, CONTEXT_0_PRIMITIVE, DerError, OCTET_STRING, OID, SEQUENCE, header,
};

/// The DER of one element of BER, which has to be all of `bytes`.
///
/// Lengths become definite and minimal, and strings in pieces become whole, also the encrypted
/// contents of PKCS#7, whose tag alone does not tell that they are a string. What stands inside
/// of primitive values stays as it is, and so does the order of sets: DER comes out as it went
/// in. The result is written into memory that is never moved, so that whoever wipes it leaves no
/// other copy.
pub fn to_der(bytes: &[u8]) -> Result<Vec<u8>, DerError> {
    let mut conversion = Conversion {
        bytes,
        at: 0,
        out: Vec::with_capacity(room(bytes.len())),
        open: Vec::new(),
    };
    loop {
        conversion.element()?;
        conversion.close_what_ends();
        if conversion.open.is_empty() {
            break;
        }
    }
    match bytes.len() - conversion.at {
        0 => Ok(conversion.out),
        count => Err(DerError::Trailing {
            offset: conversion.at,
            count,
        }),
    }
}

/// More than what so many bytes become.
///
/// A definite length can take more octets than the two marks that it replaces, by two at most,
/// and only before contents of 64 KiB and more.
pub(super) fn room(length: usize) -> usize {
    let grown = (length >> 16).saturating_add(1).saturating_mul(MAX_DEPTH);
    length.saturating_add(grown.saturating_mul(2 * END))
}

/// What was read so far, and what came of it.
struct Conversion<'a> {
    bytes: &'a [u8],
    at: usize,
    out: Vec<u8>,
    /// The elements that contain the place where the reading is, the outermost first.
    open: Vec<Open>,
}

/// An element that has not ended yet.
#[derive(Clone, Copy)]
struct Open {
    /// Where it begins in what is read.
    offset: usize,
    /// Where it ends there; none where an end mark is due.
    end: Option<usize>,
    /// Where whatever holds it ends at the latest.
    limit: usize,
    /// The tag that is written, and where; none for a piece, which is written into its string.
    header: Option<(u8, usize)>,
    /// How many bytes of it are kept free for the header.
    reserved: usize,
    inside: Inside,
}

/// What an element may contain.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    /// Any elements.
    Elements(Before),
    /// Pieces of a string of octets or characters.
    Octets,
    /// Pieces of a string of bits; where the count of its unused ones is written.
    Bits(usize),
}

/// What stands before the next element, as far as it tells what that is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// The next is the first of a SEQUENCE.
    Nothing,
    /// Before the second of a SEQUENCE, an identifier.
    Identifier,
    /// Before its third, an identifier and a SEQUENCE, as in EncryptedContentInfo alone.
    IdentifierAndSequence,
    /// Anything else.
    Other,
}

impl Conversion<'_> {
    /// Reads the next header and, of what is primitive, the contents.
    fn element(&mut self) -> Result<(), DerError> {
        let offset = self.at;
        let limit = self.open.last().map_or(self.bytes.len(), |open| open.limit);
        if offset >= limit {
            let offset = self.open.last().map_or(offset, |open| open.offset);
            return Err(DerError::Truncated { offset });
        }
        let header = Header::read(self.bytes, offset, limit)?;
        if header.tag == 0 {
            return self.end_mark(header);
        }
        let inside = self.open.last().map(|open| open.inside);
        match inside {
            Some(Inside::Octets) => self.piece(header, OCTET_STRING),
            Some(Inside::Bits(_)) => self.piece(header, BIT_STRING),
            Some(Inside::Elements(_)) | None => self.whole(header),
        }
    }

    /// An element that is none of a string's pieces.
    fn whole(&mut self, header: Header) -> Result<(), DerError> {
        let is_encrypted = self.note(header.tag) == Before::IdentifierAndSequence;
        if header.tag & CONSTRUCTED == 0 {
            let contents = self.contents(header);
            self.write(header.tag, contents);
            return Ok(());
        }
        let (tag, inside) = match header.tag {
            SEQUENCE => (SEQUENCE, Inside::Elements(Before::Nothing)),
            CONTEXT_0 if is_encrypted && self.begins_with_octets(header) => {
                (CONTEXT_0_PRIMITIVE, Inside::Octets)
            }
            BIT_STRING_IN_PIECES => (BIT_STRING, Inside::Bits(0)),
            tag if is_string(tag) => (tag & !CONSTRUCTED, Inside::Octets),
            tag => (tag, Inside::Elements(Before::Other)),
        };
        self.open(header, Some(tag), inside)
    }

    /// A piece of a string, which may be in pieces itself.
    fn piece(&mut self, header: Header, due: u8) -> Result<(), DerError> {
        let offset = self.at;
        if header.tag == due | CONSTRUCTED {
            let inside = self.open.last().map(|open| open.inside);
            return self.open(header, None, inside.unwrap_or(Inside::Octets));
        }
        if header.tag != due {
            return Err(DerError::Tag {
                offset,
                expected: due,
                found: header.tag,
            });
        }
        let contents = self.contents(header);
        let Some(Inside::Bits(place)) = self.open.last().map(|open| open.inside) else {
            self.out.extend_from_slice(contents);
            return Ok(());
        };
        // Only in the last piece may bits of the last octet be unused.
        let wrong = DerError::Value { offset };
        let (unused, bits) = contents.split_first().ok_or(wrong)?;
        let count = self.out.get_mut(place).ok_or(wrong)?;
        if *count != 0 {
            return Err(wrong);
        }
        *count = *unused;
        self.out.extend_from_slice(bits);
        Ok(())
    }

    /// Enters an element.
    fn open(&mut self, header: Header, tag: Option<u8>, inside: Inside) -> Result<(), DerError> {
        let offset = self.at;
        if self.open.len() >= MAX_DEPTH {
            return Err(DerError::Depth { offset });
        }
        let outer = self.open.last().map_or(self.bytes.len(), |open| open.limit);
        self.at = offset + header.size;
        let end = header.length.map(|length| self.at + length);
        let start = self.out.len();
        let reserved = if tag.is_some() { header.size } else { 0 };
        self.out.resize(start + reserved, 0);
        let inside = match inside {
            // The count of unused bits comes before all pieces.
            Inside::Bits(_) if tag.is_some() => {
                self.out.push(0);
                Inside::Bits(self.out.len() - 1)
            }
            inside => inside,
        };
        self.open.push(Open {
            offset,
            end,
            limit: end.unwrap_or(outer),
            header: tag.map(|tag| (tag, start)),
            reserved,
            inside,
        });
        Ok(())
    }

    /// Leaves the element that an end mark ends.
    fn end_mark(&mut self, header: Header) -> Result<(), DerError> {
        let due = self.open.last().is_some_and(|open| open.end.is_none());
        if !due || !header.ends() {
            return Err(DerError::Value { offset: self.at });
        }
        self.at += END;
        self.close();
        Ok(())
    }

    /// Leaves every element whose stated length is over.
    fn close_what_ends(&mut self) {
        while self
            .open
            .last()
            .is_some_and(|open| open.end == Some(self.at))
        {
            self.close();
        }
    }

    /// Writes the header of the innermost element, now that its length is known.
    fn close(&mut self) {
        let Some(open) = self.open.pop() else { return };
        let Some((tag, start)) = open.header else {
            return;
        };
        let contents = start + open.reserved;
        let mut octets = Vec::with_capacity(2 + size_of::<usize>());
        header(&mut octets, tag, self.out.len() - contents);
        self.out.splice(start..contents, octets);
    }

    /// Writes what is primitive.
    fn write(&mut self, tag: u8, contents: &[u8]) {
        header(&mut self.out, tag, contents.len());
        self.out.extend_from_slice(contents);
    }
}

impl<'a> Conversion<'a> {
    /// Passes over a header and the contents that it states, which are there.
    fn contents(&mut self, header: Header) -> &'a [u8] {
        let start = self.at + header.size;
        self.at = start + header.length.unwrap_or_default();
        self.bytes.get(start..self.at).unwrap_or_default()
    }

    /// Notes which element comes next in what is open, and tells what stood before it.
    fn note(&mut self, tag: u8) -> Before {
        let Some(Open {
            inside: Inside::Elements(before),
            ..
        }) = self.open.last_mut()
        else {
            return Before::Other;
        };
        let next = match (*before, tag) {
            (Before::Nothing, OID) => Before::Identifier,
            (Before::Identifier, SEQUENCE) => Before::IdentifierAndSequence,
            _ => Before::Other,
        };
        core::mem::replace(before, next)
    }

    /// Whether the contents that a header announces begin with a piece of a string.
    fn begins_with_octets(&self, header: Header) -> bool {
        let first = self.bytes.get(self.at + header.size);
        first.is_some_and(|tag| tag & !CONSTRUCTED == OCTET_STRING)
    }
}

/// Whether a tag is that of a string in pieces, all of which are octets.
fn is_string(tag: u8) -> bool {
    // OCTET STRING, UTF8String, and everything from NumericString on, times among them.
    tag & CLASS == 0 && matches!(tag & TAG_NUMBER, 4 | 12 | 18..=30) && tag & CONSTRUCTED != 0
}

/// The bits of a tag that tell whose numbers it is from; none of them is set in the standard's own.
const CLASS: u8 = 0xc0;
const BIT_STRING_IN_PIECES: u8 = BIT_STRING | CONSTRUCTED;
