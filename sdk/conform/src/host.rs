//! The host as a plugin sees it, which notes everything that a plugin must not do with it.

mod prompt;
mod secret;

pub(crate) use prompt::WRONG;

use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_void};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use anchorhold_abi as abi;
use anchorhold_abi::{
    Growing, ah_host, ah_host_notify, ah_host_prompt, ah_host_secret_mem, ah_str,
};
use zeroize::Zeroizing;

use crate::arena::Loan;
use crate::read;
use crate::sized::{self, Size};
use crate::voice::{self, breach};
use crate::word::{Call, Thing};

/// How many lines of the log are kept in one call; the host drops and counts what is more.
const LINES_PER_CALL: u32 = 1000;
/// The most bytes of a line that a host keeps.
const LINE_MAX: usize = 4096;

static HOSTS: Mutex<BTreeMap<usize, Arc<State>>> = Mutex::new(BTreeMap::new());

/// Who answers the questions of a store.
#[derive(Clone, Debug, Default)]
pub(crate) enum Answers {
    /// Nobody: the host has no table for questions at all.
    #[default]
    Nobody,
    /// Somebody who says no.
    Refused,
    /// What the operator stored, by setting; a question for anything else is answered with a yes
    /// where it takes one, and refused where it does not.
    Stored(BTreeMap<String, Zeroizing<Vec<u8>>>),
    /// The same wrong answer to everything.
    Wrong,
}

/// What a host offers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Offer {
    /// Whether it has no tables but `ah_host` itself.
    pub(crate) bare: bool,
    /// Who answers.
    pub(crate) answers: Answers,
    /// The secret settings of the manifest, which questions may name; none: not known.
    pub(crate) secrets: Option<Vec<String>>,
    /// In which size its structs are.
    pub(crate) size: Size,
}

/// What stands behind an `ah_host`.
#[derive(Debug)]
pub(crate) struct State {
    offer: Offer,
    closed: AtomicBool,
    lines: Mutex<Vec<String>>,
    lines_in_call: AtomicU32,
    memory: Mutex<BTreeMap<usize, Loan>>,
    /// Gone once close has returned, as the host itself.
    tables: Mutex<Option<Tables>>,
}

#[derive(Debug)]
struct Tables {
    notify: Loan,
    prompt: Loan,
    secret: Loan,
}

/// An `ah_host`, lent until this is dropped, which is after close has returned.
#[derive(Debug)]
pub(crate) struct Host {
    loan: Loan,
    state: Arc<State>,
}

impl Host {
    /// Makes one.
    pub(crate) fn new(offer: Offer) -> Result<Self, String> {
        let mut table = ah_host::blank();
        table.name = ah_str::new("anchorhold-conform");
        table.version = ah_str::new(env!("CARGO_PKG_VERSION"));
        table.log = Some(log);
        table.extension = Some(extension);
        let loan = sized::lend(Call::Open, Thing::Host, &table, offer.size)?;
        let state = Arc::new(State {
            tables: Mutex::new(Some(Tables::new(offer.size)?)),
            offer,
            closed: AtomicBool::new(false),
            lines: Mutex::default(),
            lines_in_call: AtomicU32::new(0),
            memory: Mutex::default(),
        });
        if let Ok(mut hosts) = HOSTS.lock() {
            hosts.insert(loan.address::<u8>().addr(), Arc::clone(&state));
        }
        Ok(Self { loan, state })
    }

    /// As the plugin sees it.
    pub(crate) fn address(&self) -> *const ah_host {
        self.loan.address()
    }

    /// Begins a call: its lines count anew.
    pub(crate) fn begin_call(&self) {
        self.state.lines_in_call.store(0, Ordering::Relaxed);
    }

    /// What was logged.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.state
            .lines
            .lock()
            .map(|lines| lines.clone())
            .unwrap_or_default()
    }

    /// Close has returned: nothing of this host may be used from now on.
    pub(crate) fn end(&self) {
        self.state.closed.store(true, Ordering::Release);
        if let Ok(mut tables) = self.state.tables.lock() {
            tables.take();
        }
        let left = self
            .state
            .memory
            .lock()
            .map(|mut memory| std::mem::take(&mut *memory));
        let left = left.map(|memory| memory.len()).unwrap_or_default();
        if left > 0 {
            breach(format!(
                "did not give back secret memory before close returned, {left} pieces of it"
            ));
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // The address stays known, so that a late call is told from one that is no host's.
        self.end();
    }
}

