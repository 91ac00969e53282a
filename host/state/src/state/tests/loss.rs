//! What damage, deletion and old copies lead to: never down.

use std::os::unix::fs::symlink;

use super::*;
use crate::journal::EntryHash;

/// Two strict servers, one transitional, one only scoped, and some history.
fn home() -> Home {
    let home = Home::new();
    home.write(|change| change.put_record(&full_record("TSM1")));
    home.write(|change| change.raise(&name("TSM2")));
    home.write(|change| change.note(Event::new("refused", "x").server(&name("PLAIN"))));
    home.write(|change| change.put_scope(print(1), &pin(&["SCOPED"])));
    home.write(|change| change.lower(&name("TSM2"), leave(Allow::Plain)));
    home
}

const KNOWN: [&str; 4] = ["PLAIN", "SCOPED", "TSM1", "TSM2"];

fn copy(home: &Home, name: &str) -> Vec<u8> {
    fs::read(home.file(name)).unwrap()
}

fn restore(home: &Home, name: &str, bytes: &[u8]) {
    fs::write(home.file(name), bytes).unwrap();
}

fn edit(home: &Home, sql: &str) {
    let foreign = rusqlite::Connection::open(home.file("ledger.db")).unwrap();
    foreign.execute_batch(sql).unwrap();
}

/// Lost now, and after healing whole, with every known server strict and lost until it is lowered.
#[track_caller]
fn check(home: &Home, because: &str, unknown_is_lost: bool) {
    home.assert_lost(because);
    let before = files(&home.path);
    let state = home.state();
    read_everything(&state);
    check_servers(&state, unknown_is_lost);
    assert_eq!(state.intents().unwrap(), []);
    let epoch = state.epoch().unwrap();
    assert!(before == files(&home.path), "reading changed a file");

    // Healing needs no more than that somebody begins to write.
    drop(state.write(&actor(), now()).unwrap());
    assert_eq!(home.condition(), Condition::Whole);
    let state = home.state();
    assert!(state.epoch().unwrap() >= epoch);
    check_servers(&state, unknown_is_lost);
    let journal = state.journal().unwrap();
    let lost: Vec<_> = journal
        .iter()
        .filter(|entry| entry.event == "ledger-lost")
        .collect();
    assert!(lost[0].detail.contains(because), "{}", lost[0].detail);
    let named: Vec<_> = lost
        .iter()
        .filter_map(|entry| entry.server.as_ref())
        .collect();
    assert_eq!(named.len(), KNOWN.len(), "{named:?}");
    for entry in journal
        .iter()
        .filter(|entry| entry.server == Some(name("TSM1")))
    {
        if entry.event == "ledger-lost" {
            assert_eq!(entry.endpoint, Some(endpoint("tsm1.example")));
        }
    }

    // It lasts until each is lowered, whatever else is written.
    home.write(|change| change.put_record(&Record::new(name("PLAIN"), 0)));
    assert!(home.state().server(&name("PLAIN")).unwrap().lost);
    home.write(|change| change.lower(&name("PLAIN"), leave(Allow::Plain)));
    let standing = home.state().server(&name("PLAIN")).unwrap();
    assert!(!standing.lost && standing.is_strict() && standing.lowered(0).is_some());
    assert!(home.state().server(&name("TSM1")).unwrap().lost);

    let new = home.state().server(&name("NEW")).unwrap();
    assert_eq!(new.lost, unknown_is_lost);
    home.write(|change| {
        change.ensure_server(&name("NEW")).unwrap();
    });
    let new = home.state().server(&name("NEW")).unwrap();
    assert_eq!(
        (new.lost, new.is_strict()),
        (unknown_is_lost, unknown_is_lost)
    );
    assert_eq!(home.condition(), Condition::Whole);
}

