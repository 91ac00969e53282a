//! `plugin check`: the conformance kit, which this program plays in processes of its own.

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::Path;

use anchorhold_boundary::link::Program;
use anchorhold_conform::{Again, Arguments, CASE_ARGUMENT, CaseReport, Misuse, Report};
use anchorhold_kernel::Registry;

use crate::exit::{Exit, Failure};
use crate::home::Home;
use crate::output::{Page, Reply};
use crate::program::RUNNER;
use crate::report::checked_case;

/// Holds a plugin against its contract, and tells each case as soon as it is over.
pub(super) fn run(args: &Arguments, home: &Home) -> Result<Reply, Failure> {
    let json = home.globals().json;
    if args.list {
        return Ok(Reply::done(anchorhold_conform::listing().document()));
    }
    let mut told = |case: &CaseReport| {
        if !json {
            tell(|page| checked_case(&case.document(), page));
        }
    };
    let args = known(args, home)?;
    let report = anchorhold_conform::check(&args, &again(), &mut told).map_err(misused)?;
    let exit = exit(&report);
    if json {
        return Ok(Reply::new(exit, report.document()));
    }
    tell(|page| page.line(&report.summary()));
    Ok(Reply::said(exit))
}

/// The same of a plugin that is named by the id that it is registered with: its files, and what it
/// is granted unless that is said anew.
fn known<'a>(args: &'a Arguments, home: &Home) -> Result<Cow<'a, Arguments>, Failure> {
    let named = args.target.as_deref().filter(|target| !target.exists());
    let Some(id) = named.and_then(Path::to_str) else {
        return Ok(Cow::Borrowed(args));
    };
    // A built-in needs no configuration, and neither does a manifest that is not there.
    if id.ends_with(".toml") || Registry::builtin().entry(id).is_some() {
        return Ok(Cow::Borrowed(args));
    }
    let mut plugins = home.config()?.plugins.iter();
    let Some(known) = plugins.find(|one| one.plan.id == id) else {
        return Ok(Cow::Borrowed(args));
    };
    let mut args = args.clone();
    args.target = Some(known.plan.manifest.clone());
    if args.grants.is_empty() {
        args.grants = known.plan.grants.iter().map(ToString::to_string).collect();
    }
    Ok(Cow::Owned(args))
}

/// How this program is started again.
fn again() -> Again {
    Again {
        program: Program {
            path: "/proc/self/exe".into(),
            arguments: Vec::new(),
        },
        case: CASE_ARGUMENT.to_owned(),
        runner: vec![RUNNER.into()],
    }
}

fn exit(report: &Report) -> Exit {
    match report.broken() {
        0 => Exit::Done,
        _ => Exit::No,
    }
}

fn misused(misuse: Misuse) -> Failure {
    let failure = Failure::usage("usage", misuse.message);
    if misuse.remedy.is_empty() {
        return failure;
    }
    failure.remedy(misuse.remedy)
}

/// Writes to standard output at once; whoever stopped reading still gets the exit status.
fn tell(write: impl FnOnce(&mut Page<'_>) -> io::Result<()>) {
    let mut out = io::stdout().lock();
    let _ = write(&mut Page::new(&mut out, false)).and_then(|()| out.flush());
}