impl Tables {
    fn new(size: Size) -> Result<Self, String> {
        let mut notify = ah_host_notify::blank();
        notify.changed = Some(changed);
        let mut prompt = ah_host_prompt::blank();
        prompt.ask = Some(prompt::ask);
        let mut secret = ah_host_secret_mem::blank();
        secret.take = Some(secret::take);
        secret.give_back = Some(secret::give_back);
        let table = Thing::HostTable;
        Ok(Self {
            notify: sized::lend(Call::Open, table, &notify, size)?,
            prompt: sized::lend(Call::Open, table, &prompt, size)?,
            secret: sized::lend(Call::Open, table, &secret, size)?,
        })
    }
}

/// The host that a plugin names, if it is one whose store is open.
fn find(host: *const ah_host, what: &str) -> Option<Arc<State>> {
    let found = HOSTS.lock().ok()?.get(&host.addr()).map(Arc::clone);
    let Some(state) = found else {
        breach(format!("called {what} with a pointer that is no ah_host"));
        return None;
    };
    if state.closed.load(Ordering::Acquire) {
        breach(format!("called {what} after close had returned"));
        return None;
    }
    Some(state)
}

/// `ah_host.log`.
///
/// # Safety
///
/// R3: `host` is known by its address alone; the message is lent for this call.
unsafe extern "C" fn log(host: *const ah_host, _level: u32, message: ah_str) {
    let Some(state) = find(host, "the host's log") else {
        return;
    };
    // SAFETY: R3: lent for this call.
    let text = match unsafe { read::text(message) } {
        Ok(text) => text,
        Err(why) => {
            breach(format!("wrote a line into the log that {why}"));
            return;
        }
    };
    if text.len() > LINE_MAX {
        breach(format!(
            "wrote a line of {} bytes into the log, of which a host keeps {LINE_MAX}",
            text.len()
        ));
    }
    let count = state.lines_in_call.fetch_add(1, Ordering::Relaxed);
    if count == LINES_PER_CALL {
        let place = crate::fault::Place(voice::current());
        breach(format!(
            "floods the log: more than {LINES_PER_CALL} lines {place}"
        ));
    }
    if count < LINES_PER_CALL
        && let Ok(mut lines) = state.lines.lock()
    {
        lines.push(text.chars().take(LINE_MAX).collect());
    }
}

/// `ah_host.extension`.
///
/// # Safety
///
/// R3: `host` is known by its address alone; `id` is a text that ends with NUL, lent for this call.
unsafe extern "C" fn extension(host: *const ah_host, id: *const c_char) -> *const c_void {
    let Some(state) = find(host, "the host's extension") else {
        return std::ptr::null();
    };
    if id.is_null() {
        breach("asked the host for an extension without an id");
        return std::ptr::null();
    }
    if state.offer.bare {
        return std::ptr::null();
    }
    // SAFETY: R3: lent for this call.
    let id = unsafe { CStr::from_ptr(id) };
    let tables = state.tables.lock();
    let Some(tables) = tables.as_ref().ok().and_then(|tables| tables.as_ref()) else {
        return std::ptr::null();
    };
    if id == abi::AH_HOST_NOTIFY {
        tables.notify.address()
    } else if id == abi::AH_HOST_SECRET_MEM {
        tables.secret.address()
    } else if id == abi::AH_HOST_PROMPT && !matches!(state.offer.answers, Answers::Nobody) {
        tables.prompt.address()
    } else {
        std::ptr::null()
    }
}

/// `ah_host_notify.changed`.
///
/// # Safety
///
/// R3: `host` is known by its address alone.
unsafe extern "C" fn changed(host: *const ah_host, _generation: u64) {
    // What it tells is a hint; only whom it tells matters here.
    let _known = find(host, "changed of the host");
}
