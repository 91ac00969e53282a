//! Crashes, quarantine and refused secrets in the ledger.

use std::collections::BTreeMap;

use rusqlite::types::Value;
use rusqlite::{Connection, Row, Transaction, params};

use super::Fault;
use crate::incident::{Attempt, Crash, Incidents, Mark, Quarantine, StoreChange};

/// Reads all of it.
pub(super) fn all(connection: &Connection) -> Result<Incidents, Fault> {
    let mut statement =
        connection.prepare("SELECT store, code, at, what FROM crash ORDER BY id")?;
    let crashes = statement.query_map([], crash)?;
    let crashes = crashes.collect::<rusqlite::Result<_>>()?;
    let mut statement = connection.prepare("SELECT store, code, since, why FROM quarantine")?;
    let quarantines = statement.query_map([], quarantine)?;
    let quarantines = quarantines
        .map(|found| found.map(|found| (found.store.clone(), found)))
        .collect::<rusqlite::Result<BTreeMap<_, _>>>()?;
    let mut statement = connection
        .prepare("SELECT store, setting, at, salt, hash, count FROM attempt ORDER BY store")?;
    let attempts = statement.query_map([], attempt)?;
    Ok(Incidents {
        crashes,
        quarantines,
        attempts: attempts.collect::<rusqlite::Result<_>>()?,
    })
}

/// Writes what a change says of a store.
pub(super) fn put(transaction: &Transaction<'_>, change: &StoreChange) -> rusqlite::Result<()> {
    let run = |sql: &str, store: &str| transaction.execute(sql, [store]).map(drop);
    match change {
        StoreChange::Crashed(crash, oldest) => {
            transaction.execute(
                "DELETE FROM crash WHERE store = ?1 AND at < ?2",
                params![crash.store, oldest],
            )?;
            transaction.execute(
                "INSERT INTO crash (store, code, at, what) VALUES (?1, ?2, ?3, ?4)",
                params![crash.store, crash.code, crash.at, crash.what],
            )?;
        }
        StoreChange::Quarantined(new) => {
            transaction.execute(
                "INSERT OR REPLACE INTO quarantine VALUES (?1, ?2, ?3, ?4)",
                params![new.store, new.code, new.since, new.why],
            )?;
        }
        StoreChange::Refused(attempt) => {
            let bytes = |bytes: Option<&[u8]>| {
                bytes.map_or(Value::Null, |bytes| Value::Blob(bytes.to_vec()))
            };
            let mark = attempt.mark.as_ref();
            transaction.execute(
                "INSERT OR REPLACE INTO attempt VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    attempt.store,
                    attempt.setting,
                    attempt.at,
                    bytes(mark.map(|mark| &mark.salt[..])),
                    bytes(mark.map(|mark| &mark.hash[..])),
                    attempt.count
                ],
            )?;
        }
        StoreChange::Released(store) => {
            run("DELETE FROM quarantine WHERE store = ?1", store)?;
            run("DELETE FROM crash WHERE store = ?1", store)?;
        }
        StoreChange::Taken(store) => run("DELETE FROM attempt WHERE store = ?1", store)?,
    }
    Ok(())
}

fn crash(row: &Row<'_>) -> rusqlite::Result<Crash> {
    Ok(Crash {
        store: row.get(0)?,
        code: row.get(1)?,
        at: row.get(2)?,
        what: row.get(3)?,
    })
}

fn quarantine(row: &Row<'_>) -> rusqlite::Result<Quarantine> {
    Ok(Quarantine {
        store: row.get(0)?,
        code: row.get(1)?,
        since: row.get(2)?,
        why: row.get(3)?,
    })
}

fn attempt(row: &Row<'_>) -> rusqlite::Result<Attempt> {
    let salt: Option<[u8; 16]> = row.get(3)?;
    let hash: Option<[u8; 2]> = row.get(4)?;
    Ok(Attempt {
        store: row.get(0)?,
        setting: row.get(1)?,
        at: row.get(2)?,
        mark: salt.zip(hash).map(|(salt, hash)| Mark { salt, hash }),
        count: row.get(5)?,
    })
}
