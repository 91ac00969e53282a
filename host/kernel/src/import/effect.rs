//! What a change does to the servers that the operator has: whose verdicts change, and how.

use std::collections::{BTreeSet, HashMap, HashSet};

use anchorhold_boundary::batch::Change;
use anchorhold_boundary::item::{Item, ItemId, Kind};

use crate::certificate::fingerprint;
use crate::import::KnownServer;
use crate::import::commit::Work;
use crate::import::preview::{Rows, ServerChange};
use crate::kernel::Kernel;
use crate::view::{Part, Source, Standing, by_row, standing_by};
use crate::{Fingerprint, ScopeRow, ScopeTable, ServerName};

/// What a change does to each of the servers; those that it leaves alone are left out.
pub(super) fn changes(
    kernel: &Kernel,
    scope: &ScopeTable,
    rows: &Rows,
    work: &[Work<'_>],
    known: &[KnownServer],
) -> Vec<ServerChange> {
    let concerned = concerned(rows, work);
    if concerned.is_empty() {
        return Vec::new();
    }
    let effect = Effect {
        scope,
        rows,
        changed: concerned
            .iter()
            .map(|(of, _)| (*of, scope.row(of), rows.after(scope, of)))
            .collect(),
    };
    let written: HashMap<&str, Written<'_>> = work
        .iter()
        .map(|work| (work.store.name(), Written::of(work)))
        .collect();
    // No store is listed for a server that the change cannot concern.
    let known = known.iter().filter(|known| {
        let mut stores = known.stores.iter();
        effect.names(&known.name)
            || stores.any(|store| {
                written.contains_key(&**store)
                    && kernel.believes_stores(std::slice::from_ref(store))
            })
    });
    let known: Vec<&KnownServer> = known.collect();
    let used: BTreeSet<&String> = known.iter().flat_map(|known| &known.stores).collect();
    let used: Vec<String> = used.into_iter().cloned().collect();
    let parts = kernel.parts(&used, false);
    let places: Vec<Place<'_>> = parts
        .iter()
        .map(|part| Place::new(part, written.get(&*part.store), &concerned))
        .collect();
    let of_server = |known: &KnownServer| {
        let places = places.iter();
        let places = places.filter(|place| known.stores.contains(&place.part.store));
        effect.on(known, &places.collect::<Vec<_>>())
    };
    known.into_iter().filter_map(of_server).collect()
}

/// What the change concerns, each once, with its bytes where they are at hand and it is one of a
/// few.
fn concerned<'w>(rows: &Rows, work: &'w [Work<'_>]) -> Vec<(Fingerprint, Option<&'w [u8]>)> {
    let mut seen = HashSet::new();
    let mut concerned = Vec::new();
    for change in work.iter().flat_map(|work| &work.batch.changes) {
        if let Change::Put(item) = change
            && item.kind == Kind::Certificate
        {
            let digest = fingerprint(&item.der);
            if seen.insert(digest) {
                concerned.push((digest, Some(&*item.der)));
            }
        }
    }
    let gone = work.iter().flat_map(Work::gone);
    for digest in gone.chain(rows.fingerprints()) {
        if seen.insert(digest) {
            concerned.push((digest, None));
        }
    }
    if concerned.len() > FEW {
        concerned.iter_mut().for_each(|(_, der)| *der = None);
    }
    concerned
}

/// What is written to one store.
struct Written<'w> {
    put: HashMap<Fingerprint, &'w Item>,
    removed: HashSet<&'w ItemId>,
}

impl<'w> Written<'w> {
    fn of(work: &'w Work<'_>) -> Self {
        let mut written = Self {
            put: HashMap::new(),
            removed: HashSet::new(),
        };
        for change in &work.batch.changes {
            match change {
                Change::Put(item) => {
                    written.put.insert(fingerprint(&item.der), item);
                }
                Change::Remove(id) => {
                    written.removed.insert(id);
                }
            }
        }
        written
    }
}

/// One store that is used, and what of it the change concerns.
struct Place<'p> {
    part: &'p Part,
    written: Option<&'p Written<'p>>,
    /// What it holds of each, before and after, in the order of what is concerned.
    held: Vec<(Option<&'p Item>, Option<&'p Item>)>,
}

impl<'p> Place<'p> {
    fn new(
        part: &'p Part,
        written: Option<&'p Written<'p>>,
        concerned: &[(Fingerprint, Option<&[u8]>)],
    ) -> Self {
        let held = concerned.iter().map(|(digest, der)| {
            let snapshot = part.source.vouching();
            let before = snapshot.and_then(|snapshot| snapshot.certificate_of(digest, *der));
            let Some(written) = written else {
                return (before, before);
            };
            let stays = before.filter(|item| !written.removed.contains(&item.id));
            (before, written.put.get(digest).copied().or(stays))
        });
        Self {
            held: held.collect(),
            part,
            written,
        }
    }

