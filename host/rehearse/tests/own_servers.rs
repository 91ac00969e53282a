//! The operator's own servers: what each would do, what is missing, and a home that stays as it is.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where its ground gives way"
)]

#[path = "store/keydb.rs"]
mod keydb;

use anchorhold_kernel::import::{Request, detect, import};
use anchorhold_kernel::{Kernel, KernelOptions, Registry, ServerName, Servers};
use anchorhold_rehearse::certificate::{Authority, Validity, stock};
use anchorhold_rehearse::operator::{OwnServers, play};
use anchorhold_rehearse::{Played, StepResult};
use anchorhold_session::context::Context;
use anchorhold_session::options::{self, Source, SourceRole};
use anchorhold_session::policy::ServerTable;
use anchorhold_session::server::Server;
use anchorhold_state::{Actor, CertificateKind, State};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use time::OffsetDateTime;
use tokio::time::timeout;

const WATCHDOG: Duration = Duration::from_secs(120);

/// A home as an operator has one.
struct Home {
    dir: TempDir,
    kernel: Arc<Kernel>,
    state: Arc<State>,
}

impl Home {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a home");
        let plans = keydb::plans()(dir.path());
        let kernel = Kernel::open(plans, &Registry::builtin(), KernelOptions::default());
        let state = State::open(&dir.path().join("state")).expect("an empty state");
        Self {
            kernel: Arc::new(kernel),
            state: Arc::new(state),
            dir,
        }
    }

    fn import(&self, der: &[u8], server: &str, kind: CertificateKind) {
        let request = Request {
            certificates: detect(der, None).expect("a certificate").certificates,
            servers: Servers::Named(BTreeSet::from([ServerName::new(server)])),
            stores: vec!["keydb".to_owned()],
            kind: Some(kind),
            label: None,
            replace: None,
            strict: false,
            dry_run: false,
            actor: Actor::new("operator", "test"),
            now: OffsetDateTime::now_utc(),
            known: Vec::new(),
        };
        import(&self.kernel, &self.state, &request).expect("imported");
    }

    fn context(&self) -> Context {
        let (kernel, state) = (Arc::clone(&self.kernel), Arc::clone(&self.state));
        let clock = Arc::new(OffsetDateTime::now_utc);
        Context::new(kernel, state, Actor::new("operator", "test"), clock)
    }

    /// Every file and what is in it.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(self.dir.path(), &mut files);
        files
    }
}

fn collect(dir: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            let bytes = fs::read(&path).expect("a file");
            files.insert(path, bytes);
        }
    }
}

fn servers(text: &str, policy: &ServerTable) -> Vec<Server> {
    let source = Source {
        path: Path::new("dsm.sys"),
        bytes: text.as_bytes(),
        role: SourceRole::System,
    };
    let parsed = options::parse(&[source]).expect("well-formed options");
    let policy = || policy.clone().policy().expect("a policy");
    let stanzas = parsed.stanzas.iter();
    stanzas
        .map(|stanza| Server::from_stanza(stanza, policy()))
        .collect()
}

async fn rehearsed(home: &Home, options: &str, policy: ServerTable) -> Played {
    let own = OwnServers {
        context: home.context(),
        servers: servers(options, &policy),
        make_plans: keydb::plans(),
        progress: None,
    };
    timeout(WATCHDOG, play(&own)).await.expect("in time")
}

/// The steps of the one server that was rehearsed, without what is known of it.
async fn one(home: &Home, options: &str) -> Vec<StepResult> {
    let options = format!("SErvername TSM1\n  TCPServeraddress tsm1.example\n{options}");
    let mut played = rehearsed(home, &options, ServerTable::default()).await;
    assert_eq!(played.stories.len(), 1);
    let mut steps = played.stories.remove(0).steps;
    steps.remove(0);
    steps
}

