//! Until when a call of the host may last.

use std::time::{Duration, Instant};

use anchorhold_sdk::Call;

/// The moment after which nothing is waited for any more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// That of a call which has just begun: most of its time, so that there is some left to say
    /// why; `otherwise` where the host sets no limit.
    pub(crate) fn of(call: &Call<'_>, otherwise: Duration) -> Self {
        let limit = call.timeout().map_or(otherwise, |limit| limit / 4 * 3);
        Self(Instant::now() + limit)
    }

    /// What is left of the time.
    pub(crate) fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}

/// How long a keychain may take where the host sets no limit.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// The same where a person answers it.
pub(crate) const PATIENCE_WITH_PEOPLE: Duration = Duration::from_secs(300);
