//! The only clock of the kernel: how long ago a store was listed, and never what time it is.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Tells how much time has passed since some moment; tests pass their own.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Clock {
    /// The machine's monotonic clock, which goes on while it sleeps: what was listed before is as old
    /// as it is.
    pub fn monotonic() -> Self {
        let start = since_boot();
        Self(Arc::new(move || since_boot().saturating_sub(start)))
    }

    /// A clock that somebody else turns.
    pub fn turned_by(clock: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(clock))
    }

    /// The time since the moment.
    pub(crate) fn now(&self) -> Duration {
        (self.0)()
    }
}

/// The time since the machine was started.
#[cfg(target_os = "linux")]
fn since_boot() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::try_from(now).unwrap_or_default()
}

/// The time since this was first asked; this system has no clock that counts its sleep.
#[cfg(not(target_os = "linux"))]
fn since_boot() -> Duration {
    use std::sync::LazyLock;
    use std::time::Instant;
    static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);
    FIRST.elapsed()
}

impl Default for Clock {
    fn default() -> Self {
        Self::monotonic()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn sleep_of_the_machine_counts() {
        let before = since_boot();
        let told = std::fs::read_to_string("/proc/uptime").unwrap();
        let after = since_boot();
        // What the kernel tells there counts its sleep, in hundredths of a second.
        let (seconds, hundredths) = told.split(' ').next().unwrap().split_once('.').unwrap();
        let hundredths: u64 = format!("{seconds}{hundredths}").parse().unwrap();
        let uptime = Duration::from_millis(hundredths * 10);
        assert!(
            before < uptime + Duration::from_millis(10),
            "{before:?}, {uptime:?}"
        );
        assert!(uptime <= after, "{uptime:?}, {after:?}");
    }

    #[test]
    fn clock_begins_at_nothing_and_never_goes_back() {
        let clock = Clock::monotonic();
        let first = clock.now();
        assert!(first < Duration::from_secs(3600), "{first:?}");
        assert!(clock.now() >= first);
    }
}
