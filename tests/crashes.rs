//! Plugins in processes of their own that end, hang, or do not come up: what becomes of the store,
//! of the verdicts, and of the journal.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anchorhold_boundary::confinement::{Place, Sandbox};
use anchorhold_boundary::link::Program;
use anchorhold_boundary::manifest::Value;
use anchorhold_kernel::incidents::LedgerIncidents;
use anchorhold_kernel::plan::{Isolation, StorePlan, StoreScope};
use anchorhold_kernel::{Held, Kernel, KernelOptions, Registry, ScopeTable, ServerName, Store};
use anchorhold_keydb as _;
use anchorhold_state::{Actor, State};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use time::OffsetDateTime;

/// A home with one file store, whose plugin runs in a process of its own.
struct Bench {
    home: TempDir,
}

impl Bench {
    fn new() -> Self {
        let bench = Self {
            home: tempfile::tempdir().expect("a home"),
        };
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("signed");
        let kernel = bench.process(bench.plan());
        let put = store(&kernel).put_certificate(certificate.der().to_vec(), "one".to_owned());
        assert!(put.expect("written"));
        bench
    }

    fn plan(&self) -> StorePlan {
        let path = Value::String("stores/a.p12".to_owned());
        let mut plan = StorePlan::new("keydb", "anchorhold.keydb", self.home.path())
            .with_setting("path", path);
        plan.isolation = Some(Isolation::Runner);
        plan.scope = StoreScope::Any;
        plan.timeout = Duration::from_secs(30);
        plan
    }

    /// What a process of the program would have open.
    fn process(&self, plan: StorePlan) -> Kernel {
        Kernel::open(vec![plan], &Registry::builtin(), self.options())
    }

    fn options(&self) -> KernelOptions {
        let incidents = LedgerIncidents::new(
            &self.state_dir(),
            Actor::new("tester", "test"),
            Arc::new(OffsetDateTime::now_utc),
            Arc::new(|_, _| {}),
        );
        KernelOptions::default()
            .with_program(program(env!("CARGO_BIN_EXE_anchorhold"), &["runner"]))
            .with_incidents(Arc::new(incidents))
    }

    fn state_dir(&self) -> std::path::PathBuf {
        self.home.path().join("state")
    }

    fn state(&self) -> State {
        State::open(&self.state_dir()).expect("a state")
    }

    /// How often the journal tells of something.
    fn told(&self, event: &str) -> usize {
        let journal = self.state().journal().expect("a journal");
        journal.iter().filter(|entry| entry.event == event).count()
    }
}

fn program(path: &str, arguments: &[&str]) -> Program {
    Program {
        path: Path::new(path).to_owned(),
        arguments: arguments.iter().map(Into::into).collect(),
    }
}

fn store(kernel: &Kernel) -> &Store {
    &kernel.stores()[0]
}

/// What is held for a server.
fn held(kernel: &Kernel) -> Held {
    let stores = ["keydb".to_owned()];
    kernel
        .view(&ServerName::new("TSM1"), &stores, ScopeTable::default())
        .held()
}

fn runner(kernel: &Kernel) -> u32 {
    store(kernel).process().expect("its plugin runs")
}

fn signal(process: u32, signal: Signal) {
    let number = i32::try_from(process).expect("a number");
    kill_process(Pid::from_raw(number).expect("a process"), signal).expect("sent");
}

/// Waits until something is so.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::yield_now();
    }
}

fn crash(kernel: &Kernel) {
    let process = runner(kernel);
    signal(process, Signal::SEGV);
    until("its end is noticed", || store(kernel).process().is_none());
}

#[test]
fn what_ends_between_two_calls_is_started_again_and_no_verdict_is_wrong() {
    let bench = Bench::new();
    let kernel = bench.process(bench.plan());
    assert!(matches!(held(&kernel), Held::Yes(_)));
    let before = runner(&kernel);
    crash(&kernel);
    assert!(matches!(held(&kernel), Held::Yes(_)));
    assert_ne!(runner(&kernel), before);
    let health = store(&kernel).health();
    assert_eq!((health.word(), health.isolation), ("ready", Place::Runner));
    assert!(health.detail.contains("crashed"), "{}", health.detail);
    assert!(health.detail.contains("SIGSEGV"), "{}", health.detail);
    assert_eq!(bench.told("plugin-crashed"), 1);
    let crash = bench.state().last_crash("keydb").expect("read");
    assert!(crash.expect("known").what.contains("SIGSEGV"));
}

#[test]
fn what_ends_before_its_first_listing_is_started_again() {
    let bench = Bench::new();
    let kernel = bench.process(bench.plan());
    assert_eq!(store(&kernel).health().word(), "ready");
    crash(&kernel);
    assert!(matches!(held(&kernel), Held::Yes(_)));
    assert_eq!(bench.told("plugin-crashed"), 1);
}

