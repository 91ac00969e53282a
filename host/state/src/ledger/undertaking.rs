//! Undertakings in the ledger.

use std::sync::Arc;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::row::Count;
use super::{Fault, table};
use crate::scope::{Fingerprint, ScopeRow, ServerName, Servers};
use crate::undertaking::{ItemChange, OpenUndertaking, RowChange, StorePart, Undertaking};

/// What happens to an undertaking.
#[derive(Clone, Debug)]
pub(crate) enum UndertakingChange {
    /// It is written down.
    Begin(OpenUndertaking, Arc<Undertaking>),
    /// It has ended.
    End(u64),
    /// All of them are dropped.
    EndAll,
    /// One store of it is given up.
    GiveUp(u64, String),
}

/// Those that have not ended, oldest first, without their particulars.
pub(super) fn open(connection: &Connection) -> Result<Vec<OpenUndertaking>, Fault> {
    let mut statement =
        connection.prepare("SELECT id, what, at, who, program FROM undertaking ORDER BY id")?;
    let found = statement.query_map([], head)?;
    let mut found = found.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut statement = connection.prepare(
        "SELECT store, items FROM undertaking_store WHERE undertaking = ?1 ORDER BY place",
    )?;
    for one in &mut found {
        let stores = statement.query_map([Count(one.id)], |row| {
            Ok((row.get(0)?, row.get::<_, Count>(1)?.0))
        })?;
        one.stores = stores.collect::<rusqlite::Result<_>>()?;
    }
    Ok(found)
}

/// One of them, whole.
pub(super) fn whole(connection: &Connection, id: u64) -> Result<Option<Undertaking>, Fault> {
    let id = Count(id);
    let head = connection
        .query_row(
            "SELECT what, raises FROM undertaking WHERE id = ?1",
            [&id],
            |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)),
        )
        .optional()?;
    let Some((what, raises)) = head else {
        return Ok(None);
    };
    let mut statement = connection
        .prepare("SELECT fingerprint, before, after FROM undertaking_row WHERE undertaking = ?1")?;
    let rows = statement.query_map([&id], row_change)?;
    Ok(Some(Undertaking {
        what,
        stores: parts(connection, &id)?,
        rows: rows.collect::<rusqlite::Result<_>>()?,
        raises: raises.lines().map(ServerName::new).collect(),
    }))
}

fn parts(connection: &Connection, id: &Count) -> Result<Vec<StorePart>, Fault> {
    let mut stores = connection.prepare(
        "SELECT place, store FROM undertaking_store WHERE undertaking = ?1 ORDER BY place",
    )?;
    let stores = stores.query_map([id], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
    })?;
    let mut items = connection.prepare(
        "SELECT fingerprint, before, after FROM undertaking_item \
         WHERE undertaking = ?1 AND place = ?2 ORDER BY id",
    )?;
    let mut parts = Vec::new();
    for found in stores {
        let (place, store) = found?;
        let items = items.query_map(params![id, place], |row| {
            Ok(ItemChange {
                fingerprint: Fingerprint(row.get(0)?),
                before: row.get(1)?,
                after: row.get(2)?,
            })
        })?;
        parts.push(StorePart {
            store,
            items: items.collect::<rusqlite::Result<_>>()?,
        });
    }
    Ok(parts)
}

/// Writes what happens to one.
pub(super) fn put(
    transaction: &Transaction<'_>,
    change: &UndertakingChange,
) -> rusqlite::Result<()> {
    match change {
        UndertakingChange::Begin(head, whole) => begin(transaction, head, whole),
        UndertakingChange::End(id) => {
            transaction.execute("DELETE FROM undertaking WHERE id = ?1", [Count(*id)])?;
            for table in PARTICULARS {
                let sql = format!("DELETE FROM {table} WHERE undertaking = ?1");
                transaction.execute(&sql, [Count(*id)])?;
            }
            Ok(())
        }
        UndertakingChange::EndAll => {
            transaction.execute("DELETE FROM undertaking", [])?;
            for table in PARTICULARS {
                transaction.execute(&format!("DELETE FROM {table}"), [])?;
            }
            Ok(())
        }
        UndertakingChange::GiveUp(id, store) => {
            transaction.execute(
                "DELETE FROM undertaking_item WHERE undertaking = ?1 AND place IN \
                 (SELECT place FROM undertaking_store WHERE undertaking = ?1 AND store = ?2)",
                params![Count(*id), store],
            )?;
            transaction.execute(
                "DELETE FROM undertaking_store WHERE undertaking = ?1 AND store = ?2",
                params![Count(*id), store],
            )?;
            Ok(())
        }
    }
}

