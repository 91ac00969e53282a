//! Several programs meet a server for the first time at once: one acceptance, a session for each.

use crate::bench::{Bench, ENHANCED, attempt, print_of, within};
use anchorhold_session::context::Context;
use anchorhold_session::report::Outcome;

/// Each of these signs on at the same time, and each ends in a session inside TLS.
async fn all_at_once(bench: &Bench, programs: Vec<Context>) {
    let sign_ons: Vec<_> = programs
        .into_iter()
        .map(|program| {
            let stanza = bench.stanza.clone();
            tokio::spawn(async move { attempt(&program, &stanza).await })
        })
        .collect();
    let mut accepted = 0;
    for sign_on in sign_ons {
        let ended = sign_on.await.expect("an end");
        let (report, session) = ended.expect("no fault of this machine");
        assert_eq!(report.decision, Outcome::Tls, "{}", report.message);
        assert!(session.is_some());
        accepted += usize::from(report.code.as_str() == "accepted-on-first-use");
    }
    assert_eq!(accepted, 1, "one sign-on accepted it");
    assert_eq!(bench.told("accepted-on-first-use").len(), 1);
    assert_eq!(bench.told("intent-begun").len(), 1);
    assert_eq!(bench.in_scope(), [print_of(&bench.credential)]);
    assert_eq!(bench.labels("keydb").len(), 1);
}

const CROWD: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn six_sign_ons_of_one_program_make_one_acceptance() {
    within(async {
        let bench = Bench::set(ENHANCED).await;
        let programs = vec![bench.context.clone(); CROWD];
        all_at_once(&bench, programs).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn six_programs_make_one_acceptance() {
    within(async {
        let bench = Bench::set(ENHANCED).await;
        let programs = (0..CROWD).map(|_| bench.another_program()).collect();
        all_at_once(&bench, programs).await;
    })
    .await;
}
