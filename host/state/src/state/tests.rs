//! The state as its users see it.

mod durability;
mod incidents;
mod loss;
mod moments;
mod safety;
mod sharing;
mod undertakings;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use time::OffsetDateTime;

use super::State;
use crate::{
    Actor, Allow, CertificateKind, Condition, Endpoint, Event, Fingerprint, Intent, IntentEnd,
    Lowered, Record, RecordedLevel, ScopeRow, Security, ServerName, Servers, StateError,
    Transaction, UndertakingEnd,
};

/// A state in a directory of its own, which is not there yet.
struct Home {
    _dir: TempDir,
    path: PathBuf,
}

impl Home {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("home/state");
        Self { _dir: dir, path }
    }

    fn state(&self) -> State {
        State::open(&self.path).unwrap()
    }

    fn write(&self, change: impl FnOnce(&mut Transaction<'_>)) {
        let state = self.state();
        let mut transaction = state.write(&actor(), now()).unwrap();
        change(&mut transaction);
        transaction.commit().unwrap();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn condition(&self) -> Condition {
        self.state().condition()
    }

    #[track_caller]
    fn assert_lost(&self, because: &str) {
        match self.condition() {
            Condition::Lost { why } => assert!(why.contains(because), "{why}"),
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn assert_whole(&self) {
        assert_eq!(self.condition(), Condition::Whole);
        assert_eq!(self.state().verify_journal().unwrap().fault, None);
    }
}

/// Every file of a directory, with its bytes and its time.
fn files(path: &Path) -> BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let modified = fs::metadata(&path).unwrap().modified().unwrap();
            found.insert(path.clone(), (fs::read(&path).unwrap(), modified));
        }
    }
    found
}

fn read_everything(state: &State) {
    state.server(&name("TSM1")).unwrap();
    state.servers().unwrap();
    state
        .strict_at(&endpoint("tsm1.example"), &name("TSM2"))
        .unwrap();
    state.scope().unwrap();
    state.scope_for(&name("TSM1")).unwrap();
    state.epoch().unwrap();
    state.journal().unwrap();
    state.verify_journal().unwrap();
    state.intents().unwrap();
    state.undertakings().unwrap();
    state.undertaking(1).unwrap();
    state.writer().unwrap();
}

fn actor() -> Actor {
    Actor::new("root", "anchorhold")
}

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()
}

fn name(name: &str) -> ServerName {
    ServerName::new(name)
}

fn print(byte: u8) -> Fingerprint {
    Fingerprint([byte; 32])
}

fn endpoint(host: &str) -> Endpoint {
    Endpoint {
        host: host.to_owned(),
        port: 1500,
    }
}

fn pin(servers: &[&str]) -> ScopeRow {
    let servers = Servers::Named(servers.iter().map(|server| name(server)).collect());
    ScopeRow {
        kind: CertificateKind::Pin,
        servers,
    }
}

fn leave(allow: Allow) -> Lowered {
    Lowered {
        allow,
        until: None,
        reason: "a new disk".to_owned(),
    }
}

fn full_record(server: &str) -> Record {
    Record {
        security: Security::Strict,
        announced: Some("8.1.2.0".to_owned()),
        level: Some(RecordedLevel {
            value: "8.1.2.0".to_owned(),
            evidence: "tls".to_owned(),
        }),
        tls_version: Some("1.3".to_owned()),
        certificate: Some(print(7)),
        endpoint: Some(endpoint("tsm1.example")),
        last_session: Some(1_800_000_001),
        answers_inside: true,
        ..Record::new(name(server), 1_800_000_000)
    }
}

fn intent(server: &str) -> Intent {
    Intent {
        server: name(server),
        fingerprint: print(3),
        store: "keydb".to_owned(),
        label: format!("TSM server {server} self-signed key"),
        at: 1_800_000_000,
    }
}

#[test]
fn absent_directory_is_a_first_run_and_stays_absent() {
    let home = Home::new();
    let state = home.state();
    read_everything(&state);
    assert_eq!(state.condition(), Condition::FirstRun);
    assert_eq!(state.epoch().unwrap(), 0);
    assert!(!home.path.exists() && !home.path.parent().unwrap().exists());
}

