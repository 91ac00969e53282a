//! One case in a process of its own: started, watched, and its end interpreted.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use anchorhold_boundary::link::Program;

use crate::fault::{Fault, Place, Sort, ended_by};
use crate::job::{Job, unhex};
use crate::report::Verdict;
use crate::voice::unescaped;
use crate::word::Call;

/// How much of what a child prints is kept.
const PRINTED: usize = 16 << 10;
/// How many steps before the end are told.
const STEPS: usize = 12;
/// How long a child that has told its end is given to end.
const ENDING: Duration = Duration::from_secs(2);

/// How a child ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The case goes on in another process.
    Next(Vec<u8>),
    /// The case came to this.
    With(Verdict, String),
}

/// What the lines of a child told.
#[derive(Debug, Default)]
struct Told {
    inside: Option<Call>,
    fault: Option<Fault>,
    breaches: Vec<String>,
    steps: VecDeque<String>,
    end: Option<(Verdict, String)>,
    next: Option<Vec<u8>>,
    silent: bool,
}

/// Plays a job in a child of its own.
pub(crate) fn play(program: &Program, word: &str, job: &Job, limit: Duration) -> io::Result<Ended> {
    let (mut line, end) = UnixStream::pair()?;
    let mut child = Command::new(&program.path)
        .args(&program.arguments)
        .arg(word)
        .env_clear()
        .envs(job.environment.iter().map(|(name, value)| (name, value)))
        .current_dir("/")
        .stdin(Stdio::from(OwnedFd::from(end)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()?;
    let _printed = child.stdout.take().map(drain);
    let errors = child.stderr.take().map(drain);
    // A child that ended at once says so below.
    let _sent = line.write_all(job.lines().as_bytes());
    let _sent = line.shutdown(Shutdown::Write);
    let told = listen(line, Instant::now() + limit);
    let status = settle(&mut child, &told)?;
    let errors = errors.as_ref().map(last_line).unwrap_or_default();
    Ok(told.interpreted(status, &errors, limit))
}

/// Reads what a child prints, and keeps the end of it.
fn drain(mut from: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (told, heard) = mpsc::channel();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            kept.extend_from_slice(buffer.get(..count).unwrap_or_default());
            let more = kept.len().saturating_sub(PRINTED);
            kept.drain(..more);
        }
        // Nobody may be waiting any more.
        let _told = told.send(kept);
    });
    heard
}

/// The last line that was printed, fit to be shown.
fn last_line(printed: &Receiver<Vec<u8>>) -> String {
    // What the plugin has started may hold the pipe open for longer than anybody waits.
    let bytes = printed.recv_timeout(ENDING).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    let last = last.unwrap_or_default().trim();
    let plain = last.chars().filter(|character| !character.is_control());
    plain.take(200).collect()
}

fn listen(line: UnixStream, end: Instant) -> Told {
    let mut told = Told::default();
    let mut lines = BufReader::new(line);
    let mut text = Vec::new();
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            told.silent = true;
            return told;
        }
        // The limit is not zero, so that it can be set.
        let _set = lines.get_ref().set_read_timeout(Some(left));
        match lines.read_until(b'\n', &mut text) {
            Ok(0) => return told,
            Ok(_) => {
                told.take(&String::from_utf8_lossy(&text));
                text.clear();
                if told.end.is_some() || told.next.is_some() {
                    return told;
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => return told,
        }
    }
}

