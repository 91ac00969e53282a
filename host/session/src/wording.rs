//! What happened, and what to do next, in words; a test holds every code to have both.

mod acceptance;
mod case;
mod certificate;
mod client_key;
mod level;
mod option;
mod store;
mod tls;
mod verdict;

use crate::code::Code;
use crate::report::Remedy;
use crate::server::Server;
use crate::situation::Situation;
use anchorhold_state::Fingerprint;
use case::Case;

/// A message and a remedy.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) message: String,
    /// `None` where nothing is wrong.
    pub(crate) remedy: Option<Remedy>,
}

impl Words {
    /// Nothing is wrong.
    fn well(message: String) -> Self {
        Self {
            message,
            remedy: None,
        }
    }

    /// Something is, and this is the next step.
    fn refusal(message: String, remedy: Remedy) -> Self {
        Self {
            message,
            remedy: Some(remedy),
        }
    }
}

/// What led to a code, where the code alone would not tell what to do about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The client's own key, or its certificate.
    ClientKey,
    /// The server wants a certificate of the client, and was shown none.
    ClientKeyWanted,
    /// The policy holds the recorded level.
    LevelFloor,
    /// A server has told another address for a replication server.
    Moved,
    /// The peer speaks no TLS.
    NoTls,
    /// A row of the rules, or a verdict.
    #[default]
    Rules,
}

/// What a sign-on came to, for words to be found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told<'a> {
    pub(crate) code: Code,
    pub(crate) cause: Cause,
    /// What is known besides the code; a verdict's message.
    pub(crate) detail: &'a str,
    /// What the verdict itself says to do.
    pub(crate) advice: Option<&'a str>,
    /// What the verdict says is held as another kind than would help.
    pub(crate) misfiled: Option<Fingerprint>,
    /// What the server presented, end entity first.
    pub(crate) presented: &'a [Fingerprint],
}

impl Told<'_> {
    /// A code of which nothing else is known.
    pub(crate) fn of(code: Code) -> Self {
        Self {
            code,
            cause: Cause::Rules,
            detail: "",
            advice: None,
            misfiled: None,
            presented: &[],
        }
    }
}

/// The words for what a sign-on came to.
pub(crate) fn of(server: &Server, situation: &Situation, told: Told<'_>) -> Words {
    let case = &Case {
        server,
        situation,
        told,
    };
    match told.code {
        Code::AcceptanceBarredByLdap => acceptance::barred_by_ldap(case),
        Code::AcceptanceNeedsSelfSigned => acceptance::needs_self_signed(case),
        Code::AcceptanceNeedsValid => acceptance::needs_valid(case),
        Code::AcceptedOnFirstUse => acceptance::accepted(case),
        Code::BytesBeforeTls => tls::early_bytes(case),
        Code::CertificateLost => certificate::lost(case),
        Code::CertificateNeeded => certificate::needed(case),
        Code::ClientKeyMismatch | Code::ClientKeyMissing => client_key::unusable(case),
        Code::Downgrade => level::downgrade(case),
        Code::ExistingProtocol => level::existing_protocol(case),
        Code::FipsUnavailable => option::fips_unavailable(case),
        Code::HeldCertificate => certificate::vouches(case),
        Code::LevelFell => level::fell(case),
        Code::LevelUnknown => level::unknown(case),
        Code::NoRule => no_rule(case),
        Code::NoWritableStore => store::not_writable(case),
        Code::PlainForbidden => level::plain_forbidden(case),
        Code::ServerUnreachable => tls::unreachable(case),
        Code::SslRequiredButOff => option::ssl_required_but_off(case),
        Code::SslRequiredByLdap => option::ssl_required_by_ldap(case),
        Code::StoreUnavailable if told.cause == Cause::ClientKey => client_key::unanswered(case),
        Code::StoreUnavailable => store::unavailable(case),
        Code::TlsFailed if told.cause == Cause::ClientKey => client_key::refused(case),
        Code::TlsFailed if told.cause == Cause::ClientKeyWanted => client_key::wanted(case),
        Code::TlsFailed => tls::failed(case),
        Code::TlsIncompatible => tls::incompatible(case),
        Code::TlsUnavailable => tls::unavailable(case),
        Code::TlsVersionFell => tls::version_fell(case),
        Code::TransportUnsupported => option::transport_unsupported(case),
        Code::Verdict(code) => verdict::words(case, code),
    }
}

fn no_rule(case: &Case<'_>) -> Words {
    let name = case.name();
    Words::refusal(
        format!("no rule covers {name}: this is a fault of this program"),
        Remedy::command(
            &["explain", name],
            "shows what was decided by; report the fault with it",
        ),
    )
}

#[cfg(test)]
mod tests;
