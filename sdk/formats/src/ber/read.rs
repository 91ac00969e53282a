//! Reads BER forward, one element at a time, without looking inside.

use super::{END, Header};
use crate::der::DerError;

/// A place in BER bytes, from which elements are taken in order.
///
/// Every offset counts from the start of the bytes that the first reader was made of.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    limit: usize,
}

/// One element.
#[derive(Clone, Copy, Debug)]
pub struct Element<'a> {
    /// The identifier octet.
    pub tag: u8,
    /// What is inside, without the end mark.
    pub contents: &'a [u8],
    /// Header, contents, and the end mark where there is one.
    pub whole: &'a [u8],
    /// Whether an end mark stands for its length.
    pub is_indefinite: bool,
    bytes: &'a [u8],
    start: usize,
    end: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            limit: bytes.len(),
        }
    }

    /// Takes the next element, whatever it is.
    pub fn any(&mut self) -> Result<Element<'a>, DerError> {
        let offset = self.at;
        let header = Header::read(self.bytes, offset, self.limit)?;
        if header.tag == 0 {
            return Err(DerError::Value { offset });
        }
        let start = offset + header.size;
        let (end, after) = match header.length {
            Some(length) => (start + length, start + length),
            None => {
                let end = self.end_of(start, offset)?;
                (end, end + END)
            }
        };
        self.at = after;
        Ok(Element {
            tag: header.tag,
            contents: &self.bytes[start..end],
            whole: &self.bytes[offset..after],
            is_indefinite: header.length.is_none(),
            bytes: self.bytes,
            start,
            end,
        })
    }

    /// Takes the next element, which must have `tag`.
    pub fn expect(&mut self, tag: u8) -> Result<Element<'a>, DerError> {
        let offset = self.at;
        match self.peek() {
            None => Err(DerError::Truncated { offset }),
            Some(found) if found == tag => self.any(),
            Some(found) => Err(DerError::Tag {
                offset,
                expected: tag,
                found,
            }),
        }
    }

    /// The tag of the next element; none at the end.
    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at..self.limit)?.first().copied()
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.at >= self.limit
    }

    /// What is left.
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..self.limit).unwrap_or_default()
    }

    /// Where the reader is.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// Where the end mark stands of contents that begin at `start`.
    fn end_of(&self, start: usize, offset: usize) -> Result<usize, DerError> {
        // What states its length is passed over whole, so only the others have to be counted.
        let mut open = 1_usize;
        let mut at = start;
        loop {
            if at >= self.limit {
                return Err(DerError::Truncated { offset });
            }
            let header = Header::read(self.bytes, at, self.limit)?;
            match header.length {
                None => open += 1,
                Some(_) if header.ends() => {
                    open -= 1;
                    if open == 0 {
                        return Ok(at);
                    }
                }
                Some(_) if header.tag == 0 => return Err(DerError::Value { offset: at }),
                Some(_) => {}
            }
            at += header.size + header.length.unwrap_or_default();
        }
    }
}

impl<'a> Element<'a> {
    /// Reads what is inside.
    pub fn reader(&self) -> Reader<'a> {
        Reader {
            bytes: self.bytes,
            at: self.start,
            limit: self.end,
        }
    }
}
