//! A record of the data channel: length, payload, and an HMAC over it and its place.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use std::io;
use zeroize::Zeroizing;

/// The most that one record carries, in bytes.
pub const PAYLOAD_MAX: usize = 64 << 10;

/// The bytes before the payload: its length, big endian, with the record's mark on top.
pub(crate) const HEADER: usize = 4;

/// The bytes behind the payload.
pub(crate) const TAG: usize = 32;

const LAST: u32 = 1 << 31;
const END: u32 = 1 << 30;

/// What a record is to the object that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// No object: the sender has sent its last one.
    End,
    /// The last part of an object.
    Last,
    /// A part that others follow; it is never empty, so that an object cannot go on for ever.
    More,
}

/// A record that is not what its sender sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Broken {
    /// Altered, left out, repeated or moved.
    Altered,
    /// A part of an object without content, an end with content, or a mark that there is not.
    Malformed,
    /// Longer than a record may be.
    TooLong(usize),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Altered => f.write_str("a record of the data channel was altered on its way"),
            Self::Malformed => f.write_str("a record of the data channel has no such form"),
            Self::TooLong(length) => write!(f, "a record of {length} bytes is too long"),
        }
    }
}

impl std::error::Error for Broken {}

impl From<Broken> for io::Error {
    fn from(broken: Broken) -> Self {
        Self::new(io::ErrorKind::InvalidData, broken)
    }
}

/// Seals records in their order.
pub struct Sealer {
    key: Hmac<Sha256>,
    sequence: u64,
}

/// Opens records in their order.
pub struct Opener {
    key: Hmac<Sha256>,
    sequence: u64,
}

impl Sealer {
    /// A sealer at its first record.
    pub fn new(key: &[u8; 32]) -> Self {
        Self {
            key: keyed(key),
            sequence: 0,
        }
    }

    /// One record.
    pub fn seal(&mut self, payload: &[u8], mark: Mark) -> Result<Vec<u8>, Broken> {
        let too_long = Broken::TooLong(payload.len());
        let length = u32::try_from(payload.len()).map_err(|_| too_long)?;
        if payload.len() > PAYLOAD_MAX {
            return Err(too_long);
        }
        let flag = match mark {
            Mark::End => END,
            Mark::Last => LAST,
            Mark::More => 0,
        };
        let header = (length | flag).to_be_bytes();
        read(header)?;
        let tag = authenticate(&self.key, self.sequence, header, payload).finalize();
        self.sequence = self.sequence.wrapping_add(1);
        Ok([&header[..], payload, &tag.into_bytes()[..]].concat())
    }
}

impl Opener {
    /// An opener at its first record.
    pub fn new(key: &[u8; 32]) -> Self {
        Self {
            key: keyed(key),
            sequence: 0,
        }
    }

    /// How many bytes follow a header.
    pub fn rest_of(&self, header: [u8; HEADER]) -> Result<usize, Broken> {
        let (length, _) = read(header)?;
        Ok(length + TAG)
    }

    /// The payload of a record, and what it is to its object.
    pub fn open<'a>(
        &mut self,
        header: [u8; HEADER],
        body: &'a [u8],
    ) -> Result<(&'a [u8], Mark), Broken> {
        let split = body.len().checked_sub(TAG).ok_or(Broken::Altered)?;
        let (payload, tag) = body.split_at(split);
        authenticate(&self.key, self.sequence, header, payload)
            .verify_slice(tag)
            .map_err(|_| Broken::Altered)?;
        self.sequence = self.sequence.wrapping_add(1);
        let (_, mark) = read(header)?;
        Ok((payload, mark))
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer")
            .field("sequence", &self.sequence)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opener")
            .field("sequence", &self.sequence)
            .finish_non_exhaustive()
    }
}

