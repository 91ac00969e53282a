//! The process of a runner: how it is started, and how it ends.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, WaitOptions};

use crate::link::Program;
use crate::link::session_bus::Proxy;

/// How long a process may take to end once it was killed.
const KILL_WAIT: Duration = Duration::from_secs(5);

/// A process, which is reaped when this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    group: Option<Pid>,
    /// Readable once the process has ended; none where the system has no such thing, so that the
    /// end of its socket tells.
    end: Option<OwnedFd>,
    /// What ends with it.
    proxy: Option<Box<Proxy>>,
    reaped: bool,
}

impl Process {
    /// Starts the program in a process group of its own, with nothing of this process but what is
    /// named here.
    pub(super) fn start(
        program: &Program,
        environment: &[(std::ffi::OsString, std::ffi::OsString)],
        socket: UnixStream,
    ) -> io::Result<Self> {
        let mut command = Command::new(&program.path);
        command
            .args(&program.arguments)
            .env_clear()
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::from(OwnedFd::from(socket)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(name) = std::env::args_os().next() {
            command.arg0(name);
        }
        Ok(Self::of(command.spawn()?))
    }

    /// A process that was started in a process group of its own.
    pub(super) fn of(child: Child) -> Self {
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        Self {
            end: group.and_then(end_of),
            group,
            child,
            proxy: None,
            reaped: false,
        }
    }

    /// Lets a proxy end with it.
    pub(super) fn keep(&mut self, proxy: Option<Proxy>) {
        self.proxy = proxy.map(Box::new);
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its standard output and error, once; they do not block.
    pub(super) fn take_pipes(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        let (stdout, stderr) = (self.child.stdout.take(), self.child.stderr.take());
        for pipe in [
            stdout.as_ref().map(AsFd::as_fd),
            stderr.as_ref().map(AsFd::as_fd),
        ]
        .into_iter()
        .flatten()
        {
            // Where it would block it is read only when something is there.
            let _blocking = rustix::io::ioctl_fionbio(pipe, true);
        }
        (stdout, stderr)
    }

    /// What is readable once it has ended.
    pub(super) fn end(&self) -> Option<&OwnedFd> {
        self.end.as_ref()
    }

    /// Waits until it has ended; whether it has.
    pub(super) fn ends_within(&self, most: Duration) -> bool {
        let Some(end) = &self.end else {
            return self.is_seen_to_end(most);
        };
        let deadline = Instant::now().checked_add(most);
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let timeout = left.and_then(|left| Timespec::try_from(left).ok());
            let mut polled = [PollFd::new(end, PollFlags::IN)];
            match rustix::event::poll(&mut polled, timeout.as_ref()) {
                // A signal to this thread says nothing of the process.
                Err(Errno::INTR) => {}
                ended => return matches!(ended, Ok(1)),
            }
        }
    }

    /// The same where the system cannot tell it: the process is looked at, and not reaped, since
    /// its number would be free then.
    fn is_seen_to_end(&self, most: Duration) -> bool {
        let deadline = Instant::now().checked_add(most);
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let Some(id) = self.group else { return false };
        loop {
            match rustix::process::waitid(WaitId::Pid(id), look) {
                Ok(None) if deadline.is_some_and(|deadline| Instant::now() < deadline) => {
                    thread::sleep(Duration::from_millis(2));
                }
                ended => return matches!(ended, Ok(Some(_))),
            }
        }
    }

    /// Ends it, and whatever it has started, and tells how it ended.
    pub(super) fn end_now(&mut self) -> Option<ExitStatus> {
        // The group is there until its leader is reaped, so that no other one is meant.
        if let Some(group) = self.group.filter(|_| !self.reaped) {
            let _gone = rustix::process::kill_process_group(group, Signal::KILL);
        }
        let _gone = self.child.kill();
        self.proxy = None;
        self.reap(KILL_WAIT)
    }

    /// Takes leave of a process that was killed. One that waits in the kernel for a device or a file
    /// system which does not answer ends when that does, and nobody here waits so long.
    fn reap(&mut self, most: Duration) -> Option<ExitStatus> {
        self.reaped = true;
        if self.ends_within(most) {
            return self.child.wait().ok();
        }
        let id = self.group?;
        // Where there is no thread for it, it stays a process that has ended, until this one does.
        let _left = thread::Builder::new()
            .name("anchorhold-reap".to_owned())
            .spawn(move || rustix::process::waitpid(Some(id), WaitOptions::empty()));
        None
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.reaped {
            self.end_now();
        }
    }
}

#[cfg(target_os = "linux")]
fn end_of(process: Pid) -> Option<OwnedFd> {
    rustix::process::pidfd_open(process, rustix::process::PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn end_of(_process: Pid) -> Option<OwnedFd> {
    None
}

/// How a process ended, in words.
pub(super) fn words(status: ExitStatus) -> String {
    let Some(signal) = status.signal() else {
        return format!("exit code {}", status.code().unwrap_or_default());
    };
    let name = match signal {
        libc::SIGABRT => "SIGABRT",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGILL => "SIGILL",
        libc::SIGKILL => "SIGKILL",
        libc::SIGPIPE => "SIGPIPE",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGSYS => "SIGSYS, for a system call that its sandbox forbids",
        libc::SIGTERM => "SIGTERM",
        libc::SIGTRAP => "SIGTRAP",
        libc::SIGXCPU => "SIGXCPU",
        _ => return format!("signal {signal}"),
    };
    format!("signal {signal} ({name})")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process that ends when the socket does.
    fn reading() -> (UnixStream, Process) {
        let (here, there) = UnixStream::pair().unwrap();
        let program = Program {
            path: "/bin/cat".into(),
            arguments: Vec::new(),
        };
        (here, Process::start(&program, &[], there).unwrap())
    }

    #[test]
    fn nobody_waits_for_a_process_that_does_not_end() {
        let (here, mut process) = reading();
        assert_eq!(process.reap(Duration::ZERO), None);
        assert!(!process.ends_within(Duration::ZERO));
        // It is reaped all the same, when it ends.
        let id = process.group.unwrap();
        drop((here, process));
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while rustix::process::waitid(WaitId::Pid(id), look).is_ok() {
            thread::yield_now();
        }
    }

    #[test]
    #[expect(
        clippy::transmutes_expressible_as_ptr_casts,
        reason = "what it could be expressed as is a cast that is never made here"
    )]
    fn signal_is_not_the_end_of_a_process() {
        type Handler = extern "C" fn(libc::c_int);
        extern "C" fn nothing(_signal: libc::c_int) {}
        // SAFETY: R1: a signal action is plain data, and all zeroes are one.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        // SAFETY: R1: the C library takes the address of a function as a number of that size.
        action.sa_sigaction =
            unsafe { std::mem::transmute::<Handler, libc::sighandler_t>(nothing) };
        // SAFETY: R5: the action is valid, and its function does nothing.
        let set =
            unsafe { libc::sigaction(libc::SIGUSR2, &raw const action, std::ptr::null_mut()) };
        assert_eq!(set, 0);
        let (here, process) = reading();
        // SAFETY: R7: the call is made on the thread that it tells.
        let waiting = unsafe { libc::pthread_self() };
        thread::scope(|scope| {
            scope.spawn(move || {
                for _ in 0..200 {
                    // SAFETY: R7: that thread waits for this one before it ends.
                    unsafe { libc::pthread_kill(waiting, libc::SIGUSR2) };
                    thread::yield_now();
                }
                drop(here);
            });
            assert!(process.ends_within(Duration::from_secs(60)));
        });
    }

    #[test]
    fn end_is_told_in_words() {
        assert_eq!(words(ExitStatus::from_raw(3 << 8)), "exit code 3");
        assert_eq!(words(ExitStatus::from_raw(11)), "signal 11 (SIGSEGV)");
        assert_eq!(words(ExitStatus::from_raw(40)), "signal 40");
    }
}
