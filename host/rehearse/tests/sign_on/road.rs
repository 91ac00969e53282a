//! The way to the server, and what happens on it at each connection of a sign-on.

use anchorhold_session::transport::{Dial, Dialling, Direct};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::{TcpListener, TcpStream};

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It comes about, and ends at once.
    HungUp,
    /// Nobody takes it.
    Refused,
    /// It reaches the server.
    Straight,
}

/// Is asked at each connection, counted from 1, what becomes of it.
type Judge = Box<dyn Fn(usize) -> Fate + Send + Sync>;

/// The way to the server.
struct Road {
    count: AtomicUsize,
    judge: Judge,
}

/// A way on which every connection is judged first.
pub(crate) fn judged(judge: impl Fn(usize) -> Fate + Send + Sync + 'static) -> Arc<dyn Dial> {
    Arc::new(Road {
        count: AtomicUsize::new(0),
        judge: Box::new(judge),
    })
}

/// A way on which something happens right before a connection, counted from 1.
pub(crate) fn meanwhile(at: usize, happens: impl Fn() + Send + Sync + 'static) -> Arc<dyn Dial> {
    judged(move |number| {
        if number == at {
            happens();
        }
        Fate::Straight
    })
}

impl Dial for Road {
    fn dial(&self, to: SocketAddr) -> Dialling {
        let number = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        match (self.judge)(number) {
            Fate::HungUp => Box::pin(hung_up()),
            Fate::Refused => {
                let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
                Box::pin(async { Err(refused) })
            }
            Fate::Straight => Direct.dial(to),
        }
    }
}

async fn hung_up() -> io::Result<TcpStream> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let stream = TcpStream::connect(listener.local_addr()?).await?;
    drop(listener.accept().await?);
    Ok(stream)
}
