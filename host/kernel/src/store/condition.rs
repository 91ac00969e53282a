//! How a store is, for people and for whoever chooses one.

use std::time::Duration;

use anchorhold_boundary::confinement::{Confinement, Place};
use anchorhold_boundary::health::{Health, HealthState};
use anchorhold_boundary::status::Status;

use crate::health::StoreHealth;
use crate::store::{Store, StoreErrorKind};

impl Store {
    /// How it is. Its plugin is started where it has to be, and answers from memory.
    pub fn health(&self) -> StoreHealth {
        let (asked, confinement) = match self.instance() {
            Ok(instance) => (
                self.call(&instance, |store| store.health())
                    .map_err(StoreErrorKind::Call),
                instance.opened.confinement.clone(),
            ),
            Err(kind) => (Err(kind), self.unconfined()),
        };
        match asked {
            Ok(health) => self.answered(health, confinement),
            Err(kind) => self.silent(&kind, confinement),
        }
    }

    fn answered(&self, health: Health, confinement: Confinement) -> StoreHealth {
        let (age, held) = self.listed();
        let slow = self.slowness();
        let state = match (&slow, health.state) {
            (Some(_), HealthState::Ready) => HealthState::Degraded,
            (_, state) => state,
        };
        let said = Some(health.detail).filter(|detail| !detail.is_empty());
        let details: Vec<_> = said.into_iter().chain(self.crash()).chain(slow).collect();
        StoreHealth {
            state,
            detail: details.join("; "),
            writable: health.writable && self.can_write(),
            watching: health.watching,
            generation: health.generation,
            items: health.item_count.or(held),
            age,
            isolation: confinement.place,
            sandbox: confinement.sandbox,
            sandbox_note: confinement.note,
            attempts_left: health.attempts_left,
            code: None,
        }
    }

    fn silent(&self, kind: &StoreErrorKind, confinement: Confinement) -> StoreHealth {
        let (age, _) = self.listed();
        StoreHealth {
            state: match kind {
                StoreErrorKind::Call(error) if error.status == Status::Locked => {
                    HealthState::Locked
                }
                _ => HealthState::Failed,
            },
            detail: kind.to_string(),
            writable: false,
            watching: false,
            generation: 0,
            items: None,
            age,
            isolation: confinement.place,
            sandbox: confinement.sandbox,
            sandbox_note: confinement.note,
            attempts_left: None,
            code: kind.code().map(ToOwned::to_owned),
        }
    }

    /// How a plugin that does not run is confined: it is not.
    fn unconfined(&self) -> Confinement {
        let note = "its plugin does not run";
        match self.opener.place(&self.plan) {
            Place::InProcess => Confinement::in_process(note),
            Place::Runner => {
                let mut confinement = Confinement::in_process(note);
                confinement.place = Place::Runner;
                confinement
            }
        }
    }

    /// How long ago it was listed, and how many items that brought.
    fn listed(&self) -> (Option<Duration>, Option<u64>) {
        let last = self.last();
        let age = last.as_ref().map(|last| self.age(last.begun));
        let held = last
            .as_ref()
            .and_then(|last| last.snapshot.items().len().try_into().ok());
        (age, held)
    }

    /// The last crash, where it is not long ago.
    fn crash(&self) -> Option<String> {
        let supervision = self.supervision();
        let last = supervision.last()?;
        let ago = self.clock.now().saturating_sub(last.at);
        (ago < REMEMBERED).then(|| format!("crashed {} s ago: {}", ago.as_secs(), last.what))
    }
}

/// How long health tells of a crash.
const REMEMBERED: Duration = Duration::from_secs(3600);
