//! Copying what one store holds into another: as one transaction, and never with more trust.

mod fit;

use std::collections::HashSet;
use std::sync::Arc;

use anchorhold_boundary::batch::Change;
use anchorhold_boundary::item::{Item, ItemId, Kind};
use anchorhold_state::{Actor, Event, State};
use time::OffsetDateTime;

use crate::certificate::{self, Facts};
use crate::import::commit::{self, Deed, Expected, Work};
use crate::import::label::Labels;
use crate::import::prepare::no_store;
use crate::import::preview::Rows;
use crate::import::settle::COPY;
use crate::import::{ImportError, KnownServer, Outcome};
use crate::kernel::Kernel;
use crate::outline::Outline;
use crate::plan::StoreScope;
use crate::snapshot::{Position, Snapshot, Trust, trust};
use crate::store::Store;
use crate::{CertificateKind, Fingerprint, ScopeTable, ServerName, Servers};

use fit::Fit;

/// What is to be copied.
#[derive(Clone, Debug)]
pub struct CopyRequest {
    /// The store that is copied; it stays as it is.
    pub from: String,
    /// The store that it is copied to; what it holds already stays as it is.
    pub to: String,
    /// Whether everything is looked at and nothing changed.
    pub dry_run: bool,
    /// Who asks.
    pub actor: Actor,
    /// When.
    pub now: OffsetDateTime,
    /// The servers that the operator has, for the preview.
    pub known: Vec<KnownServer>,
}

/// What a copy did, or would do.
#[derive(Clone, Debug)]
pub struct CopyReport {
    /// Each certificate that the other store holds now.
    pub copied: Vec<Copied>,
    /// What did not fit, or is not to be copied.
    pub left_out: Vec<LeftOut>,
    /// The servers that use the other store and not the one that is copied, each with what is in
    /// its scope and in none of its stores before.
    pub gains: Vec<(ServerName, Vec<Fingerprint>)>,
    /// Whether nothing was changed because nothing was to be.
    pub dry_run: bool,
}

/// One certificate in the store that was copied to.
#[derive(Clone, Debug)]
pub struct Copied {
    /// The certificate.
    pub fingerprint: Fingerprint,
    /// Its label in the store that was copied.
    pub before: String,
    /// Its label in the other store.
    pub label: String,
    /// What a person reads about it, where it can be read.
    pub facts: Option<Facts>,
    /// For whom the host's own table lets it vouch: the same as before, whichever store holds it.
    pub servers: Option<Servers>,
    /// Whether it is new there, or was there before.
    pub outcome: Outcome,
    /// What of its trust was left behind.
    pub narrowed: Option<String>,
}

/// Something that was not copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The SHA-256 of the certificate; of anything else, of its bytes.
    pub fingerprint: Fingerprint,
    /// Its label.
    pub label: String,
    /// The word for what it is.
    pub what: &'static str,
    /// Why.
    pub why: String,
}

/// Copies what one store holds into another, reads it back, and records it; all or nothing.
pub fn copy(
    kernel: &Kernel,
    state: &State,
    request: &CopyRequest,
) -> Result<CopyReport, ImportError> {
    if request.dry_run {
        let mut prepared = prepare(kernel, &state.scope()?, request)?;
        commit::check(&mut prepared.work)?;
        return Ok(prepared.report);
    }
    let transaction = state.write(&request.actor, request.now)?;
    let transaction = commit::begin(
        kernel,
        state,
        transaction,
        std::slice::from_ref(&request.to),
    )?;
    let scope = state.scope()?;
    let Prepared { work, report } = prepare(kernel, &scope, request)?;
    let deed = Deed {
        what: COPY,
        scope: &scope,
        rows: &Rows::default(),
        raises: Vec::new(),
        notes: notes(&report, request),
    };
    commit::carry_out(work, deed, state, transaction)?;
    Ok(report)
}

struct Prepared<'k> {
    work: Vec<Work<'k>>,
    report: CopyReport,
}

fn prepare<'k>(
    kernel: &'k Kernel,
    scope: &ScopeTable,
    request: &CopyRequest,
) -> Result<Prepared<'k>, ImportError> {
    let find = |name: &str| kernel.store(name).ok_or_else(|| no_store(kernel, name));
    let (from, to) = (find(&request.from)?, find(&request.to)?);
    check_pair(from, to)?;
    let pair = Pair::look(from, to, scope)?;
    let mut copying = Copying {
        labels: Labels::of(&pair.before),
        fit: Fit::new(to),
        work: Work::new(to, Arc::clone(&pair.before)),
        report: CopyReport {
            copied: Vec::new(),
            left_out: Vec::new(),
            gains: Vec::new(),
            dry_run: request.dry_run,
        },
    };
    let mut seen = HashSet::new();
    for found in pair.source.positions() {
        // What a store holds twice is copied once.
        if seen.insert((found.item.kind, found.fingerprint)) {
            copying.add(&found, &pair)?;
        }
    }
    let mut prepared = copying.finish()?;
    prepared.report.gains = gains(kernel, scope, request, &prepared.report.copied);
    Ok(prepared)
}

