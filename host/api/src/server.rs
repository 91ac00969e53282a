//! What the ledger says of servers.

use serde::{Deserialize, Serialize};

/// The document of `server list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordList {
    /// Every server that the ledger or an option file knows.
    pub servers: Vec<Record>,
    /// The option files that were read.
    #[serde(default)]
    pub files: Vec<String>,
}

/// The document of `server show`, and one line of `server list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The server.
    pub server: String,
    /// `transitional` or `strict`.
    pub session_security: String,
    /// Whether the ledger has a record of it; without one, nothing is known of it.
    pub recorded: bool,
    /// Whether its record was lost, so that it counts as strict until `server lower`.
    pub lost: bool,
    /// Whether an option file or anchorhold.toml names it.
    pub configured: bool,
    /// Its level, as last told.
    pub level: Option<RecordedLevel>,
    /// The highest enhanced level that it announced in clear since the last TLS session.
    pub announced: Option<String>,
    /// The TLS version of its last TLS session.
    pub tls_version: Option<String>,
    /// The SHA-256 of the certificate that vouched last.
    pub certificate: Option<String>,
    /// Where it was reached.
    pub endpoint: Option<Endpoint>,
    /// When its record was written, RFC 3339.
    pub created: Option<String>,
    /// When its last session was, RFC 3339.
    pub last_session: Option<String>,
    /// A lowering that is still open.
    pub lowered: Option<Lowered>,
}

/// A level as recorded, and how it was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedLevel {
    /// V.R.L.S.
    pub value: String,
    /// `announced`, `declared` or `inside-tls`.
    pub evidence: String,
}

/// Where a server was reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The host, as the options name it.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// A lowering by the operator that is still open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lowered {
    /// `plain` or `accept`.
    pub allow: String,
    /// Until when, RFC 3339; nothing is until the next completed TLS session.
    pub until: Option<String>,
    /// Why, in the operator's words.
    pub reason: String,
}

/// The document of `server raise` and `server lower`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordChange {
    /// The server, after the change.
    #[serde(flatten)]
    pub record: Record,
    /// Whether anything is different.
    pub changed: bool,
    /// What happened, for people.
    pub message: String,
}
