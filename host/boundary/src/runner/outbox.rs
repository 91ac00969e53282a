//! What the runner says, in order, sent by a thread of its own.

use std::collections::VecDeque;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::SendFlags;

use crate::runner::end::{self, Ended};
use crate::services::LogLevel;
use crate::wire::{LINES_PER_SECOND, NO_REQUEST, ToHost};

/// How many bytes of answers may wait; a call that has more waits itself.
const WAITING_MAX: usize = 4 << 20;
/// How many lines of the log may wait; the oldest make room.
const LINES_MAX: usize = 1024;

/// What waits to be sent.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    state: Mutex<State>,
    /// There is something to send, or it was sent.
    moved: Condvar,
    socket: OnceLock<BorrowedFd<'static>>,
}

#[derive(Debug, Default)]
struct State {
    /// Encoded, in order.
    messages: VecDeque<Vec<u8>>,
    /// How many bytes they are.
    bytes: usize,
    lines: VecDeque<(LogLevel, String)>,
    /// How many lines made room since one was sent.
    dropped: u32,
    /// The generation that was announced last, where that was not sent yet.
    announced: Option<u64>,
    /// Whether something was taken and is on its way.
    sending: bool,
    /// How many wait until something is sent.
    awaited: usize,
    pace: Pace,
}

/// How many lines were sent in this second.
#[derive(Debug, Default)]
struct Pace {
    since: Option<Instant>,
    sent: u32,
}

impl Outbox {
    /// Starts to send.
    pub(super) fn start(socket: BorrowedFd<'static>) -> Result<Arc<Self>, Ended> {
        let outbox = Arc::new(Self::default());
        outbox.socket.get_or_init(|| socket);
        let sent = Arc::clone(&outbox);
        end::spawn("runner-outbox", move || {
            loop {
                let bytes = sent.next();
                sent.deliver(socket, &bytes);
            }
        })?;
        Ok(outbox)
    }

    /// Says one thing.
    pub(super) fn say(&self, message: &ToHost, request: u32) {
        let mut bytes = Vec::new();
        message.put(request, &mut bytes);
        self.send(bytes);
    }

    /// Says what is encoded already: at once where nothing else is to be said, which spares an
    /// answer the way through another thread; waits where too much waits.
    pub(super) fn send(&self, bytes: Vec<u8>) {
        let mut state = self.state();
        if let Some(socket) = self.socket.get()
            && !state.sending
            && !state.has_some(Instant::now())
        {
            state.sending = true;
            drop(state);
            self.deliver(*socket, &bytes);
            return;
        }
        while state.bytes > WAITING_MAX {
            state = self.wait_for_room(state);
        }
        state.bytes = state.bytes.saturating_add(bytes.len());
        state.messages.push_back(bytes);
        drop(state);
        self.moved.notify_all();
    }

    /// Sends what is next, which whoever set `sending` has taken.
    fn deliver(&self, socket: BorrowedFd<'_>, bytes: &[u8]) {
        if let Err(ended) = send(socket, bytes) {
            end::with(ended);
        }
        let mut state = self.state();
        state.sending = false;
        let is_awaited = state.awaited > 0 || state.has_some(Instant::now());
        drop(state);
        if is_awaited {
            self.moved.notify_all();
        }
    }

    /// Queues a line of the log, and never waits.
    pub(super) fn log(&self, level: LogLevel, line: &str) {
        let mut state = self.state();
        if state.lines.len() >= LINES_MAX {
            state.lines.pop_front();
            state.dropped = state.dropped.saturating_add(1);
        }
        state.lines.push_back((level, line.to_owned()));
        drop(state);
        self.moved.notify_all();
    }

    /// Queues an announcement, and never waits; several are one.
    pub(super) fn announce(&self, generation: u64) {
        self.state().announced = Some(generation);
        self.moved.notify_all();
    }

    /// Waits until all that was said is sent, and as much of the log as may be.
    pub(super) fn flush(&self) {
        let mut state = self.state();
        while state.sending || state.has_some(Instant::now()) {
            state = self.wait_for_room(state);
        }
    }

