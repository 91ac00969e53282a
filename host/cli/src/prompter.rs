//! Questions of stores, put to a person at the terminal, and answers that somebody has prepared.

use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anchorhold_boundary::question::{ANSWER_MAX, Answer, Ask, Prompter, Question};
use anchorhold_kernel::Prompters;
use anchorhold_kernel::plan::SecretSource;
use anchorhold_kernel::secret;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use zeroize::Zeroizing;

use crate::exit::Failure;
use crate::output::{say, say_plain};

/// Asks a person who sits at standard input, for one store.
#[derive(Debug)]
struct Terminal {
    store: String,
}

/// An answer that was prepared: it is given once, to the first question for a secret.
struct Prepared(Mutex<Option<Zeroizing<Vec<u8>>>>);

/// Everybody's questions go to the same person.
pub(crate) fn at_terminal() -> Prompters {
    Arc::new(|plan| {
        Arc::new(Terminal {
            store: plan.name.clone(),
        })
    })
}

/// The secret of a file that is its owner's alone.
pub(crate) fn from_file(path: &Path) -> Result<Arc<dyn Prompter>, Failure> {
    prepared(&SecretSource::File(path.to_owned()))
}

/// The secret that can be read from a file descriptor.
pub(crate) fn from_descriptor(number: u32) -> Result<Arc<dyn Prompter>, Failure> {
    prepared(&SecretSource::Descriptor(number))
}

fn prepared(source: &SecretSource) -> Result<Arc<dyn Prompter>, Failure> {
    let secret = secret::read(source)
        .map_err(|error| Failure::usage("secret-unreadable", error.to_string()))?;
    Ok(Arc::new(Prepared(Mutex::new(Some(secret)))))
}

impl Prompter for Prepared {
    fn answer(&self, question: &Question) -> Answer {
        if !matches!(question.ask, Ask::Password | Ask::Pin) {
            return Answer::Refused;
        }
        let mut secret = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        secret.take().map_or(Answer::Refused, Answer::Secret)
    }
}

impl Prompter for Terminal {
    fn is_there(&self) -> bool {
        io::stdin().is_terminal()
    }

    fn answer(&self, question: &Question) -> Answer {
        /// Two questions at a time would have their answers mixed up.
        static TURN: Mutex<()> = Mutex::new(());
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        if question.ask == Ask::Touch {
            self.show(question);
            return Answer::Yes;
        }
        if !io::stdin().is_terminal() {
            say(
                "note",
                &format!(
                    "store \"{}\" asks \"{}\", and standard input is no terminal: answer it with \
                     --pin-file or --pin-fd of `store unlock`, or store the secret where the \
                     store's `secrets` say",
                    self.store, question.title
                ),
            );
            return Answer::Refused;
        }
        self.show(question);
        let secret = matches!(question.ask, Ask::Password | Ask::Pin);
        match typed(prompt(question), secret) {
            None => Answer::Refused,
            Some(answer) if secret && answer.is_empty() => Answer::Refused,
            Some(answer) if secret => Answer::Secret(answer),
            Some(answer) if matches!(answer.as_slice(), b"y" | b"Y" | b"yes") => Answer::Yes,
            Some(_) => Answer::Refused,
        }
    }
}

impl Terminal {
    /// The texts are the plugin's, so that they are shown as a quotation.
    fn show(&self, question: &Question) {
        say_plain(&format!(
            "store \"{}\" asks: \"{}\"",
            self.store, question.title
        ));
        if !question.detail.is_empty() {
            say_plain(&format!("  \"{}\"", question.detail));
        }
        if question.again {
            say_plain("  the answer before was wrong");
        }
        if let Some(left) = question.attempts_left {
            say_plain(&format!("  attempts left: {left}"));
        }
    }
}

fn prompt(question: &Question) -> &'static str {
    match question.ask {
        Ask::Pin => "PIN: ",
        Ask::Password => "password: ",
        _ => "yes or no [no]: ",
    }
}

/// A line from the terminal; none where the person breaks it off. Secrets are not echoed.
fn typed(prompt: &str, secret: bool) -> Option<Zeroizing<Vec<u8>>> {
    let mut stderr = io::stderr();
    // A person who cannot see the prompt sees the question that was shown before.
    let _ = write!(stderr, "{prompt}").and_then(|()| stderr.flush());
    let quiet = match secret {
        true => Some(Quiet::begin()?),
        false => None,
    };
    let line = read_line(&mut Unbuffered);
    if quiet.is_some() {
        let _ = writeln!(stderr);
    }
    line
}

