//! What becomes of the faults of a module: one a line.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::scene::{Scene, real_softhsm};
use crate::support::here;

/// What the shim is told, as `tests/bad/p11-shim.c` has it, with `!NAME` for a function that is not
/// called at all and `@TOLD` for what goes wrong once something else has; what is run, over a token
/// with one certificate; with what status and code of an error that ends, and how many certificates
/// are there then where it is not that one; and what is said, in parts with a / between.
const FAULTS: &str = "
    # Nothing goes wrong, and then all goes well.
    C_FindObjects=pass | list | 0 | self-signed key
    C_CreateObject=pass | import | 0 - 2 | new
    C_DestroyObject=pass | remove | 0 - 0 | removed
    C_Login=pass | unlock | 0 | ready

    # The module does not start.
    C_Initialize=CKR_GENERAL_ERROR | list | 3 | GeneralError / trouble
    C_Initialize=CKR_CANT_LOCK | list | 3 | could not be initialised
    C_Initialize=CKR_CRYPTOKI_ALREADY_INITIALIZED | list | 0 | self-signed key
    C_Initialize=hang | list | 3 | took too long
    C_Initialize=crash | list | 3 | SIGABRT
    C_Initialize=exit | list | 3 | exit code 3

    # The token is not there, is not ready, or says odd things of itself.
    C_GetSlotList=CKR_FUNCTION_FAILED | list | 3 | FunctionFailed
    C_GetSlotList=lie | list | 3 | SlotIdInvalid
    C_GetTokenInfo=CKR_TOKEN_NOT_PRESENT | list | 3 | the token \\\"corp\\\" is not there: put it in
    C_GetTokenInfo=CKR_DEVICE_REMOVED@1 | list | 3 | is not there: put it in
    C_GetTokenInfo=CKR_DEVICE_REMOVED@3 | import | 3 store-unavailable | is not there: put it in
    C_GetTokenInfo=CKR_DEVICE_ERROR | list | 3 | DeviceError
    C_GetTokenInfo=hang | list | 3 | took too long
    C_GetTokenInfo=without:400 | list | 3 | none that is initialised
    C_GetTokenInfo=flags:2 | list | 0 | self-signed key
    C_GetTokenInfo=flags:2 !C_CreateObject | import | 3 store-unavailable | write protected

    # A PIN that is locked is tried by nobody, and one that is about to be by nobody but a person.
    C_GetTokenInfo=flags:40000 !C_Login | list | 0 | self-signed key
    C_GetTokenInfo=flags:40000 !C_Login | check | 0 | the PIN of the token / is locked
    C_GetTokenInfo=flags:40000 !C_Login | import | 3 store-unavailable | administrator
    C_GetTokenInfo=flags:40000 !C_Login | unlock | 3 store-locked-out | administrator
    C_GetTokenInfo=flags:20000 !C_Login | check | 0 | one more wrong PIN locks
    C_GetTokenInfo=flags:20000 !C_Login | import | 3 store-unavailable | which is a person's
    C_GetTokenInfo=flags:20000 !C_Login | unlock | 2 secret-missing | only one attempt is left
    C_GetTokenInfo=flags:10000 | check | 0 | a wrong PIN was given
    C_GetTokenInfo=flags:10000 | import | 0 - 2 | new
    C_GetTokenInfo=without:8 !C_Login | unlock | 3 store-unavailable | no PIN for its user

    # Sessions are not to be had, or lost.
    C_OpenSession=CKR_SESSION_COUNT | list | 3 | no session left
    C_OpenSession=CKR_DEVICE_REMOVED@1 | list | 3 | DeviceRemoved
    C_OpenSession=CKR_TOKEN_WRITE_PROTECTED@2 | import | 3 store-unavailable | write protected
    C_GetSessionInfo=CKR_SESSION_HANDLE_INVALID | list | 0 | self-signed key
    C_GetSessionInfo=CKR_DEVICE_ERROR | import | 0 - 2 | new
    C_FindObjectsInit=CKR_SESSION_HANDLE_INVALID@1 | list | 0 | self-signed key
    C_FindObjectsInit=CKR_SESSION_HANDLE_INVALID | list | 3 | the session was lost
    C_FindObjectsInit=CKR_OPERATION_ACTIVE@1 | list | 0 | self-signed key
    C_FindObjectsInit=CKR_OPERATION_ACTIVE | list | 3 | OperationActive
    C_CloseSession=CKR_SESSION_HANDLE_INVALID | import | 0 - 2 | new
    C_CloseSession=crash | import | 0 - 2 | new
    C_CloseSession=crash | list | 0 | self-signed key

    # What is on the token cannot be read, or not all of it.
    C_FindObjects=CKR_DEVICE_REMOVED@1 | list | 0 | self-signed key
    C_FindObjects=CKR_DEVICE_REMOVED | list | 3 | DeviceRemoved / put the token in
    C_FindObjects=hang | list | 3 | took too long
    C_FindObjects=crash | list | 3 | SIGABRT
    C_FindObjects=exit | list | 3 | exit code 3
    C_FindObjects=lie | list | 3 | what the standard does not allow
    C_FindObjects=slow:20 | list | 0 | self-signed key
    C_FindObjectsFinal=CKR_GENERAL_ERROR | list | 3 | GeneralError
    C_GetAttributeValue=CKR_DEVICE_ERROR@1 | list | 0 | self-signed key
    C_GetAttributeValue=CKR_DEVICE_ERROR | list | 3 | DeviceError
    C_GetAttributeValue=CKR_OBJECT_HANDLE_INVALID@1 | list | 0 | self-signed key
    C_GetAttributeValue=lie | check | 0 | shows no bytes
    C_GetAttributeValue=hang | list | 3 | took too long

    # The PIN is not taken.
    C_Login=CKR_PIN_LOCKED | import | 3 store-unavailable | PIN is locked / administrator
    C_Login=CKR_PIN_LOCKED | unlock | 3 store-locked-out | administrator
    C_Login=CKR_PIN_EXPIRED | import | 3 store-unavailable | PIN has expired
    C_Login=CKR_PIN_INCORRECT | import | 3 store-unavailable | PIN is not right
    C_Login=CKR_PIN_INCORRECT | unlock | 2 secret-wrong | PIN is not right
    C_Login=CKR_USER_PIN_NOT_INITIALIZED | import | 3 store-unavailable | no PIN for its user
    C_Login=CKR_DEVICE_REMOVED | unlock | 3 store-unavailable | put the token back
    C_Login=CKR_SESSION_HANDLE_INVALID | unlock | 3 store-unavailable | the session was lost
    C_Login=crash | import | 3 store-unavailable | SIGABRT
    C_Logout=CKR_DEVICE_ERROR | import | 0 - 2 | new
    C_Logout=crash | import | 0 - 2 | new

    # Nothing can be written.
    C_CreateObject=CKR_DEVICE_MEMORY | import | 3 store-unavailable | the token is full
    C_CreateObject=CKR_TOKEN_WRITE_PROTECTED | import | 3 store-unavailable | write protected
    C_CreateObject=CKR_SESSION_READ_ONLY | import | 3 store-unavailable | write protected
    C_CreateObject=CKR_USER_NOT_LOGGED_IN | import | 3 store-unavailable | unlock the store first
    C_CreateObject=CKR_TEMPLATE_INCONSISTENT | import | 3 store-unavailable | keeps no object like
    C_CreateObject=CKR_DEVICE_REMOVED | import | 3 store-unavailable | put the token in
    C_CreateObject=CKR_VENDOR_DEFINED | import | 3 store-unavailable | VendorDefined
    C_CreateObject=crash | import | 3 store-unavailable | SIGABRT
    C_CreateObject=exit | import | 3 store-unavailable | exit code 3
    C_CreateObject=pass C_GetAttributeValue=lie@TOLD | import | 3 store-unavailable | holds another
    C_DestroyObject=CKR_DEVICE_ERROR | remove | 3 store-unavailable | DeviceError
    C_DestroyObject=CKR_TOKEN_WRITE_PROTECTED | remove | 3 store-unavailable | write protected
    C_DestroyObject=CKR_FUNCTION_NOT_SUPPORTED | remove | 3 store-unavailable | cannot do this
    C_DestroyObject=crash | remove | 3 store-unavailable | SIGABRT

    # It was made or removed, and then nothing answers any more: it is completed or undone later.
    C_CreateObject=pass C_GetAttributeValue=CKR_DEVICE_ERROR@TOLD | import | 3 stores-differ 1 | completes it
    C_CreateObject=pass C_FindObjects=CKR_DEVICE_REMOVED@TOLD | import | 3 stores-differ 2 | completes it
    C_DestroyObject=pass C_FindObjects=CKR_DEVICE_REMOVED@TOLD | remove | 3 stores-differ 0 | completes it

    # Nothing ends a module but the end of its process.
    C_Finalize=crash !C_Finalize | list | 0 | self-signed key
    C_Finalize=hang !C_Finalize | import | 0 - 2 | new
