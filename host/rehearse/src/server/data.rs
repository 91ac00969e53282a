//! The server's end of data channels: a token shows to which session a connection belongs.

use crate::program;
use anchorhold_session::channel::{DataChannel, Keys, PREAMBLE, TOKEN};
use std::collections::HashMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

/// The keys of the sessions that have not opened their data channel yet, by token.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    keys: Mutex<HashMap<[u8; TOKEN], Keys>>,
    /// How many handshakes are under way: a client is done with its own a moment before the
    /// server is, and its data channel may arrive in between.
    shaking: watch::Sender<usize>,
}

/// A handshake that is under way.
pub(super) struct Shaking<'a> {
    waiting: &'a Waiting,
}

/// A session that may open a data channel as long as this lives.
pub(super) struct Place<'a> {
    waiting: &'a Waiting,
    token: [u8; TOKEN],
}

impl Waiting {
    /// Says that a handshake is under way, as long as what is returned lives.
    pub(super) fn shake(&self) -> Shaking<'_> {
        self.shaking
            .send_modify(|count| *count = count.saturating_add(1));
        Shaking { waiting: self }
    }

    /// Lets the session with these keys open its channel, once.
    pub(super) fn expect(&self, keys: Keys) -> Place<'_> {
        let token = *keys.token;
        self.lock().insert(token, keys);
        Place {
            waiting: self,
            token,
        }
    }

    /// The keys of the session with this token, as soon as no handshake is left that could still
    /// bring them.
    async fn find(&self, token: &[u8; TOKEN]) -> Option<Keys> {
        let mut shaking = self.shaking.subscribe();
        loop {
            let last = *shaking.borrow_and_update() == 0;
            let found = self.take(token);
            if found.is_some() || last {
                return found;
            }
            // The sender is in this very struct, so that it cannot be gone.
            shaking.changed().await.ok()?;
        }
    }

    fn take(&self, token: &[u8; TOKEN]) -> Option<Keys> {
        self.lock().remove(token)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; TOKEN], Keys>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shaking<'_> {
    fn drop(&mut self) {
        let shaking = &self.waiting.shaking;
        shaking.send_modify(|count| *count = count.saturating_sub(1));
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.waiting.take(&self.token);
    }
}

/// Joins a connection to its session and answers what comes over it.
pub(super) async fn serve(mut stream: TcpStream, waiting: &Waiting) -> io::Result<()> {
    let mut preamble = [0; PREAMBLE.len()];
    stream.read_exact(&mut preamble).await?;
    let channel = stream.read_u32().await?;
    let mut token = [0; TOKEN];
    stream.read_exact(&mut token).await?;
    if preamble != PREAMBLE || channel != FIRST_CHANNEL {
        return stream.shutdown().await;
    }
    match waiting.find(&token).await {
        Some(keys) => program::answer_data(&mut DataChannel::server(stream, &keys)).await,
        None => stream.shutdown().await,
    }
}

/// The number of the one channel that a session opens.
pub(super) const FIRST_CHANNEL: u32 = 1;
