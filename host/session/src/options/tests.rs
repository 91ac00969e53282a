//! Tests of the option files: text in, a readable account of it out.

mod name;
mod property;
mod reading;
mod replication;
mod stanza;
mod text;
mod value;

use std::fmt::Write;
use std::path::Path;

use super::{Options, OtherOption, Source, SourceRole, Stanza, parse};

/// Parses a dsm.sys, and compares what it says.
#[track_caller]
fn check(text: &str, expected: &str) {
    check_files(&[("dsm.sys", SourceRole::System, text)], expected);
}

/// Parses several files, and compares what they say.
#[track_caller]
fn check_files(files: &[(&str, SourceRole, &str)], expected: &str) {
    let sources: Vec<Source<'_>> = files
        .iter()
        .map(|(path, role, text)| Source {
            path: Path::new(path),
            bytes: text.as_bytes(),
            role: *role,
        })
        .collect();
    assert_eq!(account(&sources).trim_end(), unindented(expected));
}

#[track_caller]
fn check_bytes(bytes: &[u8], expected: &str) {
    let source = Source {
        path: Path::new("dsm.sys"),
        bytes,
        role: SourceRole::System,
    };
    assert_eq!(account(&[source]).trim_end(), unindented(expected));
}

/// Parses a stanza of the given lines, of which none may be wrong.
fn stanza(lines: &str) -> Stanza {
    options(&format!("SErvername TSM1\n{lines}"))
        .stanza("tsm1")
        .expect("the stanza is there")
        .clone()
}

fn options(text: &str) -> Options {
    let source = Source {
        path: Path::new("dsm.sys"),
        bytes: text.as_bytes(),
        role: SourceRole::System,
    };
    parse(&[source]).expect("nothing is wrong with the text")
}

/// What is in force without being the default, and everything else that the files say; or what
/// is wrong with them.
fn account(sources: &[Source<'_>]) -> String {
    let options = match parse(sources) {
        Ok(options) => options,
        Err(error) => return error.to_string(),
    };
    let mut out = String::new();
    if let Some(server) = &options.default_server {
        writeln!(out, "default {} {}", server.value, server.place).expect("strings grow");
    }
    if let Some(server) = &options.chosen {
        writeln!(out, "chosen {} {}", server.value, server.place).expect("strings grow");
    }
    for stanza in &options.stanzas {
        writeln!(out, "{} {}", stanza.name, stanza.place).expect("strings grow");
        for option in stanza.effective() {
            if option.from.contains(':') {
                writeln!(out, "  {} {} {}", option.name, option.value, option.from)
                    .expect("strings grow");
            }
        }
        others(&mut out, "  + ", &stanza.others);
    }
    others(&mut out, "+ ", &options.others);
    for note in &options.notes {
        writeln!(out, "note {note}").expect("strings grow");
    }
    out
}

fn others(out: &mut String, indent: &str, others: &[OtherOption]) {
    for other in others {
        let value = other.value.as_deref().unwrap_or("(secret)");
        writeln!(out, "{indent}{} {value} {}", other.name, other.place).expect("strings grow");
    }
}

/// Takes the indentation of the first line from all of them.
fn unindented(text: &str) -> String {
    let text = text.trim_start_matches('\n').trim_end();
    let indent = text.len() - text.trim_start_matches(' ').len();
    text.lines()
        .map(|line| line.get(indent..).unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}
