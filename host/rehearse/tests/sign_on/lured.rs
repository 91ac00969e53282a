//! Somebody answers in the place of a server that claimed an enhanced level before.

use crate::bench::{Bench, EARLIER, ENHANCED, expired, own, signed, strict, within};
use crate::road::{Fate, judged};
use anchorhold_rehearse::certificate::Credential;
use anchorhold_rehearse::server::{Character, Manners};
use anchorhold_session::level::Level;
use anchorhold_session::transport::Direct;
use std::sync::Arc;
use std::time::Duration;

async fn bench(credential: Credential) -> Bench {
    Bench::of(Character::new(ENHANCED, credential)).await
}

/// The claim is in the ledger, and whoever claims less now gets no session.
async fn lured_back(bench: &mut Bench) {
    let announced = bench.record().announced;
    assert_eq!(announced.as_deref(), Some("8.1.2.0"), "the claim is kept");
    let lure = Manners::Luring(Level::new(7, 1, 0, 0));
    bench.server.change(|character| character.manners = lure);
    bench.context.dial = Arc::new(Direct);
    for _ in 0..2 {
        let report = bench.refuses("level-fell", 5).await;
        assert!(!strict(&report), "a refusal makes nobody strict");
    }
    bench.nothing_accepted();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_outlives_a_refusal_after_tls() {
    within(async {
        let mut bench = bench(signed()).await;
        bench.refuses("acceptance-needs-self-signed", 15).await;
        lured_back(&mut bench).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_outlives_what_is_told_of_ldap() {
    within(async {
        let mut bench = bench(own()).await;
        bench.server.change(|character| character.ldap = true);
        bench.refuses("acceptance-barred-by-ldap", 14).await;
        lured_back(&mut bench).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_outlives_a_certificate_that_cannot_be_accepted() {
    within(async {
        let mut bench = bench(expired()).await;
        bench.refuses("acceptance-needs-valid", 17).await;
        lured_back(&mut bench).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_outlives_a_certificate_that_does_not_vouch() {
    within(async {
        let mut bench = bench(own()).await;
        bench.operator().import(&own(), None, false);
        bench.refuses("certificate-mismatch", 11).await;
        lured_back(&mut bench).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_outlives_a_connection_that_ends() {
    within(async {
        // The first connection carries the question in clear, the second the one inside TLS, the
        // third the session.
        for number in [2, 3] {
            for (fate, code) in [
                (Fate::Refused, "server-unreachable"),
                (Fate::HungUp, "tls-unavailable"),
            ] {
                let mut bench = bench(own()).await;
                bench.context.dial = judged(move |at| match at == number {
                    true => fate,
                    false => Fate::Straight,
                });
                bench.refuses(code, 16).await;
                lured_back(&mut bench).await;
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_outlives_a_refusal_with_ssl_yes() {
    within(async {
        let mut bench = bench(signed()).await;
        bench.stanza.ssl = true;
        bench.refuses("acceptance-needs-self-signed", 15).await;
        lured_back(&mut bench).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_made_only_inside_tls_counts_as_well() {
    within(async {
        let mut bench = bench(signed()).await;
        bench
            .server
            .change(|character| character.manners = Manners::Silent);
        bench.context.limits.level = Duration::from_millis(500);
        bench.refuses("acceptance-needs-self-signed", 15).await;
        lured_back(&mut bench).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_does_not_bring_plain_back() {
    within(async {
        let mut bench = bench(own()).await;
        bench.stanza.accept = false;
        bench.stanza.policy.level = Some(EARLIER);
        bench.refuses("certificate-needed", 12).await;
        assert_eq!(bench.record().announced.as_deref(), Some("8.1.2.0"));
        bench
            .server
            .change(|character| character.manners = Manners::Silent);
        bench.context.limits.level = Duration::from_millis(300);
        for _ in 0..2 {
            let report = bench.refuses("level-fell", 5).await;
            assert!(!strict(&report));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declared_earlier_server_that_claims_nothing_goes_on_in_plain() {
    within(async {
        let mut bench = Bench::set(EARLIER).await;
        bench.stanza.policy.level = Some(EARLIER);
        bench
            .server
            .change(|character| character.manners = Manners::Silent);
        bench.context.limits.level = Duration::from_millis(300);
        bench.opens("existing-protocol", 9).await;
    })
    .await;
}
