//! What changed, when, and by whom: lines that are only ever added, each chained to the last.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};

use rustix::fs::OFlags;

use crate::directory::{Directory, JOURNAL, JOURNAL_NEW};
use crate::error::StateError;
use crate::lock::{flags, open_or_make};
use crate::moment;

mod chain;
mod entry;
mod tail;

pub use chain::{EntryHash, JournalFault, JournalReport};
pub(crate) use chain::{Walk, unseal};
pub use entry::{Actor, Entry, Event};
pub(crate) use entry::{LONGEST_SERVER, Line, Place, Stamp};
pub(crate) use tail::Tail;

use entry::LONGEST_LINE;

/// The journal's file, open for reading.
#[derive(Debug)]
pub(crate) struct JournalFile {
    file: File,
    len: u64,
}

impl JournalFile {
    /// Opens it; `None` where there is none, which is not the same as one with nothing in it.
    pub(crate) fn open(directory: &Directory) -> Result<Option<Self>, StateError> {
        if directory.length(JOURNAL)?.is_none() {
            return Ok(None);
        }
        let path = directory.file(JOURNAL);
        let failed = |error| StateError::io(format!("read {}", path.display()), error);
        let flags = flags(OFlags::NOFOLLOW | OFlags::NONBLOCK);
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(flags)
            .open(&path)
            .map_err(failed)?;
        let len = file.metadata().map_err(failed)?.len();
        Ok(Some(Self { file, len }))
    }

    /// How long it is.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The line, without its end, that ends exactly at `end`; `None` where no line does.
    pub(crate) fn line_before(&self, end: u64) -> Result<Option<Vec<u8>>, StateError> {
        let start = end.saturating_sub(LONGEST_LINE);
        let mut bytes = self.bytes(start, end)?;
        if bytes.pop() != Some(b'\n') {
            return Ok(None);
        }
        match bytes.iter().rposition(|&byte| byte == b'\n') {
            Some(before) => Ok(Some(bytes.split_off(before + 1))),
            // Without an end before it, it has to begin where the file does.
            None => Ok((start == 0).then_some(bytes)),
        }
    }

    /// The bytes between two places, or as many of them as there are.
    pub(crate) fn bytes(&self, start: u64, end: u64) -> Result<Vec<u8>, StateError> {
        let count = end.min(self.len).saturating_sub(start);
        let mut bytes = vec![0; usize::try_from(count).map_err(|_| too_long())?];
        self.file
            .read_exact_at(&mut bytes, start)
            .map_err(|error| StateError::io("read the journal", error))?;
        Ok(bytes)
    }

    /// The lines, without their ends, up to the place given; the last may be unfinished.
    pub(crate) fn lines(&self, end: u64) -> Result<Lines, StateError> {
        let file = self.file.try_clone();
        let mut file = file.map_err(|error| StateError::io("read the journal", error))?;
        io::Seek::rewind(&mut file).map_err(|error| StateError::io("read the journal", error))?;
        Ok(Lines {
            reader: BufReader::new(file.take(end)),
        })
    }

    /// The place after the last line, if the file ends with a whole one.
    pub(crate) fn last(&self) -> Result<Option<(Line, Place)>, StateError> {
        let Some(line) = self.line_before(self.len)? else {
            return Ok(None);
        };
        Ok(unseal(&line).ok().map(|line| {
            let place = Place {
                seq: line.entry.seq,
                hash: line.entry.hash,
                len: self.len,
            };
            (line, place)
        }))
    }
}

/// One line after the other; each is whole, or says that it is not.
pub(crate) struct Lines {
    reader: BufReader<io::Take<File>>,
}

impl Iterator for Lines {
    /// The line without its end, and whether it has one.
    type Item = Result<(Vec<u8>, bool), StateError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut line = Vec::new();
        // A line that is too long comes in parts, none of which can be an entry.
        let mut bounded = self.reader.by_ref().take(LONGEST_LINE);
        match bounded.read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(_) => {
                let whole = line.pop_if(|byte| *byte == b'\n').is_some();
                Some(Ok((line, whole)))
            }
            Err(error) => Some(Err(StateError::io("read the journal", error))),
        }
    }
}

/// The journal's file, open for adding lines at its end.
#[derive(Debug)]
pub(crate) struct Appender {
    file: File,
}

impl Appender {
    /// Opens it, or makes it, durably: without it a ledger is not believed.
    pub(crate) fn open(directory: &Directory) -> Result<Self, StateError> {
        // Whoever made an empty one may have died before it was durable.
        let new = directory.length(JOURNAL)?.unwrap_or(0) == 0;
        let file = open_or_make(&directory.file(JOURNAL))?;
        moment::pass();
        if new {
            directory.sync()?;
        }
        Ok(Self { file })
    }

    /// Adds lines after the place given, where the file must be whole so far, and makes them
    /// durable. What an interrupted write has left there goes.
    pub(crate) fn append(&self, len: u64, lines: &[String]) -> Result<(), StateError> {
        if lines.is_empty() {
            return Ok(());
        }
        let failed = |error| StateError::io("add to the journal", error);
        let found = self.file.metadata().map_err(failed)?.len();
        if found > len {
            self.file.set_len(len).map_err(failed)?;
            moment::pass();
        }
        let mut text = lines.join("\n");
        text.push('\n');
        self.file
            .write_all_at(text.as_bytes(), len)
            .map_err(failed)?;
        moment::pass();
        self.file.sync_data().map_err(failed)
    }
}

/// A journal that is going to be put in the place of one that cannot go on.
#[derive(Debug)]
pub(crate) struct Successor<'a> {
    directory: &'a Directory,
}

impl<'a> Successor<'a> {
    /// Writes it under a passing name, durably.
    pub(crate) fn write(directory: &'a Directory, lines: &[String]) -> Result<Self, StateError> {
        let file = open_or_make(&directory.file(JOURNAL_NEW))?;
        // An interrupted healing may have left one.
        file.set_len(0)
            .map_err(|error| StateError::io("begin a new journal", error))?;
        Appender { file }.append(0, lines)?;
        Ok(Self { directory })
    }

    /// Gives it its name.
    pub(crate) fn establish(self) -> Result<(), StateError> {
        let path = self.directory.file(JOURNAL);
        fs::rename(self.directory.file(JOURNAL_NEW), &path)
            .map_err(|error| StateError::io(format!("replace {}", path.display()), error))?;
        moment::pass();
        self.directory.sync()
    }
}

fn too_long() -> StateError {
    StateError::Invalid {
        why: "the journal is too long for this machine".to_owned(),
    }
}
