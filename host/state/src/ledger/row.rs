//! Rows of the ledger as the types that they stand for.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::HEXLOWER;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, Type, ValueRef};
use rusqlite::{Connection, Row, ToSql};
use sha2::{Digest as _, Sha256};

use super::{Contents, Fault, Kept, Position, incident, schema, undertaking};
use crate::incident::Incidents;
use crate::intent::Intent;
use crate::journal::{EntryHash, Place};
use crate::record::{Allow, Endpoint, Lowered, Record, RecordedLevel, Security};
use crate::scope::{Fingerprint, ServerName};

/// Reads all tables but the scope table's.
pub(super) fn contents(connection: &Connection) -> Result<Contents, Fault> {
    let position = connection.query_row(POSITION, [], position)?;
    let mut servers = BTreeMap::new();
    let mut statement = connection.prepare(SERVERS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let kept = kept(row)?;
        if row.get_ref(0)?.as_str().ok() != Some(kept.record.server.folded()) {
            return Err(Fault::Damaged("a server's two names differ".to_owned()));
        }
        servers.insert(kept.record.server.clone(), kept);
    }
    let mut statement = connection.prepare(INTENTS)?;
    let intents = statement
        .query_map([], intent)?
        .collect::<rusqlite::Result<_>>()?;
    let strays = strays(connection)?.into_iter().collect();
    let has = schema::Has::look(connection)?;
    let incidents = match has.incidents {
        true => incident::all(connection)?,
        false => Incidents::default(),
    };
    let undertakings = match has.undertakings {
        true => undertaking::open(connection)?,
        false => Vec::new(),
    };
    Ok(Contents {
        position,
        servers,
        intents,
        undertakings,
        incidents,
        strays,
    })
}

/// The journal lines of the last transaction.
pub(super) fn outbox(connection: &Connection) -> Result<Vec<String>, Fault> {
    let mut statement = connection.prepare("SELECT line FROM outbox ORDER BY seq")?;
    Ok(statement
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?)
}

/// As many names of servers as can be read.
pub(super) fn names(connection: &Connection) -> BTreeSet<ServerName> {
    let mut names = BTreeSet::new();
    for table in ["server", "scope_server", "intent"] {
        let Ok(mut statement) = connection.prepare(&format!("SELECT shown FROM {table}")) else {
            continue;
        };
        let Ok(rows) = statement.query_map([], |row| row.get::<_, String>(0)) else {
            continue;
        };
        names.extend(rows.map_while(Result::ok).map(ServerName::new));
    }
    names
}

/// A hash over all that the records say, which the journal carries along.
///
/// The number before it is that of the layout hashed here.
pub(crate) fn digest<'a>(servers: impl Iterator<Item = &'a Kept>) -> String {
    let mut bytes = Vec::new();
    for Kept {
        record,
        lost,
        lowered,
    } in servers
    {
        let level = record.level.as_ref();
        let endpoint = record.endpoint.as_ref();
        let lowered = lowered.as_ref();
        text(&mut bytes, Some(record.server.as_str()));
        text(&mut bytes, Some(record.security.as_str()));
        number(&mut bytes, Some((*lost).into()));
        text(&mut bytes, record.announced.as_deref());
        text(&mut bytes, level.map(|level| level.value.as_str()));
        text(&mut bytes, level.map(|level| level.evidence.as_str()));
        text(&mut bytes, record.tls_version.as_deref());
        push(
            &mut bytes,
            record
                .certificate
                .as_ref()
                .map(|fingerprint| &fingerprint.0[..]),
        );
        text(&mut bytes, endpoint.map(|endpoint| endpoint.host.as_str()));
        number(&mut bytes, endpoint.map(|endpoint| endpoint.port.into()));
        number(&mut bytes, Some(record.created));
        number(&mut bytes, record.last_session);
        number(&mut bytes, Some(record.answers_inside.into()));
        text(&mut bytes, lowered.map(|lowered| lowered.allow.as_str()));
        number(&mut bytes, lowered.and_then(|lowered| lowered.until));
        text(&mut bytes, lowered.map(|lowered| lowered.reason.as_str()));
    }
    format!("{DIGEST}{}", HEXLOWER.encode(&Sha256::digest(&bytes)))
}

fn text(bytes: &mut Vec<u8>, text: Option<&str>) {
    push(bytes, text.map(str::as_bytes));
}

fn number(bytes: &mut Vec<u8>, number: Option<i64>) {
    push(
        bytes,
        number
            .map(i64::to_be_bytes)
            .as_ref()
            .map(|bytes| &bytes[..]),
    );
}

