//! A store: one configured instance of a plugin, its health and its last good snapshot.

mod answers;
mod background;
mod certificate;
mod condition;
mod error;
mod instance;
mod key_pair;
mod lock;
mod opener;
mod reload;
mod supervision;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use anchorhold_boundary::batch::{Batch, Outcome};
use anchorhold_boundary::confinement::Place;
use anchorhold_boundary::health::HealthState;
use anchorhold_boundary::manifest::{Manifest, SettingKind};
use anchorhold_boundary::services::LogSink;
use anchorhold_boundary::table::{CallLimits, Listing};

use crate::clock::Clock;
use crate::incidents::Incidents;
use crate::options::KernelOptions;
use crate::plan::StorePlan;
use crate::registry::Registry;
use crate::snapshot::Snapshot;
use crate::store::answers::{Answers, Whom};
use crate::store::background::Background;
use crate::store::instance::{Failed, Instance};
use crate::store::opener::Opener;
use crate::store::supervision::Supervision;
use crate::view::{Part, PartScope, Source};

pub use error::{StoreError, StoreErrorKind};
pub use key_pair::{KeyPair, KeyPairError, Unlocking};

/// One configured instance of a plugin; one that cannot be opened is failed, not missing.
///
/// Its plugin is started when it is first needed, and again after it crashed. Locks are taken in
/// the order of the fields, and only those of the first two are held while something is waited
/// for.
pub struct Store {
    plan: StorePlan,
    opener: Opener,
    answers: Arc<Answers>,
    incidents: Arc<dyn Incidents>,
    log: LogSink,
    clock: Clock,
    /// Held while the store is listed, so that it is listed once for all who wait.
    listing: Mutex<()>,
    /// Held while the plugin is started.
    starting: Mutex<()>,
    last: Mutex<Option<Listed>>,
    current: Mutex<Option<Arc<Instance>>>,
    supervision: Mutex<Supervision>,
    failed: Mutex<Option<Failed>>,
    /// How many changes were heard of, or made here.
    changes: AtomicU64,
    /// The number of the last one that was made here.
    changed_here: AtomicU64,
    background: Background,
    /// Itself, for the thread of a listing that goes on beside what asks.
    me: Weak<Self>,
}

/// When a listing was begun. What changes after that, it may or may not have seen.
#[derive(Clone, Copy, Debug)]
struct Begun {
    at: Duration,
    /// The changes until then.
    changes: u64,
}

/// The last listing that succeeded.
#[derive(Clone, Debug)]
struct Listed {
    snapshot: Arc<Snapshot>,
    begun: Begun,
    /// The version of the plugin that it came from.
    version: String,
}

impl Store {
    pub(crate) fn open(
        plan: StorePlan,
        registry: &Registry,
        options: &Arc<KernelOptions>,
    ) -> Arc<Self> {
        let person = options.prompters.as_ref().map(|make| make(&plan));
        let incidents = Arc::clone(&options.incidents);
        let answers = Answers::new(&plan.name, &plan.secrets, person, Arc::clone(&incidents));
        let answers = Arc::new(answers);
        Arc::new_cyclic(|me| Self {
            opener: Opener::new(&plan, registry, options, Arc::clone(&answers)),
            plan,
            answers,
            incidents,
            log: Arc::clone(&options.log),
            clock: options.clock.clone(),
            listing: Mutex::default(),
            starting: Mutex::default(),
            last: Mutex::default(),
            current: Mutex::default(),
            supervision: Mutex::default(),
            failed: Mutex::default(),
            changes: AtomicU64::new(0),
            changed_here: AtomicU64::new(0),
            background: Background::default(),
            me: me.clone(),
        })
    }

    /// What other places call it.
    pub fn name(&self) -> &str {
        &self.plan.name
    }

    /// The id of its plugin.
    pub fn plugin_id(&self) -> &str {
        &self.plan.plugin
    }

    /// The version of its plugin; empty where that is not known, since it never answered.
    pub fn version(&self) -> String {
        if let Some(plugin) = self.opener.builtin() {
            return plugin.version().to_owned();
        }
        if let Some(instance) = &*self.current() {
            return instance.opened.store.identity().version.clone();
        }
        let last = self.last();
        last.as_ref()
            .map(|last| last.version.clone())
            .unwrap_or_default()
    }

