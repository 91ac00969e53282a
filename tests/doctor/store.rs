//! Stores that do not answer, answer with less than they could, or cannot be written to.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{LOCAL, change, commands, confines, found, gone, healthy, mends, paste, sound, told};
use crate::support::{Desk, Foreign, Home, MINIMAL, repository};

/// Bytes that are listed all the same: what a certificate says is no matter of a plugin's.
const ANCHOR: &[u8] = &[0x30, 3, 2, 1, 5];

/// A home with a plugin and its store.
pub(super) fn registered() -> Option<(Home, Foreign)> {
    let home = healthy();
    let plugin = Foreign::compile(&home, ANCHOR).filter(|_| confines())?;
    home.json(0, &["plugin", "add", &plugin.manifest, "--yes"]);
    Some((home, plugin))
}

/// Makes the plugin's store answer otherwise, and registers it anew.
fn answers(home: &Home, plugin: &Foreign, changes: &[(&str, &str)]) {
    let minimal = repository().join("sdk/c/examples/minimal.c");
    let mut text = fs::read_to_string(minimal).expect("there");
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    let source = home.write("my/other.c", text);
    compile(&source, &plugin.library);
    home.json(0, &["plugin", "add", &plugin.manifest, "--update", "--yes"]);
}

fn compile(source: &Path, library: &Path) {
    let folder = source.parent().expect("in a folder");
    let mut compiler = Command::new("cc");
    compiler
        .args(["-std=c99", "-shared", "-fPIC", "-o"])
        .arg(library);
    compiler.arg("-I").arg(repository().join("sdk/c/include"));
    compiler.arg("-iquote").arg(folder).arg(source);
    let output = compiler.output().expect("a compiler runs");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
}

const PUSH: &str = "return sink->push(sink, &item);";
const READY: &str = "out->state = AH_READY;";

#[test]
fn a_store_that_cannot_be_listed_is_told_by_what_would_help() {
    let Some((home, plugin)) = registered() else {
        return;
    };
    sound(&home);
    for (status, code, advice) in [
        ("AH_LOCKED", "store-locked", " store unlock minimal"),
        ("AH_LOCKED_OUT", "store-locked-out", " store unlock minimal"),
        ("AH_WRONG_SECRET", "secret-wrong", " store unlock minimal"),
        ("AH_NOT_PRESENT", "store-not-present", "`settings`"),
        ("AH_MALFORMED", "store-damaged", " store check minimal"),
        (
            "AH_UNAVAILABLE",
            "store-unavailable",
            " store check minimal",
        ),
        ("AH_INTERNAL", "store-failed", " store check minimal"),
    ] {
        let push = format!("return {status};");
        answers(&home, &plugin, &[(PUSH, &push)]);
        let finding = told(&home, "error", code, "store \"minimal\"");
        let remedy = finding["remedy"].as_str().expect("text");
        assert!(remedy.contains(advice), "{status}: {remedy}");
    }
    // The verdict of a server does not wait for a store that is not critical.
    let file = home.path(&format!("h/plugins.d/{MINIMAL}.toml"));
    let text = fs::read_to_string(&file).expect("there");
    let store = text.replace("[[store]]", "[[store]]\ncritical = false");
    fs::write(&file, store).expect("written");
    told(&home, "warning", "store-failed", "store \"minimal\"");
    answers(&home, &plugin, &[]);
    sound(&home);
}

#[test]
fn a_store_that_is_less_well_than_it_could_be_is_told() {
    let Some((home, plugin)) = registered() else {
        return;
    };
    for (state, code) in [
        ("out->state = AH_DEGRADED;", "store-degraded"),
        ("out->state = AH_HEALTH_LOCKED;", "store-locked"),
        ("out->state = AH_OFFLINE;", "store-unavailable"),
        (
            "out->state = AH_READY; out->attempts_left = 1;",
            "attempts-few",
        ),
    ] {
        answers(&home, &plugin, &[(READY, state)]);
        told(&home, "warning", code, "store \"minimal\"");
    }
    // An item of a kind that nobody knows yet is no reason to do without the others.
    answers(
        &home,
        &plugin,
        &[("item.kind = AH_KIND_CERTIFICATE;", "item.kind = 77;")],
    );
    told(&home, "warning", "items-left-out", "store \"minimal\"");
    answers(&home, &plugin, &[]);
    sound(&home);
}

#[test]
fn a_plugin_that_crashes_does_so_once_a_look() {
    let Some((home, plugin)) = registered() else {
        return;
    };
    answers(&home, &plugin, &[(PUSH, "return *(volatile int *)0;")]);
    let outcome = home.run(&["doctor", "--json", "--bundle", "b.json"]);
    let all = super::diagnosis(&outcome.exits(1));
    let all = all["findings"].as_array().expect("a list");
    let told = all.iter().filter(|one| one["code"] == "crashed");
    assert_eq!(told.count(), 1, "{all:#?}");
    let journal = home.json(0, &["journal", "show"]);
    let journal = journal["entries"].as_array().expect("a list");
    let crashes = journal
        .iter()
        .filter(|one| one["event"] == "plugin-crashed");
    assert_eq!(crashes.count(), 1, "{journal:#?}");
}

