//! Somebody else answers in place of a server, or a server claims what it is not.

use serde_json::Value;

use crate::support::{Answer, Home, Outcome, stanza};

#[test]
fn a_level_that_falls_before_any_tls_session_is_refused() {
    // It announces an enhanced level and speaks no TLS, so that no session comes about.
    let server = Answer::earlier([8, 1, 2, 0]);
    let home = Home::with_server(server.port, &[]);
    let report = home.json(1, &["connect", "TSM1"]);
    assert_eq!(report["code"], "tls-unavailable");
    server.announces([7, 1, 0, 0]);
    let report = home.json(1, &["connect", "TSM1"]);
    assert_eq!(report["code"], "level-fell", "{report:#}");
    let lower = [
        "server",
        "lower",
        "TSM1",
        "--reason",
        "moved back",
        "--allow",
        "plain",
    ];
    home.run(&lower).exits(0);
    let report = home.json(0, &["connect", "TSM1"]);
    assert_eq!(report["code"], "existing-protocol");
}

#[test]
fn a_server_that_is_upgraded_goes_from_plain_to_accepted_to_strict() {
    let server = Answer::enhanced([8, 1, 1, 0]);
    let home = Home::with_server(server.port, &[]);
    home.connects(0, "plain", "existing-protocol", 9);
    server.announces([8, 1, 2, 0]);
    let report = home.connects(0, "tls", "accepted-on-first-use", 16);
    assert_eq!(
        report["certificate"]["sha256"].as_str(),
        Some(&*server.sha256)
    );
    server.announces([7, 1, 0, 0]);
    home.connects(0, "tls", "held-certificate", 4);
}

#[test]
fn a_certificate_without_its_key_is_neither_accepted_nor_trusted() {
    let server = Answer::enhanced([8, 1, 2, 0]);
    let thief = Answer::thief([8, 1, 2, 0], &server);
    let mut home = Home::with_server(thief.port, &[]);
    let report = home.json(1, &["connect", "TSM1"]);
    assert_eq!(report["code"], "tls-failed", "{report:#}");
    assert_eq!(report["session_security"], "transitional");
    assert!(
        home.database().symlink_metadata().is_err(),
        "nothing is accepted"
    );
    let strict = home.json(0, &["server", "show", "TSM1"]);
    assert_eq!(strict["session_security"], "transitional");

    home.serve(server.port, &[]);
    home.connects(0, "tls", "accepted-on-first-use", 16);
    home.serve(thief.port, &[]);
    let before = home.snapshot();
    assert_eq!(home.json(1, &["connect", "TSM1"])["code"], "tls-failed");
    let piped = home
        .run_with(&["connect", "TSM1", "--pipe"], b"secret\n")
        .exits(1);
    assert_eq!(piped.stdout, "", "{}", piped.shown());
    let changed = home.snapshot().changed_since(&before);
    let touched = changed.iter().any(|path| path.starts_with("stores"));
    assert!(!touched, "no store is touched: {changed:?}");
    assert_eq!(thief.plain_words(), Vec::<Vec<u8>>::new());
}

#[test]
fn a_level_that_is_earlier_inside_tls_is_not_accepted_whatever_was_announced() {
    let server = Answer::enhanced([8, 1, 2, 0]);
    server.tells_inside([8, 1, 1, 0]);
    let home = Home::with_server(server.port, &[]);
    let report = home.connects(1, "refuse", "certificate-needed", 13);
    assert_eq!(report["level"]["value"], "8.1.1.0");
    assert_eq!(report["level"]["evidence"], "inside-tls");
    assert!(
        home.database().symlink_metadata().is_err(),
        "nothing is accepted"
    );
}

#[test]
fn a_level_that_is_enhanced_inside_tls_is_accepted_where_nothing_was_announced() {
    let server = Answer::enhanced([8, 1, 2, 0]);
    server.is_silent_in_clear();
    let home = Home::with_server(server.port, &[]);
    let report = home.connects(0, "tls", "accepted-on-first-use", 16);
    assert_eq!(report["level"]["value"], "8.1.2.0");
    assert_eq!(report["level"]["evidence"], "inside-tls");
}

#[test]
fn a_level_that_falls_inside_tls_is_told_and_refused_where_the_policy_holds_it() {
    let server = Answer::enhanced([8, 1, 2, 0]);
    let home = Home::with_server(server.port, &[]);
    home.connects(0, "tls", "accepted-on-first-use", 16);
    server.tells_inside([7, 1, 0, 0]);
    home.configure("[server.TSM1]\nlevel_floor = \"hold\"\n");
    home.connects(1, "refuse", "level-fell", 4);
    home.configure("");
    let report = home.connects(0, "tls", "held-certificate", 4);
    let warnings = report["warnings"].as_array().expect("a list");
    assert!(!warnings.is_empty(), "it is told: {report:#}");
    let journal = home.run(&["journal", "show"]).exits(0);
    assert!(
        journal.stdout.contains("7.1.0"),
        "and journalled\n{}",
        journal.shown()
    );
}

