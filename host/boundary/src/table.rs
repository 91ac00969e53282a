//! One open store, called through function pointers.

mod apply;
mod call;
pub(crate) mod find;
mod intake;
mod lane;
pub(crate) mod listing;
pub(crate) mod page;
pub(crate) mod sign;
mod turn_key;

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anchorhold_abi as abi;
use anchorhold_abi::{
    Growing, ah_call, ah_config, ah_error, ah_health, ah_setting, ah_status, ah_store, ah_str,
};

use crate::adopt;
use crate::adopt::plugin::Adopted;
use crate::batch::{Batch, Outcome};
use crate::confinement::Confinement;
use crate::health::Health;
use crate::item::{Item, ItemId};
use crate::manifest::SettingKind;
use crate::open_store::Identity;
use crate::plugin::{Plugin, StoreConfig};
use crate::query::{Found, Query};
use crate::services::{LogLevel, MayAsk, Services};
use crate::status::{CallError, Status};
use crate::table::call::with_call;
use crate::table::lane::Lane;

pub(crate) use apply::check as check_batch;
pub(crate) use intake::footprint;
pub use page::{PageAnswer, PageRequest};

/// What a caller allows one call.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CallLimits {
    /// How long the caller waits, for its turn and for all pages together. A plugin in this
    /// process is told, and asked to stop; it cannot be made to.
    pub timeout: Option<Duration>,
    /// Set to true by the caller when it no longer wants the answer.
    pub cancel: Option<Arc<AtomicBool>>,
    /// Whether a person, or what the operator stored, answers questions.
    pub may_prompt: bool,
    /// Joins the lines of one piece of work in the logs.
    pub trace_id: u64,
    /// At most so many items a page; 0 leaves it to the plugin. Other calls get their turn between
    /// two pages.
    pub page: u32,
}

impl CallLimits {
    /// Only a time limit.
    pub fn within(timeout: Duration) -> Self {
        Self {
            timeout: Some(timeout),
            ..Self::default()
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.timeout
            .and_then(|timeout| Instant::now().checked_add(timeout))
    }
}

/// One state of a store, whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listing {
    /// Which state; 0 is not known.
    pub generation: u64,
    /// What it holds, in the order of the store.
    pub items: Vec<Item>,
    /// How many items were left out, because their kind is not known or their bytes are missing.
    pub skipped: usize,
    /// How many items have a text that was repaired: not UTF-8, too long, or unfit to be shown.
    pub repaired: usize,
}

/// A batch that ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApplyError {
    /// What was done before.
    pub done: Vec<Outcome>,
    /// Why the next change was not.
    pub error: CallError,
}

/// One open store; closed when dropped.
///
/// Calls may be made from several threads. Unless the plugin allows more, they take turns; health
/// never waits.
#[derive(Debug)]
pub struct Table {
    store: Arc<Opened>,
    lane: Lane,
    identity: Identity,
    confinement: Confinement,
}

/// What the thread that makes the calls needs.
struct Opened {
    plugin: Plugin,
    store: *mut ah_store,
    services: Arc<Services>,
    /// Set once a call has panicked: no call but close is made from then on.
    retired: AtomicBool,
}

// SAFETY: R7: health is [any], and the lane sees to it that the [serial] calls are made as the
// plugin demands.
unsafe impl Send for Opened {}
// SAFETY: R7, as above.
unsafe impl Sync for Opened {}

impl Table {
    pub(crate) fn open(plugin: Plugin, config: StoreConfig) -> Result<Self, CallError> {
        let adopted = plugin.adopted();
        let lane = Lane::new(adopted.thread_safe, adopted.thread_affine)?;
        let opened = lane.run(None, move || Opened::open(plugin, &config))??;
        Ok(Self {
            store: Arc::new(opened),
            lane,
            identity: plugin.identity(),
            confinement: Confinement::in_process("its plugin runs in this process"),
        })
    }

