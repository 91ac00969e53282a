//! The journal's end, held against the ledger's position.

use super::chain::unseal;
use super::entry::{Line, Place};
use super::{JournalFile, too_long};
use crate::error::StateError;
use crate::healing::LEDGER_LOST;

/// How the journal's end stands to what the ledger says of it.
#[derive(Clone, Debug)]
pub(crate) enum Tail {
    /// It goes on where the ledger ends: the ledger is the older one.
    Ahead {
        /// The last entry.
        last: Box<Line>,
    },
    /// The lines of the last transaction are not the ledger's.
    Altered,
    /// It ends where the ledger says.
    Level {
        /// The last entry.
        last: Box<Line>,
    },
    /// There is no file, though the ledger says otherwise.
    Missing,
    /// The lines of the last transaction did not all get into the file.
    Pending {
        /// The last entry, from the ledger.
        last: Box<Line>,
        /// How far the file is whole.
        good: u64,
        /// The lines that belong after that.
        lines: Vec<String>,
    },
    /// It ends before the last transaction.
    Shortened,
}

impl Tail {
    /// Holds a journal that may be missing against the ledger's place in it. `outbox` gives the
    /// lines of the ledger's last transaction, which is needed only where they do not agree.
    pub(crate) fn find<E: From<StateError>>(
        file: Option<&JournalFile>,
        place: Place,
        outbox: impl FnOnce() -> Result<Vec<String>, E>,
    ) -> Result<Self, E> {
        if let Some(file) = file.filter(|file| file.len() == place.len)
            && let Some(last) = line_at(file, place)?
        {
            return Ok(Self::Level {
                last: Box::new(last),
            });
        }
        compare(file, place, outbox()?).map_err(E::from)
    }

    /// The last entry, where ledger and journal agree on it.
    pub(crate) fn last(&self) -> Option<&Line> {
        match self {
            Self::Level { last } | Self::Pending { last, .. } => Some(last),
            _ => None,
        }
    }
}

fn compare(
    file: Option<&JournalFile>,
    place: Place,
    lines: Vec<String>,
) -> Result<Tail, StateError> {
    let Some(last) = lines.last().and_then(|line| unseal(line.as_bytes()).ok()) else {
        return Ok(Tail::Altered);
    };
    let first = lines.first().and_then(|line| unseal(line.as_bytes()).ok());
    let bytes: usize = lines.iter().map(|line| line.len() + 1).sum();
    let base = u64::try_from(bytes)
        .ok()
        .and_then(|bytes| place.len.checked_sub(bytes));
    let (Some(first), Some(base)) = (first, base) else {
        return Ok(Tail::Altered);
    };
    let (seq, hash) = (last.entry.seq, last.entry.hash);
    if (seq, hash) != (place.seq, place.hash) {
        return Ok(Tail::Altered);
    }

    // The file is made before there is a ledger, and durable by then.
    let Some(file) = file else {
        return Ok(Tail::Missing);
    };
    if file.len() < base {
        return Ok(Tail::Shortened);
    }
    let before = Place {
        seq: first.entry.seq.saturating_sub(1),
        hash: first.entry.prev,
        len: base,
    };
    if base != 0 && line_at(file, before)?.is_none() {
        return Ok(Tail::Altered);
    }
    let tail = follow(file, base, last, lines)?;
    // Where a loss begins a journal, that gets its name with these lines in it, after the ledger
    // has them. What lacks them is the journal of before, or nobody's.
    let is_begun_by_loss = base == 0 && first.entry.event == LEDGER_LOST;
    // No interrupted write makes the file longer than it was going to be.
    let is_longer = file.len() > place.len;
    Ok(match tail {
        Tail::Pending { .. } if is_begun_by_loss || is_longer => Tail::Altered,
        tail => tail,
    })
}

/// Walks the file and the lines that it ought to have after `base` side by side.
fn follow(
    file: &JournalFile,
    base: u64,
    last: Line,
    mut lines: Vec<String>,
) -> Result<Tail, StateError> {
    let found = file.bytes(base, file.len())?;
    let mut rest = found.as_slice();
    let mut good = base;
    for (index, line) in lines.iter().enumerate() {
        if let Some(after) = after_line(rest, line.as_bytes()) {
            rest = after;
            good += u64::try_from(line.len() + 1).map_err(|_| too_long())?;
            continue;
        }
        // A power cut leaves an unfinished line; a finished one of other words is somebody's.
        let end = rest.iter().position(|&byte| byte == b'\n');
        let words = end.and_then(|end| rest.get(..end)).unwrap_or_default();
        if serde_json::from_slice::<serde::de::IgnoredAny>(words).is_ok() {
            return Ok(Tail::Altered);
        }
        return Ok(pending(last, good, lines.split_off(index)));
    }
    // All of it is there, and more: the place was not the file's end.
    Ok(match file.last()? {
        Some((line, _)) if line.entry.seq > last.entry.seq => Tail::Ahead {
            last: Box::new(line),
        },
        _ => Tail::Altered,
    })
}

fn after_line<'a>(bytes: &'a [u8], line: &[u8]) -> Option<&'a [u8]> {
    bytes.strip_prefix(line)?.strip_prefix(b"\n")
}

fn pending(last: Line, good: u64, lines: Vec<String>) -> Tail {
    Tail::Pending {
        last: Box::new(last),
        good,
        lines,
    }
}

fn line_at(file: &JournalFile, place: Place) -> Result<Option<Line>, StateError> {
    let Some(line) = file.line_before(place.len)? else {
        return Ok(None);
    };
    let line = unseal(&line).ok();
    Ok(line.filter(|line| (line.entry.seq, line.entry.hash) == (place.seq, place.hash)))
}
