//! The plugin of a store while it is open: started when it is needed, and again after it ended.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anchorhold_boundary::OpenStore;
use anchorhold_boundary::confinement::Place;
use anchorhold_boundary::services::LogLevel;
use anchorhold_boundary::status::{CallError, Status};

use crate::incidents::Crash;
use crate::store::opener::Opened;
use crate::store::supervision::{self, Leave, Supervision};
use crate::store::{Store, StoreErrorKind};

/// One run of a store's plugin.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) opened: Opened,
    /// Its end was noticed, and counts once. Held until it is written down, so that nobody starts
    /// the next one before that counts.
    mourned: Mutex<bool>,
}

/// Why a store could not be opened last time, and when that was.
#[derive(Clone, Debug)]
pub(crate) struct Failed {
    kind: StoreErrorKind,
    at: Duration,
    /// How often it failed, one after the other.
    streak: u32,
}

impl Instance {
    fn new(opened: Opened) -> Arc<Self> {
        Arc::new(Self {
            opened,
            mourned: Mutex::default(),
        })
    }
}

impl Store {
    /// The plugin that answers now, where one does; nothing is started.
    pub(crate) fn running(&self) -> Option<Arc<Instance>> {
        let instance = self.current().clone()?;
        match instance.opened.store.ended() {
            None => Some(instance),
            Some(error) => {
                self.mourn(&instance, &error);
                None
            }
        }
    }

    /// Whether its plugin runs in a process of its own, which may take its time.
    pub(crate) fn is_apart(&self) -> bool {
        self.place() == Place::Runner
    }

    /// The plugin, started where it has to be.
    pub(crate) fn instance(&self) -> Result<Arc<Instance>, StoreErrorKind> {
        if let Some(running) = self.running() {
            return Ok(running);
        }
        let _turn = self.start_turn();
        // Whoever started it while this one waited has started it for both.
        if let Some(running) = self.running() {
            return Ok(running);
        }
        self.may_try_again()?;
        match self.start() {
            Ok(instance) => {
                *self.failed() = None;
                *self.current() = Some(Arc::clone(&instance));
                Ok(instance)
            }
            Err(kind) => {
                let at = self.clock.now();
                let mut failed = self.failed();
                let before = failed.as_ref().map_or(0, |failed| failed.streak);
                *failed = Some(Failed {
                    kind: kind.clone(),
                    at,
                    streak: before.saturating_add(1),
                });
                Err(kind)
            }
        }
    }

    /// Starts the plugin, beside the one that runs where one does. The caller has the turn.
    pub(crate) fn start(&self) -> Result<Arc<Instance>, StoreErrorKind> {
        self.may_start()?;
        let opened = self.opener.open(&self.plan).inspect_err(|kind| {
            if let StoreErrorKind::Call(error) = kind
                && is_crash(error.status)
            {
                self.record_crash(error);
            }
        })?;
        Ok(Instance::new(opened))
    }

    /// Makes one call; where the plugin ends in it, that counts as a crash.
    pub(crate) fn call<T>(
        &self,
        instance: &Arc<Instance>,
        call: impl FnOnce(&dyn OpenStore) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        let result = call(&*instance.opened.store);
        if result.is_err()
            && let Some(error) = instance.opened.store.ended()
        {
            self.mourn(instance, &error);
        }
        result
    }

    /// Takes note that a plugin has ended, once.
    fn mourn(&self, instance: &Arc<Instance>, error: &CallError) {
        let mut mourned = instance
            .mourned
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if std::mem::replace(&mut *mourned, true) {
            return;
        }
        let mut current = self.current();
        if current
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, instance))
        {
            *current = None;
        }
        drop(current);
        self.record_crash(error);
    }

    fn record_crash(&self, error: &CallError) {
        let what = error.to_string();
        let line = format!("store \"{}\": its plugin crashed: {what}", self.plan.name);
        (self.log)(LogLevel::Warn, &line);
        let recorded = self.incidents.crashed(&Crash {
            store: &self.plan.name,
            plugin: &self.plan.plugin,
            code: self.opener.code(),
            what: &what,
        });
        let now = self.clock.now();
        self.supervision().crashed(now, what, recorded);
    }

    /// Whether the plugin may be started, after what it did before.
    fn may_start(&self) -> Result<(), StoreErrorKind> {
        let written = self
            .incidents
            .quarantine(&self.plan.name, self.opener.code());
        let now = self.clock.now();
        let mut supervision = self.supervision();
        let leave = supervision.leave(now, written);
        let crash = supervision.last().map(|last| last.what.clone());
        drop(supervision);
        match leave {
            Leave::Now => Ok(()),
            Leave::After(left) => Err(StoreErrorKind::Pausing {
                crash: crash.unwrap_or_default(),
                left,
            }),
            Leave::Quarantined(why) => Err(self.quarantined(why)),
        }
    }

    /// A plugin that is not what was registered is told first: to release it would be no help, and
    /// may be just what whoever swapped it waits for.
    fn quarantined(&self, why: String) -> StoreErrorKind {
        let quarantined = StoreErrorKind::Quarantined {
            store: self.plan.name.clone(),
            why,
        };
        match self.opener.refusal() {
            Some(StoreErrorKind::Refused {
                code,
                why: refused,
                remedy,
            }) => StoreErrorKind::Refused {
                code,
                why: format!("{refused}; besides, {quarantined}"),
                remedy,
            },
            _ => quarantined,
        }
    }

    /// What failed a moment ago for a reason that stays is not tried again for every question, and
    /// ever more rarely.
    fn may_try_again(&self) -> Result<(), StoreErrorKind> {
        let failed = self.failed();
        let Some(Failed { kind, at, streak }) = &*failed else {
            return Ok(());
        };
        let stays = !matches!(kind, StoreErrorKind::Call(error) if is_crash(error.status))
            && !matches!(
                kind,
                StoreErrorKind::Pausing { .. } | StoreErrorKind::Quarantined { .. }
            );
        let pause = supervision::doubled(streak.saturating_sub(1));
        if stays && self.clock.now().saturating_sub(*at) < pause {
            return Err(kind.clone());
        }
        Ok(())
    }

    pub(crate) fn current(&self) -> MutexGuard<'_, Option<Arc<Instance>>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn start_turn(&self) -> MutexGuard<'_, ()> {
        self.starting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn supervision(&self) -> MutexGuard<'_, Supervision> {
        self.supervision
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn failed(&self) -> MutexGuard<'_, Option<Failed>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an error means that the plugin has ended, or was ended.
fn is_crash(status: Status) -> bool {
    matches!(
        status,
        Status::Crashed | Status::OutcomeUnknown | Status::Panic | Status::Protocol
    )
}
