//! A store's health, as the plugin filled it in.

use anchorhold_abi as abi;
use anchorhold_abi::ah_health;

use crate::health::{Health, HealthState};
use crate::quotation;

/// Types what the plugin wrote into a struct of ours.
pub(crate) fn read(raw: &ah_health) -> Health {
    Health {
        state: match raw.state {
            abi::AH_READY => HealthState::Ready,
            abi::AH_DEGRADED => HealthState::Degraded,
            abi::AH_HEALTH_LOCKED => HealthState::Locked,
            abi::AH_OFFLINE => HealthState::Offline,
            _ => HealthState::Failed,
        },
        writable: raw.flags & abi::AH_HEALTH_WRITABLE != 0,
        watching: raw.flags & abi::AH_HEALTH_WATCHING != 0,
        asks_write: raw.flags & abi::AH_HEALTH_ASKS_WRITE != 0,
        generation: raw.generation,
        item_count: (raw.item_count != u64::MAX).then_some(raw.item_count),
        attempts_left: (raw.attempts_left != 0).then_some(raw.attempts_left),
        last_success: raw.last_success,
        detail: quotation::field(&raw.detail),
    }
}