    /// What an item is to a server. A store that does not answer may hold whatever the table names.
    fn standing(
        &self,
        item: Option<&Item>,
        row: Option<&ScopeRow>,
        server: &ServerName,
    ) -> Standing {
        match (&self.part.source, item) {
            (Source::Down { .. }, None) => row
                .filter(|row| row.servers.contains(server))
                .map(|row| by_row(row.kind, &row.servers))
                .unwrap_or_default(),
            (_, Some(item)) => standing_by(self.part, item, row, Some(server)),
            (_, None) => Standing::default(),
        }
    }
}

/// What is before and after.
struct Effect<'e> {
    scope: &'e ScopeTable,
    rows: &'e Rows,
    /// Each of what is concerned, with its row before and after.
    changed: Vec<(Fingerprint, Option<&'e ScopeRow>, Option<&'e ScopeRow>)>,
}

impl Effect<'_> {
    /// Whether one of the rows, before or after, is for a server.
    fn names(&self, server: &ServerName) -> bool {
        self.changed.iter().any(|(_, before, after)| {
            let mut rows = before.iter().chain(after);
            rows.any(|row| row.servers.contains(server))
        })
    }

    /// What is different for a server that uses these stores; none where nothing is.
    fn on(&self, known: &KnownServer, places: &[&Place<'_>]) -> Option<ServerChange> {
        let server = &known.name;
        let mut change = ServerChange {
            server: server.clone(),
            gains: Vec::new(),
            gains_total: 0,
            loses: Vec::new(),
            loses_total: 0,
            acceptance_stops: false,
            nothing_left: false,
        };
        let (mut vouched, mut vouches) = (false, false);
        for (at, (digest, row_before, row_after)) in self.changed.iter().enumerate() {
            let (mut before, mut after) = (Standing::default(), Standing::default());
            for place in places {
                let (held_before, held_after) = place.held.get(at).copied().unwrap_or_default();
                before = before.or(place.standing(held_before, *row_before, server));
                after = after.or(place.standing(held_after, *row_after, server));
            }
            vouched |= before.vouches() && !after.vouches();
            vouches |= after.vouches();
            match (before.counts(), after.counts()) {
                (false, true) => count(&mut change.gains, &mut change.gains_total, *digest),
                (true, false) => count(&mut change.loses, &mut change.loses_total, *digest),
                // What vouches from now on, or does no longer, is the same as new or gone.
                (true, true) if !before.vouches() && after.vouches() => {
                    count(&mut change.gains, &mut change.gains_total, *digest);
                }
                (true, true) if before.vouches() && !after.vouches() => {
                    count(&mut change.loses, &mut change.loses_total, *digest);
                }
                _ => {}
            }
        }
        if change.gains_total == 0 && change.loses_total == 0 {
            return None;
        }
        change.acceptance_stops =
            known.accepts && change.gains_total > 0 && self.holds_nothing(server, places);
        change.nothing_left = vouched && !vouches && self.vouches_for_nothing(server, places);
        Some(change)
    }

    /// Whether it is certain that nothing was held for the server before.
    fn holds_nothing(&self, server: &ServerName, places: &[&Place<'_>]) -> bool {
        let mut rows = self.scope.rows.values();
        let is_named = rows.any(|row| row.servers.contains(server));
        places.iter().all(|place| {
            let part = place.part;
            let Some(snapshot) = part.source.vouching() else {
                return false;
            };
            let is_held = || {
                (0..snapshot.items().len()).any(|position| {
                    let found = snapshot.at(position);
                    let found = found.filter(|found| found.item.kind == Kind::Certificate);
                    let row = found.and_then(|found| self.scope.row(&found.fingerprint));
                    row.is_some_and(|row| row.servers.contains(server))
                })
            };
            part.source.silence().is_none()
                && part.stands_for_any().is_none()
                && part.told_for(server).is_empty()
                && !(is_named && is_held())
        })
    }

    /// Whether it is certain that nothing is left that vouches: every store has answered, and what
    /// they hold for the server then is intermediates at most.
    fn vouches_for_nothing(&self, server: &ServerName, places: &[&Place<'_>]) -> bool {
        places.iter().all(|place| match &place.part.source {
            Source::Fresh(snapshot) => !snapshot.positions().any(|found| {
                let is_gone = place
                    .written
                    .is_some_and(|written| written.removed.contains(&found.item.id));
                let row = self.rows.after(self.scope, &found.fingerprint);
                !is_gone && standing_by(place.part, found.item, row, Some(server)).vouches()
            }),
            Source::Down { .. } | Source::Stale { .. } => false,
        })
    }
}

fn count(shown: &mut Vec<Fingerprint>, total: &mut usize, one: Fingerprint) {
    *total += 1;
    if shown.len() < SHOWN {
        shown.push(one);
    }
}

/// So many are looked for one by one; more share an index of all.
pub(super) const FEW: usize = 16;
/// So many certificates are named for each server.
const SHOWN: usize = 100;
