//! `plugin check` over our own plugins, called bare and in a runner, and as a command.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::keychains::scene::{PASSWORD, Scene as Session};
use crate::misbehave::build;
use crate::support::{Home, here, repository};
use crate::tokens::scene::Scene;

/// What a database of NSS cannot do.
const NICKNAMES: &str = "[[disabled]]\ncase = \"write.same-label\"\nreason = \"NSS\"\n";
/// The key database in either format, which each case has for itself.
const KEYDB: [&[&str]; 2] = [
    &["anchorhold.keydb", "--set", "path={scratch}/anchors.p12"],
    &["anchorhold.keydb", "--set", "path={scratch}/anchors.kdb"],
];

/// Holds a plugin against its contract; what is not passed or skipped is returned.
fn remarks(home: &Home, words: &[&str]) -> (usize, Vec<String>) {
    let words = [&["plugin", "check"], words].concat();
    let check = home.json(0, &words);
    let cases = check["cases"].as_array().expect("a list");
    let odd = cases.iter().filter(|case| {
        let result = case["result"].as_str().expect("a word");
        !["passed", "skipped"].contains(&result)
    });
    let odd = odd.map(|case| format!("{} {}: {}", case["result"], case["id"], case["message"]));
    let passed = check["passed"].as_u64().expect("a number");
    (usize::try_from(passed).expect("few"), odd.collect())
}

#[test]
fn the_key_database_keeps_its_contract() {
    for words in KEYDB {
        let home = Home::new();
        let (passed, odd) = remarks(&home, words);
        assert!(passed >= 50, "{words:?}: {passed} passed: {odd:#?}");
        // Other programs that read the file need a label for each certificate.
        let [label] = odd.as_slice() else {
            panic!("{words:?}: {odd:#?}");
        };
        assert!(label.contains("write.same-label"), "{label}");
    }
}

#[test]
fn the_key_database_keeps_its_contract_in_a_runner() {
    for words in KEYDB {
        let home = Home::new();
        let (passed, odd) = remarks(&home, &[words, &["--runner"]].concat());
        assert!(passed >= 15, "{words:?}: {passed} passed: {odd:#?}");
        assert!(
            odd.iter().all(|odd| odd.contains("write.same-label")),
            "{words:?}: {odd:#?}"
        );
    }
}

/// Holds a store on a token against the contract, bare and in a runner: what is passed at least.
fn on_a_token(scene: Option<Scene>, more: &[&str], least: [usize; 2]) {
    let Some(scene) = scene else {
        return;
    };
    let told = scene.told();
    let told: Vec<&str> = told.iter().map(String::as_str).collect();
    for (place, least) in [&[][..], &["--runner"]].into_iter().zip(least) {
        let (passed, odd) = remarks(&scene.home, &[&told[..], more, place].concat());
        assert!(
            passed >= least && odd.is_empty(),
            "{place:?}: {passed} passed: {odd:#?}"
        );
    }
}

#[test]
fn a_store_on_a_token_of_softhsm_keeps_its_contract() {
    on_a_token(
        Scene::softhsm(),
        &["--secret", "pin=pin", "--scratch"],
        [50, 15],
    );
}

#[test]
fn a_store_in_a_database_of_nss_keeps_its_contract() {
    // Two of its certificates cannot have the same nickname.
    let scene = Scene::nss().inspect(|scene| {
        scene.home.write("disabled.toml", NICKNAMES);
    });
    let more = ["--scratch", "--disable", "disabled.toml"];
    on_a_token(scene, &more, [50, 15]);
}

#[test]
fn a_store_on_what_p11_kit_trusts_keeps_its_contract() {
    let scene = Scene::trust().inspect(Scene::hold);
    on_a_token(scene, &[], [20, 5]);
}

#[test]
fn a_store_in_the_keychain_of_a_session_keeps_its_contract() {
    let Some(mut session) = Session::bare() else {
        return;
    };
    session.start(Some(PASSWORD));
    let bus = session.home.path("bus").display().to_string();
    let bus = format!("DBUS_SESSION_BUS_ADDRESS=unix:path={bus}");
    let words = ["anchorhold.keychain", "--set", "keychain=secret-service"];
    let reach = ["--env", &*bus, "--grant", "session-bus", "--scratch"];
    // Level by level, since each call waits for the keychain; random ones are made elsewhere.
    let levels: [&[&str]; 3] = [
        &["--only", "load", "--only", "read"],
        &["--only", "write", "--only", "unlock"],
        &["--only", "hostile-host", "--only", "fuzz", "--limit", "20"],
    ];
    for (place, least) in [(&[][..], 50), (&["--runner"], 15)] {
        let mut passed = 0;
        for level in levels {
            let words = [&words[..], &reach, level, place].concat();
            let (more, odd) = remarks(&session.home, &words);
            assert!(odd.is_empty(), "{place:?}: {odd:#?}");
            passed += more;
        }
        assert!(passed >= least, "{place:?}: {passed} passed");
    }
}

