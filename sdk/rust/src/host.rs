//! The host as a store sees it: a log, somebody who hears of changes, and what lends memory.

use std::ffi::{CStr, c_void};
use std::fmt;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};

use anchorhold_abi as abi;
use anchorhold_abi::{
    Growing, ah_byte_sink, ah_call, ah_error, ah_host, ah_host_notify, ah_host_prompt,
    ah_host_secret_mem, ah_prompt, ah_status, ah_str,
};

use crate::error::Error;
use crate::foreign;
use crate::secret::{Lent, Place};

/// How much a line of the log matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
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

/// The host that opened a store. A clone may outlive the store: it then says nothing any more.
#[derive(Clone)]
pub struct Host(Arc<Shared>);

struct Shared {
    name: String,
    version: String,
    /// The host's tables; none once close has returned, when nothing of the host's may be called
    /// (R3, R7), and none for a host that is only a stand-in.
    link: RwLock<Option<Link>>,
    /// What the host has lent and may still have to be given back; none once close has returned.
    lent: Mutex<Option<Vec<Weak<Place>>>>,
}

struct Link {
    host: *const ah_host,
    log: Option<unsafe extern "C" fn(*const ah_host, u32, ah_str)>,
    changed: Option<unsafe extern "C" fn(*const ah_host, u64)>,
    ask: Option<Ask>,
    memory: Option<(Take, GiveBack)>,
}

/// `ah_host_prompt.ask`.
type Ask = unsafe extern "C" fn(
    *const ah_host,
    *const ah_call,
    *const ah_prompt,
    *const ah_byte_sink,
    *mut ah_error,
) -> ah_status;
/// `ah_host_secret_mem.take`.
type Take = unsafe extern "C" fn(*const ah_host, usize) -> *mut c_void;
/// `ah_host_secret_mem.give_back`.
type GiveBack = unsafe extern "C" fn(*const ah_host, *mut c_void, usize);

/// What asks a question, while the link to the host is held.
pub(crate) struct Asker {
    pub(crate) host: *const ah_host,
    pub(crate) ask: Ask,
}

// SAFETY: R7: what is called through the link is [any].
unsafe impl Send for Link {}
// SAFETY: R7, as above.
unsafe impl Sync for Link {}

impl Host {
    /// A host that hears nothing, for a plugin's own tests.
    pub fn detached() -> Self {
        Self(Arc::new(Shared {
            name: String::new(),
            version: String::new(),
            link: RwLock::new(None),
            lent: Mutex::new(None),
        }))
    }

    /// # Safety
    ///
    /// R1, R3: `host` is NULL or the host's struct, which lives until [`Host::retire`] is called.
    pub(crate) unsafe fn adopt(host: *const ah_host) -> Result<Self, Error> {
        // SAFETY: R1, R3, as promised by the caller.
        let read = unsafe { abi::read(host) }
            .ok_or_else(|| Error::invalid_argument("open without ah_host, or with a short one"))?;
        // SAFETY: R1, R3: the ids are those of the types, and the tables live as long as the host.
        let (notify, prompt, memory) = unsafe {
            (
                extension::<ah_host_notify>(host, &read, abi::AH_HOST_NOTIFY),
                extension::<ah_host_prompt>(host, &read, abi::AH_HOST_PROMPT),
                extension::<ah_host_secret_mem>(host, &read, abi::AH_HOST_SECRET_MEM),
            )
        };
        Ok(Self(Arc::new(Shared {
            // SAFETY: R3: lent for longer than this call.
            name: unsafe { foreign::text(read.name) }?.to_owned(),
            // SAFETY: R3: lent for longer than this call.
            version: unsafe { foreign::text(read.version) }?.to_owned(),
            link: RwLock::new(Some(Link {
                host,
                log: read.log,
                changed: notify.and_then(|table| table.changed),
                ask: prompt.and_then(|table| table.ask),
                memory: memory.and_then(|table| table.take.zip(table.give_back)),
            })),
            lent: Mutex::new(Some(Vec::new())),
        })))
    }

