//! The reading thread of a runner: it always reads, watches for silence, and sees to the end.

use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::process::{ChildStderr, ChildStdout};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

use crate::guard::guarded;
use crate::link::call::{OutOfPlace, Progress};
use crate::link::lines::Cutter;
use crate::link::process::{self, Process};
use crate::link::shared::Shared;
use crate::question::Answer;
use crate::services::LogLevel;
use crate::status::{CallError, Status};
use crate::wire::{Decoder, NO_REQUEST, ToHost, WireError};

/// The most messages a second that belong to no call. A runner sends far fewer.
const UNASKED_MAX: u32 = 10_000;
/// How long a runner may take to end once it was asked to.
const CLOSE_WAIT: Duration = Duration::from_secs(2);
/// How long a process may take to end once its socket has.
const END_WAIT: Duration = Duration::from_millis(500);
/// The most bytes that are read from a pipe before something else is looked at.
const PIPE_AT_ONCE: usize = 64 << 10;
/// The same of the socket.
const SOCKET_AT_ONCE: usize = 1 << 20;

/// The reading thread.
pub(super) struct Reader {
    shared: Arc<Shared>,
    socket: Arc<UnixStream>,
    wake: UnixStream,
    process: Option<Process>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
    out_lines: Cutter,
    error_lines: Cutter,
    decoder: Decoder,
    unasked: (Instant, u32),
    close_by: Option<Instant>,
    look_at: Option<Instant>,
}

/// Why it ends.
#[derive(Debug)]
enum End {
    /// It was asked to.
    Closed,
    /// The host itself failed.
    Failed,
    /// The runner said nothing for too long.
    Hung(Duration),
    /// The runner broke the protocol.
    Protocol(String),
    /// The process, or its socket, has ended.
    Process,
}

impl From<WireError> for End {
    fn from(error: WireError) -> Self {
        Self::Protocol(format!("its runner sent {error}"))
    }
}

impl From<OutOfPlace> for End {
    fn from(OutOfPlace(what): OutOfPlace) -> Self {
        Self::Protocol(what)
    }
}

impl Reader {
    pub(super) fn new(
        shared: Arc<Shared>,
        socket: Arc<UnixStream>,
        wake: UnixStream,
        mut process: Option<Process>,
    ) -> Self {
        let (stdout, stderr) = process
            .as_mut()
            .map(Process::take_pipes)
            .unwrap_or_default();
        Self {
            shared,
            socket,
            wake,
            process,
            stdout,
            stderr,
            out_lines: Cutter::default(),
            error_lines: Cutter::default(),
            decoder: Decoder::of_host(),
            unasked: (Instant::now(), 0),
            close_by: None,
            look_at: None,
        }
    }

    /// Reads until the end, and sees to it that nobody waits for anything then.
    pub(super) fn run(mut self) {
        let end = guarded(End::Failed, || {
            loop {
                if let Err(end) = self.wait_and_read() {
                    break end;
                }
            }
        });
        let error = self.finish(&end);
        self.shared.end(&error);
        self.shared.lines.end();
    }

    /// Waits until there is something to do, and does it.
    fn wait_and_read(&mut self) -> Result<(), End> {
        let timeout = self.look_at_the_time()?;
        let ready = self.poll(timeout)?;
        if ready.wake {
            let mut told = [0; 64];
            let _told = rustix::io::read(&self.wake, &mut told);
        }
        if ready.room {
            self.shared.outbox.flush();
        }
        if ready.stdout && drain(&mut self.stdout, &mut self.out_lines, &self.shared, OUT) {
            self.stdout = None;
        }
        if ready.stderr && drain(&mut self.stderr, &mut self.error_lines, &self.shared, ERROR) {
            self.stderr = None;
        }
        if ready.socket || ready.ended {
            self.read_socket(ready.ended)?;
        }
        if ready.ended {
            return Err(self.ended());
        }
        Ok(())
    }

    /// How long to wait at most; an error where something is overdue.
    ///
    /// A call that begins after the look cannot be overdue before the next one, which is never
    /// later than the shortest silence that matters.
    fn look_at_the_time(&mut self) -> Result<Option<Duration>, End> {
        let now = Instant::now();
        if self.look_at.is_none_or(|look_at| now >= look_at) {
            self.look_at = self.look_at_the_calls(now)?;
        }
        let mut until = self.look_at;
        if self.shared.is_closing() {
            let by = *self.close_by.get_or_insert(now + CLOSE_WAIT);
            if now >= by || self.shared.is_closed_at_once() {
                return Err(End::Closed);
            }
            until = until.into_iter().chain([by]).min();
        }
        Ok(until.map(|until| until.saturating_duration_since(now)))
    }

