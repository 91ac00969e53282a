//! What is wrong with ledger and journal, and what of them is open.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;
use std::time::Duration;

use anchorhold_state::{
    Allow, Event, Fingerprint, Intent, Lowered, Record, RecordedLevel, ServerName,
};
use time::OffsetDateTime;

use super::{change, change_at, findings, found, gone, healthy, mends, paste, sound, told};
use crate::support::{Home, Watched, here, stanza};

/// A home whose ledger knows TSM1.
fn known() -> Home {
    let home = healthy();
    home.run(&["server", "raise", "TSM1"]).exits(0);
    sound(&home);
    home
}

fn mode(home: &Home, name: &str, mode: u32) {
    fs::set_permissions(home.path(name), Permissions::from_mode(mode)).expect("set");
}

#[test]
fn a_state_that_others_reach_is_told() {
    let home = known();
    mode(&home, "h/state", 0o755);
    mends(&home, "warning", "state-readable", "h/state", "");
    mode(&home, "h/state", 0o770);
    let finding = told(&home, "error", "state-unsafe", "h/state");
    paste(&home, &finding, "");
    gone(&home, "state-unsafe");
    // What others may read is told once nobody else can write.
    mends(&home, "warning", "state-readable", "h/state", "");
    sound(&home);
}

#[test]
fn a_state_that_cannot_be_written_is_told() {
    if !rustix::process::geteuid().is_root() || !here("setpriv") {
        return;
    }
    let home = known();
    let nobody = Some(65_534);
    fs::create_dir(home.path("h/stores")).expect("made");
    let all = [
        "",
        "h",
        "h/anchorhold.toml",
        "h/state",
        "h/state/locks",
        "h/stores",
    ];
    let state = fs::read_dir(home.path("h/state")).expect("readable");
    let locks = fs::read_dir(home.path("h/state/locks")).expect("readable");
    let files = state.chain(locks).map(|entry| entry.expect("there").path());
    for path in files.chain(all.map(|name| home.path(name))) {
        chown(&path, nobody, nobody).expect("given away");
    }
    mode(&home, "", 0o755);
    mode(&home, "h/state", 0o500);
    mode(&home, "h/stores", 0o500);
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    command.arg(home.command(&[]).get_program());
    command.args(home.command(&["doctor", "--json"]).get_args());
    command.current_dir(home.directory());
    let outcome = Watched::output(&mut command, b"", Duration::from_secs(60)).exits(1);
    let document = super::diagnosis(&outcome);
    let all = document["findings"].as_array().expect("a list");
    for (code, about) in [
        ("state-not-writable", "h/state"),
        ("store-read-only", "store \"keydb\""),
    ] {
        let mut of_code = all.iter().filter(|finding| finding["code"] == code);
        let finding = of_code.next().unwrap_or_else(|| panic!("{code}: {all:#?}"));
        let text = |field: &str| finding[field].as_str().expect("text");
        assert!(text("about").contains(about), "{finding:#}");
        assert!(text("message").contains("0500"), "{finding:#}");
    }
}

#[test]
fn a_ledger_of_a_later_release_is_told_and_the_rest_is_looked_at() {
    let home = known();
    let ledger = home.path("h/state/ledger.db");
    let database = rusqlite::Connection::open(&ledger).expect("opened");
    let version: i64 = database
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .expect("a version");
    let set = |version: i64| {
        let set = database.pragma_update(None, "user_version", version);
        set.expect("set");
    };
    set(version + 1_000);
    home.write("dsm.sys", stanza("TSM1", 40_000, &[]));
    told(&home, "error", "state-unavailable", "h/state");
    told(&home, "note", "option-odd", "dsm.sys:3");
    set(version);
    gone(&home, "state-unavailable");
}

#[test]
fn a_journal_that_was_tampered_with_is_told() {
    let home = known();
    change(&home, |change| {
        change.note(Event::new("imported", "something else"))
    });
    sound(&home);
    let journal = home.path("h/state/journal.jsonl");
    let text = fs::read_to_string(&journal).expect("there");
    fs::write(&journal, text.replacen("tester", "nobody", 1)).expect("written");
    let finding = found(&home, "journal-damaged");
    assert_eq!(finding["severity"], "error", "{finding:#}");
    fs::write(&journal, &text).expect("written");
    sound(&home);
}

