//! Incidents that are written down, and those that cannot be.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use tempfile::TempDir;

use super::*;

struct Desk {
    home: TempDir,
    lines: Arc<Mutex<Vec<String>>>,
    now: Arc<AtomicI64>,
}

impl Desk {
    fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
            lines: Arc::default(),
            now: Arc::new(AtomicI64::new(1_000)),
        }
    }

    fn dir(&self) -> PathBuf {
        self.home.path().join("state")
    }

    /// What a process of its own would have.
    fn incidents(&self) -> LedgerIncidents {
        let (lines, now) = (Arc::clone(&self.lines), Arc::clone(&self.now));
        LedgerIncidents::new(
            &self.dir(),
            Actor::new("tester", "test"),
            Arc::new(move || {
                OffsetDateTime::from_unix_timestamp(now.load(Ordering::Relaxed)).unwrap()
            }),
            Arc::new(move |_, line: &str| lines.lock().unwrap().push(line.to_owned())),
        )
    }

    fn events(&self) -> Vec<String> {
        let journal = State::open(&self.dir()).unwrap().journal().unwrap();
        journal.into_iter().map(|entry| entry.event).collect()
    }
}

fn crash() -> Crash<'static> {
    Crash {
        store: "hsm",
        plugin: "org.example.hsm",
        code: "code 1",
        what: "ended by signal 11",
    }
}

#[test]
fn the_third_crash_quarantines_whichever_process_it_is_in() {
    let desk = Desk::new();
    assert_eq!(desk.incidents().crashed(&crash()), None);
    assert_eq!(desk.incidents().crashed(&crash()), None);
    assert_eq!(
        desk.incidents().quarantine("hsm", "code 1"),
        Written::Nothing
    );
    let why = desk.incidents().crashed(&crash()).unwrap();
    assert!(why.contains("signal 11"), "{why}");
    let quarantine = |store, code| desk.incidents().quarantine(store, code);
    assert_eq!(quarantine("hsm", "code 1"), Written::Quarantined(why));
    assert_eq!(quarantine("hsm", "code 2"), Written::Nothing);
    assert_eq!(quarantine("other", "code 1"), Written::Nothing);
    assert_eq!(desk.events().len(), 4);
}

#[test]
fn crashes_that_lie_apart_quarantine_nothing() {
    let desk = Desk::new();
    for second in [0, 40, 80, 120] {
        desk.now.store(second, Ordering::Relaxed);
        assert_eq!(desk.incidents().crashed(&crash()), None, "{second}");
    }
}

#[test]
fn looking_creates_nothing() {
    let desk = Desk::new();
    let incidents = desk.incidents();
    assert_eq!(incidents.quarantine("hsm", "code 1"), Written::Nothing);
    assert_eq!(incidents.refused_secret("hsm", "pin"), None);
    incidents.secret_taken("hsm");
    assert!(!desk.dir().exists());
    assert!(desk.lines.lock().unwrap().is_empty());
}

#[test]
fn a_crash_during_somebody_elses_change_is_written_afterwards() {
    let desk = Desk::new();
    let state = State::open(&desk.dir()).unwrap();
    let incidents = desk.incidents();
    let mut change = state
        .write(&Actor::new("tester", "test"), OffsetDateTime::UNIX_EPOCH)
        .unwrap();
    change.note(Event::new("imported", "by the caller"));
    assert_eq!(incidents.crashed(&crash()), None);
    change.commit().unwrap();
    assert_eq!(desk.events(), ["imported"]);
    drop(incidents);
    assert_eq!(desk.events(), ["imported", "plugin-crashed"]);
    assert!(desk.lines.lock().unwrap().is_empty());
}

#[test]
fn what_waits_is_written_with_the_next_incident_and_once() {
    let desk = Desk::new();
    let state = State::open(&desk.dir()).unwrap();
    let incidents = desk.incidents();
    let change = state
        .write(&Actor::new("tester", "test"), OffsetDateTime::UNIX_EPOCH)
        .unwrap();
    incidents.crashed(&crash());
    drop(change);
    incidents.crashed(&crash());
    assert_eq!(desk.events(), ["plugin-crashed", "plugin-crashed"]);
    drop(incidents);
    assert_eq!(desk.events().len(), 2);
}

