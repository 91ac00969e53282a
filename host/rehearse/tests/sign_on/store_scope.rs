//! Which store an accepted certificate goes to, and for which servers it is then.

use crate::bench::{Bench, ENHANCED, opens, own, print_of, refuses, stanza, strict, within};
use anchorhold_kernel::ServerName;
use anchorhold_rehearse::server::{Character, Server};
use anchorhold_sdk::testing::Contents;
use anchorhold_state::{CertificateKind, ScopeRow, Servers};
use std::collections::BTreeSet;

anchorhold_sdk::builtin!(anchorhold_sdk::testing::PLUGIN);

fn named(names: &[&str]) -> Servers {
    let names = names.iter().map(|name| ServerName::new(*name));
    Servers::Named(names.collect::<BTreeSet<_>>())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_certificate_of_two_servers_is_held_for_both() {
    within(async {
        let bench = Bench::set(ENHANCED).await;
        let character = Character::new(ENHANCED, bench.credential.clone());
        let server = Server::start(character, false).await.expect("a server");
        let second = stanza("TSM2", &server);
        bench.opens("accepted-on-first-use", 16).await;
        let label = bench.labels("keydb");
        opens(&bench.context, &second, "accepted-on-first-use", 16).await;
        let row = bench.context.state.scope_row(&print_of(&bench.credential));
        let expected = ScopeRow {
            kind: CertificateKind::Pin,
            servers: named(&["TSM1", "TSM2"]),
        };
        assert_eq!(row.expect("a scope table"), Some(expected));
        assert_eq!(label, ["TSM server TSM1 self-signed key"]);
        assert_eq!(
            bench.labels("keydb"),
            label,
            "one item, and its label stays"
        );
        for _ in 0..2 {
            bench.opens("held-certificate", 4).await;
            opens(&bench.context, &second, "held-certificate", 4).await;
        }
        assert_eq!(bench.told("accepted-on-first-use").len(), 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn acceptance_does_not_make_a_pin_of_another_servers_ca() {
    within(async {
        let bench = Bench::set(ENHANCED).await;
        let row = ScopeRow {
            kind: CertificateKind::Anchor,
            servers: named(&["TSM9"]),
        };
        let certificate = print_of(&bench.credential);
        let operator = bench.operator();
        operator.change(|change| change.put_scope(certificate, &row));
        let report = bench.refuses("acceptance-needs-valid", 16).await;
        assert!(!strict(&report));
        bench.nothing_accepted();
        let kept = bench.context.state.scope_row(&certificate);
        assert_eq!(kept.expect("a scope table"), Some(row));
        assert_eq!(bench.labels("keydb"), [""; 0]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn acceptance_goes_where_the_policy_says() {
    within(async {
        let mut bench = Bench::set(ENHANCED).await;
        bench.context.default_stores = vec!["keydb".to_owned(), "other".to_owned()];
        bench.stanza.policy.accept_into = Some("other".to_owned());
        let report = bench.opens("accepted-on-first-use", 16).await;
        assert_eq!(report.certificate.expect("a certificate").store, "other");
        assert_eq!(bench.labels("keydb"), [""; 0]);
        assert_eq!(bench.labels("other").len(), 1);
        bench.opens("held-certificate", 4).await;
    })
    .await;
}

/// There is no store to keep the certificate in: nothing is begun, and nobody is strict.
async fn kept_nowhere(bench: &Bench, named: &str) {
    for _ in 0..2 {
        let report = bench.refuses("no-writable-store", 16).await;
        assert_eq!(report.exit(), 2);
        assert!(!strict(&report));
        assert!(report.message.contains(named), "{}", report.message);
    }
    bench.nothing_accepted();
    assert_eq!(bench.told("intent-begun").len(), 0);
    assert_eq!(bench.in_scope(), []);
    assert_eq!(bench.labels("keydb"), [""; 0]);
    assert_eq!(bench.labels("other"), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_not_the_servers_takes_nothing() {
    within(async {
        for named in ["other", "nowhere"] {
            let mut bench = Bench::set(ENHANCED).await;
            bench.stanza.policy.accept_into = Some(named.to_owned());
            kept_nowhere(&bench, "accept_into").await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_cannot_be_written_takes_nothing() {
    within(async {
        let mut bench = Bench::set(ENHANCED).await.with_store(READ_ONLY);
        bench.context.default_stores = vec!["keydb".to_owned(), "token".to_owned()];
        bench.stanza.policy.accept_into = Some("token".to_owned());
        kept_nowhere(&bench, "accept_into").await;
        let contents = Contents::named("read-only-token");
        assert_eq!((contents.items().len(), contents.applies()), (0, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_file_store_nothing_is_kept() {
    within(async {
        let mut bench = Bench::set(ENHANCED).await.with_store(READ_ONLY);
        bench.context.default_stores = vec!["token".to_owned()];
        kept_nowhere(&bench, "file store").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_forgets_what_it_took_is_refused() {
    within(async {
        let mut bench = Bench::set(ENHANCED).await.with_store(FORGETFUL);
        bench.context.default_stores = vec!["token".to_owned()];
        bench.stanza.policy.accept_into = Some("token".to_owned());
        let report = bench.refuses("store-unavailable", 16).await;
        assert!(report.message.contains("token"), "{}", report.message);
        bench.nothing_accepted();
        assert_eq!(bench.in_scope(), []);
        // Somebody else's certificate is not taken for the one that was forgotten.
        bench
            .server
            .change(|character| character.credential = own());
        refuses(&bench.context, &bench.stanza, "store-unavailable", 16).await;
    })
    .await;
}

const READ_ONLY: &str = r#"
name = "token"
plugin = "anchorhold.testing.memory"
settings = { contents = "read-only-token", fault = ["read-only"] }
"#;

const FORGETFUL: &str = r#"
name = "token"
plugin = "anchorhold.testing.memory"
settings = { contents = "forgetful-token", fault = ["forgets-writes"] }
"#;
