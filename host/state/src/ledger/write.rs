//! Writing the ledger: one transaction, or a whole new file in the place of a damaged one.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, params};

use super::fault::failure;
use super::row::Count;
use super::{
    FOREIGN_WAIT, Kept, Position, UndertakingChange, incident, schema, table, undertaking,
};
use crate::directory::{COMPANIONS, Directory, LEDGER, LEDGER_NEW};
use crate::error::StateError;
use crate::incident::StoreChange;
use crate::intent::Intent;
use crate::lock::open_or_make;
use crate::moment;
use crate::scope::{Fingerprint, ScopeRow, ServerName};

/// All that one transaction changes.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    /// Where the ledger must stand before; `None` for a new file.
    pub(crate) before: Option<Position>,
    /// Where it stands after.
    pub(crate) after: Position,
    /// The rows to write.
    pub(crate) servers: Vec<&'a Kept>,
    /// The rows of the scope table to write or take out.
    pub(crate) scope: Vec<(Fingerprint, Option<&'a ScopeRow>)>,
    /// What happens to intents, in this order.
    pub(crate) intents: &'a [IntentChange],
    /// What happens to undertakings, in this order.
    pub(crate) undertakings: &'a [UndertakingChange],
    /// What is said of stores, in this order.
    pub(crate) stores: &'a [StoreChange],
    /// The journal's lines; the number of the first.
    pub(crate) outbox: (u64, &'a [String]),
}

/// When the next change comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// At once, by the same writer, whom nobody comes between.
    AtOnce,
    /// At some time.
    Sometime,
}

/// What happens to an intent.
#[derive(Clone, Debug)]
pub(crate) enum IntentChange {
    /// It is written down.
    Begin(Intent),
    /// It has ended.
    End(ServerName),
    /// All of them are dropped.
    EndAll,
}

/// Writes a change into the ledger that is there.
pub(crate) fn write(
    directory: &Directory,
    change: &Change<'_>,
    next: Next,
) -> Result<(), StateError> {
    let path = directory.file(LEDGER);
    let mut connection = open(&path)?;
    let written = run(&mut connection, change);
    if next == Next::AtOnce {
        // It is durable in the log, which everybody reads, and moved with what follows.
        let _ = connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
    } else if written.is_ok() {
        moment::pass();
        // Between two changes the ledger is one file, so that a copy of it is whole. Where that
        // fails, at once, the change is durable all the same, in the log that everybody reads.
        let _ = connection.busy_timeout(Duration::ZERO);
        let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }
    let _ = connection.close();
    written
}

/// Writes a change into a new ledger, and puts that in the place of what is there.
pub(crate) fn replace(directory: &Directory, change: &Change<'_>) -> Result<(), StateError> {
    let path = directory.file(LEDGER_NEW);
    remove(&path)?;
    for companion in COMPANIONS {
        remove(&directory.file(&format!("{LEDGER_NEW}{companion}")))?;
    }
    // Made here, so that it has the right mode from the start, and SQLite's files beside it too.
    drop(open_or_make(&path)?);
    moment::pass();
    let mut connection = open(&path)?;
    let made = |what, result: rusqlite::Result<()>| result.map_err(|error| failure(what, error));
    // Nobody sees the file before it is whole; it is made durable at the end.
    let begun = connection
        .pragma_update(None, "synchronous", "OFF")
        .and_then(|()| {
            connection.pragma_update_and_check(None, "journal_mode", "MEMORY", |_| Ok(()))
        });
    made("begin a new file", begun)?;
    made("make its tables", schema::create(&connection))?;
    run(&mut connection, change)?;
    let mode = "PRAGMA journal_mode = WAL";
    made("choose its log", connection.query_row(mode, [], |_| Ok(())))?;
    connection
        .close()
        .map_err(|(_, error)| failure("close a new file", error))?;
    let synced = File::open(&path).and_then(|file| file.sync_all());
    synced.map_err(|error| StateError::io(format!("sync {}", path.display()), error))?;
    moment::pass();
    let aside = keep_damaged(directory, LEDGER)?;
    moment::pass();
    move_companions(directory, &aside)?;
    moment::pass();
    rename(&path, &directory.file(LEDGER))?;
    moment::pass();
    directory.sync()
}

/// Gives a file of the directory a second name, which stays when another takes its first: nothing
/// that is damaged is deleted. Tells that name.
pub(crate) fn keep_damaged(directory: &Directory, name: &str) -> Result<String, StateError> {
    let aside = directory.name_aside(name)?;
    if directory.length(name)?.is_some() {
        let (from, to) = (directory.file(name), directory.file(&aside));
        let kept = fs::hard_link(&from, &to).or_else(|_| fs::copy(&from, &to).map(drop));
        kept.map_err(|error| StateError::io(format!("keep {}", from.display()), error))?;
    }
    Ok(aside)
}

