//! What `doctor` finds, what it advises, and that the advice mends it.

use anchorhold_state::{Actor, State, Transaction};
use serde_json::Value;
use time::OffsetDateTime;

use crate::support::{Home, Outcome, confines, mismatches, repository, stanza};

mod bundle;
mod certificate;
mod configuration;
mod ledger;
mod plugin;
mod store;

/// A home in which nothing is to be mended.
fn healthy() -> Home {
    let home = Home::with_options(&stanza("TSM1", 1500, &[]));
    home.configure(LOCAL);
    home
}

/// What `doctor` finds; the exit status says whether something is to be mended.
#[track_caller]
fn findings(home: &Home) -> Vec<Value> {
    let document = diagnosis(&home.run(&["doctor", "--json"]));
    document["findings"].as_array().expect("a list").clone()
}

#[track_caller]
fn diagnosis(outcome: &Outcome) -> Value {
    let document = outcome.document();
    let wrong = mismatches(&schema("doctor"), &document);
    assert!(wrong.is_empty(), "{wrong:#?}\n{}", outcome.shown());
    let sound = document["errors"] == 0 && document["warnings"] == 0;
    let expected = if sound { 0 } else { 1 };
    assert_eq!(outcome.status.code(), Some(expected), "{}", outcome.shown());
    assert!(!outcome.stderr.contains("panicked"), "{}", outcome.shown());
    document
}

fn schema(name: &str) -> Value {
    let path = repository().join(format!("host/api/schema/{name}.json"));
    let text = std::fs::read_to_string(path).expect("the schema is there");
    serde_json::from_str(&text).expect("a schema is JSON")
}

/// The one finding of a code; it says what to do.
#[track_caller]
fn found(home: &Home, code: &str) -> Value {
    let all = findings(home);
    let mut with_code = all.iter().filter(|finding| finding["code"] == code);
    let finding = with_code.next();
    let finding = finding.unwrap_or_else(|| panic!("no {code} in {all:#?}"));
    assert!(with_code.next().is_none(), "{code} is told once: {all:#?}");
    for field in ["about", "message", "remedy"] {
        let text = finding[field].as_str().expect("text");
        assert!(!text.is_empty(), "{field}: {finding:#}");
    }
    finding.clone()
}

/// The same with how bad it is, and what it is about.
#[track_caller]
fn told(home: &Home, severity: &str, code: &str, about: &str) -> Value {
    let finding = found(home, code);
    assert_eq!(finding["severity"], severity, "{finding:#}");
    let is = finding["about"].as_str().expect("text");
    assert!(is.contains(about), "{about}: {finding:#}");
    finding
}

/// Nothing of that code is found.
#[track_caller]
fn gone(home: &Home, code: &str) {
    let all = findings(home);
    assert!(
        all.iter().all(|finding| finding["code"] != code),
        "{code} is gone: {all:#?}"
    );
}

/// Nothing is found but notes.
#[track_caller]
fn sound(home: &Home) {
    let all = findings(home);
    assert!(
        all.iter().all(|finding| finding["severity"] == "note"),
        "nothing is to be mended: {all:#?}"
    );
}

/// The command lines in a remedy, which are separated by semicolons from what is said besides.
fn commands(finding: &Value) -> Vec<String> {
    let remedy = finding["remedy"].as_str().expect("text");
    let starts = [env!("CARGO_BIN_EXE_anchorhold"), "chmod ", "chown ", "rm "];
    let lines = remedy.split("; ").filter_map(|part| {
        let at = starts.iter().filter_map(|start| part.find(start)).min()?;
        Some(part[at..].to_owned())
    });
    lines.collect()
}

/// Pastes the last command of a finding into a shell, and it succeeds; words go after it.
#[track_caller]
fn paste(home: &Home, finding: &Value, more: &str) {
    let line = commands(finding).pop();
    let line = line.unwrap_or_else(|| panic!("no command in {finding:#}"));
    home.shell(&format!("{line} {more}")).exits(0);
}

/// Something is found, the command that is advised is run, and it is gone.
#[track_caller]
fn mends(home: &Home, severity: &str, code: &str, about: &str, more: &str) -> Value {
    let finding = told(home, severity, code, about);
    paste(home, &finding, more);
    gone(home, code);
    finding
}

/// Changes the state as the program would.
fn change(home: &Home, make: impl FnOnce(&mut Transaction<'_>)) {
    change_at(home, OffsetDateTime::now_utc(), make);
}

fn change_at(home: &Home, at: OffsetDateTime, make: impl FnOnce(&mut Transaction<'_>)) {
    let state = State::open(&home.path("h/state")).expect("a state");
    let actor = Actor::new("tester", "anchorhold");
    let mut change = state.write(&actor, at).expect("begun");
    make(&mut change);
    change.commit().expect("committed");
}

const LOCAL: &str = "[server.TSM1]\nauthentication = \"local\"\n";

#[test]
fn a_sound_home_has_nothing_to_mend_and_nothing_is_written() {
    let home = healthy();
    let before = home.snapshot();
    // What the machine lacks is no fault of the home.
    let all = findings(&home).into_iter();
    let of_home: Vec<_> = all.filter(|one| one["about"] != "this machine").collect();
    assert_eq!(of_home, Vec::<Value>::new());
    for home in [&home, &Home::new()] {
        let outcome = home.run(&["doctor"]).exits(0);
        assert!(
            outcome.stdout.ends_with("nothing to mend\n"),
            "{}",
            outcome.shown()
        );
    }
    assert_eq!(home.snapshot(), before);
}

#[test]
fn people_read_the_worst_first_and_the_count_last() {
    let home = healthy();
    home.write("dsm.sys", stanza("TSM1", 40_000, &[]));
    home.configure("[server.TSM1]\nauthentication = \"local\"\nplain = \"perhaps\"\n");
    let outcome = home.run(&["doctor"]).exits(1);
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(lines.first(), Some(&"1 error:"), "{}", outcome.shown());
    assert!(
        lines
            .iter()
            .any(|line| line.ends_with(" notes:") || *line == "1 note:")
    );
    assert_eq!(
        lines.last(),
        Some(&"1 error, 0 warnings"),
        "{}",
        outcome.shown()
    );
    assert!(outcome.stdout.contains("remedy: "), "{}", outcome.shown());
}

#[test]
fn wrong_usage_is_the_only_reason_not_to_look() {
    let home = healthy();
    home.run(&["doctor", "everything"]).exits(2);
    home.run(&["doctor", "--bundle"]).exits(2);
    home.write("h/anchorhold.toml", "[[[");
    home.write("dsm.sys", "NONSENSE yes\n");
    home.write("h/state", "no directory");
    let all = findings(&home);
    let codes: Vec<&str> = all.iter().filter_map(|one| one["code"].as_str()).collect();
    for code in ["config-invalid", "option-unknown", "state-unsafe"] {
        assert!(codes.contains(&code), "{code}: {all:#?}");
    }
}