    /// Lets no call end before the plugin has answered it, for a caller whose own callers wait as
    /// long as they want, and who has to know whether the plugin is still at work.
    pub(crate) fn wait_to_the_end(&mut self) {
        self.lane.wait_to_the_end();
    }

    /// The plugin that the store belongs to.
    pub fn plugin(&self) -> Plugin {
        self.store.plugin
    }

    /// Asks the store how it is; answered from memory, also while another call runs.
    pub fn health(&self) -> Result<Health, CallError> {
        self.store.health()
    }

    /// Lists the store, whole and in one state.
    pub fn list(&self, limits: &CallLimits) -> Result<Listing, CallError> {
        self.store.services.begin_call();
        let deadline = limits.deadline();
        let pager =
            |request: &PageRequest| page::page(&self.store, &self.lane, request, limits, deadline);
        listing::whole(pager, limits, |line| {
            self.store.services.say(LogLevel::Warn, line);
        })
    }

    /// One page of a listing; what makes a listing of pages is the caller's.
    pub fn page(
        &self,
        request: &PageRequest,
        limits: &CallLimits,
    ) -> Result<PageAnswer, CallError> {
        self.store.services.begin_call();
        page::page(&self.store, &self.lane, request, limits, limits.deadline())
    }

    /// Asks for certain items; nothing found is certainly nothing.
    pub fn find(&self, query: &Query, limits: &CallLimits) -> Result<Found, CallError> {
        find::find(&self.store, &self.lane, query, limits)
    }

    /// Makes the changes in order, and returns what came of each.
    pub fn apply(&self, batch: &Batch, limits: &CallLimits) -> Result<Vec<Outcome>, ApplyError> {
        apply::apply(&self.store, &self.lane, batch, limits)
    }

    /// Opens the store's lock; asks at most one question.
    pub fn unlock(&self, limits: &CallLimits) -> Result<(), CallError> {
        turn_key::unlock(&self.store, &self.lane, limits)
    }

    /// Closes the store's lock.
    pub fn lock(&self, limits: &CallLimits) -> Result<(), CallError> {
        turn_key::lock(&self.store, &self.lane, limits)
    }

    /// The TLS signature schemes of a key.
    pub fn schemes(&self, key: &ItemId, limits: &CallLimits) -> Result<Vec<u16>, CallError> {
        sign::schemes(&self.store, &self.lane, key, limits)
    }

    /// Signs a message, which is not yet hashed, as TLS wants it.
    pub fn sign(
        &self,
        key: &ItemId,
        scheme: u16,
        message: &[u8],
        limits: &CallLimits,
    ) -> Result<Vec<u8>, CallError> {
        sign::sign(&self.store, &self.lane, key, scheme, message, limits)
    }

    /// What the plugin says of itself.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Where the plugin runs: in this process, so that nothing keeps it from anything.
    pub fn confinement(&self) -> &Confinement {
        &self.confinement
    }

    /// Why no call can succeed any more, where that is so.
    pub fn ended(&self) -> Option<CallError> {
        self.store.retirement()
    }

    /// Whether the store announced a change since this was last asked.
    pub fn changed(&self) -> bool {
        self.store.services.take_announced()
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        let store = Arc::clone(&self.store);
        // A lane that is gone has no thread on which the store may be closed: it stays open.
        let _closed = self.lane.run(None, move || store.close());
    }
}

