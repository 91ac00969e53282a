//! What a machine that died left open: completed, undone, or in nobody's way.

use crate::bench::{Bench, ENHANCED, attempt, own, print_of, strict, within};
use crate::operator::Operator;
use anchorhold_rehearse::certificate::Credential;
use anchorhold_session::accept::{Settled, settle};
use anchorhold_state::Allow;

/// An acceptance is open whose certificate arrives in the store only after something else.
async fn late(between: impl FnOnce(&Operator)) -> (Bench, Credential) {
    let (bench, evil) = (Bench::set(ENHANCED).await, own());
    let operator = bench.operator();
    operator.intend(print_of(&evil), "keydb");
    between(&operator);
    operator.put(&evil, "a late one");
    (bench, evil)
}

/// The late certificate is gone, and the journal says so.
#[track_caller]
fn withdrawn(bench: &Bench, evil: &Credential) {
    let settled = settle(&bench.context).expect("settled");
    assert!(matches!(&settled[..], [Settled::Undone(_)]), "{settled:?}");
    let late = print_of(evil);
    let scope = bench.context.state.scope_row(&late);
    assert_eq!(scope.expect("a scope table"), None);
    assert!(!bench.labels("keydb").contains(&"a late one".to_owned()));
    let told = bench.told("acceptance-withdrawn");
    let told: Vec<_> = told
        .iter()
        .map(|entry| {
            (
                entry.server.as_ref(),
                entry.certificate,
                entry.store.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [(Some(&bench.stanza.name), Some(late), Some("keydb"))]
    );
    bench.nothing_accepted();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_became_strict_gets_no_late_certificate() {
    within(async {
        let genuine = own();
        let (bench, evil) = late(|operator| operator.import(&genuine, None, true)).await;
        withdrawn(&bench, &evil);
        assert_eq!(bench.in_scope(), [print_of(&genuine)]);
        bench.server.change(|character| character.credential = evil);
        bench.refuses("certificate-mismatch", 4).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_raised_by_hand_gets_no_late_certificate() {
    within(async {
        let (bench, evil) = late(Operator::raise).await;
        withdrawn(&bench, &evil);
        assert_eq!(bench.in_scope(), []);
        bench.server.change(|character| character.credential = evil);
        bench.refuses("certificate-lost", 3).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_imported_certificate_is_not_joined_by_a_late_one() {
    within(async {
        let genuine = own();
        let (bench, evil) = late(|operator| operator.import(&genuine, None, false)).await;
        withdrawn(&bench, &evil);
        assert_eq!(bench.in_scope(), [print_of(&genuine)]);
        assert!(
            !bench
                .context
                .state
                .server(&bench.stanza.name)
                .expect("a ledger")
                .is_strict()
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leave_for_plain_sessions_completes_no_acceptance() {
    within(async {
        let (bench, evil) = late(|operator| operator.lower(Allow::Plain)).await;
        withdrawn(&bench, &evil);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sign_on_itself_settles_what_is_late() {
    within(async {
        let genuine = own();
        let (bench, evil) = late(|operator| operator.import(&genuine, None, true)).await;
        bench.server.change(|character| character.credential = evil);
        bench.refuses("certificate-mismatch", 4).await;
        bench.nothing_accepted();
        assert_eq!(bench.in_scope(), [print_of(&genuine)]);
        assert_eq!(bench.labels("keydb").len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_speaks_against_it_a_late_certificate_is_kept() {
    within(async {
        let bench = Bench::set(ENHANCED).await;
        let operator = bench.operator();
        operator.intend(print_of(&bench.credential), "keydb");
        operator.put(&bench.credential, "a late one");
        let settled = settle(&bench.context).expect("settled");
        assert!(
            matches!(&settled[..], [Settled::Completed(_)]),
            "{settled:?}"
        );
        let report = bench.opens("held-certificate", 4).await;
        assert!(strict(&report));
        assert_eq!(bench.told("accepted-on-first-use").len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_servers_open_acceptance_is_in_nobodys_way() {
    within(async {
        let bench = Bench::set(ENHANCED).await;
        let intent = bench.operator_of("A").intend(print_of(&own()), "keydb");
        let state = bench.another_program().state;
        let guard = state.lock("server-a").expect("free");
        bench.opens("accepted-on-first-use", 16).await;
        let left = settle(&bench.context).expect("settled");
        assert!(
            matches!(&left[..], [Settled::Left(one, _)] if *one == intent),
            "{left:?}"
        );
        drop(guard);
        let undone = settle(&bench.context).expect("settled");
        assert_eq!(undone, [Settled::Undone(intent)]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_acceptance_of_another_server_is_in_nobodys_way() {
    within(async {
        let bench = Bench::set(ENHANCED).await.with_store(DOWN);
        bench.operator_of("A").intend(print_of(&own()), "token");
        bench.opens("accepted-on-first-use", 16).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_acceptance_names_the_store_that_does_not_answer() {
    within(async {
        let bench = Bench::set(ENHANCED).await.with_store(DOWN);
        let intent = bench.operator().intend(print_of(&own()), "token");
        let report = bench.refuses("store-unavailable", 16).await;
        assert_eq!(report.exit(), 3);
        assert!(report.message.contains("\"token\""), "{}", report.message);
        assert_eq!(bench.context.state.intents().expect("intents"), [intent]);
        assert_eq!(bench.labels("keydb"), [""; 0]);
        assert_eq!(bench.in_scope(), []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acceptance_into_a_store_that_is_no_more_is_undone() {
    within(async {
        let bench = Bench::set(ENHANCED).await;
        bench.operator().intend(print_of(&own()), "renamed");
        let ended = attempt(&bench.context, &bench.stanza).await;
        let (report, _) = ended.expect("no fault of this machine");
        assert_eq!(report.code.as_str(), "accepted-on-first-use");
        let undone = bench.told("intent-undone");
        assert_eq!(undone.len(), 1);
        assert_eq!(undone[0].store.as_deref(), Some("renamed"));
    })
    .await;
}

/// A store that is configured and cannot be opened.
const DOWN: &str = r#"
name = "token"
plugin = "anchorhold.absent"
"#;
