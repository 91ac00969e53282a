//! Several processes and threads at once.

use std::collections::BTreeSet;
use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::durability::{child, task};
use super::*;

const COMMITS: u64 = 40;

fn commit_all(dir: &Path, from: u64) {
    let state = State::open(dir).unwrap();
    for number in from..from + COMMITS {
        let mut transaction = state.write(&actor(), now()).unwrap();
        transaction.raise(&name(&format!("TSM{number}")));
        transaction.note(Event::new("numbered", number.to_string()));
        transaction.commit().unwrap();
    }
}

#[test]
fn sharing_child() {
    if let Some((dir, from)) = task() {
        commit_all(&dir, from);
    }
}

struct Finish<'a>(&'a AtomicBool);

impl Drop for Finish<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn two_processes_and_two_threads_lose_nothing() {
    let home = Home::new();
    let finished = AtomicBool::new(false);
    let looks = thread::scope(|scope| {
        // Set whatever happens here, so that the reader does not go on for ever.
        let finish = Finish(&finished);
        let mut children =
            [0, 1_000].map(|from| child("state::tests::sharing::sharing_child", &home.path, from));
        let threads = [2_000, 3_000].map(|from| {
            let dir = &home.path;
            scope.spawn(move || commit_all(dir, from))
        });
        let reader = scope.spawn(|| {
            let mut looks = 0;
            while !finished.load(Ordering::Relaxed) {
                let state = home.state();
                assert!(!state.condition().is_lost(), "{:?}", state.condition());
                assert!(state.verify_journal().unwrap().is_whole());
                looks += 1;
            }
            looks
        });
        for child in &mut children {
            let mut said = String::new();
            child
                .stdout
                .take()
                .unwrap()
                .read_to_string(&mut said)
                .unwrap();
            assert!(child.wait().unwrap().success(), "{said}");
        }
        for thread in threads {
            thread.join().unwrap();
        }
        drop(finish);
        reader.join().unwrap()
    });
    assert!(looks > 10, "only {looks} looks meanwhile");
    home.assert_whole();
    let journal = home.state().journal().unwrap();
    let numbers = journal.iter().filter(|entry| entry.event == "numbered");
    let numbers: BTreeSet<u64> = numbers.map(|entry| entry.detail.parse().unwrap()).collect();
    let starts = [0, 1_000, 2_000, 3_000];
    let expected = starts
        .iter()
        .flat_map(|from| *from..from + COMMITS)
        .collect();
    assert_eq!(numbers, expected);
    assert_eq!(home.state().servers().unwrap().len(), expected.len());
}

#[test]
fn waiting_is_bounded_and_names_the_holder() {
    let home = Home::new();
    let state = home.state();
    let guard = state.lock("server-tsm1").unwrap();
    let error = home
        .state()
        .lock_within("server-tsm1", Duration::ZERO)
        .unwrap_err();
    let text = error.to_string();
    let me = std::process::id().to_string();
    assert!(
        text.contains("server-tsm1 is in use by anchorhold_state") && text.contains(&me),
        "{text}"
    );
    // Another thing is another lock.
    state.lock_within("server-tsm2", Duration::ZERO).unwrap();
    state.lock_within("server/tsm1", Duration::ZERO).unwrap();
    drop(guard);
    state.lock_within("server-tsm1", Duration::ZERO).unwrap();
}

#[test]
fn other_process_holds_a_lock_until_it_dies() {
    let home = Home::new();
    let mut child = child("state::tests::sharing::locking_child", &home.path, 0);
    let mut said = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.ends_with("locked\n") {
        std::io::BufRead::read_line(&mut said, &mut line).unwrap();
    }
    let error = home
        .state()
        .lock_within("thing", Duration::ZERO)
        .unwrap_err();
    assert!(
        error.to_string().contains(&child.id().to_string()),
        "{error}"
    );
    child.kill().unwrap();
    child.wait().unwrap();
    home.state().lock_within("thing", Duration::ZERO).unwrap();
}

#[test]
fn locking_child() {
    let Some((dir, _)) = task() else { return };
    let state = State::open(&dir).unwrap();
    let _guard = state.lock("thing").unwrap();
    println!("locked");
    loop {
        thread::park();
    }
}

#[test]
fn removed_lock_file_does_not_let_two_in() {
    let home = Home::new();
    let state = home.state();
    let path = home.file("locks/thing.lock");
    let first = state.lock("thing").unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| home.state().lock("thing").map(drop));
        wait_until(|| opened(&path) == 2);
        fs::remove_file(&path).unwrap();
        let second = state.lock("thing").unwrap();
        drop(first);
        // Whoever waited has what nobody finds any more, and has to wait for the new one.
        wait_until(|| opened(&path) == 2 || waiting.is_finished());
        assert!(!waiting.is_finished());
        drop(second);
        waiting.join().unwrap().unwrap();
    });
}

fn wait_until(done: impl Fn() -> bool) {
    while !done() {
        thread::yield_now();
    }
}

/// How many of this process's descriptors lead to the file that has this name now.
fn opened(path: &Path) -> usize {
    let descriptors = fs::read_dir("/proc/self/fd")
        .unwrap()
        .map(|entry| entry.unwrap().path());
    descriptors
        .filter(|link| fs::read_link(link).is_ok_and(|to| to == *path))
        .count()
}

#[test]
fn first_write_during_a_look_without_locks_makes_it_look_again() {
    let home = Home::new();
    fs::create_dir_all(&home.path).unwrap();
    fs::set_permissions(
        &home.path,
        std::os::unix::fs::PermissionsExt::from_mode(0o700),
    )
    .unwrap();
    let state = home.state();
    let mut seen = Vec::new();
    state
        .look(|look| {
            if seen.is_empty() {
                home.write(|change| change.raise(&name("TSM1")));
            }
            seen.push(look.picture.condition);
            Ok(())
        })
        .unwrap();
    assert_eq!(seen, [Condition::FirstRun, Condition::Whole]);
    assert_eq!(state.condition(), Condition::Whole);
}

#[test]
fn change_made_while_the_locks_were_gone_is_not_cut_off() {
    let home = Home::new();
    home.write(|change| change.raise(&name("TSM1")));
    let lines = fs::read(home.file("journal.jsonl")).unwrap();
    fs::write(home.file("journal.jsonl"), &lines[..lines.len() / 2]).unwrap();
    let state = home.state();
    let mut late = state.write(&actor(), now()).unwrap();
    late.raise(&name("TSM2"));
    fs::remove_dir_all(home.file("locks")).unwrap();
    home.write(|change| change.raise(&name("TSM3")));
    assert!(matches!(late.commit(), Err(StateError::Changed)));
    home.assert_whole();
    assert!(home.state().server(&name("TSM3")).unwrap().is_strict());
}

#[test]
fn change_by_something_that_keeps_no_locks_is_noticed() {
    let home = Home::new();
    home.write(|change| change.raise(&name("TSM1")));
    let state = home.state();
    let mut transaction = state.write(&actor(), now()).unwrap();
    transaction.raise(&name("TSM2"));
    let foreign = rusqlite::Connection::open(home.file("ledger.db")).unwrap();
    foreign
        .execute_batch("UPDATE position SET number = number + 1")
        .unwrap();
    drop(foreign);
    assert!(matches!(transaction.commit(), Err(StateError::Changed)));
}
