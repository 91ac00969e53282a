//! What a server makes of the client's certificate: in TLS 1.3 it says so after the handshake.

use super::{Failure, Handshaken, Observed, reason};
use crate::client_key::Asked;
use rustls::ClientConnection;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::timeout;

/// Why a server that wants a certificate of the client did not go on; each with what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unwelcome {
    /// The key signs in no way that the server takes.
    NoScheme(String),
    /// It was shown the certificate, and refused it.
    Refused(String),
    /// It was shown none.
    Unshown(String),
}

impl Unwelcome {
    /// What a server ended that had asked for a certificate; one that was not is no such case.
    pub(super) fn of(asked: &Asked, has_key: bool, said: String) -> Option<Self> {
        if !asked.is_asked() {
            return None;
        }
        Some(match (asked.is_signed(), has_key) {
            (true, _) => Self::Refused(said),
            (false, true) => Self::NoScheme(said),
            (false, false) => Self::Unshown(said),
        })
    }
}

impl Handshaken {
    /// Whether the server asked for a certificate of the client.
    pub(crate) fn is_asked(&self) -> bool {
        self.asked.is_asked()
    }

    /// Whether it was shown one, with a signature.
    pub(crate) fn is_signed(&self) -> bool {
        self.asked.is_signed()
    }

    /// Waits until a server that asked for a certificate has said anything that comes after its
    /// verdict on it, and says whether it has; nothing that the server sends is lost.
    ///
    /// The handshake of TLS 1.2 ends with that verdict, so that nothing is waited for there.
    pub(crate) async fn confirm(&mut self, limit: Duration) -> Result<bool, Failure> {
        if self.version() == "1.2" || !self.is_asked() {
            return Ok(true);
        }
        let (stream, connection) = self.stream.get_mut();
        let heard = poll_fn(|cx| hear(stream, connection, cx));
        let error = match timeout(limit, heard).await {
            Err(_) => return Ok(false),
            Ok(Ok(())) => return Ok(true),
            Ok(Err(error)) => error,
        };
        let said = reason::said(&error);
        let unwelcome = Unwelcome::of(&self.asked, self.has_key, said.clone());
        Err(unwelcome.map_or(Failure::Broken(said), Failure::Unwelcome))
    }
}

/// Reads until the server sends a ticket or data, as it does only once it goes on.
fn hear(
    stream: &mut Observed,
    connection: &mut ClientConnection,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    loop {
        let state = connection
            .process_new_packets()
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        if state.plaintext_bytes_to_read() > 0 || connection.tls13_tickets_received() > 0 {
            return Poll::Ready(Ok(()));
        }
        if state.peer_has_closed() {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        match connection.read_tls(&mut Polled(stream, cx)) {
            Ok(0) => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
            Err(error) => return Poll::Ready(Err(error)),
        }
    }
}

/// A stream as rustls reads it: what is not there yet would block.
struct Polled<'a, 'b>(&'a mut Observed, &'a mut Context<'b>);

impl io::Read for Polled<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(into);
        match Pin::new(&mut *self.0).poll_read(self.1, &mut buffer) {
            Poll::Ready(read) => read.map(|()| buffer.filled().len()),
            Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}
