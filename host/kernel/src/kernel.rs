//! The stores that the operator configured, and views over them.

use std::sync::Arc;

use anchorhold_boundary::services::LogSink;

use crate::clock::Clock;
use crate::plan::{StorePlan, StoreScope};
use crate::registry::Registry;
use crate::store::Store;
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
    pub fn open(plans: Vec<StorePlan>, registry: &Registry, log: LogSink) -> Self {
        Self::open_with_clock(plans, registry, log, &Clock::monotonic())
    }

    /// The same with a clock of the caller's for the age of listings.
    pub fn open_with_clock(
        plans: Vec<StorePlan>,
        registry: &Registry,
        log: LogSink,
        clock: &Clock,
    ) -> Self {
        let logs = std::iter::repeat_n(log, plans.len());
        let stores = plans
            .into_iter()
            .zip(logs)
            .map(|(plan, log)| Store::open(plan, registry, log, clock.clone()))
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
        let parts: Vec<_> = stores.iter().map(|name| self.part(name, false)).collect();
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
        let parts = stores.iter().map(|name| self.part(name, fresh)).collect();
        View::of_stores(server.clone(), parts, scope, Arc::clone(&self.memory))
    }

    /// A store that is named and not configured counts as one that does not answer.
    fn part(&self, name: &str, fresh: bool) -> Part {
        match self.store(name) {
            Some(store) => store.part(fresh),
            None => Part {
                store: name.to_owned(),
                plugin: String::new(),
                version: String::new(),
                critical: true,
                scope: PartScope::Configured(StoreScope::Imported),
                source: Source::Down {
                    last: None,
                    why: "no store of this name is configured".to_owned(),
                },
            },
        }
    }
}
