//! The question for a server's level and its answer: bytes in, bytes out.
//!
//! The Identify verb has no body; the reply is the verb IdentifyResp, whose fixed part ends at
//! byte 45 and is followed by the server's name and its platform. All integers are big endian.

use crate::level::Level;
use std::fmt;

/// What is sent: an Identify verb of four bytes.
pub const QUESTION: [u8; 4] = [0x00, 0x04, 0x1D, MARK];

/// The most that is read of an answer; the length field cannot say more.
pub const ANSWER_MAX: usize = 65_535;

/// The bytes that every verb begins with: length, verb, mark.
pub const HEADER: usize = 4;

const MARK: u8 = 0xA5;
const IDENTIFY_RESPONSE: u8 = 0x1E;
const FIXED: usize = 45;
const NAME_LENGTH_AT: usize = 17;
const PLATFORM_LENGTH_AT: usize = 19;
const LEVEL_AT: usize = 21;
/// Begins what a peer of this project adds behind the strings, which others pass over.
const ADDITION: &[u8] = b"anchorhold:";
const ADDITION_LDAP: &[u8] = b"authentication=ldap";

/// What a server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The level it claims.
    pub level: Level,
    /// The name it gives itself; for people.
    pub name: String,
    /// The platform it says that it runs on; for people.
    pub platform: String,
    /// Whether it says that it authenticates with LDAP; counts only inside TLS.
    pub ldap: bool,
}

/// An answer that cannot be read; the level is then unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// The first bytes are not those of an IdentifyResp verb.
    OtherVerb([u8; HEADER]),
    /// The strings do not fit into the length that the answer states.
    StringsTooLong,
    /// The answer is shorter than it must be.
    TooShort(usize),
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherVerb([a, b, c, d]) => {
                write!(
                    f,
                    "the answer begins {a:02x} {b:02x} {c:02x} {d:02x}, which is no IdentifyResp"
                )
            }
            Self::StringsTooLong => f.write_str("name and platform are longer than the answer"),
            Self::TooShort(length) => {
                write!(
                    f,
                    "the answer has {length} bytes, and needs at least {FIXED}"
                )
            }
        }
    }
}

impl std::error::Error for Malformed {}

/// How many bytes the answer has whose header this is, header included.
pub fn answer_length(header: [u8; HEADER]) -> Result<usize, Malformed> {
    let [high, low, verb, mark] = header;
    if verb != IDENTIFY_RESPONSE || mark != MARK {
        return Err(Malformed::OtherVerb(header));
    }
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length < FIXED {
        Err(Malformed::TooShort(length))
    } else {
        Ok(length)
    }
}

/// Reads one whole answer, header included; bytes that nobody documents are passed over.
pub fn read(answer: &[u8]) -> Result<Identity, Malformed> {
    let too_short = Malformed::TooShort(answer.len());
    let header = *answer
        .first_chunk::<HEADER>()
        .ok_or_else(|| too_short.clone())?;
    let answer = answer.get(..answer_length(header)?).ok_or(too_short)?;
    let number = |at: usize| {
        let pair = answer.get(at..).and_then(|rest| rest.first_chunk());
        // The length was found to reach past the fixed part, which all numbers are in.
        pair.map_or(0, |pair| u16::from_be_bytes(*pair))
    };
    let strings = answer.get(FIXED..).unwrap_or_default();
    let (name, rest) = split(strings, number(NAME_LENGTH_AT))?;
    let (platform, rest) = split(rest, number(PLATFORM_LENGTH_AT))?;
    let [version, release, level, sublevel] = [0, 2, 4, 6].map(|step| number(LEVEL_AT + step));
    Ok(Identity {
        level: Level {
            version,
            release,
            level,
            sublevel,
        },
        name: shown(name),
        platform: shown(platform),
        ldap: rest.strip_prefix(ADDITION) == Some(ADDITION_LDAP),
    })
}

