//! A store: one configured instance of a plugin, its health and its last good snapshot.

mod certificate;
mod error;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anchorhold_boundary::batch::{Batch, Outcome};
use anchorhold_boundary::health::{Health, HealthState};
use anchorhold_boundary::manifest::SettingKind;
use anchorhold_boundary::services::LogSink;
use anchorhold_boundary::table::CallLimits;
use anchorhold_boundary::{Plugin, StoreConfig, Table};

use crate::clock::Clock;
use crate::health::StoreHealth;
use crate::plan::{Isolation, StorePlan};
use crate::registry::Registry;
use crate::snapshot::Snapshot;
use crate::view::{Part, PartScope, Source};

pub use error::{StoreError, StoreErrorKind};

/// One configured instance of a plugin; one that cannot be opened is failed, not missing.
#[derive(Debug)]
pub struct Store {
    plan: StorePlan,
    plugin: Option<Plugin>,
    table: Result<Table, StoreErrorKind>,
    clock: Clock,
    /// Held while the store is listed, so that it is listed once for all who wait.
    listing: Mutex<()>,
    last: Mutex<Option<Listed>>,
}

/// The last listing that succeeded.
#[derive(Clone, Debug)]
struct Listed {
    snapshot: Arc<Snapshot>,
    at: Duration,
    /// The store was written to since.
    outdated: bool,
}

impl Store {
    pub(crate) fn open(plan: StorePlan, registry: &Registry, log: LogSink, clock: Clock) -> Self {
        let plugin = registry.plugin(&plan.plugin).copied();
        let table = open_table(&plan, plugin, registry, log);
        Self {
            plan,
            plugin,
            table,
            clock,
            listing: Mutex::default(),
            last: Mutex::default(),
        }
    }

    /// What other places call it.
    pub fn name(&self) -> &str {
        &self.plan.name
    }

    /// The id of its plugin.
    pub fn plugin_id(&self) -> &str {
        &self.plan.plugin
    }

