//! The calls that run: each has an `ah_call` of its own, by whose address it is known.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use anchorhold_abi as abi;
use anchorhold_abi::{Growing, ah_call};

use crate::arena::Loan;
use crate::sized::{self, Size};
use crate::voice::breach;
use crate::word::{Call, Thing};

static RUNNING: Mutex<BTreeMap<usize, Arc<Running>>> = Mutex::new(BTreeMap::new());

/// What a call is made with.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Terms {
    /// Questions are answered.
    pub(crate) may_prompt: bool,
    /// 0: no limit.
    pub(crate) timeout_ms: u32,
    /// It is called off from the start.
    pub(crate) cancelled: bool,
    /// Flags that the plugin does not know.
    pub(crate) strange_flags: bool,
    /// Nothing is lent for errors: `err` is NULL.
    pub(crate) no_error: bool,
    /// In which size structs are lent.
    pub(crate) size: Size,
}

/// One call that runs.
#[derive(Debug)]
pub(crate) struct Running {
    call: Call,
    thread: ThreadId,
    may_prompt: bool,
    cancelled: AtomicBool,
    asked: AtomicU32,
}

/// An `ah_call`, lent until this is dropped.
#[derive(Debug)]
pub(crate) struct Lent {
    loan: Loan,
    /// What stands behind it.
    pub(crate) running: Arc<Running>,
}

impl Lent {
    /// Lends one.
    pub(crate) fn new(call: Call, terms: &Terms) -> Result<Self, String> {
        let mut lent = ah_call::blank();
        if terms.may_prompt {
            lent.flags |= abi::AH_CALL_MAY_PROMPT;
        }
        if terms.strange_flags {
            lent.flags |= !abi::AH_CALL_MAY_PROMPT;
        }
        lent.timeout_ms = terms.timeout_ms;
        lent.trace_id = 0x6b69_7421;
        lent.cancelled = Some(cancelled);
        let loan = sized::lend(call, Thing::Call, &lent, terms.size)?;
        let running = Arc::new(Running {
            call,
            thread: thread::current().id(),
            may_prompt: terms.may_prompt,
            cancelled: AtomicBool::new(terms.cancelled),
            asked: AtomicU32::new(0),
        });
        if let Ok(mut all) = RUNNING.lock() {
            all.insert(loan.address::<u8>().addr(), Arc::clone(&running));
        }
        Ok(Self { loan, running })
    }

    /// As the plugin sees it.
    pub(crate) fn address(&self) -> *const ah_call {
        self.loan.address()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Ok(mut all) = RUNNING.lock() {
            all.remove(&self.loan.address::<u8>().addr());
        }
    }
}

impl Running {
    /// Notes a question; how many there were, this one among them.
    pub(crate) fn ask(&self) -> u32 {
        self.asked.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }

    /// How many questions it asked.
    pub(crate) fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }

    /// What was called.
    pub(crate) fn call(&self) -> Call {
        self.call
    }

    /// Whether questions are answered.
    pub(crate) fn may_prompt(&self) -> bool {
        self.may_prompt
    }

    /// Whether this is the thread of the call.
    pub(crate) fn is_on_this_thread(&self) -> bool {
        self.thread == thread::current().id()
    }
}

/// The call that a plugin names, if it runs.
pub(crate) fn find(call: *const ah_call) -> Option<Arc<Running>> {
    RUNNING.lock().ok()?.get(&call.addr()).map(Arc::clone)
}

/// `ah_call.cancelled`.
///
/// # Safety
///
/// R3: nothing is read of `call`; it is only known by its address.
unsafe extern "C" fn cancelled(call: *const ah_call) -> i32 {
    let Some(running) = find(call) else {
        breach("asked whether a call is cancelled that does not run");
        return 1;
    };
    i32::from(running.cancelled.load(Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_known_while_it_runs() {
        let terms = Terms {
            cancelled: true,
            ..Terms::default()
        };
        let lent = Lent::new(Call::List, &terms).unwrap();
        let address = lent.address();
        assert_eq!(
            find(address).map(|running| running.call()),
            Some(Call::List)
        );
        // SAFETY: R3: the call is lent while this runs.
        let call = unsafe { abi::read(address) }.unwrap();
        // SAFETY: R3: as above.
        assert_eq!(unsafe { call.cancelled.unwrap()(address) }, 1);
        drop(lent);
        assert!(find(address).is_none());
    }
}
