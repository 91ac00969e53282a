//! The stores that the operator configured, and views over them.

use std::path::PathBuf;
use std::sync::Arc;

use anchorhold_boundary::manifest::{SettingKind, Value};

use crate::health::StoreHealth;
use crate::options::KernelOptions;
use crate::outline::Outline;
use crate::plan::{StorePlan, StoreScope};
use crate::registry::{Entry as Known, Registry};
use crate::snapshot::Snapshot;
use crate::store::{Store, StoreError};
use crate::verdict::memory::Memory;
use crate::view::{Entry, Part, PartScope, Source, View, entries_of};
use crate::{Fingerprint, ScopeTable, ServerName};

/// Every configured store.
#[derive(Debug)]
pub struct Kernel {
    stores: Vec<Arc<Store>>,
    memory: Arc<Memory>,
}

impl Kernel {
    /// Opens the stores; one that cannot be opened is a failed store, not a missing one.
    pub fn open(plans: Vec<StorePlan>, registry: &Registry, options: KernelOptions) -> Self {
        let mut sparing = options.clone();
        sparing.own.extend(kept_by_builtins(&plans, registry));
        let (options, sparing) = (Arc::new(options), Arc::new(sparing));
        let stores = plans.into_iter().map(|plan| {
            // Nothing that is linked in is kept from a store of another that is.
            let is_library = matches!(registry.entry(&plan.plugin), Some(Known::Library(_)));
            let options = if is_library { &sparing } else { &options };
            Store::open(plan, registry, options)
        });
        let stores = stores.collect();
        Self {
            stores,
            memory: Arc::default(),
        }
    }

    /// The stores, in the order of the configuration.
    pub fn stores(&self) -> &[Arc<Store>] {
        &self.stores
    }

    /// The store of a name.
    pub fn store(&self, name: &str) -> Option<&Store> {
        let mut stores = self.stores.iter();
        stores
            .find(|store| store.name() == name)
            .map(|store| &**store)
    }

    /// Whether one of the named stores may vouch for servers that the scope table does not name.
    ///
    /// A view of such stores needs the whole table: what is a pin for another server must not
    /// count as an anchor for this one.
    pub fn believes_stores(&self, stores: &[String]) -> bool {
        let mut known = stores.iter().filter_map(|name| self.store(name));
        known.any(|store| store.plan().scope != StoreScope::Imported)
    }

    /// What the named stores, in this order, hold for a server under a scope table.
    pub fn view(&self, server: &ServerName, stores: &[String], scope: ScopeTable) -> View {
        self.view_of(server, stores, scope, false)
    }

    /// The same with every store listed now, whatever it says of itself.
    pub fn fresh_view(&self, server: &ServerName, stores: &[String], scope: ScopeTable) -> View {
        self.view_of(server, stores, scope, true)
    }

    /// Everything that the named stores hold, for whomever, and the stores that did not answer,
    /// each with the reason.
    pub fn entries(
        &self,
        stores: &[String],
        scope: &ScopeTable,
    ) -> (Vec<Entry>, Vec<(String, String)>) {
        let parts = self.parts(stores, false);
        let silent = parts
            .iter()
            .filter_map(|part| Some((part.store.clone(), part.source.silence()?.to_owned())))
            .collect();
        (
            parts
                .iter()
                .flat_map(|part| entries_of(part, scope))
                .collect(),
            silent,
        )
    }

    /// The names of the stores that distrust a certificate, by whatever of it, as far as they were
    /// listed.
    pub fn distrusting(&self, fingerprint: &Fingerprint, der: &[u8]) -> Vec<&str> {
        let outline = Outline::read(der).ok();
        let distrusts = |store: &&Arc<Store>| {
            store.last_snapshot().is_some_and(|(snapshot, _)| {
                let distrust = snapshot.distrust();
                distrust.find(fingerprint, outline.as_ref()).is_some()
            })
        };
        self.stores
            .iter()
            .filter(distrusts)
            .map(|store| store.name())
            .collect()
    }

    fn view_of(
        &self,
        server: &ServerName,
        stores: &[String],
        scope: ScopeTable,
        fresh: bool,
    ) -> View {
        let parts = self.parts(stores, fresh);
        View::of_stores(server.clone(), parts, scope, Arc::clone(&self.memory))
    }

