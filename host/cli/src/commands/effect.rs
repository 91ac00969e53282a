//! What a change means for the servers that are known.

use anchorhold_api as api;
use anchorhold_kernel::Fingerprint;
use anchorhold_kernel::import::ServerChange;

/// The changes as programs are shown them.
pub(super) fn shown(changes: &[ServerChange]) -> Vec<api::ServerChange> {
    changes.iter().map(one).collect()
}

/// The same of several changes that were made one after the other.
pub(super) fn joined<'a>(
    changes: impl IntoIterator<Item = &'a ServerChange>,
) -> Vec<api::ServerChange> {
    let mut all: Vec<api::ServerChange> = Vec::new();
    for change in changes.into_iter().map(one) {
        match all.iter_mut().find(|known| known.server == change.server) {
            None => all.push(change),
            Some(known) => {
                known.gains.extend(change.gains);
                known.gains_total += change.gains_total;
                known.loses.extend(change.loses);
                known.loses_total += change.loses_total;
                known.acceptance_stops |= change.acceptance_stops;
                known.nothing_left |= change.nothing_left;
            }
        }
    }
    all
}

fn one(change: &ServerChange) -> api::ServerChange {
    let total = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let texts = |of: &[Fingerprint]| of.iter().map(ToString::to_string).collect();
    api::ServerChange {
        server: change.server.to_string(),
        gains: texts(&change.gains),
        gains_total: total(change.gains_total),
        loses: texts(&change.loses),
        loses_total: total(change.loses_total),
        acceptance_stops: change.acceptance_stops,
        nothing_left: change.nothing_left,
    }
}
