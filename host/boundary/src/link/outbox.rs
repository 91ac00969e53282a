//! What is sent to a runner: at once where its socket has room, else by the reading thread.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use zeroize::Zeroizing;

use crate::wire::DESCRIPTORS_MAX;

/// Whole messages, as they are sent.
pub(super) enum Outgoing {
    Plain(Vec<u8>),
    /// Wiped once it is sent.
    Secret(Zeroizing<Vec<u8>>),
}

/// The sending end. Nobody ever waits in it: a runner that does not read holds up nothing but
/// itself.
#[derive(Debug)]
pub(super) struct Outbox {
    socket: Arc<UnixStream>,
    backlog: Mutex<Backlog>,
}

#[derive(Debug, Default)]
struct Backlog {
    messages: VecDeque<Outgoing>,
    /// How much of the first was sent.
    sent: usize,
}

impl Outgoing {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Plain(bytes) => bytes,
            Self::Secret(bytes) => bytes,
        }
    }
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Outgoing({} bytes)", self.bytes().len())
    }
}

impl Outbox {
    /// The socket does not block.
    pub(super) fn new(socket: Arc<UnixStream>) -> Self {
        Self {
            socket,
            backlog: Mutex::default(),
        }
    }

    /// Sends a message, or as much of it as there is room for; whether something is left that the
    /// reading thread has to send. That the other end is gone is the reading thread's to notice.
    pub(super) fn send(&self, message: Outgoing) -> bool {
        self.send_with(message, &[])
    }

    /// The same with descriptors, which go with the first bytes; there must be no message before.
    pub(super) fn send_with(&self, message: Outgoing, descriptors: &[BorrowedFd<'_>]) -> bool {
        let mut backlog = self.backlog();
        if !backlog.messages.is_empty() {
            backlog.messages.push_back(message);
            return true;
        }
        let bytes = message.bytes();
        let sent = if descriptors.is_empty() {
            self.push(bytes)
        } else {
            self.push_with(bytes, descriptors)
        };
        match sent {
            Ok(sent) if sent < bytes.len() => {
                backlog.sent = sent;
                backlog.messages.push_back(message);
                true
            }
            Ok(_) | Err(_) => false,
        }
    }

    /// Sends what is left over, as far as there is room for it; whether something is left.
    pub(super) fn flush(&self) -> bool {
        let mut backlog = self.backlog();
        while let Some(message) = backlog.messages.front() {
            let left = message.bytes().get(backlog.sent..).unwrap_or_default();
            let length = left.len();
            match self.push(left) {
                Ok(sent) if sent < length => {
                    backlog.sent += sent;
                    return true;
                }
                Ok(_) => {
                    backlog.sent = 0;
                    backlog.messages.pop_front();
                }
                Err(_) => {
                    backlog.messages.clear();
                    return false;
                }
            }
        }
        false
    }

    /// Whether something is left over.
    pub(super) fn has_backlog(&self) -> bool {
        !self.backlog().messages.is_empty()
    }

    /// How many bytes there was room for.
    fn push(&self, mut bytes: &[u8]) -> Result<usize, Errno> {
        let whole = bytes.len();
        while !bytes.is_empty() {
            match rustix::net::send(&*self.socket, bytes, FLAGS) {
                Ok(sent) => bytes = bytes.get(sent..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(whole - bytes.len())
    }

    fn push_with(&self, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> Result<usize, Errno> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(Errno::INVAL);
        }
        let parts = [IoSlice::new(bytes)];
        let sent = loop {
            match rustix::net::sendmsg(self.socket.as_fd(), &parts, &mut control, FLAGS) {
                Err(Errno::INTR) => {}
                sent => break sent?,
            }
        };
        Ok(sent + self.push(bytes.get(sent..).unwrap_or_default())?)
    }

    fn backlog(&self) -> MutexGuard<'_, Backlog> {
        self.backlog.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const FLAGS: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);