impl Told {
    fn take(&mut self, line: &str) {
        let line = line.trim_end_matches('\n');
        let (word, text) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "in" => self.inside = Call::parse(text),
            "out" => self.inside = None,
            "fault" => self.fault = Fault::parse(text),
            "breach" => self.breaches.push(unescaped(text)),
            "step" => {
                if self.steps.len() == STEPS {
                    self.steps.pop_front();
                }
                self.steps.push_back(unescaped(text));
            }
            "next" => self.next = unhex(text),
            "end" => {
                let (verdict, why) = text.split_once(' ').unwrap_or((text, ""));
                self.end = Verdict::parse(verdict).map(|verdict| (verdict, unescaped(why)));
            }
            _ => {}
        }
    }

    /// What came of the case.
    fn interpreted(self, status: Option<ExitStatus>, errors: &str, limit: Duration) -> Ended {
        if let Some(carried) = self.next {
            return Ended::Next(carried);
        }
        let (verdict, mut message) = match (&self.end, self.fault) {
            (Some((verdict, message)), _) => (*verdict, message.clone()),
            (None, Some(fault)) => (Verdict::Crashed, named(fault, errors)),
            (None, None) => (Verdict::Crashed, self.ending(status, errors, limit)),
        };
        if verdict == Verdict::Crashed && !self.breaches.is_empty() {
            message = format!("{message}; before that, it {}", self.breaches.join("; "));
        }
        if matches!(verdict, Verdict::Crashed | Verdict::Failed) && !self.steps.is_empty() {
            let steps: Vec<String> = self.steps.into();
            message = format!("{message}; the last calls: {}", steps.join(", "));
        }
        Ended::With(verdict, message)
    }

    /// The end of a process that told nothing of it.
    fn ending(&self, status: Option<ExitStatus>, errors: &str, limit: Duration) -> String {
        let place = Place(self.inside);
        if self.silent {
            return format!("hangs {place}: it was killed after {} s", limit.as_secs());
        }
        let how = match status.map(|status| (status.signal(), status.code())) {
            Some((Some(libc::SIGABRT), _)) => return aborted(place, errors),
            Some((Some(signal), _)) => ended_by(signal),
            Some((None, Some(code))) => format!("exited with status {code}"),
            _ => "ended".to_owned(),
        };
        with_words(format!("{how} {place}"), errors)
    }
}

fn named(fault: Fault, errors: &str) -> String {
    if fault.sort == Sort::Signal && fault.number == libc::SIGABRT {
        return aborted(Place(fault.inside), errors);
    }
    fault.to_string()
}

fn aborted(place: Place, errors: &str) -> String {
    with_words(format!("aborted {place}"), errors)
}

fn with_words(text: String, errors: &str) -> String {
    if errors.is_empty() {
        return text;
    }
    format!("{text}: {errors}")
}

/// Waits for a child to end, and ends it with all that it started.
fn settle(child: &mut Child, told: &Told) -> io::Result<Option<ExitStatus>> {
    if !told.silent {
        let end = Instant::now() + ENDING;
        while Instant::now() < end {
            if let Some(status) = child.try_wait()? {
                end_group(child);
                return Ok(Some(status));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    end_group(child);
    child.kill()?;
    child.wait()?;
    Ok(None)
}

/// Ends what a child has started and left behind.
fn end_group(child: &Child) {
    if let Ok(group) = i32::try_from(child.id()) {
        // SAFETY: no memory is passed (R3); the group is the child's own.
        unsafe { libc::kill(-group, libc::SIGKILL) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interpreted(lines: &[&str], code: i32) -> (Verdict, String) {
        let mut told = Told::default();
        lines.iter().for_each(|line| told.take(line));
        let status = ExitStatus::from_raw(code);
        match told.interpreted(Some(status), "the last words", Duration::from_secs(45)) {
            Ended::With(verdict, message) => (verdict, message),
            Ended::Next(_) => panic!("goes on"),
        }
    }

    #[test]
    fn end_of_a_process_says_where_it_was() {
        let (verdict, message) = interpreted(&["in list"], libc::SIGABRT);
        assert_eq!(verdict, Verdict::Crashed);
        assert_eq!(message, "aborted in list: the last words");
        let (_, message) = interpreted(&["in list"], 3 << 8);
        assert_eq!(message, "exited with status 3 in list: the last words");
        let (_, message) = interpreted(&["in open", "out open"], libc::SIGSEGV);
        assert!(
            message.starts_with("crashed (SIGSEGV) outside of every call"),
            "{message}"
        );
    }

    #[test]
    fn what_a_case_came_to_is_believed_first() {
        let (verdict, message) = interpreted(&["in list", "end failed two\\nlines"], 0);
        assert_eq!((verdict, message.as_str()), (Verdict::Failed, "two\nlines"));
        assert_eq!(interpreted(&["end passed "], 0).0, Verdict::Passed);
    }

    #[test]
    fn breach_before_a_crash_is_told_with_it() {
        let lines = ["breach asked a person in list", "in list"];
        let (_, message) = interpreted(&lines, libc::SIGSEGV);
        assert!(
            message.ends_with("before that, it asked a person in list"),
            "{message}"
        );
    }
}
