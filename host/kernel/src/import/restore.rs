//! How a store stands to an undertaking, and making it as it was before.

use std::collections::HashMap;

use anchorhold_boundary::batch::{Batch, Change};
use anchorhold_boundary::item::{Item, ItemId, Kind};
use anchorhold_state::{ItemChange, StorePart};

use crate::Fingerprint;
use crate::certificate::fingerprint;
use crate::import::image::{self, Role, Wanted};
use crate::snapshot::{Snapshot, Trust, trust};
use crate::store::{Store, StoreError, StoreErrorKind};

/// Whose work what is found in a store must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Care {
    /// It can only be ours: it was done just now.
    Ours,
    /// Others may have changed the store since. What is neither as it was before nor as it was to
    /// be is theirs, and stays.
    Foreign,
}

/// How an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stand {
    /// As it was to be.
    After,
    /// As it was before.
    Before,
    /// Otherwise.
    Other,
}

/// What an undertaking does to one item, as it was written down.
#[derive(Debug)]
struct Meant {
    fingerprint: Fingerprint,
    kind: Kind,
    before: Option<Item>,
    after: Option<Wanted>,
}

impl Meant {
    /// Reads it; what cannot be read was written by a newer release, or nobody.
    fn read(change: &ItemChange) -> Option<Self> {
        let before = match &change.before {
            Some(bytes) => Some(image::read(bytes)?),
            None => None,
        };
        let after = match &change.after {
            Some(bytes) => Some(Wanted::read(bytes)?),
            None => None,
        };
        Some(Self {
            fingerprint: change.fingerprint,
            kind: match (&before, &after) {
                (Some(item), _) => item.kind,
                (None, wanted) => wanted.as_ref()?.kind,
            },
            before,
            after,
        })
    }

    /// How it stands, where the store holds these of it now.
    fn stand(&self, now: &[&Item]) -> Stand {
        let is_before = match &self.before {
            None => now.is_empty(),
            Some(before) => now.iter().any(|item| is_same(before, item)),
        };
        if is_before {
            return Stand::Before;
        }
        let is_after = match &self.after {
            None => now.is_empty(),
            Some(wanted) => now.iter().any(|item| serves(wanted, item)),
        };
        match is_after {
            true => Stand::After,
            false => Stand::Other,
        }
    }

    /// Whether what is there now, and is not as before, may be somebody else's. A store may write a
    /// label its own way, and then it is not touched either.
    fn may_be_foreign(&self, now: &[&Item]) -> bool {
        let label = self
            .after
            .as_ref()
            .map(|wanted| wanted.label.to_lowercase());
        self.stand(now) == Stand::Other
            || now
                .iter()
                .any(|item| Some(item.label.to_lowercase()) != label)
    }

    /// What makes it as it was.
    fn changes(&self, now: &[&Item]) -> Vec<Change> {
        match &self.before {
            None => now
                .iter()
                .map(|item| Change::Remove(item.id.clone()))
                .collect(),
            Some(before) => {
                let id = now
                    .first()
                    .map_or_else(ItemId::default, |item| item.id.clone());
                vec![Change::Put(Item {
                    id,
                    ..before.clone()
                })]
            }
        }
    }
}

/// Whether an item is as it was, as far as anything depends on it.
fn is_same(before: &Item, now: &Item) -> bool {
    before.label == now.label
        && before.rules == now.rules
        && before.scope == now.scope
        && before.name_constraints == now.name_constraints
        && before.trust_unknown == now.trust_unknown
}

/// Whether an item is good for what it was put there for.
fn serves(wanted: &Wanted, now: &Item) -> bool {
    match wanted.role {
        Role::Anchor => matches!(trust(now), Trust::Anchor { .. }),
        Role::Distrust => trust(now) == Trust::Distrust,
        Role::Help => true,
    }
}

