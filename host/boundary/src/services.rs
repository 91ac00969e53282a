//! What a store may call: the log, questions, the announcement of changes, memory for secrets.

mod prompt;
mod secret_memory;

use std::collections::BTreeSet;
use std::ffi::{CStr, c_char, c_void};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use anchorhold_abi as abi;
use anchorhold_abi::{Growing, ah_call, ah_host, ah_host_notify, ah_str};

use crate::adopt;
use crate::guard::guarded;
use crate::plugin::StoreConfig;
use crate::quotation;
use crate::services::prompt::Questions;
use crate::services::secret_memory::SecretMemory;

pub(crate) use prompt::{Asking, MayAsk};

/// How much a line of the log matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something is odd.
    Warn,
    /// Something happened.
    Info,
    /// For whoever looks for a fault.
    Debug,
    /// Everything.
    Trace,
}

/// Where the lines of one store go. It is called on any thread, must not block, and must not call
/// the store: a plugin may hold its own locks meanwhile.
pub type LogSink = Arc<dyn Fn(LogLevel, &str) + Send + Sync>;

/// The most bytes of a line.
const LINE_MAX: usize = 4096;
/// How many lines a store may write in one call; what is more is counted and dropped.
const LINES_PER_CALL: u32 = 1000;

/// The `ah_host` of one store, and what stands behind it.
// The table comes first, so that a pointer to it is a pointer to the whole.
#[repr(C)]
pub(crate) struct Services {
    table: ah_host,
    log: LogSink,
    announce: Option<Announce>,
    announced: AtomicBool,
    lines: AtomicU32,
    questions: Questions,
    secret_memory: SecretMemory,
}

/// What hears of an announcement at once.
type Announce = Arc<dyn Fn(u64) + Send + Sync>;

// SAFETY: R7: the table is constant, its functions are [any], and the rest is Send and Sync.
unsafe impl Send for Services {}
// SAFETY: R7, as above.
unsafe impl Sync for Services {}

impl Services {
    /// The services of one store, whose manifest has these secret settings.
    pub(crate) fn new(config: &StoreConfig, secrets: BTreeSet<String>) -> Arc<Self> {
        let mut table = ah_host::blank();
        table.name = ah_str::new("anchorhold");
        table.version = ah_str::new(env!("CARGO_PKG_VERSION"));
        table.log = Some(write_line);
        table.extension = Some(extension);
        Arc::new(Self {
            table,
            log: Arc::clone(&config.log),
            announce: config.announce.clone(),
            announced: AtomicBool::new(false),
            lines: AtomicU32::new(0),
            questions: Questions::new(config.prompter.clone(), secrets),
            secret_memory: SecretMemory::default(),
        })
    }

    /// The host as the plugin sees it. It lives as long as `self`, which is until close returns.
    pub(crate) fn host(self: &Arc<Self>) -> *const ah_host {
        Arc::as_ptr(self).cast::<ah_host>()
    }

    /// Whether a change was announced since this was last asked.
    pub(crate) fn take_announced(&self) -> bool {
        self.announced.swap(false, Ordering::AcqRel)
    }

    /// Begins a call: its lines count anew.
    pub(crate) fn begin_call(&self) {
        let before = self.lines.swap(0, Ordering::Relaxed);
        if let Some(dropped) = before
            .checked_sub(LINES_PER_CALL)
            .filter(|dropped| *dropped > 0)
        {
            self.say(
                LogLevel::Warn,
                &format!("{dropped} more lines of the store were dropped"),
            );
        }
    }

    /// Whether a call may ask that its caller, and the contract, allow to ask so often: nobody is
    /// asked where nobody answers.
    pub(crate) fn may_ask(&self, wanted: bool, most: MayAsk) -> MayAsk {
        if wanted && self.questions.has_prompter() {
            most
        } else {
            MayAsk::Never
        }
    }

