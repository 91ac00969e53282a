//! A link and a real runner: every call, and every way in which the process can end.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test cannot do without, fails it"
)]

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use anchorhold_boundary::batch::{Batch, Change, Effect};
use anchorhold_boundary::confinement::Place;
use anchorhold_boundary::health::HealthState;
use anchorhold_boundary::item::{Item, ItemId, Kind};
use anchorhold_boundary::link::{Code, Link, Program, Start};
use anchorhold_boundary::query::{By, Query};
use anchorhold_boundary::{CallError, CallLimits, OpenStore, Status, StoreConfig};
use rustix::process::{Pid, Signal};

use crate::program::program;

/// What runs the plugins.
#[path = "built/program.rs"]
mod program;

const MEMORY: &str = "anchorhold.testing.memory";
const FAULTY: &str = "anchorhold.testing.faulty";
const AFFINE: &str = "anchorhold.testing.affine";

type Log = Arc<Mutex<Vec<String>>>;

fn start(id: &str, settings: &[(&str, &str)]) -> (Start, Log) {
    let program = Program {
        path: program().to_owned(),
        arguments: Vec::new(),
    };
    let log = Log::default();
    let kept = Arc::clone(&log);
    let mut config = StoreConfig::new("store");
    config.log = Arc::new(move |_, line: &str| kept.lock().unwrap().push(line.to_owned()));
    config.settings = settings
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    (
        Start::new(program, Code::Builtin(id.to_owned()), config),
        log,
    )
}

fn open(id: &str, settings: &[(&str, &str)]) -> (Link, Log) {
    let (start, log) = start(id, settings);
    (Link::start(start).unwrap(), log)
}

fn limits() -> CallLimits {
    CallLimits::default()
}

fn item(number: usize, size: usize) -> Item {
    let mut der = vec![0x30; size];
    der[..8].copy_from_slice(&number.to_le_bytes());
    Item::certificate(der, format!("item {number}"))
}

fn put(items: impl IntoIterator<Item = Item>) -> Batch {
    Batch {
        changes: items.into_iter().map(Change::Put).collect(),
        ..Batch::default()
    }
}

fn kill(link: &Link, signal: Signal) {
    rustix::process::kill_process(process(link), signal).unwrap();
}

fn process(link: &Link) -> Pid {
    Pid::from_raw(i32::try_from(link.pid()).unwrap()).unwrap()
}

/// Waits until the link knows that its process has ended.
fn ended(link: &Link) -> CallError {
    loop {
        match link.ended() {
            Some(error) => return error,
            None => thread::yield_now(),
        }
    }
}

/// The process is gone and was reaped.
fn is_gone(process: Pid) -> bool {
    rustix::process::test_kill_process(process) == Err(rustix::io::Errno::SRCH)
}

#[test]
fn store_works_as_it_does_in_process() {
    let (link, _) = open(MEMORY, &[]);
    assert_eq!(link.identity().id, MEMORY);
    assert_eq!(link.confinement().place, Place::Runner);
    assert_eq!(link.last_health().unwrap().state, HealthState::Ready);
    assert_eq!(link.list(&limits()).unwrap().items, []);
    let outcomes = link.apply(&put((0..3).map(|n| item(n, 100))), &limits());
    let outcomes = outcomes.unwrap();
    assert!(outcomes.iter().all(|outcome| outcome.effect == Effect::New));
    let listing = link.list(&limits()).unwrap();
    let labels: Vec<_> = listing
        .items
        .iter()
        .map(|item| item.label.as_str())
        .collect();
    assert_eq!(labels, ["item 0", "item 1", "item 2"]);
    let health = link.health().unwrap();
    assert_eq!(health.item_count, Some(3));
    assert_eq!(health.generation, listing.generation);
    let id = listing.items[1].id.clone();
    let found = link
        .find(&Query::new(By::Id(id.0.clone())), &limits())
        .unwrap();
    assert_eq!(found.items, [listing.items[1].clone()]);
    let removal = Batch {
        changes: vec![Change::Remove(id)],
        ..Batch::default()
    };
    let outcomes = link.apply(&removal, &limits()).unwrap();
    assert_eq!(outcomes[0].effect, Effect::Removed);
    assert_eq!(link.list(&limits()).unwrap().items.len(), 2);
    let process = process(&link);
    drop(link);
    assert!(is_gone(process));
}

#[test]
fn many_and_large_items_come_whole_and_in_order() {
    let (link, _) = open(MEMORY, &[]);
    let mut crl = item(1000, 9 << 20);
    crl.kind = Kind::Crl;
    let items: Vec<_> = (0..1000).map(|n| item(n, 1000)).chain([crl]).collect();
    link.apply(&put(items.clone()), &limits()).unwrap();
    let listing = link.list(&limits()).unwrap();
    assert_eq!(listing.items.len(), 1001);
    let same = |(listed, put): (&Item, &Item)| listed.der == put.der && listed.label == put.label;
    assert!(listing.items.iter().zip(&items).all(same));
}