/// What servers gain that use the other store and not the one that is copied.
fn gains(
    kernel: &Kernel,
    scope: &ScopeTable,
    request: &CopyRequest,
    copied: &[Copied],
) -> Vec<(ServerName, Vec<Fingerprint>)> {
    let uses = |known: &KnownServer, name: &String| known.stores.contains(name);
    let known = request.known.iter();
    let known = known.filter(|one| uses(one, &request.to) && !uses(one, &request.from));
    let gains = known.map(|server| {
        let stores = server.stores.iter().filter_map(|name| kernel.store(name));
        let held: Vec<_> = stores.filter_map(|store| store.snapshot().ok()).collect();
        let new = copied.iter().filter(|one| {
            one.outcome == Outcome::New
                && scope.covers(&one.fingerprint, &server.name)
                && held
                    .iter()
                    .all(|held| held.certificate(&one.fingerprint).is_none())
        });
        let new = new.map(|one| one.fingerprint);
        (server.name.clone(), new.collect::<Vec<_>>())
    });
    gains.filter(|(_, new)| !new.is_empty()).collect()
}

/// The two stores, as they are before.
struct Pair<'k> {
    from: &'k Store,
    to: &'k Store,
    source: Arc<Snapshot>,
    before: Arc<Snapshot>,
    scope: &'k ScopeTable,
}

/// What is going to be done.
struct Copying<'k> {
    labels: Labels,
    fit: Fit<'k>,
    work: Work<'k>,
    report: CopyReport,
}

impl<'k> Copying<'k> {
    /// Decides on one item.
    fn add(&mut self, found: &Position<'_>, pair: &Pair<'_>) -> Result<(), ImportError> {
        if let Some(why) = pair.refusal(found) {
            self.report
                .left_out
                .push(left_out(found.item, found.fingerprint, why));
            return Ok(());
        }
        if let Some(held) = pair.held(found) {
            let copied = pair.copied(found, &held.label, Outcome::Unchanged, None);
            self.report.copied.push(copied);
            return Ok(());
        }
        match self.fit.fitted(found.item)? {
            Ok((item, narrowed)) => {
                let item = self.anew(item);
                let copied = pair.copied(found, &item.label, Outcome::New, narrowed);
                self.report.copied.push(copied);
                self.work.batch.changes.push(Change::Put(item));
            }
            Err(why) => self
                .report
                .left_out
                .push(left_out(found.item, found.fingerprint, why)),
        }
        Ok(())
    }

    /// The item as one that the other store does not hold yet, with a label that is free there.
    fn anew(&mut self, mut item: Item) -> Item {
        item.id = ItemId::default();
        item.read_only = false;
        if !item.label.is_empty() {
            item.label = self.labels.take(&item.label);
        }
        item
    }

    /// Asks the other store for the last time, and knows what must be read back.
    fn finish(mut self) -> Result<Prepared<'k>, ImportError> {
        for (item, why) in self.fit.sift(&mut self.work.batch)? {
            let fingerprint = certificate::fingerprint(&item.der);
            let mut copied = self.report.copied.iter();
            let at = copied.position(|one| one.fingerprint == fingerprint);
            let mut left_out = left_out(&item, fingerprint, why);
            if let Some(at) = at {
                left_out.label = self.report.copied.remove(at).before;
            }
            self.report.left_out.push(left_out);
        }
        let changes = self.work.batch.changes.iter();
        self.work.expected = changes.filter_map(expected).collect();
        Ok(Prepared {
            work: vec![self.work],
            report: self.report,
        })
    }
}

impl<'k> Pair<'k> {
    fn look(from: &'k Store, to: &'k Store, scope: &'k ScopeTable) -> Result<Self, ImportError> {
        Ok(Self {
            source: from.fresh_snapshot()?,
            before: to.fresh_snapshot()?,
            from,
            to,
            scope,
        })
    }

