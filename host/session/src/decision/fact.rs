//! What a decision rests on.

use crate::level::Era;

/// How the client is to reach the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Shared memory or a named pipe, which never leave the machine.
    Other,
    /// TCP/IP, by either protocol family.
    Tcp,
}

/// What the ledger says of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Security {
    /// Never plain again, never acceptance again.
    Strict,
    /// No TLS session was completed yet.
    Transitional,
}

/// Whether a certificate is held for the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Held {
    /// No store of the server has one.
    No,
    /// A store could not be listed, and the others have none.
    Unanswered,
    /// At least one, whether or not it would vouch today.
    Yes,
}

/// The values of SSLREQUIRED.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SslRequired {
    /// As the server's way to authenticate demands.
    Default,
    /// Not required.
    No,
    /// Required to the server, not to a storage agent.
    ServerOnly,
    /// Required.
    Yes,
}

/// What the policy says of plain sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Plain {
    /// Allowed while the server is at an earlier level.
    Allow,
    /// Never.
    Never,
}

/// What the server presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Presented {
    /// A certificate that another one issued.
    CaSigned,
    /// Exactly one certificate, self-signed, valid and acceptable.
    SelfSigned,
    /// Anything else.
    Unacceptable,
    /// Nobody has looked yet.
    Unseen,
}

/// What is known of the server's level, by where it comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Levels {
    /// Told in clear: anyone on the path can forge it, so it only ever raises.
    pub announced: Option<Era>,
    /// Told by the operator.
    pub declared: Option<Era>,
    /// Told inside TLS.
    pub inside: Option<Era>,
}

impl Levels {
    /// What decides whether the existing protocol goes on. What is told inside TLS cannot make
    /// it go on: a peer that speaks TLS has no need of it.
    pub fn in_clear(self) -> Option<Era> {
        self.announced.or(self.declared)
    }

    /// What decides whether acceptance applies: the answer inside TLS, where there is one.
    pub fn for_acceptance(self) -> Option<Era> {
        self.inside.or_else(|| self.in_clear())
    }
}

/// All that a decision rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Facts {
    /// COMMMethod.
    pub transport: Transport,
    /// The ledger's word.
    pub security: Security,
    /// The server's level.
    pub levels: Levels,
    /// The server announced an enhanced level before, is at an earlier one by what it announces
    /// or is declared now, and no TLS session was completed in between. Silence does not help: an
    /// old declaration must not let somebody on the path bring the existing protocol back.
    pub level_fell: bool,
    /// Whether a certificate is held.
    pub held: Held,
    /// SSL.
    pub ssl: bool,
    /// SSLREQUIRED.
    pub ssl_required: SslRequired,
    /// Whether the server is known to authenticate with LDAP.
    pub ldap: bool,
    /// The policy on plain sessions.
    pub plain: Plain,
    /// SSLACCEPTCERTFROMSERV.
    pub accept: bool,
    /// What the server presented.
    pub presented: Presented,
}

impl Facts {
    /// Whether the level has to be asked in clear: only where the answer can change the decision.
    pub fn ask_in_clear(&self) -> bool {
        let settled = self.ssl && (self.held == Held::Yes || !self.accept);
        self.transport == Transport::Tcp && self.security == Security::Transitional && !settled
    }
}
