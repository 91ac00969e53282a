//! The fields of a message: written one after the other, and read with every length checked.

use super::WireError;

/// Appends fields.
pub(crate) struct Writer<'a>(pub(crate) &'a mut Vec<u8>);

impl Writer<'_> {
    pub(crate) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn i32(&mut self, value: i32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn i64(&mut self, value: i64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn flag(&mut self, value: bool) {
        self.u8(u8::from(value));
    }

    /// A count, or a length. One that does not fit is one that nobody reads: it is more than any
    /// message has.
    pub(crate) fn count(&mut self, count: usize) {
        self.u32(u32::try_from(count).unwrap_or(u32::MAX));
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// A text that is for people only: what is too long is cut between two characters.
    pub(crate) fn cut_text(&mut self, text: &str, most: usize) {
        let mut end = text.len().min(most);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.text(text.get(..end).unwrap_or_default());
    }

    /// Whether there is one, and the one there is.
    pub(crate) fn maybe<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    /// The position of a value among all that there are.
    pub(crate) fn one_of<T: PartialEq>(&mut self, all: &[T], value: &T) {
        let position = all.iter().position(|one| one == value);
        self.u8(position
            .and_then(|position| u8::try_from(position).ok())
            .unwrap_or(u8::MAX));
    }
}

/// Reads fields from what is left of a message.
pub(crate) struct Reader<'a> {
    left: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(message: &'a [u8]) -> Self {
        Self { left: message }
    }

    /// Nothing may be left.
    pub(crate) fn end(self) -> Result<(), WireError> {
        if self.left.is_empty() {
            Ok(())
        } else {
            Err(WireError::Trailing)
        }
    }

    pub(crate) fn u8(&mut self) -> Result<u8, WireError> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, WireError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, WireError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, WireError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn i32(&mut self) -> Result<i32, WireError> {
        self.array().map(i32::from_le_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, WireError> {
        self.array().map(i64::from_le_bytes)
    }

    pub(crate) fn flag(&mut self) -> Result<bool, WireError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(WireError::Malformed { what: "flag" }),
        }
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        let (array, left) = self.left.split_first_chunk().ok_or(WireError::Truncated)?;
        self.left = left;
        Ok(*array)
    }

    /// How many elements follow, of which each has at least `each` bytes.
    pub(crate) fn count(
        &mut self,
        each: usize,
        most: usize,
        what: &'static str,
    ) -> Result<usize, WireError> {
        let count = usize::try_from(self.u32()?).map_err(|_| WireError::Malformed { what })?;
        if count > most {
            return Err(WireError::Malformed { what });
        }
        match count.checked_mul(each) {
            Some(least) if least <= self.left.len() => Ok(count),
            _ => Err(WireError::Truncated),
        }
    }

    pub(crate) fn bytes(&mut self, most: usize, what: &'static str) -> Result<&'a [u8], WireError> {
        let length = self.count(1, most, what)?;
        let (bytes, left) = self
            .left
            .split_at_checked(length)
            .ok_or(WireError::Truncated)?;
        self.left = left;
        Ok(bytes)
    }

    pub(crate) fn text(&mut self, most: usize, what: &'static str) -> Result<&'a str, WireError> {
        std::str::from_utf8(self.bytes(most, what)?).map_err(|_| WireError::Malformed { what })
    }

    pub(crate) fn maybe<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, WireError>,
    ) -> Result<Option<T>, WireError> {
        self.flag()?.then(|| read(self)).transpose()
    }

    pub(crate) fn one_of<T: Copy>(
        &mut self,
        all: &[T],
        what: &'static str,
    ) -> Result<T, WireError> {
        all.get(usize::from(self.u8()?))
            .copied()
            .ok_or(WireError::Malformed { what })
    }
}
