//! What a store in memory holds, and what is wrong with it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, ErrorKind};
use crate::health::HealthState;
use crate::host::Host;
use crate::item::{Item, Kind, Rule};
use crate::query::{By, Query};
use crate::write::Effect;

/// A call into a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Changing it.
    Apply,
    /// Ending it.
    Close,
    /// Asking for certain items.
    Find,
    /// Asking how it is.
    Health,
    /// Listing it.
    List,
    /// Closing its lock.
    Lock,
    /// Making it.
    Open,
    /// Asking what a key can do.
    Schemes,
    /// Signing.
    Sign,
    /// Opening its lock.
    Unlock,
}

/// What a store does wrong. The default is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Faults {
    /// Opening fails.
    pub open: Option<ErrorKind>,
    /// The store is in this state, whatever it can do.
    pub health: Option<HealthState>,
    /// Listing fails.
    pub list: Option<ErrorKind>,
    /// Asking for certain items fails.
    pub find: Option<ErrorKind>,
    /// Whatever is asked for, everything is found.
    pub finds_everything: bool,
    /// Opening the lock fails, without a question.
    pub unlock: Option<ErrorKind>,
    /// Signing fails.
    pub sign: Option<ErrorKind>,
    /// Signatures are not what TLS carries.
    pub signs_nonsense: bool,
    /// Changing fails after so many changes, which stay done.
    pub apply: Option<(usize, ErrorKind)>,
    /// A call panics.
    pub panic: Option<Operation>,
    /// The store cannot be changed, and says so.
    pub read_only: bool,
    /// The generation stays the same when the contents change.
    pub frozen_generation: bool,
    /// Changes are answered as done and are not.
    pub forgets_writes: bool,
    /// Every item is listed with its last byte changed.
    pub flips_bits: bool,
    /// So many of the pages that go on are answered as stale.
    pub stale_pages: usize,
    /// At most so many items a page; 0 is what the host takes.
    pub page: usize,
}

/// An item as these contents keep it: an [`Item`] that owns what it is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What `der` is.
    pub kind: Kind,
    /// Empty until it is put somewhere.
    pub id: Vec<u8>,
    /// The bytes, by kind.
    pub der: Vec<u8>,
    /// For people.
    pub label: String,
    /// None is neutral for any purpose.
    pub rules: Vec<Rule>,
    /// DER, may be empty.
    pub name_constraints: Vec<u8>,
    /// Servers it is meant for, one a line.
    pub scope: String,
    /// Whether the store refuses to change or remove it.
    pub read_only: bool,
    /// Whether a key wants its PIN for every signature.
    pub asks_each_use: bool,
    /// Whether it is marked in a way that cannot be read.
    pub trust_unknown: bool,
    /// Unix seconds, 0 where not known.
    pub created: i64,
    /// Unix seconds, 0 where not known.
    pub modified: i64,
}

impl Held {
    /// A certificate that is an anchor for servers.
    pub fn anchor(der: impl Into<Vec<u8>>, label: impl Into<String>) -> Self {
        Self::certificate(der, label, Rule::SERVER_ANCHOR)
    }

    /// A certificate that is distrusted.
    pub fn distrusted(der: impl Into<Vec<u8>>, label: impl Into<String>) -> Self {
        Self::certificate(der, label, Rule::DISTRUST)
    }

    /// A private key whose public half is this SubjectPublicKeyInfo.
    pub fn key(public: impl Into<Vec<u8>>, label: impl Into<String>) -> Self {
        let mut held = Self::certificate(public, label, &[]);
        held.kind = Kind::PrivateKey;
        held.read_only = true;
        held
    }

    /// A certificate with these rules.
    pub fn certificate(der: impl Into<Vec<u8>>, label: impl Into<String>, rules: &[Rule]) -> Self {
        let der = der.into();
        let label = label.into();
        let mut held = Self::from(&Item::certificate(&[], &der));
        held.label = label;
        held.rules = rules.to_vec();
        held
    }

