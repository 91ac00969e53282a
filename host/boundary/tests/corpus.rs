//! What fuzzing has found interesting, read again by every run of the tests.

#![allow(
    clippy::expect_used,
    reason = "what a test cannot do without, fails it"
)]

use std::fs;
use std::path::Path;

use anchorhold_boundary::fuzzing;

/// Reads the corpus of a fuzz target; there is one.
fn replay(target: &str, read: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut count = 0;
    for file in fs::read_dir(&folder).expect("a corpus") {
        let path = file.expect("an entry").path();
        let bytes = fs::read(&path).expect("readable");
        // Where it panics, this tells on what.
        println!("{}", path.display());
        read(&bytes);
        // What is cut off, and what has one bit more.
        for end in [bytes.len() / 2, bytes.len().saturating_sub(1)] {
            read(bytes.get(..end).expect("shorter"));
        }
        count += 1;
    }
    assert!(count >= 5, "{count} files in {}", folder.display());
}

#[test]
fn frames_are_read() {
    replay("frame", fuzzing::frame);
}

#[test]
fn what_a_runner_may_send_is_read() {
    replay("to_host", fuzzing::message_to_host);
}

#[test]
fn what_a_host_may_send_is_read() {
    replay("to_runner", fuzzing::message_to_runner);
}

#[test]
fn manifests_are_read() {
    replay("manifest", fuzzing::manifest);
}

#[test]
fn what_a_plugin_pushes_is_read() {
    replay("adopt", fuzzing::adopt);
}
