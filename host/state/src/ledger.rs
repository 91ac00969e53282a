//! The ledger: one SQLite file, read without a trace and written in one piece.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::directory::{Directory, LEDGER};
use crate::incident::Incidents;
use crate::intent::Intent;
use crate::journal::Place;
use crate::record::{Lowered, Record};
use crate::scope::{Fingerprint, ScopeRow, ScopeTable, ServerName};
use crate::undertaking::{OpenUndertaking, Undertaking};

mod fault;
mod incident;
mod row;
mod schema;
mod table;
mod undertaking;
mod write;

pub(crate) use fault::Fault;
pub(crate) use row::{digest, has_known_layout};
pub(crate) use table::word;
pub(crate) use undertaking::UndertakingChange;
pub(crate) use write::{Change, IntentChange, Next, keep_damaged, replace, write};

/// One server's row, with what a [`Record`] does not say.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) record: Record,
    pub(crate) lost: bool,
    pub(crate) lowered: Option<Lowered>,
}

/// Where the ledger stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position {
    /// How many transactions there were.
    pub(crate) number: u64,
    /// The last of them that changed scope, session security or leave.
    pub(crate) epoch: u64,
    /// Where the journal ends.
    pub(crate) journal: Place,
    /// Whether nobody can tell which servers were known once: all that have no record are lost.
    pub(crate) blind: bool,
}

/// What the ledger says, but for the scope table.
#[derive(Clone, Debug)]
pub(crate) struct Contents {
    pub(crate) position: Position,
    pub(crate) servers: BTreeMap<ServerName, Kept>,
    pub(crate) intents: Vec<Intent>,
    pub(crate) undertakings: Vec<OpenUndertaking>,
    pub(crate) incidents: Incidents,
    /// Servers that the scope table names and that have no record; there ought to be none.
    pub(crate) strays: BTreeSet<ServerName>,
}

/// How closely a ledger is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Care {
    /// What is read; and all of it where that costs nothing.
    Quick,
    /// All of it, because something is going to be built on it.
    Thorough,
}

/// The ledger, open for reading.
#[derive(Debug)]
pub(crate) struct Reader {
    connection: Connection,
}

impl Reader {
    /// Opens it without creating or changing a file; `None` where there is none.
    ///
    /// The caller holds the gate, so that nobody changes the files meanwhile.
    pub(crate) fn open(directory: &Directory) -> Result<Option<Self>, Fault> {
        let Some(len) = directory.length(LEDGER)? else {
            return Ok(None);
        };
        let mut waiting = false;
        for companion in crate::directory::COMPANIONS {
            let found = directory
                .length(&format!("{LEDGER}{companion}"))?
                .unwrap_or(0);
            waiting |= companion == "-wal" && found > 0;
        }
        if len == 0 {
            return Err(Fault::Damaged("it is empty".to_owned()));
        }
        let connection = if waiting {
            with_log(directory)
        } else {
            without_log(directory)
        };
        let connection = connection?;
        schema::check(&connection)?;
        let reader = Self { connection };
        if !waiting && len < reader.size()? {
            return Err(Fault::Damaged("it was cut short".to_owned()));
        }
        Ok(Some(reader))
    }

    /// Reads all but the scope table.
    pub(crate) fn contents(&self, care: Care) -> Result<Contents, Fault> {
        if care == Care::Thorough || self.size()? <= CHECKED {
            self.check()?;
        }
        row::contents(&self.connection)
    }

    /// How long the file has to be.
    fn size(&self) -> Result<u64, Fault> {
        let sql = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
        Ok(self
            .connection
            .query_row(sql, [], |row| row.get(0).map(|row::Count(size)| size))?)
    }

    /// Looks for damage everywhere.
    fn check(&self) -> Result<(), Fault> {
        let verdict: String = self
            .connection
            .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if verdict == "ok" {
            Ok(())
        } else {
            Err(Fault::Damaged(verdict))
        }
    }

    /// The journal lines of the last transaction.
    pub(crate) fn outbox(&self) -> Result<Vec<String>, Fault> {
        row::outbox(&self.connection)
    }

    /// One undertaking, whole; none where there is none of this id.
    pub(crate) fn undertaking(&self, id: u64) -> Result<Option<Undertaking>, Fault> {
        match schema::Has::look(&self.connection)?.undertakings {
            true => undertaking::whole(&self.connection, id),
            false => Ok(None),
        }
    }

    /// The whole scope table.
    pub(crate) fn scope(&self) -> Result<ScopeTable, Fault> {
        table::all(&self.connection)
    }

    /// The rows of the scope table that cover a server.
    pub(crate) fn scope_for(&self, server: &ServerName) -> Result<ScopeTable, Fault> {
        table::covering(&self.connection, server)
    }

    /// The row of one certificate.
    pub(crate) fn scope_row(&self, of: &Fingerprint) -> Result<Option<ScopeRow>, Fault> {
        table::row(&self.connection, of)
    }
}

/// As many names of servers as can still be read from a damaged ledger.
pub(crate) fn salvage(directory: &Directory) -> BTreeSet<ServerName> {
    match Reader::open(directory) {
        Ok(Some(reader)) => row::names(&reader.connection),
        _ => BTreeSet::new(),
    }
}

/// With nothing waiting in a log, the file is all there is, and needs neither locks nor an index.
fn without_log(directory: &Directory) -> rusqlite::Result<Connection> {
    let uri = uri(&directory.file(LEDGER));
    Connection::open_with_flags(uri, READING | OpenFlags::SQLITE_OPEN_URI)
}

/// After a crash the log has to be read too. SQLite would make an index file for it and move the
/// log into the database when it is done; in exclusive mode the index is in memory, and without
/// SQLite's own locks (the gate keeps everybody else out) a file open for reading only will do.
fn with_log(directory: &Directory) -> rusqlite::Result<Connection> {
    let connection =
        Connection::open_with_flags_and_vfs(directory.file(LEDGER), READING, "unix-none")?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(()))?;
    Ok(connection)
}

fn uri(path: &std::path::Path) -> String {
    use std::fmt::Write;
    use std::os::unix::ffi::OsStrExt;

    let mut uri = "file:".to_owned();
    for &byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(uri, "%{byte:02x}");
        }
    }
    uri + "?immutable=1"
}

const READING: OpenFlags = OpenFlags::SQLITE_OPEN_READ_ONLY
    .union(OpenFlags::SQLITE_OPEN_NO_MUTEX)
    .union(OpenFlags::SQLITE_OPEN_NOFOLLOW);
/// Up to this size all of a ledger is checked each time, which costs next to nothing.
const CHECKED: u64 = 1 << 20;
/// How long a program that is not ours may keep the database.
const FOREIGN_WAIT: Duration = Duration::from_secs(5);
