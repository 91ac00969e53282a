//! What the host says, as it comes.

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};

use crate::runner::calls::Calls;
use crate::runner::end::{self, Ended};
use crate::wire::{DESCRIPTORS_MAX, Decoder, Hello, ToRunner, WireError};

/// Reads one end of a socket.
pub(super) struct Inbox {
    socket: BorrowedFd<'static>,
    decoder: Decoder,
}

impl Inbox {
    pub(super) fn new(socket: BorrowedFd<'static>) -> Self {
        Self {
            socket,
            decoder: Decoder::of_runner(),
        }
    }

    /// The first message, and the descriptors that come with it.
    pub(super) fn hello(&mut self) -> Result<(Hello, Vec<OwnedFd>), Ended> {
        let mut descriptors = Vec::new();
        loop {
            self.receive(&mut descriptors)?;
            let Some(packet) = self.decoder.next().map_err(broken)? else {
                continue;
            };
            let message = ToRunner::read(packet.kind, packet.payload).map_err(broken)?;
            let ToRunner::Hello(hello) = message else {
                return Err(Ended::Failed(
                    "the host did not begin with hello".to_owned(),
                ));
            };
            if descriptors.len() != hello.descriptors() {
                return Err(Ended::Failed(format!(
                    "{} descriptors came, and {} were announced",
                    descriptors.len(),
                    hello.descriptors()
                )));
            }
            return Ok((*hello, descriptors));
        }
    }

    /// Goes on reading on a thread of its own, which ends the process at the end of the
    /// connection, whatever the plugin does meanwhile.
    pub(super) fn read_on(mut self, calls: Arc<Calls>) -> Result<(), Ended> {
        end::spawn("runner-inbox", move || {
            let Err(ended) = self.pass_on(&calls);
            end::with(ended)
        })
    }

    fn pass_on(&mut self, calls: &Calls) -> Result<std::convert::Infallible, Ended> {
        loop {
            while let Some(packet) = self.decoder.next().map_err(broken)? {
                let request = packet.request;
                let message = ToRunner::read(packet.kind, packet.payload).map_err(broken)?;
                calls.take(request, message)?;
            }
            // None comes after the first message; one that does is closed.
            self.receive(&mut Vec::new())?;
        }
    }

    fn receive(&mut self, descriptors: &mut Vec<OwnedFd>) -> Result<(), Ended> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut into = [IoSliceMut::new(self.decoder.room())];
        let received = loop {
            let flags = RecvFlags::CMSG_CLOEXEC;
            match rustix::net::recvmsg(self.socket, &mut into, &mut control, flags) {
                Err(Errno::INTR) => {}
                received => break received,
            }
        };
        let count = match received {
            Ok(received) => received.bytes,
            Err(Errno::CONNRESET) => 0,
            Err(why) => return Err(end::failed("the host cannot be heard", why)),
        };
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                descriptors.extend(rights);
            }
        }
        if count == 0 {
            return Err(Ended::HostGone);
        }
        self.decoder.filled(count);
        Ok(())
    }
}

fn broken(why: WireError) -> Ended {
    end::failed("the host sent what this runner does not understand", why)
}
