//! How a store is, as a person asks.

use std::time::Duration;

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
}

impl StoreHealth {
    /// The state in the word that programs read.
    pub fn word(&self) -> &'static str {
        match self.state {
            HealthState::Ready => "ready",
            HealthState::Degraded => "degraded",
            HealthState::Locked => "locked",
            HealthState::Offline => "offline",
            _ => "failed",
        }
    }

    /// Whether it answers.
    pub fn answers(&self) -> bool {
        matches!(self.state, HealthState::Ready | HealthState::Degraded)
    }
}
