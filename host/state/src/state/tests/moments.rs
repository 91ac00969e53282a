//! Death at every moment of a change, one after the other.

use std::env;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::durability::Chance;
use super::*;
use crate::moment::DIE_AT;

const DIR: &str = "ANCHORHOLD_STATE_TEST_MORTAL_DIR";

/// Raises TSM9, which heals first what is lost.
#[test]
fn mortal_child() {
    let Some(dir) = env::var_os(DIR) else { return };
    println!("\nready");
    let state = State::open(Path::new(&dir)).unwrap();
    let mut transaction = state.write(&actor(), now()).unwrap();
    transaction.raise(&name("TSM9"));
    transaction.commit().unwrap();
}

/// Whether the child lived on beyond the moment.
fn survives(home: &Home, moment: u64) -> bool {
    let mut child = child(home);
    let status = child.env(DIE_AT, moment.to_string()).status();
    status.unwrap().success()
}

fn child(home: &Home) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", "state::tests::moments::mortal_child"])
        .args(["--nocapture", "--test-threads=1"])
        .env(DIR, &home.path)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Kills a child some time after it has begun.
fn kill(home: &Home, chance: &mut Chance) {
    let mut child = child(home).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "ready"));
    let (since, moment) = (Instant::now(), Duration::from_micros(chance.below(16_000)));
    while since.elapsed() < moment {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Lets a child die at each moment of a change, in a home of its own each time, and looks at what
/// it has left; tells how many moments there are.
pub(super) fn die_at_each(home: impl Fn() -> Home, look: impl Fn(&Home, &str)) -> u64 {
    for moment in 1.. {
        let home = home();
        if survives(&home, moment) {
            assert!(home.state().server(&name("TSM9")).unwrap().is_strict());
            return moment - 1;
        }
        look(&home, &format!("moment {moment}"));
        // The next who writes finds nothing in the way.
        home.write(|change| change.raise(&name("TSM9")));
        home.assert_whole();
        look(&home, &format!("moment {moment}, and a change after it"));
    }
    0
}

#[test]
fn first_change_of_all_is_never_a_loss() {
    let is_there_or_not = |home: &Home, when: &str| {
        let condition = home.condition();
        assert!(!condition.is_lost(), "{when}: {condition:?}");
        let standing = home.state().server(&name("TSM9")).unwrap();
        let whole = condition == Condition::Whole;
        assert_eq!(standing.is_strict(), whole, "{when}: {condition:?}");
        assert!(!standing.lost, "{when}");
        assert_eq!(home.state().verify_journal().unwrap().fault, None, "{when}");
    };
    assert!(die_at_each(Home::new, is_there_or_not) >= 10);
}

#[test]
fn later_change_is_never_a_loss() {
    let home = || {
        let home = Home::new();
        home.write(|change| change.put_record(&full_record("TSM1")));
        home
    };
    let is_whole = |home: &Home, when: &str| {
        assert_eq!(home.condition(), Condition::Whole, "{when}");
        let standing = home.state().server(&name("TSM1")).unwrap();
        assert!(standing.is_strict() && !standing.lost, "{when}");
    };
    assert!(die_at_each(home, is_whole) >= 6);
}

/// What is left of a state, of which TSM1 was a strict server, but not from its first change on.
fn damaged(ledger: Left, journal: Left) -> Home {
    let home = Home::new();
    home.write(|change| {
        change.ensure_server(&name("PLAIN")).unwrap();
    });
    let first = ["ledger.db", "journal.jsonl"].map(|name| fs::read(home.file(name)).unwrap());
    home.write(|change| change.put_record(&full_record("TSM1")));
    home.write(|change| change.raise(&name("TSM2")));
    for (name, left, first) in [
        ("ledger.db", ledger, &first[0]),
        ("journal.jsonl", journal, &first[1]),
    ] {
        let path = home.file(name);
        let now = fs::read(&path).unwrap();
        match left {
            Left::First => fs::write(&path, first).unwrap(),
            Left::Garbage => fs::write(&path, "\0\0garbage".repeat(1_000)).unwrap(),
            Left::Missing => fs::remove_file(&path).unwrap(),
            Left::Torn => fs::write(&path, &now[..now.len() - 5]).unwrap(),
            Left::Whole => {}
        }
    }
    assert!(home.condition().is_lost(), "{ledger:?} {journal:?}");
    home
}

/// The same in another place, which is faster than to damage another one.
fn copy(wreck: &Home) -> Home {
    let home = Home::new();
    fs::create_dir_all(&home.path).unwrap();
    for found in fs::read_dir(&wreck.path).unwrap() {
        let path = found.unwrap().path();
        if path.is_file() {
            fs::copy(&path, home.path.join(path.file_name().unwrap())).unwrap();
        }
    }
    fs::set_permissions(&home.path, fs::Permissions::from_mode(0o700)).unwrap();
    home
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// It is as it was after the first change.
    First,
    /// It is something else.
    Garbage,
    /// It is away.
    Missing,
    /// Its end is away.
    Torn,
    /// Nothing.
    Whole,
}

#[test]
fn healing_is_a_loss_until_it_is_done() {
    for (ledger, journal) in [
        (Left::First, Left::Torn),
        (Left::First, Left::Missing),
        (Left::First, Left::Garbage),
        (Left::Whole, Left::Garbage),
        (Left::Garbage, Left::Whole),
        (Left::Garbage, Left::Missing),
        (Left::Garbage, Left::Garbage),
        (Left::Missing, Left::Torn),
    ] {
        let case = format!("ledger {ledger:?}, journal {journal:?}");
        let wreck = damaged(ledger, journal);
        let evidence = fs::read(wreck.file("journal.jsonl")).unwrap_or_default();
        let is_lost = |home: &Home, when: &str| {
            let state = home.state();
            let standing = state.server(&name("TSM1")).unwrap();
            let condition = state.condition();
            assert!(
                standing.lost && standing.is_strict(),
                "{case}, {when}: {condition:?} {standing:?}"
            );
            let kept = fs::read_dir(&home.path).unwrap().any(|found| {
                let path = found.unwrap().path();
                path.is_file() && fs::read(path).unwrap().starts_with(&evidence)
            });
            assert!(kept, "{case}, {when}: the damaged journal is gone");
        };
        let moments = die_at_each(|| copy(&wreck), is_lost);
        assert!(moments >= 10, "{case}: {moments}");
    }
}

#[test]
fn healing_that_dies_again_and_again_comes_to_an_end() {
    let home = damaged(Left::First, Left::Torn);
    for moment in 1.. {
        if survives(&home, moment) {
            break;
        }
        let standing = home.state().server(&name("TSM1")).unwrap();
        assert!(standing.lost && standing.is_strict(), "moment {moment}");
    }
    home.assert_whole();
}

#[test]
fn kill_makes_no_loss_of_a_first_change_and_forgets_none_while_it_heals() {
    let mut chance = Chance(0x51f1_5ee7_0a2c_93b7);
    let wrecks = [Left::Torn, Left::Missing].map(|journal| damaged(Left::First, journal));
    let (mut first, mut healed) = (0, 0);
    for round in 0..40 {
        let home = Home::new();
        kill(&home, &mut chance);
        let condition = home.condition();
        assert!(!condition.is_lost(), "round {round}: {condition:?}");
        let is_strict = home.state().server(&name("TSM9")).unwrap().is_strict();
        assert_eq!(is_strict, condition == Condition::Whole, "round {round}");
        first += u32::from(is_strict);

        let home = copy(&wrecks[round % 2]);
        kill(&home, &mut chance);
        let standing = home.state().server(&name("TSM1")).unwrap();
        assert!(standing.lost && standing.is_strict(), "round {round}");
        healed += u32::from(!home.condition().is_lost());
    }
    println!("{first} first changes and {healed} healings of 40 were durable before the kill");
}
