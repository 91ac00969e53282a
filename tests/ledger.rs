//! What goes up, what comes down again, and what happens where the record of it is lost.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::Value;

use crate::support::{Answer, Home, stanza};

/// A home, and a server that has been accepted and is strict.
struct Strict {
    home: Home,
    server: Answer,
}

impl Strict {
    fn made() -> Self {
        let server = Answer::enhanced([8, 1, 2, 0]);
        let home = Home::with_options(&stanza("TSM1", server.port, &[]));
        let report = home.json(0, &["connect", "TSM1"]);
        assert_eq!(report["code"], "accepted-on-first-use", "{report:#}");
        Self { home, server }
    }

    /// Somebody answers in place of the server: an earlier level, and no TLS.
    fn replaced(&self) -> Answer {
        let impostor = Answer::earlier([7, 1, 0, 0]);
        self.home
            .write("dsm.sys", stanza("TSM1", impostor.port, &[]));
        impostor
    }

    /// The server is as strict as ever, and its record is known to be lost.
    #[track_caller]
    fn is_lost_and_strict(&self) {
        let impostor = self.replaced();
        let report = self.home.json(1, &["connect", "TSM1"]);
        assert_eq!(report["decision"], "refuse", "{report:#}");
        assert_eq!(report["session_security"], "strict", "{report:#}");
        assert!(warned(&report, "ledger-lost"), "{report:#}");
        assert_eq!(
            impostor.plain_words(),
            Vec::<Vec<u8>>::new(),
            "nothing is sent in clear"
        );
        let record = self.home.json(0, &["server", "show", "TSM1"]);
        assert_eq!(record["session_security"], "strict", "{record:#}");
        assert_eq!(record["lost"], true, "{record:#}");
        // The certificate is still in its store; whom it vouches for may have to be said again.
        let certificate = &self.server.sha256;
        let words = ["scope", certificate, "--server", "TSM1"];
        self.home.run(&words).exits(0);
        self.home
            .write("dsm.sys", stanza("TSM1", self.server.port, &[]));
        let report = self.home.json(0, &["connect", "TSM1"]);
        assert_eq!(report["code"], "held-certificate", "{report:#}");
    }

    fn state(&self, name: &str) -> PathBuf {
        self.home.path("h/state").join(name)
    }

    /// The files of the ledger, as they are now.
    fn ledger_files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        LEDGER
            .iter()
            .map(|name| self.state(name))
            .filter_map(|path| fs::read(&path).ok().map(|content| (path, content)))
            .collect()
    }

    fn delete_ledger(&self) {
        for name in LEDGER {
            let _ = fs::remove_file(self.state(name));
        }
    }
}

/// Whether a report carries a warning.
fn warned(report: &Value, code: &str) -> bool {
    let warnings = report["warnings"].as_array().expect("a list");
    warnings.iter().any(|warning| warning["code"] == code)
}

#[test]
fn a_server_is_raised_without_contact_and_never_talked_to_in_plain_again() {
    let server = Answer::earlier([8, 1, 1, 0]);
    let home = Home::with_options(&stanza("TSM1", server.port, &[]));
    let raised = home.json(0, &["server", "raise", "TSM1"]);
    assert_eq!(raised["session_security"], "strict");
    assert_eq!(raised["changed"], true);
    assert_eq!(home.json(0, &["server", "raise", "TSM1"])["changed"], false);
    let report = home.json(1, &["connect", "TSM1"]);
    assert_eq!(
        (&report["code"], &report["row"]),
        (&Value::from("certificate-lost"), &Value::from(3))
    );
    assert_eq!(
        server.plain(),
        Vec::<Vec<u8>>::new(),
        "it was not even asked"
    );
}

#[test]
fn a_server_is_lowered_for_a_reason_and_only_for_what_is_allowed() {
    let server = Answer::earlier([8, 1, 1, 0]);
    let home = Home::with_options(&stanza("TSM1", server.port, &[]));
    home.run(&["server", "raise", "TSM1"]).exits(0);
    home.run(&["server", "lower", "TSM1", "--allow", "plain"])
        .exits(2);
    home.run(&["server", "lower", "TSM1", "--reason", "moved"])
        .exits(2);
    let accept = [
        "server", "lower", "TSM1", "--reason", "moved", "--allow", "accept",
    ];
    home.run(&accept).exits(0);
    let report = home.json(1, &["connect", "TSM1"]);
    assert_eq!(
        report["decision"], "refuse",
        "accepting is not talking in plain: {report:#}"
    );
    let plain = [
        "server",
        "lower",
        "TSM1",
        "--reason",
        "went back",
        "--allow",
        "plain",
    ];
    let lowered = home.json(0, &plain);
    assert_eq!(lowered["lowered"]["allow"], "plain");
    assert_eq!(lowered["lowered"]["reason"], "went back");
    let report = home.json(0, &["connect", "TSM1"]);
    assert_eq!(
        (&report["code"], &report["row"]),
        (&Value::from("existing-protocol"), &Value::from(9))
    );
    assert!(warned(&report, "lowered"), "{report:#}");
    let journal = home.run(&["journal", "show"]).exits(0);
    assert!(journal.stdout.contains("went back"), "{}", journal.shown());
}

