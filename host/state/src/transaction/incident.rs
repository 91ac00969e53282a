//! What a change says of the plugins of stores.

use super::Transaction;
use crate::incident::{Attempt, CRASH_WINDOW, Crash, Mark, Quarantine, StoreChange};
use crate::journal::Event;
use crate::picture::{
    PLUGIN_CRASHED, PLUGIN_QUARANTINED, PLUGIN_RELEASED, SECRET_REFUSED, SECRET_TAKEN,
};

impl Transaction<'_> {
    /// Records that a store's plugin crashed, `code` being what it then was; the third crash within
    /// a minute, whichever processes saw them, quarantines the store, which is returned.
    pub fn record_crash(&mut self, store: &str, code: &str, what: &str) -> Option<Quarantine> {
        let crash = Crash {
            store: store.to_owned(),
            code: code.to_owned(),
            at: self.now.unix_timestamp(),
            what: cut(what),
        };
        let quarantine = self.incidents.after(&crash);
        let window = i64::try_from(CRASH_WINDOW).unwrap_or(i64::MAX);
        let oldest = crash.at.saturating_sub(window);
        self.events
            .push(Event::new(PLUGIN_CRASHED, crash.what.clone()).store(store));
        self.incidents.crashes.push(crash.clone());
        self.stores.push(StoreChange::Crashed(crash, oldest));
        if let Some(quarantine) = &quarantine {
            self.events
                .push(Event::new(PLUGIN_QUARANTINED, quarantine.why.clone()).store(store));
            self.incidents
                .quarantines
                .insert(store.to_owned(), quarantine.clone());
            self.stores
                .push(StoreChange::Quarantined(quarantine.clone()));
        }
        quarantine
    }

    /// Lets a store's plugin be started again, and forgets its crashes; true if it was not to be
    /// started before.
    pub fn release(&mut self, store: &str, why: &str) -> bool {
        let quarantined = self.incidents.quarantines.remove(store).is_some();
        let crashes = self.incidents.crashes.len();
        self.incidents.crashes.retain(|crash| crash.store != store);
        if quarantined || crashes != self.incidents.crashes.len() {
            self.events
                .push(Event::new(PLUGIN_RELEASED, why).store(store));
            self.stores.push(StoreChange::Released(store.to_owned()));
        }
        quarantined
    }

    /// Records that a store refused a secret.
    pub fn record_attempt(&mut self, store: &str, setting: &str, mark: Option<Mark>, what: &str) {
        let known = self.incidents.attempts.iter_mut();
        let known = known
            .rev()
            .find(|attempt| (attempt.store.as_str(), attempt.setting.as_str()) == (store, setting));
        let before = known.as_ref().map_or(0, |known| known.count);
        let attempt = Attempt {
            store: store.to_owned(),
            setting: setting.to_owned(),
            mark,
            at: self.now.unix_timestamp(),
            count: before.saturating_add(1),
        };
        match known {
            Some(known) => *known = attempt.clone(),
            None => self.incidents.attempts.push(attempt.clone()),
        }
        self.stores.push(StoreChange::Refused(attempt));
        let detail = match setting {
            "" => what.to_owned(),
            setting => format!("{setting}: {what}"),
        };
        self.events
            .push(Event::new(SECRET_REFUSED, detail).store(store));
    }

    /// Records that a store took a secret: those that it refused before are forgotten. Nothing is
    /// written where there are none.
    pub fn forget_attempts(&mut self, store: &str) {
        let before = self.incidents.attempts.len();
        self.incidents
            .attempts
            .retain(|attempt| attempt.store != store);
        if before != self.incidents.attempts.len() {
            self.stores.push(StoreChange::Taken(store.to_owned()));
            let detail = "it was unlocked; what it refused before no longer counts";
            self.events
                .push(Event::new(SECRET_TAKEN, detail).store(store));
        }
    }
}

/// As much of a text as is kept.
fn cut(text: &str) -> String {
    let end = (0..=TEXT_MAX.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).unwrap_or_default().to_owned()
}

const TEXT_MAX: usize = 512;
