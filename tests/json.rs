//! Every document that other programs may rely on: one for each call, with the fields promised.

use serde_json::Value;

use crate::support::{Answer, Home, Openssl, stanza};

/// The document has a value, which may be null, at each of these paths; `[]` is every element.
#[track_caller]
fn has(document: &Value, paths: &[&str]) {
    for path in paths {
        let mut level = vec![document];
        for step in path.split('.') {
            let (name, list) = match step.strip_suffix("[]") {
                Some(name) => (name, true),
                None => (step, false),
            };
            let inner = level.iter().map(|value| {
                let found = value.get(name);
                found.unwrap_or_else(|| panic!("{path} is missing in {document:#}"))
            });
            level = inner.collect();
            if list {
                let lists = level.iter().map(|value| value.as_array());
                level = lists.flat_map(|list| list.expect("a list")).collect();
                assert!(!level.is_empty(), "{path} has nothing in {document:#}");
            }
        }
    }
}

const SESSION: &[&str] = &[
    "server",
    "decision",
    "code",
    "row",
    "level.value",
    "level.evidence",
    "session_security",
    "tls_version",
    "key_exchange",
    "authentication",
    "object_data",
    "options[].name",
    "options[].value",
    "options[].from",
    "certificate",
    "warnings",
    "message",
    "remedy",
];

const LIST: &[&str] = &[
    "certificates[].sha256",
    "certificates[].subject",
    "certificates[].issuer",
    "certificates[].not_before",
    "certificates[].not_after",
    "certificates[].label",
    "certificates[].store",
    "certificates[].servers",
    "certificates[].kind",
    "certificates[].note",
];

const IMPORT: &[&str] = &[
    "imported[].sha256",
    "imported[].label",
    "imported[].store",
    "imported[].kind",
    "imported[].outcome",
    "dry_run",
];

const STORES: &[&str] = &[
    "stores[].name",
    "stores[].plugin",
    "stores[].version",
    "stores[].isolation",
    "stores[].sandbox",
    "stores[].sandbox_note",
    "stores[].health",
    "stores[].generation",
    "stores[].items",
    "stores[].age_seconds",
];

const ERROR: &[&str] = &["error.code", "error.message", "error.remedy"];

#[test]
fn every_command_prints_one_document_with_the_fields_that_were_promised() {
    let mut home = Home::new();
    let Some(openssl) = Openssl::find(home.directory()) else {
        return;
    };
    let other = openssl.stock("other");
    let server = Answer::enhanced([8, 1, 2, 0]);
    home.write("dsm.sys", stanza("TSM1", server.port, &[]));
    home.take_options(&["--options", "dsm.sys"]);

    has(&home.json(0, &["explain", "TSM1"]), SESSION);
    let session = home.json(0, &["connect", "TSM1"]);
    has(&session, SESSION);
    has(
        &session,
        &["certificate.sha256", "certificate.store", "certificate.how"],
    );
    let dry = home.json(0, &["import", "--server", "TSM1", "other.pem", "--dry-run"]);
    has(&dry, IMPORT);
    has(
        &home.json(0, &["import", "--server", "TSM1", "other.pem"]),
        IMPORT,
    );
    has(&home.json(0, &["list"]), LIST);
    has(
        &home.json(0, &["show", &other.sha256()]),
        &["sha256", "subject", "held[].store", "pem"],
    );
    has(
        &home.json(0, &["export", &other.sha256(), "-o", "out.p12"]),
        &["certificates[].sha256", "format", "file", "stash"],
    );
    has(
        &home.json(0, &["scope", &other.sha256(), "--none"]),
        &["certificates[].servers"],
    );
    has(
        &home.json(0, &["scope", "--propose", "--yes"]),
        &["proposed", "applied"],
    );
    let verdict = home.json(0, &["verify", "other.pem", "--server", "TSM1"]);
    has(
        &verdict,
        &[
            "trusted",
            "code",
            "by.sha256",
            "by.store",
            "by.plugin",
            "chain[]",
            "message",
            "remedy",
        ],
    );
    let verdict = home.json(
        1,
        &[
            "verify",
            "other.pem",
            "--anchors",
            "other.pem",
            "--name",
            "h",
        ],
    );
    has(
        &verdict,
        &["trusted", "code", "by", "chain", "message", "remedy"],
    );
    has(
        &home.json(0, &["remove", &other.sha256(), "--all"]),
        &["certificates[].outcome"],
    );
    has(
        &home.json(0, &["server", "list"]),
        &["servers[].server", "servers[].session_security"],
    );
    has(
        &home.json(0, &["server", "show", "TSM1"]),
        &["server", "session_security", "lost"],
    );
    has(
        &home.json(0, &["server", "raise", "TSM1"]),
        &["server", "changed"],
    );
    let lower = [
        "server", "lower", "TSM1", "--reason", "tests", "--allow", "plain", "--for", "1h",
    ];
    has(
        &home.json(0, &lower),
        &["server", "changed", "lowered.until", "lowered.reason"],
    );
    has(&home.json(0, &["store", "list"]), STORES);
    has(
        &home.json(0, &["store", "check"]),
        &["stores[].name", "passed", "problems"],
    );
    has(
        &home.json(0, &["store", "create", "--name", "more"]),
        &["stores[].name", "stores[].outcome", "dry_run"],
    );
    has(
        &home.json(0, &["store", "copy", "keydb", "more"]),
        &["from", "to", "copied[].sha256", "left_out", "dry_run"],
    );
    has(
        &home.json(0, &["store", "password", "keydb", "-o", "pw"]),
        &["store", "file"],
    );
    has(
        &home.json(0, &["journal", "show"]),
        &["entries[].seq", "entries[].hash"],
    );
    has(
        &home.json(0, &["journal", "verify"]),
        &["whole", "entries", "problems"],
    );
    // The stories are nobody's option files, so a home without any plays them.
    let played = Home::new().json(0, &["rehearse", "--story", "X12"]);
    has(&played, &["stories[].steps[].did", "passed", "failed"]);
}

#[test]
fn a_refusal_is_a_result_and_a_failure_is_an_error() {
    let home = Home::with_options(&stanza("TSM1", 1, &[]));
    // Nobody listens at port 1: a peer that failed, in the shape of a session.
    has(&home.json(3, &["connect", "TSM1"]), SESSION);
    has(&home.json(2, &["connect", "TSM2"]), ERROR);
    has(
        &home.json(2, &["import", "--server", "TSM1", "nowhere.pem"]),
        ERROR,
    );
    has(&home.json(2, &["show", "0123456789abcdef"]), ERROR);
    home.configure("nonsense");
    has(&home.json(2, &["list"]), ERROR);
}

#[test]
fn wrong_usage_is_a_document_too_where_one_is_asked_for() {
    let home = Home::new();
    for words in [
        &["import"][..],
        &["nonsense"],
        &["list", "--nonsense"],
        &["server"],
    ] {
        let mut all = words.to_vec();
        all.push("--json");
        let outcome = home.run(&all).exits(2);
        has(&outcome.document(), ERROR);
    }
}

#[test]
fn a_document_stands_alone_on_standard_output() {
    let server = Answer::earlier([8, 1, 1, 0]);
    let home = Home::with_options(&stanza("TSM1", server.port, &[]));
    let outcome = home
        .run(&["connect", "TSM1", "--json", "--verbose"])
        .exits(0);
    outcome.document();
    assert!(outcome.stdout.ends_with('\n'), "{}", outcome.shown());
}
