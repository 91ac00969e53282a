//! A process that cannot outlive its test, nor its deadline.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::Outcome;

/// A started process, and the watchdog that kills its whole group after a deadline.
#[derive(Debug)]
pub(crate) struct Watched {
    line: String,
    child: Child,
    group: Pid,
    watchdog: Option<(Sender<()>, JoinHandle<()>)>,
    fired: Arc<AtomicBool>,
    reaped: bool,
}

impl Watched {
    /// Starts a process with a group of its own.
    pub(crate) fn start(command: &mut Command, deadline: Duration) -> Self {
        let line = line_of(command);
        let child = command.process_group(0).spawn();
        let child = child.unwrap_or_else(|error| panic!("cannot start {line}: {error}"));
        let group = Pid::from_child(&child);
        let fired = Arc::new(AtomicBool::new(false));
        let (disarm, disarmed) = mpsc::channel();
        let witness = Arc::clone(&fired);
        let watchdog = std::thread::spawn(move || {
            if disarmed.recv_timeout(deadline) == Err(RecvTimeoutError::Timeout) {
                witness.store(true, Ordering::SeqCst);
                kill(group);
            }
        });
        Self {
            line,
            child,
            group,
            watchdog: Some((disarm, watchdog)),
            fired,
            reaped: false,
        }
    }

    /// Runs a process to its end, with what it is to read, and takes down what it prints.
    pub(crate) fn output(command: &mut Command, input: &[u8], deadline: Duration) -> Outcome {
        let (line, status, stdout, stderr) = Self::run(command, input, deadline);
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Outcome {
            line,
            status,
            stdout: text(stdout),
            stderr: text(stderr),
        }
    }

    /// The same, for what is no text.
    pub(crate) fn bytes(
        command: &mut Command,
        input: &[u8],
        deadline: Duration,
    ) -> (ExitStatus, Vec<u8>) {
        let (_, status, stdout, _) = Self::run(command, input, deadline);
        (status, stdout)
    }

    fn run(
        command: &mut Command,
        input: &[u8],
        deadline: Duration,
    ) -> (String, ExitStatus, Vec<u8>, Vec<u8>) {
        command.stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = Self::start(command, deadline);
        let mut stdin = process.child.stdin.take().expect("a pipe");
        let input = input.to_owned();
        // A process that does not read its input is no fault of the test.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let stdout = drain(process.child.stdout.take().expect("a pipe"));
        let stderr = drain(process.child.stderr.take().expect("a pipe"));
        let status = process.wait();
        let read = |thread: JoinHandle<Vec<u8>>| thread.join().expect("read");
        writer.join().expect("written");
        let line = process.line.clone();
        (line, status, read(stdout), read(stderr))
    }

    /// The process itself.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Waits for the end of the process, and fails the test where only the watchdog ended it.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let status = self.reap();
        let fired = self.fired.load(Ordering::SeqCst);
        assert!(!fired, "did not end within its deadline: {}", self.line);
        status
    }

    /// Whether the process has ended; it is not waited for, and its id is not given back.
    pub(crate) fn has_ended(&self) -> bool {
        let now = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        self.reaped || matches!(waitid(WaitId::Pid(self.group), now), Ok(Some(_)))
    }

    /// Kills the process with SIGKILL, and says how it ended.
    pub(crate) fn kill(&mut self) -> ExitStatus {
        if !self.reaped {
            kill(self.group);
        }
        self.reap()
    }

    /// The process id is not given back before the watchdog is gone, so that the watchdog can
    /// never kill another process.
    fn reap(&mut self) -> ExitStatus {
        if !self.reaped {
            let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while matches!(waitid(WaitId::Pid(self.group), ended), Err(Errno::INTR)) {}
            kill(self.group);
            if let Some((disarm, watchdog)) = self.watchdog.take() {
                drop(disarm);
                watchdog.join().expect("the watchdog ends");
            }
            self.reaped = true;
        }
        self.child.wait().expect("a child of this process")
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Kills a whole group; one that has ended already is as good.
fn kill(group: Pid) {
    let _ = kill_process_group(group, Signal::KILL);
}

fn drain(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before a broken pipe still helps to see what happened.
        let _ = pipe.read_to_end(&mut bytes);
        bytes
    })
}

fn line_of(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    words.join(" ")
}
