//! The peer in Python: the question for the level, and TLS, as somebody else understood them.

use std::process::{Command, Stdio};
use std::time::Duration;

use super::{Identity, Log, Watched, here, repository};

/// A running `tests/peer.py` on a port of its own choice.
#[derive(Debug)]
pub(crate) struct Peer {
    /// The port that it listens on.
    pub(crate) port: u16,
    log: Log,
    _process: Watched,
}

impl Peer {
    /// Starts one at a level, in one of its modes; nothing where there is no Python.
    pub(crate) fn start(level: &str, mode: &str, identity: Option<&Identity>) -> Option<Self> {
        Self::with(level, mode, identity, &[])
    }

    /// The same, with more of its options.
    pub(crate) fn with(
        level: &str,
        mode: &str,
        identity: Option<&Identity>,
        more: &[&str],
    ) -> Option<Self> {
        if !here("python3") {
            return None;
        }
        let mut command = Command::new("python3");
        command.arg(repository().join("tests/peer.py"));
        command.args(["--level", level, "--mode", mode]).args(more);
        if let Some(identity) = identity {
            command.arg("--cert").arg(&identity.certificate);
            command.arg("--key").arg(&identity.key);
        }
        // It ends when its standard input does, and so with this process at the latest.
        command.stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Watched::start(&mut command, LIFETIME);
        let log = Log::new();
        log.follow(process.child().stdout.take().expect("a pipe"));
        let port = log.wait_for("the port of the peer", |line| line.trim().parse().ok());
        log.follow(process.child().stderr.take().expect("a pipe"));
        Some(Self {
            port,
            log,
            _process: process,
        })
    }

    /// Waits until it has printed some text, such as what a connection turned out to be.
    #[track_caller]
    pub(crate) fn prints(&self, text: &str) {
        self.log
            .wait_for(text, |line| line.contains(text).then_some(()));
    }

    /// Everything that it has printed so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lines()
    }
}

/// How long one peer may run.
const LIFETIME: Duration = Duration::from_secs(180);
