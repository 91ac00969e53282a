//! A channel for object data: objects in records that anybody can read and nobody can alter.

use super::record::{HEADER, Mark, Opener, PAYLOAD_MAX, Sealer, TAG};
use super::{FIRST_CHANNEL, Keys, PREAMBLE, keys};
use rustls::ClientConnection;
use std::future::Future;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// How long one record may take, where nobody says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A channel for object data: clear, but not alterable.
///
/// What was sent is whole only where its end was received: whoever sits on the path can cut a
/// connection, but cannot seal the record that ends it.
#[derive(Debug)]
pub struct DataChannel<S = TcpStream> {
    stream: S,
    sealer: Sealer,
    opener: Opener,
    patience: Duration,
    /// Set while an object is on its way, so that it stays set where one failed or was given up
    /// half way: what follows then on the wire is the tail of something.
    broken: bool,
    /// Whether this side has sent its end.
    finished: bool,
    /// Whether the other side has sent its end.
    ended: bool,
}

impl DataChannel {
    /// Opens the client's end on a fresh connection to the same address.
    pub(crate) async fn open(mut stream: TcpStream, tls: &ClientConnection) -> io::Result<Self> {
        let export = |output: &mut [u8], label: &[u8], context: &[u8]| {
            tls.export_keying_material(output, label, Some(context))
                .map(|_| ())
        };
        let keys = keys(export, FIRST_CHANNEL).map_err(io::Error::other)?;
        let mut preamble = Zeroizing::new(PREAMBLE.to_vec());
        preamble.extend_from_slice(&FIRST_CHANNEL.to_be_bytes());
        preamble.extend_from_slice(&keys.token[..]);
        within(PATIENCE, stream.write_all(&preamble)).await?;
        Ok(Self::client(stream, &keys))
    }
}

impl<S> DataChannel<S> {
    /// The server's end, once preamble and token were read and found good.
    pub fn server(stream: S, keys: &Keys) -> Self {
        Self::new(stream, &keys.to_client, &keys.to_server)
    }

    pub(super) fn client(stream: S, keys: &Keys) -> Self {
        Self::new(stream, &keys.to_server, &keys.to_client)
    }

    fn new(stream: S, out: &[u8; 32], back: &[u8; 32]) -> Self {
        Self {
            stream,
            sealer: Sealer::new(out),
            opener: Opener::new(back),
            patience: PATIENCE,
            broken: false,
            finished: false,
            ended: false,
        }
    }

    /// The same channel with another patience: how long one record may take to go out or to come
    /// in, the wait for its first byte included.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Takes the channel for one object. It is broken until that is through: also where the
    /// caller lets go of the future, and then every later call is an error.
    fn begin(&mut self) -> io::Result<()> {
        if self.broken {
            let why = "the data channel broke off in an object, and cannot go on";
            return Err(io::Error::new(io::ErrorKind::BrokenPipe, why));
        }
        self.broken = true;
        Ok(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> DataChannel<S> {
    /// Sends one object, in as many records as it needs; the last one is marked as such.
    pub async fn send(&mut self, object: &[u8]) -> io::Result<()> {
        if self.finished {
            let why = "the end of the data channel was sent already";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        }
        self.begin()?;
        let mut parts = object.chunks(PAYLOAD_MAX).peekable();
        loop {
            // An empty object has no part, and is one empty record.
            let part = parts.next().unwrap_or_default();
            if parts.peek().is_none() {
                self.put(part, Mark::Last).await?;
                break;
            }
            self.put(part, Mark::More).await?;
        }
        self.broken = false;
        Ok(())
    }

    /// Says that no object follows; without it the other side takes the end for a cut.
    pub async fn finish(&mut self) -> io::Result<()> {
        if self.finished {
            return Ok(());
        }
        self.begin()?;
        self.put(&[], Mark::End).await?;
        within(self.patience, self.stream.shutdown()).await?;
        (self.broken, self.finished) = (false, true);
        Ok(())
    }

    /// Receives one object of at most `limit` bytes; `None` is the end, as the other side sealed
    /// it. An end without that is an error.
    pub async fn receive(&mut self, limit: usize) -> io::Result<Option<Vec<u8>>> {
        if self.ended {
            return Ok(None);
        }
        self.begin()?;
        let mut object = Vec::new();
        loop {
            let patience = self.patience;
            match within(patience, self.take(&mut object, limit)).await? {
                Mark::More => {}
                Mark::Last => {
                    self.broken = false;
                    return Ok(Some(object));
                }
                // A part is never empty, so that this is the end between two objects.
                Mark::End if object.is_empty() => {
                    (self.broken, self.ended) = (false, true);
                    return Ok(None);
                }
                Mark::End => return Err(invalid("the data channel ends within an object")),
            }
        }
    }

    async fn put(&mut self, payload: &[u8], mark: Mark) -> io::Result<()> {
        let sealed = self.sealer.seal(payload, mark)?;
        let stream = &mut self.stream;
        within(self.patience, async {
            stream.write_all(&sealed).await?;
            stream.flush().await
        })
        .await
    }

    /// Adds the payload of one record to the object.
    async fn take(&mut self, object: &mut Vec<u8>, limit: usize) -> io::Result<Mark> {
        let mut header = [0; HEADER];
        self.read(&mut header).await?;
        let rest = self.opener.rest_of(header)?;
        if object.len().saturating_add(rest) > limit.saturating_add(TAG) {
            return Err(invalid("the object is too long"));
        }
        let mut body = vec![0; rest];
        self.read(&mut body).await?;
        let (payload, mark) = self.opener.open(header, &body)?;
        object.extend_from_slice(payload);
        Ok(mark)
    }

    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        match self.stream.read_exact(buffer).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                let why = "the data channel was cut off before its end";
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, why))
            }
            Err(error) => Err(error),
        }
    }
}

async fn within<T>(patience: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(patience, work).await.unwrap_or_else(|_| {
        let why = format!("the data channel stood still for {patience:?}");
        Err(io::Error::new(io::ErrorKind::TimedOut, why))
    })
}

fn invalid(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests;
