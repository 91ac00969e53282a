//! Real libraries, and files that only look like some.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use super::*;

fn compiled(dir: &Path, name: &str, words: &[&str]) -> File {
    let source = dir.join("empty.c");
    std::fs::write(&source, "int nothing;").unwrap();
    let library = dir.join(name);
    let made = Command::new("cc")
        .args(["-shared", "-fPIC", "-nostdlib", "-o"])
        .arg(&library)
        .arg(&source)
        .args(words)
        .status()
        .expect("a C compiler is needed: apt-get install gcc libc6-dev");
    assert!(made.success());
    File::open(library).unwrap()
}

fn texts(texts: &[Vec<u8>]) -> Vec<&str> {
    texts
        .iter()
        .map(|text| std::str::from_utf8(text).unwrap())
        .collect()
}

fn of_bytes(bytes: &[u8]) -> Wants {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    Wants::read(&file)
}

#[test]
fn what_a_library_asks_for_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path().to_str().unwrap();
    compiled(dir.path(), "libdep.so", &[]);
    let paths = "-Wl,-rpath,$ORIGIN:/usr/lib:$ORIGIN/../lib:${ORIGIN}/x:$ORIGINAL";
    for (kind, name) in [
        ("-Wl,--enable-new-dtags", "run.so"),
        ("-Wl,--disable-new-dtags", "r.so"),
    ] {
        let words = [kind, paths, "-Wl,--no-as-needed", "-L", here, "-ldep"];
        let wants = Wants::read(&compiled(dir.path(), name, &words));
        assert_eq!(texts(&wants.needed), ["libdep.so"], "{kind}");
        assert_eq!(wants.search.len(), 5, "{kind}: {wants:?}");
        let beside: Vec<_> = wants.beside().collect();
        assert_eq!(beside, [&b""[..], b"../lib", b"x"], "{kind}");
        assert!(wants.are_beside());
    }
    let plain = Wants::read(&compiled(dir.path(), "plain.so", &[]));
    assert_eq!(plain, Wants::default());
    assert!(!plain.are_beside());
}

#[test]
fn what_a_library_stands_in_for_is_loaded_as_well() {
    let dir = tempfile::tempdir().unwrap();
    for (flag, name) in [("-f", "auxiliary.so"), ("-F", "filter.so")] {
        let words = [&format!("-Wl,{flag},/tmp/other.so")[..]];
        let wants = Wants::read(&compiled(dir.path(), name, &words));
        assert_eq!(texts(&wants.needed), ["/tmp/other.so"], "{flag}");
    }
}

#[test]
fn what_is_no_library_asks_for_nothing() {
    for bytes in [
        &b""[..],
        b"\x7fELF",
        b"#!/bin/sh\n",
        &[0; 4096],
        &[0xff; 4096],
    ] {
        assert_eq!(of_bytes(bytes), Wants::default());
    }
}

#[test]
fn a_damaged_library_is_read_without_harm() {
    let dir = tempfile::tempdir().unwrap();
    compiled(dir.path(), "whole.so", &["-Wl,-rpath,$ORIGIN"]);
    let whole = std::fs::read(dir.path().join("whole.so")).unwrap();
    assert!(of_bytes(&whole).are_beside());
    for length in (0..whole.len()).step_by(61) {
        of_bytes(&whole[..length]);
    }
    // Numbers that lead out of the file, in the header, in the segments and in the table of them.
    let mut seed = 1_u64;
    for _ in 0..2000 {
        let mut bytes = whole.clone();
        for _ in 0..8 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let at = usize::try_from(seed >> 33).unwrap() % 1024.min(bytes.len());
            bytes[at] = seed.to_le_bytes()[6];
        }
        of_bytes(&bytes);
    }
}
