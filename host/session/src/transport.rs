//! The way to a server: one address per session, deadlines, and the check for early bytes.

use rustix::net::{RecvFlags, recv};
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout};

/// How long each part of a sign-on may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// To resolve the name, and to connect to any of its addresses, each.
    pub connect: Duration,
    /// For the answer to the level question.
    pub level: Duration,
    /// For the TLS handshake.
    pub handshake: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            level: Duration::from_secs(3),
            handshake: Duration::from_secs(10),
        }
    }
}

/// A connection that is being made.
pub type Dialling = Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>;

/// Makes TCP connections; the rehearsal puts its tap here.
pub trait Dial: Send + Sync {
    /// Connects to an address.
    fn dial(&self, to: SocketAddr) -> Dialling;
}

/// Connects straight.
#[derive(Clone, Copy, Debug, Default)]
pub struct Direct;

impl Dial for Direct {
    fn dial(&self, to: SocketAddr) -> Dialling {
        Box::pin(async move {
            let stream = TcpStream::connect(to).await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        })
    }
}

/// Resolves a name once; the question and the session then go to the same address.
pub(crate) async fn resolve(host: &str, port: u16, limit: Duration) -> io::Result<Vec<SocketAddr>> {
    // An empty name would be this machine to the resolver.
    if host.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            "no address is known for it",
        ));
    }
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    let found = timeout(limit, lookup_host((host, port)))
        .await
        .unwrap_or_else(|_| Err(late("the name was not resolved", limit)))?;
    let found = few(found);
    if found.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            "the name has no address",
        ));
    }
    Ok(found)
}

/// The first addresses of what a resolver says, each once: whoever answers for a name must not
/// have the client call a thousand of them.
fn few(found: impl IntoIterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut few = Vec::new();
    for address in found {
        if few.len() == ADDRESSES_MAX {
            break;
        }
        if !few.contains(&address) {
            few.push(address);
        }
    }
    few
}

/// Connects to the first of the addresses that answers, and says which it was.
///
/// The limit holds for all of them together. Each gets an equal share of what is left of it, so
/// that one which swallows everything does not use up the time of the others.
pub(crate) async fn reach(
    dial: &dyn Dial,
    addresses: &[SocketAddr],
    limit: Duration,
) -> io::Result<(TcpStream, SocketAddr)> {
    let deadline = Instant::now() + limit;
    let mut last = io::Error::new(io::ErrorKind::NotFound, "no address to connect to");
    let mut left = u32::try_from(addresses.len().min(ADDRESSES_MAX)).unwrap_or(1);
    for address in addresses.iter().take(ADDRESSES_MAX) {
        let share = deadline.saturating_duration_since(Instant::now()) / left.max(1);
        left = left.saturating_sub(1);
        match timeout(share, dial.dial(*address)).await {
            Ok(Ok(stream)) => return Ok((stream, *address)),
            Ok(Err(error)) => last = error,
            Err(_) => last = late("no connection was made", limit),
        }
    }
    Err(last)
}

fn late(what: &str, limit: Duration) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("{what} within {limit:?}"))
}

/// The most addresses of one server that are called.
const ADDRESSES_MAX: usize = 8;

/// Whether the peer sent something although nothing was asked of it yet.
///
/// The kernel's own buffer is asked, not the runtime's idea of it, so that nothing that has
/// arrived can be missed.
pub(crate) fn early_bytes(stream: &TcpStream) -> bool {
    let mut first = [0_u8; 1];
    let look = recv(
        stream,
        &mut first[..],
        RecvFlags::PEEK | RecvFlags::DONTWAIT,
    );
    matches!(look, Ok((_, length)) if length > 0)
}

#[cfg(test)]
mod tests;
