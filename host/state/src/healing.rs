//! What a write does first where something is lost.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;

use crate::commit::Commit;
use crate::condition::Condition;
use crate::directory::Directory;
use crate::error::StateError;
use crate::incident::StoreChange;
use crate::journal::{Actor, Event, Place};
use crate::ledger::{IntentChange, Kept, Next, UndertakingChange};
use crate::picture::{Picture, SCOPE_REMOVED};

/// The journal's word for it.
pub(crate) const LEDGER_LOST: &str = "ledger-lost";

/// Makes every known server strict and lost, so that ledger and journal can be believed again.
///
/// No leave, no intent and no undertaking survives, because a copy from before may give back what
/// was taken away.
/// What is damaged is kept under another name.
pub(crate) fn heal(
    directory: &Directory,
    picture: &Picture,
    actor: &Actor,
    now: OffsetDateTime,
) -> Result<(), StateError> {
    let Condition::Lost { why } = &picture.condition else {
        return Ok(());
    };
    let remains = &picture.remains;
    let before = picture.ledger.as_ref().map(|ledger| ledger.position);

    let servers: BTreeMap<_, _> = remains
        .known
        .iter()
        .map(|(server, record)| {
            (
                server.clone(),
                Kept {
                    record: record.clone(),
                    lost: true,
                    lowered: None,
                },
            )
        })
        .collect();
    let touched: BTreeSet<_> = servers.keys().cloned().collect();
    let scope: BTreeMap<_, _> = remains.stale.iter().map(|of| (*of, None)).collect();
    let number = remains.ledger.saturating_add(1);
    Commit {
        actor,
        now,
        before,
        number,
        epoch: number,
        blind: remains.blind,
        place: place(picture),
        tail: picture.tail.as_ref(),
        servers: &servers,
        touched: &touched,
        scope: &scope,
        intents: vec![IntentChange::EndAll],
        undertakings: vec![UndertakingChange::EndAll],
        stores: stores(picture),
        events: &events(picture, why),
        next: Next::Sometime,
    }
    .run(directory)
}

/// What only the journal tells of stores. A ledger that can be read keeps its rows.
fn stores(picture: &Picture) -> Vec<StoreChange> {
    let newer = picture.newer_incidents();
    let quarantines = newer.quarantines.into_values();
    let attempts = newer.attempts.into_iter();
    quarantines
        .map(StoreChange::Quarantined)
        .chain(attempts.map(StoreChange::Refused))
        .collect()
}

/// Where the journal goes on; `None` where it cannot, and a new one has to begin.
fn place(picture: &Picture) -> Option<Place> {
    if let (Some(tail), Some(ledger)) = (&picture.tail, &picture.ledger)
        && tail.last().is_some()
    {
        return Some(ledger.position.journal);
    }
    picture.remains.place
}

fn events(picture: &Picture, why: &str) -> Vec<Event> {
    let remains = &picture.remains;
    let mut general = why.to_owned();
    if remains.blind {
        general.push_str(
            "; nobody can tell which servers were known, so that each without a record is \
             strict until it is lowered",
        );
    }
    let mut events = vec![Event::new(LEDGER_LOST, general)];
    events.extend(remains.stale.iter().map(|of| {
        let detail = "the ledger was older than the last change of this scope";
        Event::new(SCOPE_REMOVED, detail).certificate(*of)
    }));
    events.extend(
        remains
            .known
            .keys()
            .map(|server| Event::new(LEDGER_LOST, "strict until it is lowered").server(server)),
    );
    events
}