#[track_caller]
fn check_servers(state: &State, unknown_is_lost: bool) {
    for server in KNOWN {
        let standing = state.server(&name(server)).unwrap();
        assert!(standing.lost && standing.is_strict(), "{server}");
        assert_eq!(
            standing.record.map(|record| record.security),
            Some(Security::Strict)
        );
        assert_eq!(standing.lowered, None, "{server}");
    }
    let known: Vec<_> = state
        .servers()
        .unwrap()
        .into_iter()
        .map(|r| r.server)
        .collect();
    assert_eq!(known, KNOWN.map(name));
    let unknown = state.server(&name("UNKNOWN")).unwrap();
    assert_eq!((unknown.lost, unknown.record), (unknown_is_lost, None));
    let shared = state
        .strict_at(&endpoint("tsm1.example"), &name("UNKNOWN"))
        .unwrap();
    assert_eq!(shared.map(|record| record.server), Some(name("TSM1")));
}

#[track_caller]
fn assert_chain(home: &Home) {
    assert_eq!(home.state().verify_journal().unwrap().fault, None);
}

#[test]
fn deleted_ledger() {
    let home = home();
    fs::remove_file(home.file("ledger.db")).unwrap();
    check(&home, "the ledger is missing", false);
    assert_chain(&home);
    // What vouched for whom went with it.
    assert!(home.state().scope().unwrap().rows.is_empty());
}

#[test]
fn ledger_of_garbage() {
    for garbage in [
        &b""[..],
        b"x",
        &[0xa5; 20_000],
        b"SQLite format 3\0 and no more",
    ] {
        let home = home();
        restore(&home, "ledger.db", garbage);
        check(&home, "the ledger is damaged", false);
        assert_chain(&home);
        assert_eq!(copy(&home, "ledger.db.damaged-1"), garbage);
    }
}

#[test]
fn truncated_ledger() {
    let whole = copy(&home(), "ledger.db");
    for length in [100, 4_095, 4_096, 8_192, whole.len() / 2, whole.len() - 1] {
        let home = home();
        restore(&home, "ledger.db", &whole[..length]);
        check(&home, "the ledger is damaged", false);
        assert_chain(&home);
    }
}

#[test]
fn damage_on_any_page_is_found() {
    let home = home();
    let whole = copy(&home, "ledger.db");
    let mut damaged = 0;
    for page in whole
        .chunks(4_096)
        .enumerate()
        .map(|(index, _)| index * 4_096)
    {
        let mut bytes = whole.clone();
        bytes[page..page + 400].fill(0xff);
        restore(&home, "ledger.db", &bytes);
        damaged += u32::from(home.condition().is_lost());
        assert!(home.condition().is_lost(), "page at {page}");
    }
    assert!(damaged > 5);
}

#[test]
fn database_of_another_program() {
    let home = home();
    fs::remove_file(home.file("ledger.db")).unwrap();
    edit(&home, "CREATE TABLE server (folded)");
    check(&home, "some other program's", false);
}

#[test]
fn older_ledger() {
    let home = home();
    let old = copy(&home, "ledger.db");
    home.write(|change| change.put_scope(print(2), &pin(&["TSM1"])));
    home.write(|change| change.remove_scope(print(1)));
    home.write(|change| change.end_lowered(&name("TSM2")));
    restore(&home, "ledger.db", &old);
    // The leave that the copy still has is void, and so is the scope that was taken away since.
    assert!(home.state().scope().unwrap().rows.is_empty());
    check(&home, "the ledger is older than the journal", false);
    assert!(home.state().scope().unwrap().rows.is_empty());
    assert_chain(&home);
}

#[test]
fn ledger_of_one_change_ago() {
    let home = home();
    let old = copy(&home, "ledger.db");
    home.write(|change| change.raise(&name("PLAIN")));
    restore(&home, "ledger.db", &old);
    check(&home, "the ledger is older than the journal", false);
    assert_chain(&home);
}

#[test]
fn intent_of_an_older_ledger_is_dropped() {
    let home = home();
    home.write(|change| change.begin_intent(&intent("TSM1")));
    let old = copy(&home, "ledger.db");
    home.write(|change| change.end_intent(&name("TSM1"), IntentEnd::Undone));
    restore(&home, "ledger.db", &old);
    check(&home, "the ledger is older than the journal", false);
    assert_eq!(home.state().intents().unwrap(), []);
}

