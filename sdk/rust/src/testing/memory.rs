//! The store itself, and its plugin.

use std::sync::Arc;

use crate::call::Call;
use crate::config::Config;
use crate::error::{Error, ErrorKind};
use crate::health::{Health, HealthState};
use crate::host::Host;
use crate::page::{Items, Page};
use crate::store::TrustStore;
use crate::testing::contents::{Contents, Faults, Held, Operation};
use crate::write::{Batch, Change, Effect, Outcomes, Write};

crate::plugin! {
    /// The plugin `anchorhold.testing.memory`.
    pub static PLUGIN:
    store: MemoryStore,
    id: "anchorhold.testing.memory",
    name: "Memory, for tests",
    version: env!("CARGO_PKG_VERSION"),
    manifest: r#"
        id = "anchorhold.testing.memory"
        abi = 1
        needs = ["read", "write"]

        [settings.contents]
        type = "string"
        help = "The contents to use, those of the store's own name by default."

        [settings.fault]
        type = "list"
        help = "What the store does wrong from the start."
    "#,
    also: [Write],
}

/// A store whose [`Contents`] are in memory.
#[derive(Debug)]
pub struct MemoryStore {
    contents: Arc<Contents>,
}

impl TrustStore for MemoryStore {
    fn open(host: Host, config: &Config<'_>) -> Result<Self, Error> {
        let name = config
            .text("contents")
            .unwrap_or_else(|| config.store_name());
        let contents = Contents::named(name);
        for fault in config.list("fault") {
            let mut inside = contents.lock();
            switch_on(&mut inside.faults, fault)?;
        }
        let store = Self { contents };
        store.may_panic(Operation::Open);
        if let Some(kind) = store.faults().open {
            return Err(told(kind));
        }
        store.contents.lock().introduce(host);
        Ok(store)
    }

    fn health(&self) -> Health {
        self.may_panic(Operation::Health);
        let inside = self.contents.lock();
        Health::new(inside.faults.health.unwrap_or(HealthState::Ready))
            .generation(inside.generation())
            .item_count(inside.items.len())
            .writable(!inside.faults.read_only)
            .watching(true)
    }

    fn list(&self, call: &Call<'_>, page: &mut Page, items: &mut Items<'_>) -> Result<(), Error> {
        self.may_panic(Operation::List);
        call.check()?;
        let mut inside = self.contents.lock();
        inside.lists += 1;
        if let Some(kind) = inside.faults.list {
            return Err(told(kind));
        }
        if !page.cursor().is_empty() && inside.faults.stale_pages > 0 {
            inside.faults.stale_pages -= 1;
            return Err(told(ErrorKind::StaleCursor));
        }
        if inside.faults.page != 0 {
            *page = Page::new(inside.faults.page.min(page.limit()), page.cursor());
        }
        let range = page.range(inside.generation(), inside.items.len())?;
        for held in inside.items.get(range).unwrap_or_default() {
            if inside.faults.flips_bits {
                items.push(&flipped(held).item())?;
            } else {
                items.push(&held.item())?;
            }
        }
        Ok(())
    }
}

impl Write for MemoryStore {
    const ATOMIC: bool = false;

    fn apply(
        &self,
        call: &Call<'_>,
        batch: &Batch<'_>,
        outcomes: &mut Outcomes<'_>,
    ) -> Result<(), Error> {
        self.may_panic(Operation::Apply);
        call.check()?;
        let mut inside = self.contents.lock();
        inside.applies += 1;
        if inside.faults.read_only {
            return Err(told(ErrorKind::ReadOnly));
        }
        batch.check_generation(inside.generation())?;
        let before = inside.items.clone();
        let mut result = Ok(());
        let mut moved = false;
        for (index, change) in batch.changes().iter().enumerate() {
            if let Some((_, kind)) = inside.faults.apply.filter(|(after, _)| *after == index) {
                result = Err(told(kind));
                break;
            }
            let made = match change {
                Change::Put(item) => inside.put(Held::from(item)),
                Change::Remove(id) => inside.remove(id).map(|effect| (effect, id.to_vec())),
            };
            result = made.and_then(|(effect, id)| {
                moved |= effect != Effect::Unchanged;
                outcomes.push(effect, &id)
            });
            if result.is_err() {
                break;
            }
        }
        if batch.check_only() || inside.faults.forgets_writes {
            inside.items = before;
        } else if moved {
            inside.moved_on();
        }
        result
    }
}

impl MemoryStore {
    fn faults(&self) -> Faults {
        self.contents.lock().faults.clone()
    }

    fn may_panic(&self, operation: Operation) {
        let panics = self.faults().panic == Some(operation);
        assert!(!panics, "told to panic in {operation:?}");
    }
}

impl Drop for MemoryStore {
    fn drop(&mut self) {
        self.may_panic(Operation::Close);
    }
}

fn told(kind: ErrorKind) -> Error {
    Error::new(kind, "told to fail").native("errno", 5)
}

fn flipped(held: &Held) -> Held {
    let mut flipped = held.clone();
    if let Some(last) = flipped.der.last_mut() {
        *last ^= 1;
    }
    flipped
}

fn switch_on(faults: &mut Faults, fault: &str) -> Result<(), Error> {
    match fault.split_once('=') {
        None if fault == "read-only" => faults.read_only = true,
        None if fault == "frozen-generation" => faults.frozen_generation = true,
        None if fault == "forgets-writes" => faults.forgets_writes = true,
        None if fault == "flips-bits" => faults.flips_bits = true,
        Some(("open", kind)) => faults.open = Some(kind_named(kind)?),
        Some(("list", kind)) => faults.list = Some(kind_named(kind)?),
        Some(("apply", kind)) => faults.apply = Some((0, kind_named(kind)?)),
        Some(("panic", call)) => faults.panic = Some(operation_named(call)?),
        _ => {
            return Err(Error::invalid_argument(format!(
                "fault {fault:?} is not known"
            )));
        }
    }
    Ok(())
}

fn kind_named(name: &str) -> Result<ErrorKind, Error> {
    Ok(match name {
        "busy" => ErrorKind::Busy,
        "conflict" => ErrorKind::Conflict,
        "denied" => ErrorKind::Denied,
        "full" => ErrorKind::Full,
        "internal" => ErrorKind::Internal,
        "locked" => ErrorKind::Locked,
        "malformed" => ErrorKind::Malformed,
        "not-present" => ErrorKind::NotPresent,
        "read-only" => ErrorKind::ReadOnly,
        "unavailable" => ErrorKind::Unavailable,
        _ => {
            return Err(Error::invalid_argument(format!(
                "kind {name:?} is not known"
            )));
        }
    })
}

fn operation_named(name: &str) -> Result<Operation, Error> {
    Ok(match name {
        "apply" => Operation::Apply,
        "close" => Operation::Close,
        "health" => Operation::Health,
        "list" => Operation::List,
        "open" => Operation::Open,
        _ => {
            return Err(Error::invalid_argument(format!(
                "call {name:?} is not known"
            )));
        }
    })
}
