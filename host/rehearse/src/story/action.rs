//! What can be done in a story: by the operator, by the server, and by fate.

use crate::server::Versions;
use anchorhold_session::accept;
use anchorhold_session::level::Level;
use anchorhold_session::policy::ServerTable;

/// The certificates that a server may present; each is made once per server and act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Paper {
    /// The self-signed one that a server makes for itself.
    Stock,
    /// The same, whose ten years are over.
    StockExpired,
    /// Another self-signed one, as after a renewal or in the hands of somebody else.
    StockNext,
    /// CA-signed, naming 127.0.0.1.
    Signed,
    /// CA-signed, out of date.
    SignedExpired,
    /// CA-signed, for clients only.
    SignedForClients,
    /// CA-signed, naming another host.
    SignedForOther,
    /// Signed by a CA that nobody here knows.
    SignedElsewhere,
}

impl Paper {
    /// Every paper.
    pub const ALL: [Self; 8] = [
        Self::Stock,
        Self::StockExpired,
        Self::StockNext,
        Self::Signed,
        Self::SignedExpired,
        Self::SignedForClients,
        Self::SignedForOther,
        Self::SignedElsewhere,
    ];

    /// What people call it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stock => "the stock certificate",
            Self::StockExpired => "an expired stock certificate",
            Self::StockNext => "the next stock certificate",
            Self::Signed => "the CA-signed certificate",
            Self::SignedExpired => "an expired CA-signed certificate",
            Self::SignedForClients => "a CA-signed certificate for clients",
            Self::SignedForOther => "a CA-signed certificate of another host",
            Self::SignedElsewhere => "a certificate of an unknown CA",
        }
    }
}

/// A certificate that an operator can have at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificate {
    /// A server's own.
    Of(&'static str, Paper),
    /// The root of the authority.
    Root,
}

/// Which port a stanza names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// The one for everything.
    Common,
    /// The SSL-only one.
    SslOnly,
}

/// What the operator has written about a server.
#[derive(Clone, Debug)]
pub struct Script {
    /// Which port the stanza names.
    pub door: Door,
    /// The lines of the stanza, without address and port.
    pub options: &'static [&'static str],
    /// The policy.
    pub policy: ServerTable,
}

/// What changes about a server.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// It answers for itself again.
    Honest,
    /// Somebody answers in its place who claims a level and speaks no TLS.
    Luring(Level),
    /// Its answer to the question for its level cannot be read, and it speaks no TLS.
    Mumbling,
    /// It does not answer the question for its level at all.
    Silent,
    /// It presents something else.
    Paper(Paper),
    /// It is upgraded to a level, and offers TLS 1.2 and 1.3 from then on where it is enhanced.
    Upgrade(Level),
    /// It offers other TLS versions.
    Versions(Versions),
}

/// What happens to the files of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disaster {
    /// The ledger's file is overwritten with something else.
    Damaged,
    /// The ledger's file is deleted.
    Deleted,
    /// The ledger's file is replaced by the copy that was kept.
    RolledBack,
}

/// One thing that is done. What it comes to is in words of [`super::Field`].
#[derive(Clone, Debug)]
pub enum Action {
    /// Signs on and runs the program on top of the session.
    Connect(&'static str),
    /// Signs on, and the machine dies right after a step of the acceptance.
    DieAfter(&'static str, accept::Step),
    /// Imports a certificate for a server; the root as an anchor.
    Import(Certificate, &'static str),
    /// On the way to the client, these bytes come before the server's.
    Inject(&'static str, &'static [u8]),
    /// Looks at ledger, scope and stores, as far as they concern a server.
    Inspect(&'static str),
    /// Keeps a copy of the ledger's files.
    KeepLedger,
    /// Something happens to the ledger's files, between two runs of the program.
    Ledger(Disaster),
    /// `server lower NAME --allow plain`.
    LowerToPlain(&'static str),
    /// `server raise NAME`.
    Raise(&'static str),
    /// Removes a certificate of a server.
    Remove(Certificate, &'static str),
    /// The program ends and starts again.
    Restart,
    /// A server changes.
    Server(&'static str, Change),
    /// A second store of every server, which is critical, is down or up again.
    StoreDown(bool),
    /// The operator edits stanza and policy.
    Write(&'static str, Box<Script>),
}

impl Action {
    /// Imports a server's own stock certificate for it.
    pub(super) fn own(server: &'static str) -> Self {
        Self::Import(Certificate::Of(server, Paper::Stock), server)
    }

    /// Upgrades a server to an enhanced level.
    pub(super) fn upgrade(server: &'static str) -> Self {
        Self::Server(server, Change::Upgrade(super::ENHANCED))
    }

    /// Lets a server present something else.
    pub(super) fn presents(server: &'static str, paper: Paper) -> Self {
        Self::Server(server, Change::Paper(paper))
    }

    /// Lets somebody else answer in the place of a server: he says 7.1.0 to whatever comes, and
    /// speaks no TLS.
    pub(super) fn lures(server: &'static str) -> Self {
        Self::Server(server, Change::Luring(Level::new(7, 1, 0, 0)))
    }

    /// Lets the server itself answer again.
    pub(super) fn honest(server: &'static str) -> Self {
        Self::Server(server, Change::Honest)
    }

    /// Rewrites a stanza, with the default policy.
    pub(super) fn write(
        server: &'static str,
        door: Door,
        options: &'static [&'static str],
    ) -> Self {
        let policy = ServerTable::default();
        Self::Write(
            server,
            Box::new(Script {
                door,
                options,
                policy,
            }),
        )
    }
}
