//! What happened to the plugins of stores: crashes, quarantine, and secrets that were refused.

use std::collections::BTreeMap;

/// A plugin that ended, or was ended, in the middle of its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crash {
    /// The store.
    pub store: String,
    /// Which code of the plugin it was.
    pub code: String,
    /// When, in seconds since 1970.
    pub at: i64,
    /// What happened, for people.
    pub what: String,
}

/// A store whose plugin is not started until a person says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantine {
    /// The store.
    pub store: String,
    /// Which code of the plugin it was; empty where that is not known any more, which is any.
    pub code: String,
    /// Since when, in seconds since 1970.
    pub since: i64,
    /// Why, for people.
    pub why: String,
}

impl Quarantine {
    /// Whether it keeps this code of the plugin from being started.
    pub fn holds_for(&self, code: &str) -> bool {
        self.code.is_empty() || self.code == code
    }
}

/// A secret that a store refused, and that nobody has unlocked the store with since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The store.
    pub store: String,
    /// The setting that asked for it; empty where that is not known any more, which is any.
    pub setting: String,
    /// What tells the secret from others without telling it; none where nothing does.
    pub mark: Option<Mark>,
    /// When, in seconds since 1970.
    pub at: i64,
    /// How often secrets were refused since the last that was taken.
    pub count: u32,
}

/// Tells a secret from others without telling it: two bytes of a salted hash of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// What the secret was hashed with.
    pub salt: [u8; 16],
    /// What came of it.
    pub hash: [u8; 2],
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Incidents {
    /// Each store's crashes of the last minute before its last, and that one; oldest first.
    pub(crate) crashes: Vec<Crash>,
    pub(crate) quarantines: BTreeMap<String, Quarantine>,
    pub(crate) attempts: Vec<Attempt>,
}

/// What a change says of a store.
#[derive(Clone, Debug)]
pub(crate) enum StoreChange {
    /// One crash more; what is older than the time given goes.
    Crashed(Crash, i64),
    /// Its plugin is not started any more.
    Quarantined(Quarantine),
    /// A secret was refused.
    Refused(Attempt),
    /// Its plugin is started again, and what it did before is forgotten.
    Released(String),
    /// A secret was taken, and those refused before are forgotten.
    Taken(String),
}

impl Incidents {
    /// The store's last crash.
    pub(crate) fn last_crash(&self, store: &str) -> Option<&Crash> {
        self.crashes.iter().rev().find(|crash| crash.store == store)
    }

    /// Adds what is known from elsewhere, which is newer.
    pub(crate) fn join(&mut self, newer: Self) {
        self.crashes.extend(newer.crashes);
        self.quarantines.extend(newer.quarantines);
        self.attempts.extend(newer.attempts);
    }

    /// What a crash more comes to: the quarantine, where it is one too many.
    pub(crate) fn after(&self, crash: &Crash) -> Option<Quarantine> {
        if let Some(known) = self.quarantines.get(&crash.store)
            && known.holds_for(&crash.code)
        {
            return None;
        }
        let recent = self.crashes.iter().filter(|known| {
            (known.store.as_str(), known.code.as_str())
                == (crash.store.as_str(), crash.code.as_str())
                // A clock that was set back makes no crash old.
                && known.at.abs_diff(crash.at) < CRASH_WINDOW
        });
        let count = recent.count() + 1;
        (count >= CRASHES).then(|| Quarantine {
            store: crash.store.clone(),
            code: crash.code.clone(),
            since: crash.at,
            why: format!(
                "it crashed {count} times within a minute, at last: {}",
                crash.what
            ),
        })
    }
}

/// How many crashes within [`CRASH_WINDOW`] are one too many.
const CRASHES: usize = 3;
/// In seconds.
pub(crate) const CRASH_WINDOW: u64 = 60;

#[cfg(test)]
mod tests {
    use super::*;

    fn crash(store: &str, code: &str, at: i64) -> Crash {
        Crash {
            store: store.to_owned(),
            code: code.to_owned(),
            at,
            what: "ended by signal 11".to_owned(),
        }
    }

    fn known(crashes: &[(&str, &str, i64)]) -> Incidents {
        let crashes = crashes.iter();
        Incidents {
            crashes: crashes
                .map(|(store, code, at)| crash(store, code, *at))
                .collect(),
            ..Incidents::default()
        }
    }

    #[test]
    fn the_third_crash_within_a_minute_is_one_too_many() {
        let twice = known(&[("hsm", "a", 100), ("hsm", "a", 130)]);
        let quarantine = twice.after(&crash("hsm", "a", 159)).unwrap();
        assert!(quarantine.why.contains("3 times"), "{}", quarantine.why);
        assert!(quarantine.why.contains("signal 11"), "{}", quarantine.why);
        assert_eq!(twice.after(&crash("hsm", "a", 160)), None, "one is old");
        assert_eq!(twice.after(&crash("hsm", "b", 131)), None, "other code");
        assert_eq!(twice.after(&crash("other", "a", 131)), None, "other store");
        assert!(
            twice.after(&crash("hsm", "a", 90)).is_some(),
            "a clock set back"
        );
        assert_eq!(
            known(&[("hsm", "a", 100)]).after(&crash("hsm", "a", 100)),
            None
        );
    }

    #[test]
    fn what_is_quarantined_is_so_once_and_for_that_code() {
        let mut held = known(&[("hsm", "a", 100), ("hsm", "a", 101)]);
        let quarantine = held.after(&crash("hsm", "a", 102)).unwrap();
        assert!(quarantine.holds_for("a") && !quarantine.holds_for("b"));
        held.quarantines
            .insert("hsm".to_owned(), quarantine.clone());
        assert_eq!(held.after(&crash("hsm", "a", 103)), None);
        let lost = Quarantine {
            code: String::new(),
            ..quarantine
        };
        assert!(lost.holds_for("a") && lost.holds_for("b"));
    }
}
