//! `plugin run`: one call of a plugin, so that its author sees what it does.

mod call;
mod open;

use std::io::{self, BufRead};

use anchorhold_api as api;
use anchorhold_boundary::{CallError, Status};
use anchorhold_state::Event;

use self::call::Called;
use self::open::Opened;
use crate::args::plugin::{PluginCall, PluginRun};
use crate::exit::{Exit, Failure};
use crate::home::Home;
use crate::invocation::quote;
use crate::output::{Reply, say};

/// Opens a store of the plugin, makes the call, and closes it.
pub(super) fn run(args: &PluginRun, home: &Home) -> Result<Reply, Failure> {
    let certificates = certificates(args)?;
    let trace = Trace(args.trace);
    let opened = trace.seen("open", Opened::open(args, home), |opened| {
        format!("process {}", opened.process)
    })?;
    if args.hold {
        hold(&opened, "make the call");
    }
    let called = call::make(args.call, &certificates, &*opened.store, &trace);
    let mut ended = None;
    if args.hold {
        hold(&opened, "end");
        // What crashed after the call is told as well; only another call finds that out for sure.
        let health = opened.store.health();
        ended = health.err().filter(|error| error.status == Status::Crashed);
    }
    let called = match ended {
        Some(ended) => called.and(Err(ended)),
        None => called,
    };
    let id = &opened.store.identity().id;
    let called = called.map_err(|error| failed(args, id, args.call.word(), &error, home))?;
    Ok(Reply::done(document(args.call, &opened, called)))
}

/// The certificates that a call is about; `list` and `health` are about none.
fn certificates(args: &PluginRun) -> Result<Vec<Vec<u8>>, Failure> {
    let call = args.call.word();
    match (args.call, &args.file) {
        (PluginCall::Find | PluginCall::Import, Some(file)) => {
            let found = super::super::source::take(file, None)?;
            for text in found.notes.iter().chain(&found.warnings) {
                say("note", text);
            }
            let certificates = found.certificates.into_iter();
            Ok(certificates.map(|one| one.der).collect())
        }
        (PluginCall::Find | PluginCall::Import, None) => Err(Failure::usage(
            "usage",
            format!("{call} needs a FILE of certificates"),
        )),
        (PluginCall::Health | PluginCall::List, Some(_)) => {
            Err(Failure::usage("usage", format!("{call} takes no FILE")))
        }
        (PluginCall::Health | PluginCall::List, None) => Ok(Vec::new()),
    }
}

/// Says which process it is, and waits for a line; the end of standard input is one as well.
fn hold(opened: &Opened, to: &str) {
    let text = format!("process {}; press Enter to {to}", opened.process);
    say("held", &text);
    // What cannot be read is no reason to wait.
    let _ = io::stdin().lock().read_line(&mut String::new());
}

/// Why there is no answer; a crash is written down.
fn failed(args: &PluginRun, id: &str, call: &str, error: &CallError, home: &Home) -> Failure {
    let message = format!("plugin {id}: {call}: {error}");
    if error.status != Status::Crashed {
        let code = error.code.as_deref();
        let told = CODES.iter().find(|known| code == Some(**known));
        let failure = Failure::failed(told.unwrap_or(&"plugin-failed"), message);
        return match remedy(args, error.status, told.is_some()) {
            Some(remedy) => failure.remedy(remedy),
            None => failure,
        };
    }
    let failure = Failure::failed("plugin-crashed", message).remedy(match args.hold {
        true => "attach a debugger to the process that is held, before the call",
        false => "to look at it with a debugger, say --hold as well",
    });
    match note_crash(&failure.message, home) {
        Ok(()) => failure,
        Err(unwritten) => {
            say(
                "warning",
                &format!("the journal does not know: {unwritten}"),
            );
            failure
        }
    }
}

/// What the author of the plugin may try next.
fn remedy(args: &PluginRun, status: Status, is_refused: bool) -> Option<String> {
    let check = format!(
        "anchorhold plugin check {}",
        quote(args.manifest.as_os_str())
    );
    match status {
        _ if is_refused => Some(format!("see all that is wrong with it: {check}")),
        Status::Locked | Status::PromptRefused | Status::WrongSecret => Some(
            "name a file that only you can read and that holds its PIN or password: --pin-file \
             FILE"
                .to_owned(),
        ),
        Status::Denied | Status::NotPresent if !args.in_process => Some(format!(
            "if it is there and this user may reach it: in its sandbox a plugin sees only what its \
             manifest needs and what is granted with --grant; what it tried to open is named by: \
             {check}"
        )),
        _ => None,
    }
}

fn note_crash(what: &str, home: &Home) -> Result<(), Failure> {
    let mut change = home.state()?.write(&home.actor(), home.now())?;
    change.note(Event::new("plugin-crashed", what));
    change.commit()?;
    Ok(())
}

fn document(call: PluginCall, opened: &Opened, called: Called) -> api::PluginRun {
    let identity = opened.store.identity();
    let confinement = opened.store.confinement();
    let notes = std::iter::once(confinement.note.clone()).chain(opened.notes.clone());
    let notes: Vec<String> = notes.filter(|note| !note.is_empty()).collect();
    api::PluginRun {
        id: identity.id.clone(),
        version: identity.version.clone(),
        call: call.word().to_owned(),
        isolation: confinement.place.to_string(),
        sandbox: confinement.sandbox.to_string(),
        sandbox_note: notes.join("; "),
        health: called.health,
        generation: called.generation,
        items: called.items,
        skipped: called.skipped,
        outcomes: called.outcomes,
    }
}

/// What a runner says of a library that it does not load, and nothing else that it might say.
const CODES: &[&str] = &[
    "id-malformed",
    "id-mismatch",
    "magic-unknown",
    "major-unknown",
    "manifest-differs",
    "manifest-invalid",
    "missing-call",
    "missing-table",
    "no-entry",
    "not-a-plugin",
    "not-loaded",
    "pin-mismatch",
    "sandbox",
    "table-too-short",
    "text-malformed",
];

/// Writes each call, and what came of it, to standard error, where that is asked for.
struct Trace(bool);

impl Trace {
    fn told(&self, call: &str, outcome: &str) {
        if self.0 {
            say("trace", &format!("{call}: {outcome}"));
        }
    }

    /// Tells what came of a call, and passes it on.
    fn seen<T, E: std::fmt::Display>(
        &self,
        call: &str,
        result: Result<T, E>,
        ok: impl FnOnce(&T) -> String,
    ) -> Result<T, E> {
        match &result {
            Ok(value) => self.told(call, &format!("ok, {}", ok(value))),
            Err(error) => self.told(call, &error.to_string()),
        }
        result
    }
}

/// A plugin that is not loaded, or refused what was asked of it.
fn unusable(code: &'static str, error: &dyn std::error::Error) -> Failure {
    Failure::from_error(Exit::Failed, code, error)
}