    /// Writes a line into the host's log, which adds the store's name. Never blocks; no secrets.
    pub fn log(&self, level: LogLevel, message: &str) {
        let level = match level {
            LogLevel::Error => abi::AH_LOG_ERROR,
            LogLevel::Warn => abi::AH_LOG_WARN,
            LogLevel::Info => abi::AH_LOG_INFO,
            LogLevel::Debug => abi::AH_LOG_DEBUG,
            LogLevel::Trace => abi::AH_LOG_TRACE,
        };
        self.with(|link| {
            if let Some(log) = link.log {
                // SAFETY: R3, R7: [any], the host is there while the link is, and the text is lent.
                unsafe { log(link.host, level, ah_str::new(message)) };
            }
        });
    }

    /// Tells the host that the contents changed. A hint that coalesces and only queues, so it is
    /// safe under the store's own locks.
    pub fn changed(&self, generation: u64) {
        self.with(|link| {
            if let Some(changed) = link.changed {
                // SAFETY: R3, R7: [any], and the host is there while the link is.
                unsafe { changed(link.host, generation) };
            }
        });
    }

    /// Whether anybody hears of changes: a store says that it is watching only then.
    pub fn hears_changes(&self) -> bool {
        let mut hears = false;
        self.with(|link| hears = link.changed.is_some());
        hears
    }

    /// The name of the host program.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The version of the host program.
    pub fn version(&self) -> &str {
        &self.0.version
    }

    /// Memory of the host's for a secret, where it has any.
    pub(crate) fn lend(&self, size: usize) -> Option<Arc<Place>> {
        let mut lent = self.0.lent.lock().unwrap_or_else(PoisonError::into_inner);
        let places = lent.as_mut()?;
        let mut place = None;
        self.with(|link| {
            let Some((take, give_back)) = link.memory else {
                return;
            };
            // SAFETY: R3, R7: [any], and the host is there while the link is.
            let start = unsafe { take(link.host, size) };
            place = NonNull::new(start.cast()).map(|start| {
                let host = link.host;
                let lent = Lent {
                    start,
                    host,
                    give_back,
                };
                Arc::new(Place::lent(lent, size))
            });
        });
        let place = place?;
        places.retain(|place| place.strong_count() > 0);
        places.push(Arc::downgrade(&place));
        Some(place)
    }

    /// What asks questions, where the host does, while the link to it is held.
    pub(crate) fn with_asker<R>(&self, put: impl FnOnce(Asker) -> R) -> Option<R> {
        let mut result = None;
        self.with(|link| {
            let host = link.host;
            result = link.ask.map(|ask| put(Asker { host, ask }));
        });
        result
    }

    /// Ends the link: waits for what is being said or shown, and nothing of the host's is used
    /// afterwards (R7).
    pub(crate) fn retire(&self) {
        let lent = self
            .0
            .lent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        for place in lent.into_iter().flatten() {
            if let Some(place) = place.upgrade() {
                place.clear();
            }
        }
        *self.0.link.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn with(&self, speak: impl FnOnce(&Link)) {
        let link = self.0.link.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(link) = link.as_ref() {
            speak(link);
        }
    }
}

/// The host's table of this id, where it has one.
///
/// # Safety
///
/// R1, R3: `host` is the host's struct, of which `read` is a copy; `T` is the type of that id.
unsafe fn extension<T: Growing>(host: *const ah_host, read: &ah_host, id: &CStr) -> Option<T> {
    let extension = read.extension?;
    // SAFETY: R7: [any], and the id is a constant.
    let table = unsafe { extension(host, id.as_ptr()) };
    // SAFETY: R1, R3: NULL, or the table of that name, which lives as long as the host.
    unsafe { abi::read(table.cast::<T>()) }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host")
            .field("name", &self.name())
            .field("version", &self.version())
            .finish_non_exhaustive()
    }
}
