//! The examples in C: they compile everywhere, export what they should, and do what they say.

mod directory;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::{Home, Outcome, Watched, here, repository};

/// How long a compiler may take on a machine that is busy with everything else.
const DEADLINE: Duration = Duration::from_secs(120);

const EXAMPLES: [&str; 2] = ["directory", "minimal"];

fn sources() -> PathBuf {
    repository().join("sdk/c/examples")
}

/// Runs another program in a directory.
fn other(directory: &Path, program: &str, words: &[&str]) -> Outcome {
    let mut command = Command::new(program);
    command.current_dir(directory).args(words);
    // What the one who runs the tests sets for their own builds is not what is tested.
    command.env_remove("CFLAGS").env_remove("MAKEFLAGS");
    Watched::output(&mut command, b"", DEADLINE)
}

/// A copy of `sdk/c` below a home, with an anchor for the smallest store.
fn copied(home: &Home) -> PathBuf {
    for folder in ["examples", "include"] {
        for entry in fs::read_dir(repository().join("sdk/c").join(folder)).expect("a folder") {
            let entry = entry.expect("an entry");
            let name = entry.file_name();
            let name = name.to_str().expect("a name");
            if !name.starts_with('.') && !name.ends_with(".so") && name != "anchor.inc" {
                let content = fs::read(entry.path()).expect("readable");
                home.write(&format!("c/{folder}/{name}"), content);
            }
        }
    }
    home.path("c/examples")
}

/// The examples as their Makefile builds them; none where something is missing for that.
pub(crate) fn built(home: &Home) -> Option<PathBuf> {
    if !here("make") || !here("cc") {
        return None;
    }
    let examples = copied(home);
    home.write("root.der", [0x30, 3, 2, 1, 5]);
    other(&examples, "make", &["ANCHOR=../../root.der"]).exits(0);
    Some(examples)
}

/// Today's header, and those of the versions that were released.
fn headers() -> Vec<PathBuf> {
    let mut folders = vec![repository().join("sdk/c/include")];
    for entry in fs::read_dir(repository().join("tests/evolution")).expect("a folder") {
        let path = entry.expect("an entry").path();
        folders.extend(path.join("anchorhold.h").is_file().then_some(path));
    }
    assert!(folders.len() > 1, "a version was released: {folders:?}");
    folders
}

#[test]
fn every_example_compiles_as_c_and_as_cpp_without_a_warning() {
    let home = Home::new();
    home.write("anchor.inc", "0x30, 0x03, 0x02, 0x01, 0x05");
    for (compiler, language, standard) in [
        ("cc", "c", "-std=c99"),
        ("cc", "c", "-std=c11"),
        ("cc", "c", "-std=c17"),
        ("c++", "c++", "-std=c++11"),
        ("c++", "c++", "-std=c++20"),
    ] {
        if !here(compiler) {
            return;
        }
        for header in &headers() {
            for example in EXAMPLES {
                let source = sources().join(format!("{example}.c"));
                let places = [header.to_str(), source.to_str()];
                let [header, source] = places.map(|place| place.expect("text"));
                let strict = "-O2 -Wall -Wextra -Wpedantic -Werror -fPIC -c -o /dev/null -I.";
                let mut words = vec!["-x", language, standard];
                words.extend(strict.split(' '));
                words.extend(["-I", header, source]);
                other(home.directory(), compiler, &words).exits(0);
            }
        }
    }
}

#[test]
fn makefile_builds_libraries_that_export_one_symbol() {
    let home = Home::new();
    let Some(examples) = built(&home) else { return };
    if !here("nm") {
        return;
    }
    for example in EXAMPLES {
        let library = format!("lib{example}.so");
        let symbols = other(&examples, "nm", &["-D", "--defined-only", &library]).exits(0);
        let names: Vec<_> = symbols
            .stdout
            .split_whitespace()
            .skip(2)
            .step_by(3)
            .collect();
        assert_eq!(names, ["anchorhold_plugin_v1"], "{example}");
        let manifest = examples.join(format!("org.example.{example}.plugin.toml"));
        let manifest = fs::read_to_string(manifest).expect("a manifest");
        assert!(manifest.contains(&library), "{manifest}");
    }
}

#[test]
fn makefile_says_which_certificate_it_wants() {
    if !here("make") || !here("cc") {
        return;
    }
    let home = Home::new();
    let examples = copied(&home);
    let outcome = other(&examples, "make", &[]);
    assert_eq!(outcome.status.code(), Some(2), "{}", outcome.shown());
    outcome.says("make ANCHOR=root.der");
}

#[test]
fn pkg_config_finds_the_header() {
    if !here("pkg-config") || !here("cc") {
        return;
    }
    let home = Home::new();
    let ask = |words: &[&str]| {
        let mut command = Command::new("pkg-config");
        command
            .args(words)
            .env("PKG_CONFIG_PATH", repository().join("sdk/c"));
        Watched::output(&mut command, b"", DEADLINE).exits(0).stdout
    };
    let version = "#include <anchorhold.h>\nint main(void) { return AH_ABI_MAJOR - %d || \
                   AH_ABI_MINOR - %d; }\n";
    let said = ask(&["--modversion", "anchorhold"]);
    let (major, minor) = said.trim().split_once('.').expect("a version");
    let program = version.replacen("%d", major, 1).replacen("%d", minor, 1);
    home.write("version.c", program);
    let flags = ask(&["--cflags", "anchorhold"]);
    let mut words: Vec<&str> = flags.split_whitespace().collect();
    words.extend(["version.c", "-o", "version"]);
    other(home.directory(), "cc", &words).exits(0);
    let program = home.path("version");
    other(home.directory(), program.to_str().expect("text"), &[]).exits(0);
    // Where a package installs the header elsewhere.
    let moved = ask(&[
        "--define-variable=prefix=/opt/anchorhold",
        "--cflags",
        "anchorhold",
    ]);
    assert_eq!(moved.trim(), "-I/opt/anchorhold/include");
}
