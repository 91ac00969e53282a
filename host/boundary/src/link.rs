//! The host's end of a runner: a store whose plugin runs in a process of its own.
//!
//! Whatever the process does, at worst one call fails in a way that says so. Nothing of it is
//! believed that the wire has not checked; it is killed where it breaks the protocol, or says
//! nothing for too long while it is asked something; and its end is an error of the calls that are
//! open, and of all later ones. Whether and when another one is started is not decided here.

mod asking;
mod call;
mod last_health;
mod lines;
mod outbox;
mod process;
mod reader;
mod session_bus;
mod shared;
mod start;
mod turns;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::admit::{Admitted, AdmittedFile};
use crate::batch::{Batch, Outcome};
use crate::confinement::Confinement;
use crate::health::Health;
use crate::item::ItemId;
use crate::link::shared::Shared;
use crate::open_store::{Identity, OpenStore};
use crate::plugin::StoreConfig;
use crate::private_directory::PrivateDirectory;
use crate::query::{Found, Query};
use crate::sandbox::SandboxSpec;
use crate::status::CallError;
use crate::table::{ApplyError, CallLimits, Listing};

/// The program that is started as a runner; it calls [`runner::main`](crate::runner::main).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// Which.
    pub path: PathBuf,
    /// With these arguments.
    pub arguments: Vec<OsString>,
}

/// What the runner opens.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one for each store, and it is moved twice"
)]
pub enum Code {
    /// A plugin that is linked into the program, by its id.
    Builtin(String),
    /// A library.
    Library(Admitted),
}

/// All that a runner is started with.
#[derive(Debug)]
#[non_exhaustive]
pub struct Start {
    /// The program.
    pub program: Program,
    /// What it opens.
    pub code: Code,
    /// The store, without those of its settings that are files to be loaded.
    pub store: StoreConfig,
    /// The files that the plugin loads for itself, by the setting that names them.
    pub files: Vec<(String, AdmittedFile)>,
    /// Its environment, whole.
    pub environment: Vec<(OsString, OsString)>,
    /// What it may reach.
    pub sandbox: SandboxSpec,
    /// Whether less than the whole sandbox is an error.
    pub require_full: bool,
    /// Where the program is that lets through of the session's bus what is granted: the first that
    /// is there.
    pub bus_proxies: Vec<PathBuf>,
    /// How long it may take until the store is open.
    pub open_within: Duration,
    /// How long it may be silent while a call is open before it is killed.
    pub hang_after: Duration,
    /// The same while a question or a write is open.
    pub hang_after_long: Duration,
}

impl Start {
    /// A store with an empty environment, and a sandbox in which nothing is granted.
    pub fn new(program: Program, code: Code, store: StoreConfig) -> Self {
        Self {
            program,
            code,
            store,
            files: Vec::new(),
            environment: Vec::new(),
            sandbox: SandboxSpec::default(),
            require_full: false,
            bus_proxies: session_bus::PROXIES.iter().map(PathBuf::from).collect(),
            open_within: Duration::from_secs(30),
            hang_after: Duration::from_secs(60),
            hang_after_long: Duration::from_secs(600),
        }
    }
}

/// One open store whose plugin runs in a process of its own; that ends when this is dropped.
///
/// Calls may be made from several threads. Unless the plugin allows more, they take turns, in the
/// order in which they were made. A call whose time is over leaves the plugin at work: its turn
/// lasts until the plugin has answered, and the late answer is dropped (R8).
#[derive(Debug)]
pub struct Link {
    shared: Arc<Shared>,
    reader: Option<JoinHandle<()>>,
    process: u32,
    identity: Identity,
    confinement: Confinement,
    /// Where the socket of its bus lies, where it has no view of its own in which it stays.
    _bus: Option<PrivateDirectory>,
    /// What the process loads, or may still load, is there as long as it is.
    _code: Option<(Code, Vec<(String, AdmittedFile)>)>,
}

impl Link {
    /// Starts a runner and opens the store in it.
    pub fn start(start: Start) -> Result<Self, CallError> {
        start::start(start)
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.process
    }
}

impl OpenStore for Link {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn confinement(&self) -> &Confinement {
        &self.confinement
    }

    fn health(&self) -> Result<Health, CallError> {
        self.shared.health.newest(|| self.shared.ask_health())
    }

    fn last_health(&self) -> Result<Health, CallError> {
        self.shared.health.last(|| self.shared.ask_health())
    }

    fn list(&self, limits: &CallLimits) -> Result<Listing, CallError> {
        asking::list(&self.shared, limits)
    }

    fn find(&self, query: &Query, limits: &CallLimits) -> Result<Found, CallError> {
        self.offers(self.identity.can_find, "has no find")?;
        asking::find(&self.shared, query, limits)
    }

    fn apply(&self, batch: &Batch, limits: &CallLimits) -> Result<Vec<Outcome>, ApplyError> {
        self.offers(self.identity.can_write, "only reads")
            .map_err(asking::nothing_done)?;
        asking::apply(&self.shared, batch, limits)
    }

    fn unlock(&self, limits: &CallLimits) -> Result<(), CallError> {
        self.offers(self.identity.can_unlock, "has no lock")?;
        asking::unlock(&self.shared, limits)
    }

    fn lock(&self, limits: &CallLimits) -> Result<(), CallError> {
        self.offers(self.identity.can_unlock, "has no lock")?;
        asking::lock(&self.shared, limits)
    }

    fn schemes(&self, key: &ItemId, limits: &CallLimits) -> Result<Vec<u16>, CallError> {
        self.offers(self.identity.can_sign, "has no private keys")?;
        asking::schemes(&self.shared, key, limits)
    }

    fn sign(
        &self,
        key: &ItemId,
        scheme: u16,
        message: &[u8],
        limits: &CallLimits,
    ) -> Result<Vec<u8>, CallError> {
        self.offers(self.identity.can_sign, "has no private keys")?;
        asking::sign(&self.shared, key, scheme, message, limits)
    }

    fn changed(&self) -> bool {
        self.shared.take_changed()
    }

    fn is_at_work(&self) -> bool {
        let calls = self.shared.calls();
        calls.iter().any(|call| call.state().is_abandoned())
    }

    fn ended(&self) -> Option<CallError> {
        self.shared.ended()
    }
}

impl Link {
    fn offers(&self, offers: bool, lacks: &str) -> Result<(), CallError> {
        if offers {
            Ok(())
        } else {
            let message = format!("its plugin {lacks}");
            Err(CallError::new(crate::Status::Unsupported, message))
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.shared.close();
        if let Some(reader) = self.reader.take()
            && reader.thread().id() != thread::current().id()
        {
            // It ends with a panic only where one of ours has a bug, and nobody asks.
            let _ended = reader.join();
        }
    }
}
