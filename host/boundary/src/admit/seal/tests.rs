//! Bytes that were hashed are the bytes that stay.

use std::io::{Seek, Write};

use super::*;

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn sealed(bytes: &[u8]) -> (File, [u8; 32]) {
    match seal(&file(bytes), "lib.so", 1 << 20).unwrap() {
        Sealing::Done(memory, digest) => (memory, digest),
        other => panic!("{other:?}"),
    }
}

#[test]
#[cfg(target_os = "linux")]
fn sealed_memory_holds_what_was_hashed_and_never_changes() {
    let bytes = [7; 100_000];
    let (mut memory, digest) = sealed(&bytes);
    assert_eq!(digest, <[u8; 32]>::from(Sha256::digest(bytes)));
    assert_eq!(super::digest(&memory, 1 << 20).unwrap(), Some(digest));
    memory.rewind().unwrap();
    assert_eq!(
        memory.write(b"x").unwrap_err().kind(),
        io::ErrorKind::PermissionDenied
    );
    assert!(memory.set_len(1).is_err() && memory.set_len(200_000).is_err());
    // Nor can anybody who opens it anew.
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&memory));
    let again = std::fs::OpenOptions::new().write(true).open(path);
    if let Ok(mut again) = again {
        assert!(again.write(b"x").is_err());
    }
}

#[test]
fn more_than_there_may_be_is_told() {
    let file = file(&[0; 1000]);
    assert!(digest(&file, 1000).unwrap().is_some());
    assert!(digest(&file, 999).unwrap().is_none());
    assert!(matches!(
        seal(&file, "x", 999).unwrap(),
        Sealing::TooLarge | Sealing::Forbidden
    ));
}

#[test]
#[cfg(target_os = "linux")]
fn a_name_of_any_length_will_do() {
    let memory = seal(&file(b"x"), &"é".repeat(300), 10);
    assert!(matches!(memory, Ok(Sealing::Done(..))), "{memory:?}");
}
