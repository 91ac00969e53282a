//! The tables of the ledger, and their version.

use rusqlite::{Connection, Transaction};

use super::Fault;
use crate::error::StateError;
use crate::moment;

/// The mark of the file format: "Anch".
const APPLICATION: i64 = 0x416e_6368;
/// The layout below.
const LAYOUT: i64 = 3;
/// The first of all, which has none of [`INCIDENTS`].
const FIRST: i64 = 1;
/// The second, which has none of [`UNDERTAKINGS`].
const SECOND: i64 = 2;

const TABLES: &str = "
CREATE TABLE position (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    number INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    journal_seq INTEGER NOT NULL,
    journal_hash BLOB NOT NULL,
    journal_len INTEGER NOT NULL,
    blind INTEGER NOT NULL
) STRICT;
CREATE TABLE server (
    folded TEXT PRIMARY KEY,
    shown TEXT NOT NULL,
    security TEXT NOT NULL,
    lost INTEGER NOT NULL,
    announced TEXT,
    level TEXT,
    level_evidence TEXT,
    tls_version TEXT,
    certificate BLOB,
    host TEXT,
    port INTEGER,
    created INTEGER NOT NULL,
    last_session INTEGER,
    answers_inside INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE lowered (
    folded TEXT PRIMARY KEY,
    allow TEXT NOT NULL,
    until INTEGER,
    reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE scope (
    fingerprint BLOB PRIMARY KEY,
    kind TEXT NOT NULL,
    any_server INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX scope_any ON scope (any_server) WHERE any_server = 1;
CREATE TABLE scope_server (
    folded TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    shown TEXT NOT NULL,
    PRIMARY KEY (folded, fingerprint)
) STRICT, WITHOUT ROWID;
CREATE INDEX scope_server_fingerprint ON scope_server (fingerprint);
CREATE TABLE intent (
    folded TEXT PRIMARY KEY,
    shown TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    store TEXT NOT NULL,
    label TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY,
    line TEXT NOT NULL
) STRICT;
";

/// What layout 2 added.
const INCIDENTS: &str = "
CREATE TABLE crash (
    id INTEGER PRIMARY KEY,
    store TEXT NOT NULL,
    code TEXT NOT NULL,
    at INTEGER NOT NULL,
    what TEXT NOT NULL
) STRICT;
CREATE TABLE quarantine (
    store TEXT PRIMARY KEY,
    code TEXT NOT NULL,
    since INTEGER NOT NULL,
    why TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE attempt (
    store TEXT NOT NULL,
    setting TEXT NOT NULL,
    at INTEGER NOT NULL,
    salt BLOB,
    hash BLOB,
    count INTEGER NOT NULL,
    PRIMARY KEY (store, setting)
) STRICT, WITHOUT ROWID;
";

/// What layout 3 added.
const UNDERTAKINGS: &str = "
CREATE TABLE undertaking (
    id INTEGER PRIMARY KEY,
    what TEXT NOT NULL,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    program TEXT NOT NULL,
    raises TEXT NOT NULL
) STRICT;
CREATE TABLE undertaking_store (
    undertaking INTEGER NOT NULL,
    place INTEGER NOT NULL,
    store TEXT NOT NULL,
    items INTEGER NOT NULL,
    PRIMARY KEY (undertaking, place)
) STRICT, WITHOUT ROWID;
CREATE TABLE undertaking_item (
    id INTEGER PRIMARY KEY,
    undertaking INTEGER NOT NULL,
    place INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    before BLOB,
    after BLOB
) STRICT;
CREATE TABLE undertaking_row (
    undertaking INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    before TEXT,
    after TEXT,
    PRIMARY KEY (undertaking, fingerprint)
) STRICT, WITHOUT ROWID;
";

/// Makes the tables in an empty database.
pub(super) fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(TABLES)?;
    connection.execute_batch(INCIDENTS)?;
    connection.execute_batch(UNDERTAKINGS)?;
    connection.pragma_update(None, "application_id", APPLICATION)?;
    connection.pragma_update(None, "user_version", LAYOUT)
}

/// Brings a ledger of an earlier layout to this one, as a part of the change that is under way.
pub(super) fn migrate(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found == FIRST {
        transaction.execute_batch(INCIDENTS)?;
        moment::pass();
    }
    if found < LAYOUT {
        transaction.execute_batch(UNDERTAKINGS)?;
        moment::pass();
        transaction.pragma_update(None, "user_version", LAYOUT)?;
        moment::pass();
    }
    Ok(())
}

/// Which tables a ledger has that was found to be known here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Has {
    /// Those for crashes and the like.
    pub(super) incidents: bool,
    /// Those for undertakings.
    pub(super) undertakings: bool,
}

impl Has {
    /// Looks which layout it is.
    pub(super) fn look(connection: &Connection) -> rusqlite::Result<Self> {
        let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
        Ok(Self {
            incidents: found > FIRST,
            undertakings: found > SECOND,
        })
    }
}

/// Whether the database is a ledger of a layout that is known here.
pub(super) fn check(connection: &Connection) -> Result<(), Fault> {
    let pragma = |name: &str| -> rusqlite::Result<i64> {
        connection.pragma_query_value(None, name, |row| row.get(0))
    };
    if pragma("application_id")? != APPLICATION {
        return Err(Fault::Damaged(
            "it is some other program's database".to_owned(),
        ));
    }
    match pragma("user_version")? {
        FIRST | SECOND | LAYOUT => Ok(()),
        found if found > LAYOUT => Err(Fault::Failed(StateError::Newer {
            found,
            known: LAYOUT,
        })),
        found => Err(Fault::Damaged(format!(
            "its layout is {found}, which never was"
        ))),
    }
}
