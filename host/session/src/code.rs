//! What a decision or a session came to, in one word that other programs rely on.

use anchorhold_kernel as kernel;
use std::fmt;

/// The word for what was decided or happened; a code is never renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// Acceptance never applies to a server that authenticates with LDAP.
    AcceptanceBarredByLdap,
    /// Acceptance takes self-signed certificates only.
    AcceptanceNeedsSelfSigned,
    /// What the server presents cannot be accepted.
    AcceptanceNeedsValid,
    /// The certificate was accepted on first use.
    AcceptedOnFirstUse,
    /// Something came before the TLS handshake.
    BytesBeforeTls,
    /// The client's own key and its certificate do not belong together.
    ClientKeyMismatch,
    /// The client's own key, or its certificate, is not where the policy says.
    ClientKeyMissing,
    /// A strict server has no certificate any more.
    CertificateLost,
    /// The server needs a certificate to be imported.
    CertificateNeeded,
    /// The peer is less than it must be.
    Downgrade,
    /// The existing protocol, in plain.
    ExistingProtocol,
    /// Approved algorithms are asked for, and this build has no certified module.
    FipsUnavailable,
    /// TLS with a held certificate.
    HeldCertificate,
    /// The server announces less than it did before.
    LevelFell,
    /// The peer speaks no TLS and its level is not known.
    LevelUnknown,
    /// No row of the rules matches: a fault of this program, and a refusal.
    NoRule,
    /// Acceptance has no store to write to.
    NoWritableStore,
    /// The policy forbids plain sessions.
    PlainForbidden,
    /// No connection to the server.
    ServerUnreachable,
    /// SSLREQUIRED demands what SSL switches off.
    SslRequiredButOff,
    /// LDAP demands SSL.
    SslRequiredByLdap,
    /// A store, plugin or token did not answer.
    StoreUnavailable,
    /// The handshake broke off, or its signature is bad.
    TlsFailed,
    /// No common version or suite.
    TlsIncompatible,
    /// The peer speaks no TLS.
    TlsUnavailable,
    /// A lower TLS version than recorded, and the policy holds the floor.
    TlsVersionFell,
    /// The transport is not TCP/IP.
    TransportUnsupported,
    /// The verdict on the presented chain was no.
    Verdict(kernel::Code),
}

impl Code {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AcceptanceBarredByLdap => "acceptance-barred-by-ldap",
            Self::AcceptanceNeedsSelfSigned => "acceptance-needs-self-signed",
            Self::AcceptanceNeedsValid => "acceptance-needs-valid",
            Self::AcceptedOnFirstUse => "accepted-on-first-use",
            Self::BytesBeforeTls => "bytes-before-tls",
            Self::ClientKeyMismatch => "client-key-mismatch",
            Self::ClientKeyMissing => "client-key-missing",
            Self::CertificateLost => "certificate-lost",
            Self::CertificateNeeded => "certificate-needed",
            Self::Downgrade => "downgrade",
            Self::ExistingProtocol => "existing-protocol",
            Self::FipsUnavailable => "fips-unavailable",
            Self::HeldCertificate => "held-certificate",
            Self::LevelFell => "level-fell",
            Self::LevelUnknown => "level-unknown",
            Self::NoRule => "no-rule",
            Self::NoWritableStore => "no-writable-store",
            Self::PlainForbidden => "plain-forbidden",
            Self::ServerUnreachable => "server-unreachable",
            Self::SslRequiredButOff => "ssl-required-but-off",
            Self::SslRequiredByLdap => "ssl-required-by-ldap",
            Self::StoreUnavailable => "store-unavailable",
            Self::TlsFailed => "tls-failed",
            Self::TlsIncompatible => "tls-incompatible",
            Self::TlsUnavailable => "tls-unavailable",
            Self::TlsVersionFell => "tls-version-fell",
            Self::TransportUnsupported => "transport-unsupported",
            Self::Verdict(code) => code.as_str(),
        }
    }
}

impl From<kernel::Code> for Code {
    /// The same word is the same code, whoever came to it.
    fn from(code: kernel::Code) -> Self {
        match code {
            kernel::Code::CertificateNeeded => Self::CertificateNeeded,
            kernel::Code::StoreUnavailable => Self::StoreUnavailable,
            other => Self::Verdict(other),
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
