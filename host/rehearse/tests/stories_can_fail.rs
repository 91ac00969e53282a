//! Whatever is left out of the rules or of the checks, a story fails and says where.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where its ground gives way"
)]

#[path = "store/keydb.rs"]
mod keydb;

use anchorhold_kernel::{Check, Checks};
use anchorhold_rehearse::{Played, Rehearsal, play};
use anchorhold_session::context::Context;
use anchorhold_session::decision::Rules;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

const WATCHDOG: Duration = Duration::from_secs(120);

/// Plays one story with something left out, and says which of its steps failed.
async fn failed(story: &str, cut: impl Fn(&mut Context) + Send + Sync + 'static) -> Vec<String> {
    let rehearsal = Rehearsal::new(keydb::plans())
        .only(&[story])
        .expect("a story");
    let rehearsal = rehearsal.under(Arc::new(cut));
    let played: Played = timeout(WATCHDOG, play(&rehearsal)).await.expect("in time");
    assert_eq!(played.stories.len(), 1);
    assert_eq!(played.stories[0].id, story);
    let steps = played.stories[0].steps.iter().filter(|step| !step.passed);
    let failed: Vec<_> = steps.map(|step| step.did.clone()).collect();
    assert_eq!(played.failed, usize::from(!failed.is_empty()));
    failed
}

/// The story that notices the absence of a row, and the step in which it does.
const ROWS: [(u8, &str, &str); 17] = [
    (
        1,
        "N6",
        "self-signed: the stanza still names shared memory: connect",
    ),
    (
        2,
        "X8",
        "strict: the server is raised by hand, a store is down: connect",
    ),
    (
        3,
        "X2",
        "removed: the operator removes the certificate: connect",
    ),
    (
        4,
        "N1",
        "self-signed: connect again: strict, and not asked in clear any more",
    ),
    (
        5,
        "X1",
        "announced enhanced before: the attacker answers, with 7.1.0",
    ),
    (6, "X11", "SSLREQUIRED Yes: connect"),
    (7, "X10", "earlier server, SSL No: connect"),
    (8, "X11", "the policy says plain = \"never\": connect"),
    (9, "N3", "self-signed: connect before the upgrade"),
    (10, "X8", "first contact: a store is down: connect"),
    (11, "N1", "self-signed: connect after import"),
    (12, "N1", "self-signed: connect without import"),
    (
        13,
        "F7",
        "connect with SSL Yes on the SSL-only port: not accepted",
    ),
    (14, "X3", "declared: connect with nothing held"),
    (15, "X4", "connect with nothing held"),
    (16, "F1", "first use: connect for the first time"),
    (
        17,
        "F1",
        "the server's certificate has expired: connect for the first time",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn without_any_one_row_a_story_fails() {
    for (row, story, step) in ROWS {
        let failed = failed(story, move |context| context.rules = Rules::without(row)).await;
        assert!(
            failed.iter().any(|did| did == step),
            "row {row}, {story}: {failed:?}"
        );
    }
}

#[test]
fn no_row_is_left_out_of_this_test() {
    let rows: Vec<_> = ROWS.iter().map(|(row, _, _)| *row).collect();
    assert_eq!(rows, (1..=17).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_one_check_a_story_fails() {
    let checks = [
        (
            Check::Pin,
            "X2",
            "changed: the server presents another self-signed certificate",
        ),
        (
            Check::Validity,
            "X9",
            "too late: the held certificate has expired",
        ),
        (Check::Validity, "X4", "the certificate has expired"),
        (Check::Name, "X4", "the certificate names another host"),
        (Check::Purpose, "X4", "the certificate is for clients only"),
    ];
    for (check, story, step) in checks {
        let failed = failed(story, move |context| {
            context.checks = Checks::without(check)
        })
        .await;
        assert!(
            failed.iter().any(|did| did == step),
            "{check:?}, {story}: {failed:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_look_for_early_bytes_a_story_fails() {
    let failed = failed("X7", |context| context.skip_early_bytes = true).await;
    let step = "strict: bytes come before the handshake: noticed before anything is sent";
    assert!(failed.iter().any(|did| did == step), "{failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_all_of_it_these_stories_pass() {
    for story in ["F1", "X2", "X4", "X7"] {
        assert_eq!(failed(story, |_| {}).await, Vec::<String>::new(), "{story}");
    }
}
