//! What a contact or a session teaches the ledger.

use crate::context::Context;
use crate::error::ConnectError;
use crate::level::{Era, Level};
use crate::policy::Name;
use crate::report::{Evidence, Warning};
use crate::server::Server;
use anchorhold_state::{Event, Fingerprint, Record, RecordedLevel, Security, Transaction};

/// What a completed TLS session tells.
#[derive(Clone, Debug)]
pub(crate) struct Learnt {
    pub(crate) level: Option<(Level, Evidence)>,
    pub(crate) answers_inside: bool,
    pub(crate) tls_version: &'static str,
    pub(crate) certificate: Fingerprint,
    pub(crate) warnings: Vec<Warning>,
}

/// A contact without TLS session: a record, so that a prepared server is never mistaken for a
/// lost one, the highest level that was claimed, and what the journal has to tell.
pub(crate) fn contact(
    context: &Context,
    server: &Server,
    claim: Option<Level>,
    warnings: &[Warning],
) -> Result<(), ConnectError> {
    let standing = context.state.server(&server.name)?;
    let claim = claim.filter(|level| level.era() == Era::Enhanced);
    let known = standing
        .record
        .as_ref()
        .is_some_and(|record| !is_news(record, claim));
    if known && !warnings.iter().any(is_journalled) {
        return Ok(());
    }
    let mut change = context.state.write(&context.actor, context.now())?;
    change.ensure_server(&server.name)?;
    let record = change
        .server(&server.name)
        .record
        .filter(|record| is_news(record, claim));
    if let (Some(record), Some(claim)) = (record, claim) {
        change.put_record(&Record {
            announced: Some(claim.to_string()),
            ..record
        });
    }
    tell(&mut change, server, warnings);
    change.commit()?;
    Ok(())
}

/// Whether a claim is higher than those before.
fn is_news(record: &Record, claim: Option<Level>) -> bool {
    claim.is_some_and(|claim| claim_of(record).is_none_or(|known| known < claim))
}

/// The highest enhanced level that a server claimed since its last TLS session.
pub(crate) fn claim_of(record: &Record) -> Option<Level> {
    record.announced.as_deref()?.parse().ok()
}

/// The level that a server was last seen at; for people and floors, never for a decision.
pub(crate) fn level_of(record: &Record) -> Option<Level> {
    record.level.as_ref()?.value.parse().ok()
}

fn tell(change: &mut Transaction<'_>, server: &Server, warnings: &[Warning]) {
    for warning in warnings.iter().filter(|warning| is_journalled(warning)) {
        change.note(Event::new(warning.code, warning.text.as_str()).server(&server.name));
    }
}

/// A completed TLS session: strict from now on.
///
/// A session that teaches nothing new is written down once an hour, not each time: programs that
/// sign on every second would fill the journal with the same line.
pub(crate) fn session(
    context: &Context,
    server: &Server,
    learnt: &Learnt,
) -> Result<(), ConnectError> {
    let standing = context.state.server(&server.name)?;
    let now = context.now().unix_timestamp();
    if standing.lowered.is_none()
        && standing
            .record
            .is_some_and(|before| is_old_news(&before, server, learnt, now))
    {
        return Ok(());
    }
    let mut change = context.state.write(&context.actor, context.now())?;
    complete(&mut change, context, server, learnt)?;
    change.commit()?;
    Ok(())
}

/// The part of a change that makes a server strict after a completed TLS session.
pub(crate) fn complete(
    change: &mut Transaction<'_>,
    context: &Context,
    server: &Server,
    learnt: &Learnt,
) -> Result<(), ConnectError> {
    change.ensure_server(&server.name)?;
    let now = context.now().unix_timestamp();
    let standing = change.server(&server.name);
    let before = standing
        .record
        .unwrap_or_else(|| Record::new(server.name.clone(), now));
    if server.policy.name == Name::Off {
        change.note(Event::new("name-check-off", "by policy").server(&server.name));
    }
    tell(change, server, &learnt.warnings);
    change.put_record(&after(before, server, learnt, now));
    if standing.lowered.is_some() {
        change.end_lowered(&server.name);
    }
    Ok(())
}

fn is_old_news(before: &Record, server: &Server, learnt: &Learnt, now: i64) -> bool {
    // A session without a name check is always worth a line.
    let Some(last) = before
        .last_session
        .filter(|_| server.policy.name != Name::Off)
    else {
        return false;
    };
    let same = after(before.clone(), server, learnt, last) == *before;
    same && (0..HOUR).contains(&now.saturating_sub(last))
        && !learnt.warnings.iter().any(is_journalled)
}

/// The record after a session.
fn after(before: Record, server: &Server, learnt: &Learnt, now: i64) -> Record {
    // What was told inside TLS is not replaced by what anyone could have said, nor that by what
    // the operator declared, which is known anyway.
    let rank = before
        .level
        .as_ref()
        .map_or(0, |level| weight(&level.evidence));
    let told = learnt
        .level
        .filter(|(_, evidence)| weight(evidence.as_str()) >= rank)
        .map(|(level, evidence)| RecordedLevel {
            value: level.to_string(),
            evidence: evidence.as_str().to_owned(),
        });
    Record {
        security: Security::Strict,
        announced: None,
        level: told.or_else(|| before.level.clone()),
        tls_version: Some(learnt.tls_version.to_owned()),
        certificate: Some(learnt.certificate),
        endpoint: Some(server.endpoint()),
        last_session: Some(now),
        answers_inside: learnt.answers_inside || before.answers_inside,
        ..before
    }
}

/// How much a level is worth by where it comes from.
fn weight(evidence: &str) -> u8 {
    if evidence == Evidence::InsideTls.as_str() {
        2
    } else if evidence == Evidence::Announced.as_str() {
        1
    } else {
        0
    }
}

fn is_journalled(warning: &Warning) -> bool {
    JOURNALLED.contains(&warning.code)
}

const HOUR: i64 = 3600;

/// Warnings that the journal keeps.
const JOURNALLED: [&str; 3] = [
    "level-lower-than-recorded",
    "tls-version-fell",
    "address-changed",
];