#[test]
fn a_ledger_that_was_lost_is_told_until_somebody_has_noted_it() {
    for lost in [
        &["journal.jsonl"][..],
        &["ledger.db", "ledger.db-wal", "ledger.db-shm"],
    ] {
        let home = known();
        for name in lost {
            let _ = fs::remove_file(home.path("h/state").join(name));
        }
        let all = findings(&home);
        let lost = all.iter().any(|finding| {
            matches!(
                finding["code"].as_str(),
                Some("ledger-lost" | "journal-damaged")
            ) && finding["severity"] == "error"
        });
        assert!(lost, "{all:#?}");
        // Any change heals the files; what was lost stays lost.
        home.run(&["server", "raise", "TSM1"]).exits(0);
        gone(&home, "journal-damaged");
        gone(&home, "ledger-lost");
    }
    let home = known();
    fs::remove_file(home.path("h/state/journal.jsonl")).expect("there");
    change(&home, |change| {
        change.note(Event::new("imported", "it heals"))
    });
    mends(&home, "error", "ledger-lost", "server TSM1", "");
    sound(&home);
}

#[test]
fn a_server_that_is_lowered_is_told_with_when_it_ends() {
    let home = known();
    let name = ServerName::new("TSM1");
    let now = OffsetDateTime::now_utc().unix_timestamp();
    for (until, severity) in [(None, "warning"), (Some(now + 3_600), "note")] {
        change(&home, |change| {
            let (allow, reason) = (Allow::Plain, "went back".to_owned());
            change.lower(
                &name,
                Lowered {
                    allow,
                    until,
                    reason,
                },
            );
        });
        let finding = mends(&home, severity, "server-lowered", "server TSM1", "");
        let message = finding["message"].as_str().expect("text");
        assert!(message.contains("went back"), "{message}");
    }
}

#[test]
fn a_server_that_could_be_strict_is_told() {
    let home = healthy();
    let name = ServerName::new("TSM1");
    let now = OffsetDateTime::now_utc().unix_timestamp();
    for (level, answers, expected) in [
        (Some("8.1.1.0"), false, false),
        (Some("8.1.2.0"), false, true),
        (None, true, true),
    ] {
        change(&home, |change| {
            change.put_record(&Record {
                level: level.map(|value| RecordedLevel {
                    value: value.to_owned(),
                    evidence: "announced".to_owned(),
                }),
                answers_inside: answers,
                ..Record::new(name.clone(), now)
            });
        });
        match expected {
            true => {
                // Nothing is held for it, so that it would be out of reach if it were strict.
                let finding = told(&home, "note", "server-transitional", "server TSM1");
                assert!(
                    finding["remedy"]
                        .as_str()
                        .expect("text")
                        .contains(" connect TSM1")
                );
            }
            false => gone(&home, "server-transitional"),
        }
    }
    sound(&home);
    home.run(&["server", "raise", "TSM1"]).exits(0);
    gone(&home, "server-transitional");
}

#[test]
fn a_server_that_no_file_names_any_more_is_told() {
    let home = known();
    home.write("dsm.sys", stanza("TSM2", 1500, &[]));
    home.configure("");
    told(&home, "note", "server-not-configured", "server TSM1");
    home.write("dsm.sys", stanza("TSM1", 1500, &[]));
    gone(&home, "server-not-configured");
}

#[test]
fn an_acceptance_that_was_interrupted_is_told_and_the_next_connect_settles_it() {
    let home = healthy();
    let begin = |store: &str| {
        let intent = Intent {
            server: ServerName::new("TSM1"),
            fingerprint: Fingerprint([7; 32]),
            store: store.to_owned(),
            label: "one".to_owned(),
            at: OffsetDateTime::now_utc().unix_timestamp(),
        };
        change(&home, |change| change.begin_intent(&intent));
    };
    for (store, code) in [
        ("keydb", "acceptance-open"),
        ("vanished", "acceptance-stranded"),
    ] {
        begin(store);
        let finding = told(&home, "warning", code, "server TSM1");
        assert!(finding["message"].as_str().expect("text").contains(store));
        let line = super::commands(&finding).pop().expect("a command");
        // Nobody listens there; what was open is settled all the same.
        home.write("dsm.sys", stanza("TSM1", 1, &[]));
        home.shell(&line).exits(3);
        gone(&home, code);
    }
}

#[test]
fn a_clock_behind_the_journal_is_told() {
    let home = healthy();
    let ahead = OffsetDateTime::now_utc() + time::Duration::days(2);
    change_at(&home, ahead, |change| {
        change.note(Event::new("imported", "from the future"));
    });
    let finding = told(&home, "error", "clock-behind", "this machine");
    assert!(
        finding["remedy"]
            .as_str()
            .expect("text")
            .contains("timedatectl")
    );
}