#[test]
fn a_lowered_server_accepts_once_and_is_strict_again() {
    let strict = Strict::made();
    let home = &strict.home;
    let renewed = Answer::enhanced([8, 1, 2, 0]);
    home.write("dsm.sys", stanza("TSM1", renewed.port, &[]));
    assert_eq!(
        home.json(1, &["connect", "TSM1"])["code"],
        "certificate-mismatch"
    );
    let lower = [
        "server", "lower", "TSM1", "--reason", "renewed", "--allow", "accept",
    ];
    home.run(&lower).exits(0);
    // A held certificate is never replaced by the network, not even now.
    assert_eq!(
        home.json(1, &["connect", "TSM1"])["code"],
        "certificate-mismatch"
    );
    home.run(&["remove", &strict.server.sha256, "--server", "TSM1"])
        .exits(0);
    let report = home.json(0, &["connect", "TSM1"]);
    assert_eq!(report["code"], "accepted-on-first-use", "{report:#}");
    assert!(warned(&report, "lowered"), "{report:#}");
    home.run(&["remove", &renewed.sha256, "--server", "TSM1"])
        .exits(0);
    assert_eq!(
        home.json(1, &["connect", "TSM1"])["code"],
        "certificate-lost"
    );
}

#[test]
fn a_lowering_ends_with_the_next_tls_session() {
    let strict = Strict::made();
    let lower = [
        "server", "lower", "TSM1", "--reason", "tests", "--allow", "plain",
    ];
    strict.home.run(&lower).exits(0);
    strict.home.run(&["connect", "TSM1"]).exits(0);
    let record = strict.home.json(0, &["server", "show", "TSM1"]);
    assert_eq!(record["lowered"], Value::Null);
    let _impostor = strict.replaced();
    let report = strict.home.json(1, &["connect", "TSM1"]);
    assert_eq!(report["code"], "downgrade", "{report:#}");
}

#[test]
fn a_lowering_ends_with_its_time() {
    let strict = Strict::made();
    let lower = [
        "server", "lower", "TSM1", "--reason", "tests", "--allow", "plain", "--for",
    ];
    let lowered = strict.home.json(0, &[&lower[..], &["24h"]].concat());
    assert!(lowered["lowered"]["until"].is_string(), "{lowered:#}");
    strict.home.run(&[&lower[..], &["1s"]].concat()).exits(0);
    let end = Instant::now() + Duration::from_secs(30);
    while strict.home.json(0, &["server", "show", "TSM1"])["lowered"] != Value::Null {
        assert!(Instant::now() < end, "a second has passed long ago");
    }
    let _impostor = strict.replaced();
    assert_eq!(
        strict.home.json(1, &["connect", "TSM1"])["code"],
        "downgrade"
    );
}

#[test]
fn a_deleted_ledger_lowers_nothing() {
    let strict = Strict::made();
    strict.delete_ledger();
    strict.is_lost_and_strict();
}

#[test]
fn a_damaged_ledger_lowers_nothing_and_is_kept() {
    let strict = Strict::made();
    let garbage = vec![0x5A; 8192];
    strict.delete_ledger();
    fs::write(strict.state("ledger.db"), &garbage).expect("written");
    strict.is_lost_and_strict();
    let kept = fs::read_dir(strict.home.path("h/state"))
        .expect("there")
        .flatten();
    let mut kept = kept.filter(|entry| fs::read(entry.path()).is_ok_and(|held| held == garbage));
    assert!(
        kept.next().is_some(),
        "what was damaged is moved aside, never deleted"
    );
}