#[test]
fn first_write_makes_all_of_it() {
    let home = Home::new();
    let state = home.state();
    let mut transaction = state.write(&actor(), now()).unwrap();
    assert!(transaction.ensure_server(&name("TSM1")).unwrap());
    assert!(!transaction.ensure_server(&name("tsm1")).unwrap());
    transaction.commit().unwrap();
    assert_eq!(state.condition(), Condition::Whole);
    home.assert_whole();
    let standing = state.server(&name("tsm1")).unwrap();
    assert_eq!(
        standing.record,
        Some(Record::new(name("TSM1"), 1_800_000_000))
    );
    assert!(!standing.lost && !standing.is_strict());
}

#[test]
fn dropped_change_never_was() {
    let home = Home::new();
    home.write(|change| change.raise(&name("TSM1")));
    let before = files(&home.path);
    let state = home.state();
    let mut transaction = state.write(&actor(), now()).unwrap();
    transaction.raise(&name("TSM2"));
    assert!(transaction.server(&name("TSM2")).is_strict());
    // Reading goes on, and does not see it.
    assert_eq!(state.server(&name("TSM2")).unwrap().record, None);
    drop(transaction);
    let after = files(&home.path);
    let but_locks = |files: &BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)>| {
        let kept = files
            .iter()
            .filter(|(path, _)| !path.to_string_lossy().contains("/locks/"));
        kept.map(|(path, file)| (path.clone(), file.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(but_locks(&before), but_locks(&after));
}

#[test]
fn empty_change_writes_nothing() {
    let home = Home::new();
    home.write(|_| {});
    assert_eq!(home.condition(), Condition::FirstRun);
    home.write(|change| change.raise(&name("TSM1")));
    let lines = home.state().journal().unwrap().len();
    home.write(|change| change.raise(&name("TSM1")));
    home.write(|change| change.end_lowered(&name("TSM1")));
    home.write(|change| change.end_intent(&name("TSM1"), IntentEnd::Undone));
    assert_eq!(home.state().journal().unwrap().len(), lines);
}

#[test]
fn record_reads_back_as_it_was_put() {
    let home = Home::new();
    home.write(|change| change.put_record(&full_record("TSM1")));
    let state = home.state();
    assert_eq!(
        state.server(&name("TSM1")).unwrap().record,
        Some(full_record("TSM1"))
    );
    assert_eq!(state.servers().unwrap(), [full_record("TSM1")]);
}

#[test]
fn put_record_never_lowers_and_keeps_when_it_was_made() {
    let home = Home::new();
    home.write(|change| change.raise(&name("TSM1")));
    let record = Record {
        tls_version: Some("1.2".to_owned()),
        ..Record::new(name("TSM1"), 5)
    };
    home.write(|change| change.put_record(&record));
    let found = home.state().server(&name("TSM1")).unwrap().record.unwrap();
    assert_eq!(
        (found.security, found.created),
        (Security::Strict, 1_800_000_000)
    );
    assert_eq!(found.tls_version.as_deref(), Some("1.2"));
}

#[test]
fn leave_ends_with_its_time_or_by_hand_and_leaves_strict_strict() {
    let home = Home::new();
    home.write(|change| change.put_record(&full_record("TSM1")));
    let lowered = Lowered {
        until: Some(1_800_000_100),
        ..leave(Allow::Plain)
    };
    home.write(|change| change.lower(&name("TSM1"), lowered.clone()));
    let standing = home.state().server(&name("TSM1")).unwrap();
    assert_eq!(standing.lowered(1_800_000_100), Some(&lowered));
    assert_eq!(standing.lowered(1_800_000_101), None);
    assert!(standing.is_strict());
    assert_eq!(standing.record.unwrap().announced, None);
    home.write(|change| change.lower(&name("TSM1"), leave(Allow::Accept)));
    let standing = home.state().server(&name("TSM1")).unwrap();
    assert_eq!(standing.lowered(i64::MAX), Some(&leave(Allow::Accept)));
    home.write(|change| change.end_lowered(&name("TSM1")));
    assert_eq!(home.state().server(&name("TSM1")).unwrap().lowered, None);
}

#[test]
fn scope_reads_back_as_it_was_put() {
    let home = Home::new();
    let anchor = ScopeRow {
        kind: CertificateKind::Anchor,
        servers: Servers::Any,
    };
    let helper = ScopeRow {
        kind: CertificateKind::Intermediate,
        ..pin(&["TSM2", "TSM3"])
    };
    home.write(|change| {
        change.put_scope(print(1), &pin(&["TSM1", "TSM2"]));
        change.put_scope(print(2), &anchor);
        change.put_scope(print(3), &helper);
    });
    let state = home.state();
    let table = state.scope().unwrap();
    assert_eq!(table.rows.len(), 3);
    assert_eq!(table.row(&print(1)), Some(&pin(&["TSM1", "TSM2"])));
    assert_eq!(table.row(&print(2)), Some(&anchor));
    assert_eq!(table.row(&print(3)), Some(&helper));
    let rows = |server: &str| -> Vec<_> {
        state
            .scope_for(&name(server))
            .unwrap()
            .rows
            .into_keys()
            .collect()
    };
    assert_eq!(rows("tsm1"), [print(1), print(2)]);
    assert_eq!(rows("TSM3"), [print(2), print(3)]);
    assert_eq!(rows("TSM9"), [print(2)]);
    assert_eq!(
        state.scope_for(&name("TSM1")).unwrap().row(&print(1)),
        table.row(&print(1))
    );
    assert_eq!(state.scope_row(&print(3)).unwrap(), Some(helper));
    assert_eq!(state.scope_row(&print(9)).unwrap(), None);
    // Every server that is named has a record by now.
    assert_eq!(state.servers().unwrap().len(), 3);

    home.write(|change| {
        change.put_scope(print(1), &pin(&["TSM2"]));
        change.remove_scope(print(3));
    });
    assert_eq!(rows("TSM1"), [print(2)]);
    assert_eq!(rows("TSM2"), [print(1), print(2)]);
}

#[test]
fn servers_of_one_endpoint_share_strict_upwards_only() {
    let home = Home::new();
    home.write(|change| {
        change.put_record(&full_record("TSM1"));
        let weak = Record {
            security: Security::Transitional,
            ..full_record("TSM2")
        };
        change.put_record(&Record {
            endpoint: Some(endpoint("two.example")),
            ..weak
        });
    });
    let state = home.state();
    let at = |host: &str, except: &str| {
        let found = state.strict_at(&endpoint(host), &name(except)).unwrap();
        found.map(|record| record.server.to_string())
    };
    assert_eq!(at("TSM1.example.", "TSM9").as_deref(), Some("TSM1"));
    assert_eq!(at("tsm1.example", "tsm1"), None);
    assert_eq!(at("two.example", "TSM9"), None);
    let other = Endpoint {
        port: 1501,
        ..endpoint("tsm1.example")
    };
    assert_eq!(state.strict_at(&other, &name("TSM9")).unwrap(), None);
}

#[test]
fn intent_lives_until_it_ends() {
    let home = Home::new();
    home.write(|change| change.begin_intent(&intent("TSM1")));
    assert_eq!(home.state().intents().unwrap(), [intent("TSM1")]);
    let state = home.state();
    let mut transaction = state.write(&actor(), now()).unwrap();
    assert_eq!(transaction.intent(&name("tsm1")), Some(&intent("TSM1")));
    transaction.begin_intent(&intent("TSM1"));
    assert!(matches!(
        transaction.commit(),
        Err(StateError::Invalid { .. })
    ));
    home.write(|change| change.end_intent(&name("TSM1"), IntentEnd::Completed));
    assert_eq!(home.state().intents().unwrap(), []);
    let kinds: Vec<_> = home
        .state()
        .journal()
        .unwrap()
        .into_iter()
        .map(|e| e.event)
        .collect();
    assert_eq!(kinds, ["server-added", "intent-begun", "intent-completed"]);
}

#[test]
fn names_that_no_server_can_have_are_refused() {
    let home = Home::new();
    for bad in ["", "TSM\n1", &"x".repeat(513)] {
        let state = home.state();
        let mut transaction = state.write(&actor(), now()).unwrap();
        assert!(transaction.ensure_server(&name(bad)).is_err(), "{bad:?}");
        transaction.raise(&name(bad));
        assert!(
            matches!(transaction.commit(), Err(StateError::Invalid { .. })),
            "{bad:?}"
        );
    }
    assert_eq!(home.condition(), Condition::FirstRun);
}

#[test]
fn every_change_is_journalled_with_who_and_when() {
    let home = Home::new();
    home.write(|change| {
        change.put_scope(print(1), &pin(&["TSM1"]));
        change.note(
            Event::new("imported", "cert256.arm")
                .server(&name("TSM1"))
                .store("keydb"),
        );
    });
    home.write(|change| change.put_record(&full_record("TSM1")));
    home.write(|change| change.lower(&name("TSM1"), leave(Allow::Plain)));
    home.write(|change| change.end_lowered(&name("TSM1")));
    home.write(|change| change.remove_scope(print(1)));
    home.write(|change| change.raise(&name("TSM2")));
    let journal = home.state().journal().unwrap();
    let kinds: Vec<_> = journal.iter().map(|entry| entry.event.as_str()).collect();
    let expected = [
        "server-added",
        "scope-set",
        "imported",
        "server-strict",
        "server-lowered",
        "lowered-ended",
        "scope-removed",
        "server-added",
        "server-raised",
    ];
    assert_eq!(kinds, expected);
    for (number, entry) in (1..).zip(&journal) {
        assert_eq!((entry.seq, entry.at), (number, now()));
        assert_eq!(
            (entry.who.as_str(), entry.program.as_str()),
            ("root", "anchorhold")
        );
    }
    assert_eq!(journal[1].certificate, Some(print(1)));
    assert_eq!(journal[2].store.as_deref(), Some("keydb"));
    assert_eq!(journal[3].endpoint, Some(endpoint("tsm1.example")));
    assert!(
        journal[4].detail.contains("a new disk"),
        "{}",
        journal[4].detail
    );
    let ledger: Vec<_> = journal.iter().map(|entry| entry.ledger).collect();
    assert_eq!(ledger, [1, 1, 1, 2, 3, 4, 5, 6, 6]);
}

#[test]
fn note_replaces_the_plain_word_for_an_updated_record() {
    let home = Home::new();
    home.write(|change| change.put_record(&full_record("TSM1")));
    let later = Record {
        last_session: Some(1_800_000_009),
        ..full_record("TSM1")
    };
    home.write(|change| {
        change.put_record(&later);
        change.note(Event::new("session", "TLS 1.3").server(&name("TSM1")));
    });
    let later = Record {
        tls_version: Some("1.2".to_owned()),
        ..later
    };
    home.write(|change| change.put_record(&later));
    let journal = home.state().journal().unwrap();
    let kinds: Vec<_> = journal.iter().map(|entry| entry.event.as_str()).collect();
    assert_eq!(
        kinds,
        ["server-added", "server-strict", "session", "record-updated"]
    );
    assert!(
        journal[3].detail.contains("TLS 1.2 (was 1.3)"),
        "{}",
        journal[3].detail
    );
    home.assert_whole();
}

#[test]
fn noted_server_gets_a_record() {
    let home = Home::new();
    home.write(|change| change.note(Event::new("refused", "x").server(&name("TSM1"))));
    assert!(home.state().server(&name("TSM1")).unwrap().record.is_some());
    home.assert_whole();
}

#[test]
fn epoch_grows_with_what_changes_decisions_only() {
    let home = Home::new();
    let mut last = 0;
    let mut check = |grows: bool, change: &dyn Fn(&mut Transaction<'_>)| {
        home.write(|transaction| change(transaction));
        let epoch = home.state().epoch().unwrap();
        assert_eq!(epoch > last, grows, "{epoch} after {last}");
        last = epoch;
    };
    check(true, &|change| change.put_scope(print(1), &pin(&["TSM1"])));
    check(true, &|change| change.raise(&name("TSM1")));
    check(true, &|change| {
        change.lower(&name("TSM1"), leave(Allow::Plain))
    });
    check(true, &|change| change.end_lowered(&name("TSM1")));
    check(true, &|change| change.remove_scope(print(1)));
    check(false, &|change| change.note(Event::new("listed", "x")));
    check(false, &|change| change.put_record(&full_record("TSM1")));
    check(false, &|change| change.begin_intent(&intent("TSM1")));
    check(true, &|change| change.raise(&name("TSM2")));
}

#[test]
fn long_history_and_many_rows_are_whole() {
    let home = Home::new();
    home.write(|change| {
        for number in 0..3_000_u32 {
            let mut bytes = [0; 32];
            bytes[..4].copy_from_slice(&number.to_be_bytes());
            change.put_scope(Fingerprint(bytes), &pin(&["TSM1"]));
        }
    });
    assert_eq!(
        home.state().scope_for(&name("TSM1")).unwrap().rows.len(),
        3_000
    );
    home.write(|change| change.raise(&name("TSM1")));
    home.assert_whole();
    assert_eq!(home.state().journal().unwrap().len(), 3_002);
}

#[test]
fn state_may_be_shared_and_change_may_move_between_threads() {
    fn is_sync<T: Send + Sync>() {}
    fn is_send<T: Send>() {}
    is_sync::<State>();
    is_send::<Transaction<'_>>();
}
