//! The projects that `plugin new` makes: they build as they are, and load at the first try.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Home, Outcome, Watched, here, repository, skip};

/// How long a build may take on a machine that is busy with everything else.
const DEADLINE: Duration = Duration::from_secs(300);

fn other(home: &Home, program: &str, words: &[&str]) -> Outcome {
    let mut command = Command::new(program);
    command.current_dir(home.directory()).args(words);
    command.env_remove("CFLAGS").env_remove("MAKEFLAGS");
    Watched::output(&mut command, b"", DEADLINE)
}

/// Builds a project in Rust as its author would, in a directory of its own, without a network.
fn cargo(home: &Home, toolchain: &[&str], target: &str, words: &[&str]) -> Outcome {
    let mut command = Command::new("cargo");
    command.current_dir(home.directory());
    // What cargo sets for the tests is for the tests; a toolchain that is named is another one.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO") && text != "CARGO_HOME" || text.starts_with("RUSTFLAGS") {
            command.env_remove(&name);
        }
    }
    if !toolchain.is_empty() {
        command.env_remove("RUSTUP_TOOLCHAIN");
    }
    command.env_remove("RUSTC").env_remove("RUSTDOC");
    command.env("CARGO_TARGET_DIR", home.path(target));
    command.args(toolchain).args(words).arg("--offline");
    Watched::output(&mut command, b"", DEADLINE)
}

/// Makes a project in C, and builds it; none where something is missing for that.
fn in_c(home: &Home, name: &str) -> Option<Value> {
    if !here("make") || !here("cc") || !here("od") {
        return None;
    }
    let made = home.json(0, &["plugin", "new", "--lang", "c", name]);
    let built = other(home, "make", &["-C", name]).exits(0);
    assert!(!built.stderr.contains("warning"), "{}", built.shown());
    Some(made)
}

/// The plugin of a project keeps its contract; once it is registered, its store lists the anchor
/// that is built in.
#[track_caller]
fn loads(home: &Home, manifest: &str, store: &str) {
    let check = home.json(0, &["plugin", "check", manifest]);
    assert_eq!(check["failed"], 0, "{check:#}");
    assert_ne!(check["passed"], 0, "{check:#}");
    let added = home.json(0, &["plugin", "add", manifest, "--yes"]);
    assert_eq!(added["store"], store, "{added:#}");
    assert_eq!(added["plugin"]["state"], "admitted", "{added:#}");
    let list = home.json(0, &["store", "list"]);
    let stores = list["stores"].as_array().expect("a list");
    let found = stores.iter().find(|found| found["name"] == store);
    let found = found.unwrap_or_else(|| panic!("no store {store} in {list:#}"));
    assert_eq!(found["isolation"], "runner", "{found:#}");
    assert_eq!(found["health"], "ready", "{found:#}");
    assert_eq!(found["items"], 1, "{found:#}");
    let list = home.json(0, &["list", "--store", store]);
    let certificates = list["certificates"].as_array().expect("a list");
    assert_eq!(certificates.len(), 1, "{list:#}");
    assert_eq!(certificates[0]["subject"], "CN=Example anchor");
    assert_eq!(certificates[0]["label"], "example");
}

#[test]
fn project_in_c_builds_and_loads() {
    let home = Home::new();
    let Some(made) = in_c(&home, "my-store") else {
        return;
    };
    assert_eq!(made["id"], "org.example.my-store");
    assert_eq!(made["library"], "my-store/libmy_store.so");
    assert!(home.path("my-store/libmy_store.so").is_file());
    let next = made["next"].as_array().expect("a list");
    assert_eq!(next[0], "make -C my-store", "{made:#}");
    assert_eq!(next.len(), 4, "{made:#}");
    loads(
        &home,
        made["manifest"].as_str().expect("a path"),
        "my-store",
    );
}

#[test]
fn project_in_c_builds_in_every_certificate_that_is_there() {
    let home = Home::new();
    if in_c(&home, "my-store").is_none() {
        return;
    }
    let anchors = home.path("my-store/anchors");
    let odd = "it's \"odd\" \\ 100%.der";
    fs::copy(
        repository().join("sdk/conform/data/one.der"),
        anchors.join(odd),
    )
    .expect("copied");
    let count = |home: &Home| {
        other(home, "make", &["-C", "my-store"]).exits(0);
        let manifest = "my-store/org.example.my-store.plugin.toml";
        let run = home.json(0, &["plugin", "run", manifest, "list"]);
        let items = run["items"].as_array().expect("a list").clone();
        let labels = items
            .iter()
            .map(|item| item["label"].as_str().map(str::to_owned));
        labels.map(Option::unwrap_or_default).collect::<Vec<_>>()
    };
    assert_eq!(count(&home), ["example", odd.trim_end_matches(".der")]);
    // One that is taken out is noticed, too, although no file is newer for it.
    fs::remove_file(anchors.join(odd)).expect("removed");
    assert_eq!(count(&home), ["example"]);
    home.write("my-store/anchors/text.der", "-----BEGIN CERTIFICATE-----\n");
    let outcome = other(&home, "make", &["-C", "my-store"]);
    assert!(!outcome.status.success());
    outcome.says("anchors/text.der is no certificate in DER");
}

