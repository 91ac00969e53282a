//! A context in a directory of its own, with no store or with one in memory, and servers, for tests.

use crate::context::Context;
use crate::policy::Policy;
use crate::server::Server;
use anchorhold_boundary::Plugin;
use anchorhold_boundary::manifest::Value;
use anchorhold_kernel::plan::StorePlan;
use anchorhold_kernel::{Kernel, KernelOptions, Registry};
use anchorhold_sdk::testing::{Contents, PLUGIN};
use anchorhold_state::{Actor, Allow, Lowered, Record, ServerName, State, Transaction};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;
use time::OffsetDateTime;

/// A context that holds nothing; the directory goes with the value.
pub(crate) struct Sample {
    pub(crate) context: Context,
    contents: String,
    _directory: TempDir,
}

impl Sample {
    /// Without any store.
    pub(crate) fn new() -> Self {
        Self::of(Vec::new(), String::new())
    }

    /// With the store `memory`, which can be written and keeps no file.
    pub(crate) fn with_store() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let unique = NEXT.fetch_add(1, Ordering::Relaxed);
        let contents = format!("session-sample-{unique}");
        let plan = StorePlan::new(STORE, PLUGIN_ID, Path::new("/"));
        let plan = plan.with_setting("contents", Value::String(contents.clone()));
        Self::of(vec![plan], contents)
    }

    /// What the store holds.
    pub(crate) fn contents(&self) -> Arc<Contents> {
        Contents::named(&self.contents)
    }

    fn of(plans: Vec<StorePlan>, contents: String) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let memory = Plugin::builtin(PLUGIN.builtin()).expect("a plugin");
        let kernel = Kernel::open(plans, &Registry::of([memory]), KernelOptions::default());
        let state = State::open(&directory.path().join("state")).expect("a first run");
        let clock = Arc::new(|| OffsetDateTime::UNIX_EPOCH);
        let actor = Actor::new("tester", "test");
        let context = Context::new(Arc::new(kernel), Arc::new(state), actor, clock);
        Self {
            context,
            contents,
            _directory: directory,
        }
    }

    /// Makes a server strict.
    pub(crate) fn raise(&self, server: &Server) {
        self.change(|change| change.raise(&server.name));
    }

    /// Gives leave to go down.
    pub(crate) fn lower(&self, server: &Server, allow: Allow) {
        let lowered = Lowered {
            allow,
            until: None,
            reason: "a test".to_owned(),
        };
        self.change(|change| change.lower(&server.name, lowered));
    }

    /// Changes what is recorded of a server.
    pub(crate) fn record(&self, server: &Server, with: impl FnOnce(Record) -> Record) {
        self.change(|change| {
            change.ensure_server(&server.name).expect("a record");
            let record = change.server(&server.name).record.expect("a record");
            change.put_record(&with(record));
        });
    }

    fn change(&self, with: impl FnOnce(&mut Transaction<'_>)) {
        let context = &self.context;
        let mut change = context
            .state
            .write(&context.actor, context.now())
            .expect("a change");
        with(&mut change);
        change.commit().expect("durable");
    }
}

/// The store of [`Sample::with_store`].
pub(crate) const STORE: &str = "memory";

const PLUGIN_ID: &str = "anchorhold.testing.memory";

/// A server with the vendor's defaults at an address that nobody is asked at.
pub(crate) fn server(name: &str) -> Server {
    let policy = Policy::default();
    Server::from_address(ServerName::new(name), "192.0.2.1".to_owned(), 1500, policy)
}
