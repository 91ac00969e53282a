//! The stores that the operator configured, and views over them.

use std::sync::Arc;

use crate::health::StoreHealth;
use crate::options::KernelOptions;
use crate::plan::{StorePlan, StoreScope};
use crate::registry::Registry;
use crate::snapshot::Snapshot;
use crate::store::{Store, StoreError};
use crate::verdict::memory::Memory;
use crate::view::{Entry, Part, PartScope, Source, View, entries_of};
use crate::{ScopeTable, ServerName};

/// Every configured store.
#[derive(Debug)]
pub struct Kernel {
    stores: Vec<Store>,
    memory: Arc<Memory>,
}

impl Kernel {
    /// Opens the stores; one that cannot be opened is a failed store, not a missing one.
    pub fn open(plans: Vec<StorePlan>, registry: &Registry, options: KernelOptions) -> Self {
        let options = Arc::new(options);
        let stores = plans
            .into_iter()
            .map(|plan| Store::open(plan, registry, &options))
            .collect();
        Self {
            stores,
            memory: Arc::default(),
        }
    }

    /// The stores, in the order of the configuration.
    pub fn stores(&self) -> &[Store] {
        &self.stores
    }

    /// The store of a name.
    pub fn store(&self, name: &str) -> Option<&Store> {
        self.stores.iter().find(|store| store.name() == name)
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
        each(self.stores.iter().map(Some).collect(), Store::health)
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
    fn parts(&self, names: &[String], fresh: bool) -> Vec<Part> {
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
