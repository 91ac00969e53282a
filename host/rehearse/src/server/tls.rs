//! TLS from byte 0, as the servers of the rehearsal speak it.

use super::data::{FIRST_CHANNEL, Waiting};
use super::{Character, answer};
use crate::program;
use anchorhold_session::channel::{self, ALPN};
use rustls::crypto::aws_lc_rs;
use rustls::{ProtocolVersion, ServerConfig, ServerConnection, SupportedProtocolVersion, version};
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

/// What a TLS handshake begins with.
pub(crate) const FIRST: u8 = 0x16;

/// The TLS versions that a server offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versions {
    /// 1.2 and 1.3.
    Both,
    /// 1.2 only.
    Tls12,
    /// 1.3 only.
    Tls13,
}

impl Versions {
    fn supported(self) -> &'static [&'static SupportedProtocolVersion] {
        match self {
            Self::Both => BOTH,
            Self::Tls12 => TLS_1_2,
            Self::Tls13 => TLS_1_3,
        }
    }
}

static BOTH: &[&SupportedProtocolVersion] = &[&version::TLS12, &version::TLS13];
static TLS_1_2: &[&SupportedProtocolVersion] = &[&version::TLS12];
static TLS_1_3: &[&SupportedProtocolVersion] = &[&version::TLS13];

/// Shakes hands, and answers the question or what the program says.
pub(super) async fn serve(
    stream: TcpStream,
    character: &Character,
    waiting: &Waiting,
) -> io::Result<()> {
    let config = configuration(character).map_err(io::Error::other)?;
    let shaking = waiting.shake();
    let stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await?;
    // A session may open its data channel as long as its control channel lives.
    let place = keys(stream.get_ref().1)?.map(|keys| waiting.expect(keys));
    drop(shaking);
    let mut stream = BufReader::new(stream);
    let first = stream.fill_buf().await?.first().copied();
    match first {
        Some(answer::FIRST) => answer::inside(&mut stream, character).await?,
        _ => program::answer(&mut stream).await?,
    }
    drop(place);
    stream.shutdown().await
}

fn configuration(character: &Character) -> Result<ServerConfig, rustls::Error> {
    let credential = &character.credential;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(character.versions.supported())?
        .with_no_client_auth()
        .with_single_cert(credential.chain.clone(), credential.key())?;
    if character.enhanced() {
        config.alpn_protocols = vec![ALPN.to_vec()];
    }
    // Every story means the whole handshake.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    Ok(config)
}

/// The keys of the session's data channel, where both ends agreed to one.
fn keys(connection: &ServerConnection) -> io::Result<Option<channel::Keys>> {
    let agreed = connection.alpn_protocol() == Some(ALPN)
        && connection.protocol_version() == Some(ProtocolVersion::TLSv1_3);
    if !agreed {
        return Ok(None);
    }
    let export = |output: &mut [u8], label: &[u8], context: &[u8]| {
        connection
            .export_keying_material(output, label, Some(context))
            .map(drop)
    };
    channel::keys(export, FIRST_CHANNEL)
        .map(Some)
        .map_err(io::Error::other)
}
