//! How a store is, as a person asks.

use std::time::Duration;

use anchorhold_boundary::confinement::{Place, Sandbox};
use anchorhold_boundary::health::HealthState;

/// How a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreHealth {
    /// Whether it answers, and if not, what would help.
    pub state: HealthState,
    /// More about it, may be empty.
    pub detail: String,
    /// Whether it can be written to now.
    pub writable: bool,
    /// Whether it announces its changes.
    pub watching: bool,
    /// The generation that it is at; 0 is not known.
    pub generation: u64,
    /// How many items it holds, where that is known.
    pub items: Option<u64>,
    /// How long ago it was listed, where it was.
    pub age: Option<Duration>,
    /// Where its plugin runs.
    pub isolation: Place,
    /// How much of the sandbox was enforced.
    pub sandbox: Sandbox,
    /// Why that is less than all of it, or what it allows, may be empty.
    pub sandbox_note: String,
    /// How many attempts are left before it locks itself, where known and limited.
    pub attempts_left: Option<u32>,
    /// Why it is failed, in a word that programs read, where it is refused or quarantined.
    pub code: Option<String>,
}

impl StoreHealth {
    /// The state in the word that programs read.
    pub fn word(&self) -> &'static str {
        match self.code.as_deref() {
            Some("crashed") => "crashed",
            Some("quarantined") => "quarantined",
            _ => self.state.word(),
        }
    }

    /// Whether it answers.
    pub fn answers(&self) -> bool {
        matches!(self.state, HealthState::Ready | HealthState::Degraded)
    }
}
