//! What of one store fits into another, as that one says itself when it is asked to check.

use std::collections::HashMap;

use anchorhold_boundary::batch::{Batch, Change};
use anchorhold_boundary::item::{Decision, Item, ItemId, Kind, Purpose, Rule};
use anchorhold_boundary::status::Status;

use crate::import::ImportError;
use crate::store::{Store, StoreError};

/// What fits into a store.
pub(super) struct Fit<'k> {
    store: &'k Store,
    /// What it said of the first item of each shape.
    known: HashMap<Shape, Result<(), String>>,
}

/// What decides whether an item fits, apart from its bytes.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Shape {
    kind: Kind,
    rules: Vec<Rule>,
    constrained: bool,
}

/// An item as it fits, and what of its trust stays behind; or why it does not fit.
pub(super) type Fitted = Result<(Item, Option<String>), String>;

impl<'k> Fit<'k> {
    pub(super) fn new(store: &'k Store) -> Self {
        Self {
            store,
            known: HashMap::new(),
        }
    }

    /// The item as it fits: as it is, or with the trust for servers alone, which is less.
    pub(super) fn fitted(&mut self, item: &Item) -> Result<Fitted, ImportError> {
        let why = match self.ask(item)? {
            Ok(()) => return Ok(Ok((item.clone(), None))),
            Err(why) => why,
        };
        let Some(narrow) = narrowed(item) else {
            return Ok(Err(why));
        };
        Ok(match self.ask(&narrow)? {
            Ok(()) => {
                let behind = "what its store says of other purposes than servers stays behind";
                Ok((narrow, Some(behind.to_owned())))
            }
            Err(_) => Err(why),
        })
    }

    /// Takes out of a batch what the store refuses, each with the reason.
    pub(super) fn sift(&self, batch: &mut Batch) -> Result<Vec<(Item, String)>, ImportError> {
        let mut refused = Vec::new();
        let mut spans = vec![(0, batch.changes.len())];
        while let Some((start, end)) = spans.pop() {
            let Some(part) = batch
                .changes
                .get(start..end)
                .filter(|part| !part.is_empty())
            else {
                continue;
            };
            let Err(error) = self.check(part.to_vec(), batch.if_generation) else {
                continue;
            };
            let why = of_item(&error).ok_or(ImportError::Store(error))?;
            if end - start == 1 {
                refused.push((start, why));
                // A store that takes nothing at all is said to, and not asked for each.
                if refused.len() > REFUSED_MAX {
                    self.check(batch.changes.clone(), batch.if_generation)?;
                }
                continue;
            }
            let middle = start + (end - start) / 2;
            spans.extend([(start, middle), (middle, end)]);
        }
        refused.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        let taken = refused
            .into_iter()
            .filter_map(|(at, why)| match batch.changes.remove(at) {
                Change::Put(item) => Some((item, why)),
                Change::Remove(_) => None,
            });
        Ok(taken.collect())
    }

    fn ask(&mut self, item: &Item) -> Result<Result<(), String>, ImportError> {
        let shape = Shape {
            kind: item.kind,
            rules: item.rules.clone(),
            constrained: !item.name_constraints.is_empty(),
        };
        if shape.is_plain() {
            return Ok(Ok(()));
        }
        if let Some(known) = self.known.get(&shape) {
            return Ok(known.clone());
        }
        let mut asked = item.clone();
        asked.id = ItemId::default();
        asked.label = String::new();
        let answer = match self.check(vec![Change::Put(asked)], 0) {
            Ok(()) => Ok(()),
            Err(error) => Err(of_item(&error).ok_or(ImportError::Store(error))?),
        };
        self.known.insert(shape, answer.clone());
        Ok(answer)
    }

    fn check(&self, changes: Vec<Change>, if_generation: u64) -> Result<(), StoreError> {
        let batch = Batch {
            changes,
            check_only: true,
            if_generation,
        };
        self.store.apply(&batch).map(drop)
    }
}

impl Shape {
    /// Whether every store that can be written to holds such an item.
    fn is_plain(&self) -> bool {
        let plain = Rule {
            purpose: Purpose::Server,
            decision: Decision::Anchor,
            issued_before: 0,
        };
        self.kind == Kind::Certificate
            && !self.constrained
            && self.rules.iter().all(|rule| *rule == plain)
    }
}

/// The same item with what is said of servers alone, where that is no more trust than before.
fn narrowed(item: &Item) -> Option<Item> {
    let rules = item.rules.iter();
    let mut distrusts = rules.filter(|rule| rule.decision == Decision::Distrust);
    if item.kind != Kind::Certificate || distrusts.next().is_some() {
        return None;
    }
    let mut narrow = item.clone();
    narrow
        .rules
        .retain(|rule| matches!(rule.purpose, Purpose::Any | Purpose::Server));
    (narrow.rules.len() < item.rules.len()).then_some(narrow)
}

/// Why a store refuses an item, where it is about the item and not about the store.
fn of_item(error: &StoreError) -> Option<String> {
    match error.status()? {
        Status::AlreadyExists
        | Status::InvalidArgument
        | Status::Limit
        | Status::Malformed
        | Status::Unsupported => Some(error.kind().to_string()),
        _ => None,
    }
}

/// So many single items are taken out of a copy; a store that refuses more refuses the copy.
const REFUSED_MAX: usize = 100;
