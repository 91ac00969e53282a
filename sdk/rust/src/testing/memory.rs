//! The store itself, and its plugin.

use std::sync::Arc;

use crate::call::Call;
use crate::config::Config;
use crate::error::{Error, ErrorKind};
use crate::health::{Health, HealthState};
use crate::host::Host;
use crate::item::Kind;
use crate::page::{Items, Page};
use crate::query::{Find, Query};
use crate::question::Question;
use crate::sign::{Scheme, Sign};
use crate::store::TrustStore;
use crate::testing::contents::{Contents, Faults, Held, Inside, Operation};
use crate::testing::fault;
use crate::unlock::Unlock;
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
        needs = ["read", "write", "sign", "prompt"]

        [settings.contents]
        type = "string"
        help = "The contents to use, those of the store's own name by default."

        [settings.fault]
        type = "list"
        help = "What the store does wrong from the start."

        [settings.pin]
        type = "secret"
        help = "What opens the lock, where the contents have one."
    "#,
    also: [Find, Write, Unlock, Sign],
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
        for name in config.list("fault") {
            fault::switch_on(&mut contents.lock(), name)?;
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
        let state = match inside.is_open() {
            true => HealthState::Ready,
            false => HealthState::Locked,
        };
        let attempts_left = inside.lock.as_ref().map_or(0, |lock| lock.attempts_left);
        Health::new(inside.faults.health.unwrap_or(state))
            .generation(inside.generation())
            .item_count(inside.items.len())
            .attempts_left(attempts_left)
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
        check_open(&inside)?;
        if !page.cursor().is_empty() && inside.faults.stale_pages > 0 {
            inside.faults.stale_pages -= 1;
            return Err(told(ErrorKind::StaleCursor));
        }
        if inside.faults.page != 0 {
            *page = Page::new(inside.faults.page.min(page.limit()), page.cursor());
        }
        let range = page.range(inside.generation(), inside.items.len())?;
        let listed = inside.items.get(range).unwrap_or_default().to_vec();
        let flips_bits = inside.faults.flips_bits;
        // Health is asked meanwhile, and waits for nobody.
        drop(inside);
        listed.iter().try_for_each(|held| match flips_bits {
            true => items.push(&flipped(held).item()),
            false => items.push(&held.item()),
        })
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
        check_open(&inside)?;
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

impl Find for MemoryStore {
    fn find(&self, call: &Call<'_>, query: &Query<'_>, items: &mut Items<'_>) -> Result<(), Error> {
        self.may_panic(Operation::Find);
        call.check()?;
        let found = {
            let mut inside = self.contents.lock();
            inside.finds += 1;
            if let Some(kind) = inside.faults.find {
                return Err(told(kind));
            }
            check_open(&inside)?;
            inside.found(query)
        };
        found.iter().try_for_each(|held| items.push(&held.item()))
    }
}

impl Unlock for MemoryStore {
    fn unlock(&self, call: &Call<'_>) -> Result<(), Error> {
        self.may_panic(Operation::Unlock);
        call.check()?;
        let (again, attempts_left) = {
            let inside = self.contents.lock();
            if let Some(kind) = inside.faults.unlock {
                return Err(told(kind));
            }
            match &inside.lock {
                Some(lock) if !lock.is_open => (lock.again, lock.attempts_left),
                _ => return Ok(()),
            }
        };
        if attempts_left == 0 {
            return Err(Error::new(ErrorKind::LockedOut, "no attempt is left"));
        }
        // No lock is held while somebody thinks: health is asked meanwhile.
        self.ask_pin(call, again, attempts_left)
    }

    fn lock(&self, call: &Call<'_>) -> Result<(), Error> {
        self.may_panic(Operation::Lock);
        call.check()?;
        if let Some(lock) = &mut self.contents.lock().lock {
            lock.is_open = false;
        }
        Ok(())
    }
}

/// The signatures are none: they only look like it, and tell key and message apart.
impl Sign for MemoryStore {
    fn schemes(&self, call: &Call<'_>, key: &[u8]) -> Result<Vec<Scheme>, Error> {
        self.may_panic(Operation::Schemes);
        call.check()?;
        self.key(key)?;
        Ok(vec![
            Scheme::ECDSA_SECP256R1_SHA256,
            Scheme::RSA_PSS_RSAE_SHA256,
        ])
    }

    fn sign(
        &self,
        call: &Call<'_>,
        key: &[u8],
        scheme: Scheme,
        message: &[u8],
    ) -> Result<Vec<u8>, Error> {
        self.may_panic(Operation::Sign);
        call.check()?;
        if let Some(kind) = self.faults().sign {
            return Err(told(kind));
        }
        check_open(&self.contents.lock())?;
        let held = self.key(key)?;
        if held.asks_each_use {
            let question = Question::pin("PIN for every use of the key").setting("pin");
            call.ask(&question, |_| Ok(()))?;
        }
        let sum = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(1, |sum: u8, byte| sum.wrapping_add(*byte))
                & 0x7f
                | 1
        };
        let (of_key, of_message) = (sum(&held.der), sum(message));
        match scheme {
            _ if self.faults().signs_nonsense => Ok(vec![of_key, of_message]),
            Scheme::ECDSA_SECP256R1_SHA256 => Ok(vec![0x30, 6, 2, 1, of_key, 2, 1, of_message]),
            Scheme::RSA_PSS_RSAE_SHA256 => Ok([of_key, of_message].repeat(128)),
            Scheme(scheme) => Err(Error::unsupported(format!("scheme {scheme:#06x}"))),
        }
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

    fn ask_pin(&self, call: &Call<'_>, again: bool, attempts_left: u32) -> Result<(), Error> {
        let mut question = Question::pin("PIN of the store in memory")
            .setting("pin")
            .attempts_left(attempts_left);
        if again {
            question = question.again();
        }
        call.ask(&question, |pin| {
            let mut inside = self.contents.lock();
            let Some(lock) = &mut inside.lock else {
                return Ok(());
            };
            if lock.pin == pin {
                (lock.is_open, lock.again, lock.attempts_left) = (true, false, 3);
                return Ok(());
            }
            lock.again = true;
            lock.attempts_left = lock.attempts_left.saturating_sub(1);
            Err(Error::new(ErrorKind::WrongSecret, "the PIN is wrong"))
        })
    }

    /// The private key of this id.
    fn key(&self, id: &[u8]) -> Result<Held, Error> {
        let inside = self.contents.lock();
        let mut keys = inside
            .items
            .iter()
            .filter(|held| held.kind == Kind::PrivateKey);
        keys.find(|held| held.id == id)
            .cloned()
            .ok_or_else(|| Error::not_found("no key has this id"))
    }
}

impl Drop for MemoryStore {
    fn drop(&mut self) {
        self.may_panic(Operation::Close);
    }
}

fn check_open(inside: &Inside) -> Result<(), Error> {
    if inside.is_open() {
        return Ok(());
    }
    Err(Error::locked("the PIN was not given"))
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