#[test]
fn an_old_copy_of_the_ledger_lowers_nothing() {
    let server = Answer::enhanced([8, 1, 1, 0]);
    let home = Home::with_options(&stanza("TSM1", server.port, &[]));
    home.run(&["connect", "TSM1"]).exits(0);
    let strict = Strict { home, server };
    let old = strict.ledger_files();
    assert!(!old.is_empty(), "the first contact wrote a record");
    strict.server.announces([8, 1, 2, 0]);
    let report = strict.home.json(0, &["connect", "TSM1"]);
    assert_eq!(report["code"], "accepted-on-first-use", "{report:#}");
    strict.delete_ledger();
    for (path, content) in old {
        fs::write(path, content).expect("restored");
    }
    strict.is_lost_and_strict();
}

#[test]
fn a_record_that_is_taken_out_of_the_ledger_lowers_nothing() {
    let strict = Strict::made();
    let ledger = Connection::open(strict.state("ledger.db")).expect("a ledger");
    let gone = ledger.execute("DELETE FROM server", []).expect("deleted");
    assert_eq!(gone, 1, "there was its record");
    drop(ledger);
    strict.is_lost_and_strict();
}

#[test]
fn a_deleted_journal_lowers_nothing() {
    let strict = Strict::made();
    fs::remove_file(strict.state("journal.jsonl")).expect("there");
    let found = strict.home.json(1, &["journal", "verify"]);
    assert_eq!(found["whole"], false);
    strict.is_lost_and_strict();
    let journal = strict.home.run(&["journal", "show"]).exits(0);
    assert!(
        journal.stdout.contains("ledger-lost"),
        "the new one says so\n{}",
        journal.shown()
    );
}

#[test]
fn a_lost_server_is_known_again_after_it_is_lowered_by_hand() {
    let strict = Strict::made();
    strict.delete_ledger();
    let _impostor = strict.replaced();
    strict.home.run(&["connect", "TSM1"]).exits(1);
    let lower = [
        "server",
        "lower",
        "TSM1",
        "--reason",
        "disk died",
        "--allow",
        "plain",
    ];
    strict.home.run(&lower).exits(0);
    let report = strict.home.json(0, &["connect", "TSM1"]);
    assert_eq!(report["code"], "existing-protocol", "{report:#}");
}

#[test]
fn a_prepared_server_is_not_mistaken_for_a_lost_one() {
    let strict = Strict::made();
    let other = Answer::enhanced([8, 1, 2, 0]);
    let text = stanza("TSM1", strict.server.port, &[]) + &stanza("TSM2", other.port, &[]);
    strict.home.write("dsm.sys", text);
    let report = strict.home.json(0, &["connect", "TSM2"]);
    assert_eq!(report["code"], "accepted-on-first-use");
    assert!(!warned(&report, "ledger-lost"), "{report:#}");
    let digits = strict.server.sha256.clone();
    strict
        .home
        .run(&["scope", &digits, "--server", "TSM1", "--server", "TSM2"])
        .exits(0);
    for name in ["TSM1", "TSM2"] {
        let record = strict.home.json(0, &["server", "show", name]);
        assert_eq!(record["lost"], false, "{record:#}");
    }
}

#[test]
fn a_home_without_anything_is_a_first_run() {
    let strict = Strict::made();
    fs::remove_dir_all(strict.home.path("h")).expect("there");
    let report = strict.home.json(0, &["connect", "TSM1"]);
    assert_eq!(report["code"], "accepted-on-first-use");
    assert!(!warned(&report, "ledger-lost"), "{report:#}");
}

#[test]
fn a_second_stanza_for_the_address_of_a_strict_server_is_strict_and_the_remedy_works() {
    let strict = Strict::made();
    let port = strict.server.port;
    let both = stanza("TSM1", port, &[]) + &stanza("AGAIN", port, &[]);
    strict.home.write("dsm.sys", both);
    strict.server.announces([7, 1, 0, 0]);
    let before = strict.server.plain().len();
    let report = strict.home.json(1, &["connect", "AGAIN"]);
    assert_eq!(report["decision"], "refuse");
    assert_eq!(report["session_security"], "strict", "{report:#}");
    let told = report["code"] == "strict-by-endpoint" || warned(&report, "strict-by-endpoint");
    assert!(told, "{report:#}");
    assert_eq!(strict.server.plain().len(), before, "it was not even asked");
    let remedy = report["remedy"].as_str().expect("a remedy");
    assert!(remedy.contains(&strict.server.sha256), "{remedy}");
    strict.home.shell(remedy).exits(0);
    let report = strict.home.json(0, &["connect", "AGAIN"]);
    assert_eq!(report["code"], "held-certificate", "{report:#}");
    assert_eq!(
        strict.home.json(0, &["connect", "TSM1"])["code"],
        "held-certificate"
    );
}