    /// When to look again; never, where no call is open. Whoever opens one then wakes the thread.
    fn look_at_the_calls(&mut self, now: Instant) -> Result<Option<Instant>, End> {
        let patience = self.shared.patience;
        self.shared.fall_asleep();
        let calls = self.shared.calls();
        if calls.is_empty() {
            return Ok(None);
        }
        self.shared.wake_up();
        let mut next = now.checked_add(patience.short);
        for call in calls {
            let hangs_at = call.hangs_at(patience);
            if hangs_at.is_some_and(|hangs_at| now >= hangs_at) {
                return Err(End::Hung(patience.of(&call)));
            }
            next = next.into_iter().chain(hangs_at).min();
        }
        Ok(next)
    }

    fn poll(&self, timeout: Option<Duration>) -> Result<Ready, End> {
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        let mut socket = PollFlags::IN;
        if self.shared.outbox.has_backlog() {
            socket |= PollFlags::OUT;
        }
        // Where one is not there, the wake stands for it: nothing is asked of it.
        let wake = self.wake.as_fd();
        let stdout = self.stdout.as_ref().map(AsFd::as_fd);
        let stderr = self.stderr.as_ref().map(AsFd::as_fd);
        let end = self.process.as_ref().and_then(Process::end);
        let ask = |descriptor: Option<BorrowedFd<'_>>| match descriptor {
            Some(_) => PollFlags::IN,
            None => PollFlags::empty(),
        };
        let end = end.map(AsFd::as_fd);
        let mut polled = [
            PollFd::from_borrowed_fd(self.socket.as_fd(), socket),
            PollFd::from_borrowed_fd(wake, PollFlags::IN),
            PollFd::from_borrowed_fd(stdout.unwrap_or(wake), ask(stdout)),
            PollFd::from_borrowed_fd(stderr.unwrap_or(wake), ask(stderr)),
            PollFd::from_borrowed_fd(end.unwrap_or(wake), ask(end)),
        ];
        match rustix::event::poll(&mut polled, timeout.as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return Err(End::Failed),
        }
        let [socket, wake, stdout, stderr, end] = polled.map(|polled| polled.revents());
        let some = PollFlags::IN | PollFlags::HUP | PollFlags::ERR;
        Ok(Ready {
            socket: socket.intersects(some),
            room: socket.contains(PollFlags::OUT),
            wake: wake.intersects(some),
            stdout: stdout.intersects(some),
            stderr: stderr.intersects(some),
            ended: end.intersects(some),
        })
    }

    /// Reads what is there; all of it where the process has ended. Whoever sends faster than is
    /// read here keeps this thread neither from the time nor from an end.
    fn read_socket(&mut self, all: bool) -> Result<(), End> {
        let mut left = if all { self.waiting() } else { SOCKET_AT_ONCE };
        loop {
            let room = self.decoder.room();
            let most = room.len();
            let count =
                match rustix::net::recv(&*self.socket, room, rustix::net::RecvFlags::DONTWAIT) {
                    Ok((0, _)) => return Err(self.ended()),
                    Ok((count, _)) => count,
                    Err(Errno::INTR) => continue,
                    Err(Errno::AGAIN) => return Ok(()),
                    Err(_) => return Err(self.ended()),
                };
            self.decoder.filled(count);
            self.take_messages()?;
            left = left.saturating_sub(count);
            if left == 0 || (count < most && !all) {
                return Ok(());
            }
        }
    }

    /// How many bytes were sent and not read yet.
    fn waiting(&self) -> usize {
        let waiting = rustix::io::ioctl_fionread(&*self.socket);
        let waiting = waiting.ok().and_then(|count| usize::try_from(count).ok());
        waiting.unwrap_or(SOCKET_AT_ONCE)
    }

    fn take_messages(&mut self) -> Result<(), End> {
        loop {
            let (request, message) = match self.decoder.next()? {
                Some(packet) => (packet.request, ToHost::read(packet.kind, packet.payload)?),
                None => return Ok(()),
            };
            self.take_message(request, message)?;
        }
    }

    fn take_message(&mut self, request: u32, message: ToHost) -> Result<(), End> {
        match message {
            ToHost::Log {
                level,
                text,
                dropped,
            } if request == NO_REQUEST => {
                let now = self.count_unasked()?;
                self.shared.lines.dropped(dropped);
                self.shared.lines.write(level, &text, now);
                Ok(())
            }
            ToHost::Changed(generation) if request == NO_REQUEST => {
                self.count_unasked()?;
                self.shared.announce(generation);
                Ok(())
            }
            message => {
                let Some(call) = self.shared.call(request) else {
                    // That it closes is answered, and nobody asks.
                    if self.shared.is_closing() {
                        return Ok(());
                    }
                    let what = "it answered a call that is not open";
                    return Err(End::Protocol(what.to_owned()));
                };
                match call.take(message)? {
                    Progress::Asks => call.bell.notify_all(),
                    Progress::Open => {}
                    Progress::Over => self.shared.end_call(&call),
                    Progress::Unanswered => self.shared.send_answer(request, &Answer::Refused),
                }
                Ok(())
            }
        }
    }

    fn count_unasked(&mut self) -> Result<Instant, End> {
        let now = Instant::now();
        let (since, count) = &mut self.unasked;
        if now.saturating_duration_since(*since) >= Duration::from_secs(1) {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        if *count > UNASKED_MAX {
            return Err(End::Protocol(format!(
                "it sent more than {UNASKED_MAX} messages in a second that nobody asked for"
            )));
        }
        Ok(now)
    }

    fn ended(&self) -> End {
        if self.shared.is_closing() {
            End::Closed
        } else {
            End::Process
        }
    }

    /// Ends the process, reads the last that it wrote, and says what has happened.
    fn finish(&mut self, end: &End) -> CallError {
        let by_itself = match (end, &mut self.process) {
            (End::Process, Some(process)) => process.ends_within(END_WAIT),
            (End::Closed, Some(process)) if !self.shared.is_closed_at_once() => {
                process.ends_within(END_WAIT)
            }
            _ => false,
        };
        let status = self.process.as_mut().and_then(Process::end_now);
        // From here on its pipes have an end; nobody is left who writes to them.
        for _ in 0..16 {
            let out = drain(&mut self.stdout, &mut self.out_lines, &self.shared, OUT);
            let error = drain(&mut self.stderr, &mut self.error_lines, &self.shared, ERROR);
            if out && error {
                break;
            }
        }
        let shared = &self.shared;
        self.out_lines.finish(|line| write_line(shared, OUT, line));
        self.error_lines
            .finish(|line| write_line(shared, ERROR, line));
        let how = match (end, status) {
            (End::Closed, _) => {
                return CallError::new(Status::InvalidState, "the store is closed");
            }
            (End::Failed, _) => {
                return CallError::new(Status::Internal, "the host failed to read from the plugin");
            }
            (End::Protocol(what), _) => return CallError::protocol(self.with_last_line(what)),
            (End::Hung(after), _) => format!("killed after {} of silence", seconds(*after)),
            (End::Process, Some(status)) if by_itself => process::words(status),
            (End::Process, _) => "it closed its connection".to_owned(),
        };
        CallError::new(Status::Crashed, self.with_last_line(&how))
    }

    fn with_last_line(&self, what: &str) -> String {
        match self.error_lines.last() {
            line if line.is_empty() => what.to_owned(),
            line => format!("{what}; the last line that it wrote: \"{line}\""),
        }
    }
}

