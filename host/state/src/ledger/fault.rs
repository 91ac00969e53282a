//! What went wrong with the database: damage, which heals, or a failure, which does not.

use std::io;

use rusqlite::ErrorCode;
use rusqlite::ffi::{SQLITE_IOERR_SHMSIZE, SQLITE_IOERR_SHORT_READ};

use super::FOREIGN_WAIT;
use crate::error::StateError;

/// Why the ledger could not be read.
#[derive(Debug)]
pub(crate) enum Fault {
    /// What it holds makes no sense.
    Damaged(String),
    /// It could not be reached at all.
    Failed(StateError),
}

impl From<StateError> for Fault {
    fn from(error: StateError) -> Self {
        Self::Failed(error)
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error::{
            FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType,
            QueryReturnedNoRows, SqlInputError, SqliteFailure, Utf8Error,
        };
        let damaged = match &error {
            SqliteFailure(failure, _) => {
                matches!(
                    failure.code,
                    ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::Unknown
                ) || failure.extended_code == SQLITE_IOERR_SHORT_READ
            }
            // A table or column is not there: the statements themselves are right.
            SqlInputError { .. }
            | FromSqlConversionFailure(..)
            | IntegralValueOutOfRange(..)
            | InvalidColumnType(..)
            | QueryReturnedNoRows
            | Utf8Error(..) => true,
            _ => false,
        };
        if damaged {
            Self::Damaged(error.to_string())
        } else {
            Self::Failed(failure("read its tables", error))
        }
    }
}

impl From<Fault> for StateError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Damaged(why) => Self::Damaged { why },
            Fault::Failed(error) => error,
        }
    }
}

/// The error for a statement that failed.
pub(super) fn failure(what: &'static str, error: rusqlite::Error) -> StateError {
    if let rusqlite::Error::SqliteFailure(code, _) = &error {
        if matches!(
            code.code,
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked
        ) {
            return StateError::Busy {
                what: "the ledger's database".to_owned(),
                holder: None,
                waited: FOREIGN_WAIT,
            };
        }
        // Of all that the system could say to it, the database does not keep what it said to this.
        if code.extended_code == SQLITE_IOERR_SHMSIZE {
            let source = io::Error::new(io::ErrorKind::StorageFull, NO_ROOM);
            return StateError::Ledger {
                what,
                source: Box::new(source),
            };
        }
    }
    StateError::Ledger {
        what,
        source: Box::new(error),
    }
}

/// Why an index of the database could not grow.
const NO_ROOM: &str = "no space left for the index of its database: the disk is full, or a quota";
