//! Taking a certificate's scope away, and the certificate out when nobody is left.

use std::collections::BTreeSet;
use std::sync::Arc;

use anchorhold_boundary::batch::Change;
use anchorhold_state::{Actor, Event, State};
use time::OffsetDateTime;

use crate::import::commit::{self, Deed, Expected, Work};
use crate::import::effect::changes;
use crate::import::prepare::no_store;
use crate::import::preview::Rows;
use crate::import::replacement::{not_scoped, without};
use crate::import::{ImportError, KnownServer, ServerChange};
use crate::kernel::Kernel;
use crate::verdict::sentence;
use crate::{Fingerprint, ScopeRow, ScopeTable, ServerName, Servers};

/// What is to be removed.
#[derive(Clone, Debug)]
pub struct RemovalRequest {
    /// The certificate.
    pub fingerprint: Fingerprint,
    /// The servers that it stops vouching for; none is all of them.
    pub servers: Option<BTreeSet<ServerName>>,
    /// The stores that it goes out of when nobody is left; none is all of them.
    pub stores: Option<Vec<String>>,
    /// Whether everything is looked at and nothing changed.
    pub dry_run: bool,
    /// Who asks.
    pub actor: Actor,
    /// When.
    pub now: OffsetDateTime,
    /// The servers that the operator has, for the preview.
    pub known: Vec<KnownServer>,
}

/// What a removal did, or would do.
#[derive(Clone, Debug)]
pub struct RemovalReport {
    /// The stores that the certificate was taken out of.
    pub removed: Vec<Removed>,
    /// For whom it still vouches.
    pub left: Option<ScopeRow>,
    /// The servers for which something changes.
    pub changes: Vec<ServerChange>,
    /// Whether nothing was changed because nothing was to be.
    pub dry_run: bool,
    /// What the operator should know.
    pub warnings: Vec<String>,
}

/// One certificate that was taken out of one store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// The certificate.
    pub fingerprint: Fingerprint,
    /// Its label there.
    pub label: String,
    /// The store.
    pub store: String,
}

/// Takes the scope away, and the certificate out of its stores when nobody is left.
pub fn remove(
    kernel: &Kernel,
    state: &State,
    request: &RemovalRequest,
) -> Result<RemovalReport, ImportError> {
    if request.dry_run {
        let mut prepared = prepare(kernel, &state.scope()?, request)?;
        commit::check(&mut prepared.work)?;
        return Ok(prepared.report);
    }
    let transaction = state.write(&request.actor, request.now)?;
    let transaction = commit::begin(kernel, state, transaction, &names(kernel, request))?;
    let scope = state.scope()?;
    let Prepared { work, rows, report } = prepare(kernel, &scope, request)?;
    let notes = report.removed.iter().map(|removed| {
        Event::new("removed", format!("\"{}\" was taken out", removed.label))
            .certificate(removed.fingerprint)
            .store(&removed.store)
    });
    let deed = Deed {
        what: "removal",
        scope: &scope,
        rows: &rows,
        raises: Vec::new(),
        notes: notes.collect(),
    };
    commit::carry_out(work, deed, state, transaction)?;
    Ok(report)
}

struct Prepared<'k> {
    work: Vec<Work<'k>>,
    rows: Rows,
    report: RemovalReport,
}

fn prepare<'k>(
    kernel: &'k Kernel,
    scope: &ScopeTable,
    request: &RemovalRequest,
) -> Result<Prepared<'k>, ImportError> {
    let row = scope.row(&request.fingerprint);
    let mut report = RemovalReport {
        removed: Vec::new(),
        left: left(row, request)?,
        changes: Vec::new(),
        dry_run: request.dry_run,
        warnings: Vec::new(),
    };
    let (work, held_on) = take_out(find(kernel, request)?, request.fingerprint, &mut report);
    if row.is_none() && work.is_empty() && !held_on {
        return Err(ImportError::NotHeld {
            fingerprint: request.fingerprint,
            stores: names(kernel, request),
        });
    }
    // A certificate that only left some of its stores still vouches from the others.
    let stays = held_on && request.stores.is_some() && request.servers.is_none();
    if stays {
        report.left = row.cloned();
    }
    let mut rows = Rows::default();
    match (row, &report.left) {
        (_, Some(left)) if row != Some(left) => rows.put(request.fingerprint, left.clone()),
        (Some(_), None) => rows.remove(request.fingerprint),
        _ => {}
    }
    report.changes = changes(kernel, scope, &rows, &work, &request.known);
    Ok(Prepared { work, rows, report })
}