    /// Every store with its health; no plugin in a runner keeps another store waiting.
    pub fn healths(&self) -> Vec<(&Store, StoreHealth)> {
        each(
            self.stores.iter().map(|store| Some(&**store)).collect(),
            Store::health,
        )
    }

    /// The named stores that there are, each with its health, in the same way.
    pub fn healths_of(&self, names: &[String]) -> Vec<(&Store, StoreHealth)> {
        each(self.named(names), Store::health)
    }

    /// The named stores that there are, each with what came of listing it now, in the same way.
    pub fn listings(&self, names: &[String]) -> Vec<(&Store, Result<Arc<Snapshot>, StoreError>)> {
        each(self.named(names), Store::fresh_snapshot)
    }

    /// The named stores, in their order; what has to be waited for is waited for at the same time.
    pub(crate) fn parts(&self, names: &[String], fresh: bool) -> Vec<Part> {
        let stores = self.named(names);
        let waits = |store: &Store| store.is_apart() && (fresh || store.known().is_none());
        let parts = side_by_side(&stores, waits, |store| store.part(fresh));
        let parts = names.iter().zip(parts);
        parts
            .map(|(name, part)| part.unwrap_or_else(|| unknown(name)))
            .collect()
    }

    fn named(&self, names: &[String]) -> Vec<Option<&Store>> {
        names.iter().map(|name| self.store(name)).collect()
    }
}

/// The files in which stores of built-in plugins keep their items: whoever could change one would
/// take anchors and distrust out of a store that is not theirs.
fn kept_by_builtins(plans: &[StorePlan], registry: &Registry) -> Vec<PathBuf> {
    let mut kept = Vec::new();
    for plan in plans {
        let Some(Known::Builtin(plugin)) = registry.entry(&plan.plugin) else {
            continue;
        };
        let manifest = plugin.manifest();
        kept.extend(plan.settings.iter().filter_map(|(key, value)| {
            let schema = manifest.settings.get(key)?;
            match value {
                Value::String(path) if schema.kind == SettingKind::Path => {
                    Some(plan.base_dir.join(path))
                }
                _ => None,
            }
        }));
    }
    kept
}

/// Each store that is there, with what came of the work for it.
fn each<T: Send>(
    stores: Vec<Option<&Store>>,
    work: impl Fn(&Store) -> T + Sync,
) -> Vec<(&Store, T)> {
    let done = side_by_side(&stores, Store::is_apart, work);
    let done = stores.into_iter().zip(done);
    done.filter_map(|(store, done)| store.zip(done)).collect()
}

/// Does work for each store that is there, in their order. Where there is more than one that has
/// to be waited for, none of them keeps any other store waiting.
fn side_by_side<T: Send>(
    stores: &[Option<&Store>],
    waits: impl Fn(&Store) -> bool,
    work: impl Fn(&Store) -> T + Sync,
) -> Vec<Option<T>> {
    // No thread is begun for a single one, which is usual.
    let apart = stores.iter().flatten().filter(|store| store.is_apart());
    if apart.take(2).count() < 2 {
        return stores.iter().map(|store| store.map(&work)).collect();
    }
    let waits: Vec<bool> = stores
        .iter()
        .map(|store| store.is_some_and(&waits))
        .collect();
    let work = &work;
    std::thread::scope(|scope| {
        let begun: Vec<_> = stores
            .iter()
            .zip(waits)
            .map(|(store, waits)| match store {
                Some(store) if waits => Some(Err(scope.spawn(move || work(store)))),
                store => store.map(Ok),
            })
            .collect();
        let done = begun.into_iter().map(|begun| match begun? {
            Ok(store) => Some(work(store)),
            Err(thread) => match thread.join() {
                Ok(done) => Some(done),
                Err(panic) => std::panic::resume_unwind(panic),
            },
        });
        done.collect()
    })
}

/// A store that is named and not configured counts as one that does not answer.
fn unknown(name: &str) -> Part {
    Part {
        store: name.to_owned(),
        plugin: String::new(),
        version: String::new(),
        critical: true,
        scope: PartScope::Configured(StoreScope::Imported),
        source: Source::Down {
            last: None,
            why: "no store of this name is configured".to_owned(),
        },
    }
}
