//! The stories of an upgrade.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Home, stanza};

fn ids(document: &Value) -> Vec<String> {
    let stories = document["stories"].as_array().expect("a list");
    let ids = stories.iter().map(|story| story["id"].as_str());
    ids.map(|id| id.expect("an id").to_owned()).collect()
}

#[test]
fn all_stories_are_played_and_pass() {
    let home = Home::new();
    let played = home.json(0, &["rehearse"]);
    let expected: Vec<String> = (1..=8)
        .map(|number| format!("N{number}"))
        .chain((1..=7).map(|number| format!("F{number}")))
        .chain((1..=12).map(|number| format!("X{number}")))
        .collect();
    assert_eq!(ids(&played), expected);
    assert_eq!(played["passed"], 27);
    assert_eq!(played["failed"], 0);
    for story in played["stories"].as_array().expect("a list") {
        assert_eq!(story["passed"], true, "{story:#}");
        assert!(
            story["title"]
                .as_str()
                .is_some_and(|title| !title.is_empty()),
            "{story:#}"
        );
        let steps = story["steps"].as_array().expect("a list");
        assert!(!steps.is_empty(), "{story:#}");
        for step in steps {
            assert_eq!(step["passed"], true, "{step:#}");
            assert_eq!(step["expected"], step["got"], "{step:#}");
        }
    }
    assert!(
        home.snapshot().is_empty(),
        "a rehearsal leaves nothing behind"
    );
}

#[test]
fn a_rehearsal_prints_one_line_a_story() {
    let home = Home::new();
    let printed = home
        .run(&["rehearse", "--story", "N1", "--story", "X1"])
        .exits(0);
    for id in ["N1", "X1"] {
        let lines = printed
            .stdout
            .lines()
            .filter(|line| line.split_whitespace().any(|word| word == id));
        assert_eq!(lines.count(), 1, "{}", printed.shown());
    }
    assert!(
        !printed.stdout.contains('\u{1b}'),
        "no colour where there is no terminal"
    );
}

#[test]
fn the_stories_that_are_named_are_played_and_no_other() {
    let home = Home::new();
    let played = home.json(0, &["rehearse", "--story", "X7", "--story", "n2"]);
    let ids: BTreeSet<String> = ids(&played).into_iter().collect();
    assert_eq!(ids, BTreeSet::from(["N2".to_owned(), "X7".to_owned()]));
    assert_eq!(played["passed"], 2);
}

#[test]
fn an_unknown_story_is_wrong_usage_that_lists_the_known_ones() {
    let home = Home::new();
    let document = home.json(2, &["rehearse", "--story", "N9"]);
    let message = document["error"].to_string();
    for word in ["N9", "N1", "F7", "X12"] {
        assert!(message.contains(word), "{word} is missing in: {message}");
    }
}

#[test]
fn an_unknown_store_is_wrong_usage_and_one_that_is_no_scratch_too() {
    let home = Home::new();
    home.json(2, &["rehearse", "--story", "N1", "--store", "nowhere"]);
    home.json(2, &["rehearse", "--story", "N1", "--store", "keydb"]);
    assert!(
        home.snapshot().is_empty(),
        "a store that is not to be touched is not"
    );
}

#[test]
fn the_operators_own_servers_are_played_and_what_is_missing_is_said() {
    let text = stanza("AUTO", 1501, &[])
        + &stanza("MANUAL", 1502, &["SSLACCEPTCERTFROMSERV No"])
        + &stanza("WRONG", 1503, &["SSLREQUired Yes"]).replace("SSLREQUired", "SSLREQuired");
    let home = Home::with_options(&text);
    // Nobody listens there, and nobody is to be asked.
    let played = home.run(&["rehearse", "--json"]);
    let document = played.document();
    let code = played.status.code();
    let failed = document["failed"].as_u64().expect("a number");
    assert_eq!(
        code,
        Some(if failed == 0 { 0 } else { 1 }),
        "{}",
        played.shown()
    );
    assert_eq!(ids(&document), ["AUTO", "MANUAL", "WRONG"]);
    let missing = |server: usize| document["stories"][server]["missing"].to_string();
    assert_eq!(missing(0), "[]", "{document:#}");
    assert!(
        missing(1).contains("import"),
        "the command that mends it: {}",
        missing(1)
    );
    assert!(missing(1).contains("MANUAL"), "{}", missing(1));
    assert_ne!(
        missing(2),
        "[]",
        "two options contradict each other: {document:#}"
    );
    let files = document["files"].to_string();
    assert!(files.contains("dsm.sys"), "{files}");
    assert!(
        home.snapshot().is_empty(),
        "a rehearsal leaves nothing behind"
    );

    let printed = home.run(&["rehearse"]);
    assert_eq!(printed.status.code(), code);
    for word in ["AUTO", "MANUAL", "WRONG", "import --server MANUAL"] {
        assert!(
            printed.stdout.contains(word),
            "{word} is missing\n{}",
            printed.shown()
        );
    }
}
