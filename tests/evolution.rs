//! Versions of the contract meet: a plugin and a host that were built with different headers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{here, repository};

/// The folder of the headers as they were released, one folder a version.
fn evolution() -> PathBuf {
    repository().join("tests/evolution")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn todays() -> String {
    read(&repository().join("sdk/c/include/anchorhold.h"))
}

/// The versions that were released, oldest first.
fn released() -> Vec<(u32, String)> {
    let folders = fs::read_dir(evolution()).expect("a folder");
    let mut found: Vec<_> = folders
        .filter_map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path.file_name()?.to_str()?.to_owned();
            let minor = name.strip_prefix("1.")?.parse().ok()?;
            Some((minor, read(&path.join("anchorhold.h"))))
        })
        .collect();
    found.sort();
    found
}

/// What a header says, without what it says to people.
fn declarations(header: &str) -> String {
    let mut rest = header;
    let mut kept = String::new();
    while let Some((before, comment)) = rest.split_once("/*") {
        kept.push_str(before);
        rest = comment.split_once("*/").expect("a comment ends").1;
    }
    kept.push_str(rest);
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A header of a version to come: whatever may grow has grown.
fn newer(header: &str) -> String {
    const FIXED: [&str; 4] = ["ah_str ", "ah_bytes ", "ah_setting ", "ah_store "];
    let mut grown = 0;
    let mut inside = None;
    let mut lines = Vec::new();
    for line in header.lines() {
        let opens = line.contains("struct ah_") && line.contains('{') && !line.contains('}');
        if opens && !FIXED.iter().any(|fixed| line.contains(fixed)) {
            inside = Some(());
        }
        if line.starts_with('}') && inside.take().is_some() {
            lines.push("    uint64_t later[3];".to_owned());
            grown += 1;
        }
        lines.push(match line.strip_prefix("#define AH_ABI_MINOR ") {
            Some(_) => "#define AH_ABI_MINOR 9".to_owned(),
            None => line.to_owned(),
        });
    }
    assert!(grown >= 20, "{grown} structs have grown");
    lines.join("\n")
}

/// Every header that there was, is, and may be, each in a folder of its own.
fn headers(directory: &Path) -> Vec<(String, PathBuf)> {
    let mut all: Vec<_> = released()
        .into_iter()
        .map(|(minor, header)| (format!("1.{minor}"), header))
        .collect();
    all.push(("today".to_owned(), todays()));
    all.push(("newer".to_owned(), newer(&todays())));
    let written = all.into_iter().map(|(name, header)| {
        let folder = directory.join(&name);
        fs::create_dir_all(&folder).expect("made");
        fs::write(folder.join("anchorhold.h"), header).expect("written");
        (name, folder)
    });
    written.collect()
}

fn compile(header: &Path, source: &Path, more: &[&str], output: &Path) {
    let compiled = Command::new("cc")
        .args(["-std=c99", "-D_GNU_SOURCE", "-fPIC", "-O1"])
        .arg("-I")
        .arg(header)
        .arg(source)
        .args(more)
        .arg("-o")
        .arg(output)
        .output()
        .expect("a compiler");
    let said = String::from_utf8_lossy(&compiled.stderr);
    assert!(compiled.status.success(), "{said}");
}

/// The smallest plugin, built with a header.
fn plugin(directory: &Path, version: &str, header: &Path) -> PathBuf {
    let folder = directory.join(format!("plugin-{version}"));
    fs::create_dir_all(&folder).expect("made");
    let source = folder.join("minimal.c");
    fs::copy(repository().join("sdk/c/examples/minimal.c"), &source).expect("copied");
    fs::write(folder.join("anchor.inc"), "0x30, 0x03, 0x02, 0x01, 0x05").expect("written");
    let library = folder.join("libminimal.so");
    compile(
        header,
        &source,
        &["-shared", "-fvisibility=hidden"],
        &library,
    );
    library
}

#[test]
fn released_headers_are_kept_and_today_is_the_newest_of_them() {
    let released = released();
    let (minor, newest) = released.last().expect("a version was released");
    assert_eq!(
        declarations(newest),
        declarations(&todays()),
        "what was released as 1.{minor} never changes: a change is a new minor version"
    );
    assert!(todays().contains(&format!("#define AH_ABI_MINOR {minor}\n")));
}

#[test]
fn every_host_lists_every_plugin() {
    // R1, R2
    if !here("cc") {
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let headers = headers(directory.path());
    let plugins: Vec<_> = headers
        .iter()
        .map(|(version, header)| (version, plugin(directory.path(), version, header)))
        .collect();
    for (host_version, header) in &headers {
        let host = directory.path().join(format!("host-{host_version}"));
        let source = evolution().join("host.c");
        // What is written past the end of a struct of an older host is seen.
        compile(header, &source, &["-fsanitize=address", "-ldl"], &host);
        for (version, library) in &plugins {
            let run = Command::new(&host)
                .arg(library)
                .env("ASAN_OPTIONS", "detect_leaks=0")
                .output()
                .expect("it runs");
            let said = String::from_utf8_lossy(&run.stdout);
            let errors = String::from_utf8_lossy(&run.stderr);
            assert!(
                run.status.success(),
                "{host_version}, {version}: {said}{errors}"
            );
            assert_eq!(
                said, "health 1\nitem Example Root: 5 bytes, 1 rules, decision 1\nitems 1\n",
                "{host_version}, {version}"
            );
        }
    }
}
