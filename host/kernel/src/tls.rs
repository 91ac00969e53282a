//! The view as rustls sees it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, OtherError, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::checks::Checks;
use crate::provider::{algorithms, provider};
use crate::verdict::{Code, NameCheck, Question, Verdict};
use crate::view::View;

/// Judges the chain that a TLS server presents, or only takes it down.
///
/// Whether the peer holds the key of what it presents is proven by the signature in the handshake,
/// which the provider verifies in either case.
#[derive(Debug)]
pub struct Verifier {
    task: Task,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
enum Task {
    Capture,
    Judge {
        view: Arc<View>,
        name: NameCheck,
        checks: Checks,
    },
}

#[derive(Debug, Default)]
struct Seen {
    chain: Vec<CertificateDer<'static>>,
    verdict: Option<Verdict>,
}

impl Verifier {
    /// A verifier that lets a handshake go on only where the view vouches.
    pub fn judge(view: Arc<View>, name: NameCheck, checks: Checks) -> Arc<Self> {
        Arc::new(Self {
            task: Task::Judge { view, name, checks },
            seen: Mutex::default(),
        })
    }

    /// A verifier that takes down whatever is presented, for acceptance on first use: a handshake
    /// with it proves nothing but that the peer holds the key.
    pub fn capture() -> Arc<Self> {
        Arc::new(Self {
            task: Task::Capture,
            seen: Mutex::default(),
        })
    }

    /// The chain that was presented, end entity first; empty where none was.
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.seen().chain.clone()
    }

    /// The verdict, also after a handshake that failed; none where nothing was judged.
    pub fn verdict(&self) -> Option<Verdict> {
        self.seen().verdict.clone()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain: Vec<CertificateDer<'static>> = std::iter::once(end_entity)
            .chain(intermediates)
            .map(|der| der.clone().into_owned())
            .collect();
        let verdict = match &self.task {
            Task::Capture => None,
            Task::Judge { view, name, checks } => Some(view.judge(
                &chain,
                &Question {
                    name,
                    at: now,
                    checks: *checks,
                },
            )),
        };
        let refused = verdict
            .as_ref()
            .filter(|verdict| !verdict.trusted)
            .map(alert);
        *self.seen() = Seen { chain, verdict };
        match refused {
            Some(error) => Err(Error::InvalidCertificate(error)),
            None => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &algorithms())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &algorithms())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        algorithms().supported_schemes()
    }
}

/// What the peer is told: as little as fits.
fn alert(verdict: &Verdict) -> CertificateError {
    match verdict.code {
        Code::CertificateExpired => CertificateError::Expired,
        Code::CertificateNotYetValid => CertificateError::NotValidYet,
        Code::CertificateMismatch | Code::CertificateNeeded => CertificateError::UnknownIssuer,
        Code::NameMismatch => CertificateError::NotValidForName,
        Code::Revoked => CertificateError::Revoked,
        _ => CertificateError::Other(OtherError(Arc::new(Refused(verdict.code)))),
    }
}

/// A refusal that rustls has no word for.
#[derive(Debug)]
struct Refused(Code);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Refused {}

/// The TLS versions that are offered; there are no others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Versions {
    /// 1.2 and 1.3.
    #[default]
    Both,
    /// 1.2 only.
    Tls12,
    /// 1.3 only.
    Tls13,
}

/// A configuration for one server under one policy: it remembers no session and sends no early
/// data, so that nothing escapes the verifier.
pub fn client_config(
    verifier: Arc<Verifier>,
    alpn: &[&[u8]],
    versions: Versions,
) -> Result<ClientConfig, Error> {
    let offered: &[&rustls::SupportedProtocolVersion] = match versions {
        Versions::Both => &[&rustls::version::TLS13, &rustls::version::TLS12],
        Versions::Tls12 => &[&rustls::version::TLS12],
        Versions::Tls13 => &[&rustls::version::TLS13],
    };
    let mut config = ClientConfig::builder_with_provider(Arc::clone(provider()))
        .with_protocol_versions(offered)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    Ok(config)
}

#[cfg(test)]
mod tests;