fn begin(
    transaction: &Transaction<'_>,
    head: &OpenUndertaking,
    whole: &Undertaking,
) -> rusqlite::Result<()> {
    let id = Count(head.id);
    let raises: Vec<&str> = whole.raises.iter().map(ServerName::as_str).collect();
    transaction.execute(
        "INSERT INTO undertaking (id, what, at, who, program, raises) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            id,
            head.what,
            head.at,
            head.who,
            head.program,
            raises.join("\n")
        ],
    )?;
    let mut statement = transaction.prepare(
        "INSERT INTO undertaking_item (undertaking, place, fingerprint, before, after) \
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for ((place, part), (store, items)) in (0_i64..).zip(&whole.stores).zip(&head.stores) {
        transaction.execute(
            "INSERT INTO undertaking_store (undertaking, place, store, items) \
             VALUES (?1, ?2, ?3, ?4)",
            params![id, place, store, Count(*items)],
        )?;
        for item in &part.items {
            let fingerprint = &item.fingerprint.0[..];
            statement.execute(params![id, place, fingerprint, item.before, item.after])?;
        }
    }
    let mut statement = transaction.prepare(
        "INSERT INTO undertaking_row (undertaking, fingerprint, before, after) \
         VALUES (?1, ?2, ?3, ?4)",
    )?;
    for row in &whole.rows {
        let text = |row: &Option<ScopeRow>| row.as_ref().map(written);
        let (before, after) = (text(&row.before), text(&row.after));
        statement.execute(params![id, &row.fingerprint.0[..], before, after])?;
    }
    Ok(())
}

/// A row of the scope table in one text: its kind, and every server or one a line.
fn written(row: &ScopeRow) -> String {
    let kind = table::word(row.kind);
    match &row.servers {
        Servers::Any => format!("{kind} {ANY}"),
        Servers::Named(names) => {
            let names: Vec<&str> = names.iter().map(ServerName::as_str).collect();
            format!("{kind} {NAMED}\n{}", names.join("\n"))
        }
    }
}

fn read(text: &str) -> Option<ScopeRow> {
    let mut lines = text.split('\n');
    let (kind, servers) = lines.next()?.split_once(' ')?;
    Some(ScopeRow {
        kind: table::kind(kind)?,
        servers: match servers {
            ANY => Servers::Any,
            NAMED => {
                let names = lines.filter(|name| !name.is_empty());
                Servers::Named(names.map(ServerName::new).collect())
            }
            _ => return None,
        },
    })
}

fn row_change(row: &Row<'_>) -> rusqlite::Result<RowChange> {
    let scope_row = |column: usize| {
        let text: Option<String> = row.get(column)?;
        let read = text.map(|text| {
            read(&text).ok_or_else(|| {
                let error = "it is no row of the scope table";
                rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error.into())
            })
        });
        read.transpose()
    };
    Ok(RowChange {
        fingerprint: Fingerprint(row.get(0)?),
        before: scope_row(1)?,
        after: scope_row(2)?,
    })
}

fn head(row: &Row<'_>) -> rusqlite::Result<OpenUndertaking> {
    Ok(OpenUndertaking {
        id: row.get::<_, Count>(0)?.0,
        what: row.get(1)?,
        at: row.get(2)?,
        who: row.get(3)?,
        program: row.get(4)?,
        stores: Vec::new(),
    })
}

/// The tables of what belongs to an undertaking.
const PARTICULARS: [&str; 3] = ["undertaking_store", "undertaking_item", "undertaking_row"];
const ANY: &str = "any";
const NAMED: &str = "named";
