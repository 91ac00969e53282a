//! Why a key database was not read or not written.

use core::fmt;

use super::{MAX_FILE, MAX_RECORDS};
use crate::der::DerError;

/// Why a key database was not read or not written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KdbError {
    /// The password opens it, but its contents are not what was written with that password.
    Altered,
    /// A record's certificate belongs to a private key, and such records are never changed.
    HasPrivateKey {
        /// Its place among the certificates.
        index: usize,
    },
    /// What is inside a record is not what belongs there.
    Malformed {
        /// Which record it is, counted from 1.
        record: usize,
        /// What was being read.
        part: &'static str,
        /// What is wrong with it.
        source: DerError,
    },
    /// A label contains a zero byte, which ends it for other readers.
    LabelHasZero,
    /// There is no certificate at the place that an edit names.
    NoSuchCertificate {
        /// The place.
        index: usize,
    },
    /// What was to be written is not exactly one certificate.
    NotACertificate {
        /// Its position among the entries.
        index: usize,
    },
    /// It does not begin as a key database does.
    NotAKeyDatabase,
    /// It is of a kind or version that is only read.
    ReadOnly,
    /// The fields of a record are longer than the record.
    Record {
        /// Which record it is, counted from 1.
        record: usize,
    },
    /// It says that its records have a size that none has.
    RecordSize {
        /// That size.
        found: u32,
    },
    /// It has more records than are read or written.
    TooMany,
    /// It is larger than what is read or written.
    TooLarge,
    /// More bytes follow where it ends.
    TrailingBytes {
        /// How many.
        count: usize,
    },
    /// It is shorter than it says.
    Truncated {
        /// How many bytes are missing, where it says so much.
        missing: usize,
    },
    /// It is of a version that is not known.
    Version {
        /// That version.
        found: u8,
    },
    /// The password does not open it.
    WrongPassword,
}

impl fmt::Display for KdbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Altered => {
                f.write_str("it was altered: the password is right, the contents are not")
            }
            Self::HasPrivateKey { index } => write!(
                f,
                "certificate {index} belongs to a private key, which is neither renamed nor removed"
            ),
            Self::LabelHasZero => f.write_str("a label cannot contain a zero byte"),
            Self::Malformed { record, part, .. } => {
                write!(f, "record {record} is malformed: {part}")
            }
            Self::NoSuchCertificate { index } => write!(f, "it has no certificate {index}"),
            Self::NotACertificate { index } => {
                write!(f, "entry {index} is not exactly one certificate")
            }
            Self::NotAKeyDatabase => f.write_str("it is no key database"),
            Self::ReadOnly => f.write_str(
                "only lists of certificates of version 4 and 6 are written; make a new database \
                 and import this one into it",
            ),
            Self::Record { record } => {
                write!(f, "record {record} is malformed: its fields do not fit")
            }
            Self::RecordSize { found } => {
                write!(
                    f,
                    "it says that each record has {found} bytes, which none has"
                )
            }
            Self::TooMany => write!(f, "it holds more than {MAX_RECORDS} records"),
            Self::TooLarge => write!(
                f,
                "it is or would become larger than {} MiB; its largest record sets the size of \
                 all",
                MAX_FILE >> 20
            ),
            Self::TrailingBytes { count } => {
                write!(f, "it is {count} bytes longer than it says")
            }
            Self::Truncated { missing } => {
                write!(
                    f,
                    "it is cut short: {missing} bytes of what it says are missing"
                )
            }
            Self::Version { found } => write!(
                f,
                "it is a key database of version {found}; 3, 4 and 6 are known"
            ),
            Self::WrongPassword => f.write_str("the password does not open it"),
        }
    }
}

impl core::error::Error for KdbError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Malformed { source, .. } => Some(source),
            _ => None,
        }
    }
}