#[test]
fn a_store_in_the_key_rings_of_the_kernel_keeps_its_contract() {
    if !here("keyctl") {
        return;
    }
    for more in [&[][..], &["--runner"]] {
        let home = Home::new();
        let words = [
            "--set",
            "keychain=keyutils",
            "--grant",
            "keyring",
            "--scratch",
        ];
        let words = [&["anchorhold.keychain"], &words[..], more].concat();
        let (passed, odd) = remarks(&home, &words);
        // Each case has made a key of its own, and the kernel keeps few of one user.
        let purge = "keyctl get_persistent @s && keyctl purge -p user keyring:conform-";
        let mut clean = Command::new("keyctl");
        clean.args(["session", "-", "sh", "-c", purge]);
        clean.output().expect("it runs");
        assert!(passed >= 15 && odd.is_empty(), "{passed} passed: {odd:#?}");
    }
}

#[test]
fn the_roots_of_the_system_keep_their_contract() {
    for more in [&[][..], &["--runner", "--grant", "read:/etc/ssl/certs"]] {
        let home = Home::new();
        let (passed, odd) = remarks(&home, &[&["anchorhold.system"], more].concat());
        assert!(passed >= 5 && odd.is_empty(), "{passed} passed: {odd:#?}");
    }
}

/// The smallest plugin in C, with its manifest beside it.
fn minimal(home: &Home) -> PathBuf {
    let folder = repository().join("sdk/c");
    let name = "org.example.minimal.plugin.toml";
    let manifest = std::fs::read(folder.join("examples").join(name)).expect("readable");
    home.write(&format!("c/{name}"), manifest);
    let anchor = std::fs::read(repository().join("sdk/conform/data/one.der")).expect("readable");
    let bytes: Vec<String> = anchor.iter().map(u8::to_string).collect();
    home.write("c/anchor.inc", bytes.join(","));
    let library = home.path("c/libminimal.so");
    let mut compiler = Command::new("cc");
    compiler
        .args(["-std=c99", "-shared", "-fPIC", "-fvisibility=hidden", "-o"])
        .arg(&library)
        .arg("-I")
        .arg(folder.join("include"))
        .arg("-I")
        .arg(home.path("c"))
        .arg(folder.join("examples/minimal.c"));
    assert!(compiler.status().expect("a compiler runs").success());
    library
}

/// The SDK's example, with its manifest beside it.
fn roots(home: &Home) -> PathBuf {
    let sdk = repository().join("sdk/rust");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("conformance-roots");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["build", "--offline", "--quiet", "--example", "roots"])
        .args(["--package", "anchorhold-sdk", "--target-dir"])
        .arg(&target)
        .current_dir(&sdk);
    assert!(cargo.status().expect("cargo runs").success());
    let name = "org.example.roots.plugin.toml";
    let manifest = std::fs::read(sdk.join("examples").join(name)).expect("readable");
    home.write(&format!("rust/{name}"), manifest);
    let library = std::fs::read(target.join("debug/examples/libroots.so")).expect("built");
    home.write("rust/libroots.so", library)
}

#[test]
fn the_smallest_plugin_in_c_keeps_its_contract() {
    if !here("cc") {
        return;
    }
    let home = Home::new();
    let library = minimal(&home);
    let library = library.to_str().expect("text");
    let (passed, odd) = remarks(&home, &[library]);
    assert!(passed >= 35 && odd.is_empty(), "{passed} passed: {odd:#?}");
    let (passed, odd) = remarks(&home, &[library, "--runner"]);
    assert!(passed >= 5 && odd.is_empty(), "{passed} passed: {odd:#?}");
}

#[test]
fn the_example_in_rust_keeps_its_contract() {
    let home = Home::new();
    let library = roots(&home);
    let library = library.to_str().expect("text");
    let words = [library, "--set", "path={scratch}/roots"];
    let (passed, odd) = remarks(&home, &words);
    assert!(passed >= 50 && odd.is_empty(), "{passed} passed: {odd:#?}");
    let (passed, odd) = remarks(&home, &[&words[..], &["--runner"]].concat());
    assert!(passed >= 15 && odd.is_empty(), "{passed} passed: {odd:#?}");
}