#[test]
fn ledger_of_another_history() {
    let (home, other) = (home(), Home::new());
    (0..5).for_each(|_| other.write(|change| change.note(Event::new("noted", "x"))));
    restore(&home, "ledger.db", &copy(&other, "ledger.db"));
    home.assert_lost("the journal was");
}

#[test]
fn edited_ledger() {
    for sql in [
        "UPDATE server SET security = 'transitional'",
        "UPDATE server SET lost = 1 WHERE folded = 'plain'",
        "UPDATE lowered SET until = NULL, allow = 'accept'",
        "UPDATE server SET shown = 'PLAIN ' WHERE folded = 'plain'",
        "UPDATE server SET port = port + 1 WHERE folded = 'tsm1'",
        "INSERT INTO lowered VALUES ('tsm1', 'plain', NULL, 'x')",
        "UPDATE position SET number = number + 1",
    ] {
        let home = home();
        edit(&home, sql);
        home.assert_lost("");
    }
    let home = home();
    edit(&home, "DELETE FROM lowered");
    check(&home, "records are not those", false);
    assert_chain(&home);
    // It was no older than the journal, so that nothing in its scope table was taken away since.
    assert_eq!(home.state().scope().unwrap().rows.len(), 1);
}

#[test]
fn words_that_no_release_has_written() {
    for sql in [
        "UPDATE server SET security = 'relaxed'",
        "UPDATE lowered SET allow = 'all'",
        "UPDATE server SET certificate = x'00' WHERE folded = 'tsm1'",
        "UPDATE server SET port = 65536 WHERE folded = 'tsm1'",
        "UPDATE position SET number = -1",
        "DELETE FROM position",
        "DROP TABLE lowered",
        "PRAGMA user_version = 0",
    ] {
        let home = home();
        edit(&home, sql);
        check(&home, "the ledger is damaged", false);
    }
}

#[test]
fn server_that_only_the_journal_names() {
    let home = home();
    edit(&home, "DELETE FROM server WHERE folded = 'tsm1'");
    check(&home, "records are not those", false);
}

#[test]
fn server_that_only_the_scope_table_names() {
    let home = home();
    edit(&home, "DELETE FROM server WHERE folded = 'scoped'");
    check(
        &home,
        "the scope table names scoped, which has no record",
        false,
    );
}

#[test]
fn deleted_journal() {
    let home = home();
    fs::remove_file(home.file("journal.jsonl")).unwrap();
    let report = home.state().verify_journal().unwrap();
    assert_eq!(report.fault.unwrap().why, "the journal is missing");
    check(&home, "the journal is missing", true);
    assert_chain(&home);
    assert_eq!(home.state().scope().unwrap().rows.len(), 1);
}

#[test]
fn shortened_journal() {
    let home = home();
    let text = String::from_utf8(copy(&home, "journal.jsonl")).unwrap();
    let short: String = text.split_inclusive('\n').take(3).collect();
    restore(&home, "journal.jsonl", short.as_bytes());
    let fault = home.state().verify_journal().unwrap().fault.unwrap();
    assert_eq!(fault.line, 4);
    check(&home, "the journal was shortened", true);
    assert_chain(&home);
}

#[test]
fn journal_cut_in_the_middle_of_a_line_of_old() {
    let home = home();
    let bytes = copy(&home, "journal.jsonl");
    restore(&home, "journal.jsonl", &bytes[..bytes.len() / 2]);
    check(&home, "the journal was shortened", true);
    assert_chain(&home);
    assert_eq!(
        copy(&home, "journal.jsonl.damaged-1"),
        bytes[..bytes.len() / 2]
    );
}

#[test]
fn edited_last_line_of_the_journal() {
    let home = home();
    let text = String::from_utf8(copy(&home, "journal.jsonl")).unwrap();
    let edited = text.replace("a new disk", "a new desk");
    assert_ne!(text, edited);
    restore(&home, "journal.jsonl", edited.as_bytes());
    check(&home, "the journal was altered", true);
    assert_chain(&home);
}