    /// Why something is not to be copied, whatever the other store can hold.
    fn refusal(&self, found: &Position<'_>) -> Option<String> {
        let item = found.item;
        if item.kind == Kind::PrivateKey {
            return Some("a private key stays in its store".to_owned());
        }
        if item.kind != Kind::Certificate || trust(item) == Trust::Distrust {
            return None;
        }
        if item.trust_unknown {
            return Some(
                "its store marks its trust in a way that is not known, and a copy would be \
                 trusted plainly; once you know what it is, export it and import it"
                    .to_owned(),
            );
        }
        let outline = Outline::read(&item.der).ok();
        let distrusting = [(self.from, &self.source), (self.to, &self.before)];
        let distrusts = |snapshot: &Snapshot| {
            let distrust = snapshot.distrust();
            distrust
                .find(&found.fingerprint, outline.as_ref())
                .is_some()
        };
        if let Some((store, _)) = distrusting.iter().find(|(_, held)| distrusts(held)) {
            return Some(format!("store \"{}\" distrusts it", store.name()));
        }
        // Many stores know certificates that they trust, and no others.
        (trust(item) == Trust::Neutral && !self.only_helps(found)).then(|| {
            "its store does not trust it for servers, and a copy could be; a CA certificate that \
             helps to build paths is imported with --as intermediate"
                .to_owned()
        })
    }

    /// Whether the host's own table says that a certificate helps to build paths, and no store
    /// that is believed says otherwise.
    fn only_helps(&self, found: &Position<'_>) -> bool {
        let row = self.scope.row(&found.fingerprint);
        self.to.plan().scope == StoreScope::Imported
            && row.is_some_and(|row| row.kind == CertificateKind::Intermediate)
    }

    /// The same thing in the other store.
    fn held(&self, found: &Position<'_>) -> Option<&Item> {
        match found.item.kind {
            Kind::Certificate => self.before.certificate(&found.fingerprint),
            kind => {
                let mut items = self.before.items().iter();
                items.find(|item| item.kind == kind && item.der == found.item.der)
            }
        }
    }

    fn copied(
        &self,
        found: &Position<'_>,
        label: &str,
        outcome: Outcome,
        narrowed: Option<String>,
    ) -> Copied {
        let row = self.scope.row(&found.fingerprint);
        Copied {
            fingerprint: found.fingerprint,
            before: found.item.label.clone(),
            label: label.to_owned(),
            facts: Facts::with_fingerprint(&found.item.der, found.fingerprint).ok(),
            servers: row.map(|row| row.servers.clone()),
            outcome,
            narrowed,
        }
    }
}

/// Refuses a pair in which the copy would vouch for servers that the original does not.
fn check_pair(from: &Store, to: &Store) -> Result<(), ImportError> {
    if from.name() == to.name() {
        return Err(ImportError::input(
            format!("store \"{}\" cannot be copied into itself", from.name()),
            "name another store to copy to",
        ));
    }
    let believed = match to.plan().scope {
        StoreScope::Imported => return Ok(()),
        believed if believed == from.plan().scope => return Ok(()),
        StoreScope::Any => "every server that uses it",
        StoreScope::Store => "the servers that it names itself",
    };
    Err(ImportError::input(
        format!(
            "store \"{}\" vouches for {believed}, so that what is copied into it would vouch for \
             more servers than before",
            to.name()
        ),
        "copy into a store without `scope` in its [[store]], or take that out there first",
    ))
}

/// What must be read back of a new item.
fn expected(change: &Change) -> Option<Expected> {
    match change {
        Change::Put(item) if item.kind == Kind::Certificate => Some(Expected::Held {
            fingerprint: certificate::fingerprint(&item.der),
            trusted: matches!(trust(item), Trust::Anchor { .. }),
        }),
        _ => None,
    }
}

fn left_out(item: &Item, fingerprint: Fingerprint, why: String) -> LeftOut {
    LeftOut {
        fingerprint,
        label: item.label.clone(),
        what: word(item),
        why,
    }
}

/// What the journal says of it.
fn notes(report: &CopyReport, request: &CopyRequest) -> Vec<Event> {
    let new = report.copied.iter();
    let new = new.filter(|one| one.outcome == Outcome::New);
    let notes = new.map(|one| {
        let detail = format!("from store \"{}\" as \"{}\"", request.from, one.label);
        let event = Event::new("copied", detail).certificate(one.fingerprint);
        event.store(&request.to)
    });
    notes.collect()
}

/// The word for what an item is.
fn word(item: &Item) -> &'static str {
    match item.kind {
        _ if trust(item) == Trust::Distrust => "distrust",
        Kind::Certificate => "certificate",
        Kind::Crl => "revocation list",
        Kind::PrivateKey => "key",
        _ => "item",
    }
}
