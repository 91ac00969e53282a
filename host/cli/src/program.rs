//! From the words of a command line to the exit status.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use clap::Parser;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::args::{Arguments, Globals, dsmcert};
use crate::commands;
use crate::exit::{Exit, Failure};
use crate::home::Home;
use crate::invocation::{Invocation, is_dsmcert};
use crate::output::{Reply, print, print_failure, say_plain};
use crate::ownership::name_obstacle;
use crate::paths::{Paths, Surroundings};

/// Runs the program as it was called.
pub(crate) fn run(words: &[OsString]) -> Exit {
    if words.first().is_some_and(is_dsmcert) {
        vendor(words)
    } else {
        own(words)
    }
}

fn own(words: &[OsString]) -> Exit {
    let program = words.first().cloned().unwrap_or_default();
    let json = words.iter().any(|word| word == "--json");
    let arguments = match Arguments::try_parse_from(words) {
        Ok(arguments) => arguments,
        Err(error) => return refused(&error, words, json),
    };
    if given(words, "--home").len() > 1 {
        return print_failure(&Failure::usage("usage", "--home is given twice"), json);
    }
    // The parser keeps what stands after the command and drops what stands before it.
    let globals = Globals {
        options: each_once(given(words, "--options")),
        optfile: each_once(given(words, "--optfile")),
        ..arguments.globals
    };
    conclude(&program, &globals, |home| {
        commands::run(&arguments.command, home)
    })
}

fn vendor(words: &[OsString]) -> Exit {
    let program = words.first().cloned().unwrap_or_default();
    let json = words.iter().any(|word| word == "--json");
    let call = match dsmcert::parse(words.iter().skip(1).cloned()) {
        Ok(call) => call,
        Err(wrong) => return misused(wrong, json),
    };
    let Some(action) = call.action else {
        // Whoever asks for help and does not read it is not told that either.
        let _ = writeln!(io::stdout(), "{}", dsmcert::USAGE);
        return Exit::Done;
    };
    let globals = Globals {
        options: each_once(call.globals.options),
        optfile: each_once(call.globals.optfile),
        ..call.globals
    };
    conclude(&program, &globals, |home| {
        commands::run_vendor(&action, home)
    })
}

/// Says how the vendor's utility is used: to people in lines of their own.
fn misused(wrong: String, json: bool) -> Exit {
    let failure = Failure::usage("usage", wrong);
    if json {
        return print_failure(&failure.remedy(dsmcert::USAGE), json);
    }
    let exit = print_failure(&failure, json);
    say_plain(dsmcert::USAGE);
    exit
}

/// Does the work and prints what came of it.
fn conclude(
    program: &OsStr,
    globals: &Globals,
    work: impl FnOnce(&Home) -> Result<Reply, Failure>,
) -> Exit {
    let answer = Paths::find(globals.home.as_deref(), &Surroundings::here()).and_then(|paths| {
        let invocation = Invocation::new(program, globals);
        let state = paths.state.clone();
        work(&Home::new(paths, invocation, globals.clone())).map_err(|mut failure| {
            name_obstacle(&mut failure, &state);
            failure
        })
    });
    match answer {
        Ok(reply) => print(&reply, globals),
        Err(mut failure) => {
            let invocation = Invocation::new(program, globals);
            failure.remedy = failure.remedy.map(|remedy| invocation.localize(&remedy));
            print_failure(&failure, globals.json)
        }
    }
}

/// Help and version are answers; anything else is wrong usage.
fn refused(error: &clap::Error, words: &[OsString], json: bool) -> Exit {
    if let Some(command) = later(error, words) {
        let failure = Failure::usage(
            "not-supported",
            format!("`{command}` is not in this release"),
        );
        return print_failure(
            &failure.remedy("see what there is: anchorhold --help"),
            json,
        );
    }
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // A reader who has seen enough of the help is no error.
            let _ = error.print();
            Exit::Done
        }
        _ if json => {
            let text = error.render().to_string();
            let message = text.trim_start_matches("error: ").trim_end();
            print_failure(&Failure::usage("usage", message), json)
        }
        _ => {
            let _ = error.print();
            Exit::Usage
        }
    }
}

/// The command that a word would be if this were a later release.
fn later(error: &clap::Error, words: &[OsString]) -> Option<String> {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else {
        return None;
    };
    let at = words.iter().position(|one| one == word.as_str())?;
    let of_store = words.get(..at)?.iter().any(|one| one == "store");
    (!of_store && LATER.contains(&word.as_str())).then(|| word.clone())
}

/// A file that is named twice, by whatever path, is read and advised once.
fn each_once(files: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut seen = BTreeSet::new();
    let real = |file: &PathBuf| file.canonicalize().unwrap_or_else(|_| file.clone());
    let mut files = files;
    files.retain(|file| seen.insert(real(file)));
    files
}

/// The values of an option, wherever it stands in a line that the parser has taken.
fn given(words: &[OsString], option: &str) -> Vec<PathBuf> {
    let mut values = Vec::new();
    let mut words = words.iter().take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        let attached = word.as_bytes().strip_prefix(option.as_bytes());
        match attached {
            Some([]) => values.extend(words.next().map(PathBuf::from)),
            Some([b'=', value @ ..]) => values.push(PathBuf::from(OsStr::from_bytes(value))),
            _ => {}
        }
    }
    values
}

/// The only argument with which the program is started again as the runner of a plugin.
pub(crate) const RUNNER: &str = "runner";

/// Commands that have a meaning to come.
const LATER: &[&str] = &["completions", "man", "proxy", "serve"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_to_come_are_told_from_slips() {
        for (line, expected) in [
            ("anchorhold --home h serve", Some("serve")),
            ("anchorhold store create x", None),
            ("anchorhold --json store copy x", None),
            ("anchorhold create", None),
            ("anchorhold store serve", None),
            ("anchorhold nonsense", None),
        ] {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let error = Arguments::try_parse_from(&words).expect_err(line);
            assert_eq!(later(&error, &words).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn a_file_that_is_named_twice_counts_once() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("dsm.sys");
        std::fs::write(&file, "").expect("written");
        let other = directory.path().join(".").join("dsm.sys");
        let missing = PathBuf::from("/nonexistent/dsm.sys");
        let given = vec![file.clone(), missing.clone(), other, missing.clone()];
        assert_eq!(each_once(given), [file, missing]);
    }

    #[test]
    fn options_are_found_wherever_they_stand() {
        let words: Vec<OsString> =
            "anchorhold --options a import --options=b --optfile c -- --options d"
                .split(' ')
                .map(OsString::from)
                .collect();
        assert_eq!(
            given(&words, "--options"),
            [PathBuf::from("a"), PathBuf::from("b")]
        );
        assert_eq!(given(&words, "--optfile"), [PathBuf::from("c")]);
        assert_eq!(given(&words, "--home"), Vec::<PathBuf>::new());
    }
}
