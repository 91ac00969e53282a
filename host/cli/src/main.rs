//! The one program: `anchorhold`, and the vendor's import utility where it is called `dsmcert`.
#![forbid(unsafe_code)]

mod actor;
mod args;
mod builtin;
mod commands;
mod config;
mod exit;
mod fingerprint;
mod home;
mod input;
mod invocation;
mod output;
mod ownership;
mod paths;
mod program;
mod prompter;
mod report;
mod servers;
mod settled;
mod template;

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().collect();
    // The program starts itself again to run a plugin; nobody types this.
    if matches!(&words[..], [_, only] if only == program::RUNNER) {
        return anchorhold_boundary::runner::main();
    }
    // The same to play one case of the conformance kit.
    if matches!(&words[..], [_, only] if only == anchorhold_conform::CASE_ARGUMENT) {
        return anchorhold_conform::play_case();
    }
    let exit = program::run(&words);
    ExitCode::from(exit.status())
}
