//! Rules of every text file.

use super::{nothing_breaks, tree};
use crate::support::repository;

#[test]
fn no_line_ends_in_blanks_and_every_file_ends_with_a_line() {
    let mut broken = Vec::new();
    for file in tree() {
        for (number, line) in file.lines() {
            if line.ends_with([' ', '\t']) {
                broken.push(format!("{}:{number}", file.name));
            }
        }
        if !file.text.is_empty() && !file.text.ends_with('\n') {
            broken.push(format!("{}: no line end at its end", file.name));
        }
    }
    nothing_breaks("blanks at the end of a line say nothing", &broken);
}

#[test]
fn what_is_left_to_do_is_not_written_into_the_tree() {
    let words = [["TO", "DO"], ["FIX", "ME"], ["XX", "X"], ["HA", "CK"]].map(|half| half.concat());
    let mut broken = Vec::new();
    for file in tree() {
        for (number, line) in file.lines() {
            let mut parts = line.split(|character: char| !character.is_ascii_alphanumeric());
            if parts.any(|part| words.iter().any(|word| part == word)) {
                broken.push(format!("{}:{number}: {}", file.name, line.trim()));
            }
        }
    }
    nothing_breaks("what is missing is no remark in the code", &broken);
}

#[test]
fn the_tree_names_no_machine_of_a_developer() {
    let here = repository();
    let mut machines = vec![here.to_string_lossy().into_owned()];
    machines.extend(std::env::var("CARGO_HOME"));
    machines.extend(
        ["/tmp/tar", "/Us", "/work/ma", "/root/.ca"]
            .iter()
            .zip(["get", "ers/", "in", "rgo"])
            .map(|(one, other)| format!("{one}{other}")),
    );
    let mut broken = Vec::new();
    for file in tree() {
        for (number, line) in file.lines() {
            if machines.iter().any(|machine| line.contains(machine)) {
                broken.push(format!("{}:{number}: {}", file.name, line.trim()));
            }
        }
    }
    nothing_breaks("a path of one machine means nothing on another", &broken);
}

#[test]
fn the_tree_speaks_of_the_project_and_of_nothing_else() {
    // The character in the middle keeps this file from naming what it forbids.
    let words: Vec<String> = [
        "rules~md",
        "cli~md",
        "domain~md",
        "style~md",
        "formats~md",
        "lessons~md",
        "perf~md",
        "runner~md",
        "crates~md",
        "design~md",
        "shared~/",
        "iss~ue 2",
        "issues sh~ow",
        "step~ 1 of",
        "Cl~aude",
        "Anthr~opic",
        "Chat~GPT",
        "Copi~lot",
        "language mo~del",
        "AI-gen~erated",
    ]
    .iter()
    .map(|word| match word.strip_suffix("~md") {
        Some(page) => format!("{page}.md"),
        None => word.replace('~', ""),
    })
    .collect();
    let mut broken = Vec::new();
    for file in tree() {
        for (number, line) in file.lines() {
            if words.iter().any(|word| line.contains(word.as_str())) {
                broken.push(format!("{}:{number}: {}", file.name, line.trim()));
            }
        }
    }
    nothing_breaks("how the tree came about is told by its history", &broken);
}

#[test]
fn every_licence_is_there() {
    let root = repository();
    for name in ["LICENSE-APACHE", "LICENSE-MIT", "Cargo.lock", ".gitignore"] {
        assert!(root.join(name).is_file(), "{name}");
    }
}
