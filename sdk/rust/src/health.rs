//! How a store is, answered from memory.

use std::time::{SystemTime, UNIX_EPOCH};

use anchorhold_abi as abi;
use anchorhold_abi::ah_health;

use crate::foreign;

/// The state of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HealthState {
    /// Something does not work.
    Degraded,
    /// It is broken.
    Failed,
    /// A person must unlock it.
    Locked,
    /// It cannot be reached.
    Offline,
    /// Everything works.
    Ready,
}

/// What a store knows of itself without asking anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    state: HealthState,
    flags: u32,
    attempts_left: u32,
    generation: u64,
    item_count: Option<u64>,
    last_success: i64,
    detail: String,
}

impl Health {
    /// A state of which nothing else is known.
    pub fn new(state: HealthState) -> Self {
        Self {
            state,
            flags: 0,
            attempts_left: 0,
            generation: 0,
            item_count: None,
            last_success: 0,
            detail: String::new(),
        }
    }

    /// The generation of contents with this SHA-256, never 0, which says that it is not known.
    pub fn generation_of(digest: &[u8; 32]) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = *digest;
        u64::from_le_bytes([a, b, c, d, e, f, g, h]).max(1)
    }

    /// The Unix seconds of now, for [`last_success`](Self::last_success); 0, which is never, where
    /// the clock does not know.
    pub fn now() -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).ok();
        since
            .and_then(|since| i64::try_from(since.as_secs()).ok())
            .unwrap_or(0)
    }

    /// The number of the state that the store is in: it differs when the contents differ.
    #[must_use]
    pub fn generation(mut self, generation: u64) -> Self {
        self.generation = generation;
        self
    }

    /// How many items there are.
    #[must_use]
    pub fn item_count(mut self, count: usize) -> Self {
        self.item_count = u64::try_from(count).ok();
        self
    }

    /// Whether this store can be written now.
    #[must_use]
    pub fn writable(self, writable: bool) -> Self {
        self.flag(abi::AH_HEALTH_WRITABLE, writable)
    }

    /// Whether changes are announced with [`Host::changed`](crate::Host::changed).
    #[must_use]
    pub fn watching(self, watching: bool) -> Self {
        self.flag(abi::AH_HEALTH_WATCHING, watching)
    }

    /// Whether a write needs a person.
    #[must_use]
    pub fn asks_write(self, asks: bool) -> Self {
        self.flag(abi::AH_HEALTH_ASKS_WRITE, asks)
    }

    /// How many attempts are left before it locks itself; 0 where that is not known or not limited.
    #[must_use]
    pub fn attempts_left(mut self, attempts: u32) -> Self {
        self.attempts_left = attempts;
        self
    }

    /// Unix seconds of the last success.
    #[must_use]
    pub fn last_success(mut self, at: i64) -> Self {
        self.last_success = at;
        self
    }

    /// One sentence for people, at most 127 bytes.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// The state.
    pub fn state(&self) -> HealthState {
        self.state
    }

    pub(crate) fn lower(&self) -> ah_health {
        let mut out = <ah_health as abi::Growing>::blank();
        out.state = match self.state {
            HealthState::Ready => abi::AH_READY,
            HealthState::Degraded => abi::AH_DEGRADED,
            HealthState::Locked => abi::AH_HEALTH_LOCKED,
            HealthState::Offline => abi::AH_OFFLINE,
            HealthState::Failed => abi::AH_FAILED,
        };
        out.flags = self.flags;
        out.attempts_left = self.attempts_left;
        out.generation = self.generation;
        out.item_count = self.item_count.unwrap_or(u64::MAX);
        out.last_success = self.last_success;
        foreign::fill(&mut out.detail, &self.detail);
        out
    }

    fn flag(mut self, flag: u32, on: bool) -> Self {
        self.flags = if on {
            self.flags | flag
        } else {
            self.flags & !flag
        };
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_is_never_the_one_that_is_not_known() {
        assert_eq!(Health::generation_of(&[0; 32]), 1);
        let mut digest = [0; 32];
        digest[1] = 2;
        assert_eq!(Health::generation_of(&digest), 512);
    }

    #[test]
    fn now_is_after_this_was_written() {
        assert!(Health::now() > 1_700_000_000);
    }
}
