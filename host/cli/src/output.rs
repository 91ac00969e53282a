//! The way to standard output and error: one document as JSON, or a page for people.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, BufWriter, IsTerminal, Write};

use anchorhold_api as api;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use crate::args::Globals;
use crate::exit::{Exit, Failure};

/// What a command answers with.
pub(crate) struct Reply {
    /// The exit status.
    pub(crate) exit: Exit,
    document: Option<Box<dyn Document>>,
}

impl Reply {
    /// An answer of yes.
    pub(crate) fn done(document: impl Answer + 'static) -> Self {
        Self::new(Exit::Done, document)
    }

    /// An answer with its exit status.
    pub(crate) fn new(exit: Exit, document: impl Answer + 'static) -> Self {
        Self {
            exit,
            document: Some(Box::new(document)),
        }
    }

    /// An answer of which everything was said already.
    pub(crate) const fn said(exit: Exit) -> Self {
        Self {
            exit,
            document: None,
        }
    }

    /// Writes the answer down.
    pub(crate) fn write(&self, out: &mut dyn Write, globals: &Globals) -> io::Result<()> {
        match &self.document {
            None => Ok(()),
            Some(document) if globals.json => document.json(out),
            Some(document) => document.people(&mut Page::new(out, globals.verbose)),
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("exit", &self.exit)
            .finish_non_exhaustive()
    }
}

/// A document that people can read as well.
pub(crate) trait Answer: Serialize {
    /// Writes it for people.
    fn people(&self, page: &mut Page<'_>) -> io::Result<()>;
}

/// What [`Answer`] is behind a pointer.
trait Document {
    fn json(&self, out: &mut dyn Write) -> io::Result<()>;
    fn people(&self, page: &mut Page<'_>) -> io::Result<()>;
}

impl<T: Answer> Document for T {
    fn json(&self, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        out.write_all(b"\n")
    }

    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        Answer::people(self, page)
    }
}

/// A page for people. Nothing foreign reaches a terminal raw.
pub(crate) struct Page<'a> {
    out: &'a mut dyn Write,
    terminal: bool,
    colour: bool,
    /// Whether more is to be said.
    pub(crate) verbose: bool,
}

/// What a word means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// It is as it should be.
    Good,
    /// It is not.
    Bad,
    /// It deserves a look.
    Odd,
}

impl<'a> Page<'a> {
    /// A page that goes to standard output in the end.
    pub(crate) fn new(out: &'a mut dyn Write, verbose: bool) -> Self {
        let terminal = io::stdout().is_terminal();
        Self {
            out,
            terminal,
            colour: terminal && colour_wanted(),
            verbose,
        }
    }

    /// A page that is no terminal.
    pub(crate) fn plain(out: &'a mut dyn Write, verbose: bool) -> Self {
        Self {
            out,
            terminal: false,
            colour: false,
            verbose,
        }
    }

