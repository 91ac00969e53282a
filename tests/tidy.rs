//! The rules of this house that a machine can check.

mod document;
mod manifest;
mod source;
mod text;

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::repository;

/// One file of this project's tree.
#[derive(Clone, Debug)]
struct Source {
    /// Its name below the root.
    name: String,
    /// What is in it.
    text: String,
}

impl Source {
    /// The lines, numbered from 1.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
    }

    /// Whether it is all test, and no part of a program or a library.
    fn is_test(&self) -> bool {
        let folder = |name: &str| self.name.split('/').any(|part| part == name);
        folder("tests") || folder("benches") || self.name.ends_with("/tests.rs")
    }

    fn is_rust(&self) -> bool {
        self.name.ends_with(".rs")
    }
}

/// Every text file of the tree; what is built from it is none.
fn tree() -> Vec<Source> {
    let root = repository();
    let mut files = Vec::new();
    walk(&root, &root, &mut files);
    assert!(
        files.len() > 100,
        "the tree is found: {} files",
        files.len()
    );
    files.sort_by(|one, other| one.name.cmp(&other.name));
    files
}

fn rust() -> Vec<Source> {
    tree().into_iter().filter(Source::is_rust).collect()
}

fn walk(root: &Path, directory: &Path, files: &mut Vec<Source>) {
    for entry in fs::read_dir(directory).expect("readable").flatten() {
        let path = entry.path();
        let kind = entry.file_type().expect("known");
        let name = entry.file_name();
        if kind.is_dir() && !SKIPPED.iter().any(|skipped| name == *skipped) {
            walk(root, &path, files);
        } else if kind.is_file()
            && let Ok(text) = fs::read_to_string(&path)
        {
            let name = name_below(root, &path);
            files.push(Source { name, text });
        }
    }
}

fn name_below(root: &Path, path: &Path) -> String {
    let below: PathBuf = path.strip_prefix(root).expect("below the root").into();
    below.to_string_lossy().replace('\\', "/")
}

/// Fails with every line that breaks a rule, not only with the first.
#[track_caller]
fn nothing_breaks(rule: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{rule}:\n{}", broken.join("\n"));
}

/// Directories that are not part of the tree.
const SKIPPED: &[&str] = &[
    ".git",
    "target",
    "__pycache__",
    "corpus",
    ".ruff_cache",
    ".mypy_cache",
];
