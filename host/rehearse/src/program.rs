//! The small program that the rehearsal runs on top of a session: markers go out, answers come in.
//!
//! It sends one fresh random marker as metadata and one as object data, and the server answers
//! each with its SHA-256. So both ends know that a marker arrived, and whoever looks at the wire
//! has something to look for in either direction.

use crate::tap::{Recording, Way, seen};
use anchorhold_session::channel::{DataChannel, Session};
use sha2::{Digest, Sha256};
use std::fmt;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// What a frame of the program begins with; no verb and no TLS record does.
pub(crate) const FIRST: u8 = b'P';

/// The longest marker or object that a server takes.
pub(crate) const LONGEST: usize = 4_096;

/// How long either side waits for the other.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

const MARKER: usize = 32;
const HEADER: usize = 6;
const METADATA: u8 = b'm';
const OBJECT: u8 = b'o';
const ANSWER: u8 = b'a';

/// What is sent in one session, and looked for on the wire.
#[derive(Clone, PartialEq, Eq)]
pub struct Markers {
    metadata: [u8; MARKER],
    object: [u8; MARKER],
}

impl fmt::Debug for Markers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Markers")
    }
}

/// How something travelled, by what the tap saw of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Readable on the wire, both ways.
    Clear,
    /// Nowhere on the wire, although it arrived.
    Encrypted,
    /// Readable one way only: a fault wherever it happens.
    OneWay,
}

impl Seen {
    /// The word for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Encrypted => "encrypted",
            Self::OneWay => "clear one way",
        }
    }
}

impl Markers {
    /// Two markers that nobody can have seen before.
    pub fn fresh() -> io::Result<Self> {
        let mut markers = Self {
            metadata: [0; MARKER],
            object: [0; MARKER],
        };
        random(&mut markers.metadata)?;
        random(&mut markers.object)?;
        Ok(markers)
    }

    /// Sends both and waits for both answers; an object goes over the data channel where there
    /// is one.
    pub async fn send(&self, session: &mut Session) -> io::Result<()> {
        timeout(DEADLINE, self.exchange(session)).await?
    }

    async fn exchange(&self, session: &mut Session) -> io::Result<()> {
        say(session.control(), METADATA, &self.metadata).await?;
        match session.data() {
            Some(channel) => {
                channel.send(&self.object).await?;
                let answer = channel.receive(LONGEST).await?;
                let answer = answer.ok_or_else(|| broken("the server ended the data channel"))?;
                expect(&answer, &self.object)
            }
            None => say(session.control(), OBJECT, &self.object).await,
        }
    }

    /// How metadata travelled.
    pub fn metadata(&self, wire: &[Recording]) -> Seen {
        travelled(wire, &self.metadata)
    }

    /// How object data travelled.
    pub fn object(&self, wire: &[Recording]) -> Seen {
        travelled(wire, &self.object)
    }
}

fn travelled(wire: &[Recording], marker: &[u8]) -> Seen {
    let out = seen(wire, Way::ToServer, marker);
    let back = seen(wire, Way::ToClient, &digest(marker));
    match (out, back) {
        (true, true) => Seen::Clear,
        (false, false) => Seen::Encrypted,
        _ => Seen::OneWay,
    }
}

async fn say<S>(stream: &mut S, kind: u8, marker: &[u8]) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    write(stream, kind, marker).await?;
    match read(stream).await? {
        Some((ANSWER, answer)) => expect(&answer, marker),
        _ => Err(broken("the server gave no answer")),
    }
}

fn expect(answer: &[u8], marker: &[u8]) -> io::Result<()> {
    if answer == digest(marker) {
        Ok(())
    } else {
        Err(broken("the server answered to something else"))
    }
}

/// The server's side of the control channel: answers until the client ends.
pub(crate) async fn answer<S>(stream: &mut S) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    while let Some((_, marker)) = read(stream).await? {
        write(stream, ANSWER, &digest(&marker)).await?;
    }
    Ok(())
}

/// The server's side of a data channel: answers until the client ends.
pub(crate) async fn answer_data(channel: &mut DataChannel) -> io::Result<()> {
    while let Some(object) = channel.receive(LONGEST).await? {
        channel.send(&digest(&object)).await?;
    }
    channel.finish().await
}

async fn write<S>(stream: &mut S, kind: u8, payload: &[u8]) -> io::Result<()>
where
    S: AsyncWrite + Unpin,
{
    let length = u32::try_from(payload.len()).map_err(io::Error::other)?;
    let frame = [&[FIRST, kind][..], &length.to_be_bytes(), payload].concat();
    stream.write_all(&frame).await?;
    stream.flush().await
}

/// One frame; `None` is the end between frames.
async fn read<S>(stream: &mut S) -> io::Result<Option<(u8, Vec<u8>)>>
where
    S: AsyncRead + Unpin,
{
    let mut header = [0; HEADER];
    let (first, rest) = header.split_at_mut(1);
    if stream.read(first).await? == 0 {
        return Ok(None);
    }
    stream.read_exact(rest).await?;
    let [first, kind, length @ ..] = header;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if first != FIRST || length > LONGEST {
        return Err(broken("that is no frame of the program"));
    }
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).await?;
    Ok(Some((kind, payload)))
}

fn random(bytes: &mut [u8]) -> io::Result<()> {
    getrandom::fill(bytes).map_err(|error| io::Error::other(error.to_string()))
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn broken(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::duplex;

    fn wire(to_server: &[u8], to_client: &[u8]) -> Vec<Recording> {
        vec![
            Recording::default(),
            Recording {
                to_server: to_server.to_vec(),
                to_client: to_client.to_vec(),
            },
        ]
    }

    #[test]
    fn what_is_readable_is_clear_and_what_is_not_is_encrypted() {
        let markers = Markers::fresh().expect("random bytes");
        let out = [b"before", &markers.metadata[..], b"after"].concat();
        let back = [b"x", &digest(&markers.metadata)[..]].concat();
        assert_eq!(markers.metadata(&wire(&out, &back)), Seen::Clear);
        assert_eq!(markers.object(&wire(&out, &back)), Seen::Encrypted);
        assert_eq!(markers.metadata(&wire(&out, b"")), Seen::OneWay);
        assert_eq!(markers.metadata(&wire(b"", &back)), Seen::OneWay);
        assert_eq!(markers.metadata(&wire(&back, &out)), Seen::Encrypted);
    }

    #[tokio::test]
    async fn a_marker_is_answered_with_its_digest() {
        let (mut client, mut server) = duplex(64);
        let serve = tokio::spawn(async move { answer(&mut server).await });
        let marker = [7; MARKER];
        say(&mut client, METADATA, &marker).await.expect("answered");
        drop(client);
        serve.await.expect("no panic").expect("an orderly end");
    }

    #[tokio::test]
    async fn a_wrong_answer_is_noticed() {
        let (mut client, mut server) = duplex(256);
        write(&mut server, ANSWER, &digest(b"other"))
            .await
            .expect("room");
        assert!(say(&mut client, METADATA, &[7; MARKER]).await.is_err());
    }

    #[tokio::test]
    async fn frames_are_bounded() {
        let (mut client, mut server) = duplex(256);
        client
            .write_all(&[FIRST, METADATA, 0xFF, 0xFF, 0xFF, 0xFF])
            .await
            .expect("room");
        assert!(answer(&mut server).await.is_err());
    }
}
