//! The wire as a stage sees it: what the client sent, told by the first bytes of each connection.

use crate::program;
use crate::server::TLS_FIRST;
use crate::tap::Recording;
use anchorhold_session::channel::PREAMBLE;
use anchorhold_session::identify::QUESTION;
use std::collections::BTreeSet;

/// What a client may send, in the order in which it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sent {
    Question,
    Tls,
    DataChannel,
    Program,
    Other,
}

impl Sent {
    fn as_str(self) -> &'static str {
        match self {
            Self::Question => "question",
            Self::Tls => "TLS",
            Self::DataChannel => "data channel",
            Self::Program => "program in clear",
            Self::Other => "something else",
        }
    }

    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes.first().copied()? {
            _ if bytes == QUESTION => Some(Self::Question),
            TLS_FIRST if is_tls(bytes) => Some(Self::Tls),
            _ if bytes.starts_with(&PREAMBLE) => Some(Self::DataChannel),
            program::FIRST => Some(Self::Program),
            _ => Some(Self::Other),
        }
    }
}

/// All that a client sent over any of the connections, in words.
pub(super) fn sent(wire: &[Recording]) -> String {
    let sent: BTreeSet<_> = wire
        .iter()
        .filter_map(|one| Sent::of(&one.to_server))
        .collect();
    if sent.is_empty() {
        return "nothing".to_owned();
    }
    let words: Vec<_> = sent.into_iter().map(Sent::as_str).collect();
    words.join(" + ")
}

/// Whether bytes are TLS records from the first to the last, of which the last may be cut off.
fn is_tls(mut bytes: &[u8]) -> bool {
    while let Some((header, rest)) = bytes.split_first_chunk::<RECORD_HEADER>() {
        let [kind, major, _, high, low] = *header;
        if !(0x14..=0x17).contains(&kind) || major != 3 {
            return false;
        }
        let length = usize::from(u16::from_be_bytes([high, low]));
        bytes = rest.get(length..).unwrap_or_default();
    }
    // Less than a header is left where a connection was cut off inside one.
    bytes
        .first()
        .is_none_or(|kind| (0x14..=0x17).contains(kind))
}

const RECORD_HEADER: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn told(connections: &[&[u8]]) -> String {
        let recording = |bytes: &&[u8]| Recording {
            to_server: bytes.to_vec(),
            ..Recording::default()
        };
        sent(&connections.iter().map(recording).collect::<Vec<_>>())
    }

    #[test]
    fn connections_are_told_by_their_first_bytes() {
        let hello = [0x16, 3, 1, 0, 2, 9, 9];
        assert_eq!(told(&[]), "nothing");
        assert_eq!(told(&[b""]), "nothing");
        assert_eq!(told(&[&QUESTION]), "question");
        assert_eq!(told(&[&hello, &QUESTION, &hello]), "question + TLS");
        assert_eq!(told(&[b"AH-DATA1...", &hello]), "TLS + data channel");
        assert_eq!(told(&[b"Pm\0\0"]), "program in clear");
        assert_eq!(told(&[b"GET /"]), "something else");
    }

    #[test]
    fn a_question_with_more_behind_it_is_something_else() {
        assert_eq!(told(&[&[&QUESTION[..], b"Pm"].concat()]), "something else");
    }

    #[test]
    fn clear_text_behind_a_handshake_is_something_else() {
        let record = [0x16, 3, 3, 0, 2, 9, 9];
        assert_eq!(told(&[&[&record[..], &record].concat()]), "TLS");
        assert_eq!(
            told(&[&[&record[..], b"Pm\0\0\0\0"].concat()]),
            "something else"
        );
        assert_eq!(told(&[&record[..6]]), "TLS");
    }
}
