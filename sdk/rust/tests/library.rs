//! The example as a library: what it exports, and that it works through its one symbol.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    reason = "what a test cannot do without, fails it"
)]

use std::path::PathBuf;
use std::process::Command;

/// Builds the example where this test was built, and returns its path.
fn library() -> PathBuf {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--offline", "--quiet", "--example", "roots"])
        .args(["--package", env!("CARGO_PKG_NAME")])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .unwrap();
    assert!(built.success());
    // The test is `TARGET/PROFILE/deps/library-…`.
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(|deps| deps.parent()).unwrap();
    profile.join("examples").join("libroots.so")
}

#[test]
#[cfg(target_os = "linux")]
fn library_exports_its_entry_and_nothing_else() {
    let symbols = Command::new("nm")
        .args(["--dynamic", "--defined-only", "--format=posix"])
        .arg(library())
        .output()
        .unwrap();
    assert!(symbols.status.success());
    let symbols = String::from_utf8(symbols.stdout).unwrap();
    let names: Vec<_> = symbols
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert_eq!(names, ["anchorhold_plugin_v1"]);
}
