//! A server at the address of a strict one is strict, however that one became so.

use crate::bench::{Bench, EARLIER, ENHANCED, refuses, stanza, strict, within};
use anchorhold_session::accept::{self, Step};
use anchorhold_session::error::ConnectError;
use anchorhold_session::report::Report;
use anchorhold_state::Allow;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::bench::{attempt, opens};

/// TSM2 at the address of TSM1 is not talked to, and the warning names TSM1.
async fn second_is_strict(bench: &Bench) -> Report {
    let second = stanza("TSM2", &bench.server);
    let report = refuses(&bench.context, &second, "certificate-lost", 3).await;
    assert!(strict(&report));
    let warning = report
        .warnings
        .iter()
        .find(|one| one.code == "strict-by-endpoint");
    let warning = warning.expect("the reason is told");
    assert!(warning.text.contains("TSM1"), "{}", warning.text);
    report
}

/// Tells the client where TSM1 is, as the program does from the option files.
fn configured(bench: &mut Bench) {
    let (name, endpoint) = (bench.stanza.name.clone(), bench.stanza.endpoint());
    bench.context.neighbours = Arc::new([(name, endpoint)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_neighbour_that_was_raised_without_contact_counts() {
    within(async {
        for level in [EARLIER, ENHANCED] {
            let mut bench = Bench::set(level).await;
            configured(&mut bench);
            bench.operator().raise();
            second_is_strict(&bench).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_neighbour_that_was_imported_strict_without_contact_counts() {
    within(async {
        let mut bench = Bench::set(EARLIER).await;
        configured(&mut bench);
        bench.operator().import(&bench.credential, None, true);
        second_is_strict(&bench).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_neighbour_that_is_not_strict_changes_nothing() {
    within(async {
        let mut bench = Bench::set(EARLIER).await;
        configured(&mut bench);
        bench.operator().import(&bench.credential, None, false);
        let second = stanza("TSM2", &bench.server);
        opens(&bench.context, &second, "existing-protocol", 9).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_is_no_neighbour_of_its_own() {
    within(async {
        let mut bench = Bench::set(ENHANCED).await;
        configured(&mut bench);
        bench.operator().raise();
        bench.operator().lower(Allow::Accept);
        bench.opens("accepted-on-first-use", 16).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_neighbour_at_another_port_changes_nothing() {
    within(async {
        let mut bench = Bench::set(EARLIER).await;
        configured(&mut bench);
        bench.operator().raise();
        let elsewhere = Bench::set(EARLIER).await;
        let second = stanza("TSM2", &elsewhere.server);
        opens(&bench.context, &second, "existing-protocol", 9).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_settled_after_a_crash_counts() {
    within(async {
        for last in [Step::Written, Step::ReadBack] {
            let mut bench = Bench::set(ENHANCED).await;
            bench.context.pause = Some(Arc::new(move |step| match step == last {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }));
            let died = attempt(&bench.context, &bench.stanza).await;
            assert!(matches!(died, Err(ConnectError::Interrupted)));
            bench.context.pause = None;
            accept::settle(&bench.context).expect("settled");
            let endpoint = bench.record().endpoint.expect("an address");
            assert!(endpoint.same_as(&bench.stanza.endpoint()));
            second_is_strict(&bench).await;
        }
    })
    .await;
}