/// What there is to do.
struct Ready {
    socket: bool,
    room: bool,
    wake: bool,
    stdout: bool,
    stderr: bool,
    ended: bool,
}

const OUT: LogLevel = LogLevel::Info;
const ERROR: LogLevel = LogLevel::Warn;

/// Reads what a pipe holds, up to a bound; whether it has come to its end.
fn drain(
    pipe: &mut Option<impl Read>,
    lines: &mut Cutter,
    shared: &Shared,
    level: LogLevel,
) -> bool {
    let Some(pipe) = pipe else { return true };
    let mut buffer = [0; 8192];
    let mut read = 0;
    while read < PIPE_AT_ONCE {
        match pipe.read(&mut buffer) {
            Ok(0) => return true,
            Ok(count) => {
                read += count;
                let bytes = buffer.get(..count).unwrap_or_default();
                lines.take(bytes, |line| write_line(shared, level, line));
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return error.kind() != std::io::ErrorKind::WouldBlock,
        }
    }
    false
}

fn write_line(shared: &Shared, level: LogLevel, line: &str) {
    shared.lines.write(level, line, Instant::now());
}

fn seconds(time: Duration) -> String {
    match time.subsec_millis() {
        0 => format!("{} s", time.as_secs()),
        _ => format!("{} ms", time.as_millis()),
    }
}
