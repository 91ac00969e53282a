//! The channels of a session: control, and, where the peer agreed to it, one for object data.

mod data;
mod record;

pub use data::{DataChannel, PATIENCE};
pub use record::{Broken, Mark, Opener, PAYLOAD_MAX, Sealer};

use crate::handshake::Observed;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use zeroize::Zeroizing;

/// What a peer selects that knows the data channel.
pub const ALPN: &[u8] = b"anchorhold-data/1";

/// What a data channel begins with; the channel's number and its token follow.
pub const PREAMBLE: [u8; 8] = *b"AH-DATA1";

/// The bytes of a token.
pub const TOKEN: usize = 32;

/// The one data channel that a session opens.
pub(crate) const FIRST_CHANNEL: u32 = 1;

const LABEL: &[u8] = b"EXPORTER-anchorhold-data";
const KEY_LABEL: &[u8] = b"EXPORTER-anchorhold-data-key";

/// What both ends of a session derive for one data channel.
pub struct Keys {
    /// Shows that the channel belongs to the session; good once.
    pub token: Zeroizing<[u8; TOKEN]>,
    /// Authenticates what the client sends.
    pub to_server: Zeroizing<[u8; 32]>,
    /// Authenticates what the server sends.
    pub to_client: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

/// Derives the keys of a channel with the TLS exporter: `export(output, label, context)`.
pub fn keys<E>(
    mut export: impl FnMut(&mut [u8], &[u8], &[u8]) -> Result<(), E>,
    channel: u32,
) -> Result<Keys, E> {
    let number = channel.to_be_bytes();
    let [a, b, c, d] = number;
    let mut keys = Keys {
        token: Zeroizing::default(),
        to_server: Zeroizing::default(),
        to_client: Zeroizing::default(),
    };
    export(&mut keys.token[..], LABEL, &number)?;
    export(&mut keys.to_server[..], KEY_LABEL, &[a, b, c, d, 0])?;
    export(&mut keys.to_client[..], KEY_LABEL, &[a, b, c, d, 1])?;
    Ok(keys)
}

/// An open session: TLS is up, the certificate was vouched for or accepted, the ledger knows.
#[derive(Debug)]
pub struct Session {
    control: Control,
    data: Option<DataChannel>,
}

impl Session {
    pub(crate) fn new(control: Control, data: Option<DataChannel>) -> Self {
        Self { control, data }
    }

    /// The control channel: sign-on and metadata, and everything else where there is no other.
    pub fn control(&mut self) -> &mut Control {
        &mut self.control
    }

    /// The data channel, where the peer has one and SSL is No.
    pub fn data(&mut self) -> Option<&mut DataChannel> {
        self.data.as_mut()
    }

    /// Ends the session in good order, and within seconds also where the peer does not listen.
    pub async fn close(mut self) {
        // The peer may have gone first, or stopped reading; nothing is left to be saved either way.
        if let Some(data) = &mut self.data {
            let _ = timeout(FAREWELL, data.finish()).await;
        }
        let _ = timeout(FAREWELL, self.control.shutdown()).await;
    }
}

/// How long each channel has to say that it ends.
const FAREWELL: Duration = Duration::from_secs(3);

/// The control channel of a session: inside TLS, or the existing protocol in plain.
#[derive(Debug)]
pub struct Control(Wire);

#[derive(Debug)]
enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<Observed>>),
}

impl Control {
    pub(crate) fn plain(stream: TcpStream) -> Self {
        Self(Wire::Plain(stream))
    }

    pub(crate) fn tls(stream: TlsStream<Observed>) -> Self {
        Self(Wire::Tls(Box::new(stream)))
    }
}

impl AsyncRead for Control {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Wire::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Wire::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Control {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().0 {
            Wire::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Wire::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Wire::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Wire::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().0 {
            Wire::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Wire::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests;
