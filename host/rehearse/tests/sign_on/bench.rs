//! A server, a home, and a client with the vendor's defaults, with what is looked at afterwards.

use crate::keydb;
use crate::operator::Operator;
use anchorhold_kernel::certificate::fingerprint;
use anchorhold_kernel::plan::{StorePlan, StoreTable};
use anchorhold_kernel::{Fingerprint, Kernel, KernelOptions, Registry, ServerName};
use anchorhold_rehearse::certificate::{Authority, Credential, Leaf, Validity, stock};
use anchorhold_rehearse::server::{Character, Server};
use anchorhold_session::channel::Session;
use anchorhold_session::connect::{Ended, Wish, connect};
use anchorhold_session::context::Context;
use anchorhold_session::decision::Security;
use anchorhold_session::error::ConnectError;
use anchorhold_session::level::Level;
use anchorhold_session::policy::Policy;
use anchorhold_session::report::{Outcome, Report};
use anchorhold_session::server::Server as Stanza;
use anchorhold_state::{Actor, Entry, Record, State};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::time::timeout;

pub(crate) const EARLIER: Level = Level::new(8, 1, 1, 0);
pub(crate) const ENHANCED: Level = Level::new(8, 1, 2, 0);

/// No test takes longer, but on a machine where something hangs.
const WATCHDOG: Duration = Duration::from_secs(60);

/// Plays a test to its end, or ends it.
pub(crate) async fn within(test: impl Future<Output = ()>) {
    timeout(WATCHDOG, test).await.expect("in time");
}

/// A self-signed certificate as servers make theirs.
pub(crate) fn own() -> Credential {
    stock(current()).expect("a certificate")
}

/// The same, out of date.
pub(crate) fn expired() -> Credential {
    stock(Validity::expired(OffsetDateTime::now_utc())).expect("a certificate")
}

/// A certificate that a CA has signed.
pub(crate) fn signed() -> Credential {
    let authority = Authority::new("Corporate Root", current()).expect("a root");
    let leaf = Leaf {
        name: "127.0.0.1",
        for_servers: true,
        validity: current(),
    };
    authority.issue(&leaf).expect("a certificate")
}

pub(crate) fn print_of(credential: &Credential) -> Fingerprint {
    fingerprint(credential.end_entity())
}

fn current() -> Validity {
    Validity::current(OffsetDateTime::now_utc())
}

/// The server TSM1, and a client whose servers use the store `keydb`; `other` is there besides.
pub(crate) struct Bench {
    pub(crate) server: Server,
    pub(crate) credential: Credential,
    pub(crate) context: Context,
    pub(crate) stanza: Stanza,
    home: TempDir,
}

impl Bench {
    pub(crate) async fn set(level: Level) -> Self {
        Self::of(Character::new(level, own())).await
    }

    pub(crate) async fn of(character: Character) -> Self {
        let credential = character.credential.clone();
        let server = Server::start(character, true).await.expect("a server");
        let home = tempfile::tempdir().expect("a home");
        let context = program(home.path(), Vec::new());
        let stanza = stanza("TSM1", &server);
        Self {
            server,
            credential,
            context,
            stanza,
            home,
        }
    }

    /// Opens stores and ledger anew, with one store more.
    pub(crate) fn with_store(mut self, table: &str) -> Self {
        let table: StoreTable = toml::from_str(table).expect("a table");
        let plan = table.plan(self.home.path()).expect("a plan");
        self.context = program(self.home.path(), vec![plan]);
        self
    }

    /// Another program in the same home.
    pub(crate) fn another_program(&self) -> Context {
        program(self.home.path(), Vec::new())
    }

    pub(crate) fn operator(&self) -> Operator {
        self.operator_of(self.stanza.name.as_str())
    }

    /// The same, at work on another server.
    pub(crate) fn operator_of(&self, server: &str) -> Operator {
        Operator::new(self.home.path(), server)
    }

    pub(crate) async fn connect(&self) -> (Report, Option<Session>) {
        self.connect_to(&self.stanza).await
    }

    pub(crate) async fn connect_to(&self, stanza: &Stanza) -> (Report, Option<Session>) {
        attempt(&self.context, stanza).await.expect("a report")
    }

    /// Signs on, and there must be a session by this row.
    #[track_caller]
    pub(crate) fn opens(&self, code: &str, row: u8) -> impl Future<Output = Report> {
        opens(&self.context, &self.stanza, code, row)
    }