/// Reads up to the end of the line, byte by byte into memory that is not moved. What a terminal
/// would do about mistakes is done here, since it hands over each byte as it is typed.
fn read_line(input: &mut impl Read) -> Option<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(ANSWER_MAX));
    let mut byte = Zeroizing::new([0_u8; 1]);
    loop {
        match input.read(&mut byte[..]) {
            Ok(1) => {}
            Ok(_) if line.is_empty() => return None,
            Ok(_) => return Some(line),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return None,
        }
        match byte[0] {
            b'\n' | b'\r' => return Some(line),
            BREAK => return None,
            END if line.is_empty() => return None,
            END => return Some(line),
            BACKSPACE | DELETE => {
                // A character of several bytes goes whole.
                while line.pop().is_some_and(|last| last & 0xC0 == 0x80) {}
            }
            KILL => line.clear(),
            typed if line.len() < ANSWER_MAX => line.push(typed),
            _ => return None,
        }
    }
}

/// Standard input without the buffer of this process, in which a copy of the secret would stay.
struct Unbuffered;

impl Read for Unbuffered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(io::stdin(), buffer)?)
    }
}

/// A terminal that shows nothing of what is typed, until this is dropped.
struct Quiet(Termios);

impl Quiet {
    fn begin() -> Option<Self> {
        let before = rustix::termios::tcgetattr(io::stdin()).ok()?;
        let mut quiet = before.clone();
        // Breaking it off must not leave the terminal quiet, so that it is done here as well.
        quiet.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
        quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
        // What was typed before nobody meant for this question.
        rustix::termios::tcsetattr(io::stdin(), OptionalActions::Flush, &quiet).ok()?;
        Some(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // There is nobody to tell.
        let _ = rustix::termios::tcsetattr(io::stdin(), OptionalActions::Flush, &self.0);
    }
}

/// Control-C, control-D, control-U and the keys that take the last character back.
const BREAK: u8 = 3;
const END: u8 = 4;
const KILL: u8 = 21;
const BACKSPACE: u8 = 8;
const DELETE: u8 = 127;

#[cfg(test)]
mod tests {
    use super::*;

    fn line(bytes: &[u8]) -> Option<Vec<u8>> {
        read_line(&mut &bytes[..]).map(|line| line.to_vec())
    }

    #[test]
    fn a_line_is_what_a_person_means() {
        for (typed, expected) in [
            (&b"1234\n"[..], Some(&b"1234"[..])),
            (b"1234\r", Some(b"1234")),
            (b"12x\x7f34\n", Some(b"1234")),
            (b"99\x1512\x0834\n", Some(b"134")),
            ("1\u{e9}\u{7f}2\n".as_bytes(), Some(b"12")),
            (b"\x7f\x7f1\n", Some(b"1")),
            (b"12\x03", None),
            (b"\x04", None),
            (b"12\x04", Some(b"12")),
            (b"", None),
            (b"12", Some(b"12")),
            (b"\n", Some(b"")),
        ] {
            assert_eq!(line(typed).as_deref(), expected, "{typed:?}");
        }
        let long = vec![b'x'; ANSWER_MAX + 1];
        assert_eq!(line(&long), None, "too long");
    }

    #[test]
    fn what_is_prepared_is_given_once_and_to_a_question_for_a_secret() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("pin");
        std::fs::write(&path, "1234\n").expect("written");
        let failure = from_file(&path).err().expect("others can read it");
        assert_eq!(
            (failure.exit.status(), failure.code),
            (2, "secret-unreadable")
        );
        assert!(failure.message.contains("chmod 600"), "{}", failure.message);
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&path, mode).expect("set");
        let prepared = from_file(&path).expect("read");
        let confirm = Question::new(Ask::Confirm);
        assert!(matches!(prepared.answer(&confirm), Answer::Refused));
        let pin = Question::new(Ask::Pin);
        match prepared.answer(&pin) {
            Answer::Secret(secret) => assert_eq!(secret.as_slice(), b"1234"),
            other => panic!("{other:?}"),
        }
        assert!(matches!(prepared.answer(&pin), Answer::Refused));
    }
}
