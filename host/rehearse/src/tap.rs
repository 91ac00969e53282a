//! The tap on the wire: a relay between client and server that keeps every byte of both ways.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

/// What went over one connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// What the client sent.
    pub to_server: Vec<u8>,
    /// What the server sent, injected bytes included.
    pub to_client: Vec<u8>,
}

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the server to the client.
    ToClient,
    /// From the client to the server.
    ToServer,
}

impl Recording {
    /// The bytes of one way.
    pub fn way(&self, way: Way) -> &[u8] {
        match way {
            Way::ToClient => &self.to_client,
            Way::ToServer => &self.to_server,
        }
    }
}

/// Whether a marker went over any of the connections that way as it is, which is to say in clear.
pub fn seen(recordings: &[Recording], way: Way, marker: &[u8]) -> bool {
    recordings
        .iter()
        .any(|recording| position(recording.way(way), marker).is_some())
}

/// A byte that is changed on its way.
#[derive(Clone, Debug)]
pub struct Alteration {
    /// The way that is meddled with.
    pub way: Way,
    /// Only connections whose first bytes, from client to server, are these.
    pub beginning: Vec<u8>,
    /// How many bytes go before it.
    pub at: usize,
}

/// A relay in front of one port of a server.
#[derive(Debug)]
pub struct Tap {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    target: SocketAddr,
    recordings: Mutex<Vec<Arc<Mutex<Recording>>>>,
    meddling: Mutex<Meddling>,
}

#[derive(Clone, Debug, Default)]
struct Meddling {
    inject: Vec<u8>,
    alter: Option<Alteration>,
}

impl Tap {
    /// Listens on a free port of 127.0.0.1 and relays to the target.
    pub async fn open(target: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            target,
            recordings: Mutex::default(),
            meddling: Mutex::default(),
        });
        let task = tokio::spawn(listen(listener, Arc::clone(&shared)));
        Ok(Self {
            address,
            shared,
            task,
        })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From the next connection on, these bytes reach the client before any of the server's.
    pub fn inject(&self, bytes: Vec<u8>) {
        lock(&self.shared.meddling).inject = bytes;
    }

    /// From the next connection on, a byte is changed on its way.
    pub fn alter(&self, alteration: Option<Alteration>) {
        lock(&self.shared.meddling).alter = alteration;
    }

    /// What went over the connections made since this was last called.
    pub fn take(&self) -> Vec<Recording> {
        let taken = std::mem::take(&mut *lock(&self.shared.recordings));
        taken.iter().map(|one| lock(one).clone()).collect()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        // The relays of the connections belong to the task and end with it.
        self.task.abort();
    }
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    let mut relays = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { return };
                let recording = Arc::new(Mutex::new(Recording::default()));
                lock(&shared.recordings).push(Arc::clone(&recording));
                let meddling = lock(&shared.meddling).clone();
                relays.spawn(relay(client, shared.target, recording, meddling));
            }
            Some(_) = relays.join_next() => {}
        }
    }
}

async fn relay(
    mut client: TcpStream,
    target: SocketAddr,
    recording: Arc<Mutex<Recording>>,
    meddling: Meddling,
) -> io::Result<()> {
    client.set_nodelay(true)?;
    if !meddling.inject.is_empty() {
        lock(&recording).to_client.extend(&meddling.inject);
        client.write_all(&meddling.inject).await?;
    }
    // Where nobody listens the client's connection is closed, which is what it would see anyway.
    let server = timeout(CONNECT, TcpStream::connect(target)).await??;
    server.set_nodelay(true)?;
    let (client_read, client_write) = client.into_split();
    let (server_read, server_write) = server.into_split();
    let pump = |read, write, way| Pump {
        read,
        write,
        way,
        recording: Arc::clone(&recording),
        alter: meddling.alter.clone(),
    };
    let to_server = pump(client_read, server_write, Way::ToServer).run();
    let to_client = pump(server_read, client_write, Way::ToClient).run();
    tokio::try_join!(to_server, to_client).map(drop)
}

/// One way of one connection.
struct Pump {
    read: OwnedReadHalf,
    write: OwnedWriteHalf,
    way: Way,
    recording: Arc<Mutex<Recording>>,
    alter: Option<Alteration>,
}

impl Pump {
    async fn run(mut self) -> io::Result<()> {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            let count = self.read.read(&mut buffer).await?;
            let Some(bytes) = buffer.get_mut(..count).filter(|bytes| !bytes.is_empty()) else {
                return self.write.shutdown().await;
            };
            self.pass(bytes);
            self.write.write_all(bytes).await?;
        }
    }

    /// Records before anything is passed on: what the other side acknowledges is on record.
    fn pass(&self, bytes: &mut [u8]) {
        let mut recording = lock(&self.recording);
        let kept = match self.way {
            Way::ToClient => &mut recording.to_client,
            Way::ToServer => &mut recording.to_server,
        };
        let before = kept.len();
        kept.extend_from_slice(bytes);
        let Some(alter) = self.alter.as_ref().filter(|alter| alter.way == self.way) else {
            return;
        };
        if recording.to_server.starts_with(&alter.beginning) {
            let at = alter.at.checked_sub(before);
            if let Some(byte) = at.and_then(|at| bytes.get_mut(at)) {
                *byte ^= 1;
            }
        }
    }
}

fn position(bytes: &[u8], marker: &[u8]) -> Option<usize> {
    if marker.is_empty() {
        return None;
    }
    bytes
        .windows(marker.len())
        .position(|window| window == marker)
}

/// A poisoned lock is taken all the same: a recording that is cut short is still a recording.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const CONNECT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