/// What a store holds of the items that an undertaking concerns.
struct Held<'s> {
    snapshot: &'s Snapshot,
    /// What is no certificate, and has no index of its own.
    others: HashMap<Fingerprint, Vec<&'s Item>>,
}

impl<'s> Held<'s> {
    fn new(snapshot: &'s Snapshot, meant: &[Meant]) -> Self {
        let mut others: HashMap<_, Vec<_>> = HashMap::new();
        if meant.iter().any(|meant| meant.kind != Kind::Certificate) {
            let items = snapshot.items().iter();
            for item in items.filter(|item| item.kind != Kind::Certificate) {
                others.entry(fingerprint(&item.der)).or_default().push(item);
            }
        }
        Self { snapshot, others }
    }

    fn of(&self, meant: &Meant) -> Vec<&'s Item> {
        if meant.kind == Kind::Certificate {
            let found = self.snapshot.certificates(&meant.fingerprint);
            return found.map(|found| found.item).collect();
        }
        let of_all = self.others.get(&meant.fingerprint).into_iter().flatten();
        of_all
            .filter(|item| item.kind == meant.kind)
            .copied()
            .collect()
    }
}

/// How the items of one store stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// How many are as they were to be.
    pub(super) after: usize,
    /// How many are as they were before.
    pub(super) before: usize,
    /// Those that are neither.
    pub(super) others: Vec<Fingerprint>,
}

impl Standing {
    /// Whether every one is as it was to be.
    pub(super) fn is_complete(&self) -> bool {
        self.before == 0 && self.others.is_empty()
    }
}

/// How a store stands to its part of an undertaking; none where that cannot be read.
pub(super) fn look(part: &StorePart, now: &Snapshot) -> Option<Standing> {
    let meant = read(part)?;
    let held = Held::new(now, &meant);
    let mut standing = Standing::default();
    for meant in &meant {
        match meant.stand(&held.of(meant)) {
            Stand::After => standing.after += 1,
            Stand::Before => standing.before += 1,
            Stand::Other => standing.others.push(meant.fingerprint),
        }
    }
    Some(standing)
}

/// Makes what a part of an undertaking concerns as it was before, whatever became of it; returns
/// what was left alone, because somebody else changed it.
pub(super) fn restore(
    store: &Store,
    part: &StorePart,
    care: Care,
) -> Result<Vec<Fingerprint>, StoreError> {
    let meant = read(part).ok_or_else(|| {
        let what = "what the ledger has of it was written by a newer release".to_owned();
        store.error(StoreErrorKind::NotReadBack { what })
    })?;
    let now = store.fresh_snapshot()?;
    let held = Held::new(&now, &meant);
    let (mut changes, mut ours, mut foreign) = (Vec::new(), Vec::new(), Vec::new());
    for meant in &meant {
        let now = held.of(meant);
        if meant.stand(&now) == Stand::Before {
            continue;
        }
        if care == Care::Foreign && meant.may_be_foreign(&now) {
            foreign.push(meant.fingerprint);
            continue;
        }
        changes.extend(meant.changes(&now));
        ours.push(meant);
    }
    if changes.is_empty() {
        return Ok(foreign);
    }
    // What is taken out makes room for labels that are put back.
    changes.sort_by_key(|change| matches!(change, Change::Put(_)));
    let applied = store.apply(&Batch {
        changes,
        ..Batch::default()
    });
    // Whatever it answered, only a listing tells.
    let now = store.fresh_snapshot()?;
    let held = Held::new(&now, &meant);
    let mut left = ours.into_iter();
    match left.find(|meant| meant.stand(&held.of(meant)) != Stand::Before) {
        None => Ok(foreign),
        Some(left) => Err(applied.err().unwrap_or_else(|| {
            let what = format!("{} is not as it was before", left.fingerprint);
            store.error(StoreErrorKind::NotReadBack { what })
        })),
    }
}

fn read(part: &StorePart) -> Option<Vec<Meant>> {
    part.items.iter().map(Meant::read).collect()
}
