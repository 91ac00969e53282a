//! The session's bus, and the deadline after which nothing is waited for on it.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anchorhold_sdk::{Error, ErrorKind};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use zbus::Address;
use zbus::address::Transport;
use zbus::address::transport::UnixSocket;
use zbus::blocking::Connection;
use zbus::blocking::connection::Builder;

/// A connection that is cut when its time is over, which ends whatever waits for it.
pub(super) struct Bus {
    pub(super) connection: Connection,
    fuse: Fuse,
}

impl Bus {
    /// Connects to the bus of this session.
    pub(super) fn of_session(limit: Duration) -> Result<Self, Error> {
        let address = Address::session().map_err(|error| absent(&error))?;
        Self::at(&address, limit)
    }

    pub(super) fn at(address: &Address, limit: Duration) -> Result<Self, Error> {
        let socket = socket(address).map_err(|error| absent(&error))?;
        let fuse = Fuse::set(&socket, limit).map_err(|error| absent(&error))?;
        match Builder::unix_stream(socket).build() {
            Ok(connection) => Ok(Self { connection, fuse }),
            Err(_) if fuse.is_over() => Err(Error::new(
                ErrorKind::TimedOut,
                "the session's bus takes connections and does not answer",
            )),
            Err(error) => Err(absent(&error)),
        }
    }

    /// Whether the connection was cut because its time was over.
    pub(super) fn is_late(&self) -> bool {
        self.fuse.is_over()
    }
}

/// Connects without waiting, not even for a bus that has too much to do.
fn socket(address: &Address) -> io::Result<UnixStream> {
    let place = match address.transport() {
        Transport::Unix(unix) => match unix.path() {
            UnixSocket::File(path) => SocketAddrUnix::new(path)?,
            UnixSocket::Abstract(name) => {
                SocketAddrUnix::new_abstract_name(name.as_encoded_bytes())?
            }
            _ => return Err(unsupported(address)),
        },
        _ => return Err(unsupported(address)),
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket: OwnedFd = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    connect(&socket, &place)?;
    Ok(socket.into())
}

fn unsupported(address: &Address) -> io::Error {
    io::Error::other(format!("{address} is not the address of a local socket"))
}

/// Cuts a connection when the time is over, unless it is dropped before.
struct Fuse {
    is_over: Arc<AtomicBool>,
    end: Option<Sender<()>>,
    watch: Option<JoinHandle<()>>,
}

impl Fuse {
    fn set(socket: &UnixStream, limit: Duration) -> io::Result<Self> {
        let socket = socket.try_clone()?;
        let (end, ended) = mpsc::channel();
        let is_over = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&is_over);
        let watch = move || {
            if ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                told.store(true, Ordering::Release);
                // One that is closed already needs no end.
                let _cut = socket.shutdown(std::net::Shutdown::Both);
            }
        };
        let watch = thread::Builder::new()
            .name("keychain-deadline".to_owned())
            .spawn(watch)?;
        Ok(Self {
            is_over,
            end: Some(end),
            watch: Some(watch),
        })
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }
}

impl Drop for Fuse {
    /// Ends the thread, and with it the last hold on the socket, before anybody goes on.
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(watch) = self.watch.take() {
            // It does nothing that could panic.
            let _ended = watch.join();
        }
    }
}

/// Why there is no bus.
fn absent(error: &dyn std::fmt::Display) -> Error {
    Error::unavailable(format!(
        "no session's bus can be reached: it needs grant = [\"session-bus\"], and a user who is \
         logged in; a service of the system has none, and takes a key database or a token ({error})"
    ))
}
