//! A library in Rust, built by itself, admitted and loaded: by this compiler and by another one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test cannot do without, fails it"
)]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anchorhold_boundary::admit::{self, Pins};
use anchorhold_boundary::batch::{Batch, Change, Effect};
use anchorhold_boundary::item::Item;
use anchorhold_boundary::query::{By, Query};
use anchorhold_boundary::{CallLimits, Plugin, Status, StoreConfig};
use sha2::{Digest, Sha256};

/// Builds the SDK's example with a toolchain, this one where none is named, and puts its library
/// and its manifest beside each other.
fn built(toolchain: Option<&str>, directory: &Path) -> PathBuf {
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdk/rust");
    let name = format!("rust-library-{}", toolchain.unwrap_or("own"));
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut cargo = match toolchain {
        None => Command::new(env!("CARGO")),
        Some(toolchain) => {
            let mut cargo = Command::new("rustup");
            // What this test was started with names its own compiler.
            for set in ["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN"] {
                cargo.env_remove(set);
            }
            cargo.args(["run", toolchain, "cargo"]);
            cargo
        }
    };
    let output = cargo
        .args(["build", "--offline", "--quiet", "--example", "roots"])
        .args(["--package", "anchorhold-sdk", "--target-dir"])
        .arg(&target)
        .current_dir(&sdk)
        .output()
        .expect("cargo is here");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let manifest = directory.join("org.example.roots.plugin.toml");
    fs::copy(
        sdk.join("examples/org.example.roots.plugin.toml"),
        &manifest,
    )
    .unwrap();
    let library = directory.join("libroots.so");
    fs::copy(target.join("debug/examples/libroots.so"), library).unwrap();
    manifest
}

/// Admits a library with the pins that it has, and loads it here.
fn loaded(manifest: &Path) -> Plugin {
    let digest = |path: &Path| Sha256::digest(fs::read(path).unwrap()).into();
    let pins = Pins {
        library: digest(&manifest.with_file_name("libroots.so")),
        manifest: digest(manifest),
    };
    let admitted = admit::admit(manifest, &pins).unwrap();
    Plugin::from_library(admitted).unwrap()
}

/// What any of its stores does: holds one certificate, finds it by its id, gives it away again.
fn works(plugin: Plugin, directory: &Path) {
    assert_eq!(plugin.id(), "org.example.roots");
    assert!(plugin.can_write() && plugin.can_find() && !plugin.can_sign());
    let path = directory.join("roots");
    let mut config = StoreConfig::new("roots");
    config.settings = vec![("path".to_owned(), path.to_str().unwrap().to_owned())];
    let table = plugin.open(config).unwrap();
    let limits = CallLimits::default();
    assert!(table.list(&limits).unwrap().items.is_empty());
    let der: Vec<u8> = (0x30..0x90).collect();
    let put = Batch {
        changes: vec![Change::Put(Item::certificate(
            der.clone(),
            "root".to_owned(),
        ))],
        ..Batch::default()
    };
    let done = table.apply(&put, &limits).unwrap();
    assert_eq!(done[0].effect, Effect::New);
    assert_eq!(table.list(&limits).unwrap().items[0].der, der);
    let id = done[0].id.clone();
    let found = table.find(&Query::new(By::Id(id.0.clone())), &limits);
    assert_eq!(found.unwrap().items.len(), 1);
    let unknown = table
        .find(&Query::new(By::Subject(vec![0x30, 0])), &limits)
        .unwrap_err();
    assert_eq!(unknown.status, Status::Unsupported);
    let remove = Batch {
        changes: vec![Change::Remove(id)],
        ..Batch::default()
    };
    assert_eq!(
        table.apply(&remove, &limits).unwrap()[0].effect,
        Effect::Removed
    );
    assert!(table.list(&limits).unwrap().items.is_empty());
    assert_eq!(fs::read(&path).unwrap(), b"");
}

#[test]
fn library_of_this_compiler_is_loaded_and_works() {
    let directory = tempfile::tempdir().unwrap();
    let plugin = loaded(&built(None, directory.path()));
    works(plugin, directory.path());
}

#[test]
fn library_of_another_compiler_is_loaded_and_works() {
    let there = Command::new("rustup")
        .args(["run", "nightly", "rustc", "--version"])
        .output();
    if !there.is_ok_and(|version| version.status.success()) {
        skip("no nightly toolchain is installed");
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let plugin = loaded(&built(Some("nightly"), directory.path()));
    works(plugin, directory.path());
}

/// Says why a test does not run, and notes it where the runner of the tests counts.
fn skip(reason: &str) {
    eprintln!("skipped: {reason}");
    if let Some(list) = std::env::var_os("ANCHORHOLD_SKIPS") {
        let file = fs::OpenOptions::new().append(true).create(true).open(list);
        let line = format!("library_of_another_compiler_is_loaded_and_works: {reason}\n");
        file.and_then(|mut file| file.write_all(line.as_bytes()))
            .expect("noted");
    }
}
