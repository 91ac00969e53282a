//! The scope table in the ledger.

use std::collections::BTreeSet;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::Fault;
use super::row::unknown;
use crate::scope::{CertificateKind, Fingerprint, ScopeRow, ScopeTable, ServerName, Servers};

/// Every row.
pub(super) fn all(connection: &Connection) -> Result<ScopeTable, Fault> {
    read(
        connection,
        ROWS,
        "SELECT fingerprint, shown FROM scope_server",
        (),
    )
}

/// The rows that cover the server.
pub(super) fn covering(connection: &Connection, server: &ServerName) -> Result<ScopeTable, Fault> {
    read(
        connection,
        "SELECT fingerprint, kind, any_server FROM scope WHERE any_server = 1 \
         UNION ALL SELECT fingerprint, kind, any_server FROM scope \
         WHERE any_server = 0 AND fingerprint IN \
         (SELECT fingerprint FROM scope_server WHERE folded = ?1)",
        "SELECT fingerprint, shown FROM scope_server WHERE fingerprint IN \
         (SELECT fingerprint FROM scope_server WHERE folded = ?1)",
        [server.folded()],
    )
}

/// One certificate's row.
pub(super) fn row(
    connection: &Connection,
    fingerprint: &Fingerprint,
) -> Result<Option<ScopeRow>, Fault> {
    let key = [Value::Blob(fingerprint.0.to_vec())];
    let mut statement = connection.prepare(&format!("{ROWS} WHERE fingerprint = ?1"))?;
    let Some((_, mut found)) = statement.query_row(key.clone(), scope_row).optional()? else {
        return Ok(None);
    };
    if let Servers::Named(names) = &mut found.servers {
        let mut statement =
            connection.prepare("SELECT shown FROM scope_server WHERE fingerprint = ?1")?;
        for name in statement.query_map(key, |row| row.get::<_, String>(0))? {
            names.insert(ServerName::new(name?));
        }
    }
    Ok(Some(found))
}

/// Writes a row in the place of the last one, or takes it out.
pub(super) fn put(
    connection: &Connection,
    fingerprint: &Fingerprint,
    row: Option<&ScopeRow>,
) -> rusqlite::Result<()> {
    let run = |sql: &str, params: &dyn Fn() -> Vec<Value>| -> rusqlite::Result<usize> {
        connection
            .prepare_cached(sql)?
            .execute(rusqlite::params_from_iter(params()))
    };
    let key = || vec![Value::Blob(fingerprint.0.to_vec())];
    run("DELETE FROM scope WHERE fingerprint = ?1", &key)?;
    run("DELETE FROM scope_server WHERE fingerprint = ?1", &key)?;
    let Some(row) = row else { return Ok(()) };
    let any = matches!(row.servers, Servers::Any);
    run(
        "INSERT INTO scope (fingerprint, kind, any_server) VALUES (?1, ?2, ?3)",
        &|| {
            let mut values = key();
            values.extend([
                Value::Text(word(row.kind).to_owned()),
                Value::Integer(any.into()),
            ]);
            values
        },
    )?;
    if let Servers::Named(names) = &row.servers {
        for name in names {
            run(
                "INSERT INTO scope_server (fingerprint, folded, shown) VALUES (?1, ?2, ?3)",
                &|| {
                    let mut values = key();
                    values.extend(
                        [name.folded(), name.as_str()].map(|name| Value::Text(name.into())),
                    );
                    values
                },
            )?;
        }
    }
    Ok(())
}

/// The word for a kind, in the table and in the journal.
pub(crate) fn word(kind: CertificateKind) -> &'static str {
    match kind {
        CertificateKind::Anchor => "anchor",
        CertificateKind::Intermediate => "intermediate",
        CertificateKind::Pin => "pin",
    }
}

/// The kind that a word is for.
pub(super) fn kind(word: &str) -> Option<CertificateKind> {
    Some(match word {
        "anchor" => CertificateKind::Anchor,
        "intermediate" => CertificateKind::Intermediate,
        "pin" => CertificateKind::Pin,
        _ => return None,
    })
}

fn read(
    connection: &Connection,
    rows: &str,
    names: &str,
    params: impl Params + Clone,
) -> Result<ScopeTable, Fault> {
    let mut table = ScopeTable::default();
    let mut statement = connection.prepare(rows)?;
    for found in statement.query_map(params.clone(), scope_row)? {
        let (fingerprint, row) = found?;
        table.rows.insert(fingerprint, row);
    }
    let mut statement = connection.prepare(names)?;
    let names = statement.query_map(params, |row| {
        Ok((
            Fingerprint(row.get(0)?),
            ServerName::new(row.get::<_, String>(1)?),
        ))
    })?;
    for found in names {
        let (fingerprint, name) = found?;
        match table.rows.get_mut(&fingerprint).map(|row| &mut row.servers) {
            Some(Servers::Named(names)) => {
                names.insert(name);
            }
            // No release writes names without such a row.
            Some(Servers::Any) | None => {
                return Err(Fault::Damaged(
                    "the scope table contradicts itself".to_owned(),
                ));
            }
        }
    }
    Ok(table)
}

fn scope_row(row: &Row<'_>) -> rusqlite::Result<(Fingerprint, ScopeRow)> {
    let word = row.get_ref(1)?.as_str()?;
    let kind = kind(word).ok_or_else(|| unknown("kind of certificate", word))?;
    let any: bool = row.get(2)?;
    let servers = if any {
        Servers::Any
    } else {
        Servers::Named(BTreeSet::new())
    };
    Ok((Fingerprint(row.get(0)?), ScopeRow { kind, servers }))
}

const ROWS: &str = "SELECT fingerprint, kind, any_server FROM scope";
