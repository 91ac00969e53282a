//! What a case needs of a store, whether it is called bare or lives in a runner.

use std::collections::BTreeSet;

use anchorhold_abi as abi;
use anchorhold_boundary::batch::{Batch, Outcome};
use anchorhold_boundary::health::HealthState;
use anchorhold_boundary::item::{Item, ItemId};
use anchorhold_boundary::query::Query;
use anchorhold_boundary::{ApplyError, CallError, CallLimits, OpenStore};

use crate::running::Terms;
use crate::sink;
use crate::status;
use crate::store::{Done, Refusal, Store};
use crate::voice::breach;

/// How often a listing begins again where the plugin says that its cursor is stale.
const RESTARTS: usize = 3;
/// More pages are a listing without end.
const PAGES_MAX: usize = 100_000;

/// A store, wherever its plugin runs.
pub(crate) trait Anywhere {
    /// Which tables it has: find, write, unlock, sign.
    fn abilities(&self) -> Abilities;
    /// How it is.
    fn condition(&self) -> Result<Condition, Refusal>;
    /// Lists it whole, in pages of so many items; 0 leaves it to the plugin.
    fn list_all(&self, limit: u32) -> Result<Listed, Refusal>;
    /// Asks for certain items.
    fn find_all(&self, query: &Query) -> Result<Vec<Item>, Refusal>;
    /// Makes changes.
    fn change(&self, batch: &Batch) -> (Vec<Outcome>, Done);
    /// Opens its lock, and may ask.
    fn open_lock(&self) -> Done;
    /// The schemes of a key.
    fn schemes_of_key(&self, key: &ItemId) -> Result<Vec<u16>, Refusal>;
    /// Signs with a key, and may ask where the key says that it does.
    fn sign_with(&self, key: &Item, scheme: u16, message: &[u8]) -> Result<Vec<u8>, Refusal>;
}

/// Which tables a store has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Abilities {
    /// Find.
    pub(crate) find: bool,
    /// Write.
    pub(crate) write: bool,
    /// Unlock.
    pub(crate) unlock: bool,
    /// Sign.
    pub(crate) sign: bool,
}

/// How a store is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Condition {
    /// Its state, as the contract numbers it.
    pub(crate) state: u32,
    /// 0: not known.
    pub(crate) generation: u64,
    /// Whether it can be written now.
    pub(crate) writable: bool,
    /// How many items, where known.
    pub(crate) item_count: Option<u64>,
}

/// A whole listing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listed {
    /// What it holds, in its order.
    pub(crate) items: Vec<Item>,
    /// Which state; 0 is not known.
    pub(crate) generation: u64,
}

impl Anywhere for Store {
    fn abilities(&self) -> Abilities {
        let plugin = self.plugin();
        Abilities {
            find: plugin.find.is_some(),
            write: plugin.write.is_some(),
            unlock: plugin.unlock.is_some(),
            sign: plugin.sign.is_some(),
        }
    }

    fn condition(&self) -> Result<Condition, Refusal> {
        let health = self.health(&Terms::default())?;
        Ok(Condition {
            state: health.state,
            generation: health.generation,
            writable: health.flags & abi::AH_HEALTH_WRITABLE != 0,
            item_count: (health.item_count != u64::MAX).then_some(health.item_count),
        })
    }

    fn list_all(&self, limit: u32) -> Result<Listed, Refusal> {
        let mut refusal = None;
        for _ in 0..=RESTARTS {
            match listed_once(self, limit) {
                Err(stale) if stale.status == abi::AH_STALE_CURSOR => refusal = Some(stale),
                other => return other,
            }
        }
        Err(refusal.unwrap_or_else(|| super::ours("the listing was not begun")))
    }

    fn find_all(&self, query: &Query) -> Result<Vec<Item>, Refusal> {
        self.find(query, &Terms::default())
    }

    fn change(&self, batch: &Batch) -> (Vec<Outcome>, Done) {
        let health = self.health(&Terms::default());
        let asks = health.is_ok_and(|health| health.flags & abi::AH_HEALTH_ASKS_WRITE != 0);
        self.apply(batch, &asking(asks))
    }

    fn open_lock(&self) -> Done {
        self.unlock(&asking(true)).1
    }

    fn schemes_of_key(&self, key: &ItemId) -> Result<Vec<u16>, Refusal> {
        let (schemes, _, done) = self.schemes(&key.0, 64, &Terms::default());
        done.map(|()| schemes)
    }

    fn sign_with(&self, key: &Item, scheme: u16, message: &[u8]) -> Result<Vec<u8>, Refusal> {
        self.sign(&key.id.0, scheme, message, &asking(key.asks_each_use))
    }
}