#[test]
fn a_plugin_that_crashed_is_told_until_it_is_released() {
    let home = healthy();
    let code = format!("anchorhold.keydb {}", env!("CARGO_PKG_VERSION"));
    let crash = |times: usize| {
        change(&home, |change| {
            (0..times).for_each(|_| {
                change.record_crash("keydb", &code, "SIGSEGV in list");
            });
        });
    };
    home.configure(&format!(
        "{LOCAL}[[store]]\nname = \"keydb\"\nplugin = \"anchorhold.keydb\"\n\
         settings = {{ path = \"stores/a.p12\" }}\nisolation = \"runner\"\n"
    ));
    crash(1);
    let finding = mends(&home, "warning", "crashed", "store \"keydb\"", "");
    assert!(
        finding["message"]
            .as_str()
            .expect("text")
            .contains("SIGSEGV")
    );
    crash(3);
    mends(&home, "error", "quarantined", "store \"keydb\"", "");
    gone(&home, "crashed");
}

#[test]
fn a_secret_that_was_refused_is_told() {
    let home = healthy();
    change(&home, |change| {
        change.record_attempt("keydb", "pin", None, "wrong")
    });
    let finding = told(&home, "warning", "secret-wrong", "store \"keydb\"");
    assert!(
        finding["remedy"]
            .as_str()
            .expect("text")
            .contains(" store unlock keydb")
    );
    change(&home, |change| change.forget_attempts("keydb"));
    sound(&home);
}

#[test]
fn a_store_whose_plugin_or_settings_are_wrong_is_told() {
    let home = healthy();
    let store = |more: &str| {
        home.configure(&format!(
            "{LOCAL}[[store]]\nname = \"a\"\nplugin = \"anchorhold.keydb\"\n{more}"
        ));
    };
    store("settings = { path = \"a.p12\", colour = \"red\" }\n");
    let finding = told(&home, "error", "setting-invalid", "store \"a\"");
    assert!(
        finding["remedy"]
            .as_str()
            .expect("text")
            .contains("anchorhold.toml")
    );
    store("settings = { path = \"a.p12\" }\nrequire_sandbox = true\n");
    let finding = found(&home, "sandbox");
    assert!(
        finding["remedy"].as_str().expect("text").contains("runner"),
        "{finding:#}"
    );
    home.configure(&format!(
        "{LOCAL}[[store]]\nname = \"a\"\nplugin = \"no.such\"\n"
    ));
    let finding = told(&home, "error", "plugin-missing", "store \"a\"");
    assert!(
        commands(&finding)[0].contains(" plugin add "),
        "{finding:#}"
    );
    store("settings = { path = \"a.p12\" }\n");
    sound(&home);
}

#[test]
fn a_damaged_file_store_is_told_with_both_of_its_files() {
    let Some(desk) = Desk::set() else { return };
    desk.home.configure(LOCAL);
    desk.import(&["cert256.pem"]);
    let (database, stash) = (
        desk.home.database(),
        desk.home.path("h/stores/anchorhold.sth"),
    );
    let (sound_database, sound_stash) = (
        fs::read(&database).expect("there"),
        fs::read(&stash).expect("there"),
    );
    fs::write(&database, b"damaged").expect("written");
    let finding = told(&desk.home, "error", "store-damaged", "store \"keydb\"");
    for file in ["anchorhold.p12", "anchorhold.sth"] {
        assert!(finding["remedy"].as_str().expect("text").contains(file));
    }
    fs::write(&database, &sound_database).expect("written");
    fs::remove_file(&stash).expect("there");
    let finding = told(&desk.home, "error", "store-not-present", "store \"keydb\"");
    assert!(
        finding["remedy"]
            .as_str()
            .expect("text")
            .contains("anchorhold.sth")
    );
    fs::write(&stash, sound_stash).expect("written");
    // Written anew, it may be read by others as well.
    paste(&desk.home, &found(&desk.home, "readable-secret"), "");
    sound(&desk.home);
}

#[test]
fn secrets_that_others_may_read_are_told() {
    let home = healthy();
    home.write("h/pin", "1234\n");
    home.configure(&format!(
        "{LOCAL}[[store]]\nname = \"a\"\nplugin = \"anchorhold.keydb\"\n\
         settings = {{ path = \"a.p12\" }}\nsecrets = {{ pin = {{ file = \"pin\" }} }}\n"
    ));
    mends(&home, "error", "readable-secret", "h/pin", "");
}
