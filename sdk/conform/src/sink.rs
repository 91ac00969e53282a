//! The sinks that a plugin pushes into, which note everything that a plugin must not do with them.

mod item;

pub(crate) use item::shown;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use anchorhold_abi as abi;
use anchorhold_abi::{
    Growing, ah_byte_sink, ah_bytes, ah_item, ah_item_sink, ah_outcome, ah_outcome_sink, ah_status,
};
use anchorhold_boundary::batch::{Effect, Outcome};
use anchorhold_boundary::item::{Item, ItemId};

use crate::arena::Loan;
use crate::read;
use crate::sized::{self, Size};
use crate::voice::{self, breach};
use crate::word::{Call, Thing};

/// More items in one call are a flood.
pub(crate) const ITEMS_MAX: usize = 200_000;
/// How often a plugin may go on after a stop before that is taken for never ending.
const AFTER_STOP_MAX: usize = 10_000;

static SINKS: Mutex<BTreeMap<usize, Arc<State>>> = Mutex::new(BTreeMap::new());

/// When a sink says stop.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Terms {
    /// The page takes so many items; 0: any number.
    pub(crate) limit: u32,
    /// After so many it says stop, with this status.
    pub(crate) stop: Option<(usize, ah_status)>,
    /// In which size the struct is.
    pub(crate) size: Size,
}

/// What stands behind a sink.
#[derive(Debug)]
struct State {
    call: Call,
    thread: ThreadId,
    terms: Terms,
    taken: Mutex<Taken>,
}

/// What a sink took.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// Items, in order.
    pub(crate) items: Vec<Item>,
    /// How many items were of a kind that this version does not know.
    pub(crate) unknown: usize,
    /// Outcomes, in order.
    pub(crate) outcomes: Vec<Outcome>,
    /// Bytes, as often as they were put.
    pub(crate) bytes: Vec<Vec<u8>>,
    /// The status with which it said stop.
    pub(crate) stopped: Option<ah_status>,
    pushed: usize,
    after_stop: usize,
}

/// A sink, lent until this is dropped.
#[derive(Debug)]
pub(crate) struct Sink {
    loan: Loan,
    state: Arc<State>,
}

impl Sink {
    /// For items.
    pub(crate) fn items(call: Call, terms: Terms) -> Result<Self, String> {
        let mut sink = ah_item_sink::blank();
        sink.push = Some(push_item);
        Self::lend(call, terms, Thing::ItemSink, sink)
    }

    /// For outcomes.
    pub(crate) fn outcomes(call: Call, terms: Terms) -> Result<Self, String> {
        let mut sink = ah_outcome_sink::blank();
        sink.push = Some(push_outcome);
        Self::lend(call, terms, Thing::OutcomeSink, sink)
    }

    /// For bytes.
    pub(crate) fn bytes(call: Call, terms: Terms) -> Result<Self, String> {
        let mut sink = ah_byte_sink::blank();
        sink.put = Some(put);
        Self::lend(call, terms, Thing::ByteSink, sink)
    }

    fn lend<T: Growing>(call: Call, terms: Terms, thing: Thing, sink: T) -> Result<Self, String> {
        let loan = sized::lend(call, thing, &sink, terms.size)?;
        let state = Arc::new(State {
            call,
            thread: thread::current().id(),
            terms,
            taken: Mutex::default(),
        });
        if let Ok(mut sinks) = SINKS.lock() {
            sinks.insert(loan.address::<u8>().addr(), Arc::clone(&state));
        }
        Ok(Self { loan, state })
    }

    /// As the plugin sees it.
    pub(crate) fn address<T>(&self) -> *const T {
        self.loan.address()
    }

    /// The status with which it said stop.
    pub(crate) fn stopped(&self) -> Option<ah_status> {
        self.state.taken().stopped
    }

    /// The call is over: what was taken.
    pub(crate) fn end(self) -> Taken {
        if let Ok(mut sinks) = SINKS.lock() {
            sinks.remove(&self.loan.address::<u8>().addr());
        }
        std::mem::take(&mut *self.state.taken())
    }
}

impl State {
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a push; a status where the plugin is to stop.
    fn begin(&self) -> Result<MutexGuard<'_, Taken>, ah_status> {
        if self.thread != thread::current().id() {
            breach(format!(
                "called the sink of {} on another thread than that of the call",
                self.call
            ));
        }
        let mut taken = self.taken();
        if let Some(status) = taken.stopped {
            taken.after_stop += 1;
            breach(format!(
                "went on in {} after the sink had said stop",
                self.call
            ));
            if taken.after_stop > AFTER_STOP_MAX {
                voice::give_up(&format!("pushes without end in {}", self.call));
            }
            return Err(status);
        }
        if let Some((after, status)) = self.terms.stop
            && taken.pushed >= after
        {
            taken.stopped = Some(status);
            return Err(status);
        }
        taken.pushed += 1;
        Ok(taken)
    }
}

thread_local! {
    /// What runs at the first push on this thread.
    static PAUSE: RefCell<Option<Pause>> = const { RefCell::new(None) };
}

type Pause = Box<dyn FnOnce()>;