#[test]
fn a_changed_certificate_is_a_mismatch_that_touches_nothing() {
    let server = Answer::enhanced([8, 1, 2, 0]);
    let mut home = Home::with_server(server.port, &[]);
    home.connects(0, "tls", "accepted-on-first-use", 16);
    let other = Answer::enhanced([8, 1, 2, 0]);
    home.serve(other.port, &[]);
    let before = home.snapshot();
    let report = home.connects(1, "refuse", "certificate-mismatch", 4);
    let message = report["message"].as_str().expect("a message");
    for digits in [&server.sha256, &other.sha256] {
        assert!(
            message.contains(&**digits),
            "{digits} is missing in: {message}"
        );
    }
    let changed = home.snapshot().changed_since(&before);
    let touched = changed.iter().any(|path| path.starts_with("stores"));
    assert!(!touched, "no store is touched: {changed:?}");
}

#[test]
fn a_store_that_is_down_never_lets_a_certificate_be_accepted() {
    let server = Answer::enhanced([8, 1, 2, 0]);
    let home = Home::with_server(server.port, &[]);
    for critical in [true, false] {
        home.configure(&format!("{A_STORE}critical = {critical}\n{ANOTHER_STORE}"));
        home.write("h/stores/a.p12", b"damaged");
        home.connects(3, "refuse", "store-unavailable", 10);
        assert!(
            home.path("h/stores/b.p12").symlink_metadata().is_err(),
            "nothing is written"
        );
    }
}

#[test]
fn a_store_that_is_down_is_missed_where_it_is_critical() {
    let server = Answer::enhanced([8, 1, 2, 0]);
    let home = Home::with_server(server.port, &[]);
    home.configure(&format!(
        "{A_STORE}{ANOTHER_STORE}\n[server.TSM1]\naccept_into = \"b\"\n"
    ));
    let report = home.connects(0, "tls", "accepted-on-first-use", 16);
    assert_eq!(report["certificate"]["store"], "b");
    home.write("h/stores/a.p12", b"damaged");
    let missed: Outcome = home.run(&["connect", "TSM1", "--json"]).exits(3);
    assert_eq!(missed.document()["code"], "store-unavailable");
    home.configure(&format!("{A_STORE}critical = false\n{ANOTHER_STORE}"));
    home.connects(0, "tls", "held-certificate", 4);
    // Without the store that holds it, a strict server is refused, and never accepted again.
    home.write("h/stores/b.p12", b"damaged");
    home.connects(3, "refuse", "store-unavailable", 2);
}

#[test]
fn approved_algorithms_need_a_build_that_has_them() {
    let server = Answer::enhanced([8, 1, 2, 0]);
    let home = Home::with_server(server.port, &["SSLFIPSMODE Yes"]);
    let report = home.json(2, &["connect", "TSM1"]);
    assert_eq!(report["code"], "fips-unavailable", "{report:#}");
    assert_eq!(server.plain(), Vec::<Vec<u8>>::new(), "nobody was asked");
}

#[test]
fn a_second_server_is_decided_by_itself() {
    let strict = Answer::enhanced([8, 1, 2, 0]);
    let plain = Answer::earlier([8, 1, 1, 0]);
    let text = stanza("TSM1", strict.port, &[]) + &stanza("TSM2", plain.port, &[]);
    let home = Home::with_options(&text);
    home.connects(0, "tls", "accepted-on-first-use", 16);
    for _ in 0..2 {
        let report = home.json(0, &["connect", "TSM2"]);
        assert_eq!(report["code"], "existing-protocol");
        assert_eq!(report["session_security"], "transitional");
    }
    assert_eq!(
        home.json(0, &["server", "show", "TSM1"])["session_security"],
        "strict"
    );
    let record = home.json(0, &["server", "show", "TSM2"]);
    assert_eq!(record["certificate"], Value::Null);
}

const A_STORE: &str = r#"
[[store]]
name = "a"
plugin = "anchorhold.keydb"
settings = { path = "stores/a.p12" }
"#;

const ANOTHER_STORE: &str = r#"
[[store]]
name = "b"
plugin = "anchorhold.keydb"
settings = { path = "stores/b.p12" }
"#;