#[test]
fn edited_middle_of_the_journal_is_found_by_the_walk() {
    let home = home();
    let text = String::from_utf8(copy(&home, "journal.jsonl")).unwrap();
    restore(
        &home,
        "journal.jsonl",
        text.replacen("PLAIN", "PLANE", 1).as_bytes(),
    );
    assert_eq!(home.condition(), Condition::Whole);
    let report = home.state().verify_journal().unwrap();
    let line = text
        .lines()
        .position(|line| line.contains("PLAIN"))
        .unwrap()
        + 1;
    let fault = report.fault.unwrap();
    assert_eq!(fault.line, u64::try_from(line).unwrap());
    assert!(fault.why.contains("hash does not match"), "{fault:?}");
    assert_eq!(report.entries, u64::try_from(text.lines().count()).unwrap());
}

#[test]
fn deleted_ledger_and_edited_journal() {
    let home = home();
    fs::remove_file(home.file("ledger.db")).unwrap();
    let text = String::from_utf8(copy(&home, "journal.jsonl")).unwrap();
    restore(
        &home,
        "journal.jsonl",
        text.replacen("a first record", "a frist record", 1)
            .as_bytes(),
    );
    home.assert_lost("the ledger is missing");
    assert!(home.state().server(&name("UNKNOWN")).unwrap().lost);
    drop(home.state().write(&actor(), now()).unwrap());
    assert_eq!(home.condition(), Condition::Whole);
    assert!(home.state().server(&name("UNKNOWN")).unwrap().lost);
    // What was edited stays in evidence.
    assert_eq!(
        home.state().verify_journal().unwrap().fault.unwrap().line,
        1
    );
}

#[test]
fn longer_line_in_the_middle_of_the_journal_is_found_at_once() {
    let home = home();
    let text = String::from_utf8(copy(&home, "journal.jsonl")).unwrap();
    restore(
        &home,
        "journal.jsonl",
        text.replacen("PLAIN", "PLAINLY", 1).as_bytes(),
    );
    home.assert_lost("the journal was altered");
    assert!(home.state().server(&name("UNKNOWN")).unwrap().lost);
}

#[test]
fn lines_added_to_the_journal() {
    for more in ["{}\n", "nonsense\n", "nonsense", "\0\0\0\0"] {
        let home = home();
        let mut bytes = copy(&home, "journal.jsonl");
        bytes.extend(more.as_bytes());
        restore(&home, "journal.jsonl", &bytes);
        check(&home, "the journal was altered", true);
    }
}

/// A state whose ledger is the one of its first change, by which nobody was strict.
fn home_of_the_first_change() -> Home {
    let home = Home::new();
    home.write(|change| {
        change.ensure_server(&name("PLAIN")).unwrap();
    });
    let first = copy(&home, "ledger.db");
    home.write(|change| change.put_record(&full_record("TSM1")));
    home.write(|change| change.raise(&name("TSM2")));
    home.write(|change| change.put_scope(print(1), &pin(&["SCOPED"])));
    restore(&home, "ledger.db", &first);
    home
}

#[test]
fn first_ledger_without_a_journal() {
    let home = home_of_the_first_change();
    fs::remove_file(home.file("journal.jsonl")).unwrap();
    home.assert_lost("the journal is missing");
    assert!(home.state().server(&name("TSM1")).unwrap().lost);
    let report = home.state().verify_journal().unwrap();
    assert_eq!(report.fault.unwrap().why, "the journal is missing");
    drop(home.state().write(&actor(), now()).unwrap());
    home.assert_whole();
    assert!(home.state().server(&name("TSM1")).unwrap().lost);
}

#[test]
fn first_ledger_and_a_torn_journal() {
    let home = home_of_the_first_change();
    let journal = copy(&home, "journal.jsonl");
    let torn = &journal[..journal.len() - 5];
    restore(&home, "journal.jsonl", torn);
    check(&home, "the journal was altered", true);
    assert_chain(&home);
    assert_eq!(copy(&home, "journal.jsonl.damaged-1"), torn);
}