";

#[test]
fn each_fault_of_a_module_is_one_error_of_its_store_and_of_no_other() {
    let Some(scene) = here("cc").then(Scene::softhsm).flatten() else {
        return;
    };
    scene.import();
    let other = scene.openssl.stock("other").certificate;
    let places = ["h", "tokens"];
    fs::create_dir(scene.home.path("before")).expect("made");
    for place in places {
        copy(&scene.home.path(place), &scene.home.path("before"));
    }
    let mut wrong = Vec::new();
    for line in FAULTS.lines().map(str::trim).filter(is_fault) {
        if let Err(what) = try_fault(&scene, &Fault::read(line), &other) {
            wrong.push(format!("{line}: {what}"));
        }
        // The next one begins with the same token, and nothing is remembered of this one.
        for place in places {
            fs::remove_dir_all(scene.home.path(place)).expect("removed");
            copy(
                &scene.home.path("before").join(place),
                scene.home.directory(),
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn is_fault(line: &&str) -> bool {
    !line.is_empty() && !line.starts_with('#')
}

/// A line of the table.
struct Fault<'a> {
    shim: Vec<&'a str>,
    /// The functions that are not called.
    never: Vec<&'a str>,
    run: &'a str,
    exit: i32,
    code: &'a str,
    /// How many certificates are there in the end.
    left: usize,
    says: Vec<&'a str>,
}

impl<'a> Fault<'a> {
    fn read(line: &'a str) -> Self {
        let fields: Vec<_> = line.split(" | ").collect();
        let [faults, run, ends, says] = fields[..] else {
            panic!("no line of the table: {line}");
        };
        let (never, shim) = faults.split(' ').partition(|fault| fault.starts_with('!'));
        let never: Vec<&str> = never;
        let mut ends = ends.split(' ');
        let mut end = || ends.next().filter(|word| *word != "-");
        Self {
            shim,
            never: never.iter().map(|fault| &fault[1..]).collect(),
            run,
            exit: end().and_then(|exit| exit.parse().ok()).expect("a status"),
            code: end().unwrap_or_default(),
            left: end().map_or(1, |left| left.parse().expect("a number")),
            says: says.split(" / ").collect(),
        }
    }

    /// What the shim is told: to tell of what is not to be called, too.
    fn told(&self) -> String {
        let told = self.never.iter().map(|name| format!("{name}=pass"));
        let shim = self.shim.iter().map(|fault| (*fault).to_owned());
        shim.chain(told).collect::<Vec<_>>().join(" ")
    }
}

fn try_fault(scene: &Scene, fault: &Fault<'_>, other: &Path) -> Result<(), String> {
    scene.happened();
    let calls = scene.home.path("told/calls").display().to_string();
    // What goes well may take its time on a machine that is busy with everything else.
    let timeout = match fault.says[..] {
        ["took too long"] => "timeout = \"1s\"\n",
        _ => "",
    };
    let told = fault.told().replace("TOLD", &calls);
    scene.fail(&told, "token = \"corp\"", timeout);
    let (kept, other) = (scene.server.sha256(), other.display().to_string());
    let words: &[&str] = match fault.run {
        "check" => &["store", "check", "hsm"],
        "import" => &["import", "--server", "TSM1", "--store", "hsm", &other],
        "list" => &["list", "--store", "hsm"],
        "remove" => &["remove", &kept, "--all", "--store", "hsm"],
        "unlock" => &["store", "unlock", "hsm"],
        run => panic!("nobody knows how to run {run}"),
    };
    let outcome = scene.home.run(&[words, &["--json"]].concat());
    let document = outcome.document();
    let code = document["error"]["code"].as_str().unwrap_or_default();
    if (outcome.status.code(), code) != (Some(fault.exit), fault.code) {
        return Err(outcome.shown());
    }
    let said = document.to_string();
    if let Some(word) = fault.says.iter().find(|word| !said.contains(**word)) {
        return Err(format!("nothing says {word:?}\n{}", outcome.shown()));
    }
    // A fault that does not happen would pass for one that does no harm.
    let happened = scene.happened();
    for name in &fault.never {
        let call = format!("{name}=");
        if happened.iter().any(|line| line.starts_with(&call)) {
            return Err(format!("{name} is called"));
        }
    }
    for what in &fault.shim {
        let what = what.split('@').next().unwrap_or_default();
        let is_never = fault.never.iter().any(|name| what.starts_with(name));
        if !is_never && !happened.iter().any(|line| line == what) {
            return Err(format!("{what} does not happen"));
        }
    }
    // Every other store answers.
    let beside = scene.home.run(&["list", "--store", "keydb"]);
    if beside.status.code() != Some(0) {
        return Err(beside.shown());
    }
    is_whole(scene, fault, &kept)
}

/// Nothing is lost, and nothing is half made.
fn is_whole(scene: &Scene, fault: &Fault<'_>, kept: &str) -> Result<(), String> {
    scene.configure(&real_softhsm(), "token = \"corp\"", "");
    match fault.code {
        // The next command that changes anything completes it or undoes it.
        "stores-differ" => scene.home.run(&["store", "copy", "hsm", "keydb"]),
        _ => scene.home.run(&["store", "release", "hsm"]),
    };
    let check = scene.home.run(&["store", "check"]);
    if check.status.code() != Some(0) {
        return Err(check.shown());
    }
    let listed = scene.listed();
    let expected = fault.left;
    let is_kept = listed.iter().any(|one| one["sha256"] == kept);
    if listed.len() != expected || is_kept != (expected > 0) {
        return Err(format!("{expected} are to be there: {listed:#?}"));
    }
    // Objects without bytes are not listed, and are there for other programs all the same.
    let objects = scene.pkcs11("corp", &["--list-objects"]).stdout;
    match objects.matches("Certificate Object").count() == expected {
        true => Ok(()),
        false => Err(format!("{expected} objects are to be there: {objects}")),
    }
}

fn copy(from: &Path, to: &Path) {
    let mut command = Command::new("cp");
    command.arg("-a").args([from, to]);
    assert!(command.status().expect("it runs").success());
}