/// Writes an answer, as the servers of the rehearsal give it.
pub fn write(identity: &Identity) -> Vec<u8> {
    let addition = if identity.ldap {
        [ADDITION, ADDITION_LDAP].concat()
    } else {
        Vec::new()
    };
    let name = bounded(&identity.name);
    let platform = bounded(&identity.platform);
    let mut answer = vec![0; FIXED];
    answer.extend_from_slice(name);
    answer.extend_from_slice(platform);
    answer.extend_from_slice(&addition);
    let level = identity.level;
    let numbers = [
        (0, length(&answer)),
        (NAME_LENGTH_AT, length(name)),
        (PLATFORM_LENGTH_AT, length(platform)),
        (LEVEL_AT, level.version),
        (LEVEL_AT + 2, level.release),
        (LEVEL_AT + 4, level.level),
        (LEVEL_AT + 6, level.sublevel),
    ];
    for (at, number) in numbers {
        for (slot, byte) in answer.iter_mut().skip(at).zip(number.to_be_bytes()) {
            *slot = byte;
        }
    }
    for (slot, byte) in answer.iter_mut().skip(2).zip([IDENTIFY_RESPONSE, MARK]) {
        *slot = byte;
    }
    answer
}

fn split(bytes: &[u8], length: u16) -> Result<(&[u8], &[u8]), Malformed> {
    bytes
        .split_at_checked(usize::from(length))
        .ok_or(Malformed::StringsTooLong)
}

/// Text for people: nobody knows the code page, and nothing in it may reach a terminal raw.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars()
        .filter(|character| !character.is_control())
        .collect()
}

fn bounded(text: &str) -> &[u8] {
    let bytes = text.as_bytes();
    bytes.get(..STRING_MAX).unwrap_or(bytes)
}

fn length(bytes: &[u8]) -> u16 {
    u16::try_from(bytes.len()).unwrap_or(u16::MAX)
}

const STRING_MAX: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        Identity {
            level: Level::new(8, 1, 2, 100),
            name: "TSM1".to_owned(),
            platform: "Linux/x86_64".to_owned(),
            ldap: false,
        }
    }

    #[test]
    fn an_answer_is_read_by_its_offsets() {
        let mut answer = vec![0_u8; 45];
        answer[..4].copy_from_slice(&[0, 50, 0x1E, 0xA5]);
        answer[17..21].copy_from_slice(&[0, 3, 0, 2]);
        answer[21..29].copy_from_slice(&[0, 7, 0, 1, 0, 8, 1, 0]);
        answer.extend_from_slice(b"SRVzO");
        let read = read(&answer).expect("a whole answer");
        assert_eq!(read.level, Level::new(7, 1, 8, 256));
        assert_eq!((read.name.as_str(), read.platform.as_str()), ("SRV", "zO"));
        assert!(!read.ldap);
    }

    #[test]
    fn what_is_written_is_read_again() {
        for ldap in [false, true] {
            let identity = Identity { ldap, ..identity() };
            assert_eq!(read(&write(&identity)), Ok(identity));
        }
    }

    #[test]
    fn a_cut_answer_is_malformed_at_every_length() {
        let whole = write(&identity());
        for end in 0..whole.len() {
            assert!(read(&whole[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn more_bytes_than_stated_are_passed_over() {
        let mut answer = write(&identity());
        answer.extend_from_slice(b"more");
        assert_eq!(read(&answer), Ok(identity()));
    }

    #[test]
    fn strings_that_reach_past_the_end_are_malformed() {
        let mut answer = write(&identity());
        answer[17] = 0xFF;
        assert_eq!(read(&answer), Err(Malformed::StringsTooLong));
    }

    #[test]
    fn another_verb_is_malformed() {
        let refused = answer_length([0, 0, 0x08, 0xA5]);
        assert_eq!(refused, Err(Malformed::OtherVerb([0, 0, 0x08, 0xA5])));
        assert_eq!(
            answer_length([0, 44, 0x1E, 0xA5]),
            Err(Malformed::TooShort(44))
        );
    }

    #[test]
    fn control_characters_of_a_name_are_not_shown() {
        let wild = Identity {
            name: "a\u{1b}[2Jb".to_owned(),
            ..identity()
        };
        assert_eq!(read(&write(&wild)).expect("readable").name, "a[2Jb");
    }
}
