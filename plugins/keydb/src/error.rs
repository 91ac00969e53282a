//! Why a key database cannot be read or changed, and what to do about it.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use anchorhold_formats::p12::P12Error;
use anchorhold_formats::sth::SthError;
use anchorhold_sdk::{Error, ErrorKind};

/// Why a key database cannot be read or changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum DatabaseError {
    /// Another writer has it.
    Busy {
        /// The process that does, where it said so.
        holder: Option<u32>,
    },
    /// The host no longer wants the answer.
    Cancelled,
    /// It is not at the generation that the change is meant for.
    Conflict,
    /// The database cannot be opened.
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: P12Error,
    },
    /// The system refused something.
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// What stands there is no file.
    NotAFile {
        /// Which file.
        path: PathBuf,
    },
    /// The item to put has the id of another certificate.
    OtherCertificate,
    /// The file belongs to another user, and would no longer be theirs.
    Owner {
        /// Which file.
        path: PathBuf,
        /// Whose it is.
        uid: u32,
    },
    /// The path is relative, or does not end in `.p12`.
    Path {
        /// The path.
        path: PathBuf,
    },
    /// The system has no random bytes.
    Random(getrandom::Error),
    /// A certificate of this label is there already.
    SameLabel {
        /// The label that is there.
        label: String,
    },
    /// The stash cannot be read.
    Stash {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: SthError,
    },
    /// The database has no stash.
    StashMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The password in the stash is no text.
    StashText {
        /// Which file.
        path: PathBuf,
    },
    /// A symbolic link stands where a file should be.
    SymbolicLink {
        /// Which file.
        path: PathBuf,
    },
    /// The file holds what would be lost if it were written again.
    WouldLose {
        /// Which file.
        path: PathBuf,
        /// How many private keys.
        keys: usize,
        /// How many things of other kinds.
        others: usize,
    },
    /// The changed database cannot be written.
    Write(P12Error),
}

impl DatabaseError {
    /// An error of the system on `path` while `action` was tried.
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Self::Busy { .. } => ErrorKind::Busy,
            Self::Cancelled => ErrorKind::Cancelled,
            Self::Conflict => ErrorKind::Conflict,
            Self::File { source, .. } => match source {
                P12Error::WrongPassword => ErrorKind::WrongSecret,
                P12Error::TooLarge | P12Error::TooMany => ErrorKind::Limit,
                _ => ErrorKind::Malformed,
            },
            Self::Io { .. } | Self::Random(_) => ErrorKind::Internal,
            Self::NotAFile { .. } | Self::SymbolicLink { .. } | Self::Owner { .. } => {
                ErrorKind::Denied
            }
            Self::OtherCertificate | Self::Path { .. } => ErrorKind::InvalidArgument,
            Self::SameLabel { .. } => ErrorKind::AlreadyExists,
            Self::Stash { .. } | Self::StashText { .. } => ErrorKind::Malformed,
            Self::StashMissing { .. } => ErrorKind::NotPresent,
            Self::WouldLose { .. } => ErrorKind::ReadOnly,
            Self::Write(P12Error::TooLarge | P12Error::TooMany) => ErrorKind::Full,
            Self::Write(_) => ErrorKind::Malformed,
        }
    }
}

impl From<DatabaseError> for Error {
    /// The error as the host is told of it: one sentence that also names the cause.
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::Io {
                action,
                path,
                source,
            } => Self::io(&format!("cannot {action} {}", path.display()), &source),
            error @ DatabaseError::Busy { .. } => {
                Self::new(error.kind(), error.to_string()).retry_after(RETRY)
            }
            error => Self::new(error.kind(), error.to_string()),
        }
    }
}

/// What another writer needs, many times over.
const RETRY: Duration = Duration::from_millis(500);

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy { holder: Some(pid) } => {
                write!(f, "process {pid} is writing to the key database; try again")
            }
            Self::Busy { holder: None } => {
                f.write_str("another process is writing to the key database; try again")
            }
            Self::Cancelled => f.write_str("called off by the host"),
            Self::Conflict => f.write_str("the key database changed since it was listed"),
            Self::File {
                path,
                source: P12Error::WrongPassword,
            } => write!(
                f,
                "{}: the password in its stash does not open it; restore both files from one backup",
                path.display()
            ),
            Self::File {
                path,
                source: source @ (P12Error::Altered | P12Error::Truncated),
            } => write!(f, "{}: {source}; restore it from a backup", path.display()),
            Self::File { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Io {
                action,
                path,
                source,
            } => write!(f, "cannot {action} {}: {source}", path.display()),
            Self::OtherCertificate => {
                f.write_str("another certificate has this id, which is the SHA-256 of its bytes")
            }
            Self::NotAFile { path } => write!(f, "{} is not a file", path.display()),
            Self::Owner { path, uid } => write!(
                f,
                "{} belongs to user {uid}; make the change as that user",
                path.display()
            ),
            Self::Path { path } => write!(
                f,
                "the path of a key database is absolute and ends in .p12, which {} is not",
                path.display()
            ),
            Self::Random(source) => write!(f, "the system has no random bytes: {source}"),
            Self::SameLabel { label } => write!(
                f,
                "another certificate is labelled {label:?}, and labels differ by more than case"
            ),
            Self::Stash { path, source } => write!(f, "{}: {source}", path.display()),
            Self::StashMissing { path } => write!(
                f,
                "{} is missing, without which the key database cannot be opened; restore it",
                path.display()
            ),
            Self::StashText { path } => {
                write!(f, "{}: the password in it is no text", path.display())
            }
            Self::SymbolicLink { path } => write!(
                f,
                "{} is a symbolic link; put the path of the file itself into the configuration",
                path.display()
            ),
            Self::WouldLose { path, keys, others } => write!(
                f,
                "{} holds {keys} private keys and {others} other things that a change would lose; \
                 use a file with nothing but certificates",
                path.display()
            ),
            Self::Write(source) => {
                write!(f, "the changed key database cannot be written: {source}")
            }
        }
    }
}

impl std::error::Error for DatabaseError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File { source, .. } | Self::Write(source) => Some(source),
            Self::Io { source, .. } => Some(source),
            Self::Random(source) => Some(source),
            Self::Stash { source, .. } => Some(source),
            _ => None,
        }
    }
}
