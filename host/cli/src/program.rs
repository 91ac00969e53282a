//! From the words of a command line to the exit status.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use clap::Parser;
use clap::error::ErrorKind;

use crate::args::{Arguments, Globals, dsmcert};
use crate::commands;
use crate::exit::{Exit, Failure};
use crate::home::Home;
use crate::invocation::{Invocation, is_dsmcert};
use crate::output::{Reply, print, print_failure};
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
        Err(error) => return refused(&error, json),
    };
    if given(words, "--home").len() > 1 {
        return print_failure(&Failure::usage("usage", "--home is given twice"), json);
    }
    // The parser keeps what stands after the command and drops what stands before it.
    let globals = Globals {
        options: given(words, "--options"),
        optfile: given(words, "--optfile"),
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
        Err(wrong) => {
            let failure = Failure::usage("usage", wrong).remedy(dsmcert::USAGE);
            return print_failure(&failure, json);
        }
    };
    let Some(action) = call.action else {
        // Whoever asks for help and does not read it is not told that either.
        let _ = writeln!(io::stdout(), "{}", dsmcert::USAGE);
        return Exit::Done;
    };
    conclude(&program, &call.globals, |home| {
        commands::run_vendor(&action, home)
    })
}

/// Does the work and prints what came of it.
fn conclude(
    program: &OsStr,
    globals: &Globals,
    work: impl FnOnce(&Home) -> Result<Reply, Failure>,
) -> Exit {
    let answer = Paths::find(globals.home.as_deref(), &Surroundings::here()).and_then(|paths| {
        let invocation = Invocation::new(program, globals);
        work(&Home::new(paths, invocation, globals.clone()))
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
fn refused(error: &clap::Error, json: bool) -> Exit {
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

#[cfg(test)]
mod tests {
    use super::*;

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
