//! A TCP stream that remembers the first bytes which came back, to tell TLS from anything else.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A TCP stream whose first bytes are remembered.
#[derive(Debug)]
pub(crate) struct Observed {
    stream: TcpStream,
    seen: Seen,
    noted: usize,
}

/// The first bytes that came back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<u8>>>);

impl Seen {
    /// At most eight bytes.
    pub(crate) fn first(&self) -> Vec<u8> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Remembers what is still missing, and says how many bytes there are now.
    fn note(&self, bytes: &[u8]) -> usize {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = ENOUGH.saturating_sub(seen.len());
        seen.extend(bytes.iter().take(missing));
        seen.len()
    }
}

const ENOUGH: usize = 8;

impl Observed {
    pub(crate) fn new(stream: TcpStream) -> (Self, Seen) {
        let seen = Seen::default();
        (
            Self {
                stream,
                seen: seen.clone(),
                noted: 0,
            },
            seen,
        )
    }
}

impl AsyncRead for Observed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        let fresh = buf.filled().get(before..).unwrap_or_default();
        // A peer may send its first bytes one by one.
        if self.noted < ENOUGH && !fresh.is_empty() {
            self.noted = self.seen.note(fresh);
        }
        polled
    }
}

impl AsyncWrite for Observed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn the_first_bytes_are_remembered_however_they_come() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let stream = TcpStream::connect(address).await.expect("connected");
        let (mut peer, _) = listener.accept().await.expect("accepted");
        let (mut observed, seen) = Observed::new(stream);
        assert!(seen.first().is_empty());
        for byte in b"HTTP/1.1 400" {
            peer.write_all(&[*byte]).await.expect("sent");
            assert_eq!(observed.read_u8().await.expect("a byte"), *byte);
        }
        assert_eq!(seen.first(), b"HTTP/1.1");
    }
}