    /// One line, or as many as the text has.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        for line in text.split('\n') {
            writeln!(self.out, "{}", clean(line))?;
        }
        Ok(())
    }

    /// A line that begins with a word in colour.
    pub(crate) fn marked(&mut self, ink: Ink, word: &str, rest: &str) -> io::Result<()> {
        let word = clean(word);
        match self.colour {
            true => write!(self.out, "{}{word}\x1b[0m", escape(ink))?,
            false => write!(self.out, "{word}")?,
        }
        self.line(rest)
    }

    /// A name and its value, indented under what it belongs to.
    pub(crate) fn field(&mut self, name: &str, value: &str) -> io::Result<()> {
        self.line(&format!("  {name:<FIELD$} {value}"))
    }

    /// Warnings and the next thing to do.
    pub(crate) fn advice(
        &mut self,
        warnings: &[String],
        remedy: Option<&str>,
        note: Option<&str>,
    ) -> io::Result<()> {
        for warning in warnings {
            self.marked(Ink::Odd, "warning", &format!(": {warning}"))?;
        }
        if let Some(remedy) = remedy {
            self.line(&format!("remedy: {remedy}"))?;
        }
        if let Some(note) = note {
            self.line(&format!("        ({note})"))?;
        }
        Ok(())
    }

    /// A table; tabs between the columns where no person looks.
    pub(crate) fn table(&mut self, head: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
        if !self.terminal {
            writeln!(self.out, "{}", head.join("\t"))?;
            return rows.iter().try_for_each(|row| {
                let cells: Vec<_> = row.iter().map(|cell| clean(cell)).collect();
                writeln!(self.out, "{}", cells.join("\t"))
            });
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        if let Some(width) = width() {
            table.set_width(width);
        }
        table.set_header(head);
        for row in rows {
            table.add_row(row.iter().map(|cell| clean(cell).into_owned()));
        }
        for line in table.lines() {
            writeln!(self.out, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Prints an answer; a reader who has seen enough is no error.
pub(crate) fn print(reply: &Reply, globals: &Globals) -> Exit {
    let mut out = BufWriter::new(io::stdout().lock());
    match reply.write(&mut out, globals).and_then(|()| out.flush()) {
        Ok(()) => reply.exit,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => reply.exit,
        Err(error) => {
            say("error", &format!("standard output: {error}"));
            Exit::Failed
        }
    }
}

/// Prints why the work could not be done.
pub(crate) fn print_failure(failure: &Failure, json: bool) -> Exit {
    if json {
        let document = api::Error {
            error: api::ErrorBody {
                code: failure.code.to_owned(),
                message: failure.message.clone(),
                remedy: failure.remedy.clone(),
                causes: failure.causes.clone(),
            },
        };
        let mut out = io::stdout().lock();
        // Where standard output is gone as well, the exit status still says it.
        let _ = Document::json(&ErrorPage(document), &mut out);
        return failure.exit;
    }
    say("error", &failure.message);
    for cause in failure.causes.iter().flat_map(|cause| cause.lines()) {
        say_line(&format!("  {cause}"));
    }
    if let Some(remedy) = &failure.remedy {
        say_plain(&format!("remedy: {remedy}"));
    }
    failure.exit
}

#[derive(Serialize)]
struct ErrorPage(api::Error);

impl Answer for ErrorPage {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        page.line(&self.0.error.message)
    }
}

/// Says something beside the answer: on standard error, which may be gone.
pub(crate) fn say(kind: &str, text: &str) {
    let mut lines = text.split('\n');
    let stderr = io::stderr();
    let first = lines.next().unwrap_or_default();
    if stderr.is_terminal() && colour_wanted() {
        let ink = if kind == "error" { Ink::Bad } else { Ink::Odd };
        let _ = writeln!(
            stderr.lock(),
            "{}{kind}\x1b[0m: {}",
            escape(ink),
            clean(first)
        );
    } else {
        let _ = writeln!(stderr.lock(), "{kind}: {}", clean(first));
    }
    lines.for_each(|line| say_line(&format!("  {line}")));
}

/// The same without a word in colour, as many lines as the text has.
pub(crate) fn say_plain(text: &str) {
    text.split('\n').for_each(say_line);
}

fn say_line(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", clean(text));
}

/// So many of what a word names, whose plural is made with an `s`.
pub(crate) fn counted<N: fmt::Display + From<u8> + PartialEq + Copy>(
    count: N,
    what: &str,
) -> String {
    if count == N::from(1) {
        format!("1 {what}")
    } else {
        format!("{count} {what}s")
    }
}

/// Text without what would steer a terminal or turn the reading order round.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    let steers = |character: char| {
        character.is_control()
            || matches!(character,
                '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
                    | '\u{2066}'..='\u{2069}')
    };
    if text.contains(steers) {
        Cow::Owned(text.replace(steers, "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

fn colour_wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

fn escape(ink: Ink) -> &'static str {
    match ink {
        Ink::Good => "\x1b[32m",
        Ink::Bad => "\x1b[1;31m",
        Ink::Odd => "\x1b[33m",
    }
}

fn width() -> Option<u16> {
    let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0).then_some(size.ws_col)
}

const FIELD: usize = 18;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_foreign_steers_a_terminal() {
        assert_eq!(
            clean("CN=\u{1b}[2J\u{202e}x\r"),
            "CN=\u{fffd}[2J\u{fffd}x\u{fffd}"
        );
        assert!(matches!(clean("CN=für"), Cow::Borrowed(_)));
        let mut out = Vec::new();
        let mut page = Page::plain(&mut out, false);
        page.line("one\ntwo\x07").expect("written");
        page.table(&["a", "b"], &[vec!["x\ty".to_owned(), "z\nw".to_owned()]])
            .expect("written");
        page.marked(Ink::Bad, "no\x1b", ": \x1b[0m")
            .expect("written");
        let text = String::from_utf8(out).expect("text");
        let expected = "one\ntwo\u{fffd}\na\tb\nx\u{fffd}y\tz\u{fffd}w\nno\u{fffd}: \u{fffd}[0m\n";
        assert_eq!(text, expected);
    }
}
