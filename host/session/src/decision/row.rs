//! The table of the session rules, row by row; the first that matches wins.

use super::fact::{Facts, Held, Plain, Presented, Security, SslRequired, Transport};
use crate::code::Code;
use crate::level::Era;

/// What a row leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Then {
    /// TLS, and the presented certificate is accepted and kept.
    Accept,
    /// TLS only far enough to see what the server presents; then the table is asked again.
    Look,
    /// A plain session with the existing protocol.
    Plain,
    /// No session.
    Refuse,
    /// TLS from byte 0, and a held certificate has to vouch.
    Tls,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its number in the manual.
    pub number: u8,
    /// Whether the facts match.
    pub when: fn(&Facts) -> bool,
    /// What follows.
    pub then: Then,
    /// Why, in one word.
    pub code: Code,
    /// The row in words, for `explain`.
    pub text: &'static str,
}

/// The table. A row says only what the rows above it have not settled.
pub const ROWS: &[Row] = &[
    Row {
        number: 1,
        when: |facts| facts.transport != Transport::Tcp,
        then: Then::Refuse,
        code: Code::TransportUnsupported,
        text: "COMMMethod is neither TCPip nor V6Tcpip",
    },
    Row {
        number: 2,
        when: |facts| strict(facts) && facts.held == Held::Unanswered,
        then: Then::Refuse,
        code: Code::StoreUnavailable,
        text: "strict, and a store that may hold the certificate cannot be listed",
    },
    Row {
        number: 3,
        when: |facts| strict(facts) && facts.held == Held::No,
        then: Then::Refuse,
        code: Code::CertificateLost,
        text: "strict, and no certificate is held; acceptance never applies again",
    },
    Row {
        number: 4,
        when: |facts| strict(facts) && facts.held == Held::Yes,
        then: Then::Tls,
        code: Code::HeldCertificate,
        text: "strict: TLS from byte 0 with a held certificate, whatever level the server has",
    },
    Row {
        number: 5,
        when: |facts| transitional(facts) && earlier(facts) && facts.level_fell,
        then: Then::Refuse,
        code: Code::LevelFell,
        text: "the server announced an enhanced level before, and is said to be at an earlier one now",
    },
    Row {
        number: 5,
        when: |facts| {
            transitional(facts)
                && facts.levels.announced == Some(Era::Earlier)
                && facts.levels.declared == Some(Era::Enhanced)
        },
        then: Then::Refuse,
        code: Code::Downgrade,
        text: "the server announces an earlier level, and an enhanced one is declared",
    },
    Row {
        number: 6,
        when: |facts| {
            clear(facts)
                && matches!(
                    facts.ssl_required,
                    SslRequired::Yes | SslRequired::ServerOnly
                )
        },
        then: Then::Refuse,
        code: Code::SslRequiredButOff,
        text: "earlier level, and SSLREQUIRED demands what SSL No switches off",
    },
    Row {
        number: 7,
        when: |facts| {
            clear(facts)
                && facts.ldap
                && matches!(facts.ssl_required, SslRequired::Default | SslRequired::No)
        },
        then: Then::Refuse,
        code: Code::SslRequiredByLdap,
        text: "earlier level and SSL No, and the server authenticates with LDAP",
    },
    Row {
        number: 8,
        when: |facts| clear(facts) && facts.plain == Plain::Never,
        then: Then::Refuse,
        code: Code::PlainForbidden,
        text: "earlier level and SSL No, and the server's policy says plain = \"never\"",
    },
    Row {
        number: 9,
        when: clear,
        then: Then::Plain,
        code: Code::ExistingProtocol,
        text: "earlier level and SSL No: the existing protocol goes on",
    },
    Row {
        number: 10,
        when: |facts| tls(facts) && facts.held == Held::Unanswered,
        then: Then::Refuse,
        code: Code::StoreUnavailable,
        text: "a store that may hold the certificate cannot be listed",
    },
    Row {
        number: 11,
        when: |facts| tls(facts) && facts.held == Held::Yes,
        then: Then::Tls,
        code: Code::HeldCertificate,
        text: "TLS from byte 0 with a held certificate; acceptance does not apply",
    },
    Row {
        number: 12,
        when: |facts| empty(facts) && !facts.accept,
        then: Then::Refuse,
        code: Code::CertificateNeeded,
        text: "no certificate is held, and SSLACCEPTCERTFROMSERV is No",
    },
    Row {
        number: 13,
        when: |facts| {
            empty(facts) && facts.accept && facts.levels.for_acceptance() != Some(Era::Enhanced)
        },
        then: Then::Refuse,
        code: Code::CertificateNeeded,
        text: "no certificate is held, and acceptance is for enhanced servers only",
    },
    Row {
        number: 14,
        when: |facts| accepting(facts) && facts.ldap,
        then: Then::Refuse,
        code: Code::AcceptanceBarredByLdap,
        text: "no certificate is held, and the server authenticates with LDAP",
    },
    Row {
        number: 15,
        when: |facts| accepting(facts) && facts.presented == Presented::CaSigned,
        then: Then::Refuse,
        code: Code::AcceptanceNeedsSelfSigned,
        text: "the server presents a CA-signed certificate",
    },
    Row {
        number: 16,
        when: |facts| accepting(facts) && facts.presented == Presented::SelfSigned,
        then: Then::Accept,
        code: Code::AcceptedOnFirstUse,
        text: "the server presents exactly one valid self-signed certificate: it is accepted",
    },
    Row {
        number: 16,
        when: |facts| accepting(facts) && facts.presented == Presented::Unseen,
        then: Then::Look,
        code: Code::AcceptedOnFirstUse,
        text: "the certificate is accepted if the server presents exactly one valid self-signed one",
    },
    Row {
        number: 17,
        when: |facts| accepting(facts) && facts.presented == Presented::Unacceptable,
        then: Then::Refuse,
        code: Code::AcceptanceNeedsValid,
        text: "what the server presents cannot be accepted",
    },
];

fn strict(facts: &Facts) -> bool {
    facts.transport == Transport::Tcp && facts.security == Security::Strict
}

fn transitional(facts: &Facts) -> bool {
    facts.transport == Transport::Tcp && facts.security == Security::Transitional
}

fn earlier(facts: &Facts) -> bool {
    facts.levels.in_clear() == Some(Era::Earlier)
}

/// Rows 6 to 9: the only facts that can lead to a plain session.
fn clear(facts: &Facts) -> bool {
    transitional(facts) && earlier(facts) && !facts.ssl
}

/// Rows 10 to 17: an enhanced or unknown level, or an earlier one with SSL Yes.
fn tls(facts: &Facts) -> bool {
    transitional(facts) && !clear(facts)
}

/// Rows 12 to 17.
fn empty(facts: &Facts) -> bool {
    tls(facts) && facts.held == Held::No
}

/// Rows 14 to 17: acceptance applies, if LDAP and the certificate allow it.
fn accepting(facts: &Facts) -> bool {
    empty(facts) && facts.accept && facts.levels.for_acceptance() == Some(Era::Enhanced)
}
