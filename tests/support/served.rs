//! `openssl s_server`: a TLS server that owes nothing to this project.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{Identity, Log, Watched};

/// A running `openssl s_server -rev` on a port of its own choice.
#[derive(Debug)]
pub(crate) struct Served {
    /// The port that it listens on.
    pub(crate) port: u16,
    log: Log,
    _process: Watched,
}

impl Served {
    /// Starts one, and waits until it listens; `more` are options of `openssl s_server`.
    pub(crate) fn start(identity: &Identity, more: &[&str]) -> Self {
        let mut command = Command::new("openssl");
        command.args(["s_server", "-accept", "127.0.0.1:0", "-rev"]);
        command.arg("-cert").arg(&identity.certificate);
        command.arg("-key").arg(&identity.key).args(more);
        command.stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Watched::start(&mut command, LIFETIME);
        let log = Log::new();
        log.follow(process.child().stdout.take().expect("a pipe"));
        log.follow(process.child().stderr.take().expect("a pipe"));
        let port = log.wait_for("the port of openssl s_server", |line| {
            let address = line.strip_prefix("ACCEPT ")?;
            address.rsplit_once(':')?.1.trim().parse().ok()
        });
        Self {
            port,
            log,
            _process: process,
        }
    }

    /// Starts one that sends the rest of its chain along.
    pub(crate) fn with_chain(identity: &Identity, chain: &Path, more: &[&str]) -> Self {
        let chain = chain.to_string_lossy();
        Self::start(identity, &[&["-cert_chain", &*chain], more].concat())
    }

    /// Waits until it has printed some text, such as the version that was negotiated.
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

/// How long one server may run.
const LIFETIME: Duration = Duration::from_secs(180);
