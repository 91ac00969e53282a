//! Crashes, quarantine and refused secrets, and ledgers that were made before there were any.

use std::sync::Arc;

use rusqlite::Connection;

use super::moments::die_at_each;
use super::undertakings::undertaking;
use super::*;
use crate::Mark;

fn events(home: &Home) -> Vec<String> {
    let journal = home.state().journal().unwrap();
    journal.into_iter().map(|entry| entry.event).collect()
}

fn crash(home: &Home, store: &str) {
    // Each in a state of its own, as processes have.
    home.write(|change| {
        change.record_crash(store, "code 1", "ended by signal 11");
    });
}

#[test]
fn crashes_are_counted_across_processes() {
    let home = Home::new();
    crash(&home, "hsm");
    crash(&home, "other");
    crash(&home, "hsm");
    assert_eq!(home.state().quarantine("hsm").unwrap(), None);
    crash(&home, "hsm");
    let quarantine = home.state().quarantine("hsm").unwrap().unwrap();
    assert!(quarantine.holds_for("code 1") && !quarantine.holds_for("code 2"));
    assert_eq!(quarantine.since, now().unix_timestamp());
    assert_eq!(home.state().quarantine("other").unwrap(), None);
    let last = home.state().last_crash("hsm").unwrap().unwrap();
    assert_eq!(last.what, "ended by signal 11");
    assert_eq!(
        events(&home),
        [
            "plugin-crashed",
            "plugin-crashed",
            "plugin-crashed",
            "plugin-crashed",
            "plugin-quarantined"
        ]
    );
    home.assert_whole();
}

#[test]
fn what_is_released_begins_anew() {
    let home = Home::new();
    (0..3).for_each(|_| crash(&home, "hsm"));
    home.write(|change| assert!(change.release("hsm", "by hand")));
    assert_eq!(home.state().quarantine("hsm").unwrap(), None);
    assert_eq!(home.state().last_crash("hsm").unwrap(), None);
    (0..2).for_each(|_| crash(&home, "hsm"));
    assert_eq!(home.state().quarantine("hsm").unwrap(), None);
    home.write(|change| {
        assert!(!change.release("hsm", "by hand"), "it was not quarantined");
        assert!(!change.release("unknown", "by hand"));
    });
    let released = events(&home)
        .iter()
        .filter(|event| *event == "plugin-released")
        .count();
    assert_eq!(released, 2, "once for the quarantine, once for the crashes");
}

#[test]
fn a_refused_secret_counts_until_one_is_taken() {
    let home = Home::new();
    let mark = Mark {
        salt: [7; 16],
        hash: [1, 2],
    };
    home.write(|change| change.record_attempt("hsm", "pin", Some(mark), "wrong PIN"));
    home.write(|change| change.record_attempt("hsm", "pin", None, "wrong PIN"));
    home.write(|change| change.record_attempt("hsm", "so-pin", Some(mark), "wrong PIN"));
    let attempts = home.state().attempts("hsm").unwrap();
    let told: Vec<_> = attempts
        .iter()
        .map(|attempt| (attempt.setting.as_str(), attempt.mark, attempt.count))
        .collect();
    assert_eq!(told, [("pin", None, 2), ("so-pin", Some(mark), 1)]);
    assert_eq!(home.state().attempts("other").unwrap(), []);
    home.write(|change| change.forget_attempts("hsm"));
    assert_eq!(home.state().attempts("hsm").unwrap(), []);
    let before = events(&home).len();
    home.write(|change| change.forget_attempts("hsm"));
    assert_eq!(events(&home).len(), before, "nothing was there to forget");
    assert_eq!(events(&home)[before - 1], "secret-taken");
}

#[test]
fn a_long_text_is_cut_between_two_characters() {
    let home = Home::new();
    let long = "é".repeat(2_000);
    home.write(|change| {
        change.record_crash("hsm", "code", &long);
    });
    let kept = home.state().last_crash("hsm").unwrap().unwrap().what;
    assert!(kept.len() <= 512 && long.starts_with(&kept), "{kept}");
}

#[test]
fn asking_creates_nothing() {
    let home = Home::new();
    assert_eq!(home.state().quarantine("hsm").unwrap(), None);
    assert_eq!(home.state().last_crash("hsm").unwrap(), None);
    assert_eq!(home.state().attempts("hsm").unwrap(), []);
    assert!(!home.path.exists());
}

/// Makes the ledger one of an earlier layout.
fn turn_back(home: &Home, layout: i64) {
    let ledger = Connection::open(home.file("ledger.db")).unwrap();
    let later = [
        &["crash", "quarantine", "attempt"][..],
        &[
            "undertaking",
            "undertaking_store",
            "undertaking_item",
            "undertaking_row",
        ],
    ];
    for (since, tables) in (2..).zip(later) {
        for table in tables.iter().filter(|_| layout < since) {
            ledger
                .execute_batch(&format!("DROP TABLE {table}"))
                .unwrap();
        }
    }
    ledger.pragma_update(None, "user_version", layout).unwrap();
    ledger
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
}

fn layout(home: &Home) -> i64 {
    let ledger = Connection::open(home.file("ledger.db")).unwrap();
    ledger
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap()
}

/// A ledger of an earlier layout that knows a strict server.
fn of_layout(layout: i64) -> Home {
    let home = Home::new();
    home.write(|change| change.put_record(&full_record("TSM1")));
    turn_back(&home, layout);
    home
}