/// Makes a call on this thread, in whose first push something else runs.
pub(crate) fn pausing<R>(pause: impl FnOnce() + 'static, call: impl FnOnce() -> R) -> R {
    PAUSE.with(|place| *place.borrow_mut() = Some(Box::new(pause)));
    let result = call();
    PAUSE.with(|place| place.borrow_mut().take());
    result
}

/// The sink that a plugin names, if its call runs.
fn find(address: usize, what: &str) -> Option<Arc<State>> {
    let found = SINKS.lock().ok()?.get(&address).map(Arc::clone);
    if found.is_none() {
        breach(format!("used {what} that belongs to no call that runs"));
    }
    found
}

/// `ah_item_sink.push`.
///
/// # Safety
///
/// R3: the sink is known by its address alone; the item is lent for this call.
unsafe extern "C" fn push_item(sink: *const ah_item_sink, item: *const ah_item) -> ah_status {
    let Some(state) = find(sink.addr(), "a sink of items") else {
        return abi::AH_INVALID_STATE;
    };
    let mut taken = match state.begin() {
        Ok(taken) => taken,
        Err(status) => return status,
    };
    let limit = usize::try_from(state.terms.limit).unwrap_or(usize::MAX);
    if limit != 0 && taken.pushed > limit {
        breach(format!(
            "pushed more items than the page takes, which are {limit}"
        ));
        taken.stopped = Some(abi::AH_LIMIT);
        return abi::AH_LIMIT;
    }
    if taken.pushed > ITEMS_MAX {
        breach(format!(
            "pushed more than {ITEMS_MAX} items in {}",
            state.call
        ));
        taken.stopped = Some(abi::AH_LIMIT);
        return abi::AH_LIMIT;
    }
    if let Some(pause) = PAUSE.with(|place| place.borrow_mut().take()) {
        pause();
    }
    // SAFETY: R1, R3: lent for this call.
    match unsafe { item::read(item) } {
        Ok(Some(item)) => taken.items.push(item),
        Ok(None) => taken.unknown += 1,
        Err(why) => breach(why),
    }
    abi::AH_OK
}

/// `ah_outcome_sink.push`.
///
/// # Safety
///
/// R3: the sink is known by its address alone; the outcome is lent for this call.
unsafe extern "C" fn push_outcome(
    sink: *const ah_outcome_sink,
    outcome: *const ah_outcome,
) -> ah_status {
    let Some(state) = find(sink.addr(), "a sink of outcomes") else {
        return abi::AH_INVALID_STATE;
    };
    let mut taken = match state.begin() {
        Ok(taken) => taken,
        Err(status) => return status,
    };
    // SAFETY: R1, R3: lent for this call.
    match unsafe { read_outcome(outcome) } {
        Ok(outcome) => {
            if outcome.index != taken.outcomes.len() {
                breach(format!(
                    "pushed the outcome of change {} where that of change {} was due",
                    outcome.index,
                    taken.outcomes.len()
                ));
            }
            taken.outcomes.push(outcome);
        }
        Err(why) => breach(why),
    }
    abi::AH_OK
}

/// # Safety
///
/// R1, R3: `outcome` is NULL or lent for this call, with what it leads to.
unsafe fn read_outcome(outcome: *const ah_outcome) -> Result<Outcome, String> {
    // SAFETY: R1, R3, as promised by the caller.
    let raw = unsafe { abi::read(outcome) }
        .ok_or("pushed no ah_outcome, or one that is shorter than in version 1.0")?;
    let effect = match raw.what {
        abi::AH_NEW => Effect::New,
        abi::AH_UPDATED => Effect::Updated,
        abi::AH_UNCHANGED => Effect::Unchanged,
        abi::AH_REMOVED => Effect::Removed,
        what => return Err(format!("pushed an outcome {what}, which there is none of")),
    };
    // SAFETY: R3, as promised by the caller.
    let id = unsafe { read::bytes(raw.id) }.map_err(|why| format!("the id of an outcome {why}"))?;
    if id.is_empty() || id.len() > abi::AH_ID_MAX {
        return Err(format!(
            "the id of an outcome has {} bytes, and may have 1 to {}",
            id.len(),
            abi::AH_ID_MAX
        ));
    }
    Ok(Outcome {
        index: usize::try_from(raw.index).unwrap_or(usize::MAX),
        effect,
        id: ItemId(id),
    })
}

/// `ah_byte_sink.put`.
///
/// # Safety
///
/// R3: the sink is known by its address alone; the bytes are lent for this call.
unsafe extern "C" fn put(sink: *const ah_byte_sink, bytes: ah_bytes) -> ah_status {
    let Some(state) = find(sink.addr(), "a sink of bytes") else {
        return abi::AH_INVALID_STATE;
    };
    let mut taken = match state.begin() {
        Ok(taken) => taken,
        Err(status) => return status,
    };
    // SAFETY: R3: lent for this call.
    match unsafe { read::bytes(bytes) } {
        Ok(bytes) => taken.bytes.push(bytes),
        Err(why) => breach(format!("put bytes where the pointer {why}")),
    }
    if taken.bytes.len() == 2 {
        breach(format!("called the sink of {} more than once", state.call));
    }
    abi::AH_OK
}