#[test]
fn what_ends_during_a_listing_fails_that_call_and_no_other() {
    let bench = Bench::new();
    let kernel = bench.process(bench.plan());
    store(&kernel).snapshot().expect("listed");
    let process = runner(&kernel);
    signal(process, Signal::STOP);
    std::thread::scope(|scope| {
        let (tell, told) = std::sync::mpsc::channel();
        let kernel = &kernel;
        let listing = scope.spawn(move || {
            tell.send(rustix::thread::gettid()).expect("told");
            store(kernel).fresh_snapshot()
        });
        let thread = told.recv().expect("a number").as_raw_nonzero();
        // The only thing that it waits for is the answer of a process that is stopped.
        let status = format!("/proc/self/task/{thread}/stat");
        until("the listing waits", || {
            let status = std::fs::read_to_string(&status).expect("its state");
            status.contains(") S ")
        });
        signal(process, Signal::SEGV);
        signal(process, Signal::CONT);
        let error = listing
            .join()
            .expect("ended")
            .expect_err("its plugin ended");
        assert_eq!(error.code(), Some("crashed"), "{error}");
    });
    let last = store(&kernel).last_snapshot().expect("the last good one");
    assert_eq!(last.0.items().len(), 1);
    assert!(
        matches!(held(&kernel), Held::Yes(_)),
        "the next one is right"
    );
    assert_eq!(bench.told("plugin-crashed"), 1);
}

#[test]
fn three_crashes_within_a_minute_quarantine_whichever_processes_saw_them() {
    let bench = Bench::new();
    for count in 1..=3 {
        let kernel = bench.process(bench.plan());
        assert!(matches!(held(&kernel), Held::Yes(_)), "{count}");
        crash(&kernel);
        drop(kernel);
        assert_eq!(bench.told("plugin-crashed"), count);
    }
    let kernel = bench.process(bench.plan());
    let Held::Unanswered { why, .. } = held(&kernel) else {
        panic!("it was started")
    };
    assert!(why.contains("anchorhold store release keydb"), "{why}");
    let health = store(&kernel).health();
    assert_eq!(
        (health.word(), store(&kernel).process()),
        ("quarantined", None)
    );
    assert_eq!(bench.told("plugin-quarantined"), 1);

    let state = bench.state();
    let mut change = state
        .write(&Actor::new("tester", "test"), OffsetDateTime::now_utc())
        .expect("a change");
    assert!(change.release("keydb", "by hand"));
    change.commit().expect("committed");
    assert!(
        matches!(held(&kernel), Held::Yes(_)),
        "also where it runs already"
    );
    assert_eq!(bench.told("plugin-released"), 1);
}

#[test]
fn what_a_store_last_held_counts_only_for_as_long_as_the_operator_lets_it() {
    let bench = Bench::new();
    for (stale_ok, expected) in [(Duration::from_secs(3600), true), (Duration::ZERO, false)] {
        let mut plan = bench.plan();
        plan.stale_ok = stale_ok;
        let kernel = bench.process(plan);
        assert!(matches!(held(&kernel), Held::Yes(_)));
        let state = bench.state();
        let mut change = state
            .write(&Actor::new("tester", "test"), OffsetDateTime::now_utc())
            .expect("a change");
        (0..3).for_each(|_| {
            let code = format!("anchorhold.keydb {}", store(&kernel).version());
            change.record_crash("keydb", &code, "elsewhere");
        });
        change.commit().expect("committed");
        crash(&kernel);
        assert_eq!(matches!(held(&kernel), Held::Yes(_)), expected);
        let mut change = state
            .write(&Actor::new("tester", "test"), OffsetDateTime::now_utc())
            .expect("a change");
        change.release("keydb", "by hand");
        change.commit().expect("committed");
    }
}

#[test]
fn a_reload_loses_no_verdict_and_ends_the_old_process() {
    let bench = Bench::new();
    let kernel = bench.process(bench.plan());
    assert!(matches!(held(&kernel), Held::Yes(_)));
    let first = runner(&kernel);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let asking: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut asked = 0_u32;
                    while asked == 0 || !done.load(Ordering::Relaxed) {
                        assert!(matches!(held(&kernel), Held::Yes(_)));
                        asked += 1;
                    }
                })
            })
            .collect();
        (0..5).for_each(|_| store(&kernel).reload().expect("reloaded"));
        done.store(true, Ordering::Relaxed);
        asking
            .into_iter()
            .for_each(|thread| thread.join().expect("every verdict was right"));
    });
    assert_ne!(runner(&kernel), first);
    until("the old process ends", || {
        !Path::new(&format!("/proc/{first}")).exists()
    });
    assert_eq!(
        bench.told("plugin-crashed"),
        0,
        "an end that is wanted is no crash"
    );
}

