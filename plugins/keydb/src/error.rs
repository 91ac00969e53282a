//! Why a key database cannot be read or changed, and what to do about it.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use anchorhold_formats::sth::SthError;
use anchorhold_sdk::{Error, ErrorKind};

use crate::archive::FormatError;
use crate::obstacle::Obstacle;

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
        source: FormatError,
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
    /// A private key is to be removed.
    IsKey,
    /// The store would have to keep a mark of a certificate's trust whose meaning is not known.
    MarkNotKept {
        /// The label of the certificate.
        label: String,
    },
    /// The certificate carries a mark of its trust that could not be written again.
    MarkUnknown {
        /// Its label.
        label: String,
    },
    /// A database that another program made is not there any more.
    Missing {
        /// Which file.
        path: PathBuf,
    },
    /// What stands where the copy of a database should be is none.
    NoCopy {
        /// Which file.
        path: PathBuf,
    },
    /// What stands there is no file.
    NotAFile {
        /// Which file.
        path: PathBuf,
    },
    /// The certificate is that of a private key of the database.
    OfKey {
        /// The label that it was to get.
        label: String,
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
    /// The path is relative, or ends in neither `.p12` nor `.kdb`.
    Path {
        /// The path.
        path: PathBuf,
    },
    /// The system has no random bytes.
    Random(getrandom::Error),
    /// Something keeps the database from being written.
    ReadOnly(Obstacle),
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
    /// A symbolic link stands where a file should be.
    SymbolicLink {
        /// Which file.
        path: PathBuf,
    },
    /// The changed database does not read back as what it should be.
    Unproven {
        /// Which file.
        path: PathBuf,
    },
    /// The changed database cannot be written.
    Write(FormatError),
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
            Self::File { source, .. } if source.is_wrong_password() => ErrorKind::WrongSecret,
            Self::File { source, .. } if source.is_limit() => ErrorKind::Limit,
            Self::File {
                source: FormatError::Content | FormatError::Unauthenticated,
                ..
            } => ErrorKind::Unsupported,
            Self::File { .. } | Self::Stash { .. } => ErrorKind::Malformed,
            Self::Io { .. } | Self::Random(_) | Self::Unproven { .. } => ErrorKind::Internal,
            Self::IsKey | Self::MarkUnknown { .. } | Self::ReadOnly(_) => ErrorKind::ReadOnly,
            Self::MarkNotKept { .. } | Self::OfKey { .. } => ErrorKind::Unsupported,
            Self::Missing { .. } | Self::StashMissing { .. } => ErrorKind::NotPresent,
            Self::NoCopy { .. }
            | Self::NotAFile { .. }
            | Self::SymbolicLink { .. }
            | Self::Owner { .. } => ErrorKind::Denied,
            Self::OtherCertificate | Self::Path { .. } => ErrorKind::InvalidArgument,
            Self::SameLabel { .. } => ErrorKind::AlreadyExists,
            Self::Write(source) if source.is_limit() => ErrorKind::Full,
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
            Self::File { path, source } if source.is_wrong_password() => write!(
                f,
                "{}: the password in its stash does not open it; restore both files from one backup",
                path.display()
            ),
            Self::File { path, source } if source.is_damage() => {
                write!(f, "{}: {source}; restore it from a backup", path.display())
            }
            Self::File { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Io {
                action,
                path,
                source,
            } => write!(f, "cannot {action} {}: {source}", path.display()),
            Self::IsKey => f.write_str(
                "this is a private key, which is never removed here; use the program that made it",
            ),
            Self::MarkNotKept { label } => write!(
                f,
                "a key database cannot keep that the trust of {label:?} is marked in a way that is \
                 not known"
            ),
            Self::MarkUnknown { label } => write!(
                f,
                "{label:?} has flags whose meaning is not known, so it is neither changed nor \
                 removed here; use the program that set them"
            ),
            Self::Missing { path } => write!(
                f,
                "{} is missing, and is not made anew, for its store adopted it; restore it",
                path.display()
            ),
            Self::OfKey { label } => write!(
                f,
                "{label:?} is the certificate of a private key that is here, which cannot be here \
                 a second time; import it into another store"
            ),
            Self::OtherCertificate => {
                f.write_str("another certificate has this id, which is the SHA-256 of its bytes")
            }
            Self::NoCopy { path } => write!(
                f,
                "{} stands where the key database is copied before its first change, and is no \
                 copy that its stash opens; move it away",
                path.display()
            ),
            Self::NotAFile { path } => write!(f, "{} is not a file", path.display()),
            Self::Owner { path, uid } => write!(
                f,
                "{} belongs to user {uid}; make the change as that user",
                path.display()
            ),
            Self::Path { path } => write!(
                f,
                "the path of a key database is absolute and ends in .p12 or .kdb, which {} does not",
                path.display()
            ),
            Self::Random(source) => write!(f, "the system has no random bytes: {source}"),
            Self::ReadOnly(obstacle) => obstacle.fmt(f),
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
            Self::SymbolicLink { path } => write!(
                f,
                "{} is a symbolic link; put the path of the file itself into the configuration",
                path.display()
            ),
            Self::Unproven { path } => write!(
                f,
                "{} was not written: the new one does not read back as it should; this is a bug",
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
            Self::ReadOnly(obstacle) => std::error::Error::source(obstacle),
            Self::Stash { source, .. } => Some(source),
            _ => None,
        }
    }
}
