//! What a sign-on works with: stores, ledger, clock, the way to the network.

use crate::accept;
use crate::decision::Rules;
use crate::error::ConnectError;
use crate::server::Server;
use crate::transport::{Dial, Direct, Limits};
use anchorhold_kernel::{Checks, Kernel, View};
use anchorhold_state::{Actor, Endpoint, ScopeTable, ServerName, State};
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use time::OffsetDateTime;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> OffsetDateTime + Send + Sync>;

/// Is told of each step of an acceptance that was taken; `Break` ends it as a power cut would.
pub type Pause = Arc<dyn Fn(accept::Step) -> ControlFlow<()> + Send + Sync>;

/// What a sign-on works with.
#[derive(Clone)]
pub struct Context {
    /// The stores.
    pub kernel: Arc<Kernel>,
    /// Ledger, scope and journal.
    pub state: Arc<State>,
    /// Who is acting, for the journal.
    pub actor: Actor,
    /// The time.
    pub clock: Clock,
    /// How long each part may take.
    pub limits: Limits,
    /// The way to the network.
    pub dial: Arc<dyn Dial>,
    /// The rows that decide.
    pub rules: Rules,
    /// The checks on a certificate.
    pub checks: Checks,
    /// The stores of a server whose policy names none.
    pub default_stores: Vec<String>,
    /// Where the configured servers are: one that is strict makes another at its address strict.
    pub neighbours: Arc<[(ServerName, Endpoint)]>,
    /// Is told of each step of an acceptance.
    pub pause: Option<Pause>,
    /// Leaves out the look for early bytes; exists so that a test can see the rehearsal fail.
    #[cfg(feature = "sabotage")]
    pub skip_early_bytes: bool,
}

impl Context {
    /// A context that leaves nothing out and connects straight.
    pub fn new(kernel: Arc<Kernel>, state: Arc<State>, actor: Actor, clock: Clock) -> Self {
        let default_stores = kernel
            .stores()
            .iter()
            .map(|store| store.name().to_owned())
            .collect();
        Self {
            kernel,
            state,
            actor,
            clock,
            limits: Limits::default(),
            dial: Arc::new(Direct),
            rules: Rules::all(),
            checks: Checks::all(),
            default_stores,
            neighbours: Arc::new([]),
            pause: None,
            #[cfg(feature = "sabotage")]
            skip_early_bytes: false,
        }
    }

    /// The stores of a server, in order.
    pub fn stores<'a>(&'a self, server: &'a Server) -> &'a [String] {
        server
            .policy
            .stores
            .as_deref()
            .unwrap_or(&self.default_stores)
    }

    /// What the stores of a server hold for it.
    pub fn view(&self, server: &Server) -> Result<View, ConnectError> {
        let scope = self.scope(server)?;
        Ok(self.view_under(server, scope, false))
    }

    /// The same under a scope table that was read before; `fresh` lists every store now.
    pub(crate) fn view_under(&self, server: &Server, scope: ScopeTable, fresh: bool) -> View {
        let (kernel, stores) = (&self.kernel, self.stores(server));
        if fresh {
            kernel.fresh_view(&server.name, stores, scope)
        } else {
            kernel.view(&server.name, stores, scope)
        }
    }

    /// The part of the scope table that a view for a server needs.
    pub(crate) fn scope(&self, server: &Server) -> Result<ScopeTable, ConnectError> {
        Ok(if self.kernel.believes_stores(self.stores(server)) {
            self.state.scope()?
        } else {
            self.state.scope_for(&server.name)?
        })
    }

    /// The time.
    pub(crate) fn now(&self) -> OffsetDateTime {
        (self.clock)()
    }

    /// Whether the look for early bytes is taken: always, except under a test's knife.
    pub(crate) fn looks_for_early_bytes(&self) -> bool {
        #[cfg(feature = "sabotage")]
        return !self.skip_early_bytes;
        #[cfg(not(feature = "sabotage"))]
        true
    }

    /// Runs what may wait for a disk or a lock where it holds up no other session.
    pub(crate) async fn blocking<T, F>(&self, work: F) -> Result<T, ConnectError>
    where
        T: Send + 'static,
        F: FnOnce(&Self) -> Result<T, ConnectError> + Send + 'static,
    {
        let context = self.clone();
        tokio::task::spawn_blocking(move || work(&context))
            .await
            .map_err(|error| ConnectError::Died(error.to_string()))?
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
