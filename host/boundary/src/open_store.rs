//! An open store, wherever its plugin runs.

use std::fmt;

use crate::batch::{Batch, Outcome};
use crate::confinement::Confinement;
use crate::health::Health;
use crate::item::ItemId;
use crate::query::{Found, Query};
use crate::status::CallError;
use crate::table::{ApplyError, CallLimits, Listing, Table};

/// What a plugin says of itself once it is loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// Reverse DNS, equal to the manifest's.
    pub id: String,
    /// For people.
    pub name: String,
    /// The plugin's own version.
    pub version: String,
    /// The minor version of the contract that it was built with; for people and logs.
    pub abi_minor: u16,
    /// Whether its stores can be written.
    pub can_write: bool,
    /// Whether a batch of changes happens whole or not at all.
    pub writes_whole: bool,
    /// Whether its stores can be asked without being listed.
    pub can_find: bool,
    /// Whether its stores have a lock.
    pub can_unlock: bool,
    /// Whether its stores have private keys.
    pub can_sign: bool,
}

/// One open store; closed when dropped. Calls may be made from several threads; they take turns
/// where the plugin demands it, and health never waits for another call.
pub trait OpenStore: fmt::Debug + Send + Sync {
    /// Whose store it is.
    fn identity(&self) -> &Identity;

    /// How well its plugin is confined.
    fn confinement(&self) -> &Confinement;

    /// Asks the store how it is.
    fn health(&self) -> Result<Health, CallError>;

    /// What the store last said of itself, without waiting for it. A store in this process is
    /// asked, since that never waits; of one in a runner the last answer is returned, and a newer
    /// one is asked for where it is old. Only where nobody has asked for seconds is that waited
    /// for, and at most for some milliseconds.
    fn last_health(&self) -> Result<Health, CallError>;

    /// Lists the store, whole and in one state.
    fn list(&self, limits: &CallLimits) -> Result<Listing, CallError>;

    /// Asks for certain items; nothing found is certainly nothing.
    fn find(&self, query: &Query, limits: &CallLimits) -> Result<Found, CallError>;

    /// Makes the changes in order, and returns what came of each.
    fn apply(&self, batch: &Batch, limits: &CallLimits) -> Result<Vec<Outcome>, ApplyError>;

    /// Opens the store's lock; asks at most one question.
    fn unlock(&self, limits: &CallLimits) -> Result<(), CallError>;

    /// Closes the store's lock.
    fn lock(&self, limits: &CallLimits) -> Result<(), CallError>;

    /// The TLS signature schemes of a key.
    fn schemes(&self, key: &ItemId, limits: &CallLimits) -> Result<Vec<u16>, CallError>;

    /// Signs a message, which is not yet hashed, as TLS wants it.
    fn sign(
        &self,
        key: &ItemId,
        scheme: u16,
        message: &[u8],
        limits: &CallLimits,
    ) -> Result<Vec<u8>, CallError>;

    /// Whether the store announced a change since this was last asked.
    fn changed(&self) -> bool;

    /// Whether its plugin is still at work on a call that nobody waits for any more. A store in
    /// this process never is, since its calls are waited for.
    fn is_at_work(&self) -> bool {
        false
    }

    /// Why no call can succeed any more, where that is so: its process has ended, or it is
    /// retired. The store has to be opened again.
    fn ended(&self) -> Option<CallError>;
}

impl OpenStore for Table {
    fn identity(&self) -> &Identity {
        self.identity()
    }

    fn confinement(&self) -> &Confinement {
        self.confinement()
    }

    fn health(&self) -> Result<Health, CallError> {
        self.health()
    }

    fn last_health(&self) -> Result<Health, CallError> {
        self.health()
    }

    fn list(&self, limits: &CallLimits) -> Result<Listing, CallError> {
        self.list(limits)
    }

    fn find(&self, query: &Query, limits: &CallLimits) -> Result<Found, CallError> {
        self.find(query, limits)
    }

    fn apply(&self, batch: &Batch, limits: &CallLimits) -> Result<Vec<Outcome>, ApplyError> {
        self.apply(batch, limits)
    }

    fn unlock(&self, limits: &CallLimits) -> Result<(), CallError> {
        self.unlock(limits)
    }

    fn lock(&self, limits: &CallLimits) -> Result<(), CallError> {
        self.lock(limits)
    }

    fn schemes(&self, key: &ItemId, limits: &CallLimits) -> Result<Vec<u16>, CallError> {
        self.schemes(key, limits)
    }

    fn sign(
        &self,
        key: &ItemId,
        scheme: u16,
        message: &[u8],
        limits: &CallLimits,
    ) -> Result<Vec<u8>, CallError> {
        self.sign(key, scheme, message, limits)
    }

    fn changed(&self) -> bool {
        self.changed()
    }

    fn ended(&self) -> Option<CallError> {
        self.ended()
    }
}
