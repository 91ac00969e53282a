//! What is there after the program or the machine has died.

use std::env;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::*;
use crate::directory::Directory;

const DIR: &str = "ANCHORHOLD_STATE_TEST_DIR";
const FROM: &str = "ANCHORHOLD_STATE_TEST_FROM";

/// Starts this test program again, as one that runs a single test which is no test.
pub(super) fn child(test: &str, dir: &Path, from: u64) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .env(FROM, from.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The directory and the first number, if this program was started as a child.
pub(super) fn task() -> Option<(PathBuf, u64)> {
    Some((
        env::var_os(DIR)?.into(),
        env::var(FROM).ok()?.parse().unwrap(),
    ))
}

/// Numbers without a pattern, the same in each run.
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// One change of each kind in turn; what it leaves behind tells its number.
fn change(transaction: &mut Transaction<'_>, number: u64) {
    let server = name(&format!("TSM{number}"));
    transaction.note(Event::new("numbered", number.to_string()));
    match number % 5 {
        0 => transaction.raise(&server),
        1 => transaction.put_scope(print(number.to_le_bytes()[0]), &pin(&[server.as_str()])),
        2 => transaction.put_record(&full_record(server.as_str())),
        3 => transaction.begin_intent(&intent(server.as_str())),
        _ => (0..20).for_each(|part| {
            transaction.note(Event::new("long", "x".repeat(200)).store(part.to_string()));
        }),
    }
}

#[test]
fn committing_child() {
    let Some((dir, from)) = task() else { return };
    println!("ready");
    for number in from.. {
        let state = State::open(&dir).unwrap();
        let mut transaction = state.write(&actor(), now()).unwrap();
        change(&mut transaction, number);
        transaction.commit().unwrap();
        println!("done {number}");
    }
}

/// Kills a child after some acknowledged changes and a moment more; tells the last acknowledged.
fn kill_at_random(dir: &Path, from: u64, chance: &mut Chance) -> u64 {
    let mut child = child("state::tests::durability::committing_child", dir, from);
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    assert!(lines.any(|line| line.ends_with("ready")));
    let mut last = from - 1;
    for _ in 0..chance.below(4) {
        last = acknowledged(&lines.next().unwrap());
    }
    let (since, moment) = (Instant::now(), Duration::from_micros(chance.below(6_000)));
    while since.elapsed() < moment {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(9));
    // What it still said before it died counts as well.
    lines
        .filter(|line| line.starts_with("done "))
        .fold(last, |_, line| acknowledged(&line))
}

fn acknowledged(line: &str) -> u64 {
    line.strip_prefix("done ").unwrap().parse().unwrap()
}

/// Everything up to `last` is there, and nothing is half there.
fn check_after_kill(home: &Home, last: u64) -> u64 {
    if last == 0 && home.condition() == Condition::FirstRun {
        return 0;
    }
    let before = files(&home.path);
    let found = check_numbers(home);
    assert!(
        found == last || found == last + 1,
        "{found} are there, and {last} were acknowledged"
    );
    let state = home.state();
    let standings = state.standings().unwrap();
    assert!(standings.iter().all(|standing| !standing.lost));
    let (scope, intents) = (state.scope().unwrap(), state.intents().unwrap());
    for number in 1..=found {
        let server = name(&format!("TSM{number}"));
        let is_strict = || {
            let is_it = |record: &Record| record.server == server;
            let standing = standings
                .iter()
                .find(|found| found.record.as_ref().is_some_and(is_it));
            standing.is_some_and(crate::Standing::is_strict)
        };
        match number % 5 {
            0 | 2 => assert!(is_strict(), "{number}"),
            1 => assert!(
                scope.rows.values().any(|row| row.servers.contains(&server)),
                "{number}"
            ),
            3 => assert!(
                intents.iter().any(|intent| intent.server == server),
                "{number}"
            ),
            _ => {}
        }
    }
    assert!(before == files(&home.path), "reading changed a file");
    found
}

#[test]
fn all_that_was_acknowledged_survives_kill_at_any_moment() {
    let mut chance = Chance(0x0a2c_4076_5d1e_93b7);
    let (mut kills, mut halves) = (0, 0);
    while kills < 120 {
        let home = Home::new();
        let mut done = 0;
        for _ in 0..chance.below(12) + 1 {
            let last = kill_at_random(&home.path, done + 1, &mut chance);
            let logged = fs::metadata(home.file("ledger.db-wal")).is_ok();
            let behind = home.state().verify_journal().unwrap().pending > 0;
            halves += u32::from(logged || behind);
            done = check_after_kill(&home, last);
            kills += 1;
        }
    }
    println!("{kills} kills, {halves} of them in the middle of a commit");
    assert!(
        halves > 0,
        "no kill fell into a commit, so that nothing was tested"
    );
}

#[test]
fn unfinished_last_lines_come_back_from_the_ledger() {
    let home = Home::new();
    home.write(|change| change.raise(&name("TSM1")));
    let first = fs::read(home.file("journal.jsonl")).unwrap();
    home.write(|change| {
        change.raise(&name("TSM2"));
        change.note(Event::new("noted", "more"));
    });
    let whole = fs::read(home.file("journal.jsonl")).unwrap();
    let entries = home.state().journal().unwrap();
    for cut in (first.len()..whole.len()).step_by(7) {
        for rest in ["", "\0\0\0\0\0\0\0\0\0", "half a line"] {
            let torn = [&whole[..cut], rest.as_bytes()].concat();
            // No interrupted write makes the file longer than it was going to be.
            if torn.len() > whole.len() {
                continue;
            }
            fs::write(home.file("journal.jsonl"), &torn).unwrap();
            assert_eq!(home.condition(), Condition::Whole, "{cut} {rest:?}");
            assert_eq!(home.state().journal().unwrap(), entries);
            let report = home.state().verify_journal().unwrap();
            assert!(
                report.is_whole() && report.entries == 5,
                "{cut} {rest:?} {report:?}"
            );
            assert!((1..=3).contains(&report.pending), "{report:?}");
            assert_eq!(fs::read(home.file("journal.jsonl")).unwrap(), torn);
        }
    }
    // As long as it was going to be, and with nothing in it.
    let mut torn = first;
    torn.resize(whole.len(), 0);
    fs::write(home.file("journal.jsonl"), torn).unwrap();
    home.write(|change| change.raise(&name("TSM3")));
    let mended = fs::read(home.file("journal.jsonl")).unwrap();
    assert_eq!(&mended[..whole.len()], whole);
    home.assert_whole();
    assert_eq!(home.state().verify_journal().unwrap().pending, 0);
}

#[test]
fn first_lines_of_all_come_back_from_the_ledger() {
    let home = Home::new();
    home.write(|change| change.raise(&name("TSM1")));
    // The file is made, durably, before there is a ledger.
    fs::write(home.file("journal.jsonl"), "").unwrap();
    home.assert_whole();
    home.write(|change| change.raise(&name("TSM2")));
    home.assert_whole();
    assert_eq!(home.state().verify_journal().unwrap().entries, 4);
}

#[test]
fn log_that_a_crash_left_is_read_without_touching_it() {
    let home = Home::new();
    home.write(|change| change.raise(&name("TSM1")));
    // A reader that is not ours keeps the log from being moved into the database.
    let foreign = rusqlite::Connection::open(home.file("ledger.db")).unwrap();
    foreign
        .execute_batch("BEGIN; SELECT * FROM server")
        .unwrap();
    home.write(|change| change.raise(&name("TSM2")));
    let crashed = Home::new();
    fs::create_dir_all(&crashed.path).unwrap();
    for file in ["ledger.db", "ledger.db-wal", "journal.jsonl"] {
        fs::copy(home.file(file), crashed.file(file)).unwrap();
    }
    assert!(fs::metadata(crashed.file("ledger.db-wal")).unwrap().len() > 0);
    let before = files(&crashed.path);
    read_everything(&crashed.state());
    crashed.assert_whole();
    assert!(crashed.state().server(&name("TSM2")).unwrap().is_strict());
    assert!(before == files(&crashed.path));
    crashed.write(|change| change.raise(&name("TSM3")));
    crashed.assert_whole();
    assert_eq!(crashed.state().servers().unwrap().len(), 3);
    assert!(!crashed.file("ledger.db-wal").exists());
    // Without the log, the ledger is older than the journal.
    fs::remove_file(home.file("ledger.db-wal")).unwrap();
    home.assert_lost("older than the journal");
}

#[test]
fn unfinished_new_ledger_is_of_no_account() {
    let home = Home::new();
    fs::create_dir_all(&home.path).unwrap();
    for name in ["ledger.new", "ledger.new-wal", "ledger.new-journal"] {
        fs::write(home.file(name), "half").unwrap();
    }
    fs::write(home.file("journal.jsonl"), "").unwrap();
    assert_eq!(home.condition(), Condition::FirstRun);
    home.write(|change| change.raise(&name("TSM1")));
    home.assert_whole();
    assert!(!home.file("ledger.new").exists() && !home.file("ledger.new-wal").exists());
}

#[test]
fn what_was_only_moved_aside_is_still_a_loss() {
    let home = Home::new();
    home.write(|change| change.raise(&name("TSM1")));
    let directory = Directory::make(&home.path).unwrap();
    // As if somebody had moved both away to look at them.
    for name in ["journal.jsonl", "ledger.db"] {
        let aside = directory.name_aside(name).unwrap();
        fs::rename(home.file(name), home.file(&aside)).unwrap();
    }
    home.assert_lost("only remains are left");
    assert!(home.state().server(&name("ANY")).unwrap().lost);
}

#[test]
fn filling_child() {
    let Some((dir, _)) = task() else { return };
    let state = State::open(&dir).unwrap();
    for number in 1.. {
        let mut transaction = state.write(&actor(), now()).unwrap();
        transaction.note(Event::new("numbered", number.to_string()));
        transaction.note(Event::new("long", "x".repeat(4_000)));
        match transaction.commit() {
            Ok(()) => println!("done {number}"),
            Err(error) => return println!("\nfull {error}"),
        }
    }
}

#[test]
fn full_disk_loses_nothing_that_was_acknowledged() {
    let home = Home::new();
    // No file may grow beyond 128 to 256 KiB, depending on the shell; the journal gets there first.
    let limited = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 256; exec \"$@\"", "sh"])
        .arg(env::current_exe().unwrap())
        .args([
            "--exact",
            "state::tests::durability::filling_child",
            "--nocapture",
        ])
        .env(DIR, &home.path)
        .env(FROM, "1")
        .output()
        .unwrap();
    let said = String::from_utf8(limited.stdout).unwrap();
    assert!(said.contains("full cannot add to the journal"), "{said}");
    let last = said
        .lines()
        .filter(|line| line.starts_with("done "))
        .map(acknowledged)
        .max();
    assert!(home.state().verify_journal().unwrap().pending > 0);
    assert_eq!(Some(check_numbers(&home)), last);
    home.write(|change| change.raise(&name("TSM1")));
    assert_eq!(home.state().verify_journal().unwrap().pending, 0);
    assert_eq!(Some(check_numbers(&home)), last);
}

/// How many numbered entries there are, none missing, in a state that is whole.
fn check_numbers(home: &Home) -> u64 {
    home.assert_whole();
    let journal = home.state().journal().unwrap();
    let numbers = journal.iter().filter(|entry| entry.event == "numbered");
    let numbers: Vec<u64> = numbers.map(|entry| entry.detail.parse().unwrap()).collect();
    let found = u64::try_from(numbers.len()).unwrap();
    assert!(numbers.iter().copied().eq(1..=found), "{numbers:?}");
    found
}
