//! The session's bus, as far as a runner reaches it: its keyring service, through a proxy.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::bus_address::{VARIABLE, address, socket_of, usual};
use crate::link::process::Process;
use crate::private_directory::{self, PrivateDirectory};
use crate::sandbox::{SandboxSpec, SessionBus};
use crate::status::{CallError, Status};

/// Where the proxy is, in places that only root fills. No environment variable has a say in it.
pub(super) const PROXIES: [&str; 3] = [
    "/usr/bin/xdg-dbus-proxy",
    "/usr/libexec/xdg-dbus-proxy",
    "/run/current-system/sw/bin/xdg-dbus-proxy",
];

/// How long a proxy may take until it listens.
const READY_WAIT: Duration = Duration::from_secs(5);

/// The variable by which clients know that they speak through such a proxy. Older ones take no
/// handshake that is sent in one piece, as zbus sends it where it does not know.
const BEHIND_PROXY: &str = "FLATPAK_ID";

/// The only service that is let through.
const SERVICE: &str = "org.freedesktop.secrets";

/// A proxy, which ends when this is dropped, or with this process.
#[derive(Debug)]
pub(super) struct Proxy {
    _process: Process,
    /// The proxy ends when nobody has this open any more, however this process ends.
    _held: UnixStream,
}

/// What the bus of one runner takes.
#[derive(Debug, Default)]
pub(super) struct Bus {
    /// The proxy, which lives as long as the runner.
    pub(super) proxy: Option<Proxy>,
    /// Where its socket lies. A runner with a view of its own has the socket there for good.
    pub(super) directory: Option<PrivateDirectory>,
}

impl Bus {
    /// Lets a runner reach the bus where that is granted: notes what it reaches in its sandbox, and
    /// where that is in its environment. The bus is the one that the store's environment names, or
    /// else the one of this user; the environment of this process has no say in it.
    pub(super) fn reach(
        sandbox: &mut SandboxSpec,
        environment: &mut Vec<(OsString, OsString)>,
        proxies: &[PathBuf],
        within: Duration,
    ) -> Result<Self, CallError> {
        if sandbox.session_bus == SessionBus::None {
            return Ok(Self::default());
        }
        let bus = bus(environment)?;
        let (socket, found, reached) = match start(&bus, proxies, within.min(READY_WAIT)) {
            Ok((socket, found)) => (socket, found, SessionBus::Filtered(absence(&bus))),
            Err(why) => (bus, Self::default(), SessionBus::Whole(why)),
        };
        environment.retain(|(name, _)| name != VARIABLE);
        environment.push((VARIABLE.into(), address(&socket).into()));
        let is_filtered = matches!(reached, SessionBus::Filtered(_));
        if is_filtered && !environment.iter().any(|(name, _)| name == BEHIND_PROXY) {
            environment.push((BEHIND_PROXY.into(), "anchorhold".into()));
        }
        sandbox.unix.push(socket);
        sandbox.session_bus = reached;
        Ok(found)
    }
}

/// The socket of the bus.
fn bus(environment: &[(OsString, OsString)]) -> Result<PathBuf, CallError> {
    let mut named = environment
        .iter()
        .rev()
        .filter(|(name, _)| name == VARIABLE);
    let Some((_, address)) = named.next() else {
        return Ok(usual());
    };
    socket_of(address).map_err(|what| {
        let mut error = CallError::new(
            Status::Refused,
            format!(
                "the grant session-bus: {VARIABLE} in the store's `env` is {address:?}, and {what}"
            ),
        );
        error.code = Some("grant-invalid".into());
        error
    })
}

/// What is to be said of a bus that is not there. The proxy finds it once it is.
fn absence(bus: &Path) -> String {
    match bus.metadata() {
        Ok(found) if found.file_type().is_socket() => String::new(),
        _ => format!("there is no session bus at {}", bus.display()),
    }
}

/// Starts a proxy, and waits until it listens; its socket. An error says why there is none.
fn start(bus: &Path, proxies: &[PathBuf], within: Duration) -> Result<(PathBuf, Bus), String> {
    let program = proxies.iter().find(|path| path.exists());
    let program = program.ok_or("xdg-dbus-proxy is not installed")?;
    is_trusted(program)?;
    let failed = |why: io::Error| format!("{} cannot be started: {why}", program.display());
    let directory = directory().map_err(failed)?;
    let socket = directory.path().join("proxy");
    let (held, there) = UnixStream::pair().map_err(failed)?;
    let process = spawn(program, bus, &socket, there).map_err(failed)?;
    ready(&held, within).map_err(|why| format!("{} {why}", program.display()))?;
    let proxy = Proxy {
        _process: process,
        _held: held,
    };
    let bus = Bus {
        proxy: Some(proxy),
        directory: Some(directory),
    };
    Ok((socket, bus))
}

fn spawn(program: &Path, bus: &Path, socket: &Path, told: UnixStream) -> io::Result<Process> {
    // A group of its own: what is typed at a terminal to end this process is not meant for it.
    let child = Command::new(program)
        .arg("--fd=0")
        .arg(address(bus))
        .arg(socket)
        .arg("--filter")
        .arg(format!("--talk={SERVICE}"))
        .env_clear()
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::from(OwnedFd::from(told)))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    Ok(Process::of(child))
}

/// Waits for the one byte that a proxy writes once it listens. An error says what it did instead.
fn ready(mut held: &UnixStream, within: Duration) -> Result<(), String> {
    let begun = Instant::now();
    loop {
        let left = within.saturating_sub(begun.elapsed());
        // No time at all would be time without end.
        let told = held
            .set_read_timeout(Some(left.max(Duration::from_millis(1))))
            .and_then(|()| held.read(&mut [0]));
        let error = match told {
            Ok(1) => return Ok(()),
            Ok(_) => return Err("ended before it listened".to_owned()),
            Err(error) => error,
        };
        match error.kind() {
            // A signal to this thread says nothing of the proxy.
            io::ErrorKind::Interrupted => {}
            io::ErrorKind::WouldBlock => {
                return Err(format!("did not listen within {} ms", within.as_millis()));
            }
            _ => return Err(format!("cannot be heard: {error}")),
        }
    }
}

/// What is run with all that this process may do must be what root or this user put there.
fn is_trusted(program: &Path) -> Result<(), String> {
    let found = program
        .metadata()
        .map_err(|why| format!("{}: {why}", program.display()))?;
    let me = rustix::process::geteuid().as_raw();
    let is_ours = found.uid() == 0 || found.uid() == me;
    if found.is_file() && is_ours && found.mode() & 0o022 == 0 {
        Ok(())
    } else {
        Err(format!(
            "{} is a program that others than root may change",
            program.display()
        ))
    }
}

fn directory() -> io::Result<PrivateDirectory> {
    let mut last = io::ErrorKind::NotFound.into();
    for place in private_directory::places() {
        match PrivateDirectory::make(&place) {
            Ok(directory) => return Ok(directory),
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests;
