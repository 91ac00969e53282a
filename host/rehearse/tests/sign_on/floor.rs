//! Levels, TLS versions and name checks that are less than before, and what the journal has then.

use crate::bench::{Bench, ENHANCED, own, print_of, within};
use crate::road::{Fate, judged};
use anchorhold_rehearse::server::{Character, Versions};
use anchorhold_session::level::Level;
use anchorhold_session::policy::{Floor, Name};
use anchorhold_session::transport::Direct;
use anchorhold_state::{Allow, Record, RecordedLevel};
use std::sync::Arc;

const LATER: Level = Level::new(8, 1, 9, 0);

/// A session at 8.1.9.0 is on record, and the policy holds the level.
async fn held_at_level() -> Bench {
    let mut bench = Bench::of(Character::new(LATER, own())).await;
    bench.opens("accepted-on-first-use", 16).await;
    assert_eq!(
        level(&bench),
        ("8.1.9.0".to_owned(), "inside-tls".to_owned())
    );
    bench.stanza.policy.level_floor = Floor::Hold;
    bench
}

fn level(bench: &Bench) -> (String, String) {
    let level = bench.record().level.expect("a level");
    (level.value, level.evidence)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lower_level_is_refused_and_journalled_where_it_is_held() {
    within(async {
        let bench = held_at_level().await;
        bench.opens("held-certificate", 4).await;
        bench.server.change(|character| character.level = ENHANCED);
        let report = bench.refuses("level-fell", 4).await;
        assert!(report.warns("level-lower-than-recorded"));
        let told = bench.told("level-lower-than-recorded");
        assert_eq!(told.len(), 1);
        assert!(told[0].detail.contains("8.1.2.0") && told[0].detail.contains("8.1.9.0"));
        assert_eq!(level(&bench).0, "8.1.9.0", "a refusal teaches nothing");
        bench.server.change(|character| character.level = LATER);
        bench.opens("held-certificate", 4).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_untold_level_is_refused_and_journalled_where_it_is_held() {
    within(async {
        for fate in [Fate::Refused, Fate::HungUp] {
            let mut bench = held_at_level().await;
            // The first connection carries the question inside TLS, the second the session.
            bench.context.dial = judged(move |number| match number {
                1 => fate,
                _ => Fate::Straight,
            });
            bench.refuses("level-fell", 4).await;
            assert_eq!(bench.told("level-lower-than-recorded").len(), 1, "{fate:?}");
            bench.context.dial = Arc::new(Direct);
            bench.opens("held-certificate", 4).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lower_level_goes_on_and_is_journalled_where_it_is_not_held() {
    within(async {
        let mut bench = held_at_level().await;
        bench.stanza.policy.level_floor = Floor::Warn;
        bench.server.change(|character| {
            // Nobody would ask for a level while nothing else has changed.
            (character.level, character.versions) = (ENHANCED, Versions::Tls12);
        });
        let report = bench.opens("held-certificate", 4).await;
        assert!(report.warns("level-lower-than-recorded"));
        assert_eq!(bench.told("level-lower-than-recorded").len(), 1);
        assert_eq!(level(&bench).0, "8.1.2.0");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_level_that_was_told_in_clear_never_holds_a_true_one_off() {
    within(async {
        for evidence in ["announced", "declared"] {
            let bench = held_at_level().await;
            let known = bench.record();
            let forged = RecordedLevel {
                value: "8.1.99.0".to_owned(),
                evidence: evidence.to_owned(),
            };
            bench.operator().change(|change| {
                change.put_record(&Record {
                    level: Some(forged),
                    ..known
                });
            });
            bench.server.change(|character| character.level = ENHANCED);
            let report = bench.opens("held-certificate", 4).await;
            assert!(!report.warns("level-lower-than-recorded"), "{evidence}");
            assert_eq!(
                level(&bench),
                ("8.1.2.0".to_owned(), "inside-tls".to_owned())
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn first_use_by_leave_is_held_to_the_level_as_well() {
    within(async {
        let mut bench = held_at_level().await;
        bench.operator().remove(&bench.credential);
        bench.operator().lower(Allow::Accept);
        bench.server.change(|character| character.level = ENHANCED);
        bench.refuses("level-fell", 16).await;
        assert_eq!(bench.told("level-lower-than-recorded").len(), 1);
        assert_eq!(
            (bench.labels("keydb").len(), bench.in_scope().len()),
            (0, 0)
        );
        bench.stanza.policy.level_floor = Floor::Warn;
        bench.opens("accepted-on-first-use", 16).await;
        assert_eq!(
            bench.told("level-lower-than-recorded").len(),
            2,
            "not held, and told"
        );
    })
    .await;
}

/// A session with TLS 1.3 is on record, the policy holds the version, and the server offers 1.2.
async fn held_at_version() -> Bench {
    let mut bench = Bench::set(ENHANCED).await;
    bench.opens("accepted-on-first-use", 16).await;
    assert_eq!(bench.record().tls_version.as_deref(), Some("1.3"));
    bench.stanza.policy.tls_floor = Floor::Hold;
    bench
        .server
        .change(|character| character.versions = Versions::Tls12);
    bench
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lower_version_is_refused_and_journalled_where_it_is_held() {
    within(async {
        let bench = held_at_version().await;
        let report = bench.refuses("tls-version-fell", 4).await;
        assert!(report.warns("tls-version-fell"));
        let told = bench.told("tls-version-fell");
        assert_eq!(told.len(), 1);
        assert!(told[0].detail.contains("1.2") && told[0].detail.contains("1.3"));
        assert_eq!(bench.record().tls_version.as_deref(), Some("1.3"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn first_use_by_leave_is_held_to_the_version_as_well() {
    within(async {
        let mut bench = held_at_version().await;
        bench.operator().remove(&bench.credential);
        bench.operator().lower(Allow::Accept);
        bench.refuses("tls-version-fell", 16).await;
        assert_eq!(bench.told("tls-version-fell").len(), 1);
        assert_eq!(
            bench.told("accepted-on-first-use").len(),
            1,
            "the first one only"
        );
        assert_eq!(
            (bench.labels("keydb").len(), bench.in_scope().len()),
            (0, 0)
        );
        bench.stanza.policy.tls_floor = Floor::Warn;
        bench.opens("accepted-on-first-use", 16).await;
        assert_eq!(
            bench.told("tls-version-fell").len(),
            2,
            "not held, and told"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_without_name_check_is_journalled_with_what_it_changed() {
    within(async {
        let (mut bench, next) = (Bench::set(ENHANCED).await, own());
        bench.stanza.policy.name = Name::Off;
        let operator = bench.operator();
        operator.import(&bench.credential, None, true);
        operator.import(&next, None, true);
        bench.opens("held-certificate", 4).await;
        assert_eq!(bench.told("name-check-off").len(), 1);
        let after = print_of(&next);
        bench.server.change(|character| {
            (character.credential, character.versions) = (next, Versions::Tls12);
        });
        bench.opens("held-certificate", 4).await;
        assert_eq!(bench.told("name-check-off").len(), 2, "each session");
        let told = bench.told("record-updated");
        let last = told.last().expect("what changed is told as well");
        for part in ["TLS 1.2 (was 1.3)", &after.to_string()] {
            assert!(last.detail.contains(part), "{part}: {}", last.detail);
        }
    })
    .await;
}
