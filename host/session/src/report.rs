//! What a sign-on came to, or would come to.

use crate::client_key::ClientKey;
use crate::code::Code;
use crate::decision::Security;
use crate::level::Level;
use crate::options::Effective;
use crate::server::Server;
use crate::situation::Situation;
use crate::wording::Words;
use anchorhold_kernel::How;
use anchorhold_state::{Fingerprint, ServerName};

/// What kind of session it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The existing protocol, in plain.
    Plain,
    /// None.
    Refuse,
    /// TLS.
    Tls,
}

impl Outcome {
    /// The word that programs read.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Refuse => "refuse",
            Self::Tls => "tls",
        }
    }
}

/// Where the level of a decision comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// The server told it in clear.
    Announced,
    /// The operator told it.
    Declared,
    /// The server told it inside TLS.
    InsideTls,
    /// Nobody asked, because no answer could change the decision.
    NotAsked,
    /// The server was asked and did not tell.
    Unknown,
}

impl Evidence {
    /// The word that programs read.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Announced => "announced",
            Self::Declared => "declared",
            Self::InsideTls => "inside-tls",
            Self::NotAsked => "not-asked",
            Self::Unknown => "unknown",
        }
    }
}

/// Who authenticates the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Authentication {
    /// The existing protocol, as the program speaks it.
    Existing,
    /// The existing exchange or a newer one, inside TLS of an enhanced server.
    Tls,
}

/// How bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protection {
    /// Readable by anyone on the path.
    Clear,
    /// Inside TLS.
    Encrypted,
}

impl Protection {
    /// The word that programs read.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Encrypted => "encrypted",
        }
    }
}

/// The certificate that vouched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// Which one.
    pub fingerprint: Fingerprint,
    /// The store that holds it.
    pub store: String,
    /// As what it vouched.
    pub how: How,
}

/// The client's own certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Which one.
    pub fingerprint: Fingerprint,
    /// The store that holds it, and its key.
    pub store: String,
    /// What the policy calls it.
    pub label: String,
}

impl Shown {
    pub(crate) fn of(key: &ClientKey) -> Self {
        Self {
            fingerprint: key.fingerprint(),
            store: key.store().to_owned(),
            label: key.label().to_owned(),
        }
    }
}

/// Something that the operator should know although it does not change the decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// In one word.
    pub code: &'static str,
    /// In words.
    pub text: String,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// Arguments to this program that mend it; empty where no command can.
    pub command: Vec<String>,
    /// In words.
    pub note: String,
}

impl Remedy {
    /// A command, and what it takes for it to work.
    pub fn command(words: &[&str], note: impl Into<String>) -> Self {
        let command = words.iter().map(|word| (*word).to_owned()).collect();
        Self {
            command,
            note: note.into(),
        }
    }

    /// Something that no command of this program can do.
    pub fn advice(note: impl Into<String>) -> Self {
        Self {
            command: Vec::new(),
            note: note.into(),
        }
    }
}

/// What a sign-on came to, or would come to.
#[derive(Clone, Debug)]
pub struct Report {
    /// The server.
    pub server: ServerName,
    /// What kind of session it is.
    pub decision: Outcome,
    /// Why, in one word.
    pub code: Code,
    /// The row of the rules; also where something went wrong after it.
    pub row: u8,
    /// The level that was decided by.
    pub level: Option<Level>,
    /// Where that level comes from.
    pub evidence: Evidence,
    /// The session security from now on.
    pub session_security: Security,
    /// `1.2` or `1.3`.
    pub tls_version: Option<&'static str>,
    /// The group of the key exchange, such as X25519MLKEM768.
    pub key_exchange: Option<String>,
    /// Who authenticates the client.
    pub authentication: Option<Authentication>,
    /// How object data travels.
    pub object_data: Option<Protection>,
    /// Why it is encrypted although SSL is No.
    pub object_data_reason: Option<&'static str>,
    /// How everything else travels.
    pub metadata: Option<Protection>,
    /// Every option, with the place that it comes from.
    pub options: Vec<Effective>,
    /// What vouched.
    pub certificate: Option<Used>,
    /// The client's own certificate, where it was shown to a server that asked for one, or would
    /// be.
    pub client_certificate: Option<Shown>,
    /// What the server presented, end entity first.
    pub presented: Vec<Fingerprint>,
    /// What the operator should know besides.
    pub warnings: Vec<Warning>,
    /// What happened.
    pub message: String,
    /// What to do next.
    pub remedy: Option<Remedy>,
    /// Whether the peer proved to be wrong where the code alone would say that it failed.
    pub(crate) disproved: bool,
}

impl Report {
    pub(crate) fn new(
        server: &Server,
        situation: &Situation,
        decision: Outcome,
        row: u8,
        code: Code,
        words: Words,
    ) -> Self {
        Self {
            server: server.name.clone(),
            decision,
            code,
            row,
            level: None,
            evidence: Evidence::NotAsked,
            session_security: situation.facts.security,
            tls_version: None,
            key_exchange: None,
            authentication: None,
            object_data: None,
            object_data_reason: None,
            metadata: None,
            options: server.options.clone(),
            certificate: None,
            client_certificate: None,
            presented: Vec::new(),
            warnings: situation.warnings.clone(),
            message: words.message,
            remedy: words.remedy,
            disproved: false,
        }
    }

    /// Something that the operator should know, where there is anything.
    pub(crate) fn warn(&mut self, code: &'static str, text: Option<String>) {
        self.warnings
            .extend(text.map(|text| Warning { code, text }));
    }

    /// The status with which a program ends on this report.
    pub fn exit(&self) -> u8 {
        match self.decision {
            Outcome::Plain | Outcome::Tls => 0,
            Outcome::Refuse if self.disproved => 1,
            Outcome::Refuse => exit(self.code),
        }
    }

    /// Whether the warning of this code is among them.
    pub fn warns(&self, code: &str) -> bool {
        self.warnings.iter().any(|warning| warning.code == code)
    }
}

/// 1 the answer is no, 2 what was asked cannot be done, 3 a store or the peer failed.
fn exit(code: Code) -> u8 {
    match code {
        // The configuration names what is not there, which is the operator's to mend.
        Code::ClientKeyMismatch
        | Code::ClientKeyMissing
        | Code::FipsUnavailable
        | Code::NoWritableStore => 2,
        Code::ServerUnreachable | Code::StoreUnavailable | Code::TlsFailed => 3,
        _ => 1,
    }
}