#[test]
fn older_ledger_and_an_unreadable_line_where_it_ends() {
    let home = home();
    let (old, start) = (copy(&home, "ledger.db"), copy(&home, "journal.jsonl").len());
    home.write(|change| change.put_scope(print(2), &pin(&["TSM1"])));
    restore(&home, "ledger.db", &old);
    let mut journal = copy(&home, "journal.jsonl");
    journal[start - 10..start - 1].fill(0);
    restore(&home, "journal.jsonl", &journal);
    check(&home, "the journal was altered", true);
}

#[test]
fn ledger_of_a_healing_without_the_journal_that_it_began() {
    for left in [None, Some(&b""[..]), Some(b"half"), Some(b"\0\0\0\0")] {
        let home = home();
        fs::remove_file(home.file("journal.jsonl")).unwrap();
        drop(home.state().write(&actor(), now()).unwrap());
        let healed = copy(&home, "ledger.db");
        home.write(|change| change.put_record(&full_record("LATER")));
        restore(&home, "ledger.db", &healed);
        // It is only older than a journal that is there.
        home.assert_lost("the ledger is older than the journal");
        match left {
            Some(bytes) => restore(&home, "journal.jsonl", bytes),
            None => fs::remove_file(home.file("journal.jsonl")).unwrap(),
        }
        home.assert_lost("the journal");
        assert!(home.state().server(&name("LATER")).unwrap().lost);
        drop(home.state().write(&actor(), now()).unwrap());
        home.assert_whole();
        assert!(home.state().server(&name("LATER")).unwrap().lost);
    }
}

#[test]
fn older_journal() {
    let home = home();
    let old = copy(&home, "journal.jsonl");
    home.write(|change| change.note(Event::new("noted", "x")));
    home.write(|change| change.note(Event::new("noted", "y")));
    restore(&home, "journal.jsonl", &old);
    check(&home, "the journal was shortened", true);
}

#[test]
fn both_damaged_leaves_nobody_to_trust() {
    let home = home();
    restore(&home, "ledger.db", &[1; 9_000]);
    fs::remove_file(home.file("journal.jsonl")).unwrap();
    home.assert_lost("the ledger is damaged");
    let lost = |home: &Home| home.state().server(&name("TSM1")).unwrap().lost;
    assert!(lost(&home));
    // Not even the write that heals may take it for a new server.
    home.write(|change| {
        change.ensure_server(&name("TSM1")).unwrap();
        assert!(change.server(&name("TSM1")).is_strict());
        assert!(change.server(&name("TSM2")).lost);
    });
    home.assert_whole();
    assert!(lost(&home) && home.state().server(&name("TSM2")).unwrap().lost);
    home.write(|change| change.lower(&name("TSM1"), leave(Allow::Plain)));
    assert!(!lost(&home) && home.state().server(&name("TSM1")).unwrap().is_strict());
}

#[test]
fn a_loss_that_is_acknowledged_ends_and_leaves_the_server_strict() {
    let home = home();
    fs::remove_file(home.file("ledger.db")).unwrap();
    home.write(|change| change.acknowledge(&name("PLAIN")));
    let standing = home.state().server(&name("PLAIN")).unwrap();
    assert!(!standing.lost && standing.is_strict() && standing.lowered.is_none());
    assert!(home.state().server(&name("SCOPED")).unwrap().lost);
    let acknowledged = |home: &Home| {
        let journal = home.state().journal().unwrap();
        let of = |event: &str| event == "ledger-lost-acknowledged";
        journal.iter().filter(|entry| of(&entry.event)).count()
    };
    assert_eq!(acknowledged(&home), 1);
    // Whoever is not lost has nothing to take note of.
    home.write(|change| change.acknowledge(&name("PLAIN")));
    assert_eq!(acknowledged(&home), 1);
    home.assert_whole();
}

#[test]
fn both_deleted_is_a_first_run() {
    let home = home();
    fs::remove_file(home.file("ledger.db")).unwrap();
    fs::remove_file(home.file("journal.jsonl")).unwrap();
    assert_eq!(home.condition(), Condition::FirstRun);
}