    /// Lets a call ask on this thread, for as long as the answer lives.
    pub(crate) fn asking(&self, call: *const ah_call, may_ask: MayAsk) -> Option<Asking<'_>> {
        self.questions.allow(call, may_ask)
    }

    /// Ends the services of a store that is closed: what it still has is wiped and told.
    pub(crate) fn end(&self) {
        let left = self.secret_memory.clear();
        if left > 0 {
            self.say(
                LogLevel::Warn,
                &format!("secret memory was not given back, and is wiped now: pieces: {left}"),
            );
        }
    }

    /// Writes a line of our own.
    pub(crate) fn say(&self, level: LogLevel, line: &str) {
        guarded((), || (self.log)(level, line));
    }

    fn write(&self, level: u32, message: &[u8]) {
        if self.lines.fetch_add(1, Ordering::Relaxed) >= LINES_PER_CALL {
            return;
        }
        let level = match level {
            abi::AH_LOG_ERROR => LogLevel::Error,
            abi::AH_LOG_WARN => LogLevel::Warn,
            abi::AH_LOG_INFO => LogLevel::Info,
            abi::AH_LOG_DEBUG => LogLevel::Debug,
            _ => LogLevel::Trace,
        };
        (self.log)(level, &quotation::line(message, LINE_MAX).text);
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services")
            .field("announced", &self.announced)
            .finish_non_exhaustive()
    }
}

const NOTIFY: &ah_host_notify = &ah_host_notify {
    struct_size: ah_host_notify::SIZE,
    reserved: 0,
    changed: Some(changed),
};

/// `ah_host.log`.
///
/// # Safety
///
/// R3: `host` is NULL or the host of an open store; the message is lent for this call.
unsafe extern "C" fn write_line(host: *const ah_host, level: u32, message: ah_str) {
    guarded((), || {
        // SAFETY: R3: the host was made by `Services::host`, and lives until close returns.
        let Some(services) = (unsafe { host.cast::<Services>().as_ref() }) else {
            return;
        };
        // SAFETY: R3: lent for this call.
        if let Ok(message) = unsafe { adopt::text(message) } {
            services.write(level, message);
        }
    });
}

/// `ah_host.extension`.
///
/// # Safety
///
/// R3: `id` is NULL or a NUL-terminated text, lent for this call.
unsafe extern "C" fn extension(_host: *const ah_host, id: *const c_char) -> *const c_void {
    guarded(std::ptr::null(), || {
        if id.is_null() {
            return std::ptr::null();
        }
        // SAFETY: R3: lent for this call.
        let id = unsafe { CStr::from_ptr(id) };
        if id == abi::AH_HOST_NOTIFY {
            return std::ptr::from_ref(NOTIFY).cast();
        }
        if id == abi::AH_HOST_PROMPT {
            return std::ptr::from_ref(prompt::TABLE).cast();
        }
        if id == abi::AH_HOST_SECRET_MEM {
            return std::ptr::from_ref(secret_memory::TABLE).cast();
        }
        std::ptr::null()
    })
}

