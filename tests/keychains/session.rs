//! Keychains that are locked, dead, or not there.

use super::scene::{PASSWORD, Scene};

#[test]
fn a_locked_keychain_says_so_and_nobody_waits_for_it() {
    let Some(scene) = Scene::new() else {
        return;
    };
    scene.import();
    scene.lock();
    scene
        .home
        .run(&["list", "--store", "keychain"])
        .exits(3)
        .says("locked");
    assert_eq!(scene.standing()["health"], "locked");
    let certificate = scene.server.certificate.to_string_lossy().into_owned();
    let words = ["import", "--server", "TSM1", "--store", "keychain"];
    let outcome = scene.home.run(&[&words[..], &[&certificate]].concat());
    assert!(!outcome.status.success(), "{}", outcome.shown());
    outcome.says("locked");
    // Nothing here has a display, so that the keychain's own question is dismissed.
    let outcome = scene.home.run(&["store", "unlock", "keychain"]);
    assert!(!outcome.status.success(), "{}", outcome.shown());
    outcome.says("nobody could be asked").says("remedy: ");
}

#[test]
fn a_keychain_that_no_login_has_opened_is_locked() {
    let Some(mut scene) = Scene::new() else {
        return;
    };
    scene.import();
    scene.kill();
    scene.start(None);
    let outcome = scene.home.run(&["list", "--store", "keychain"]).exits(3);
    outcome.says("locked");
    scene.kill();
    scene.start(Some(PASSWORD));
    assert_eq!(scene.listed().len(), 1);
}

#[test]
fn a_keychain_that_dies_is_missed_until_it_is_back() {
    let Some(mut scene) = Scene::new() else {
        return;
    };
    scene.import();
    scene.kill();
    let outcome = scene.home.run(&["list", "--store", "keychain"]).exits(3);
    outcome.says("no keychain answers on the session's bus");
    assert_eq!(scene.standing()["health"], "offline");
    scene.start(Some(PASSWORD));
    assert_eq!(scene.listed().len(), 1);
    assert_eq!(scene.standing()["health"], "ready");
}

#[test]
fn a_session_without_a_bus_is_told() {
    let Some(mut scene) = Scene::new() else {
        return;
    };
    scene.import();
    scene.kill_bus();
    let outcome = scene.home.run(&["list", "--store", "keychain"]).exits(3);
    outcome.says("session's bus");
    // The other stores answer.
    scene.home.run(&["list", "--store", "keydb"]).exits(0);
}

#[test]
fn a_session_without_a_keychain_makes_no_store() {
    let Some(scene) = Scene::bare() else {
        return;
    };
    let words = ["store", "create", "--name", "keychain"];
    let words = [&words[..], &["--plugin", "anchorhold.keychain"]].concat();
    let outcome = scene.home.run(&words);
    assert!(!outcome.status.success(), "{}", outcome.shown());
    outcome.says("no keychain answers on the session's bus");
}
