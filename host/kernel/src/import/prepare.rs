//! What an import is going to do, worked out before anything is touched.

use std::sync::Arc;

use anchorhold_boundary::batch::Change;
use anchorhold_state::Event;

use crate::import::candidate::{Candidate, candidates};
use crate::import::commit::{Deed, Expected, Work};
use crate::import::effect::{FEW, changes};
use crate::import::item::{changed_item, new_item, read_only};
use crate::import::kind::a;
use crate::import::label::Labels;
use crate::import::looks::Looks;
use crate::import::preview::{Rows, ServerChange};
use crate::import::replacement::replacement;
use crate::import::warning::warnings;
use crate::import::{ImportError, ImportReport, Imported, Outcome, Removed, Request};
use crate::kernel::Kernel;
use crate::snapshot::Snapshot;
use crate::store::Store;
use crate::verdict::sentence;
use crate::{Fingerprint, ScopeTable, Servers};

/// What an import is going to do.
pub(super) struct Prepared<'k> {
    pub(super) work: Vec<Work<'k>>,
    rows: Rows,
    imported: Vec<Imported>,
    replaced: Vec<Removed>,
    changes: Vec<ServerChange>,
    warnings: Vec<String>,
}

/// Refuses what can be refused without looking at a store.
pub(super) fn validate(
    scope: &ScopeTable,
    request: &Request,
    looks: &Looks<'_>,
) -> Result<(), ImportError> {
    candidates(scope, request, looks, &mut Vec::new()).map(|_| ())
}

/// Looks at the whole request, and refuses it where any part of it cannot be.
pub(super) fn prepare<'k>(
    kernel: &'k Kernel,
    scope: &ScopeTable,
    request: &Request,
    looks: &Looks<'_>,
) -> Result<Prepared<'k>, ImportError> {
    let mut odd = Vec::new();
    let candidates = candidates(scope, request, looks, &mut odd)?;
    let mut rows = Rows::default();
    for candidate in candidates.iter().filter(|candidate| !candidate.scoped) {
        rows.put(
            candidate.certificate.facts.fingerprint,
            candidate.row.clone(),
        );
    }
    let replaced = replacement(kernel, scope, request, &mut rows, &mut odd)?;
    let mut prepared = Prepared {
        work: Vec::new(),
        rows,
        imported: Vec::new(),
        replaced: Vec::new(),
        changes: Vec::new(),
        warnings: odd,
    };
    for store in named_stores(kernel, &request.stores)? {
        prepared.add_store(store, &candidates, request, replaced)?;
    }
    prepared
        .warnings
        .extend(warnings(kernel, &candidates, request, replaced));
    prepared.changes = changes(
        kernel,
        scope,
        &prepared.rows,
        &prepared.work,
        &request.known,
    );
    Ok(prepared)
}

impl<'k> Prepared<'k> {
    /// What it is, besides what it does to the stores.
    pub(super) fn deed<'a>(&'a self, scope: &'a ScopeTable, request: &Request) -> Deed<'a> {
        Deed {
            what: match request.replace {
                Some(_) => "replacement",
                None => "import",
            },
            scope,
            rows: &self.rows,
            raises: match (&request.servers, request.strict) {
                (Servers::Named(names), true) => names.iter().cloned().collect(),
                _ => Vec::new(),
            },
            notes: self.notes(),
        }
    }

    /// What the journal says of it.
    fn notes(&self) -> Vec<Event> {
        let changed = self.imported.iter();
        let changed = changed.filter(|one| one.outcome != Outcome::Unchanged);
        let imported = changed.map(|one| {
            let (outcome, kind) = (one.outcome.as_str(), a(one.kind));
            let detail = format!("{outcome} as {kind} \"{}\"", one.label);
            let event = Event::new("imported", detail).certificate(one.fingerprint);
            event.store(&one.store)
        });
        let replaced = self.replaced.iter().map(|one| {
            let detail = format!("\"{}\" was taken out", one.label);
            let event = Event::new("replaced", detail).certificate(one.fingerprint);
            event.store(&one.store)
        });
        imported.chain(replaced).collect()
    }

    pub(super) fn report(self, dry_run: bool) -> ImportReport {
        ImportReport {
            imported: self.imported,
            dry_run,
            replaced: self.replaced,
            changes: self.changes,
            warnings: self
                .warnings
                .iter()
                .map(|warning| sentence(warning))
                .collect(),
        }
    }

    /// Works out what is to be done in one store.
    fn add_store(
        &mut self,
        store: &'k Store,
        candidates: &[Candidate<'_>],
        request: &Request,
        replaced: Option<Fingerprint>,
    ) -> Result<(), ImportError> {
        let before = store.snapshot()?;
        let mut labels = Labels::of(&before);
        let mut work = Work::new(store, Arc::clone(&before));
        let inherited = match replaced {
            Some(old) => self.take_out(&mut work, &mut labels, &before, old)?,
            None => None,
        };
        for candidate in candidates {
            let certificate = candidate.certificate;
            let fingerprint = certificate.facts.fingerprint;
            let der = (candidates.len() <= FEW).then_some(&*certificate.der);
            let held = before.certificate_of(&fingerprint, der);
            let item = match held {
                Some(held) => changed_item(store, &mut labels, candidate, request, held)?,
                None => new_item(store, &mut labels, candidate, request, inherited.as_ref())?,
            };
            let outcome = match held {
                None => Outcome::New,
                Some(held) if *held == item && candidate.scoped => Outcome::Unchanged,
                Some(_) => Outcome::Updated,
            };
            self.imported.push(Imported {
                fingerprint,
                label: item.label.clone(),
                store: store.name().to_owned(),
                kind: candidate.kind,
                servers: candidate.row.servers.clone(),
                outcome,
            });
            work.expected.push(candidate.expected());
            if held != Some(&item) {
                work.batch.changes.push(Change::Put(item));
            }
        }
        self.work.push(work);
        Ok(())
    }

    /// Takes the replaced certificate out of one store; returns its label, which is free then.
    fn take_out(
        &mut self,
        work: &mut Work<'k>,
        labels: &mut Labels,
        before: &Snapshot,
        replaced: Fingerprint,
    ) -> Result<Option<String>, ImportError> {
        let Some(old) = before.certificate(&replaced) else {
            return Ok(None);
        };
        if old.read_only {
            return Err(read_only(work.store, old));
        }
        labels.release(&old.label);
        work.batch.changes.push(Change::Remove(old.id.clone()));
        work.expected.push(Expected::Gone(replaced));
        self.replaced.push(Removed {
            fingerprint: replaced,
            label: old.label.clone(),
            store: work.store.name().to_owned(),
        });
        Ok(Some(old.label.clone()))
    }
}

/// The stores of these names, each once.
fn named_stores<'k>(kernel: &'k Kernel, names: &[String]) -> Result<Vec<&'k Store>, ImportError> {
    let mut stores: Vec<&Store> = Vec::new();
    for name in names {
        let store = kernel.store(name).ok_or_else(|| no_store(kernel, name))?;
        if !stores.iter().any(|known| known.name() == name) {
            stores.push(store);
        }
    }
    if stores.is_empty() {
        return Err(ImportError::input(
            "there is no store to write to",
            "name one with --store; the stores are listed by: anchorhold store list",
        ));
    }
    Ok(stores)
}

/// No store has this name.
pub(super) fn no_store(kernel: &Kernel, name: &str) -> ImportError {
    let known: Vec<_> = kernel.stores().iter().map(|store| store.name()).collect();
    ImportError::input(
        format!("there is no store \"{name}\""),
        format!("the stores are: {}", known.join(", ")),
    )
}
