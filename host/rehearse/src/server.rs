//! The servers of the rehearsal: of every level, honest and not, changeable while they run.

mod answer;
mod data;
mod tls;

pub(crate) use tls::FIRST as TLS_FIRST;
pub use tls::Versions;

use crate::certificate::Credential;
use crate::program;
use anchorhold_session::channel::PREAMBLE;
use anchorhold_session::level::{Era, Level};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

/// What a server is like; connections that are made later meet it as it is then.
#[derive(Clone, Debug)]
pub struct Character {
    /// Its level, and with it whether its common port takes TLS.
    pub level: Level,
    /// Whether it authenticates with LDAP; it tells so inside TLS only.
    pub ldap: bool,
    /// The TLS versions that it offers.
    pub versions: Versions,
    /// The certificate that it presents.
    pub credential: Credential,
    /// How it answers the question for its level.
    pub manners: Manners,
}

/// How a server answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manners {
    /// It tells its level.
    #[default]
    Honest,
    /// Whatever reaches it, a TLS handshake included, is answered with this level: what somebody
    /// does who wants the client to go on in clear.
    Luring(Level),
    /// Whatever reaches it is answered with something that is neither a level nor TLS.
    Mumbling,
    /// It takes the question and says nothing.
    Silent,
}

impl Character {
    /// An honest server of a level: an earlier one knows TLS 1.2 on its SSL-only port, an
    /// enhanced one 1.2 and 1.3.
    pub fn new(level: Level, credential: Credential) -> Self {
        let versions = match level.era() {
            Era::Earlier => Versions::Tls12,
            Era::Enhanced => Versions::Both,
        };
        Self {
            level,
            ldap: false,
            versions,
            credential,
            manners: Manners::Honest,
        }
    }

    fn enhanced(&self) -> bool {
        self.level.era() == Era::Enhanced
    }
}

/// A server that runs in this process.
#[derive(Debug)]
pub struct Server {
    common: SocketAddr,
    ssl_only: Option<SocketAddr>,
    shared: Arc<Shared>,
    stop: watch::Sender<bool>,
    ports: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    character: Mutex<Character>,
    waiting: data::Waiting,
}

/// Which port a connection came in by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Port {
    Common,
    SslOnly,
}

impl Server {
    /// Starts on free ports of 127.0.0.1, with an SSL-only port besides where one is wanted.
    pub async fn start(character: Character, ssl_only: bool) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            character: Mutex::new(character),
            waiting: data::Waiting::default(),
        });
        let (stop, stopped) = watch::channel(false);
        let mut server = Self {
            common: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            ssl_only: None,
            shared,
            stop,
            ports: Vec::new(),
        };
        server.common = server.open(Port::Common, stopped.clone()).await?;
        if ssl_only {
            server.ssl_only = Some(server.open(Port::SslOnly, stopped).await?);
        }
        Ok(server)
    }

    /// Its common port.
    pub fn address(&self) -> SocketAddr {
        self.common
    }

    /// Its SSL-only port, where it has one.
    pub fn ssl_only_address(&self) -> Option<SocketAddr> {
        self.ssl_only
    }

    /// Changes what it is like, from the next connection on.
    pub fn change(&self, change: impl FnOnce(&mut Character)) {
        change(&mut self.shared.lock());
    }

    /// Stops listening, ends every connection and waits until all of it is done.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        for port in std::mem::take(&mut self.ports) {
            let _ = port.await;
        }
    }

    async fn open(&mut self, port: Port, stop: watch::Receiver<bool>) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let serving = listen(listener, port, Arc::clone(&self.shared), stop);
        self.ports.push(tokio::spawn(serving));
        Ok(address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for port in &self.ports {
            port.abort();
        }
    }
}

impl Shared {
    fn character(&self) -> Character {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Character> {
        // A change that panicked has changed one field or none: the server can go on.
        self.character
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

async fn listen(
    listener: TcpListener,
    port: Port,
    shared: Arc<Shared>,
    mut stop: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = stop.changed() => break,
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { break };
                let serving = serve(stream, port, Arc::clone(&shared));
                connections.spawn(timeout(LIFETIME, serving));
            }
            // What a connection came to is seen by its client; the server only lets go of it.
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    connections.shutdown().await;
}

async fn serve(mut stream: TcpStream, port: Port, shared: Arc<Shared>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut first = [0; 1];
    if stream.peek(&mut first).await? == 0 {
        return Ok(());
    }
    let [first] = first;
    let character = shared.character();
    if matches!(character.manners, Manners::Luring(_) | Manners::Mumbling) {
        return answer::regardless(&mut stream, &character).await;
    }
    let enhanced = character.enhanced();
    match (port, first) {
        (Port::SslOnly, tls::FIRST) => tls::serve(stream, &character, &shared.waiting).await,
        (Port::Common, answer::FIRST) => answer::in_clear(&mut stream, &character).await,
        (Port::Common, tls::FIRST) if enhanced => {
            tls::serve(stream, &character, &shared.waiting).await
        }
        (Port::Common, first) if enhanced && PREAMBLE.first() == Some(&first) => {
            data::serve(stream, &shared.waiting).await
        }
        // An earlier server goes on with the existing protocol; an enhanced one would as well,
        // for earlier clients, and refuses here so that no story can pass that way.
        (Port::Common, program::FIRST) if !enhanced => program::answer(&mut stream).await,
        _ => stream.shutdown().await,
    }
}

/// How long one connection lives at most: none outlives the longest story.
const LIFETIME: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests;
