//! One entry of the journal.

use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

use super::chain::{EntryHash, seal};
use crate::error::StateError;
use crate::record::Endpoint;
use crate::scope::{Fingerprint, ServerName};

/// Who makes a change, and with which program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The user's name, or number where it has none.
    pub user: String,
    /// The program.
    pub program: String,
}

impl Actor {
    /// Takes both as the caller knows them.
    pub fn new(user: impl Into<String>, program: impl Into<String>) -> Self {
        Self {
            user: user.into(),
            program: program.into(),
        }
    }
}

/// Something worth an entry of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What happened, in one word: `imported`.
    pub kind: &'static str,
    /// The server it concerns; it gets a record if it has none.
    pub server: Option<ServerName>,
    /// The certificate it concerns.
    pub certificate: Option<Fingerprint>,
    /// The store it concerns.
    pub store: Option<String>,
    /// The rest, for people; cut where it is too long.
    pub detail: String,
}

impl Event {
    /// An event that concerns nobody in particular.
    pub fn new(kind: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind,
            server: None,
            certificate: None,
            store: None,
            detail: detail.into(),
        }
    }

    /// The same event, of this server.
    #[must_use]
    pub fn server(mut self, server: &ServerName) -> Self {
        self.server = Some(server.clone());
        self
    }

    /// The same event, of this certificate.
    #[must_use]
    pub fn certificate(mut self, certificate: Fingerprint) -> Self {
        self.certificate = Some(certificate);
        self
    }

    /// The same event, of this store.
    #[must_use]
    pub fn store(mut self, store: impl Into<String>) -> Self {
        self.store = Some(store.into());
        self
    }
}

/// One entry, as it is read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number, from 1.
    pub seq: u64,
    /// When.
    pub at: OffsetDateTime,
    /// The user.
    pub who: String,
    /// The program.
    pub program: String,
    /// What happened.
    pub event: String,
    /// The server it concerns.
    pub server: Option<ServerName>,
    /// Where that server is, where the entry tells.
    pub endpoint: Option<Endpoint>,
    /// The certificate it concerns.
    pub certificate: Option<Fingerprint>,
    /// The store it concerns.
    pub store: Option<String>,
    /// The rest, for people.
    pub detail: String,
    /// The ledger's position that this entry belongs to.
    pub ledger: u64,
    /// The hash of the entry before.
    pub prev: EntryHash,
    /// The hash of this entry.
    pub hash: EntryHash,
}

/// A line as it was read: the entry, and what only ledger and journal need of each other.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) entry: Entry,
    /// What the records were after the transaction that ends with this line.
    pub(crate) records: Option<String>,
}

/// The line as it stands in the file, but for its hash.
#[derive(Serialize, Deserialize)]
struct Written<'a> {
    seq: u64,
    at: String,
    #[serde(borrow)]
    who: Text<'a>,
    program: Text<'a>,
    event: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<Text<'a>>,
    detail: Text<'a>,
    ledger: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    records: Option<Text<'a>>,
    prev: String,
}

type Text<'a> = std::borrow::Cow<'a, str>;

pub(super) fn parse(line: &[u8], hash: EntryHash) -> Result<Line, String> {
    let written: Written<'_> =
        serde_json::from_slice(line).map_err(|error| format!("it is no entry: {error}"))?;
    let at = OffsetDateTime::parse(&written.at, &Rfc3339)
        .map_err(|error| format!("its time cannot be read: {error}"))?;
    let prev = EntryHash::parse(written.prev.as_bytes()).ok_or("its prev is no hash")?;
    let certificate = match &written.certificate {
        Some(hex) => {
            let hash = EntryHash::parse(hex.as_bytes()).ok_or("its certificate is no hash")?;
            Some(Fingerprint(hash.0))
        }
        None => None,
    };
    let endpoint = written.host.zip(written.port);
    Ok(Line {
        entry: Entry {
            seq: written.seq,
            at,
            who: written.who.into_owned(),
            program: written.program.into_owned(),
            event: written.event.into_owned(),
            server: written
                .server
                .map(|name| ServerName::new(name.into_owned())),
            endpoint: endpoint.map(|(host, port)| Endpoint {
                host: host.into_owned(),
                port,
            }),
            certificate,
            store: written.store.map(Text::into_owned),
            detail: written.detail.into_owned(),
            ledger: written.ledger,
            prev,
            hash,
        },
        records: written.records.map(Text::into_owned),
    })
}

/// A place in the chain: after which entry, and where the file is that far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) seq: u64,
    pub(crate) hash: EntryHash,
    pub(crate) len: u64,
}

impl Place {
    /// Before the first entry.
    pub(crate) const START: Self = Self {
        seq: 0,
        hash: EntryHash::START,
        len: 0,
    };
}

/// Who writes, when, and at which position of the ledger.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp<'a> {
    pub(crate) actor: &'a Actor,
    pub(crate) at: OffsetDateTime,
    pub(crate) ledger: u64,
}

