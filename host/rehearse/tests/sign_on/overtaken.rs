//! Other programs raise a server, or import for it, while a sign-on is under way.

use crate::bench::{Bench, EARLIER, ENHANCED, own, print_of, strict, within};
use crate::operator::Operator;
use crate::road::meanwhile;
use anchorhold_session::accept::Step;
use anchorhold_session::context::Pause;
use anchorhold_session::report::Outcome;
use anchorhold_state::Record;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Lets something happen once, right after a step of an acceptance.
fn after(step: Step, happens: impl Fn() + Send + Sync + 'static) -> Pause {
    let happened = AtomicBool::new(false);
    Arc::new(move |taken| {
        if taken == step && !happened.swap(true, Ordering::SeqCst) {
            happens();
        }
        ControlFlow::Continue(())
    })
}

/// The steps before the one that makes an acceptance count.
const BEFORE: [Step; 3] = [Step::Intended, Step::Written, Step::ReadBack];

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_raised_during_the_handshake_gets_nothing() {
    within(async {
        let mut bench = Bench::set(ENHANCED).await;
        let operator = bench.operator();
        bench.context.dial = meanwhile(3, move || operator.raise());
        let report = bench.refuses("certificate-lost", 3).await;
        assert!(strict(&report));
        bench.nothing_accepted();
        assert_eq!(bench.told("intent-begun").len(), 0, "nothing was begun");
        assert_eq!(bench.labels("keydb"), [""; 0]);
        assert_eq!(bench.in_scope(), []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_raised_between_two_steps_keeps_nothing() {
    within(async {
        for step in BEFORE {
            let mut bench = Bench::set(ENHANCED).await;
            let operator = bench.operator();
            bench.context.pause = Some(after(step, move || operator.raise()));
            let report = bench.refuses("certificate-lost", 3).await;
            assert!(strict(&report), "{step:?}");
            bench.nothing_accepted();
            assert_eq!(bench.told("acceptance-withdrawn").len(), 1, "{step:?}");
            assert_eq!(bench.labels("keydb"), [""; 0], "{step:?}");
            assert_eq!(bench.in_scope(), [], "{step:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_operator_had_put_into_the_store_stays_there() {
    within(async {
        for step in BEFORE {
            let mut bench = Bench::set(ENHANCED).await;
            let operator = bench.operator();
            operator.put(&bench.credential, "the operator's own");
            bench.context.pause = Some(after(step, move || operator.raise()));
            bench.refuses("certificate-lost", 3).await;
            bench.nothing_accepted();
            assert_eq!(bench.in_scope(), [], "{step:?}");
            assert_eq!(bench.labels("keydb"), ["the operator's own"], "{step:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_raised_after_the_last_step_has_its_session() {
    within(async {
        let mut bench = Bench::set(ENHANCED).await;
        let operator = bench.operator();
        bench.context.pause = Some(after(Step::Recorded, move || operator.raise()));
        bench.opens("accepted-on-first-use", 16).await;
        assert_eq!(bench.in_scope(), [print_of(&bench.credential)]);
    })
    .await;
}

/// Another certificate is imported at some moment of an acceptance: that one counts.
async fn overtaken_by_import(bench: &Bench, imported: anchorhold_kernel::Fingerprint, row: u8) {
    bench.refuses("certificate-mismatch", row).await;
    bench.nothing_accepted();
    assert_eq!(bench.in_scope(), [imported], "one pin, the operator's");
    assert_eq!(bench.labels("keydb").len(), 1, "and nothing beside it");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_during_the_handshake_counts() {
    within(async {
        for (strict, row) in [(false, 11), (true, 4)] {
            let mut bench = Bench::set(ENHANCED).await;
            let (operator, good) = (bench.operator(), own());
            let imported = print_of(&good);
            bench.context.dial = meanwhile(3, move || operator.import(&good, None, strict));
            overtaken_by_import(&bench, imported, row).await;
            assert_eq!(bench.told("intent-begun").len(), 0, "nothing was begun");
        }
    })
    .await;
}

/// Another certificate is imported under a label right after each of the steps.
async fn imported_between_steps(label: Option<&'static str>) {
    for (step, strict, row) in BEFORE
        .map(|step| [(step, false, 11), (step, true, 4)])
        .concat()
    {
        let mut bench = Bench::set(ENHANCED).await;
        let (operator, good) = (bench.operator(), own());
        let imported = print_of(&good);
        let import = move || operator.import(&good, label, strict);
        bench.context.pause = Some(after(step, import));
        overtaken_by_import(&bench, imported, row).await;
        if step != Step::Intended || label.is_some() {
            let withdrawn = bench.told("acceptance-withdrawn");
            assert_eq!(withdrawn.len(), 1, "{step:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_between_two_steps_counts() {
    within(imported_between_steps(Some("corp"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_takes_the_label_counts() {
    within(imported_between_steps(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_of_the_very_certificate_leaves_one_pin() {
    within(async {
        for (step, strict) in BEFORE
            .iter()
            .flat_map(|step| [(*step, false), (*step, true)])
        {
            let mut bench = Bench::set(ENHANCED).await;
            let (operator, same) = (bench.operator(), bench.credential.clone());
            let import = move || operator.import(&same, None, strict);
            bench.context.pause = Some(after(step, import));
            let (report, session) = bench.connect().await;
            assert_eq!(
                report.decision,
                Outcome::Tls,
                "{step:?}: {}",
                report.message
            );
            assert!(session.is_some());
            assert_eq!(bench.in_scope(), [print_of(&bench.credential)], "{step:?}");
            assert_eq!(bench.labels("keydb").len(), 1, "{step:?}");
            assert_eq!(bench.context.state.intents().expect("intents"), []);
            bench.context.pause = None;
            bench.opens("held-certificate", 4).await;
        }
    })
    .await;
}

/// Something happens between the answer in clear and the plain session.
async fn before_plain(happens: impl Fn(&Operator) + Send + Sync + 'static) -> Bench {
    let mut bench = Bench::set(EARLIER).await;
    let operator = bench.operator();
    bench.context.dial = meanwhile(2, move || happens(&operator));
    bench
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_raised_before_its_plain_session_gets_none() {
    within(async {
        let bench = before_plain(Operator::raise).await;
        let report = bench.refuses("certificate-lost", 3).await;
        assert!(strict(&report));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_with_strict_before_a_plain_session_forbids_it() {
    within(async {
        let bench = before_plain(|operator| operator.import(&own(), None, true)).await;
        // An earlier server speaks no TLS on its common port.
        let report = bench.refuses("downgrade", 4).await;
        assert!(strict(&report));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_to_another_program_forbids_a_plain_session() {
    within(async {
        let bench = before_plain(|operator| {
            operator.change(|change| {
                let known = Record::new(operator.server.clone(), 0);
                let announced = Some("8.1.2.0".to_owned());
                change.put_record(&Record { announced, ..known });
            });
        });
        let report = bench.await.refuses("level-fell", 5).await;
        assert!(!strict(&report));
    })
    .await;
}