/// Adds a field with its length, so that two neighbours cannot be taken for two others.
fn push(bytes: &mut Vec<u8>, field: Option<&[u8]>) {
    match field {
        Some(field) => {
            bytes.push(1);
            bytes.extend(field.len().to_be_bytes());
            bytes.extend(field);
        }
        None => bytes.push(0),
    }
}

/// Whether a digest was made in the way that is known here.
pub(crate) fn has_known_layout(digest: &str) -> bool {
    digest.starts_with(DIGEST)
}

const DIGEST: &str = "1:";

const POSITION: &str =
    "SELECT number, epoch, journal_seq, journal_hash, journal_len, blind FROM position";
const SERVERS: &str = "SELECT server.folded, shown, security, lost, announced, level, \
    level_evidence, tls_version, certificate, host, port, created, last_session, \
    answers_inside, allow, until, reason \
    FROM server LEFT JOIN lowered ON lowered.folded = server.folded ORDER BY server.folded";
const INTENTS: &str = "SELECT shown, fingerprint, store, label, at FROM intent ORDER BY folded";

/// Names in the scope table without a record; hops from name to name through the index.
const STRAYS: &str = "
WITH RECURSIVE name (folded) AS (
    SELECT min(folded) FROM scope_server
    UNION ALL
    SELECT (SELECT min(folded) FROM scope_server WHERE folded > name.folded)
    FROM name WHERE name.folded IS NOT NULL
)
SELECT folded FROM name WHERE folded IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM server WHERE server.folded = name.folded)";

fn strays(connection: &Connection) -> Result<Vec<ServerName>, Fault> {
    let mut statement = connection.prepare(STRAYS)?;
    let names = statement.query_map([], |row| row.get::<_, String>(0).map(ServerName::new))?;
    Ok(names.collect::<rusqlite::Result<_>>()?)
}

fn position(row: &Row<'_>) -> rusqlite::Result<Position> {
    let count = |column: usize| row.get::<_, Count>(column).map(|Count(count)| count);
    Ok(Position {
        number: count(0)?,
        epoch: count(1)?,
        journal: Place {
            seq: count(2)?,
            hash: EntryHash(row.get(3)?),
            len: count(4)?,
        },
        blind: row.get(5)?,
    })
}

fn kept(row: &Row<'_>) -> rusqlite::Result<Kept> {
    let level: Option<String> = row.get(5)?;
    let evidence: Option<String> = row.get(6)?;
    let host: Option<String> = row.get(9)?;
    let port: Option<u16> = row.get(10)?;
    let record = Record {
        server: ServerName::new(row.get::<_, String>(1)?),
        security: match row.get_ref(2)?.as_str()? {
            "transitional" => Security::Transitional,
            "strict" => Security::Strict,
            other => return Err(unknown("session security", other)),
        },
        announced: row.get(4)?,
        level: level
            .zip(evidence)
            .map(|(value, evidence)| RecordedLevel { value, evidence }),
        tls_version: row.get(7)?,
        certificate: row.get::<_, Option<[u8; 32]>>(8)?.map(Fingerprint),
        endpoint: host.zip(port).map(|(host, port)| Endpoint { host, port }),
        created: row.get(11)?,
        last_session: row.get(12)?,
        answers_inside: row.get(13)?,
    };
    Ok(Kept {
        record,
        lost: row.get(3)?,
        lowered: lowered(row)?,
    })
}

fn lowered(row: &Row<'_>) -> rusqlite::Result<Option<Lowered>> {
    let allow = match row.get_ref(14)?.as_str_or_null()? {
        None => return Ok(None),
        Some("accept") => Allow::Accept,
        Some("plain") => Allow::Plain,
        Some(other) => return Err(unknown("leave", other)),
    };
    Ok(Some(Lowered {
        allow,
        until: row.get(15)?,
        reason: row.get(16)?,
    }))
}

fn intent(row: &Row<'_>) -> rusqlite::Result<Intent> {
    Ok(Intent {
        server: ServerName::new(row.get::<_, String>(0)?),
        fingerprint: Fingerprint(row.get(1)?),
        store: row.get(2)?,
        label: row.get(3)?,
        at: row.get(4)?,
    })
}

/// A number that never is negative, in a column that could hold one that is.
pub(super) struct Count(pub(super) u64);

impl FromSql for Count {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = value.as_i64()?;
        number
            .try_into()
            .map(Self)
            .map_err(|_| FromSqlError::OutOfRange(number))
    }
}

impl ToSql for Count {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match i64::try_from(self.0) {
            Ok(number) => Ok(number.into()),
            Err(error) => Err(rusqlite::Error::ToSqlConversionFailure(Box::new(error))),
        }
    }
}

/// A word in a column that no release has ever written there.
pub(super) fn unknown(what: &str, word: &str) -> rusqlite::Error {
    let error = format!("\"{word}\" is no {what}");
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, error.into())
}