#[test]
fn names_are_salvaged_from_a_damaged_ledger() {
    let home = home();
    fs::remove_file(home.file("journal.jsonl")).unwrap();
    edit(&home, "UPDATE position SET number = -1");
    check_known(&home);
    drop(home.state().write(&actor(), now()).unwrap());
    home.assert_whole();
    check_known(&home);
}

#[track_caller]
fn check_known(home: &Home) {
    let known: Vec<_> = home
        .state()
        .servers()
        .unwrap()
        .into_iter()
        .map(|r| r.server)
        .collect();
    assert_eq!(known, KNOWN.map(name));
}

#[test]
fn lost_twice_keeps_both() {
    let home = home();
    for round in 1..=2 {
        restore(&home, "ledger.db", b"garbage");
        drop(home.state().write(&actor(), now()).unwrap());
        home.assert_whole();
        check_known(&home);
        assert!(home.file(&format!("ledger.db.damaged-{round}")).exists());
    }
}

#[test]
fn log_of_a_damaged_ledger_is_not_taken_for_the_new_ones() {
    let home = home();
    let foreign = rusqlite::Connection::open(home.file("ledger.db")).unwrap();
    foreign
        .execute_batch("BEGIN; SELECT * FROM server")
        .unwrap();
    home.write(|change| change.raise(&name("TSM1")));
    home.write(|change| change.note(Event::new("noted", "x")));
    restore(&home, "ledger.db", &[7; 50_000]);
    home.assert_lost("the ledger is damaged");
    drop(home.state().write(&actor(), now()).unwrap());
    drop(foreign);
    home.assert_whole();
    assert!(home.file("ledger.db.damaged-1-wal").exists());
    assert!(!home.file("ledger.db-wal").exists());
}

#[test]
fn newer_layout_is_refused_and_left_alone() {
    let home = home();
    edit(&home, "PRAGMA user_version = 4");
    let before = files(&home.path);
    let error = State::open(&home.path).unwrap_err();
    assert!(
        matches!(error, StateError::Newer { found: 4, known: 3 }),
        "{error:?}"
    );
    assert!(error.to_string().contains("newer release"), "{error}");
    assert!(before == files(&home.path));
}

#[test]
fn member_of_a_newer_release_is_ignored() {
    let home = home();
    let mut text = String::from_utf8(copy(&home, "journal.jsonl")).unwrap();
    // The last line, as a newer release would have written it, and the ledger with it.
    let last = text.lines().last().unwrap().to_owned();
    let open = last.split(",\"hash\":").next().unwrap();
    let open = open.replace("\"records\":\"1:", "\"colour\":[1,{}],\"records\":\"2:");
    let hash = EntryHash::of(open.as_bytes());
    let line = format!("{open},\"hash\":\"{hash}\"}}");
    text = text.replace(&last, &line);
    restore(&home, "journal.jsonl", text.as_bytes());
    edit(
        &home,
        &format!(
            "UPDATE position SET journal_hash = x'{hash}', journal_len = {}; \
             UPDATE outbox SET line = '{line}' WHERE seq = (SELECT max(seq) FROM outbox)",
            text.len()
        ),
    );
    home.assert_whole();
    home.write(|change| change.raise(&name("TSM1")));
    home.assert_whole();
}

#[test]
fn link_in_the_place_of_a_file_is_refused() {
    for name in ["ledger.db", "journal.jsonl", "ledger.db-wal"] {
        let home = home();
        let away = home.path.parent().unwrap().join("elsewhere");
        if home.file(name).exists() {
            fs::rename(home.file(name), &away).unwrap();
        } else {
            fs::write(&away, "x").unwrap();
        }
        symlink(&away, home.file(name)).unwrap();
        let error = State::open(&home.path).unwrap_err();
        assert!(
            matches!(error, StateError::Refused { .. }),
            "{name}: {error:?}"
        );
        assert!(error.to_string().contains("symbolic link"), "{error}");
    }
}