#[test]
fn the_journal_says_what_changed_by_whom_and_is_whole() {
    let strict = Strict::made();
    strict.home.run(&["server", "raise", "TSM1"]).exits(0);
    let lower = [
        "server", "lower", "TSM1", "--reason", "because", "--allow", "accept",
    ];
    strict.home.run(&lower).exits(0);
    let shown = strict.home.json(0, &["journal", "show"]);
    let entries = shown["entries"].as_array().expect("a list");
    for (index, entry) in entries.iter().enumerate() {
        assert_eq!(
            entry["seq"].as_u64(),
            u64::try_from(index + 1).ok(),
            "{entry:#}"
        );
        assert!(
            entry["who"].as_str().is_some_and(|who| !who.is_empty()),
            "{entry:#}"
        );
    }
    let accepted = entries.iter().any(|entry| {
        entry["certificate"].as_str() == Some(&*strict.server.sha256) && entry["server"] == "TSM1"
    });
    assert!(accepted, "the accepted certificate is named: {entries:#?}");
    let found = strict.home.json(0, &["journal", "verify"]);
    assert_eq!(found["whole"], true);
    assert_eq!(found["entries"].as_u64(), u64::try_from(entries.len()).ok());
    assert_eq!(found["last_hash"], entries[entries.len() - 1]["hash"]);
}

#[test]
fn an_edited_line_of_the_journal_is_found() {
    let strict = Strict::made();
    let lower = [
        "server", "lower", "TSM1", "--reason", "because", "--allow", "accept",
    ];
    strict.home.run(&lower).exits(0);
    let path = strict.state("journal.jsonl");
    let sound = fs::read_to_string(&path).expect("a journal");
    let lines: Vec<&str> = sound.lines().collect();
    assert!(lines.len() > 4, "{sound}");
    let without = |at: usize| -> String {
        let rest = lines.iter().enumerate().filter(|(line, _)| *line != at);
        rest.map(|(_, line)| format!("{line}\n")).collect()
    };
    for (what, text) in [
        ("a word of a line", sound.replace("because", "nothing")),
        ("a line less", without(1)),
        ("the first line less", without(0)),
        (
            "the last lines less",
            lines[..lines.len() - 3].join("\n") + "\n",
        ),
        (
            "a line twice",
            format!("{sound}{}\n", lines[lines.len() - 1]),
        ),
        ("two lines exchanged", {
            let mut lines = lines.clone();
            lines.swap(0, 1);
            lines.iter().map(|line| format!("{line}\n")).collect()
        }),
        ("a line of something else", format!("{sound}and so on\n")),
        ("nothing left", String::new()),
    ] {
        assert_ne!(text, sound, "{what}");
        fs::write(&path, &text).expect("written");
        let found = strict.home.json(1, &["journal", "verify"]);
        assert_eq!(found["whole"], false, "{what}: {found:#}");
        let problems = found["problems"].as_array().expect("a list");
        assert!(!problems.is_empty(), "{what}: {found:#}");
    }
    fs::write(&path, &sound).expect("written");
    let found = strict.home.json(0, &["journal", "verify"]);
    assert_eq!(found["whole"], true, "and it is whole again: {found:#}");
}

#[test]
fn reading_creates_and_changes_nothing() {
    let strict = Strict::made();
    let before = strict.home.snapshot();
    for words in [
        &["list"][..],
        &["explain", "TSM1"],
        &["server", "list"],
        &["server", "show", "TSM1"],
        &["store", "list"],
        &["store", "check"],
        &["journal", "show"],
        &["journal", "verify"],
        &["show", &strict.server.sha256],
    ] {
        strict.home.run(words).exits(0);
        let changed = strict.home.snapshot().changed_since(&before);
        assert_eq!(changed, Vec::<PathBuf>::new(), "{words:?}");
    }
    let empty = Home::with_options(&stanza("TSM1", 1500, &[]));
    for words in [
        &["list"][..],
        &["explain", "TSM1"],
        &["server", "list"],
        &["server", "show", "TSM1"],
        &["store", "list"],
        &["store", "check"],
        &["journal", "show"],
        &["journal", "verify"],
    ] {
        empty.run(words).exits(0);
        assert!(empty.snapshot().is_empty(), "{words:?} makes nothing");
    }
}

/// The files of the ledger.
const LEDGER: &[&str] = &["ledger.db", "ledger.db-wal", "ledger.db-shm"];
