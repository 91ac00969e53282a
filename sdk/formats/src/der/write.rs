//! Writes DER forward into a buffer whose final size is known beforehand.

use super::INTEGER;

/// The size of an element with contents of `length` bytes: header and contents.
pub fn size(length: usize) -> usize {
    1 + length_size(length) + length
}

/// Appends the header of an element whose contents of `length` bytes follow.
pub fn header(out: &mut Vec<u8>, tag: u8, length: usize) {
    out.push(tag);
    let octets = length.to_be_bytes();
    let significant = &octets[octets.len() - significant_octets(length)..];
    match significant {
        [short @ 0..=0x7f] => out.push(*short),
        long => {
            out.push(LONG_FORM[long.len()]);
            out.extend_from_slice(long);
        }
    }
}

/// Appends one element.
pub fn element(out: &mut Vec<u8>, tag: u8, contents: &[u8]) {
    header(out, tag, contents.len());
    out.extend_from_slice(contents);
}

/// One element that holds `parts`, for pieces that are small enough to be copied.
pub fn wrap(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(size(length));
    header(&mut out, tag, length);
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// Appends an INTEGER.
pub fn integer(out: &mut Vec<u8>, value: u32) {
    let octets = value.to_be_bytes();
    let skipped = octets.iter().take(3).take_while(|o| **o == 0).count();
    let digits = &octets[skipped..];
    // A leading zero keeps a number with its top bit set from being read as negative.
    let sign = usize::from(digits[0] & 0x80 != 0);
    header(out, INTEGER, sign + digits.len());
    out.extend_from_slice(&[0][..sign]);
    out.extend_from_slice(digits);
}

/// What stands before contents that are written later: nested headers and the fields in between.
///
/// It is put together from the inside out, because a header states the size of what it holds.
/// So the contents themselves, however large, are written once and never moved.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The bytes, last first: growing outwards is then a push.
    reversed: Vec<u8>,
    /// How many bytes are opened so far, the contents included.
    held: usize,
}

impl Opening {
    /// Opens contents of `length` bytes.
    pub fn of(length: usize) -> Self {
        Self {
            reversed: Vec::new(),
            held: length,
        }
    }

    /// Puts all so far into an element with `tag`.
    #[must_use]
    pub fn within(mut self, tag: u8) -> Self {
        let before = self.reversed.len();
        let count = significant_octets(self.held);
        // The last octet of a length is the lowest, so in reverse they stand in rising order.
        self.reversed
            .extend_from_slice(&self.held.to_le_bytes()[..count]);
        if self.held >= 0x80 {
            self.reversed.push(LONG_FORM[count]);
        }
        self.reversed.push(tag);
        self.held += self.reversed.len() - before;
        self
    }

    /// Puts `bytes` before all so far.
    #[must_use]
    pub fn after(mut self, bytes: &[u8]) -> Self {
        self.reversed.extend(bytes.iter().rev());
        self.held += bytes.len();
        self
    }

    /// Counts `length` bytes that will follow after all so far.
    #[must_use]
    pub fn before(mut self, length: usize) -> Self {
        self.held += length;
        self
    }

    /// The size of everything: what stands before, the contents, and what follows.
    pub fn size(&self) -> usize {
        self.held
    }

    /// The size of what stands before the contents.
    pub fn len(&self) -> usize {
        self.reversed.len()
    }

    /// Whether nothing stands before the contents.
    pub fn is_empty(&self) -> bool {
        self.reversed.is_empty()
    }

    /// Appends what stands before the contents.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.reversed.iter().rev());
    }
}

/// The size of the length octets.
fn length_size(length: usize) -> usize {
    if length < 0x80 {
        1
    } else {
        1 + significant_octets(length)
    }
}

/// How many octets the number needs, at least one.
fn significant_octets(value: usize) -> usize {
    let octets = value.to_be_bytes();
    octets.len()
        - octets
            .iter()
            .take(octets.len() - 1)
            .take_while(|o| **o == 0)
            .count()
}

/// The octet that announces so many length octets.
const LONG_FORM: [u8; 9] = [0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88];
