//! What is done with the token of every maker.

use std::path::Path;

use serde_json::{Value, json};

use super::scene::{Maker, Scene};
use crate::support::{Served, stanza};

pub(super) fn a_certificate_is_imported_listed_used_and_removed(scene: &Scene) {
    let sha256 = scene.server.sha256();
    assert_eq!(scene.import()["imported"][0]["outcome"], "new");
    let listed = scene.listed();
    let [one] = listed.as_slice() else {
        panic!("{listed:#?}");
    };
    assert_eq!(one["sha256"], sha256.as_str());
    assert_eq!(one["label"], "TSM server TSM1 self-signed key");
    assert_eq!(one["servers"], json!(["TSM1"]));
    assert_eq!(one["kind"], "pin");
    if scene.maker == Maker::SoftHsm {
        let objects = scene.pkcs11("corp", &["--list-objects"]);
        objects.says("label:      TSM server TSM1 self-signed key");
    }
    assert_eq!(scene.import()["imported"][0]["outcome"], "unchanged");
    let words = ["remove", &sha256, "--all", "--store", "hsm"];
    scene.home.run(&words).exits(0);
    assert!(scene.listed().is_empty());
    scene.home.run(&["store", "check"]).exits(0);
}

pub(super) fn a_label_is_changed_by_importing_again(scene: &Scene) {
    scene.import();
    let certificate = scene.server.certificate.to_string_lossy().into_owned();
    let words = ["import", "--server", "TSM1", "--store", "hsm", &certificate];
    let again = scene
        .home
        .json(0, &[&words[..], &["--label", "ours"]].concat());
    assert_eq!(again["imported"][0]["outcome"], "updated", "{again:#}");
    let listed = scene.listed();
    assert_eq!(listed.len(), 1, "{listed:#?}");
    assert_eq!(listed[0]["label"], "ours");
}

pub(super) fn a_foreign_certificate_is_unscoped_until_scope_says_whom_it_is_for(scene: &Scene) {
    scene.put_foreign(&scene.server.certificate, "foreign");
    let sha256 = scene.server.sha256();
    let entry = |scene: &Scene| -> Value {
        let listed = scene.listed();
        let found = listed.iter().find(|one| one["sha256"] == sha256.as_str());
        found.unwrap_or_else(|| panic!("{listed:#?}")).clone()
    };
    assert_eq!(entry(scene)["servers"], "none");
    let chain = scene.server.certificate.to_string_lossy().into_owned();
    let verify = ["verify", &chain, "--server", "TSM1"];
    assert_eq!(scene.home.json(1, &verify)["code"], "certificate-needed");
    let words = ["scope", &sha256, "--server", "TSM1", "--as", "pin"];
    scene.home.run(&words).exits(0);
    assert_eq!(entry(scene)["servers"], json!(["TSM1"]));
    let verdict = scene.home.json(0, &verify);
    assert_eq!(verdict["by"]["store"], "hsm", "{verdict:#}");
    assert_eq!(verdict["by"]["plugin"], "anchorhold.pkcs11", "{verdict:#}");
}

pub(super) fn a_server_is_pinned_by_the_token(scene: &Scene) {
    let served = Served::start(&scene.server, &[]);
    scene
        .home
        .write("dsm.sys", stanza("TSM1", served.port, &["SSL Yes"]));
    scene.hold();
    let report = scene.home.connects(0, "tls", "held-certificate", 11);
    assert_eq!(report["certificate"]["store"], "hsm", "{report:#}");
    assert_eq!(report["certificate"]["how"], "pin", "{report:#}");
    let hsm = scene.standing("hsm");
    assert_eq!(hsm["isolation"], "runner", "{hsm:#}");
    if crate::support::confines() {
        assert_eq!(hsm["sandbox"], "full", "{hsm:#}");
    }
    // Another certificate of the same name is another certificate.
    let other = scene.openssl.stock("other");
    let impostor = Served::start(&other, &[]);
    scene
        .home
        .write("dsm.sys", stanza("TSM1", impostor.port, &["SSL Yes"]));
    scene.home.connects(1, "refuse", "certificate-mismatch", 4);
}

pub(super) fn a_certificate_is_found_by_its_digest_and_no_other_is(scene: &Scene) {
    scene.hold();
    let told = scene.told();
    let find = |certificate: &Path| {
        let certificate = certificate.display().to_string();
        let mut words = vec!["plugin", "run"];
        words.extend(told.iter().map(String::as_str));
        words.extend(["find", &certificate]);
        scene.home.json(0, &words)
    };
    let found = find(&scene.server.certificate);
    let sha256 = scene.server.sha256();
    assert_eq!(found["items"][0]["sha256"], sha256.as_str(), "{found:#}");
    let other = scene.openssl.stock("other");
    let found = find(&other.certificate);
    assert_eq!(
        found["items"].as_array().map(Vec::len),
        Some(0),
        "{found:#}"
    );
}

pub(super) fn a_store_that_is_copied_is_whole(scene: &Scene) {
    scene.hold();
    let copied = scene.home.json(0, &["store", "copy", "hsm", "keydb"]);
    assert_eq!(copied["dry_run"], false, "{copied:#}");
    let list = scene.home.json(0, &["list", "--store", "keydb"]);
    assert_eq!(
        list["certificates"][0]["sha256"],
        scene.server.sha256().as_str()
    );
}

pub(super) fn a_store_that_is_only_read_is_not_written(scene: &Scene) {
    let certificate = scene.server.certificate.to_string_lossy().into_owned();
    let words = ["import", "--server", "TSM1", "--store", "hsm", &certificate];
    let outcome = scene.home.run(&words);
    assert_ne!(outcome.status.code(), Some(0), "{}", outcome.shown());
    outcome.says("hsm");
    assert!(scene.listed().is_empty());
}

pub(super) fn what_the_module_distrusts_is_refused(scene: &Scene) {
    scene.hold();
    let chain = scene.server.certificate.to_string_lossy().into_owned();
    let verify = ["verify", &chain, "--server", "TSM1"];
    scene.home.json(0, &verify);
    let blocked = scene.home.path("trust/blocklist/blocked.pem");
    std::fs::copy(&scene.server.certificate, blocked).expect("copied");
    let verdict = scene.home.json(1, &verify);
    assert_eq!(verdict["code"], "distrusted", "{verdict:#}");
    let listed = scene.listed();
    let kinds: Vec<_> = listed.iter().map(|one| one["kind"].clone()).collect();
    assert!(kinds.contains(&json!("distrust")), "{listed:#?}");
}