    /// What the operator meant.
    pub fn plan(&self) -> &StorePlan {
        &self.plan
    }

    /// Where its plugin runs.
    pub fn place(&self) -> Place {
        self.opener.place(&self.plan)
    }

    /// The process that its plugin runs in, where one runs that is not this one.
    pub fn process(&self) -> Option<u32> {
        self.running()?.opened.process
    }

    /// What its plugin says of itself; a library that does not answer says nothing.
    pub fn manifest(&self) -> Option<Arc<Manifest>> {
        match self.opener.builtin() {
            Some(plugin) => Some(Arc::new(plugin.manifest().clone())),
            None => Some(Arc::clone(&self.instance().ok()?.opened.manifest)),
        }
    }

    /// Whether it can be written to now.
    pub fn writable(&self) -> bool {
        let health = self.health();
        health.answers() && health.writable
    }

    /// Whether it keeps its items in a file whose path the operator sets, and can be written to.
    pub fn is_file_store(&self) -> bool {
        self.manifest().is_some_and(|manifest| {
            let path = manifest.settings.get("path");
            path.is_some_and(|path| path.kind == SettingKind::Path) && self.can_write()
        })
    }

    /// What it holds; listed again only where it changed, or may have.
    pub fn snapshot(&self) -> Result<Arc<Snapshot>, StoreError> {
        if let Some(known) = self.known() {
            return Ok(known);
        }
        let _turn = self.turn();
        // Whoever listed while this one waited has listed for both.
        match self.known() {
            Some(known) => Ok(known),
            None => self.late().map_or_else(|| self.list(), Err),
        }
    }

    /// What it holds, listed now whatever it says of itself.
    pub fn fresh_snapshot(&self) -> Result<Arc<Snapshot>, StoreError> {
        let asked = self.clock.now();
        let _turn = self.turn();
        let waited = self.clock.now().saturating_sub(asked);
        // Whoever had the turn has waited as long as this one may, for a store that still does not
        // answer.
        let late = || self.late().filter(|_| waited >= self.plan.timeout);
        late().map_or_else(|| self.list(), Err)
    }

    /// The last snapshot that could be had, and how old it is.
    pub fn last_snapshot(&self) -> Option<(Arc<Snapshot>, Duration)> {
        let last = self.last().clone()?;
        Some((last.snapshot, self.age(last.begun)))
    }

    /// Makes changes in order; nothing is undone where one of them fails.
    pub fn apply(&self, batch: &Batch) -> Result<Vec<Outcome>, StoreError> {
        let instance = self.instance().map_err(|kind| self.error(kind))?;
        let store = &instance.opened.store;
        if !store.identity().can_write {
            return Err(self.error(StoreErrorKind::NotWritable));
        }
        let asks = store.last_health().is_ok_and(|health| health.asks_write);
        let limits = match asks {
            true => lock::asking(self.person_waits()),
            false => CallLimits::within(self.plan.timeout),
        };
        // What a person logs in as for a change must not end what the running plugin is logged in
        // as: the change is made in a process of its own, which ends with it.
        let instance = match asks && self.is_apart() && !batch.check_only {
            true => {
                let _turn = self.start_turn();
                self.start().map_err(|kind| self.error(kind))?
            }
            false => instance,
        };
        let apply = || {
            self.call(&instance, |store| {
                store.apply(batch, &limits).map_err(|error| error.error)
            })
        };
        let result = match asks {
            true => self.answers.during(Whom::Anybody, apply),
            false => apply(),
        };
        if !batch.check_only {
            self.outdate();
        }
        result.map_err(|error| self.error(StoreErrorKind::Call(error)))
    }

    /// Whether its plugin can write, whatever this store can just now.
    pub(crate) fn can_write(&self) -> bool {
        match self.opener.builtin() {
            Some(plugin) => plugin.can_write(),
            None => self
                .instance()
                .is_ok_and(|instance| instance.opened.store.identity().can_write),
        }
    }

    /// Whether a batch of changes to it happens whole or not at all; one that does not answer says
    /// no.
    pub(crate) fn writes_whole(&self) -> bool {
        match self.opener.builtin() {
            Some(plugin) => plugin.writes_whole(),
            None => self
                .instance()
                .is_ok_and(|instance| instance.opened.store.identity().writes_whole),
        }
    }

