//! The lock of a store: opened by a person, or by what the operator stored.

use std::sync::Arc;
use std::time::Duration;

use anchorhold_boundary::question::Prompter;
use anchorhold_boundary::status::{CallError, Status};
use anchorhold_boundary::table::{CallLimits, Listing};

use crate::store::answers::Whom;
use crate::store::instance::Instance;
use crate::store::{Store, StoreError, StoreErrorKind};

impl Store {
    /// Opens its lock: with what `by` answers, or else with what is stored, or what a person says.
    pub fn unlock(&self, by: Option<Arc<dyn Prompter>>) -> Result<(), StoreError> {
        let instance = self.lockable()?;
        let limits = asking(self.person_waits());
        let unlocked = self.answers.during(whom(by), || {
            self.call(&instance, |store| store.unlock(&limits))
        });
        self.outdate();
        unlocked.map_err(|error| self.error(StoreErrorKind::Call(error)))
    }

    /// Closes its lock.
    pub fn lock(&self) -> Result<(), StoreError> {
        let instance = self.lockable()?;
        let limits = CallLimits::within(self.plan.timeout);
        let locked = self.call(&instance, |store| store.lock(&limits));
        self.outdate();
        locked.map_err(|error| self.error(StoreErrorKind::Call(error)))
    }

    /// Lists it; where it is locked and what opens it is stored, that is tried once.
    pub(crate) fn list_unlocked(&self, instance: &Arc<Instance>) -> Result<Listing, CallError> {
        let limits = CallLimits::within(self.plan.timeout);
        let list = || self.call(instance, |store| store.list(&limits));
        match list() {
            Err(error) if error.status == Status::Locked && self.has_key_for(instance) => {
                self.unlock_with_stored(instance)?;
                list()
            }
            listed => listed,
        }
    }

    pub(crate) fn has_key_for(&self, instance: &Arc<Instance>) -> bool {
        self.answers.has_stored() && instance.opened.store.identity().can_unlock
    }

    /// Tries what is stored, where a mistake cannot lock the store for good.
    pub(crate) fn unlock_with_stored(&self, instance: &Arc<Instance>) -> Result<(), CallError> {
        let health = self.call(instance, |store| store.health())?;
        if health.attempts_left == Some(1) {
            let why = "only one attempt is left before it locks itself, and that is not risked \
                       without a person";
            return Err(CallError::new(Status::Locked, why));
        }
        let limits = asking(self.plan.timeout);
        self.answers.during(Whom::Stored, || {
            self.call(instance, |store| store.unlock(&limits))
        })
    }

    fn lockable(&self) -> Result<Arc<Instance>, StoreError> {
        let instance = self.instance().map_err(|kind| self.error(kind))?;
        if instance.opened.store.identity().can_unlock {
            return Ok(instance);
        }
        let why = "its plugin has no lock";
        let error = CallError::new(Status::Unsupported, why);
        Err(self.error(StoreErrorKind::Call(error)))
    }

    /// How long a call may take that a person has to answer.
    pub(crate) fn person_waits(&self) -> Duration {
        self.plan.timeout.max(PERSON)
    }
}

/// Limits of a call that may ask.
pub(crate) fn asking(timeout: Duration) -> CallLimits {
    let mut limits = CallLimits::within(timeout);
    limits.may_prompt = true;
    limits
}

fn whom(by: Option<Arc<dyn Prompter>>) -> Whom {
    by.map_or(Whom::Anybody, Whom::Only)
}

const PERSON: Duration = Duration::from_secs(600);
