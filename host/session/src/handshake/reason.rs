//! Why a handshake failed, from what the peer said and what was seen of it.

use super::{Failure, word};
use anchorhold_kernel::certificate::key_fault;
use anchorhold_kernel::tls::Verifier;
use rustls::{AlertDescription, CertificateError, Error};
use std::io;

/// What an error of the handshake means, after these first bytes of the peer.
pub(super) fn explain(error: io::Error, first: &[u8], verifier: &Verifier) -> Failure {
    if let Some(verdict) = verifier.verdict().filter(|verdict| !verdict.trusted) {
        return Failure::Verdict(Box::new(verdict));
    }
    if !first.is_empty() && !looks_like_tls(first) {
        let shown = first.escape_ascii();
        return Failure::NotTls(format!("it answered \"{shown}\" to the handshake"));
    }
    match (fault(&error), error.kind()) {
        (Some(Error::PeerIncompatible(why)), _) => Failure::Incompatible(word::incompatible(why)),
        (Some(Error::AlertReceived(alert)), _) if no_common_ground(*alert) => {
            Failure::Incompatible(word::alert(*alert))
        }
        (Some(Error::InvalidCertificate(why)), _) => unproven(why, verifier),
        (Some(fault), _) => Failure::Broken(word::broken(fault)),
        (None, io::ErrorKind::UnexpectedEof) if first.is_empty() => {
            Failure::NotTls("it hung up on the handshake".to_owned())
        }
        (None, _) if first.is_empty() => Failure::Unreachable(error),
        (None, io::ErrorKind::UnexpectedEof) => {
            Failure::Broken("the server hung up before its end".to_owned())
        }
        (None, _) => Failure::Broken(error.to_string()),
    }
}

/// Whether it was the peer that put an end to it, with an alert or by hanging up.
pub(super) fn is_ended_by_peer(error: &io::Error) -> bool {
    match fault(error) {
        Some(fault) => matches!(fault, Error::AlertReceived(_)),
        None => matches!(
            error.kind(),
            io::ErrorKind::BrokenPipe
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::UnexpectedEof
        ),
    }
}

/// What a peer said, or did, to put an end to it.
pub(super) fn said(error: &io::Error) -> String {
    match (fault(error), is_ended_by_peer(error)) {
        (Some(fault), _) => word::broken(fault),
        (None, true) => "the server hung up".to_owned(),
        (None, false) => error.to_string(),
    }
}

/// Whether the peer ended the handshake over the protocols that were offered.
pub(super) fn no_protocol(error: &io::Error) -> bool {
    let no_protocol = Error::AlertReceived(AlertDescription::NoApplicationProtocol);
    fault(error) == Some(&no_protocol)
}

/// What the peer did not prove with its signature: that it holds the key of what it presented,
/// or nothing at all, because no signature could prove anything with that certificate.
fn unproven(why: &CertificateError, verifier: &Verifier) -> Failure {
    let chain = verifier.chain();
    // Whoever judged has said what is wrong with the certificate, and found nothing.
    let taken_down = verifier.verdict().is_none();
    let fault = chain.first().and_then(|first| key_fault(first));
    match (fault, why) {
        (Some(fault), _) if taken_down => Failure::Unreadable(chain, fault),
        (
            _,
            CertificateError::BadSignature
            | CertificateError::UnsupportedSignatureAlgorithmContext { .. }
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. },
        ) => Failure::BadSignature,
        (_, why) if taken_down && !chain.is_empty() => {
            Failure::Unreadable(chain, word::certificate(why))
        }
        (_, why) => Failure::Broken(word::certificate(why)),
    }
}

fn fault(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

/// Whether bytes begin like a TLS record: a content type, then a version of 3.x.
fn looks_like_tls(first: &[u8]) -> bool {
    match first {
        [kind, 3, ..] | [kind] => (0x14..=0x17).contains(kind),
        _ => false,
    }
}

fn no_common_ground(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::HandshakeFailure
            | AlertDescription::InsufficientSecurity
            | AlertDescription::NoApplicationProtocol
            | AlertDescription::ProtocolVersion
    )
}