/// The library of a bad plugin.
fn bad(file: &str) -> String {
    let library = build::build(file);
    library.to_str().expect("text").to_owned()
}

fn check(home: &Home, code: i32, words: &[&str]) -> Value {
    home.json(code, &[&["plugin", "check"], words].concat())
}

#[test]
fn a_plugin_that_breaks_its_contract_is_a_no() {
    if !here("cc") {
        return;
    }
    let home = Home::new();
    let library = bad("segfaults.c");
    let list = "read.list";
    let document = check(&home, 1, &[&library, "--only", list]);
    assert_eq!(
        (&document["passed"], &document["failed"]),
        (&0.into(), &1.into())
    );
    let case = &document["cases"][0];
    assert_eq!(
        (&case["id"], &case["level"]),
        (&list.into(), &"read".into())
    );
    assert_eq!(case["result"], "crashed");
    assert_eq!(case["message"], "crashed (SIGSEGV) in list");
    let words = ["plugin", "check", &library, "--only", list];
    let page = home.run(&words).exits(1);
    assert!(
        page.stdout.starts_with("crashed read.list"),
        "{}",
        page.stdout
    );
    assert!(
        page.stdout.ends_with("0 passed, 0 failed, 1 crashed\n"),
        "{}",
        page.stdout
    );
}

#[test]
fn cases_are_disabled_with_a_reason_and_no_other_way() {
    if !here("cc") {
        return;
    }
    let home = Home::new();
    let library = bad("segfaults.c");
    home.write(
        "disabled.toml",
        "[[disabled]]\ncase = \"read.list\"\nreason = \"known to the author\"\n",
    );
    let words = [
        &library,
        "--only",
        "read.list",
        "--disable",
        "disabled.toml",
    ];
    let document = check(&home, 0, &words);
    assert_eq!(document["cases"][0]["result"], "skipped");
    assert_eq!(
        document["cases"][0]["message"],
        "disabled: known to the author"
    );
    home.write(
        "disabled.toml",
        "[[disabled]]\ncase = \"read.list\"\nreason = \"\"\n",
    );
    let all = [&["plugin", "check"], &words[..]].concat();
    home.run(&all)
        .exits(2)
        .says("read.list is disabled without a reason");
}

#[test]
fn random_calls_are_the_same_for_the_same_seed() {
    if !here("cc") {
        return;
    }
    let home = Home::new();
    let library = bad("needs-an-error.c");
    let words = [&library, "--reproduce", "7", "--limit", "500"];
    let message = |document: &Value| document["cases"][0]["message"].clone();
    let first = check(&home, 1, &words);
    assert_eq!(first["cases"].as_array().expect("a list").len(), 1);
    let said = message(&first);
    let said = said.as_str().expect("text");
    assert!(said.contains("crashed (SIGSEGV) in list"), "{said}");
    assert!(said.contains("the last calls: "), "{said}");
    assert!(
        said.ends_with("again with --reproduce 7 --limit 500"),
        "{said}"
    );
    assert_eq!(message(&check(&home, 1, &words)), said);
}

#[test]
fn a_debugger_can_have_the_cases_in_one_process() {
    if !here("cc") {
        return;
    }
    let home = Home::new();
    let library = bad("label-not-utf8.c");
    let words = [&library, "--only", "read.list", "--in-process"];
    let document = check(&home, 1, &words);
    let message = document["cases"][0]["message"].as_str().expect("text");
    assert!(
        message.contains("the label of item 01 is not UTF-8"),
        "{message}"
    );
}

#[test]
fn what_cannot_be_checked_is_wrong_usage() {
    let home = Home::new();
    for (words, said) in [
        (&["nonsense"][..], "no file and no plugin of this program"),
        (&["anchorhold.keydb"], "setting \"path\" is missing"),
        (
            &["anchorhold.keydb", "--only", "reed"],
            "no case and no level",
        ),
        (&["anchorhold.keydb", "--grant", "everything"], "everything"),
        (&["anchorhold.keydb", "--set", "path"], "has no \"=\" in it"),
        (&["missing.plugin.toml"], "missing.plugin.toml"),
    ] {
        let all = [&["plugin", "check"], words].concat();
        home.run(&all).exits(2).says(said);
    }
}

#[test]
fn every_case_is_listed() {
    let home = Home::new();
    let document = check(&home, 0, &["--list"]);
    let cases = document["cases"].as_array().expect("a list");
    assert!(cases.len() > 60, "{} cases", cases.len());
    let page = home.run(&["plugin", "check", "--list"]).exits(0).stdout;
    assert_eq!(page.lines().count(), cases.len());
    assert!(page.contains("hostile-host.no-error"), "{page}");
}