/// The work that takes the certificate out of its stores, where nobody is left; and whether a
/// store goes on holding it.
fn take_out<'k>(
    found: Vec<Holding<'k>>,
    fingerprint: Fingerprint,
    report: &mut RemovalReport,
) -> (Vec<Work<'k>>, bool) {
    let (mut work, mut held_on) = (Vec::new(), false);
    for one in found {
        let goes = report.left.is_none() && one.wanted;
        match goes.then(|| one.work(fingerprint, report)).flatten() {
            Some(one) => work.push(one),
            None => held_on = true,
        }
    }
    (work, held_on)
}

/// The row that is left; none where nobody is.
fn left(row: Option<&ScopeRow>, request: &RemovalRequest) -> Result<Option<ScopeRow>, ImportError> {
    let (Some(row), Some(names)) = (row, &request.servers) else {
        return match (&request.servers, row) {
            (Some(names), None) => Err(not_scoped(request.fingerprint, names, None)),
            _ => Ok(None),
        };
    };
    let known = match &row.servers {
        Servers::Any => {
            return Err(ImportError::input(
                format!(
                    "{} vouches for any server, not for single ones",
                    request.fingerprint
                ),
                format!(
                    "remove it for all: anchorhold remove {} --all",
                    request.fingerprint
                ),
            ));
        }
        Servers::Named(known) => known,
    };
    if let Some(stranger) = names.iter().find(|name| !known.contains(*name)) {
        let strangers = BTreeSet::from([stranger.clone()]);
        return Err(not_scoped(request.fingerprint, &strangers, Some(known)));
    }
    let left = without(&row.servers, &Servers::Named(names.clone()));
    Ok(left.map(|servers| ScopeRow {
        kind: row.kind,
        servers,
    }))
}

/// A store that holds the certificate.
struct Holding<'k> {
    store: &'k crate::store::Store,
    before: Arc<crate::snapshot::Snapshot>,
    /// Whether the certificate may go out of it.
    wanted: bool,
}

impl<'k> Holding<'k> {
    /// The work that takes the certificate out; none, with a warning, where it cannot be.
    fn work(self, fingerprint: Fingerprint, report: &mut RemovalReport) -> Option<Work<'k>> {
        let mut work = Work::new(self.store, Arc::clone(&self.before));
        for found in self.before.certificates(&fingerprint) {
            if found.item.read_only || !self.store.writable() {
                report.warnings.push(sentence(&format!(
                    "store \"{}\" does not let \"{}\" be taken out; without a scope it vouches \
                     for nothing",
                    self.store.name(),
                    found.item.label
                )));
                return None;
            }
            work.batch
                .changes
                .push(Change::Remove(found.item.id.clone()));
            report.removed.push(Removed {
                fingerprint,
                label: found.item.label.clone(),
                store: self.store.name().to_owned(),
            });
        }
        work.expected.push(Expected::Gone(fingerprint));
        Some(work)
    }
}

/// The stores that hold the certificate; one that does not answer ends it, if it is meant.
fn find<'k>(kernel: &'k Kernel, request: &RemovalRequest) -> Result<Vec<Holding<'k>>, ImportError> {
    for name in request.stores.iter().flatten() {
        if kernel.store(name).is_none() {
            return Err(no_store(kernel, name));
        }
    }
    let mut found = Vec::new();
    for store in kernel.stores() {
        let wanted = request
            .stores
            .as_ref()
            .is_none_or(|names| names.iter().any(|n| n == store.name()));
        let before = match store.fresh_snapshot() {
            Ok(before) => before,
            Err(error) if wanted => return Err(ImportError::Store(error)),
            Err(_) => continue,
        };
        if before.certificate(&request.fingerprint).is_some() {
            found.push(Holding {
                store,
                before,
                wanted,
            });
        }
    }
    Ok(found)
}

fn names(kernel: &Kernel, request: &RemovalRequest) -> Vec<String> {
    request.stores.clone().unwrap_or_else(|| {
        kernel
            .stores()
            .iter()
            .map(|store| store.name().to_owned())
            .collect()
    })
}
