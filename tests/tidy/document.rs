//! Rules of Markdown files.

use super::{Source, nothing_breaks, tree};
use crate::support::repository;

fn documents() -> Vec<Source> {
    let documents: Vec<Source> = tree()
        .into_iter()
        .filter(|file| file.name.ends_with(".md"))
        .collect();
    assert!(documents.iter().any(|file| file.name == "README.md"));
    assert!(
        documents
            .iter()
            .any(|file| file.name == "host/ARCHITECTURE.md")
    );
    documents
}

/// The lines of prose: no code, no table, no list, no headline.
fn prose(document: &Source) -> Vec<(usize, &str)> {
    let mut code = false;
    let mut lines = Vec::new();
    for (number, line) in document.lines() {
        let start = line.trim_start();
        if start.starts_with("```") {
            code = !code;
        } else if !code && !start.starts_with(['|', '#', '-', '*', '>', '<']) {
            lines.push((number, line));
        }
    }
    lines
}

/// Where a sentence ends before the line does.
fn ends_early(line: &str) -> bool {
    let bytes = line.as_bytes();
    let ends = |at: usize| {
        let before = at.checked_sub(1).and_then(|at| bytes.get(at));
        let before =
            before.is_some_and(|byte| byte.is_ascii_lowercase() || b")`*\"".contains(byte));
        let after = bytes.get(at + 2).is_some_and(u8::is_ascii_uppercase);
        before && after && bytes[at + 1] == b' '
    };
    let dots = line.match_indices(['.', '!', '?']).map(|(at, _)| at);
    dots.filter(|at| at + 2 < bytes.len()).any(ends)
}

#[test]
fn one_sentence_stands_on_one_line() {
    let mut broken = Vec::new();
    for document in documents() {
        for (number, line) in prose(&document) {
            if ends_early(line) {
                broken.push(format!("{}:{number}: {line}", document.name));
            }
        }
    }
    nothing_breaks(
        "a sentence has a line of its own, so that a change shows what changed",
        &broken,
    );
}

#[test]
fn every_link_within_the_tree_leads_somewhere() {
    let root = repository();
    let mut broken = Vec::new();
    let mut count = 0;
    for document in documents() {
        let folder = root.join(&document.name);
        let folder = folder.parent().expect("in a folder");
        for (number, line) in document.lines() {
            for target in targets(line) {
                let file = target.split('#').next().unwrap_or_default();
                if file.is_empty() || file.contains("://") || file.starts_with("mailto:") {
                    continue;
                }
                count += 1;
                if !folder.join(file).exists() {
                    broken.push(format!("{}:{number}: {target}", document.name));
                }
            }
        }
    }
    assert!(count > 0, "there are links");
    nothing_breaks("a link leads to what is there", &broken);
}

/// Where the links of a line lead.
fn targets(line: &str) -> Vec<&str> {
    let ends = line.split("](").skip(1);
    ends.filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target)
        .collect()
}

#[test]
fn sentences_are_told_apart() {
    for line in [
        "One ends here. Another begins.",
        "With `code`. And more.",
        "Why? Because.",
    ] {
        assert!(ends_early(line), "{line}");
    }
    for line in [
        "One sentence.",
        "See e.g. the table.",
        "V8.1.2 is a level.",
        "It is 0.5 Mbit. or so",
        "Cargo.toml names T. Rex too.",
    ] {
        assert!(!ends_early(line), "{line}");
    }
}

#[test]
fn links_are_found() {
    let line = "see [one](a.md) and [two](b/c.md#d), not (this)";
    assert_eq!(targets(line), ["a.md", "b/c.md#d"]);
}
