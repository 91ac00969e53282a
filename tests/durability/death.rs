//! A process that dies before any of the calls by which it changes what is on the disk.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::thread;

use super::scene::{Before, Kind, PATIENCE, Scene};
use crate::support::{Outcome, Watched, here, skip};

#[test]
fn a_death_at_any_moment_leaves_the_old_or_the_new_kdb() {
    die_everywhere(Kind::Kdb);
}

#[test]
fn a_death_at_any_moment_leaves_the_old_or_the_new_p12() {
    die_everywhere(Kind::P12);
}

fn die_everywhere(kind: Kind) {
    if !here("strace") || !can_trace() {
        return;
    }
    thread::scope(|scope| {
        for before in Before::ALL {
            scope.spawn(move || {
                let start = Scene::before(kind, before);
                let digits = start.certificate("new.pem");
                let deaths: usize = CALLS
                    .iter()
                    .map(|call| (1..).take_while(|turn| dies(&start, &digits, call, *turn)))
                    .map(Iterator::count)
                    .sum();
                assert!(deaths >= FEWEST, "{before:?}: {deaths} deaths");
            });
        }
    });
}

/// An import dies before a call, the first of its name or a later one; not where it makes fewer.
fn dies(start: &Scene, digits: &str, call: &str, turn: usize) -> bool {
    let scene = start.copy();
    let old = fs::read(scene.database()).ok();
    let before = scene.held();
    let mut after = before.clone().unwrap_or_default();
    after.insert(digits.to_owned());
    let outcome = import(&scene, Some((call, turn)));
    let died = outcome.status.signal() == Some(SIGKILL);
    let context = || format!("{call} {turn}\n{}", outcome.shown());
    // Before anybody mends anything.
    let now = scene.held();
    if died {
        assert!(
            now == before || now.as_ref() == Some(&after),
            "{}",
            context()
        );
        if let (Ok(kept), Some(old)) = (fs::read(scene.backup()), &old) {
            assert!(kept == *old, "what is kept is whole: {}", context());
        }
    } else {
        assert!(outcome.status.success(), "{}", context());
    }
    goes_on(&scene, &after, &context);
    died
}

/// The next import works, whatever the last one left.
fn goes_on(scene: &Scene, after: &BTreeSet<String>, context: &dyn Fn() -> String) {
    let outcome = import(scene, None);
    let shown = outcome.shown();
    assert!(outcome.status.success(), "{}\n{shown}", context());
    assert_eq!(scene.held().as_ref(), Some(after), "{}", context());
    scene.is_sound();
    // What is locked while a copy is made stays where its holder died, and is in nobody's way.
    let mut turn = scene.backup().into_os_string();
    turn.push(".lock");
    let litter = scene.litter();
    assert!(
        litter.iter().all(|path| *path == *turn),
        "{litter:?}: {}",
        context()
    );
}

/// Imports the new certificate, and dies before a call.
fn import(scene: &Scene, death: Option<(&str, usize)>) -> Outcome {
    let plain = scene.command(0, "new.pem");
    let mut command = match death {
        None => plain,
        Some((call, turn)) => traced(&plain, call, &format!("signal=KILL:when={turn}")),
    };
    Watched::output(&mut command, b"", PATIENCE)
}

/// The same command, and what befalls its calls of this name.
fn traced(plain: &Command, call: &str, fate: &str) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e"]);
    command.arg(format!("trace=/^{call}$"));
    command.arg("-e").arg(format!("inject=/^{call}$:{fate}"));
    command.arg(plain.get_program()).args(plain.get_args());
    if let Some(directory) = plain.get_current_dir() {
        command.current_dir(directory);
    }
    command
}

/// Whether processes may be traced here; where not, the test is skipped.
fn can_trace() -> bool {
    let mut command = traced(&Command::new("true"), "write", "delay_enter=0");
    let outcome = Watched::output(&mut command, b"", PATIENCE);
    if !outcome.status.success() {
        skip("no process may be traced here");
    }
    outcome.status.success()
}

/// The calls that change what is on the disk, but for those by which the ledger writes into its
/// own files. Not every machine has every one of them.
const CALLS: &[&str] = &[
    "write",
    "f(data)?sync",
    "ftruncate",
    "fchmod",
    "fchown",
    "mkdir(at)?",
    "rename(at2?)?",
    "unlink(at)?",
    "link(at)?",
];

/// Deaths of the shortest import; fewer, and it is not what this test is about.
const FEWEST: usize = 25;

const SIGKILL: i32 = 9;
