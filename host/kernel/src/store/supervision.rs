//! When a plugin that crashed is started again, and when it is not any more.

use std::collections::VecDeque;
use std::time::Duration;

use crate::incidents::Written;

/// What is remembered of one store's crashes; the times are those of the kernel's clock.
#[derive(Debug, Default)]
pub(crate) struct Supervision {
    last: Option<Crashed>,
    /// The crashes of the last minute.
    recent: VecDeque<Duration>,
    /// How many crashes followed each other, each within a minute of the one before.
    streak: u32,
    quarantine: Option<Quarantine>,
}

/// The last crash.
#[derive(Clone, Debug)]
pub(crate) struct Crashed {
    pub(crate) at: Duration,
    pub(crate) what: String,
}

#[derive(Clone, Debug)]
struct Quarantine {
    why: String,
    /// Whether it is written down, so that whoever lifts it there lifts it here.
    recorded: bool,
}

/// Whether a plugin may be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// It may.
    Now,
    /// After a pause.
    After(Duration),
    /// Not before a person has released the store.
    Quarantined(String),
}

impl Supervision {
    /// A crash more; `recorded` is what those who write them down made of it.
    pub(crate) fn crashed(&mut self, now: Duration, what: String, recorded: Option<String>) {
        let follows = self
            .last
            .as_ref()
            .is_some_and(|last| now.saturating_sub(last.at) < MINUTE);
        self.streak = if follows {
            self.streak.saturating_add(1)
        } else {
            1
        };
        self.recent.push_back(now);
        while self
            .recent
            .front()
            .is_some_and(|oldest| now.saturating_sub(*oldest) >= MINUTE)
        {
            self.recent.pop_front();
        }
        if let Some(why) = recorded {
            self.quarantine = Some(Quarantine {
                why,
                recorded: true,
            });
        } else if self.recent.len() >= CRASHES {
            let why = format!(
                "it crashed {} times within a minute, at last: {what}",
                self.recent.len()
            );
            self.quarantine.get_or_insert(Quarantine {
                why,
                recorded: false,
            });
        }
        self.last = Some(Crashed { at: now, what });
    }

    /// Whether the plugin may be started, after what is written down.
    pub(crate) fn leave(&mut self, now: Duration, written: Written) -> Leave {
        match (written, &self.quarantine) {
            (Written::Quarantined(why), _) => {
                self.quarantine = Some(Quarantine {
                    why: why.clone(),
                    recorded: true,
                });
                return Leave::Quarantined(why);
            }
            // It was written down, and is not any more.
            (Written::Nothing, Some(known)) if known.recorded => *self = Self::default(),
            (Written::Nothing | Written::Unreadable, Some(known)) => {
                return Leave::Quarantined(known.why.clone());
            }
            (Written::Nothing | Written::Unreadable, None) => {}
        }
        let Some(last) = &self.last else {
            return Leave::Now;
        };
        let left = pause(self.streak).saturating_sub(now.saturating_sub(last.at));
        if left.is_zero() {
            Leave::Now
        } else {
            Leave::After(left)
        }
    }

    /// Forgets everything: a person has released the store.
    pub(crate) fn release(&mut self) {
        *self = Self::default();
    }

    /// The last crash.
    pub(crate) fn last(&self) -> Option<&Crashed> {
        self.last.as_ref()
    }
}

/// How long to wait after so many crashes: not at all, then 1, 2, 4 and up to 60 seconds.
fn pause(streak: u32) -> Duration {
    match streak.checked_sub(2) {
        None => Duration::ZERO,
        Some(doublings) => doubled(doublings),
    }
}

/// A second, doubled so often, and a minute at most.
pub(crate) fn doubled(doublings: u32) -> Duration {
    let seconds = 1_u64.checked_shl(doublings).unwrap_or(u64::MAX);
    Duration::from_secs(seconds).min(MINUTE)
}

/// How many crashes within a minute are one too many.
const CRASHES: usize = 3;
const MINUTE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    fn second(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    fn crashed(supervision: &mut Supervision, at: u64) {
        supervision.crashed(second(at), "signal 11".to_owned(), None);
    }

    #[test]
    fn the_first_crash_costs_no_pause() {
        let mut supervision = Supervision::default();
        assert_eq!(supervision.leave(second(0), Written::Nothing), Leave::Now);
        crashed(&mut supervision, 100);
        assert_eq!(supervision.leave(second(100), Written::Nothing), Leave::Now);
        crashed(&mut supervision, 160);
        assert_eq!(supervision.leave(second(160), Written::Nothing), Leave::Now);
    }

    #[test]
    fn crashes_that_follow_each_other_cost_more_and_more() {
        let mut supervision = Supervision::default();
        let mut pauses = Vec::new();
        // Never three within a minute.
        for at in (0..20).map(|number| 1_000 + number * 40) {
            crashed(&mut supervision, at);
            pauses.push(match supervision.leave(second(at), Written::Nothing) {
                Leave::Now => 0,
                Leave::After(left) => left.as_secs(),
                Leave::Quarantined(why) => panic!("{why}"),
            });
        }
        assert_eq!(pauses[..9], [0, 1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(pauses.last(), Some(&60));
        crashed(&mut supervision, 10_000);
        crashed(&mut supervision, 10_001);
        let half = second(10_001) + Duration::from_millis(500);
        let left = Leave::After(Duration::from_millis(500));
        assert_eq!(supervision.leave(half, Written::Nothing), left);
        assert_eq!(
            supervision.leave(second(10_002), Written::Nothing),
            Leave::Now
        );
    }

    #[test]
    fn the_third_crash_within_a_minute_ends_it() {
        let mut supervision = Supervision::default();
        for at in [0, 30, 59] {
            crashed(&mut supervision, at);
        }
        let Leave::Quarantined(why) = supervision.leave(second(100_000), Written::Nothing) else {
            panic!("it may start")
        };
        assert!(
            why.contains("3 times") && why.contains("signal 11"),
            "{why}"
        );
        supervision.release();
        assert_eq!(
            supervision.leave(second(100_000), Written::Nothing),
            Leave::Now
        );
        for at in [0, 30, 60] {
            crashed(&mut supervision, at);
        }
        assert!(!matches!(
            supervision.leave(second(60), Written::Nothing),
            Leave::Quarantined(_)
        ));
    }

    #[test]
    fn what_is_written_down_counts_and_what_is_lifted_there_is_lifted() {
        let mut supervision = Supervision::default();
        let why = Some("elsewhere".to_owned());
        let written = Written::Quarantined("elsewhere".to_owned());
        let quarantined = Leave::Quarantined("elsewhere".to_owned());
        assert_eq!(supervision.leave(second(0), written.clone()), quarantined);
        assert_eq!(supervision.leave(second(1), Written::Nothing), Leave::Now);
        supervision.crashed(second(2), "signal 11".to_owned(), why);
        assert_eq!(supervision.leave(second(3), written), quarantined);
        let unreadable = supervision.leave(second(3), Written::Unreadable);
        assert_eq!(unreadable, quarantined, "nobody has lifted it");
        assert_eq!(supervision.leave(second(4), Written::Nothing), Leave::Now);
        assert!(supervision.last().is_none(), "it begins anew");
    }
}