    /// The same, borrowed.
    pub fn item(&self) -> Item<'_> {
        let mut item = Item::new(self.kind, &self.id, &self.der);
        item.label = &self.label;
        item.rules = Cow::Borrowed(&self.rules);
        item.name_constraints = &self.name_constraints;
        item.scope = &self.scope;
        item.read_only = self.read_only;
        item.asks_each_use = self.asks_each_use;
        item.trust_unknown = self.trust_unknown;
        item.created = self.created;
        item.modified = self.modified;
        item
    }
}

impl From<&Item<'_>> for Held {
    fn from(item: &Item<'_>) -> Self {
        Self {
            kind: item.kind,
            id: item.id.to_vec(),
            der: item.der.to_vec(),
            label: item.label.to_owned(),
            rules: item.rules.to_vec(),
            name_constraints: item.name_constraints.to_vec(),
            scope: item.scope.to_owned(),
            read_only: item.read_only,
            asks_each_use: item.asks_each_use,
            trust_unknown: item.trust_unknown,
            created: item.created,
            modified: item.modified,
        }
    }
}

/// Whether an item is what was asked for.
type Matcher = dyn Fn(&Query<'_>, &Held) -> bool + Send;

/// A lock with a PIN, and how it is.
pub(super) struct Lock {
    pub(super) pin: Vec<u8>,
    pub(super) is_open: bool,
    pub(super) attempts_left: u32,
    /// The last answer was wrong.
    pub(super) again: bool,
}

/// What the stores of one name hold, as long as the process lives.
pub struct Contents(Mutex<Inside>);

pub(super) struct Inside {
    pub(super) items: Vec<Held>,
    pub(super) faults: Faults,
    pub(super) lists: usize,
    pub(super) applies: usize,
    pub(super) finds: usize,
    pub(super) lock: Option<Lock>,
    matcher: Box<Matcher>,
    generation: u64,
    last_id: u64,
    /// The hosts of the stores that are open on these contents; one whose store is closed hears
    /// nothing.
    hosts: Vec<Host>,
}

impl Contents {
    /// The contents of this name, empty when they are first asked for.
    pub fn named(name: &str) -> Arc<Self> {
        static ALL: Mutex<BTreeMap<String, Arc<Contents>>> = Mutex::new(BTreeMap::new());
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(name.to_owned()).or_insert_with(|| {
            Arc::new(Self(Mutex::new(Inside {
                items: Vec::new(),
                faults: Faults::default(),
                lists: 0,
                applies: 0,
                finds: 0,
                lock: None,
                matcher: Box::new(has_id),
                generation: 1,
                last_id: 0,
                hosts: Vec::new(),
            })))
        }))
    }

    /// Adds or updates an item behind the host's back, and announces it; returns its id.
    pub fn put(&self, held: Held) -> Vec<u8> {
        let mut inside = self.lock();
        let id = match inside.place_of(&held) {
            Some(place) => inside.update(place, held),
            None => inside.add(held),
        };
        inside.moved_on();
        let hosts = inside.hosts.clone();
        let generation = inside.generation;
        // No lock is held while the host hears of it.
        drop(inside);
        hosts.iter().for_each(|host| host.changed(generation));
        id
    }

    /// Replaces everything behind the host's back, without announcing it.
    pub fn replace(&self, items: Vec<Held>) {
        let mut inside = self.lock();
        inside.items.clear();
        for held in items {
            inside.add(held);
        }
        inside.moved_on();
    }

    /// Switches faults on and off.
    pub fn fault(&self, switch: impl FnOnce(&mut Faults)) {
        switch(&mut self.lock().faults);
    }

    /// Puts a lock on it that this PIN opens, and closes it; three wrong answers are too many.
    pub fn lock_with(&self, pin: &[u8]) {
        self.lock().put_lock(pin);
    }

    /// Whether there is no lock, or it is open.
    pub fn is_open(&self) -> bool {
        self.lock().is_open()
    }

    /// Says what fits a query. Without it, items are only found by their ids: what stands in a
    /// certificate this store does not know.
    pub fn find_by(&self, matcher: impl Fn(&Query<'_>, &Held) -> bool + Send + 'static) {
        self.lock().matcher = Box::new(matcher);
    }

    /// How many queries were asked.
    pub fn finds(&self) -> usize {
        self.lock().finds
    }

    /// What is there.
    pub fn items(&self) -> Vec<Held> {
        self.lock().items.clone()
    }

    /// The number of the state that it is in.
    pub fn generation(&self) -> u64 {
        self.lock().generation
    }

    /// How many pages were asked for.
    pub fn lists(&self) -> usize {
        self.lock().lists
    }

    /// How many batches were sent.
    pub fn applies(&self) -> usize {
        self.lock().applies
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inside> {
        // A store that is told to panic does so outside the lock; a test that panics does not
        // matter to the next one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inside = self.lock();
        f.debug_struct("Contents")
            .field("items", &inside.items.len())
            .field("generation", &inside.generation)
            .field("faults", &inside.faults)
            .finish_non_exhaustive()
    }
}

impl Inside {
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) fn introduce(&mut self, host: Host) {
        self.hosts.push(host);
    }

    pub(super) fn put_lock(&mut self, pin: &[u8]) {
        self.lock = Some(Lock {
            pin: pin.to_vec(),
            is_open: false,
            attempts_left: 3,
            again: false,
        });
    }

    pub(super) fn is_open(&self) -> bool {
        self.lock.as_ref().is_none_or(|lock| lock.is_open)
    }

    /// What fits a query.
    pub(super) fn found(&self, query: &Query<'_>) -> Vec<Held> {
        let fits = |held: &&Held| {
            self.faults.finds_everything || (query.wants(held.kind) && (self.matcher)(query, held))
        };
        self.items.iter().filter(fits).cloned().collect()
    }

    /// Adds the item, or updates the one of the same id, or of the same kind and der.
    pub(super) fn put(&mut self, mut held: Held) -> Result<(Effect, Vec<u8>), Error> {
        let Some(place) = self.place_of(&held) else {
            return Ok((Effect::New, self.add(held)));
        };
        let present = &self.items[place];
        held.id.clone_from(&present.id);
        if *present == held {
            return Ok((Effect::Unchanged, held.id));
        }
        if present.read_only {
            return Err(Error::read_only("this item cannot be changed"));
        }
        Ok((Effect::Updated, self.update(place, held)))
    }

    /// Takes the item of this id away.
    pub(super) fn remove(&mut self, id: &[u8]) -> Result<Effect, Error> {
        let Some(place) = self.items.iter().position(|held| held.id == id) else {
            return Ok(Effect::Unchanged);
        };
        if self.items[place].read_only {
            return Err(Error::read_only("this item cannot be removed"));
        }
        self.items.remove(place);
        Ok(Effect::Removed)
    }

    pub(super) fn moved_on(&mut self) {
        if !self.faults.frozen_generation {
            self.generation += 1;
        }
    }

    fn place_of(&self, held: &Held) -> Option<usize> {
        self.items.iter().position(|other| {
            (!held.id.is_empty() && other.id == held.id)
                || (other.kind == held.kind && other.der == held.der)
        })
    }

    fn update(&mut self, place: usize, mut held: Held) -> Vec<u8> {
        held.id.clone_from(&self.items[place].id);
        let id = held.id.clone();
        self.items[place] = held;
        id
    }

    fn add(&mut self, mut held: Held) -> Vec<u8> {
        self.last_id += 1;
        held.id = self.last_id.to_be_bytes().to_vec();
        let id = held.id.clone();
        self.items.push(held);
        id
    }
}

fn has_id(query: &Query<'_>, held: &Held) -> bool {
    matches!(query.by(), By::Id(id) if id == held.id)
}
