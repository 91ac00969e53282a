//! What a host that stays open hears of the key databases that other processes write.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvError};
use std::time::{Duration, Instant};

use anchorhold_boundary::batch::{Batch, Change};
use anchorhold_boundary::item::Item;
use anchorhold_boundary::link::{Code, Link, Program, Start};
use anchorhold_boundary::manifest::Value;
use anchorhold_boundary::sandbox::SandboxSpec;
use anchorhold_boundary::{CallLimits, OpenStore, StoreConfig};
use anchorhold_kernel::plan::{Isolation, StorePlan, StoreScope};
use anchorhold_kernel::{Kernel, KernelOptions, Registry};
use anchorhold_keydb as _;

use crate::support::{Home, Openssl, stanza};

/// Longer than any of this takes, for a test that would else wait for ever.
const PATIENCE: Duration = Duration::from_secs(60);
const KEYDB: &str = "anchorhold.keydb";
const PLACES: [Isolation; 2] = [Isolation::InProcess, Isolation::Runner];

/// A home with three servers and a certificate for each, and the first of them imported.
fn home() -> Option<(Home, Openssl)> {
    let text: String = ["S0", "S1", "S2"]
        .iter()
        .map(|name| stanza(name, 1, &[]))
        .collect();
    let home = Home::with_options(&text);
    let openssl = Openssl::find(home.directory())?;
    for name in ["S0", "S1", "S2"] {
        openssl.stock(name);
    }
    import(&home, "S0");
    Some((home, openssl))
}

/// Another process imports a server's certificate.
fn import(home: &Home, server: &str) {
    let file = format!("{server}.pem");
    home.run(&["import", "--server", server, &file]).exits(0);
}

fn program() -> Program {
    Program {
        path: env!("CARGO_BIN_EXE_anchorhold").into(),
        arguments: vec!["runner".into()],
    }
}

/// The database open where the plugin is to run, and what it announces.
fn open(path: &Path, place: Isolation) -> (Box<dyn OpenStore>, Receiver<u64>) {
    let (announced, hears) = mpsc::channel();
    let mut config = StoreConfig::new("keydb");
    config.settings = vec![("path".to_owned(), path.to_str().expect("text").to_owned())];
    config.announce = Some(Arc::new(move |generation| {
        // Nobody may be left to hear it.
        let _ = announced.send(generation);
    }));
    let registry = Registry::builtin();
    let plugin = registry.plugin(KEYDB).expect("linked in");
    let store: Box<dyn OpenStore> = match place {
        Isolation::InProcess => Box::new(plugin.open(config).expect("open")),
        Isolation::Runner => {
            let settings = config.settings.clone();
            let worked_out = SandboxSpec::work_out(plugin.manifest(), &[], &settings, None, None);
            let mut start = Start::new(program(), Code::Builtin(KEYDB.to_owned()), config);
            start.sandbox = worked_out.expect("a sandbox").0;
            Box::new(Link::start(start).expect("open"))
        }
    };
    (store, hears)
}

fn limits() -> CallLimits {
    CallLimits::within(PATIENCE)
}

fn count(store: &dyn OpenStore) -> usize {
    store.list(&limits()).expect("listed").items.len()
}

#[test]
fn what_another_process_imports_is_announced_wherever_the_plugin_runs() {
    let Some((home, _openssl)) = home() else {
        return;
    };
    for (place, server, expected) in [
        (Isolation::InProcess, "S1", 2),
        (Isolation::Runner, "S2", 3),
    ] {
        let (store, hears) = open(&home.database(), place);
        assert!(store.health().expect("it answers").watching, "{place:?}");
        assert_eq!(count(&*store), expected - 1);
        import(&home, server);
        hears.recv_timeout(PATIENCE).expect("announced");
        assert!(store.changed());
        assert_eq!(count(&*store), expected, "{place:?}");
    }
}

#[test]
fn what_a_store_writes_itself_is_not_announced() {
    let Some((home, openssl)) = home() else {
        return;
    };
    for place in PLACES {
        let (store, hears) = open(&home.database(), place);
        let before = count(&*store);
        for name in ["one", "two", "three"] {
            let name = format!("{name}-{}", before);
            let certificate = openssl.stock(&name).der();
            let batch = Batch {
                changes: vec![Change::Put(Item::certificate(certificate, name))],
                ..Batch::default()
            };
            store.apply(&batch, &limits()).expect("written");
        }
        assert_eq!(count(&*store), before + 3);
        // It has said all that it had to say once it is gone.
        drop(store);
        assert_eq!(hears.recv(), Err(RecvError), "{place:?}");
    }
}

#[test]
fn a_host_that_stays_open_has_what_another_process_imports() {
    let Some((home, _openssl)) = home() else {
        return;
    };
    for (place, server, expected) in [
        (Isolation::InProcess, "S1", 2),
        (Isolation::Runner, "S2", 3),
    ] {
        let path = Value::String(home.database().to_str().expect("text").to_owned());
        let mut plan = StorePlan::new("keydb", KEYDB, &home.path("h")).with_setting("path", path);
        plan.isolation = Some(place);
        plan.scope = StoreScope::Any;
        let options = KernelOptions::default().with_program(program());
        let kernel = Kernel::open(vec![plan], &Registry::builtin(), options);
        let store = &kernel.stores()[0];
        let held = || store.snapshot().expect("listed").items().len();
        assert_eq!(held(), expected - 1);
        assert!(store.health().watching);
        import(&home, server);
        let since = Instant::now();
        while held() != expected {
            assert!(since.elapsed() < PATIENCE, "{place:?}: never seen");
            std::thread::yield_now();
        }
    }
}