/// `ah_host_notify.changed`.
///
/// # Safety
///
/// R3: `host` is NULL or the host of an open store.
unsafe extern "C" fn changed(host: *const ah_host, generation: u64) {
    guarded((), || {
        // SAFETY: R3: the host was made by `Services::host`, and lives until close returns.
        if let Some(services) = unsafe { host.cast::<Services>().as_ref() } {
            services.announced.store(true, Ordering::Release);
            if let Some(announce) = &services.announce {
                announce(generation);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    type Lines = Arc<Mutex<Vec<(LogLevel, String)>>>;

    fn recording() -> (Arc<Services>, Lines) {
        let lines = Lines::default();
        let kept = Arc::clone(&lines);
        let mut config = StoreConfig::new("s");
        config.log = Arc::new(move |level, line: &str| {
            kept.lock().unwrap().push((level, line.to_owned()));
        });
        (Services::new(&config, BTreeSet::new()), lines)
    }

    fn log(services: &Arc<Services>, level: u32, message: ah_str) {
        // SAFETY: R3: the host and the message live longer than the call.
        unsafe { write_line(services.host(), level, message) };
    }

    #[test]
    fn line_is_made_fit_to_be_shown() {
        let (services, lines) = recording();
        log(&services, abi::AH_LOG_WARN, ah_str::new("a\x1b[31mb\n"));
        log(&services, 99, ah_str::new("later level"));
        log(
            &services,
            abi::AH_LOG_INFO,
            ah_str {
                ptr: std::ptr::null(),
                len: 9,
            },
        );
        let lines = lines.lock().unwrap();
        assert_eq!(lines[0], (LogLevel::Warn, "a[31mb".to_owned()));
        assert_eq!(lines[1], (LogLevel::Trace, "later level".to_owned()));
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn flood_is_counted_and_dropped() {
        let (services, lines) = recording();
        for _ in 0..LINES_PER_CALL + 5 {
            log(&services, abi::AH_LOG_INFO, ah_str::new("again"));
        }
        assert_eq!(lines.lock().unwrap().len(), 1000);
        services.begin_call();
        let last = lines.lock().unwrap().pop().unwrap();
        assert_eq!(last.1, "5 more lines of the store were dropped");
    }

    #[test]
    fn unwinding_sink_does_not_cross() {
        // R5
        let mut config = StoreConfig::new("s");
        config.log = Arc::new(|_, _| panic!("the sink"));
        config.announce = Some(Arc::new(|_| panic!("the ear")));
        let services = Services::new(&config, BTreeSet::new());
        // SAFETY: R3: the host lives longer than the call.
        unsafe { changed(services.host(), 1) };
        assert!(services.take_announced());
        log(&services, abi::AH_LOG_INFO, ah_str::new("x"));
        services.say(LogLevel::Info, "x");
    }

    #[test]
    fn change_is_announced_once_however_often_it_is_told() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ear = Arc::clone(&heard);
        let mut config = StoreConfig::new("s");
        config.announce = Some(Arc::new(move |generation| {
            ear.lock().unwrap().push(generation)
        }));
        let services = Services::new(&config, BTreeSet::new());
        // SAFETY: R3: the id is a constant.
        let table = unsafe { extension(services.host(), abi::AH_HOST_NOTIFY.as_ptr()) };
        // SAFETY: R1: the table of that id.
        let notify = unsafe { abi::read(table.cast::<ah_host_notify>()) }.unwrap();
        assert!(!services.take_announced());
        for generation in 0..3 {
            // SAFETY: R3: the host lives longer than the call.
            unsafe { notify.changed.unwrap()(services.host(), generation) };
        }
        assert!(services.take_announced());
        assert!(!services.take_announced());
        assert_eq!(*heard.lock().unwrap(), [0, 1, 2]);
    }

    #[test]
    fn extension_that_is_not_there_is_null() {
        let (services, _) = recording();
        // SAFETY: R3: NULL or a constant.
        unsafe {
            assert!(extension(services.host(), std::ptr::null()).is_null());
            assert!(extension(services.host(), c"anchorhold.host.later/1".as_ptr()).is_null());
        }
    }

    #[test]
    fn what_was_not_given_back_is_told_at_the_end() {
        let (services, lines) = recording();
        // SAFETY: R3: the id is a constant.
        let table = unsafe { extension(services.host(), abi::AH_HOST_SECRET_MEM.as_ptr()) };
        // SAFETY: R1: the table of that id.
        let memory = unsafe { abi::read(table.cast::<abi::ah_host_secret_mem>()) }.unwrap();
        // SAFETY: R3: the host lives longer than the call.
        let kept = unsafe { memory.take.unwrap()(services.host(), 32) };
        assert!(!kept.is_null());
        services.end();
        let last = lines.lock().unwrap().pop().unwrap();
        assert_eq!(
            last.1,
            "secret memory was not given back, and is wiped now: pieces: 1"
        );
        services.end();
        assert!(lines.lock().unwrap().is_empty());
    }
}
