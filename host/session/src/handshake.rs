//! TLS from byte 0: what comes of a handshake, and why one failed.

mod observed;
#[cfg(test)]
pub(crate) mod peer;
mod reason;
mod welcome;
mod word;

pub(crate) use observed::Observed;
pub(crate) use welcome::Unwelcome;

use crate::client_key::{Asked, ClientKey, answering};
use crate::context::{Clock, Context};
use crate::server::Server;
use crate::transport::{early_bytes, reach};
use anchorhold_kernel::tls::{Verifier, Versions, client_config};
use anchorhold_kernel::{StoreError, Verdict};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ClientConnection, Error, ProtocolVersion};
use rustls_pki_types::{CertificateDer, UnixTime};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Why there is no TLS.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The peer's signature does not fit its certificate.
    BadSignature,
    /// The handshake broke off.
    Broken(String),
    /// Something came before the handshake.
    EarlyBytes,
    /// No common version, suite or group.
    Incompatible(String),
    /// The client's own key did not sign.
    Key(Box<StoreError>),
    /// The peer answered in something that is not TLS, or hung up on it.
    NotTls(String),
    /// TLS could not even begin on this side.
    Setup(Error),
    /// The chain was taken down, and the end entity's certificate itself makes every signature
    /// worthless: it cannot be read, or its key is not acceptable. The text says why.
    ///
    /// This is for a verifier that only takes down; one that judges has a verdict.
    Unreadable(Vec<CertificateDer<'static>>, String),
    /// No connection, or no byte within the time.
    Unreachable(io::Error),
    /// A server that wants a certificate of the client did not go on.
    Unwelcome(Unwelcome),
    /// The verdict on the presented chain was no.
    Verdict(Box<Verdict>),
}

/// TLS is up and nothing was sent inside it; there is no way to write before this is let go.
#[derive(Debug)]
pub(crate) struct Handshaken {
    stream: TlsStream<Observed>,
    verifier: Arc<Verifier>,
    offered: bool,
    /// What the peer asked of the client, and whether there was a key to answer with.
    asked: Arc<Asked>,
    has_key: bool,
    /// Where the peer was reached.
    pub(crate) address: SocketAddr,
}

impl Handshaken {
    /// `1.2` or `1.3`.
    pub(crate) fn version(&self) -> &'static str {
        match self.stream.get_ref().1.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "1.2",
            // Nothing but these two is offered.
            _ => "1.3",
        }
    }

    /// The group of the key exchange.
    pub(crate) fn group(&self) -> Option<String> {
        let group = self.stream.get_ref().1.negotiated_key_exchange_group()?;
        group.name().as_str().map(str::to_owned)
    }

    /// Whether a protocol was offered to the peer, be it that it refused to hear of it.
    pub(crate) fn offered(&self) -> bool {
        self.offered
    }

    /// Whether the peer selected the protocol.
    pub(crate) fn selected(&self, protocol: &[u8]) -> bool {
        self.stream.get_ref().1.alpn_protocol() == Some(protocol)
    }

    /// What the peer presented, end entity first.
    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.verifier.chain()
    }

    /// The verdict, where one was asked for.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        self.verifier.verdict()
    }

    /// The connection, to derive keys from.
    pub(crate) fn connection(&self) -> &ClientConnection {
        self.stream.get_ref().1
    }

    /// The stream, for whoever has seen to it that something may be sent.
    pub(crate) fn into_stream(self) -> TlsStream<Observed> {
        self.stream
    }
}

/// Connects and shakes hands; nothing is sent but the handshake.
///
/// A peer that insists on a protocol of its own ends the handshake over an offer that it does not
/// know. It is called once more without: then everything travels inside TLS.
pub(crate) async fn handshake(
    context: &Context,
    server: &Server,
    addresses: &[SocketAddr],
    verifier: Arc<Verifier>,
    key: Option<&ClientKey>,
    protocols: &[&[u8]],
) -> Result<Handshaken, Failure> {
    let attempt = Attempt {
        context,
        server,
        verifier: &verifier,
        key,
    };
    let shaken = match attempt.shake(addresses, protocols).await {
        Err(Failed::Offer(address)) => attempt.shake(&[address], &[]).await,
        first => first,
    };
    match shaken {
        Ok((stream, asked, address)) => Ok(Handshaken {
            stream,
            verifier,
            offered: !protocols.is_empty(),
            asked,
            has_key: key.is_some(),
            address,
        }),
        Err(Failed::Otherwise(failure)) => Err(failure),
        // Nothing was offered the second time.
        Err(Failed::Offer(_)) => Err(Failure::Broken(word::no_protocol())),
    }
}

