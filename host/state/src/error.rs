//! What can go wrong with the state.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::lock::Holder;

/// Why the state could not be read or written.
#[derive(Debug)]
#[non_exhaustive]
pub enum StateError {
    /// Somebody else holds a lock, and did not let go in time.
    Busy {
        /// What is locked.
        what: String,
        /// Who holds it, where that can be told.
        holder: Option<Holder>,
        /// How long it was waited for.
        waited: Duration,
    },
    /// Something that does not keep the locks changed the ledger during a transaction.
    Changed,
    /// A part of the ledger cannot be read; the next change moves it aside.
    Damaged {
        /// What is wrong.
        why: String,
    },
    /// What was to be written cannot be; nothing was.
    Invalid {
        /// What is wrong with it.
        why: String,
    },
    /// The system refused to read or write a file.
    Io {
        /// What was being done, with the path.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// The database refused.
    Ledger {
        /// What was being done.
        what: &'static str,
        /// What the database said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A newer release wrote the ledger.
    Newer {
        /// The layout found.
        found: i64,
        /// The newest layout known here.
        known: i64,
    },
    /// A file or the directory is not safe to use as it is.
    Refused {
        /// Which.
        path: PathBuf,
        /// Why, and what to do.
        why: String,
    },
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy {
                what,
                holder,
                waited,
            } => {
                write!(f, "{what} is in use")?;
                if let Some(holder) = holder {
                    write!(f, " by {holder}")?;
                }
                write!(f, "; waited {} s for it, try again later", waited.as_secs())
            }
            Self::Changed => f.write_str(
                "the ledger was changed by something else during this change; nothing was \
                 written, try again",
            ),
            Self::Damaged { why } => write!(
                f,
                "a part of the ledger cannot be read ({why}); the next change moves it aside, \
                 and every server then counts as strict until it is lowered"
            ),
            Self::Invalid { why } => write!(f, "this cannot be recorded: {why}"),
            Self::Io { what, .. } => write!(f, "cannot {what}"),
            Self::Ledger { what, .. } => write!(f, "the ledger failed to {what}"),
            Self::Newer { found, known } => write!(
                f,
                "the ledger was written by a newer release (layout {found}; this one knows up \
                 to {known}); use that release"
            ),
            Self::Refused { path, why } => write!(f, "{}: {why}", path.display()),
        }
    }
}

impl Error for StateError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Ledger { source, .. } => Some(&**source),
            _ => None,
        }
    }
}

impl StateError {
    pub(crate) fn io(what: impl Into<String>, source: io::Error) -> Self {
        Self::Io {
            what: what.into(),
            source,
        }
    }
}