/// Takes its companions away from the ledger in use, to be beside its second name: a log that is
/// left behind would be taken for the new ledger's.
fn move_companions(directory: &Directory, aside: &str) -> Result<(), StateError> {
    for companion in COMPANIONS {
        if directory.length(&format!("{LEDGER}{companion}"))?.is_some() {
            let from = directory.file(&format!("{LEDGER}{companion}"));
            rename(&from, &directory.file(&format!("{aside}{companion}")))?;
        }
    }
    Ok(())
}

fn open(path: &Path) -> Result<Connection, StateError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let opened = Connection::open_with_flags(path, flags).and_then(|connection| {
        connection.busy_timeout(FOREIGN_WAIT)?;
        // Both are what a commit rests on; the second matters on macOS only.
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "fullfsync", true)?;
        Ok(connection)
    });
    opened.map_err(|error| failure("open its file", error))
}

fn run(connection: &mut Connection, change: &Change<'_>) -> Result<(), StateError> {
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(|error| failure("begin a change", error))?;
    if let Some(before) = &change.before {
        let found = transaction
            .query_row("SELECT number, journal_hash FROM position", [], |row| {
                Ok((row.get::<_, Count>(0)?.0, row.get::<_, [u8; 32]>(1)?))
            })
            .map_err(|error| failure("read its position", error))?;
        if found != (before.number, before.journal.hash.0) {
            return Err(StateError::Changed);
        }
    }
    schema::migrate(&transaction).map_err(|error| failure("bring it up to date", error))?;
    apply(&transaction, change).map_err(|error| failure("write a change", error))?;
    transaction
        .commit()
        .map_err(|error| failure("commit a change", error))
}

fn apply(transaction: &Transaction<'_>, change: &Change<'_>) -> rusqlite::Result<()> {
    for kept in &change.servers {
        put_server(transaction, kept)?;
    }
    for (fingerprint, row) in &change.scope {
        table::put(transaction, fingerprint, *row)?;
    }
    for intent in change.intents {
        put_intent(transaction, intent)?;
    }
    for undertaking in change.undertakings {
        undertaking::put(transaction, undertaking)?;
    }
    for store in change.stores {
        incident::put(transaction, store)?;
    }
    let (first, lines) = change.outbox;
    transaction.execute("DELETE FROM outbox", [])?;
    let mut statement = transaction.prepare("INSERT INTO outbox (seq, line) VALUES (?1, ?2)")?;
    for (seq, line) in (first..).zip(lines) {
        statement.execute(params![Count(seq), line])?;
    }
    let after = &change.after;
    transaction.execute(
        "INSERT OR REPLACE INTO position VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            Count(after.number),
            Count(after.epoch),
            Count(after.journal.seq),
            after.journal.hash.0,
            Count(after.journal.len),
            after.blind
        ],
    )?;
    Ok(())
}

fn put_server(transaction: &Transaction<'_>, kept: &Kept) -> rusqlite::Result<()> {
    let record = &kept.record;
    let folded = record.server.folded();
    let mut statement = transaction.prepare_cached(
        "INSERT OR REPLACE INTO server \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?;
    statement.execute(params![
        folded,
        record.server.as_str(),
        record.security.as_str(),
        kept.lost,
        record.announced,
        record.level.as_ref().map(|level| &level.value),
        record.level.as_ref().map(|level| &level.evidence),
        record.tls_version,
        record
            .certificate
            .map(|fingerprint| Value::Blob(fingerprint.0.to_vec())),
        record.endpoint.as_ref().map(|endpoint| &endpoint.host),
        record.endpoint.as_ref().map(|endpoint| endpoint.port),
        record.created,
        record.last_session,
        record.answers_inside,
    ])?;
    match &kept.lowered {
        Some(lowered) => transaction
            .prepare_cached("INSERT OR REPLACE INTO lowered VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![
                folded,
                lowered.allow.as_str(),
                lowered.until,
                lowered.reason
            ])?,
        None => transaction
            .prepare_cached("DELETE FROM lowered WHERE folded = ?1")?
            .execute([folded])?,
    };
    Ok(())
}

fn put_intent(transaction: &Transaction<'_>, change: &IntentChange) -> rusqlite::Result<()> {
    match change {
        IntentChange::Begin(intent) => transaction.execute(
            "INSERT INTO intent VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                intent.server.folded(),
                intent.server.as_str(),
                intent.fingerprint.0,
                intent.store,
                intent.label,
                intent.at
            ],
        )?,
        IntentChange::End(server) => {
            transaction.execute("DELETE FROM intent WHERE folded = ?1", [server.folded()])?
        }
        IntentChange::EndAll => transaction.execute("DELETE FROM intent", [])?,
    };
    Ok(())
}

fn rename(from: &Path, to: &Path) -> Result<(), StateError> {
    fs::rename(from, to).map_err(|error| {
        StateError::io(
            format!("rename {} to {}", from.display(), to.display()),
            error,
        )
    })
}

fn remove(path: &Path) -> Result<(), StateError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StateError::io(format!("remove {}", path.display()), error))
        }
        _ => Ok(()),
    }
}
