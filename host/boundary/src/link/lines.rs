//! The log of a runner's store: what it says, what is written to its standard output and error,
//! and how much of it is let through.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::guard::guarded;
use crate::quotation;
use crate::services::{LogLevel, LogSink};
use crate::wire::LINES_PER_SECOND;

/// The most bytes of a line that is written to standard output or error.
const LINE_MAX: usize = 4096;
/// The most bytes of the last line, where it is quoted.
const LAST_LINE_MAX: usize = 300;

/// Lets a thousand lines a second through, and counts the others.
pub(super) struct Lines {
    sink: LogSink,
    window: Mutex<Window>,
}

struct Window {
    since: Instant,
    lines: u32,
    dropped: u64,
}

impl Lines {
    pub(super) fn new(sink: LogSink) -> Self {
        Self {
            sink,
            window: Mutex::new(Window {
                since: Instant::now(),
                lines: 0,
                dropped: 0,
            }),
        }
    }

    /// Writes a line of the runner's.
    pub(super) fn write(&self, level: LogLevel, line: &str, now: Instant) {
        let mut window = self.window();
        let mut dropped = 0;
        if now.saturating_duration_since(window.since) >= Duration::from_secs(1) {
            dropped = std::mem::take(&mut window.dropped);
            window.since = now;
            window.lines = 0;
        }
        window.lines = window.lines.saturating_add(1);
        let through = window.lines <= LINES_PER_SECOND;
        window.dropped += u64::from(!through);
        drop(window);
        self.tell_dropped(dropped);
        if through {
            self.say(level, line);
        }
    }

    /// Adds lines that were dropped already.
    pub(super) fn dropped(&self, count: u32) {
        self.window().dropped += u64::from(count);
    }

    /// Says how many lines were dropped, at the end.
    pub(super) fn end(&self) {
        let dropped = std::mem::take(&mut self.window().dropped);
        self.tell_dropped(dropped);
    }

    /// Writes a line of our own.
    pub(super) fn say(&self, level: LogLevel, line: &str) {
        guarded((), || (self.sink)(level, line));
    }

    fn tell_dropped(&self, dropped: u64) {
        if dropped > 0 {
            let line = format!("{dropped} more lines of the store were dropped");
            self.say(LogLevel::Warn, &line);
        }
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Cuts what is read from a pipe into lines.
#[derive(Debug, Default)]
pub(super) struct Cutter {
    line: Vec<u8>,
    /// The last line that had anything in it, fit to be shown.
    last: String,
}

impl Cutter {
    /// Takes what was read, and tells each line that has come to its end.
    pub(super) fn take(&mut self, bytes: &[u8], mut tell: impl FnMut(&str)) {
        let mut pieces = bytes.split(|byte| *byte == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            // What is too long is cut, and the rest of the line is not kept.
            let room = LINE_MAX.saturating_sub(self.line.len());
            let kept = piece.get(..room).unwrap_or(piece);
            self.line.extend_from_slice(kept);
            if pieces.peek().is_some() {
                self.finish(&mut tell);
            }
        }
    }

    /// Ends the last line.
    pub(super) fn finish(&mut self, mut tell: impl FnMut(&str)) {
        let line = std::mem::take(&mut self.line);
        let text = quotation::line(&line, LINE_MAX).text;
        if !text.trim().is_empty() {
            tell(&text);
            self.last = text;
        }
    }

    /// The last line, short enough to be quoted.
    pub(super) fn last(&self) -> String {
        quotation::line(self.last.as_bytes(), LAST_LINE_MAX).text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn flood_is_counted_and_told_a_second_later() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        let lines = Lines::new(Arc::new(move |_, line: &str| {
            kept.lock().unwrap().push(line.to_owned());
        }));
        let start = Instant::now();
        for _ in 0..LINES_PER_SECOND + 5 {
            lines.write(LogLevel::Info, "again", start);
        }
        assert_eq!(seen.lock().unwrap().len(), 1000);
        lines.dropped(3);
        lines.write(LogLevel::Info, "later", start + Duration::from_secs(1));
        let seen = seen.lock().unwrap();
        assert_eq!(
            seen[1000..],
            ["8 more lines of the store were dropped", "later"]
        );
    }

    #[test]
    fn end_tells_what_was_dropped() {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        let lines = Lines::new(Arc::new(move |_, line: &str| {
            kept.lock().unwrap().push(line.to_owned());
        }));
        lines.end();
        lines.dropped(1);
        lines.end();
        lines.end();
        assert_eq!(
            *seen.lock().unwrap(),
            ["1 more lines of the store were dropped"]
        );
    }

    #[test]
    fn lines_are_cut_bounded_and_made_fit() {
        let mut cutter = Cutter::default();
        let mut told = Vec::new();
        cutter.take(b"one\ntw", |line| told.push(line.to_owned()));
        cutter.take(b"o\n\n \x1b[31mthree", |line| told.push(line.to_owned()));
        assert_eq!(told, ["one", "two"]);
        assert_eq!(cutter.last(), "two");
        cutter.take(&[b'x'; 10_000], |_| unreachable!());
        cutter.finish(|line| told.push(line.to_owned()));
        assert_eq!(told[2].len(), LINE_MAX - 1);
        assert!(told[2].starts_with(" [31mthreexxx"));
        assert_eq!(cutter.last().len(), LAST_LINE_MAX);
    }
}