    /// Signs on, and it must be refused by this row.
    #[track_caller]
    pub(crate) fn refuses(&self, code: &str, row: u8) -> impl Future<Output = Report> {
        refuses(&self.context, &self.stanza, code, row)
    }

    pub(crate) fn record(&self) -> Record {
        let standing = self.context.state.server(&self.stanza.name);
        let record = standing.expect("a readable ledger").record;
        record.expect("a record")
    }

    /// The journal's entries of one kind.
    pub(crate) fn told(&self, event: &str) -> Vec<Entry> {
        let journal = self.context.state.journal().expect("a journal");
        journal
            .into_iter()
            .filter(|entry| entry.event == event)
            .collect()
    }

    /// The labels of what a store holds.
    pub(crate) fn labels(&self, store: &str) -> Vec<String> {
        let store = self.context.kernel.store(store).expect("a store");
        let snapshot = store.fresh_snapshot().expect("a listing");
        let items = snapshot.items().iter();
        items.map(|item| item.label.clone()).collect()
    }

    /// What is in scope for the server.
    pub(crate) fn in_scope(&self) -> Vec<Fingerprint> {
        let scope = self.context.state.scope_for(&self.stanza.name);
        scope.expect("a scope table").rows.into_keys().collect()
    }

    /// Nothing of an acceptance is left, open or done.
    #[track_caller]
    pub(crate) fn nothing_accepted(&self) {
        assert_eq!(self.told("accepted-on-first-use").len(), 0);
        assert_eq!(self.context.state.intents().expect("intents"), []);
    }
}

/// A program's context in a home.
pub(crate) fn program(home: &Path, more: Vec<StorePlan>) -> Context {
    let mut plans = keydb::plans()(home);
    let other: StoreTable = toml::from_str(OTHER).expect("a table");
    plans.push(other.plan(home).expect("a plan"));
    plans.extend(more);
    let kernel = Kernel::open(plans, &Registry::builtin(), KernelOptions::default());
    let state = State::open(&home.join("state")).expect("a state");
    let clock = Arc::new(OffsetDateTime::now_utc);
    let mut context = Context::new(Arc::new(kernel), Arc::new(state), actor(), clock);
    context.default_stores = vec!["keydb".to_owned()];
    // Long enough for a busy machine; who wants no answer waits less.
    context.limits.level = Duration::from_secs(15);
    context
}

/// A stanza that says nothing but where the server is.
pub(crate) fn stanza(name: &str, server: &Server) -> Stanza {
    let (name, address) = (ServerName::new(name), server.address());
    let host = address.ip().to_string();
    Stanza::from_address(name, host, address.port(), Policy::default())
}

pub(crate) async fn attempt(context: &Context, stanza: &Stanza) -> Result<Ended, ConnectError> {
    connect(context, stanza, Wish { data_channel: true }).await
}

#[track_caller]
pub(crate) fn opens(
    context: &Context,
    stanza: &Stanza,
    code: &str,
    row: u8,
) -> impl Future<Output = Report> {
    let at = std::panic::Location::caller();
    async move {
        let (report, session) = attempt(context, stanza).await.expect("a report");
        let got = (report.code.as_str(), report.row);
        assert_eq!(got, (code, row), "{at}: {}", report.message);
        assert!(session.is_some(), "{at}: {}", report.message);
        report
    }
}

#[track_caller]
pub(crate) fn refuses(
    context: &Context,
    stanza: &Stanza,
    code: &str,
    row: u8,
) -> impl Future<Output = Report> {
    let at = std::panic::Location::caller();
    async move {
        let (report, session) = attempt(context, stanza).await.expect("a report");
        let got = (report.code.as_str(), report.row);
        assert_eq!(got, (code, row), "{at}: {}", report.message);
        assert_eq!(report.decision, Outcome::Refuse, "{at}");
        assert!(session.is_none(), "{at}: a refusal comes without session");
        assert!(report.remedy.is_some(), "{at}: no way on is named");
        report
    }
}

pub(crate) fn strict(report: &Report) -> bool {
    report.session_security == Security::Strict
}

pub(crate) fn actor() -> Actor {
    Actor::new("operator", "test")
}

const OTHER: &str = r#"
name = "other"
plugin = "anchorhold.keydb"
settings = { path = "stores/other.p12" }
"#;