    /// What was listed, or is being listed, is not what the store holds, or may not be, as it was
    /// changed here.
    pub(crate) fn outdate(&self) {
        let before = self.changes.fetch_add(1, Ordering::AcqRel);
        self.changed_here.fetch_max(before + 1, Ordering::AcqRel);
    }

    /// A listing begins.
    fn begin(&self) -> Begun {
        Begun {
            at: self.clock.now(),
            changes: self.changes.load(Ordering::Acquire),
        }
    }

    fn age(&self, begun: Begun) -> Duration {
        self.clock.now().saturating_sub(begun.at)
    }

    /// The store as one part of a server's view.
    pub(crate) fn part(&self, fresh: bool) -> Part {
        let listed = if fresh {
            self.fresh_snapshot()
        } else if let Some(source) = self.meanwhile() {
            return self.part_of(source);
        } else {
            self.snapshot()
        };
        self.part_of(match listed {
            Ok(snapshot) => Source::Fresh(snapshot),
            Err(error) => self.fallen_back(&error),
        })
    }

    fn part_of(&self, source: Source) -> Part {
        Part {
            store: self.plan.name.clone(),
            plugin: self.plan.plugin.clone(),
            version: self.version(),
            critical: self.plan.critical,
            scope: PartScope::Configured(self.plan.scope),
            source,
        }
    }

    /// What still counts of a store that cannot be listed.
    fn fallen_back(&self, error: &StoreError) -> Source {
        let why = error.kind().to_string();
        match self.last_snapshot() {
            Some((last, age)) if age <= self.plan.stale_ok && !self.plan.stale_ok.is_zero() => {
                Source::Stale { last, age, why }
            }
            last => Source::Down {
                last: last.map(|(snapshot, _)| snapshot),
                why,
            },
        }
    }

    /// The last snapshot, if it is certainly what the store holds. Nothing is waited for.
    pub(crate) fn known(&self) -> Option<Arc<Snapshot>> {
        let instance = self.running()?;
        let store = &instance.opened.store;
        if store.changed() {
            self.changes.fetch_add(1, Ordering::AcqRel);
        }
        let health = store.last_health().ok()?;
        let last = self.last();
        let last = last.as_ref()?;
        let answers = matches!(health.state, HealthState::Ready | HealthState::Degraded);
        let same = health.generation != 0 && health.generation == last.snapshot.generation();
        let outdated = last.begun.changes != self.changes.load(Ordering::Acquire);
        let due = !health.watching && self.age(last.begun) >= self.plan.refresh;
        (answers && same && !outdated && !due).then(|| Arc::clone(&last.snapshot))
    }

    /// Lists the store; the last good snapshot is kept where that fails. The caller has the turn.
    fn list(&self) -> Result<Arc<Snapshot>, StoreError> {
        let instance = self.instance().map_err(|kind| self.error(kind))?;
        let begun = self.begin();
        let listing = self.list_unlocked(&instance);
        self.note_listing(&instance, listing.as_ref().err());
        let listing = listing.map_err(|error| self.error(StoreErrorKind::Call(error)))?;
        Ok(note(&mut self.last(), &instance, listing, begun))
    }

    /// The one place where a store's name is added to an error.
    pub(crate) fn error(&self, kind: StoreErrorKind) -> StoreError {
        StoreError::new(self.plan.name.clone(), self.plan.plugin.clone(), kind)
    }

    fn last(&self) -> MutexGuard<'_, Option<Listed>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.listing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes a listing the last one, and returns its snapshot.
fn note(
    last: &mut Option<Listed>,
    instance: &Instance,
    listing: Listing,
    begun: Begun,
) -> Arc<Snapshot> {
    // Where nothing changed the indexes are kept.
    let same = last.as_ref().filter(|last| {
        last.snapshot.generation() == listing.generation
            && last.snapshot.left_out() == listing.skipped
            && last.snapshot.items() == listing.items
    });
    let snapshot = match same {
        Some(same) => Arc::clone(&same.snapshot),
        None => Arc::new(
            Snapshot::new(listing.generation, listing.items).with_left_out(listing.skipped),
        ),
    };
    *last = Some(Listed {
        snapshot: Arc::clone(&snapshot),
        begun,
        version: instance.opened.store.identity().version.clone(),
    });
    snapshot
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
