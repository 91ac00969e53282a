//! The child: one case, in a process that may end in any way.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::process::ExitCode;

use crate::bench::Bench;
use crate::case::{Case, Finding, Outcome, catalogue};
use crate::confine;
use crate::fault;
use crate::job::{Job, hex};
use crate::voice;

/// Plays the case that standard input names, and tells what came of it there.
pub(crate) fn main() -> ExitCode {
    let mut lines = String::new();
    let read = std::io::stdin().read_to_string(&mut lines);
    if read.is_err() || !take_line_over() {
        return ExitCode::FAILURE;
    }
    let Some(job) = Job::parse(&lines) else {
        voice::say("end", "failed the job cannot be read");
        return ExitCode::FAILURE;
    };
    fault::install();
    let (word, text) = match played(job) {
        Ok(Finding::Passed) => ("end", "passed ".to_owned()),
        Ok(Finding::Warning(why)) => ("end", format!("warning {why}")),
        Ok(Finding::Skipped(why)) => ("end", format!("skipped {why}")),
        Ok(Finding::Next(carried)) => ("next", hex(&carried)),
        Err(why) => ("end", format!("failed {why}")),
    };
    voice::say(word, &text);
    // SAFETY: no memory is passed (R3). The process ends here, so that nothing of the plugin's runs
    // while it does.
    unsafe { libc::_exit(0) }
}

/// Moves the line to the parent out of the way of the plugin.
fn take_line_over() -> bool {
    // SAFETY: no memory is passed (R3); standard input is a descriptor of ours.
    let line = unsafe { libc::fcntl(0, libc::F_DUPFD_CLOEXEC, 200) };
    let Ok(nothing) = OpenOptions::new().read(true).open("/dev/null") else {
        return false;
    };
    // SAFETY: as above (R3).
    let replaced = unsafe { libc::dup2(nothing.as_raw_fd(), 0) };
    voice::speak_to(line);
    line >= 0 && replaced == 0
}

fn played(job: Job) -> Outcome {
    let case = catalogue().into_iter().find(|case| case.id == job.case);
    let case = case.ok_or_else(|| format!("there is no case {:?}", job.case))?;
    let confined = job.confined && job.runner.is_none();
    let mut bench = Bench::new(job)?;
    if confined {
        bench.confinement = confine::confine(bench.job(), bench.manifest())?;
    }
    play(&case, &bench)
}

/// Plays one case in this process: what it came to, and what was noted meanwhile.
pub(crate) fn play(case: &Case, bench: &Bench) -> Outcome {
    voice::take_breaches();
    let outcome = (case.run)(bench);
    let mut breaches = voice::take_breaches();
    if breaches.is_empty() {
        return outcome;
    }
    // What the case itself found, besides what broke a promise that no case has for itself.
    if let Err(why) = outcome
        && !breaches.contains(&why)
    {
        breaches.push(why);
    }
    Err(breaches.join("; "))
}
