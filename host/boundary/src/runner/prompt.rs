//! Questions of the plugin, which the host asks.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::question::{Answer, Prompter, Question};
use crate::runner::calls::Calls;
use crate::runner::outbox::Outbox;
use crate::wire::{NO_REQUEST, ToHost};

thread_local! {
    /// The call that is made on this thread.
    static HERE: Cell<u32> = const { Cell::new(NO_REQUEST) };
}

/// Asks the host, in the name of the call that asks.
pub(super) struct Asker {
    pub(super) outbox: Arc<Outbox>,
    pub(super) calls: Arc<Calls>,
    pub(super) only: Arc<AtomicU32>,
}

/// The only open call of a plugin that is called by one thread at a time, whichever that is.
pub(super) fn begin(request: u32, only: &AtomicU32) {
    HERE.set(request);
    only.store(request, Ordering::Release);
}

impl Prompter for Asker {
    fn answer(&self, question: &Question) -> Answer {
        let request = match HERE.get() {
            // The store has a thread of its own, and makes one call at a time on it.
            NO_REQUEST => self.only.load(Ordering::Acquire),
            here => here,
        };
        self.outbox.say(&ToHost::Ask(question.clone()), request);
        self.calls.answer(request)
    }
}
