//! The runner: the program started again to run one store's plugin, apart from everything else.
//!
//! It is started by the host with a socket as its standard input, and ends when that does: there
//! is nothing that it does for itself. In order: nothing is open but the socket; the host says
//! what to open and what may be reached; the sandbox is put up while there is one thread; then the
//! library is loaded, the store opened and served.

mod calls;
mod end;
mod fault;
mod inbox;
mod memory;
mod open;
mod outbox;
mod prompt;
mod serve;

use std::os::fd::{BorrowedFd, OwnedFd};
use std::process::ExitCode;
use std::sync::Arc;

use rustix::fs::{Mode, OFlags};
use rustix::net::{AddressFamily, SocketType, sockopt};

use crate::confinement::{Confinement, Sandbox};
use crate::load;
use crate::runner::calls::Calls;
use crate::runner::end::Ended;
use crate::runner::inbox::Inbox;
use crate::runner::outbox::Outbox;
use crate::sandbox;
use crate::status::{CallError, Status};
use crate::wire::{Hello, NO_REQUEST, ToHost};

/// Serves the host at the other end of standard input until that ends. It never returns: nothing
/// that a plugin has left to be done at the end of its process is done.
pub fn main() -> ExitCode {
    end::with(match end::guarded(run) {
        Ok(()) => Ended::AsTold,
        Err(ended) => ended,
    })
}

fn run() -> Result<(), Ended> {
    fault::ends_the_process();
    memory::is_kept();
    let socket = socket()?;
    let mut inbox = Inbox::new(socket);
    let (mut hello, descriptors) = inbox.hello()?;
    open::make_readable(&mut hello);
    end::takes_along(hello.sandbox.fork);
    rustix::process::chdir("/").map_err(|why| end::failed("/ cannot be entered", why))?;
    let looked = open::look(&hello);
    let confinement = sandbox::enforce(&hello.sandbox);
    empty_input()?;
    let outbox = Outbox::start(socket)?;
    let calls = Arc::new(Calls::default());
    inbox.read_on(Arc::clone(&calls))?;
    // Sent before a byte of the plugin's runs, which could say something else.
    outbox.say(&ToHost::Confined(confinement.clone()), NO_REQUEST);
    outbox.flush();
    let opened = looked.and_then(|()| opened(hello, descriptors, &confinement, &outbox, &calls));
    match opened {
        Ok(store) => {
            outbox.say(&store.ready(), NO_REQUEST);
            let asked = serve::until_closed(store, &outbox, &calls);
            outbox.say(&ToHost::Done, asked);
        }
        Err(refused) => outbox.say(&refused, NO_REQUEST),
    }
    outbox.flush();
    Ok(())
}

fn opened(
    hello: Hello,
    descriptors: Vec<OwnedFd>,
    confinement: &Confinement,
    outbox: &Arc<Outbox>,
    calls: &Arc<Calls>,
) -> Result<open::Store, ToHost> {
    if hello.require_full && confinement.sandbox != Sandbox::Full {
        return Err(ToHost::Refused {
            code: "sandbox".to_owned(),
            error: CallError::new(
                Status::Refused,
                format!(
                    "its store demands the whole sandbox, and what could be enforced is {}: {}",
                    confinement.sandbox, confinement.note
                ),
            ),
        });
    }
    let descriptors = open::seen_from_here(&hello, descriptors)?;
    open::open(hello, descriptors, outbox, calls)
}

/// The socket, under a number where no library looks for it, and nothing else but what is printed.
fn socket() -> Result<BorrowedFd<'static>, Ended> {
    let input = rustix::stdio::stdin();
    let is_ours = sockopt::socket_type(input) == Ok(SocketType::STREAM)
        && sockopt::socket_domain(input) == Ok(AddressFamily::UNIX);
    if !is_ours {
        return Err(Ended::Misused);
    }
    #[cfg(target_os = "linux")]
    sandbox::close_others().map_err(|why| end::failed("descriptors cannot be closed", why))?;
    let socket = rustix::io::fcntl_dupfd_cloexec(input, 3)
        .map_err(|why| end::failed("the socket cannot be kept", why))?;
    Ok(load::leak(socket))
}

/// Lets standard input be empty. It is opened inside the sandbox, like all that a plugin finds open
/// as a file: through what was opened outside, the file itself could be changed there.
fn empty_input() -> Result<(), Ended> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let empty = rustix::fs::open("/dev/null", flags, Mode::empty())
        .map_err(|why| end::failed("/dev/null cannot be opened", why))?;
    rustix::stdio::dup2_stdin(empty)
        .map_err(|why| end::failed("standard input cannot be emptied", why))
}