#[test]
fn store_that_cannot_be_opened_is_told() {
    let (start, _) = start(MEMORY, &[("fault", "open=unavailable")]);
    let error = Link::start(start).unwrap_err();
    assert_eq!(error.status, Status::Unavailable);
    let (start, _) = self::start("org.example.nobody", &[]);
    let error = Link::start(start).unwrap_err();
    assert_eq!(error.status, Status::Refused, "{error}");
}

#[test]
fn program_that_is_not_there_is_told() {
    let (mut start, _) = start(MEMORY, &[]);
    start.program.path = PathBuf::from("/nowhere/anchorhold");
    let error = Link::start(start).unwrap_err();
    assert_eq!(error.status, Status::Unavailable);
    assert!(error.message.contains("cannot be started"), "{error}");
}

#[test]
fn program_that_is_no_runner_is_told_with_what_it_says() {
    let (mut start, _) = start(MEMORY, &[]);
    start.program.path = PathBuf::from("/bin/sh");
    start.program.arguments = vec!["-c".into(), "echo 'no such thing' >&2; exit 7".into()];
    let error = Link::start(start).unwrap_err();
    assert_eq!(error.status, Status::Crashed);
    assert_eq!(
        error.message,
        "exit code 7; the last line that it wrote: \"no such thing\""
    );
}

#[test]
fn nothing_of_this_process_is_in_the_environment() {
    let (mut start, log) = start(MEMORY, &[]);
    start.program.path = PathBuf::from("/bin/sh");
    start.program.arguments = vec!["-c".into(), "/usr/bin/env; pwd".into()];
    start.environment = vec![("GIVEN".into(), "yes".into())];
    Link::start(start).unwrap_err();
    let log = log.lock().unwrap();
    assert!(log.contains(&"GIVEN=yes".to_owned()), "{log:?}");
    assert!(log.contains(&"/".to_owned()), "{log:?}");
    assert!(!log.iter().any(|line| line.starts_with("CARGO")), "{log:?}");
    assert!(
        !log.iter().any(|line| line.starts_with("PATH=/root")),
        "{log:?}"
    );
}

#[test]
fn killed_between_two_calls() {
    let (link, _) = open(MEMORY, &[]);
    link.list(&limits()).unwrap();
    let gone = process(&link);
    kill(&link, Signal::SEGV);
    let error = ended(&link);
    assert_eq!(error.status, Status::Crashed);
    assert_eq!(error.message, "signal 11 (SIGSEGV)");
    assert!(is_gone(gone));
    assert_eq!(link.list(&limits()).unwrap_err(), error);
    assert_eq!(link.last_health().unwrap_err(), error);
    // A new one takes over, and knows nothing of the old one.
    let (next, _) = open(MEMORY, &[]);
    assert_eq!(next.list(&limits()).unwrap().items, []);
}

#[test]
fn killed_in_a_call() {
    let (link, _) = open(FAULTY, &[("list", "hang"), ("apply", "hang")]);
    thread::scope(|scope| {
        let listing = scope.spawn(|| link.list(&limits()));
        let soon = CallLimits::within(Duration::from_millis(20));
        assert_eq!(link.list(&soon).unwrap_err().status, Status::Timeout);
        kill(&link, Signal::KILL);
        let error = listing.join().unwrap().unwrap_err();
        assert_eq!(error.status, Status::Crashed);
        assert_eq!(error.message, "signal 9 (SIGKILL)");
    });
}

#[test]
fn killed_in_a_write() {
    let (link, _) = open(FAULTY, &[("apply", "abort")]);
    let error = link.apply(&put([item(1, 10)]), &limits()).unwrap_err();
    assert_eq!(error.error.status, Status::OutcomeUnknown);
    assert!(error.error.message.contains("SIGABRT"), "{error}");
    assert_eq!(ended(&link).status, Status::Crashed);
}

#[test]
fn abort_and_exit_are_told_with_the_last_line() {
    let (link, log) = open(FAULTY, &[("list", "abort")]);
    let error = link.list(&limits()).unwrap_err();
    assert_eq!(error.status, Status::Crashed);
    assert_eq!(
        error.message,
        "signal 6 (SIGABRT); the last line that it wrote: \"about to abort\""
    );
    assert!(log.lock().unwrap().contains(&"about to abort".to_owned()));
    let (link, log) = open(FAULTY, &[("list", "exit")]);
    let error = link.list(&limits()).unwrap_err();
    assert_eq!(
        (error.status, error.message.as_str()),
        (Status::Crashed, "exit code 3")
    );
    assert!(log.lock().unwrap().contains(&"about to exit".to_owned()));
}

#[test]
fn end_while_the_store_is_opened_is_told() {
    let (start, _) = start(FAULTY, &[("open", "abort")]);
    let error = Link::start(start).unwrap_err();
    assert_eq!(error.status, Status::Crashed);
    assert!(error.message.starts_with("signal 6 (SIGABRT)"), "{error}");
}

