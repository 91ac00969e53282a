//! What fuzzing has found interesting, read again by every run of the tests.
//!
//! With `ANCHORHOLD_SEEDS` in the environment the files that fuzzing begins with are made anew
//! first, by the programs whose formats they are.

#![allow(
    clippy::expect_used,
    reason = "what a test cannot do without, fails it"
)]

use std::fs;
use std::path::{Path, PathBuf};

use anchorhold_formats::fuzzing;

#[path = "corpus/seed.rs"]
mod seed;

/// Where the corpus of a fuzz target is.
fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target)
}

/// Reads the corpus of a fuzz target; there is one.
fn replay(target: &str, read: fn(&[u8])) {
    let folder = folder(target);
    if std::env::var_os("ANCHORHOLD_SEEDS").is_some() {
        seed::make(target, &folder);
    }
    let mut count = 0;
    for file in fs::read_dir(&folder).expect("a corpus") {
        let path = file.expect("an entry").path();
        let bytes = fs::read(&path).expect("readable");
        // Where it panics, this tells on what.
        println!("{}", path.display());
        read(&bytes);
        // What is cut off.
        for end in [bytes.len() / 2, bytes.len().saturating_sub(1)] {
            read(bytes.get(..end).expect("shorter"));
        }
        count += 1;
    }
    assert!(count >= 5, "{count} files in {}", folder.display());
}

#[test]
fn ber_is_read() {
    replay("ber", fuzzing::ber);
}

#[test]
fn der_is_read() {
    replay("der", fuzzing::der);
}

#[test]
fn keystores_are_read() {
    replay("jks", fuzzing::jks);
}

#[test]
fn key_databases_are_read() {
    replay("kdb", fuzzing::kdb);
}

#[test]
fn pkcs12_files_are_read() {
    replay("p12", fuzzing::p12);
}

#[test]
fn pkcs7_files_are_read() {
    replay("p7b", fuzzing::p7b);
}

#[test]
fn armour_is_read() {
    replay("pem", fuzzing::pem);
}

#[test]
fn stashes_are_read() {
    replay("sth", fuzzing::sth);
}
