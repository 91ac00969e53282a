//! The shim itself: what it is told happens, and nothing else does.

use std::process::Command;
use std::time::Duration;

use super::scene::{Scene, real_softhsm};
use crate::support::{Outcome, Watched, here};

/// What pkcs11-tool makes of the token behind the shim.
fn tool(scene: &Scene, faults: &str, words: &[&str]) -> Outcome {
    let mut command = Command::new("pkcs11-tool");
    command.arg("--module").arg(scene.shim()).args(words);
    command.current_dir(scene.home.directory());
    command.env("SOFTHSM2_CONF", scene.home.path("softhsm2.conf"));
    command.env("P11_REAL", real_softhsm());
    command.env("P11_TOLD", scene.home.path("told/calls"));
    command.env("P11_SHIM", faults);
    Watched::output(&mut command, b"", Duration::from_secs(60))
}

#[test]
fn what_it_is_told_happens_and_is_told() {
    let Some(scene) = here("cc").then(Scene::softhsm).flatten() else {
        return;
    };
    let list = ["--list-token-slots"];
    tool(&scene, "", &list).exits(0).says("corp");
    assert_eq!(scene.happened(), [""; 0]);
    for (faults, says, told) in [
        (
            "C_GetTokenInfo=CKR_DEVICE_ERROR",
            "CKR_DEVICE_ERROR",
            "C_GetTokenInfo=CKR_DEVICE_ERROR",
        ),
        (
            "C_GetTokenInfo=flags:40000",
            "user PIN locked",
            "C_GetTokenInfo=flags:40000",
        ),
        (
            "C_GetTokenInfo=without:400",
            "uninitialized",
            "C_GetTokenInfo=without:400",
        ),
        (
            "C_GetInfo=slow:1,C_Finalize=pass",
            "corp",
            "C_Finalize=pass",
        ),
        // It is initialised all the same, or nothing could be listed.
        (
            "C_Initialize=CKR_CRYPTOKI_ALREADY_INITIALIZED",
            "corp",
            "C_Initialize=CKR_CRYPTOKI_ALREADY_INITIALIZED",
        ),
    ] {
        tool(&scene, faults, &list).says(says);
        let happened = scene.happened();
        assert!(happened.iter().any(|line| line == told), "{happened:?}");
    }
    // The first call goes wrong, and those that follow go well.
    let token = ["--token-label", "corp", "--list-objects"];
    let faults = "C_GetTokenInfo=pass C_OpenSession=CKR_DEVICE_REMOVED@2";
    tool(&scene, faults, &token).exits(0);
    assert!(!scene.happened().is_empty());
    let faults = "C_OpenSession=CKR_DEVICE_REMOVED@1 C_GetTokenInfo=hang@/nonexistent";
    let outcome = tool(&scene, faults, &token);
    assert_ne!(outcome.status.code(), Some(0), "{}", outcome.shown());
    assert_eq!(scene.happened(), ["C_OpenSession=CKR_DEVICE_REMOVED"]);
    tool(&scene, "C_Finalize=exit", &list).exits(3);
    let outcome = tool(&scene, "C_Finalize=crash", &list);
    assert_eq!(outcome.status.code(), None, "{}", outcome.shown());
}

#[test]
fn a_slip_in_what_it_is_told_ends_the_process() {
    let Some(scene) = here("cc").then(Scene::softhsm).flatten() else {
        return;
    };
    for (faults, says) in [
        (
            "C_FindObject=hang",
            "nobody knows the fault C_FindObject=hang",
        ),
        ("C_FindObjects", "nobody knows the fault C_FindObjects"),
        (
            "C_Login=CKR_NO_SUCH",
            "nobody can make C_Login do CKR_NO_SUCH",
        ),
        ("C_Login=lie", "nobody can make C_Login do lie"),
        (
            "C_GetInfo=pass C_GetInfo=flags:2",
            "nobody can make C_GetInfo do flags:2",
        ),
    ] {
        tool(&scene, faults, &["--list-slots"]).exits(4).says(says);
    }
}
