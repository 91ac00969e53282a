//! What is accepted on first use from a server that is not ours, and what never is.

use std::fs;

use crate::support::{Authority, Corp, Leaf, Served};

#[test]
fn acceptance_takes_no_ca_signed_certificate_and_the_remedy_works_when_pasted() {
    let Some(mut corp) = Corp::found() else {
        return;
    };
    corp.home.configure(ENHANCED);
    let _server = corp.serve(&Leaf::GOOD, &[]);
    let report = corp.refused("acceptance-needs-self-signed");
    assert_eq!(report["row"], 15);
    assert!(
        corp.home.database().symlink_metadata().is_err(),
        "nothing was accepted"
    );
    let remedy = report["remedy"].as_str().expect("a remedy");
    fs::copy(corp.home.path("root.pem"), corp.home.path("ca.pem")).expect("copied");
    corp.home.shell(remedy).exits(0);
    corp.vouched();
}

#[test]
fn acceptance_takes_no_self_signed_certificate_that_brings_another_along() {
    let Some(mut corp) = Corp::found() else {
        return;
    };
    corp.home.configure(ENHANCED);
    let stock = corp.openssl.stock("stock");
    let server = Served::with_chain(&stock, &corp.root.identity().certificate, &[]);
    corp.name(&server, &[]);
    let report = corp.home.json(1, &["connect", "TSM1"]);
    let code = report["code"].as_str().expect("a code");
    assert!(code.starts_with("acceptance-needs-"), "{code}");
    assert!(
        corp.home.database().symlink_metadata().is_err(),
        "nothing was accepted"
    );
}

#[test]
fn acceptance_takes_no_other_certificate_than_the_policy_expects() {
    let Some(mut corp) = Corp::found() else {
        return;
    };
    let stock = corp.openssl.stock("stock");
    let server = Served::start(&stock, &[]);
    corp.name(&server, &[]);
    let expect = |digits: &str| format!("{ENHANCED}expect = \"sha256:{digits}\"\n");
    corp.home.configure(&expect(&corp.root.identity().sha256()));
    assert_eq!(corp.refused("acceptance-needs-valid")["row"], 17);
    assert!(
        corp.home.database().symlink_metadata().is_err(),
        "nothing was accepted"
    );
    corp.home.configure(&expect(&stock.sha256()));
    let report = corp.home.json(0, &["connect", "TSM1"]);
    assert_eq!(report["code"], "accepted-on-first-use");
    assert_eq!(report["row"], 16);
    assert_eq!(report["session_security"], "strict");
    assert_eq!(
        report["certificate"]["sha256"].as_str(),
        Some(&*stock.sha256())
    );
    assert_eq!(corp.home.json(0, &["connect", "TSM1"])["row"], 4);
}

#[test]
fn acceptance_takes_no_expired_certificate() {
    let Some(mut corp) = Corp::found() else {
        return;
    };
    corp.home.configure(ENHANCED);
    let leaf = Leaf {
        validity: ("20200101000000Z", "20210101000000Z"),
        ..Leaf::GOOD
    };
    let identity = Authority::itself(&corp.openssl, &leaf);
    let server = Served::start(&identity, &[]);
    corp.name(&server, &[]);
    let report = corp.refused("acceptance-needs-valid");
    assert_eq!(report["row"], 17);
    let message = report["message"].as_str().expect("a message");
    assert!(
        message.contains("expired") || message.contains("2021"),
        "{message}"
    );
}

/// The policy of a server that is declared to be enhanced, because openssl tells no level.
const ENHANCED: &str = "[server.TSM1]\nlevel = \"8.1.2\"\n";
