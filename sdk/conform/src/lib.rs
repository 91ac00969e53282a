//! Proves that a trust-store plugin keeps the contract of `anchorhold.h`.
//!
//! Every promise of the contract that can be tried is a case. Each case runs in a process of its
//! own, which calls the plugin's bare table and is free to be hostile: what it lends lies in pages
//! that are taken away after the call, what the plugin fills ends at a page that is not there, and
//! what the sandbox of a runner forbids ends the process. How the process ends says which promise
//! is broken, and in which call. The rules R1 to R8 that comments cite stand at the head of
//! `anchorhold.h`.

mod arena;
mod arguments;
mod bench;
mod case;
mod certificate;
mod child;
mod confine;
mod course;
mod elf;
mod fault;
mod host;
mod job;
mod library;
mod linking;
mod machine;
mod read;
mod report;
mod running;
mod secret;
mod signature;
mod sink;
mod sized;
mod status;
mod store;
mod target;
mod trial;
mod voice;
mod word;

use std::process::ExitCode;

pub use arguments::Arguments;
pub use case::Level;
pub use course::{Again, check};
pub use report::{CaseReport, Report, Verdict};
pub use target::Misuse;

/// The argument with which a program is started again to play one case.
pub const CASE_ARGUMENT: &str = "conform-case";

/// Plays the one case that standard input names; what a program does that was started again with
/// [`CASE_ARGUMENT`].
pub fn play_case() -> ExitCode {
    child::main()
}

/// Every case, not tried.
pub fn listing() -> Report {
    let all = case::catalogue().into_iter();
    let cases = all.map(|case| CaseReport {
        id: case.id,
        level: case.level(),
        about: case.about,
        verdict: Verdict::Skipped,
        message: String::new(),
    });
    Report {
        cases: cases.collect(),
    }
}
