//! The host as a store sees it: a log, and somebody who hears of changes.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use anchorhold_abi as abi;
use anchorhold_abi::{ah_host, ah_host_notify, ah_str};

use crate::error::Error;
use crate::foreign;

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
}

struct Link {
    host: *const ah_host,
    log: Option<unsafe extern "C" fn(*const ah_host, u32, ah_str)>,
    changed: Option<unsafe extern "C" fn(*const ah_host, u64)>,
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
        }))
    }

    /// # Safety
    ///
    /// R1, R3: `host` is NULL or the host's struct, which lives until [`Host::retire`] is called.
    pub(crate) unsafe fn adopt(host: *const ah_host) -> Result<Self, Error> {
        // SAFETY: R1, R3, as promised by the caller.
        let read = unsafe { abi::read(host) }
            .ok_or_else(|| Error::invalid_argument("open without ah_host, or with a short one"))?;
        let notify = read.extension.map(|extension| {
            // SAFETY: R7: [any], and the id is a constant.
            unsafe { extension(host, abi::AH_HOST_NOTIFY.as_ptr()) }.cast::<ah_host_notify>()
        });
        // SAFETY: R1, R3: NULL, or the table of that name, which lives as long as the host.
        let notify = notify.and_then(|table| unsafe { abi::read(table) });
        Ok(Self(Arc::new(Shared {
            // SAFETY: R3: lent for longer than this call.
            name: unsafe { foreign::text(read.name) }?.to_owned(),
            // SAFETY: R3: lent for longer than this call.
            version: unsafe { foreign::text(read.version) }?.to_owned(),
            link: RwLock::new(Some(Link {
                host,
                log: read.log,
                changed: notify.and_then(|table| table.changed),
            })),
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

    /// Ends the link: waits for what is being said, and nothing is said afterwards (R7).
    pub(crate) fn retire(&self) {
        *self.0.link.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn with(&self, speak: impl FnOnce(&Link)) {
        let link = self.0.link.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(link) = link.as_ref() {
            speak(link);
        }
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host")
            .field("name", &self.name())
            .field("version", &self.version())
            .finish_non_exhaustive()
    }
}
