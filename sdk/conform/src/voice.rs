//! What a child says to its parent: one line a statement, each written at once.

use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI32, Ordering};

use crate::word::Call;

/// Where the lines go; below 0: nowhere, the case runs in the process of whoever asked.
static LINE: AtomicI32 = AtomicI32::new(-1);
/// What was found to be wrong while calls ran.
static BREACHES: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// More breaches of one case are not kept: the first ones tell what is wrong.
const BREACHES_MAX: usize = 16;

thread_local! {
    /// The call that this thread is inside of; the handler of signals reads it.
    static INSIDE: Cell<Option<Call>> = const { Cell::new(None) };
}

/// Lines go to this descriptor from now on.
pub(crate) fn speak_to(descriptor: i32) {
    LINE.store(descriptor, Ordering::Release);
}

/// The descriptor that lines go to.
pub(crate) fn descriptor() -> Option<i32> {
    let line = LINE.load(Ordering::Acquire);
    (line >= 0).then_some(line)
}

/// Says one line; `text` is made to have no line end.
pub(crate) fn say(word: &str, text: &str) {
    let Some(line) = descriptor() else { return };
    let text = escaped(text);
    write_all(line, format!("{word} {text}\n").as_bytes());
}

/// Writes bytes as they are. Fit for a handler of signals.
pub(crate) fn write_all(descriptor: i32, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        // SAFETY: R3: the bytes are lent to the system call alone, which reads so many of them.
        let written = unsafe { libc::write(descriptor, bytes.as_ptr().cast(), bytes.len()) };
        let Some(rest) = usize::try_from(written).ok().and_then(|at| bytes.get(at..)) else {
            return;
        };
        if written == 0 {
            return;
        }
        bytes = rest;
    }
}

/// Notes what is wrong, once.
pub(crate) fn breach(text: impl Into<String>) {
    let text = text.into();
    let Ok(mut breaches) = BREACHES.lock() else {
        return;
    };
    if breaches.len() < BREACHES_MAX && !breaches.contains(&text) {
        say("breach", &text);
        breaches.push(text);
    }
}

/// Ends this process as failed, where a plugin would not return; where the case runs in the process
/// of whoever asked, it goes on.
pub(crate) fn give_up(why: &str) {
    if descriptor().is_some() {
        say("end", &format!("failed {why}"));
        // SAFETY: no memory is passed (R3), and nothing of the plugin's runs any more.
        unsafe { libc::_exit(0) };
    }
}

/// What was wrong since this was last asked.
pub(crate) fn take_breaches() -> Vec<String> {
    BREACHES
        .lock()
        .map(|mut breaches| std::mem::take(&mut *breaches))
        .unwrap_or_default()
}

/// Makes a call, and says so before and after.
pub(crate) fn inside<R>(call: Call, run: impl FnOnce() -> R) -> R {
    let before = INSIDE.replace(Some(call));
    say("in", call.text());
    let result = run();
    say("out", call.text());
    INSIDE.set(before);
    result
}

/// The call that this thread is inside of. Fit for a handler of signals.
pub(crate) fn current() -> Option<Call> {
    INSIDE.try_with(Cell::get).ok().flatten()
}

/// The text in one line.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n")
}

/// The text as it was.
pub(crate) fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n') => plain.push('\n'),
                Some(other) => plain.push(other),
                None => {}
            },
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_survives_one_line() {
        for text in ["", "one", "two\nlines", "a\\n b\\\n\\"] {
            let line = escaped(text);
            assert!(!line.contains('\n'), "{line}");
            assert_eq!(unescaped(&line), text);
        }
    }

    #[test]
    fn a_thread_knows_what_it_is_inside_of() {
        assert_eq!(current(), None);
        inside(Call::List, || {
            assert_eq!(current(), Some(Call::List));
            inside(Call::Health, || assert_eq!(current(), Some(Call::Health)));
            assert_eq!(current(), Some(Call::List));
        });
        assert_eq!(current(), None);
    }
}