#[test]
fn project_in_c_compiles_as_c_and_as_cpp_without_a_warning() {
    let home = Home::new();
    if in_c(&home, "my-store").is_none() || !here("c++") {
        return;
    }
    for (compiler, language, standard) in [
        ("cc", "c", "-std=c99"),
        ("cc", "c", "-std=c17"),
        ("c++", "c++", "-std=c++11"),
        ("c++", "c++", "-std=c++20"),
    ] {
        let words = [
            "-x",
            language,
            standard,
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Werror",
            "-O2",
            "-c",
            "-Imy-store/include",
            "-o",
            "/dev/null",
            "my-store/my_store.c",
        ];
        other(&home, compiler, &words).exits(0);
    }
}

#[test]
fn project_in_rust_builds_and_loads() {
    let home = Home::new();
    if !here("cargo") || !here("cc") {
        return;
    }
    let made = home.json(0, &["plugin", "new", "--lang", "rust", "my-rust"]);
    let file = "my-rust/Cargo.toml";
    let build = ["build", "--manifest-path", file];
    let built = cargo(&home, &[], "target", &build).exits(0);
    assert!(!built.stderr.contains("warning"), "{}", built.shown());
    // The manifest stands beside the library, and a later build finds nothing to do.
    let manifest = format!("target/debug/{}", "org.example.my-rust.plugin.toml");
    assert!(home.path(&manifest).is_file());
    let again = cargo(&home, &[], "target", &build).exits(0);
    assert!(!again.stderr.contains("Compiling"), "{}", again.shown());
    cargo(&home, &[], "target", &["test", "--manifest-path", file]).exits(0);
    assert!(
        made["library"]
            .as_str()
            .expect("a path")
            .ends_with("libmy_rust.so")
    );
    loads(&home, &manifest, "my-rust");
}

/// Whether rustup has a toolchain; where not, the test is skipped.
fn toolchain(name: &str) -> bool {
    if !here("rustup") {
        return false;
    }
    let list = Command::new("rustup").args(["toolchain", "list"]).output();
    let list = String::from_utf8_lossy(&list.expect("rustup runs").stdout).into_owned();
    let found = list.lines().any(|line| line.starts_with(name));
    if !found {
        skip(&format!("the toolchain {name} is not installed"));
    }
    found
}

#[test]
fn library_of_another_compiler_loads_as_well() {
    let home = Home::new();
    if !here("cc") || !toolchain("nightly") {
        return;
    }
    home.json(0, &["plugin", "new", "--lang", "rust", "other-rust"]);
    let build = [
        "build",
        "--release",
        "--manifest-path",
        "other-rust/Cargo.toml",
    ];
    let built = cargo(&home, &["+nightly"], "nightly", &build).exits(0);
    assert!(!built.stderr.contains("warning"), "{}", built.shown());
    loads(
        &home,
        "nightly/release/org.example.other-rust.plugin.toml",
        "other-rust",
    );
}

#[test]
fn project_is_made_for_its_owner_to_change_whatever_the_umask() {
    let home = Home::new();
    let outcome = home.shell("umask 002; anchorhold --home h plugin new --lang rust my-rust");
    outcome.exits(0).says("umask 022 && cargo build");
    each(&home.path("my-rust"), &|path, mode| {
        assert_eq!(mode & 0o022, 0, "{}: {mode:o}", path.display());
    });
    let outcome = home.shell("umask 022; anchorhold --home h plugin new --lang rust other");
    let outcome = outcome.exits(0);
    assert!(!outcome.stdout.contains("umask"), "{}", outcome.shown());
    assert!(!home.path("h").exists(), "nothing is written into the home");
    if here("make") && here("cc") {
        let line = "umask 002; anchorhold plugin new --lang c my-store && make -C my-store && \
                    anchorhold --home h plugin add my-store/*.toml --yes";
        home.shell(line).exits(0);
    }
}

fn each(directory: &Path, check: &dyn Fn(&Path, u32)) {
    let mode = |path: &Path| path.metadata().expect("there").permissions().mode();
    check(directory, mode(directory));
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            each(&path, check);
        } else {
            check(&path, mode(&path));
        }
    }
}

#[test]
fn nothing_is_overwritten_and_names_are_checked() {
    let home = Home::new();
    let new = |directory: &str| home.json(2, &["plugin", "new", "--lang", "c", directory]);
    for name in ["My", "2nd", "a_b", "a.b", "x-", "..", "/"] {
        let error = new(name);
        assert_eq!(error["error"]["code"], "name-unfit", "{error:#}");
        assert!(error["error"]["remedy"].is_string(), "{error:#}");
    }
    home.write("full/note", "mine");
    home.write("file", "mine");
    for name in ["full", "file"] {
        let error = new(name);
        assert_eq!(error["error"]["code"], "directory-occupied", "{error:#}");
    }
    assert_eq!(
        fs::read_to_string(home.path("full/note")).expect("kept"),
        "mine"
    );
    assert_eq!(fs::read_dir(home.path("full")).expect("read").count(), 1);
    // An empty directory is as good as none, and so is the one that somebody stands in.
    fs::create_dir(home.path("empty")).expect("made");
    home.shell("cd empty && anchorhold plugin new --lang c .")
        .exits(0);
    assert!(home.path("empty/empty.c").is_file());
    home.run(&["plugin", "new", "--lang", "cobol", "x"])
        .exits(2)
        .says("rust");
}
