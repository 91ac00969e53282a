//! What becomes of the faults of a module: one a line.

use std::path::PathBuf;
use std::process::Command;

use super::scene::Scene;
use crate::support::{here, repository};

/// A fault, and what the program makes of it.
struct Fault {
    /// What the shim is told.
    shim: &'static str,
    /// What is run: a word of `words`.
    run: Run,
    /// How it ends.
    exit: i32,
    /// What is said.
    says: &'static [&'static str],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    Import,
    List,
}

const FAULTS: &[Fault] = &[
    fault(
        "C_Initialize=CKR_GENERAL_ERROR",
        Run::List,
        3,
        &["GeneralError"],
    ),
    fault(
        "C_Initialize=CKR_CRYPTOKI_ALREADY_INITIALIZED",
        Run::List,
        0,
        &[],
    ),
    fault("C_Initialize=hang", Run::List, 3, &["took too long"]),
    fault("C_Initialize=crash", Run::List, 3, &["SIGABRT"]),
    fault("C_Initialize=exit", Run::List, 3, &["exit code 3"]),
    fault(
        "C_GetSlotList=CKR_FUNCTION_FAILED",
        Run::List,
        3,
        &["FunctionFailed"],
    ),
    fault(
        "C_GetTokenInfo=CKR_TOKEN_NOT_PRESENT",
        Run::List,
        3,
        &["the token \"corp\" is not there"],
    ),
    fault(
        "C_GetTokenInfo=CKR_DEVICE_ERROR",
        Run::List,
        3,
        &["DeviceError"],
    ),
    fault(
        "C_OpenSession=CKR_SESSION_COUNT",
        Run::List,
        3,
        &["no session left"],
    ),
    fault(
        "C_OpenSession=CKR_DEVICE_REMOVED@1",
        Run::List,
        3,
        &["DeviceRemoved"],
    ),
    // A session that is lost once is opened again.
    fault(
        "C_FindObjectsInit=CKR_SESSION_HANDLE_INVALID@1",
        Run::List,
        0,
        &["self-signed key"],
    ),
    fault(
        "C_FindObjects=CKR_DEVICE_REMOVED",
        Run::List,
        3,
        &["DeviceRemoved"],
    ),
    fault("C_FindObjects=hang", Run::List, 3, &["took too long"]),
    fault("C_FindObjects=crash", Run::List, 3, &["SIGABRT"]),
    fault("C_FindObjects=slow:20", Run::List, 0, &["self-signed key"]),
    fault(
        "C_GetAttributeValue=CKR_DEVICE_ERROR@2",
        Run::List,
        0,
        &["self-signed key"],
    ),
    fault(
        "C_GetAttributeValue=CKR_DEVICE_ERROR",
        Run::List,
        3,
        &["DeviceError"],
    ),
    fault("C_Finalize=crash", Run::List, 0, &["self-signed key"]),
    fault("C_CloseSession=crash", Run::List, 0, &["self-signed key"]),
    fault("C_Login=CKR_PIN_LOCKED", Run::Import, 3, &["PIN is locked"]),
    fault(
        "C_Login=CKR_PIN_EXPIRED",
        Run::Import,
        3,
        &["PIN has expired"],
    ),
    fault(
        "C_Login=CKR_PIN_INCORRECT",
        Run::Import,
        3,
        &["PIN is not right"],
    ),
    fault(
        "C_Login=CKR_USER_PIN_NOT_INITIALIZED",
        Run::Import,
        3,
        &["no PIN for its user"],
    ),
    // A login that hangs ends with the patience that a person is given.
    fault(
        "C_CreateObject=CKR_DEVICE_MEMORY",
        Run::Import,
        3,
        &["the token is full"],
    ),
    fault(
        "C_CreateObject=CKR_TOKEN_WRITE_PROTECTED",
        Run::Import,
        3,
        &["write protected"],
    ),
    fault("C_CreateObject=crash", Run::Import, 3, &[]),
    fault(
        "C_CreateObject=CKR_VENDOR_DEFINED",
        Run::Import,
        3,
        &["VendorDefined"],
    ),
];

const fn fault(shim: &'static str, run: Run, exit: i32, says: &'static [&'static str]) -> Fault {
    Fault {
        shim,
        run,
        exit,
        says,
    }
}

/// The shim, beside the token.
pub(super) fn shim(scene: &Scene) -> PathBuf {
    let library = scene.home.path("libshim.so");
    let mut compiler = Command::new("cc");
    compiler.args([
        "-std=c99", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC",
    ]);
    compiler.args(["-fvisibility=hidden", "-o"]).arg(&library);
    compiler
        .arg(repository().join("tests/bad/p11-shim.c"))
        .arg("-ldl");
    assert!(compiler.status().expect("a compiler runs").success());
    library
}

#[test]
fn each_fault_of_a_module_is_one_error_of_its_store_and_of_no_other() {
    if !here("cc") {
        return;
    }
    let mut wrong = Vec::new();
    for fault in FAULTS {
        let Some(scene) = Scene::softhsm() else {
            return;
        };
        if let Err(what) = try_fault(&scene, fault) {
            wrong.push(format!("{}: {what}", fault.shim));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn try_fault(scene: &Scene, fault: &Fault) -> Result<(), String> {
    // What is there before the fault is there after it.
    if fault.run == Run::List {
        scene.import();
    }
    let more = format!("timeout = \"1s\"\nisolation = \"runner\"\n{}", "");
    let library = shim(scene);
    scene.configure(&library, "token = \"corp\"", &more);
    let text = std::fs::read_to_string(scene.home.path("h/anchorhold.toml")).expect("there");
    let told = format!("P11_SHIM = \"{}\", P11_REAL", fault.shim);
    scene.home.configure(&text.replacen("P11_REAL", &told, 1));
    let certificate = scene.server.certificate.to_string_lossy().into_owned();
    let outcome = match fault.run {
        Run::Import => {
            scene
                .home
                .run(&["import", "--server", "TSM1", "--store", "hsm", &certificate])
        }
        Run::List => scene.home.run(&["list", "--store", "hsm"]),
    };
    if outcome.status.code() != Some(fault.exit) {
        return Err(outcome.shown());
    }
    let said = format!("{}{}", outcome.stdout, outcome.stderr);
    if let Some(word) = fault.says.iter().find(|word| !said.contains(**word)) {
        return Err(format!("nothing says {word:?}\n{}", outcome.shown()));
    }
    // Every other store answers, and nothing is lost or half made.
    let other = scene.home.run(&["list", "--store", "keydb"]);
    if other.status.code() != Some(0) {
        return Err(other.shown());
    }
    let real = super::scene::real_softhsm();
    scene.configure(&real, "token = \"corp\"", "");
    let kept = usize::from(fault.run == Run::List);
    scene.home.run(&["store", "release", "hsm"]);
    let listed = scene.listed();
    match listed.len() == kept {
        true => Ok(()),
        false => Err(format!("{kept} were there before: {listed:#?}")),
    }
}
