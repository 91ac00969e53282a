//! Somebody changes the keychain or the file behind the store's back.

use std::fs;

use super::scene::{Scene, file};
use crate::support::Outcome;

/// What is held is missed, and nothing vouches.
#[track_caller]
fn refused(scene: &Scene) -> Outcome {
    let certificate = scene.server.certificate.to_string_lossy().into_owned();
    let verify = ["verify", &certificate, "--server", "TSM1"];
    let verdict = scene.home.run(&verify);
    assert!(!verdict.status.success(), "{}", verdict.shown());
    let words = ["import", "--server", "TSM1", "--store", "keychain"];
    let import = scene.home.run(&[&words[..], &[&certificate]].concat());
    assert!(!import.status.success(), "{}", import.shown());
    assert_eq!(scene.standing()["health"], "failed");
    scene.home.run(&["list", "--store", "keychain"]).exits(3)
}

#[test]
fn a_certificate_whose_record_is_taken_out_vouches_no_more() {
    let Some(scene) = Scene::new() else {
        return;
    };
    scene.import();
    let certificate = scene.server.certificate.to_string_lossy().into_owned();
    let verify = ["verify", &certificate, "--server", "TSM1"];
    scene.home.json(0, &verify);
    let sha256 = scene.server.sha256();
    let words = ["secret-tool", "clear", "sha256", &sha256];
    scene.tool(&words, "").exits(0);
    assert!(scene.listed().is_empty());
    scene.home.json(1, &verify);
    let standing = scene.standing();
    assert_eq!(standing["health"], "degraded", "{standing:#}");
    let detail = standing["detail"].as_str().expect("a text");
    assert!(
        detail.contains("removed in the keychain itself"),
        "{detail}"
    );
    // Whoever imports it again wants it again.
    scene.import();
    scene.home.json(0, &verify);
    assert_eq!(scene.standing()["health"], "ready");
}

#[test]
fn an_altered_file_is_refused() {
    let Some(scene) = Scene::new() else {
        return;
    };
    scene.import();
    let mut bytes = fs::read(file(&scene.home)).expect("there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(file(&scene.home), bytes).expect("written");
    refused(&scene).says("altered").says("import again");
}

#[test]
fn an_older_file_that_is_put_back_is_refused() {
    let Some(scene) = Scene::new() else {
        return;
    };
    scene.import();
    let older = fs::read(file(&scene.home)).expect("there");
    let words = ["remove", &scene.server.sha256(), "--all"];
    let words = [&words[..], &["--store", "keychain"]].concat();
    scene.home.run(&words).exits(0);
    fs::write(file(&scene.home), older).expect("written");
    refused(&scene).says("older").says("import again");
}

#[test]
fn a_file_whose_key_is_gone_is_refused_until_it_is_removed() {
    let Some(scene) = Scene::new() else {
        return;
    };
    scene.import();
    let words = ["secret-tool", "clear", "application", "anchorhold"];
    let words = [&words[..], &["kind", "key"]].concat();
    scene.tool(&words, "").exits(0);
    refused(&scene)
        .says("key is not in this keychain")
        .says("import again");
    fs::remove_file(file(&scene.home)).expect("removed");
    scene.import();
    assert_eq!(scene.listed().len(), 1);
    assert_eq!(scene.standing()["health"], "ready");
}

#[test]
fn a_key_whose_file_is_gone_is_no_empty_store() {
    let Some(scene) = Scene::new() else {
        return;
    };
    scene.import();
    fs::remove_file(file(&scene.home)).expect("removed");
    refused(&scene).says("is gone").says("import again");
}

#[test]
fn a_second_key_that_another_program_made_is_not_taken() {
    let Some(scene) = Scene::new() else {
        return;
    };
    scene.import();
    let entries = scene.entries();
    let account = entries
        .split("key of ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next())
        .expect("an account");
    let words = ["secret-tool", "store", "--label=theirs"];
    let mark = ["application", "anchorhold", "store", account, "kind", "key"];
    let more = ["x", "y"];
    scene
        .tool(&[&words[..], &mark, &more].concat(), "theirs")
        .exits(0);
    refused(&scene).says("another program");
}