    /// The version of its plugin; empty where the plugin is not there.
    pub fn version(&self) -> &'static str {
        self.plugin.map_or("", |plugin| plugin.version())
    }

    /// What the operator meant.
    pub fn plan(&self) -> &StorePlan {
        &self.plan
    }

    /// How it is; answered from memory.
    pub fn health(&self) -> StoreHealth {
        let last = self.last().clone();
        let age = last
            .as_ref()
            .map(|last| self.clock.now().saturating_sub(last.at));
        let held = last
            .map(|last| last.snapshot.items().len())
            .and_then(|n| n.try_into().ok());
        match self.ask() {
            Ok(health) => StoreHealth {
                state: health.state,
                writable: health.writable && self.plugin.is_some_and(|plugin| plugin.can_write()),
                watching: health.watching,
                generation: health.generation,
                items: health.item_count.or(held),
                detail: health.detail,
                age,
            },
            Err(kind) => StoreHealth {
                state: HealthState::Failed,
                detail: kind.to_string(),
                writable: false,
                watching: false,
                generation: 0,
                items: None,
                age,
            },
        }
    }

    /// Whether it can be written to now.
    pub fn writable(&self) -> bool {
        let health = self.health();
        health.answers() && health.writable
    }

    /// Whether it keeps its items in a file whose path the operator sets, and can be written to.
    pub fn is_file_store(&self) -> bool {
        self.plugin.is_some_and(|plugin| {
            let path = plugin.manifest().settings.get("path");
            plugin.can_write() && path.is_some_and(|path| path.kind == SettingKind::Path)
        })
    }

    /// What it holds; listed again only where it changed, or may have.
    pub fn snapshot(&self) -> Result<Arc<Snapshot>, StoreError> {
        if let Some(known) = self.known().map_err(|kind| self.error(kind))? {
            return Ok(known);
        }
        let _turn = self.turn();
        // Whoever listed while this one waited has listed for both.
        match self.known().map_err(|kind| self.error(kind))? {
            Some(known) => Ok(known),
            None => self.list(),
        }
    }

    /// What it holds, listed now whatever it says of itself.
    pub fn fresh_snapshot(&self) -> Result<Arc<Snapshot>, StoreError> {
        let _turn = self.turn();
        self.list()
    }

    /// The last snapshot that could be had, and how old it is.
    pub fn last_snapshot(&self) -> Option<(Arc<Snapshot>, Duration)> {
        let last = self.last().clone()?;
        Some((last.snapshot, self.clock.now().saturating_sub(last.at)))
    }

    /// Makes changes in order; nothing is undone where one of them fails.
    pub fn apply(&self, batch: &Batch) -> Result<Vec<Outcome>, StoreError> {
        let table = self
            .table
            .as_ref()
            .map_err(|kind| self.error(kind.clone()))?;
        if !self.plugin.is_some_and(|plugin| plugin.can_write()) {
            return Err(self.error(StoreErrorKind::NotWritable));
        }
        let result = table.apply(batch, &CallLimits::within(self.plan.timeout));
        if !batch.check_only
            && let Some(last) = self.last().as_mut()
        {
            last.outdated = true;
        }
        result.map_err(|error| self.error(StoreErrorKind::Call(error.error)))
    }

    /// The store as one part of a server's view.
    pub(crate) fn part(&self, fresh: bool) -> Part {
        let listed = if fresh {
            self.fresh_snapshot()
        } else {
            self.snapshot()
        };
        Part {
            store: self.plan.name.clone(),
            plugin: self.plan.plugin.clone(),
            version: self.version().to_owned(),
            critical: self.plan.critical,
            scope: PartScope::Configured(self.plan.scope),
            source: match listed {
                Ok(snapshot) => Source::Fresh(snapshot),
                Err(error) => self.fallen_back(&error),
            },
        }
    }

    /// What still counts of a store that cannot be listed.
    fn fallen_back(&self, error: &StoreError) -> Source {
        let why = error.kind().to_string();
        match self.last_snapshot() {
            Some((last, age)) if age <= self.plan.stale_ok && !age.is_zero() => {
                Source::Stale { last, age, why }
            }
            last => Source::Down {
                last: last.map(|(snapshot, _)| snapshot),
                why,
            },
        }
    }

    /// The last snapshot, if it is certainly what the store holds.
    fn known(&self) -> Result<Option<Arc<Snapshot>>, StoreErrorKind> {
        let table = self.table.as_ref().map_err(Clone::clone)?;
        let announced = table.changed();
        let mut last = self.last();
        let Some(last) = last.as_mut() else {
            return Ok(None);
        };
        last.outdated |= announced;
        let (outdated, at) = (last.outdated, last.at);
        let snapshot = Arc::clone(&last.snapshot);
        let Ok(health) = self.ask() else {
            return Ok(None);
        };
        let answers = matches!(health.state, HealthState::Ready | HealthState::Degraded);
        let same = health.generation != 0 && health.generation == snapshot.generation();
        let due = !health.watching && self.clock.now().saturating_sub(at) >= self.plan.refresh;
        Ok((answers && same && !outdated && !due).then_some(snapshot))
    }

    /// Lists the store; the last good snapshot is kept where that fails.
    fn list(&self) -> Result<Arc<Snapshot>, StoreError> {
        let table = self
            .table
            .as_ref()
            .map_err(|kind| self.error(kind.clone()))?;
        let at = self.clock.now();
        let listing = table
            .list(&CallLimits::within(self.plan.timeout))
            .map_err(|error| self.error(StoreErrorKind::Call(error)))?;
        let mut last = self.last();
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
            at,
            outdated: false,
        });
        Ok(snapshot)
    }

    fn ask(&self) -> Result<Health, StoreErrorKind> {
        let table = self.table.as_ref().map_err(Clone::clone)?;
        table.health().map_err(StoreErrorKind::Call)
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

fn open_table(
    plan: &StorePlan,
    plugin: Option<Plugin>,
    registry: &Registry,
    log: LogSink,
) -> Result<Table, StoreErrorKind> {
    let Some(plugin) = plugin else {
        let known = registry
            .plugins()
            .iter()
            .map(|known| known.id().to_owned())
            .collect();
        return Err(StoreErrorKind::NoPlugin {
            id: plan.plugin.clone(),
            known,
        });
    };
    if plan.isolation == Some(Isolation::Runner) || plan.require_sandbox {
        return Err(StoreErrorKind::NoRunner);
    }
    let mut config = StoreConfig::new(&plan.name);
    config.settings = plugin
        .manifest()
        .check_settings(&plan.settings, &plan.base_dir)
        .map_err(StoreErrorKind::Setting)?;
    config.state_dir.clone_from(&plan.state_dir);
    config.log = log;
    plugin.open(config).map_err(StoreErrorKind::Call)
}

#[cfg(test)]
mod tests;
