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
    let file = written(bytes);
    // Neither of these comes to harm by it.
    let _ = (kind::odd(&file), kind::exports(&file, b"nothing"));
    Wants::read(&file)
}

fn written(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
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

/// A library with a few bytes of its own at a place.
fn changed(whole: &[u8], at: usize, bytes: &[u8]) -> Option<String> {
    let mut other = whole.to_vec();
    other[at..at + bytes.len()].copy_from_slice(bytes);
    kind::odd(&written(&other))
}

#[test]
#[cfg(target_os = "linux")]
fn what_is_no_library_of_this_machine_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let library = compiled(dir.path(), "kind.so", &[]);
    assert_eq!(kind::odd(&library), None);
    let whole = std::fs::read(dir.path().join("kind.so")).unwrap();
    let other = if cfg!(target_arch = "s390x") {
        62
    } else {
        22_u16
    };
    let machine = changed(&whole, 18, &other.to_ne_bytes()).unwrap();
    assert!(machine.starts_with("an ELF file for "), "{machine}");
    assert!(machine.contains("s390x") || cfg!(target_arch = "s390x"));
    let unknown = changed(&whole, 18, &999_u16.to_ne_bytes()).unwrap();
    assert!(unknown.ends_with("the machine of number 999"), "{unknown}");
    let class = changed(
        &whole,
        4,
        &[if cfg!(target_pointer_width = "64") {
            1
        } else {
            2
        }],
    );
    assert!(class.unwrap().contains("bits with the"));
    let class = changed(&whole, 4, &[9]).unwrap();
    assert!(class.ends_with("the unknown class 9"), "{class}");
    let order = changed(
        &whole,
        5,
        &[if cfg!(target_endian = "little") { 2 } else { 1 }],
    );
    assert!(order.unwrap().contains("end first"));
    for (kind, said) in [
        (1_u16, "an ELF object that is not linked yet"),
        (2, "an ELF program"),
        (4, "the memory of a process that crashed"),
        (77, "an ELF file of the unknown type 77"),
    ] {
        assert_eq!(changed(&whole, 16, &kind.to_ne_bytes()).unwrap(), said);
    }
    for (bytes, said) in [
        (&b""[..], "an empty file"),
        (b"#!/bin/sh\n", "no ELF file at all"),
        (&[0xff; 4096], "no ELF file at all"),
        (b"\x7fELF", "an ELF file that is cut off"),
        (&whole[..20], "an ELF file that is cut off"),
    ] {
        assert_eq!(kind::odd(&written(bytes)).unwrap(), said);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn program_that_is_loaded_anywhere_is_no_library() {
    let dir = tempfile::tempdir().unwrap();
    let source = dir.path().join("main.c");
    std::fs::write(&source, "int main(void) { return 0; }").unwrap();
    for kind in ["-pie", "-no-pie"] {
        let program = dir.path().join("program");
        let made = Command::new("cc")
            .args(["-fPIE", kind, "-o"])
            .args([&program, &source])
            .status()
            .unwrap();
        assert!(made.success());
        let found = kind::odd(&File::open(&program).unwrap());
        assert_eq!(found.as_deref(), Some("an ELF program"), "{kind}");
    }
}

#[test]
fn what_a_library_exports_is_seen_with_either_table() {
    let dir = tempfile::tempdir().unwrap();
    let here = dir.path().to_str().unwrap();
    compiled(dir.path(), "libdep.so", &[]);
    let source = dir.path().join("named.c");
    let text = "extern int nothing; int here(void) { return nothing; }\n\
                __attribute__((visibility(\"hidden\"))) int inside(void) { return 1; }\n";
    std::fs::write(&source, text).unwrap();
    let source = source.to_str().unwrap();
    for style in ["gnu", "sysv", "both"] {
        let style = format!("-Wl,--hash-style={style}");
        let library = dir.path().join("named.so");
        let made = Command::new("cc")
            .args(["-shared", "-fPIC", "-nostdlib", &style, "-o"])
            .arg(&library)
            .args([source, "-L", here, "-ldep"])
            .status()
            .unwrap();
        assert!(made.success());
        let library = File::open(&library).unwrap();
        for (name, exported) in [
            (&b"here"[..], true),
            // It is another library's, hidden, or not there at all.
            (b"nothing", false),
            (b"inside", false),
            (b"her", false),
            (b"absent", false),
        ] {
            let found = kind::exports(&library, name);
            assert_eq!(found, Some(exported), "{style} {name:?}");
        }
    }
    assert_eq!(kind::exports(&written(b"text"), b"here"), None);
}