/// A call that may ask, where the store or the item says that it does.
fn asking(asks: bool) -> Terms {
    Terms {
        may_prompt: asks,
        ..Terms::default()
    }
}

/// One attempt at a whole listing, and what is wrong with how its pages follow one another.
fn listed_once(store: &Store, limit: u32) -> Result<Listed, Refusal> {
    let mut listed = Listed::default();
    let mut cursor = Vec::new();
    let mut seen = BTreeSet::new();
    for number in 0..PAGES_MAX {
        let terms = sink::Terms {
            limit,
            ..sink::Terms::default()
        };
        let page = store.page(&cursor, &Terms::default(), terms);
        page.done?;
        if number == 0 {
            listed.generation = page.generation;
        } else if page.generation != listed.generation {
            breach(format!(
                "one listing shows two states: generation {} and then {}",
                listed.generation, page.generation
            ));
        }
        listed.items.extend(page.taken.items);
        if listed.items.len() > sink::ITEMS_MAX {
            breach(format!("lists more than {} items", sink::ITEMS_MAX));
            return Ok(listed);
        }
        if page.cursor.is_empty() {
            return Ok(listed);
        }
        if !seen.insert(page.cursor.clone()) {
            breach("answered a cursor again, so that its listing has no end");
            return Ok(listed);
        }
        cursor = page.cursor;
    }
    breach(format!("lists more than {PAGES_MAX} pages"));
    Ok(listed)
}

/// A store in a runner.
#[derive(Debug)]
pub(crate) struct Linked(pub(crate) Box<dyn OpenStore>);

impl Anywhere for Linked {
    fn abilities(&self) -> Abilities {
        let identity = self.0.identity();
        Abilities {
            find: identity.can_find,
            write: identity.can_write,
            unlock: identity.can_unlock,
            sign: identity.can_sign,
        }
    }

    fn condition(&self) -> Result<Condition, Refusal> {
        let health = self.0.health().map_err(refusal("health"))?;
        Ok(Condition {
            state: match health.state {
                HealthState::Ready => abi::AH_READY,
                HealthState::Degraded => abi::AH_DEGRADED,
                HealthState::Locked => abi::AH_HEALTH_LOCKED,
                HealthState::Offline => abi::AH_OFFLINE,
                _ => abi::AH_FAILED,
            },
            generation: health.generation,
            writable: health.writable,
            item_count: health.item_count,
        })
    }

    fn list_all(&self, limit: u32) -> Result<Listed, Refusal> {
        let mut limits = CallLimits::default();
        limits.page = limit;
        let listing = self.0.list(&limits).map_err(refusal("list"))?;
        if listing.skipped > 0 {
            breach(format!("{} items were left out", listing.skipped));
        }
        if listing.repaired > 0 {
            breach(format!(
                "{} items have a text that was repaired",
                listing.repaired
            ));
        }
        Ok(Listed {
            items: listing.items,
            generation: listing.generation,
        })
    }

    fn find_all(&self, query: &Query) -> Result<Vec<Item>, Refusal> {
        let found = self.0.find(query, &CallLimits::default());
        Ok(found.map_err(refusal("find"))?.items)
    }

    fn change(&self, batch: &Batch) -> (Vec<Outcome>, Done) {
        let asks = self.0.health().is_ok_and(|health| health.asks_write);
        match self.0.apply(batch, &limits_asking(asks)) {
            Ok(outcomes) => (outcomes, Ok(())),
            Err(ApplyError { done, error, .. }) => (done, Err(refusal("apply")(error))),
        }
    }

    fn open_lock(&self) -> Done {
        self.0
            .unlock(&limits_asking(true))
            .map_err(refusal("unlock"))
    }

    fn schemes_of_key(&self, key: &ItemId) -> Result<Vec<u16>, Refusal> {
        let schemes = self.0.schemes(key, &CallLimits::default());
        schemes.map_err(refusal("schemes"))
    }

    fn sign_with(&self, key: &Item, scheme: u16, message: &[u8]) -> Result<Vec<u8>, Refusal> {
        let limits = limits_asking(key.asks_each_use);
        let signed = self.0.sign(&key.id, scheme, message, &limits);
        signed.map_err(refusal("sign"))
    }
}

fn limits_asking(asks: bool) -> CallLimits {
    let mut limits = CallLimits::default();
    limits.may_prompt = asks;
    limits
}

fn refusal(call: &'static str) -> impl Fn(CallError) -> Refusal {
    move |error| Refusal {
        call: call.to_owned(),
        status: status::number(error.status),
        message: error.to_string(),
    }
}