#[test]
fn hang_is_ended() {
    let (mut start, _) = start(FAULTY, &[("list", "hang")]);
    start.hang_after = Duration::from_secs(1);
    let link = Link::start(start).unwrap();
    // It answers how it is, and hangs all the same.
    let error = thread::scope(|scope| {
        let listing = scope.spawn(|| link.list(&limits()));
        assert!(link.health().is_ok());
        listing.join().unwrap().unwrap_err()
    });
    assert_eq!(error.status, Status::Crashed);
    assert_eq!(error.message, "killed after 1 s of silence");
    assert!(is_gone(process(&link)));
}

#[test]
fn hang_is_ended_though_no_caller_waits_for_it() {
    for id in [FAULTY, AFFINE] {
        let (mut start, _) = start(id, &[("list", "hang")]);
        start.hang_after = Duration::from_secs(1);
        let link = Link::start(start).unwrap();
        let soon = CallLimits::within(Duration::from_millis(20));
        assert!(!link.is_at_work(), "{id}");
        assert_eq!(link.list(&soon).unwrap_err().status, Status::Timeout);
        assert!(link.is_at_work(), "{id}");
        // The plugin is still at work on the first, so that nothing else is asked of it.
        let mut errors = (0..500).map(|_| link.list(&soon).unwrap_err());
        let error = errors.find(|error| error.status != Status::Timeout);
        let error = error.expect(id);
        assert_eq!(error.status, Status::Crashed, "{id}: {error}");
        assert_eq!(error.message, "killed after 1 s of silence", "{id}");
        assert!(!link.is_at_work(), "{id}");
    }
}

#[test]
fn panic_is_told_and_the_store_is_retired() {
    let (link, _) = open(FAULTY, &[("list", "unheard of")]);
    assert_eq!(link.list(&limits()).unwrap_err().status, Status::Panic);
    assert_eq!(ended(&link).status, Status::Panic);
    let process = process(&link);
    drop(link);
    assert!(is_gone(process));
}

#[test]
fn flood_of_lines_holds_nothing_up() {
    let (link, log) = open(FAULTY, &[("list", "flood")]);
    assert!(link.list(&limits()).is_ok());
    drop(link);
    let through = log
        .lock()
        .unwrap()
        .iter()
        .filter(|line| *line == "flood")
        .count();
    assert!((1..=3000).contains(&through), "{through}");
    let (link, log) = open(FAULTY, &[("list", "print")]);
    assert!(link.list(&limits()).is_ok());
    drop(link);
    let log = log.lock().unwrap();
    let through = log
        .iter()
        .filter(|line| line.ends_with("nobody asked for"))
        .count();
    assert!((1..20_000).contains(&through), "{through}");
    assert!(
        log.iter()
            .any(|line| line.contains("more lines of the store were dropped"))
    );
}

#[test]
fn eight_threads_at_once() {
    let (link, _) = open(MEMORY, &[]);
    // All of it is one page, so that no change comes between two.
    link.apply(&put((0..100).map(|n| item(n, 500))), &limits())
        .unwrap();
    thread::scope(|scope| {
        for thread in 0..8 {
            let link = &link;
            scope.spawn(move || {
                for round in 0..20 {
                    match (thread + round) % 4 {
                        0 => assert!(link.list(&limits()).unwrap().items.len() >= 100),
                        1 => assert!(link.health().unwrap().item_count.unwrap() >= 100),
                        2 => assert!(link.last_health().is_ok()),
                        _ => {
                            let number = 10_000 + thread * 100 + round;
                            let outcomes = link.apply(&put([item(number, 50)]), &limits());
                            assert_eq!(outcomes.unwrap()[0].effect, Effect::New);
                        }
                    }
                }
            });
        }
    });
}

#[test]
fn descriptors_of_this_process_stay_here() {
    let open = std::fs::File::open("/dev/null").unwrap();
    let (link, _) = open_and_count();
    drop(open);
    assert!(link.list(&limits()).is_ok());
}

fn open_and_count() -> (Link, Log) {
    let opened = open(MEMORY, &[]);
    let listed = std::fs::read_dir(format!("/proc/{}/fd", opened.0.pid())).unwrap();
    let leads: Vec<_> = listed
        .filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok())
        .collect();
    // Its socket, its three standard ones, and nothing else.
    assert!(leads.len() <= 5, "{leads:?}");
    opened
}

#[test]
fn unknown_id_names_what_was_asked_for() {
    let (link, _) = open(MEMORY, &[]);
    let found = link
        .find(&Query::new(By::Id(vec![9; 8])), &limits())
        .unwrap();
    assert!(found.items.is_empty());
    let error = link.sign(&ItemId(vec![9; 8]), 0x0804, b"x", &limits());
    assert_eq!(error.unwrap_err().status, Status::NotFound);
}
