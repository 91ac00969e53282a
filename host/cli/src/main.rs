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
mod report;
mod servers;

use std::process::ExitCode;

fn main() -> ExitCode {
    let exit = program::run(&std::env::args_os().collect::<Vec<_>>());
    ExitCode::from(exit.status())
}