#[test]
fn what_waits_is_written_before_a_plugin_is_started_again() {
    let desk = Desk::new();
    let state = State::open(&desk.dir()).unwrap();
    let incidents = desk.incidents();
    let change = state
        .write(&Actor::new("tester", "test"), OffsetDateTime::UNIX_EPOCH)
        .unwrap();
    for _ in 0..3 {
        assert_eq!(incidents.crashed(&crash()), None, "somebody is writing");
    }
    drop(change);
    let found = incidents.quarantine("hsm", "code 1");
    assert!(matches!(found, Written::Quarantined(_)), "{found:?}");
    drop(incidents);
    let events = desk.events();
    let crashed = events.iter().filter(|event| *event == "plugin-crashed");
    assert_eq!(crashed.count(), 3, "each once");
}

#[test]
fn a_state_that_cannot_be_written_fails_nobody_and_is_said() {
    let desk = Desk::new();
    std::fs::write(desk.dir(), "no directory").unwrap();
    let incidents = desk.incidents();
    assert_eq!(incidents.crashed(&crash()), None);
    assert_eq!(incidents.quarantine("hsm", "code 1"), Written::Unreadable);
    assert_eq!(
        incidents.refused_secret("hsm", "pin"),
        Some(None),
        "nobody knows how many attempts are left"
    );
    let lines = desk.lines.lock().unwrap();
    assert!(lines[0].contains("not remembered"), "{lines:?}");
}

#[test]
fn marks_come_back_as_they_were() {
    let desk = Desk::new();
    let mark = SecretMark {
        salt: [9; 16],
        hash: [1, 2],
    };
    let refused = |mark| RefusedSecret {
        store: "hsm",
        setting: "pin",
        mark,
        what: "wrong PIN",
    };
    desk.incidents().secret_refused(&refused(Some(mark)));
    assert_eq!(
        desk.incidents().refused_secret("hsm", "pin"),
        Some(Some(mark))
    );
    assert_eq!(desk.incidents().refused_secret("hsm", "so-pin"), None);
    // What a person has typed changes nothing of that.
    desk.incidents().secret_refused(&refused(None));
    assert_eq!(
        desk.incidents().refused_secret("hsm", "pin"),
        Some(Some(mark))
    );
    desk.incidents().secret_taken("hsm");
    assert_eq!(desk.incidents().refused_secret("hsm", "pin"), None);
    let expected = ["secret-refused", "secret-refused", "secret-taken"];
    assert_eq!(desk.events(), expected);
}

#[test]
fn incidents_of_many_threads_are_all_written() {
    let desk = Desk::new();
    let incidents = desk.incidents();
    let quarantined = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let now = incidents.crashed(&crash());
                quarantined.fetch_add(usize::from(now.is_some()), Ordering::Relaxed);
            });
        }
    });
    let events = desk.events();
    let crashed = events.iter().filter(|event| *event == "plugin-crashed");
    assert_eq!(crashed.count(), 6);
    assert_eq!(quarantined.load(Ordering::Relaxed), 1);
}

#[test]
fn each_crash_of_many_processes_at_once_is_one_entry_and_they_quarantine_once() {
    let desk = Desk::new();
    let start = std::sync::Barrier::new(6);
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let incidents = desk.incidents();
                start.wait();
                incidents.crashed(&crash());
                // What waited for the others is written at the end.
                drop(incidents);
            });
        }
    });
    let events = desk.events();
    let count = |event: &str| events.iter().filter(|known| *known == event).count();
    assert_eq!(count("plugin-crashed"), 6, "{events:?}");
    assert_eq!(count("plugin-quarantined"), 1, "{events:?}");
    assert!(desk.lines.lock().unwrap().is_empty());
}