impl Opened {
    fn open(plugin: Plugin, config: &StoreConfig) -> Result<Self, CallError> {
        let settings: Vec<ah_setting> = config
            .settings
            .iter()
            .map(|(key, value)| ah_setting {
                key: ah_str::new(key),
                value: ah_str::new(value),
            })
            .collect();
        let state_dir = config.state_dir.as_deref().map_or(Ok(""), utf8)?;
        let mut lowered = ah_config::blank();
        lowered.setting_count = u32::try_from(settings.len())
            .map_err(|_| CallError::new(Status::Limit, "too many settings"))?;
        lowered.settings = settings.as_ptr();
        lowered.store_name = ah_str::new(&config.store_name);
        lowered.state_dir = ah_str::new(state_dir);
        let services = Services::new(config, secrets(plugin));
        let mut store = ptr::null_mut();
        let mut error = ah_error::blank();
        let open = plugin.adopted().open;
        // SAFETY: R1, R3: every struct is ours and lives longer than the call, the services until
        // close returns, since `Opened` keeps them.
        let status = unsafe {
            open(
                services.host(),
                &raw const lowered,
                &raw mut store,
                &raw mut error,
            )
        };
        if status != abi::AH_OK {
            return Err(CallError::answered(status, &error));
        }
        if store.is_null() {
            return Err(CallError::protocol("it opened the store and gave none"));
        }
        Ok(Self {
            plugin,
            store,
            services,
            retired: AtomicBool::new(false),
        })
    }

    fn adopted(&self) -> &'static Adopted {
        self.plugin.adopted()
    }

    /// Ends the store; nothing is called afterwards.
    fn close(&self) {
        let close = self.adopted().close;
        // SAFETY: R3: the store came out of open and is closed once, when the table is dropped.
        unsafe { close(self.store) };
        self.services.end();
    }

    fn health(&self) -> Result<Health, CallError> {
        self.services.begin_call();
        let mut out = ah_health::blank();
        self.call(
            &CallLimits::default(),
            None,
            MayAsk::Never,
            |call, error| {
                let health = self.adopted().health;
                // SAFETY: R1, R3: the store is open, and every struct is ours and outlives the call.
                unsafe { health(self.store, call, &raw mut out, error) }
            },
        )?;
        Ok(adopt::health::read(&out))
    }

    /// Why the store is retired, where it is.
    fn retirement(&self) -> Option<CallError> {
        self.retired.load(Ordering::Acquire).then(|| {
            CallError::new(
                Status::Panic,
                "in an earlier call, so this store is retired: it has to be opened again",
            )
        })
    }

    /// Makes one call, unless the store is retired or the time is over, and reads its status. It
    /// may ask where its caller, and the contract, allow it.
    fn call(
        &self,
        limits: &CallLimits,
        deadline: Option<Instant>,
        most: MayAsk,
        make: impl FnOnce(*const ah_call, *mut ah_error) -> ah_status,
    ) -> Result<(), CallError> {
        if let Some(error) = self.retirement() {
            return Err(error);
        }
        let mut error = ah_error::blank();
        let may_ask = self.services.may_ask(limits.may_prompt, most);
        let status = with_call(limits, deadline, may_ask != MayAsk::Never, |call| {
            let _asking = self.services.asking(call, may_ask);
            make(call, &raw mut error)
        })?;
        if status == abi::AH_OK {
            return Ok(());
        }
        let error = CallError::answered(status, &error);
        if error.status == Status::Panic {
            self.retired.store(true, Ordering::Release);
        }
        Err(error)
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened")
            .field("plugin", &self.plugin)
            .field("retired", &self.retired)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.done.len() {
            0 if self.error.status == Status::OutcomeUnknown => self.error.fmt(f),
            0 => write!(f, "nothing was changed: {}", self.error),
            1 => write!(f, "after 1 change: {}", self.error),
            done => write!(f, "after {done} changes: {}", self.error),
        }
    }
}

impl std::error::Error for ApplyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// The settings that the plugin has to ask for.
fn secrets(plugin: Plugin) -> BTreeSet<String> {
    let settings = &plugin.manifest().settings;
    settings
        .iter()
        .filter(|(_, schema)| schema.kind == SettingKind::Secret)
        .map(|(key, _)| key.clone())
        .collect()
}

fn utf8(path: &Path) -> Result<&str, CallError> {
    path.to_str().ok_or_else(|| {
        CallError::new(
            Status::InvalidArgument,
            "the store's directory has a name that is not UTF-8",
        )
    })
}

#[cfg(test)]
mod tests;
