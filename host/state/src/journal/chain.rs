//! The chain that holds the journal's lines together.
//!
//! A line is a JSON object whose last member is `hash`: the SHA-256 of all the bytes of the line
//! before `,"hash":`. Each line also carries, as `prev`, the hash of the line before; the first
//! carries zeros.

use std::fmt;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::entry::{self, Line};

/// The hash of one entry, which covers the hash of the entry before.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EntryHash(pub [u8; 32]);

impl EntryHash {
    /// What the first entry has for the one before it.
    pub(crate) const START: Self = Self([0; 32]);

    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    pub(crate) fn parse(hex: &[u8]) -> Option<Self> {
        HEXLOWER.decode(hex).ok()?.try_into().ok().map(Self)
    }
}

impl fmt::Display for EntryHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for EntryHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where the journal stops being whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalFault {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong there.
    pub why: String,
}

/// What a walk over the whole journal found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JournalReport {
    /// How many entries there are, those that are still only in the ledger included.
    pub entries: u64,
    /// How many of them are still only in the ledger; the next change writes them to the file.
    pub pending: u64,
    /// The first fault, if there is one.
    pub fault: Option<JournalFault>,
}

impl JournalReport {
    /// Whether the chain is whole.
    pub fn is_whole(&self) -> bool {
        self.fault.is_none()
    }
}

/// Closes a JSON object with its own hash, as a line without its end.
pub(crate) fn seal(object: &str) -> (String, EntryHash) {
    let open = object.strip_suffix('}').unwrap_or(object);
    let hash = EntryHash::of(open.as_bytes());
    (format!("{open}{MEMBER}{hash}{CLOSE}"), hash)
}

/// Reads a line without its end, if its hash is right.
pub(crate) fn unseal(line: &[u8]) -> Result<Line, String> {
    let (open, hash) = split(line).ok_or("it does not end in a hash")?;
    if EntryHash::of(open) != hash {
        return Err("its hash does not match what it says".to_owned());
    }
    entry::parse(line, hash)
}

fn split(line: &[u8]) -> Option<(&[u8], EntryHash)> {
    let rest = line.strip_suffix(CLOSE.as_bytes())?;
    let (rest, hex) = rest.split_at_checked(rest.len().checked_sub(HEX)?)?;
    Some((
        rest.strip_suffix(MEMBER.as_bytes())?,
        EntryHash::parse(hex)?,
    ))
}

const MEMBER: &str = ",\"hash\":\"";
const CLOSE: &str = "\"}";
const HEX: usize = 64;

/// Follows the chain from line to line.
#[derive(Debug)]
pub(crate) struct Walk {
    seq: u64,
    hash: EntryHash,
    lines: u64,
}

impl Walk {
    /// Begins before the first line.
    pub(crate) fn new() -> Self {
        Self {
            seq: 0,
            hash: EntryHash::START,
            lines: 0,
        }
    }

    /// Takes the next line; what follows a broken one is held against it as it stands.
    pub(crate) fn step(&mut self, line: &[u8]) -> Result<Line, JournalFault> {
        self.lines += 1;
        let fault = |why: String| JournalFault {
            line: self.lines,
            why,
        };
        let read = unseal(line).map_err(fault)?;
        let entry = &read.entry;
        let (seq, hash) = (self.seq, self.hash);
        (self.seq, self.hash) = (entry.seq, entry.hash);
        if Some(entry.seq) != seq.checked_add(1) {
            return Err(fault(format!(
                "it is entry {}, after entry {seq}",
                entry.seq
            )));
        }
        if entry.prev != hash {
            return Err(fault("it does not follow from the line before".to_owned()));
        }
        Ok(read)
    }

    /// How many lines were taken.
    pub(crate) fn lines(&self) -> u64 {
        self.lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBJECT: &str = r#"{"seq":1,"at":"2026-01-02T03:04:05Z","who":"root","program":"anchorhold","event":"raised","detail":"x","ledger":1,"prev":"0000000000000000000000000000000000000000000000000000000000000000"}"#;

    #[test]
    fn sealed_line_is_json_and_unseals() {
        let (line, hash) = seal(OBJECT);
        let json: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(json["hash"], hash.to_string());
        let read = unseal(line.as_bytes()).unwrap();
        assert_eq!((read.entry.seq, read.entry.hash), (1, hash));
    }

    #[test]
    fn hash_is_of_the_bytes_before_it() {
        let (line, hash) = seal(OBJECT);
        let before = line.split(",\"hash\":").next().unwrap();
        assert_eq!(hash, EntryHash::of(before.as_bytes()));
    }

    #[test]
    fn any_changed_byte_is_found() {
        let (line, _) = seal(OBJECT);
        for at in 0..line.len() {
            let mut bytes = line.clone().into_bytes();
            bytes[at] ^= 1;
            assert!(unseal(&bytes).is_err(), "byte {at}");
        }
        assert!(unseal(b"").is_err());
        assert!(unseal(&line.as_bytes()[..line.len() - 1]).is_err());
    }

    #[test]
    fn unknown_member_is_ignored() {
        let object = OBJECT.replace("\"seq\":1", "\"seq\":1,\"colour\":{\"of\":\"tomorrow\"}");
        assert_eq!(unseal(seal(&object).0.as_bytes()).unwrap().entry.seq, 1);
    }

    #[test]
    fn walk_names_the_line() {
        let (first, hash) = seal(OBJECT);
        let second = |seq: &str, prev: EntryHash| {
            let object = OBJECT.replace("\"seq\":1", seq);
            seal(&object.replace(&EntryHash::START.to_string(), &prev.to_string())).0
        };
        let check = |line: String, expected: Option<&str>| {
            let mut walk = Walk::new();
            walk.step(first.as_bytes()).unwrap();
            let got = walk.step(line.as_bytes()).err();
            match (got, expected) {
                (None, None) => {}
                (Some(fault), Some(why)) => {
                    assert_eq!(fault.line, 2);
                    assert!(fault.why.contains(why), "{fault:?}");
                }
                (got, _) => panic!("{got:?} instead of {expected:?}"),
            }
        };
        check(second("\"seq\":2", hash), None);
        check(second("\"seq\":3", hash), Some("entry 3, after entry 1"));
        check(second("\"seq\":1", hash), Some("entry 1, after entry 1"));
        check(
            second("\"seq\":2", EntryHash([1; 32])),
            Some("does not follow"),
        );
        check("nonsense".to_owned(), Some("does not end in a hash"));
    }
}