/// A way to shake hands, on a new connection each time.
struct Attempt<'a> {
    context: &'a Context,
    server: &'a Server,
    verifier: &'a Arc<Verifier>,
    /// Shown to the server, where it asks for a certificate.
    key: Option<&'a ClientKey>,
}

/// What an attempt came to that did not succeed.
enum Failed {
    /// The peer at this address wants none of the protocols that were offered.
    Offer(SocketAddr),
    /// Anything else.
    Otherwise(Failure),
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self::Otherwise(failure)
    }
}

impl Attempt<'_> {
    async fn shake(
        &self,
        addresses: &[SocketAddr],
        protocols: &[&[u8]],
    ) -> Result<(TlsStream<Observed>, Arc<Asked>, SocketAddr), Failed> {
        let Self {
            context, verifier, ..
        } = self;
        let dial = context.dial.as_ref();
        let reached = reach(dial, addresses, context.limits.connect).await;
        let (stream, address) = reached.map_err(Failure::Unreachable)?;
        if context.looks_for_early_bytes() && early_bytes(&stream) {
            return Err(Failure::EarlyBytes.into());
        }
        let mut config = self.configuration(protocols).map_err(Failure::Setup)?;
        let (resolver, asked) = answering(self.key);
        config.client_auth_cert_resolver = resolver;
        let name = rustls_pki_types::ServerName::try_from(self.server.host.clone())
            .map_err(|error| Failure::Setup(Error::General(error.to_string())))?;
        let (observed, seen) = Observed::new(stream);
        let shaking = TlsConnector::from(Arc::new(config)).connect(name, observed);
        let limit = context.limits.handshake;
        let failed = match timeout(limit, shaking).await {
            Ok(Ok(stream)) => return Ok((stream, asked, address)),
            Ok(Err(error)) => error,
            Err(_) => late(limit),
        };
        if let Some(fault) = asked.take_fault() {
            return Err(Failure::Key(Box::new(fault)).into());
        }
        // Only an answer to the offer itself counts, which comes before any certificate.
        if !protocols.is_empty() && reason::no_protocol(&failed) && verifier.chain().is_empty() {
            return Err(Failed::Offer(address));
        }
        let said = reason::is_ended_by_peer(&failed).then(|| reason::said(&failed));
        let explained = reason::explain(failed, &seen.first(), verifier);
        let unwelcome = said.and_then(|said| Unwelcome::of(&asked, self.key.is_some(), said));
        Err(match (explained, unwelcome) {
            (Failure::Broken(_) | Failure::Incompatible(_), Some(unwelcome)) => {
                Failure::Unwelcome(unwelcome).into()
            }
            (explained, _) => explained.into(),
        })
    }

    /// The configuration of one attempt, by the clock of the context.
    fn configuration(&self, protocols: &[&[u8]]) -> Result<ClientConfig, Error> {
        let verifier = Arc::clone(self.verifier);
        let mut config = client_config(verifier, protocols, Versions::Both)?;
        config.time_provider = Arc::new(Watch(Arc::clone(&self.context.clock)));
        Ok(config)
    }
}

/// The clock of a context as rustls reads it.
struct Watch(Clock);

impl TimeProvider for Watch {
    fn current_time(&self) -> Option<UnixTime> {
        // A clock before 1970 is wrong, and no certificate is judged by it.
        let seconds = u64::try_from((self.0)().unix_timestamp()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watch")
    }
}

fn late(limit: Duration) -> io::Error {
    let why = format!("the handshake was not over within {limit:?}");
    io::Error::new(io::ErrorKind::TimedOut, why)
}

#[cfg(test)]
mod tests;