#[test]
fn a_ledger_of_an_earlier_layout_is_read_as_one_without_what_came_later() {
    for earlier in [1, 2] {
        let home = of_layout(earlier);
        let before = files(&home.path);
        home.assert_whole();
        assert!(home.state().server(&name("TSM1")).unwrap().is_strict());
        assert_eq!(home.state().quarantine("hsm").unwrap(), None);
        assert_eq!(home.state().undertakings().unwrap(), []);
        assert_eq!(home.state().undertaking(1).unwrap(), None);
        assert_eq!(files(&home.path), before, "reading changed something");
        assert_eq!(layout(&home), earlier);
    }
}

#[test]
fn the_first_change_brings_a_ledger_to_this_layout() {
    for earlier in [1, 2] {
        let home = of_layout(earlier);
        crash(&home, "hsm");
        assert_eq!(layout(&home), 3);
        assert!(home.state().last_crash("hsm").unwrap().is_some());
        assert!(home.state().server(&name("TSM1")).unwrap().is_strict());
        home.assert_whole();
    }
}

#[test]
fn an_undertaking_can_be_begun_in_a_ledger_of_an_earlier_layout() {
    for earlier in [1, 2] {
        let home = of_layout(earlier);
        let state = home.state();
        let mut change = state.write(&actor(), now()).unwrap();
        let id = change.begin_undertaking(Arc::new(undertaking()));
        let mut change = change.commit_and_go_on().unwrap();
        assert_eq!(layout(&home), 3);
        change.end_undertaking(id, UndertakingEnd::Undone);
        change.commit().unwrap();
        home.assert_whole();
    }
}

#[test]
fn death_while_a_ledger_is_brought_to_this_layout_is_no_loss() {
    let is_whole = |home: &Home, when: &str| {
        assert_eq!(home.condition(), Condition::Whole, "{when}");
        let standing = home.state().server(&name("TSM1")).unwrap();
        assert!(standing.is_strict() && !standing.lost, "{when}");
    };
    let usual = || {
        let home = Home::new();
        home.write(|change| change.put_record(&full_record("TSM1")));
        home
    };
    let usual = die_at_each(usual, is_whole);
    for (earlier, moments) in [(1, 3), (2, 2)] {
        let more = die_at_each(|| of_layout(earlier), is_whole) - usual;
        assert_eq!(more, moments, "the migration has moments of its own");
    }
}

#[test]
fn a_lost_ledger_lets_nothing_start_or_be_tried_that_was_not_to_be() {
    let home = Home::new();
    (0..3).for_each(|_| crash(&home, "hsm"));
    (0..3).for_each(|_| crash(&home, "released"));
    home.write(|change| {
        change.release("released", "by hand");
        change.record_attempt("token", "pin", None, "wrong PIN");
        change.record_attempt("taken", "pin", None, "wrong PIN");
    });
    home.write(|change| change.forget_attempts("taken"));
    fs::write(home.file("ledger.db"), "garbage").unwrap();
    assert!(home.condition().is_lost());
    let check = || {
        let state = home.state();
        assert!(state.quarantine("hsm").unwrap().unwrap().holds_for("any"));
        assert_eq!(state.quarantine("released").unwrap(), None);
        assert_eq!(state.attempts("token").unwrap().len(), 1);
        assert_eq!(state.attempts("taken").unwrap(), []);
    };
    check();
    home.write(|change| change.raise(&name("TSM1")));
    home.assert_whole();
    check();
}

#[test]
fn a_ledger_put_back_lets_nothing_start_or_be_tried_that_was_not_to_be() {
    let mark = Mark {
        salt: [7; 16],
        hash: [1, 2],
    };
    let refuse = |change: &mut Transaction<'_>, store: &str| {
        change.record_attempt(store, "pin", Some(mark), "wrong PIN");
    };
    // Of another history, which has come further than the journal.
    let other = Home::new();
    (0..20).for_each(|_| other.write(|change| change.note(Event::new("noted", "x"))));
    for is_older in [true, false] {
        let home = Home::new();
        home.write(|change| {
            refuse(change, "known");
            refuse(change, "again");
        });
        let older = fs::read(home.file("ledger.db")).unwrap();
        (0..3).for_each(|_| crash(&home, "hsm"));
        home.write(|change| {
            refuse(change, "token");
            refuse(change, "again");
        });
        let put_back = match is_older {
            true => older,
            false => fs::read(other.file("ledger.db")).unwrap(),
        };
        fs::write(home.file("ledger.db"), put_back).unwrap();
        assert!(home.condition().is_lost());
        let check = || {
            let state = home.state();
            let quarantine = state.quarantine("hsm").unwrap();
            assert!(quarantine.is_some_and(|quarantine| quarantine.holds_for("any")));
            let marks = |store: &str| {
                let attempts = state.attempts(store).unwrap().into_iter();
                attempts.map(|attempt| attempt.mark).collect::<Vec<_>>()
            };
            assert_eq!(marks("token"), [None]);
            // What the ledger knows is enough, unless there is something newer.
            let known = is_older.then_some(mark);
            assert_eq!(marks("known"), [known]);
            assert!(marks("again").contains(&None));
        };
        check();
        home.write(|change| change.raise(&name("TSM1")));
        home.assert_whole();
        check();
    }
}