#[test]
fn a_runner_that_never_answers_keeps_nobody_else_waiting() {
    let bench = Bench::new();
    let mut silent = bench.plan();
    silent.name = "silent".to_owned();
    silent.timeout = Duration::from_millis(200);
    let mut here = bench.plan();
    here.isolation = Some(Isolation::InProcess);
    let options = bench
        .options()
        .with_program(program("/bin/cat", &["/dev/zero"]));
    let kernel = Kernel::open(vec![silent, here], &Registry::builtin(), options);
    let healths = kernel.healths();
    let words: Vec<_> = healths.iter().map(|(_, health)| health.word()).collect();
    assert_eq!(words[1], "ready");
    assert!(matches!(words[0], "failed" | "crashed"), "{words:?}");
    assert!(store(&kernel).process().is_none());
}

#[test]
fn plugins_that_have_to_be_started_are_started_side_by_side() {
    let bench = Bench::new();
    let names: Vec<_> = (1..=5).map(|number| format!("s{number}")).collect();
    let named = |name: &String| {
        let mut plan = bench.plan();
        plan.name.clone_from(name);
        plan
    };
    // Each begins to work once all of them were started.
    let arrived = bench.home.path().join("arrived");
    let script = bench.home.path().join("wait.sh");
    let text = format!(
        "cd {} || exit 1; : > $$; while set -- *; [ $# -lt 5 ]; do sleep 0.01; done; exec {} runner",
        arrived.display(),
        env!("CARGO_BIN_EXE_anchorhold")
    );
    std::fs::write(&script, text).expect("written");
    let words = [script.to_str().expect("a text")];
    type Work<'a> = &'a dyn Fn(&Kernel) -> Vec<bool>;
    let healths: Work<'_> = &|kernel| {
        let healths = kernel.healths().into_iter();
        healths
            .map(|(_, health)| health.word() == "ready")
            .collect()
    };
    let listings: Work<'_> = &|kernel| {
        let listings = kernel.listings(&names).into_iter();
        listings.map(|(_, listed)| listed.is_ok()).collect()
    };
    let view: Work<'_> = &|kernel| {
        let silent = kernel.entries(&names, &ScopeTable::default()).1;
        names
            .iter()
            .map(|name| !silent.iter().any(|(store, _)| store == name))
            .collect()
    };
    for work in [healths, listings, view] {
        std::fs::create_dir(&arrived).expect("made");
        let options = bench.options().with_program(program("/bin/sh", &words));
        let plans = names.iter().map(named).collect();
        let kernel = Kernel::open(plans, &Registry::builtin(), options);
        assert_eq!(work(&kernel), [true; 5]);
        drop(kernel);
        std::fs::remove_dir_all(&arrived).expect("removed");
    }
}

#[test]
fn a_runner_that_falls_silent_is_ended_and_its_store_goes_on() {
    let bench = Bench::new();
    let mut plan = bench.plan();
    plan.timeout = Duration::from_millis(300);
    plan.hang_after = Duration::from_millis(600);
    let kernel = bench.process(plan);
    until("it is listed", || store(&kernel).snapshot().is_ok());
    let process = runner(&kernel);
    signal(process, Signal::STOP);
    assert!(store(&kernel).fresh_snapshot().is_err());
    until("it is ended", || store(&kernel).process().is_none());
    until("another one answers", || store(&kernel).snapshot().is_ok());
    assert_ne!(runner(&kernel), process);
    assert_eq!(bench.told("plugin-crashed"), 1);
    let crash = bench.state().last_crash("keydb").expect("read");
    assert!(crash.expect("known").what.contains("silence"));
}

#[test]
fn less_sandbox_than_required_is_a_refused_store() {
    let bench = Bench::new();
    let mut plan = bench.plan();
    plan.require_sandbox = true;
    let kernel = bench.process(plan.clone());
    let health = store(&kernel).health();
    match health.sandbox {
        Sandbox::Full => assert_eq!(health.word(), "ready", "{}", health.detail),
        _ => assert!(health.code.is_some(), "{health:?}"),
    }
    plan.isolation = Some(Isolation::InProcess);
    let kernel = bench.process(plan);
    let health = store(&kernel).health();
    assert_eq!(health.code.as_deref(), Some("sandbox"));
    assert_eq!(health.word(), "failed");
    assert!(matches!(held(&kernel), Held::Unanswered { .. }));
}