#[track_caller]
fn check(step: &StepResult, passed: bool, parts: &[&str]) {
    assert_eq!(step.passed, passed, "{}", step.got);
    for part in parts {
        assert!(step.got.contains(part), "{part} is not in: {}", step.got);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_defaults_go_on_before_and_are_accepted_after() {
    let steps = one(&Home::new(), "").await;
    check(
        &steps[0],
        true,
        &["plain, existing-protocol", "metadata clear"],
    );
    check(
        &steps[1],
        true,
        &["tls, accepted-on-first-use", "metadata encrypted"],
    );
    check(
        &steps[1],
        true,
        &["were its certificate CA-signed: acceptance-needs-self-signed"],
    );
    assert_eq!(steps.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_named_with_the_command_that_gives_it() {
    let steps = one(&Home::new(), "  SSLACCEPTCERTFROMSERV No\n").await;
    check(&steps[0], true, &["plain, existing-protocol"]);
    check(
        &steps[1],
        false,
        &[
            "certificate-needed",
            "missing: anchorhold",
            "import --server TSM1",
        ],
    );
    let steps = one(&Home::new(), "  SSLREQUIRED Yes\n").await;
    check(&steps[0], false, &["ssl-required-but-off", "missing: "]);
    let steps = one(&Home::new(), "  SSL Yes\n").await;
    check(
        &steps[0],
        false,
        &["certificate-needed", "import --server TSM1"],
    );
    check(
        &steps[1],
        true,
        &["accepted-on-first-use", "object data encrypted"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_pin_vouches_and_an_expired_one_does_not() {
    let now = OffsetDateTime::now_utc();
    for (validity, passed, code) in [
        (Validity::current(now), true, "held-certificate"),
        (Validity::expired(now), false, "certificate-expired"),
    ] {
        let home = Home::new();
        let pin = stock(validity).expect("a certificate");
        home.import(pin.end_entity(), "TSM1", CertificateKind::Pin);
        let steps = one(&home, "  SSLACCEPTCERTFROMSERV No\n").await;
        check(&steps[0], true, &["plain, existing-protocol"]);
        check(&steps[1], passed, &[code]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_root_vouches_for_a_leaf() {
    let home = Home::new();
    let current = Validity::current(OffsetDateTime::now_utc());
    let authority = Authority::new("Corporate Root", current).expect("a root");
    home.import(authority.root(), "TSM1", CertificateKind::Anchor);
    let steps = one(&home, "  SSLACCEPTCERTFROMSERV No\n  SSL Yes\n").await;
    check(&steps[0], true, &["tls, held-certificate", "TLS 1.2"]);
    check(&steps[1], true, &["tls, held-certificate", "TLS 1.3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strict_server_without_a_certificate_is_told_so() {
    let home = Home::new();
    let actor = Actor::new("operator", "test");
    let mut change = home
        .state
        .write(&actor, OffsetDateTime::now_utc())
        .expect("a change");
    change
        .ensure_server(&ServerName::new("TSM1"))
        .expect("a name");
    change.raise(&ServerName::new("TSM1"));
    change.commit().expect("committed");
    let steps = one(&home, "").await;
    for step in &steps {
        check(step, false, &["certificate-lost", "missing: "]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declared_enhanced_server_is_played_as_it_is() {
    let policy = ServerTable {
        level: Some("8.1.19.0".to_owned()),
        ..ServerTable::default()
    };
    let played = rehearsed(&Home::new(), "SErvername TSM1\n", policy).await;
    let steps = &played.stories[0].steps;
    assert_eq!(steps.len(), 2);
    check(
        &steps[0],
        true,
        &["transitional, level 8.1.19.0, no certificate is held"],
    );
    check(&steps[1], true, &["tls, accepted-on-first-use"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replication_stanza_never_accepts() {
    let options = "REPLSERVERName TSM2\n  REPLTCPSERVERADDRESS tsm2.example\n\
                   SErvername TSM1\n  MYREPLICATIONServer TSM2\n";
    let played = rehearsed(&Home::new(), options, ServerTable::default()).await;
    let mut ids: Vec<_> = played
        .stories
        .iter()
        .map(|story| story.id.as_str())
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, ["TSM1", "TSM2@repl"]);
    let target = played
        .stories
        .iter()
        .find(|story| story.id == "TSM2@repl")
        .expect("played");
    check(&target.steps[2], false, &["certificate-needed"]);
    assert_eq!((played.passed, played.failed), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_home_is_only_read() {
    let home = Home::new();
    let pin = stock(Validity::current(OffsetDateTime::now_utc())).expect("a certificate");
    home.import(pin.end_entity(), "TSM2", CertificateKind::Pin);
    let before = home.files();
    let options = "SErvername TSM1\nSErvername TSM2\n  SSL Yes\n";
    let played = rehearsed(&home, options, ServerTable::default()).await;
    assert_eq!((played.passed, played.failed), (2, 0));
    assert_eq!(home.files(), before);
    let untouched = Home::new();
    rehearsed(&untouched, options, ServerTable::default()).await;
    assert_eq!(
        untouched.files(),
        BTreeMap::new(),
        "nothing is made where nothing was"
    );
}
