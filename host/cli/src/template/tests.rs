//! What every project must be, whatever it is called.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anchorhold_boundary::manifest::Manifest;

use super::*;

fn named() -> Name {
    Name::new("my-store").expect("fit")
}

fn text<'a>(files: &'a [ProjectFile], path: &str) -> &'a str {
    let file = files.iter().find(|file| file.path == path);
    let file = file.unwrap_or_else(|| panic!("no {path}"));
    std::str::from_utf8(&file.content).expect("text")
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn no_blank_is_left_to_be_filled() {
    for language in [Language::C, Language::Rust] {
        let files = project(language, &named());
        let paths: BTreeSet<_> = files.iter().map(|file| &file.path).collect();
        assert_eq!(paths.len(), files.len(), "a path stands there twice");
        for file in &files {
            assert!(!file.path.starts_with('/') && !file.path.contains(".."));
            let Ok(text) = std::str::from_utf8(&file.content) else {
                assert!(file.path.ends_with(".der"), "{}", file.path);
                continue;
            };
            for blank in ["@name@", "@ident@", "@id@", "@library@", "@version@"] {
                assert!(!text.contains(blank), "{blank} in {}", file.path);
            }
        }
    }
}

#[test]
fn manifest_is_one_and_names_the_library_that_is_built() {
    for language in [Language::C, Language::Rust] {
        let files = project(language, &named());
        let manifest = Manifest::parse(text(&files, &named().manifest())).expect("a manifest");
        assert_eq!(manifest.id, named().id());
        assert_eq!(manifest.library, Some(named().library()));
    }
}

#[test]
fn example_anchor_is_a_certificate() {
    let facts = anchorhold_kernel::certificate::Facts::read(ANCHOR).expect("a certificate");
    assert!(facts.subject.contains("Example anchor"), "{facts:?}");
}

/// The files that a crate is made of, as its `mod` lines say, without tests and what is behind a
/// feature.
fn declared(root: &Path, file: &str, folder: &str, found: &mut BTreeSet<String>) {
    found.insert(file.to_owned());
    let text = fs::read_to_string(root.join(file)).expect("a source");
    let mut before = "";
    for line in text.lines() {
        let line = line.trim();
        let module = line.trim_start_matches("pub ").strip_prefix("mod ");
        let module = module.and_then(|rest| rest.strip_suffix(';'));
        let apart = before.contains("feature") || before.contains("cfg(test)");
        if let Some(module) = module.filter(|_| !apart) {
            let inner = format!("{folder}{module}.rs");
            declared(root, &inner, &format!("{folder}{module}/"), found);
        }
        before = line;
    }
}

#[test]
fn sdk_is_whole_and_has_nothing_that_it_does_not_need() {
    for (package, folder) in [
        ("anchorhold-abi", "sdk/abi/src"),
        ("anchorhold-sdk", "sdk/rust/src"),
    ] {
        let mut needed = BTreeSet::new();
        declared(&repository().join(folder), "lib.rs", "", &mut needed);
        assert!(needed.len() > 5, "{needed:?}");
        let here: BTreeSet<String> = VENDORED
            .iter()
            .filter(|(of, _, _)| *of == package)
            .map(|(_, path, _)| (*path).to_owned())
            .collect();
        assert_eq!(here, needed, "{package}");
    }
}

#[test]
fn crates_are_built_as_in_their_own_workspace() {
    let field = |text: &str, key: &str| {
        let table: toml::Table = text.parse().expect("TOML");
        table["package"][key].clone()
    };
    let files = project(Language::Rust, &named());
    for (package, folder) in [
        ("anchorhold-abi", "sdk/abi"),
        ("anchorhold-sdk", "sdk/rust"),
    ] {
        let own = repository().join(folder).join("Cargo.toml");
        let own = fs::read_to_string(own).expect("a Cargo.toml");
        let copy = text(&files, &format!("vendor/{package}/Cargo.toml"));
        for key in ["name", "description", "edition", "rust-version"] {
            assert_eq!(field(copy, key), field(&own, key), "{package}: {key}");
        }
    }
}