/// The length and the mark that a header tells.
fn read(header: [u8; HEADER]) -> Result<(usize, Mark), Broken> {
    let word = u32::from_be_bytes(header);
    let length = usize::try_from(word & !(LAST | END)).unwrap_or(usize::MAX);
    if length > PAYLOAD_MAX {
        return Err(Broken::TooLong(length));
    }
    match (word & LAST != 0, word & END != 0, length) {
        (false, true, 0) => Ok((length, Mark::End)),
        (true, false, _) => Ok((length, Mark::Last)),
        (false, false, 1..) => Ok((length, Mark::More)),
        _ => Err(Broken::Malformed),
    }
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    // HMAC pads a key of any length; the block below is that padding.
    let mut block = Zeroizing::new([0; 64]);
    for (slot, byte) in block.iter_mut().zip(key) {
        *slot = *byte;
    }
    Hmac::new((&*block).into())
}

fn authenticate(
    key: &Hmac<Sha256>,
    sequence: u64,
    header: [u8; 4],
    payload: &[u8],
) -> Hmac<Sha256> {
    let mut mac = key.clone();
    mac.update(&sequence.to_be_bytes());
    mac.update(&header);
    mac.update(payload);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(record: &[u8]) -> ([u8; HEADER], &[u8]) {
        (
            record[..HEADER].try_into().expect("a header"),
            &record[HEADER..],
        )
    }

    #[test]
    fn records_are_opened_in_their_order() {
        let (mut sealer, mut opener) = (Sealer::new(&[7; 32]), Opener::new(&[7; 32]));
        for (payload, mark) in [
            (&b"one"[..], Mark::More),
            (b"", Mark::Last),
            (b"three", Mark::Last),
            (b"", Mark::End),
        ] {
            let record = sealer.seal(payload, mark).expect("well formed");
            let (header, body) = parts(&record);
            assert_eq!(opener.rest_of(header), Ok(body.len()));
            assert_eq!(opener.open(header, body), Ok((payload, mark)));
        }
    }

    #[test]
    fn every_altered_bit_is_noticed() {
        for (payload, mark) in [(&b"object"[..], Mark::Last), (b"", Mark::End)] {
            let record = Sealer::new(&[7; 32])
                .seal(payload, mark)
                .expect("well formed");
            for bit in 0..record.len() * 8 {
                let mut altered = record.clone();
                altered[bit / 8] ^= 1 << (bit % 8);
                let (header, body) = parts(&altered);
                let mut opener = Opener::new(&[7; 32]);
                assert!(opener.open(header, body).is_err(), "{mark:?}, bit {bit}");
            }
        }
    }

    #[test]
    fn moved_repeated_and_foreign_records_are_noticed() {
        let mut sealer = Sealer::new(&[7; 32]);
        let first = sealer.seal(b"first", Mark::Last).expect("well formed");
        let second = sealer.seal(b"second", Mark::Last).expect("well formed");
        let (header, body) = parts(&second);
        assert_eq!(
            Opener::new(&[7; 32]).open(header, body),
            Err(Broken::Altered)
        );
        let (header, body) = parts(&first);
        assert_eq!(
            Opener::new(&[8; 32]).open(header, body),
            Err(Broken::Altered)
        );
        let mut opener = Opener::new(&[7; 32]);
        assert!(opener.open(header, body).is_ok());
        assert_eq!(opener.open(header, body), Err(Broken::Altered));
    }

    #[test]
    fn a_record_has_a_bound_on_both_ends() {
        let long = vec![0; PAYLOAD_MAX + 1];
        let sealed = Sealer::new(&[7; 32]).seal(&long, Mark::Last);
        assert_eq!(sealed, Err(Broken::TooLong(long.len())));
        let mut opener = Opener::new(&[7; 32]);
        let header = (LAST | (1 << 20)).to_be_bytes();
        assert_eq!(opener.rest_of(header), Err(Broken::TooLong(1 << 20)));
        assert_eq!(opener.open([0; 4], &[0; TAG - 1]), Err(Broken::Altered));
    }

    #[test]
    fn a_part_has_content_and_an_end_has_none() {
        let mut sealer = Sealer::new(&[7; 32]);
        assert_eq!(sealer.seal(b"", Mark::More), Err(Broken::Malformed));
        assert_eq!(sealer.seal(b"x", Mark::End), Err(Broken::Malformed));
        let opener = Opener::new(&[7; 32]);
        for word in [0, END | 1, END | LAST, END | LAST | 1] {
            let refused = opener.rest_of(word.to_be_bytes());
            assert_eq!(refused, Err(Broken::Malformed), "{word:#x}");
        }
    }
}
