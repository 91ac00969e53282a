//! One configured store, as the host calls it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anchorhold_sdk::{
    Call, Config, Error, Health, HealthState, Host, Item, Items, LogLevel, Page, Rule, TrustStore,
};

use crate::origin::Origin;
use crate::roots::{Missed, Roots};
use crate::stamp::Stamps;

/// One configured store.
#[derive(Debug)]
pub(crate) struct SystemRoots {
    host: Host,
    origin: Origin,
    known: Mutex<Known>,
}

/// What the last reading came to.
#[derive(Debug, Default)]
struct Known {
    /// What the files looked like before; none where that is not told, or nothing was read yet.
    stamps: Option<Stamps>,
    found: Option<Result<Arc<Roots>, String>>,
    /// When that last went well, in Unix seconds; 0 is never.
    last_success: i64,
    /// What was logged last.
    told: Missed,
}

impl TrustStore for SystemRoots {
    fn open(host: Host, config: &Config<'_>) -> Result<Self, Error> {
        Ok(Self::new(host, Origin::new(config)))
    }

    fn health(&self) -> Health {
        let is_unknown = self.known().found.is_none();
        // One file of the machine itself: what is missing of it is told before anybody lists it.
        let found = self.roots(is_unknown);
        let at = self.known().last_success;
        let health = |state| Health::new(state).last_success(at);
        match found {
            Err(why) => health(HealthState::Failed).detail(why.message()),
            Ok(roots) => {
                let health = match roots.missed.sentence() {
                    None => health(HealthState::Ready),
                    Some(missed) => health(HealthState::Degraded).detail(missed),
                };
                health
                    .generation(roots.generation)
                    .item_count(roots.certificates.len())
            }
        }
    }

    fn list(&self, call: &Call<'_>, page: &mut Page, items: &mut Items<'_>) -> Result<(), Error> {
        call.check()?;
        let roots = self.roots(page.cursor().is_empty())?;
        for index in page.range(roots.generation, roots.certificates.len())? {
            let Some(root) = roots.certificates.get(index) else {
                break;
            };
            let mut item = Item::certificate(&root.id, &root.der);
            item.label = &root.label;
            item.rules = Rule::SERVER_ANCHOR.into();
            item.read_only = true;
            items.push(&item)?;
        }
        Ok(())
    }
}

impl SystemRoots {
    pub(crate) fn new(host: Host, origin: Origin) -> Self {
        Self {
            host,
            origin,
            known: Mutex::default(),
        }
    }

    /// The roots as they are now; those of a listing that has begun stay, where nothing tells that
    /// they are others by now.
    fn roots(&self, begins: bool) -> Result<Arc<Roots>, Error> {
        // Looked at before they are read, so that what changes meanwhile is read again.
        let stamps = self.origin.stamps();
        let known = self.known();
        let is_same = match &stamps {
            Some(_) => stamps == known.stamps,
            None => !begins,
        };
        if let Some(Ok(roots)) = known.found.as_ref().filter(|_| is_same) {
            return Ok(Arc::clone(roots));
        }
        // Nobody else waits until all is read.
        drop(known);
        let read = self.origin.read().map(Arc::new);
        let mut known = self.known();
        known.stamps = stamps;
        known.found = Some(match &read {
            Ok(roots) => Ok(Arc::clone(roots)),
            Err(error) => Err(error.message().to_owned()),
        });
        let missed = match &read {
            Ok(roots) => {
                known.last_success = Health::now();
                roots.missed.clone()
            }
            // It is returned, and told by whoever asked.
            Err(_) => Missed::default(),
        };
        let is_new = missed != known.told;
        known.told.clone_from(&missed);
        drop(known);
        if is_new && missed.count > 0 {
            self.host.log(LogLevel::Warn, &missed.in_full());
        }
        read
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // What is in it is replaced field by field, and each is whole.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
