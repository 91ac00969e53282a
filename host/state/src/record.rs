//! What the ledger says of one server.

use std::fmt;

use crate::scope::{Fingerprint, ServerName};

/// How far a session with a server may still go down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Security {
    /// No TLS session has been completed yet.
    Transitional,
    /// Never plain again, never acceptance again.
    Strict,
}

impl Security {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Transitional => "transitional",
            Self::Strict => "strict",
        }
    }
}

impl fmt::Display for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A level, and where it was learnt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedLevel {
    /// Version, release, level, sublevel: `8.1.2.0`.
    pub value: String,
    /// Where it was learnt.
    pub evidence: String,
}

/// The address and port of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// A name or an address, as it was written.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

impl Endpoint {
    /// The host as it is compared: without case, brackets and the dot at the end.
    pub fn folded_host(&self) -> String {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        match bare.parse::<std::net::IpAddr>() {
            Ok(address) => address.to_canonical().to_string(),
            Err(_) => bare.strip_suffix('.').unwrap_or(bare).to_lowercase(),
        }
    }

    /// Whether both are one place, as far as the spelling tells.
    pub fn same_as(&self, other: &Self) -> bool {
        self.port == other.port && self.folded_host() == other.folded_host()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') && !self.host.starts_with('[') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// The ledger's record of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose it is.
    pub server: ServerName,
    /// Whether it may still go down.
    pub security: Security,
    /// The highest enhanced level that it claimed in plain since its last TLS session.
    pub announced: Option<String>,
    /// The level it was last seen at; for people and warnings, never for a decision.
    pub level: Option<RecordedLevel>,
    /// The TLS version of its last session.
    pub tls_version: Option<String>,
    /// The certificate that vouched for its last session.
    pub certificate: Option<Fingerprint>,
    /// Where its last session was.
    pub endpoint: Option<Endpoint>,
    /// When the record was made, in seconds since 1970.
    pub created: i64,
    /// When its last TLS session was completed, in seconds since 1970.
    pub last_session: Option<i64>,
    /// Whether it answers the level question inside TLS.
    pub answers_inside: bool,
}

impl Record {
    /// The record of a server of which nothing is known but its name.
    pub fn new(server: ServerName, created: i64) -> Self {
        Self {
            server,
            security: Security::Transitional,
            announced: None,
            level: None,
            tls_version: None,
            certificate: None,
            endpoint: None,
            created,
            last_session: None,
            answers_inside: false,
        }
    }
}

/// What a lowered server is let do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allow {
    /// Accept a certificate on first use, once.
    Accept,
    /// Talk in plain.
    Plain,
}

impl Allow {
    /// The word for it, as it is typed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Plain => "plain",
        }
    }
}

impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The operator's leave for one server to go down for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lowered {
    /// What is allowed.
    pub allow: Allow,
    /// The last second in which it holds, since 1970; without it, until the next TLS session.
    pub until: Option<i64>,
    /// Why, in the operator's words.
    pub reason: String,
}

impl Lowered {
    /// Whether it still holds.
    pub fn holds(&self, now: i64) -> bool {
        self.until.is_none_or(|until| now <= until)
    }
}

/// Where a server stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Its record, where it has one.
    pub record: Option<Record>,
    /// Whether what was known of it is lost; such a server is strict.
    pub lost: bool,
    /// The operator's leave, whether or not its time has passed.
    pub lowered: Option<Lowered>,
}

impl Standing {
    /// The operator's leave, if it still holds.
    pub fn lowered(&self, now: i64) -> Option<&Lowered> {
        self.lowered.as_ref().filter(|lowered| lowered.holds(now))
    }

    /// Whether the server is strict by its record or because its record is lost, leave or not.
    pub fn is_strict(&self) -> bool {
        self.lost
            || self
                .record
                .as_ref()
                .is_some_and(|record| record.security == Security::Strict)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(host: &str) -> Endpoint {
        Endpoint {
            host: host.to_owned(),
            port: 1500,
        }
    }

    #[test]
    fn spellings_of_one_place_are_the_same() {
        for (one, other, same) in [
            ("TSM1.Example", "tsm1.example.", true),
            ("[::1]", "0:0:0:0:0:0:0:1", true),
            ("::ffff:10.0.0.1", "10.0.0.1", true),
            ("tsm1", "tsm2", false),
            ("10.0.0.1", "10.0.0.10", false),
        ] {
            assert_eq!(
                endpoint(one).same_as(&endpoint(other)),
                same,
                "{one} {other}"
            );
        }
        assert!(!endpoint("a").same_as(&Endpoint {
            port: 1501,
            ..endpoint("a")
        }));
    }

    #[test]
    fn endpoint_is_written_as_it_is_typed() {
        assert_eq!(endpoint("::1").to_string(), "[::1]:1500");
        assert_eq!(endpoint("tsm1.example").to_string(), "tsm1.example:1500");
    }

    #[test]
    fn lost_server_is_strict_without_a_record() {
        assert!(!Standing::default().is_strict());
        assert!(
            Standing {
                lost: true,
                ..Standing::default()
            }
            .is_strict()
        );
    }
}