impl Stamp<'_> {
    /// Writes an event as the line, without its end, that follows the place, and moves the place.
    pub(crate) fn line(
        &self,
        event: &Event,
        endpoint: Option<&Endpoint>,
        records: Option<&str>,
        place: &mut Place,
    ) -> Result<String, StateError> {
        let seq = place
            .seq
            .checked_add(1)
            .ok_or_else(|| invalid("the journal is full"))?;
        let at = self.at.to_offset(UtcOffset::UTC).replace_nanosecond(0);
        let at = at.ok().and_then(|at| at.format(&Rfc3339).ok());
        let written = Written {
            seq,
            at: at.ok_or_else(|| invalid("its time is outside the years 0 to 9999"))?,
            who: cut(&self.actor.user, SHORT),
            program: cut(&self.actor.program, SHORT),
            event: cut(event.kind, SHORT),
            server: event.server.as_ref().map(|server| server.as_str().into()),
            host: endpoint.map(|endpoint| cut(&endpoint.host, SHORT)),
            port: endpoint.map(|endpoint| endpoint.port),
            certificate: event.certificate.map(|fingerprint| fingerprint.to_string()),
            store: event.store.as_ref().map(|store| cut(store, SHORT)),
            detail: cut(&event.detail, DETAIL),
            ledger: self.ledger,
            records: records.map(Text::from),
            prev: place.hash.to_string(),
        };
        let object = serde_json::to_string(&written)
            .map_err(|error| invalid(&format!("it is no JSON: {error}")))?;
        let (line, hash) = seal(&object);
        let len = u64::try_from(line.len())
            .ok()
            .and_then(|len| place.len.checked_add(len + 1));
        *place = Place {
            seq,
            hash,
            len: len.ok_or_else(|| invalid("the journal is full"))?,
        };
        Ok(line)
    }
}

/// The text, or as much of it as fits and a mark that it was cut.
fn cut(text: &str, most: usize) -> Text<'_> {
    if text.len() <= most {
        return text.into();
    }
    let mut end = most.saturating_sub(CUT.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{CUT}", text.get(..end).unwrap_or_default()).into()
}

fn invalid(why: &str) -> StateError {
    StateError::Invalid {
        why: why.to_owned(),
    }
}

/// The most bytes of a name; no longer one is recorded.
pub(crate) const LONGEST_SERVER: usize = 512;
const SHORT: usize = 512;
const DETAIL: usize = 4096;
const CUT: &str = " […]";

/// No line is longer: every byte of the texts above may become six in JSON.
pub(crate) const LONGEST_LINE: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::chain::unseal;

    fn event() -> Event {
        Event::new("imported", "one certificate")
            .server(&ServerName::new("TSM1"))
            .certificate(Fingerprint([0xab; 32]))
            .store("keydb")
    }

    #[test]
    fn line_reads_back_as_it_was_meant() {
        let actor = Actor::new("alice", "anchorhold");
        let at = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
        let stamp = Stamp {
            actor: &actor,
            at,
            ledger: 7,
        };
        let endpoint = Endpoint {
            host: "::1".to_owned(),
            port: 1500,
        };
        let mut place = Place {
            seq: 4,
            hash: EntryHash([9; 32]),
            len: 100,
        };
        let line = stamp
            .line(&event(), Some(&endpoint), Some("1:x"), &mut place)
            .unwrap();
        let read = unseal(line.as_bytes()).unwrap();
        assert_eq!(read.records.as_deref(), Some("1:x"));
        let entry = read.entry;
        assert_eq!((entry.seq, entry.ledger, entry.at), (5, 7, at));
        assert_eq!(
            (entry.who.as_str(), entry.program.as_str()),
            ("alice", "anchorhold")
        );
        assert_eq!(
            (entry.event.as_str(), entry.detail.as_str()),
            ("imported", "one certificate")
        );
        assert_eq!(entry.server.unwrap().as_str(), "TSM1");
        assert_eq!(entry.endpoint, Some(endpoint));
        assert_eq!(entry.certificate, Some(Fingerprint([0xab; 32])));
        assert_eq!(entry.store.as_deref(), Some("keydb"));
        assert_eq!((entry.prev, entry.hash), (EntryHash([9; 32]), place.hash));
        let len = u64::try_from(line.len()).unwrap();
        assert_eq!((place.seq, place.len), (5, 100 + len + 1));
        assert!(!line.contains('\n'));
    }

    #[test]
    fn line_stays_a_line_whatever_is_in_it() {
        let nasty = "\u{1}\n\"\\}".repeat(5_000);
        let actor = Actor::new(nasty.clone(), nasty.clone());
        let stamp = Stamp {
            actor: &actor,
            at: OffsetDateTime::UNIX_EPOCH,
            ledger: u64::MAX,
        };
        let mut event = event();
        event.detail.clone_from(&nasty);
        event.store = Some(nasty.clone());
        event.server = Some(ServerName::new(&nasty[..LONGEST_SERVER]));
        let endpoint = Endpoint {
            host: nasty,
            port: 1,
        };
        let mut place = Place::START;
        let line = stamp
            .line(&event, Some(&endpoint), None, &mut place)
            .unwrap();
        assert!(place.len < LONGEST_LINE && !line.contains('\n'));
        assert!(unseal(line.as_bytes()).unwrap().entry.detail.ends_with(CUT));
    }

    #[test]
    fn cut_falls_between_characters() {
        assert_eq!(cut("short", 5), "short");
        for most in 10..40 {
            let text = cut("äöüß€äöüß€äöüß€äöüß€", most);
            assert!(text.len() <= most && text.ends_with(CUT), "{most}: {text}");
        }
    }
}