    /// What is to be sent now: the log first, since it tells how the answer came about.
    fn next(&self) -> Vec<u8> {
        let mut state = self.state();
        loop {
            let now = Instant::now();
            if !state.sending && state.has_some(now) {
                state.sending = true;
                return state.take(now);
            }
            let pause = state.pace.pause(now).filter(|_| !state.lines.is_empty());
            state = match pause {
                None => self.wait(state),
                Some(pause) => {
                    let waited = self.moved.wait_timeout(state, pause);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Waits until something is sent.
    fn wait_for_room<'a>(&self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.awaited += 1;
        let mut state = self.wait(state);
        state.awaited -= 1;
        state
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.moved
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has_some(&self, now: Instant) -> bool {
        !self.messages.is_empty()
            || self.announced.is_some()
            || (!self.lines.is_empty() && self.pace.pause(now).is_none())
    }

    fn take(&mut self, now: Instant) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.pace.pause(now).is_none()
            && let Some((level, text)) = self.lines.pop_front()
        {
            self.pace.count(now);
            let dropped = std::mem::take(&mut self.dropped);
            let line = ToHost::Log {
                level,
                text,
                dropped,
            };
            line.put(NO_REQUEST, &mut bytes);
        }
        if let Some(generation) = self.announced.take() {
            ToHost::Changed(generation).put(NO_REQUEST, &mut bytes);
        }
        for message in self.messages.drain(..) {
            bytes.extend_from_slice(&message);
        }
        self.bytes = 0;
        bytes
    }
}

impl Pace {
    /// How long no line may be sent, where that is so.
    fn pause(&self, now: Instant) -> Option<Duration> {
        let since = self.since.filter(|_| self.sent >= LINES_PER_SECOND)?;
        let left = Duration::from_secs(1).checked_sub(now.saturating_duration_since(since))?;
        (!left.is_zero()).then_some(left)
    }

    fn count(&mut self, now: Instant) {
        let is_over = |since: Instant| now.saturating_duration_since(since).as_secs() > 0;
        if self.since.is_none_or(is_over) {
            self.since = Some(now);
            self.sent = 0;
        }
        self.sent = self.sent.saturating_add(1);
    }
}

fn send(socket: BorrowedFd<'_>, bytes: &[u8]) -> Result<(), Ended> {
    let mut left = bytes;
    while !left.is_empty() {
        match rustix::net::send(socket, left, SendFlags::NOSIGNAL) {
            Ok(sent) => left = left.get(sent..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(Errno::PIPE | Errno::CONNRESET) => return Err(Ended::HostGone),
            Err(why) => return Err(end::failed("the host cannot be told anything", why)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<(String, u32)> {
        messages(bytes)
            .into_iter()
            .filter_map(|message| match message {
                ToHost::Log { text, dropped, .. } => Some((text, dropped)),
                _ => None,
            })
            .collect()
    }

    fn messages(bytes: &[u8]) -> Vec<ToHost> {
        let mut decoder = crate::wire::Decoder::of_host();
        let mut left = bytes;
        let mut found = Vec::new();
        loop {
            while let Some(packet) = decoder.next().unwrap() {
                found.push(ToHost::read(packet.kind, packet.payload).unwrap());
            }
            if left.is_empty() {
                return found;
            }
            let room = decoder.room();
            let count = left.len().min(room.len());
            room[..count].copy_from_slice(&left[..count]);
            decoder.filled(count);
            left = &left[count..];
        }
    }

    #[test]
    fn log_goes_before_the_answer_and_announcements_are_one() {
        let outbox = Outbox::default();
        outbox.say(&ToHost::Done, 7);
        outbox.announce(1);
        outbox.announce(2);
        outbox.log(LogLevel::Info, "x");
        let said = messages(&outbox.next());
        assert!(matches!(said[0], ToHost::Log { .. }));
        assert_eq!(said[1..], [ToHost::Changed(2), ToHost::Done]);
    }

    #[test]
    fn flood_makes_room_and_is_counted() {
        let outbox = Outbox::default();
        for number in 0..LINES_MAX + 5 {
            outbox.log(LogLevel::Info, &number.to_string());
        }
        let now = Instant::now();
        let sent = lines(&outbox.state().take(now));
        assert_eq!(sent.len(), 1000);
        assert_eq!(sent[0], ("5".to_owned(), 5));
        assert_eq!(sent[1], ("6".to_owned(), 0));
        // The rest waits for the next second, and nothing else does.
        assert!(!outbox.state().has_some(now));
        outbox.say(&ToHost::Done, 1);
        assert_eq!(messages(&outbox.state().take(now)), [ToHost::Done]);
        let later = now + Duration::from_secs(1);
        assert_eq!(lines(&outbox.state().take(later)).len(), 24);
    }
}
