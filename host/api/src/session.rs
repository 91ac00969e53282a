//! What was decided for a session, and what the session was.

use serde::{Deserialize, Serialize};

use crate::{Lowered, Record};

/// The document of `connect`; `explain` has all of it too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The server.
    pub server: String,
    /// `tls`, `plain` or `refuse`.
    pub decision: String,
    /// What happened, in a word that is never renamed.
    pub code: String,
    /// The number of the row that decided.
    pub row: u8,
    /// The server's level.
    pub level: Level,
    /// `transitional` or `strict`, after what happened.
    pub session_security: String,
    /// The TLS version of the session.
    pub tls_version: Option<String>,
    /// The key exchange of the session.
    pub key_exchange: Option<String>,
    /// `tls` or `existing`: what the program on the session authenticates inside of.
    pub authentication: Option<String>,
    /// `encrypted` or `clear`.
    pub object_data: Option<String>,
    /// Why object data is not what SSL asks for.
    pub object_data_reason: Option<String>,
    /// `encrypted` or `clear`: everything that is not object data.
    pub metadata: Option<String>,
    /// The options that took part, with file and line.
    pub options: Vec<SetOption>,
    /// The certificate that vouched.
    pub certificate: Option<Used>,
    /// The client's own certificate, where the server asked for one and was shown it; in an
    /// explanation, where it would be shown.
    #[serde(default)]
    pub client_certificate: Option<OwnCertificate>,
    /// The SHA-256 of each certificate that the server presented, end entity first.
    #[serde(default)]
    pub presented: Vec<String>,
    /// What the operator should know although it does not change the decision.
    pub warnings: Vec<Warning>,
    /// What happened, for people.
    pub message: String,
    /// What to do next: a command line where one helps, else words.
    pub remedy: Option<String>,
    /// What it takes for that command to help.
    pub remedy_note: Option<String>,
    /// The option files that were read.
    #[serde(default)]
    pub files: Vec<String>,
}

/// A server's level, and how it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Level {
    /// V.R.L.S, where it is known.
    pub value: Option<String>,
    /// `not-asked`, `announced`, `declared`, `inside-tls` or `unknown`.
    pub evidence: String,
}

/// One option in effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetOption {
    /// Its name as the vendor prints it.
    pub name: String,
    /// Its value.
    pub value: String,
    /// `FILE:LINE`, or `default`.
    pub from: String,
}

/// The certificate that vouched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// The SHA-256 of the certificate.
    pub sha256: String,
    /// The store that holds it.
    pub store: String,
    /// `pin` or `anchor`.
    pub how: String,
}

/// The client's own certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnCertificate {
    /// The SHA-256 of the certificate.
    pub sha256: String,
    /// The store that holds it and its key.
    pub store: String,
    /// What `client_key` calls it.
    #[serde(default)]
    pub label: String,
}

/// What the operator should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// What it is about, in a word that is never renamed.
    pub code: String,
    /// What it is, for people.
    pub message: String,
}

/// The document of `explain`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The decision, in the shape of `connect`.
    #[serde(flatten)]
    pub session: Session,
    /// The row that decided.
    pub rule: Row,
    /// What the ledger says of the server; nothing before its first contact.
    pub record: Option<Record>,
    /// Whether the server's record was lost, so that it counts as strict.
    pub lost: bool,
    /// A lowering that is still open.
    pub lowered: Option<Lowered>,
    /// The stores that are asked for the server, in order.
    pub stores: Vec<StoreState>,
    /// What anchorhold.toml says of the server, each with file and line.
    #[serde(default)]
    pub policy: Vec<SetOption>,
    /// Options of the server that this host does not use.
    #[serde(default)]
    pub unused_options: Vec<SetOption>,
    /// What of the option files is allowed but worth saying.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What would lead to another decision.
    pub would_change: Vec<Difference>,
}

/// A row of the session rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Its number.
    pub number: u8,
    /// What it says.
    pub text: String,
}

/// One store of a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreState {
    /// The store.
    pub store: String,
    /// How it is: `ready`, `degraded`, `locked`, `offline` or `failed`.
    pub health: String,
    /// More about it.
    pub detail: String,
    /// The SHA-256 of each certificate that it holds for the server.
    pub held: Vec<String>,
}

/// What would lead to another decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// What would have to be different.
    pub what: String,
    /// `tls`, `plain` or `refuse`: what would then be decided.
    pub decision: String,
    /// Why, in a word that is never renamed.
    pub code: String,
    /// By which row.
    pub row: u8,
}
