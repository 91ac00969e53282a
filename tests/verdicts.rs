//! Verdicts without a connection: for a server, and by a file of anchors.

use std::fs;

use serde_json::Value;

use crate::support::{Authority, Corp, Identity, Leaf, stanza};

#[test]
fn verify_judges_for_a_server_without_a_connection_and_without_the_ledger() {
    let Some(mut corp) = Corp::found() else {
        return;
    };
    let leaf = corp.intermediate.sign(&Leaf::GOOD);
    let chain = [&leaf, corp.intermediate.identity()]
        .map(Identity::pem)
        .concat();
    corp.home.write("chain.pem", &chain);
    corp.home.write("dsm.sys", stanza("TSM1", 1, &[]));
    corp.home.take_options(&["--options", "dsm.sys"]);
    let judge = |exit: i32| {
        corp.home
            .json(exit, &["verify", "chain.pem", "--server", "TSM1"])
    };
    let verdict = judge(1);
    assert_eq!(verdict["trusted"], false);
    assert_eq!(verdict["code"], "certificate-needed");
    assert_eq!(verdict["by"], Value::Null);
    assert!(corp.home.snapshot().is_empty(), "nothing was written");
    corp.anchor();
    let verdict = judge(0);
    assert_eq!(verdict["trusted"], true);
    assert_eq!(
        verdict["by"]["sha256"].as_str(),
        Some(&*corp.root.identity().sha256())
    );
    assert_eq!(verdict["by"]["store"], "keydb");
    assert_eq!(verdict["by"]["plugin"], "anchorhold.keydb");
    let path = [&leaf, corp.intermediate.identity(), corp.root.identity()];
    let path = path.map(|identity| Value::from(identity.sha256()));
    assert_eq!(
        verdict["chain"].as_array().map(Vec::as_slice),
        Some(&path[..])
    );
    corp.home.write(
        "dsm.sys",
        stanza("TSM1", 1, &[]).replace("127.0.0.1", "127.0.0.9"),
    );
    assert_eq!(judge(1)["code"], "name-mismatch");
    corp.home
        .configure("[server.TSM1]\nname_check = \"server.example\"\n");
    assert_eq!(judge(0)["trusted"], true);
    corp.home
        .json(2, &["verify", "chain.pem", "--server", "TSM2"]);
    corp.home
        .json(2, &["verify", "leaf.key", "--server", "TSM1"]);
    corp.home
        .json(2, &["verify", "nowhere.pem", "--server", "TSM1"]);
}

#[test]
fn verify_judges_by_a_file_of_anchors_and_nothing_else() {
    let Some(corp) = Corp::found() else { return };
    let leaf = corp.intermediate.sign(&Leaf::GOOD);
    let expired = corp.intermediate.sign(&Leaf {
        name: "expired",
        validity: ("20200101000000Z", "20210101000000Z"),
        ..Leaf::GOOD
    });
    Authority::root(&corp.openssl, "stranger");
    corp.home.write(
        "chain.pem",
        [&leaf, corp.intermediate.identity()]
            .map(Identity::pem)
            .concat(),
    );
    let judge = |exit: i32, chain: &str, more: &[&str]| {
        let words = [&["verify", chain, "--anchors"], more].concat();
        corp.home.json(exit, &words)
    };
    let verdict = judge(0, "chain.pem", &["root.pem", "--name", "server.example"]);
    assert_eq!(verdict["trusted"], true);
    assert_eq!(
        verdict["by"]["sha256"].as_str(),
        Some(&*corp.root.identity().sha256())
    );
    assert_eq!(judge(0, "chain.pem", &["root.pem"])["trusted"], true);
    assert_eq!(
        judge(0, "chain.pem", &["root.pem", "--name", "127.0.0.1"])["trusted"],
        true
    );
    let wrong = judge(1, "chain.pem", &["root.pem", "--name", "other.example"]);
    assert_eq!(wrong["code"], "name-mismatch");
    assert_eq!(judge(1, "chain.pem", &["stranger.pem"])["trusted"], false);
    assert_eq!(judge(1, "leaf.pem", &["root.pem"])["trusted"], false);
    let whole = ["root.pem", "--intermediates", "intermediate.pem"];
    assert_eq!(judge(0, "leaf.pem", &whole)["trusted"], true);
    let late = judge(1, "expired.pem", &whole);
    assert_eq!(late["code"], "certificate-expired");
    let then = [&whole[..], &["--at", "2020-06-01T00:00:00Z"]].concat();
    let verdict = judge(0, "expired.pem", &then);
    assert_eq!(
        verdict["chain"][0].as_str(),
        Some(&*expired.sha256()),
        "it was good then"
    );
    judge(2, "chain.pem", &["leaf.key"]);
    judge(2, "chain.pem", &["nowhere.pem"]);
    let words = ["verify", "-", "--anchors", "root.pem", "--json"];
    let chain = fs::read(corp.home.path("chain.pem")).expect("written");
    let outcome = corp.home.run_with(&words, &chain).exits(0);
    assert_eq!(outcome.document()["trusted"], true);
    assert!(corp.home.snapshot().is_empty(), "nothing was written");
}

#[test]
fn a_name_constraint_of_the_ca_binds() {
    let Some(corp) = Corp::found() else { return };
    let constrained = corp
        .root
        .constrained("constrained", "permitted;DNS:.corp.example");
    let inside = constrained.sign(&Leaf {
        name: "inside",
        names: "DNS:a.corp.example",
        ..Leaf::GOOD
    });
    let outside = constrained.sign(&Leaf {
        name: "outside",
        names: "DNS:server.example",
        ..Leaf::GOOD
    });
    let judge = |exit: i32, name: &str| {
        let words = [
            "verify",
            name,
            "--anchors",
            "root.pem",
            "--intermediates",
            "constrained.pem",
        ];
        corp.home.json(exit, &words)
    };
    assert_eq!(judge(0, "inside.pem")["trusted"], true);
    assert_eq!(judge(1, "outside.pem")["trusted"], false);
    assert_ne!(inside.sha256(), outside.sha256());
}
