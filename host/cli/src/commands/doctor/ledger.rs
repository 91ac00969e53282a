//! The ledger and its journal: what of them is lost, open, lowered, or cannot be written.

use anchorhold_kernel::certificate::rfc3339;
use anchorhold_kernel::{Held, ServerName};
use anchorhold_session::level::{Era, Level};
use anchorhold_state::{Condition, Record, Standing, State};

use super::case::Case;
use super::finding::{Findings, of_server};
use crate::commands::undertaking;
use crate::exit::Failure;
use crate::ownership;

/// Looks at ledger and journal.
pub(super) fn look(case: &Case<'_>, findings: &mut Findings<'_>) -> Result<(), Failure> {
    writable(case, findings);
    let Some(state) = case.state else {
        return Ok(());
    };
    journal(state, case, findings)?;
    intents(state, case, findings)?;
    undertakings(state, case, findings)?;
    for standing in state.standings()? {
        let Some(record) = &standing.record else {
            continue;
        };
        lost(&standing, record, findings);
        lowered(&standing, record, case, findings);
        transitional(&standing, record, case, findings)?;
        unknown(record, case, findings);
    }
    Ok(())
}

/// What keeps this user from writing anything down.
fn writable(case: &Case<'_>, findings: &mut Findings<'_>) {
    for (place, obstacle) in ownership::obstacles(&case.home.paths.state) {
        let message = format!("{obstacle}; nothing can be changed without it");
        let remedy = format!(
            "run the program as the owner of {}, or let this user write there",
            place.display()
        );
        findings.error(
            "state-not-writable",
            place.display().to_string(),
            message,
            remedy,
        );
    }
}

/// Whether the journal's chain is whole, and agrees with the ledger.
fn journal(state: &State, case: &Case<'_>, findings: &mut Findings<'_>) -> Result<(), Failure> {
    let report = state.verify_journal()?;
    let keep = format!(
        "keep a copy of {}; the next change mends it, and makes every server strict until it is \
         lowered by hand",
        case.home.paths.state.display()
    );
    let mut told = String::new();
    if let Some(fault) = report.fault {
        told = format!("line {}: {}", fault.line, fault.why);
        findings.error("journal-damaged", "the journal", &told, &keep);
    }
    if let Condition::Lost { why } = state.condition()
        && !told.contains(&why)
    {
        findings.error("ledger-lost", "the ledger", why, keep);
    }
    Ok(())
}

/// A server whose record was lost, and that nobody has said a word about since.
fn lost(standing: &Standing, record: &Record, findings: &mut Findings<'_>) {
    if standing.lost {
        let name = record.server.as_str();
        findings.error(
            "ledger-lost",
            of_server(&record.server),
            "what was known of it is lost; it is strict until it is lowered by hand",
            format!(
                "find out what became of the ledger; this notes the loss and keeps it strict: {}",
                findings.command(&["server", "raise", name])
            ),
        );
    }
}

/// Acceptances that were begun and not ended.
fn intents(state: &State, case: &Case<'_>, findings: &mut Findings<'_>) -> Result<(), Failure> {
    for intent in state.intents()? {
        let stores = case.kernel.filter(|_| case.whole);
        let gone = stores.is_some_and(|kernel| kernel.store(&intent.store).is_none());
        let connect = findings.command(&["connect", intent.server.as_str()]);
        let begun = format!(
            "an acceptance into store \"{}\" was interrupted at {}",
            intent.store,
            rfc3339(intent.at)
        );
        let about = of_server(&intent.server);
        match gone {
            true => findings.warning(
                "acceptance-stranded",
                about,
                format!("{begun}, and that store is not configured any more"),
                format!(
                    "configure it again in {}; or let the next change undo the acceptance: \
                     {connect}",
                    case.home.paths.file().display()
                ),
            ),
            false => findings.warning(
                "acceptance-open",
                about,
                begun,
                format!("the next connect or change settles it: {connect}"),
            ),
        }
    }
    Ok(())
}

/// Changes to stores that were interrupted.
fn undertakings(
    state: &State,
    case: &Case<'_>,
    findings: &mut Findings<'_>,
) -> Result<(), Failure> {
    let kernel = case.kernel.filter(|_| case.whole).map(AsRef::as_ref);
    for open in undertaking::look(state, kernel)? {
        if let Some(problem) = open.problem {
            let about = open.shown.stores.join(", ");
            findings.error("change-open", about, problem, open.remedy);
        }
    }
    Ok(())
}

/// A server that may go down, because somebody said so.
fn lowered(standing: &Standing, record: &Record, case: &Case<'_>, findings: &mut Findings<'_>) {
    let Some(lowered) = standing.lowered(case.now) else {
        return;
    };
    let raise = findings.command(&["server", "raise", record.server.as_str()]);
    let about = of_server(&record.server);
    let message = format!("{} is allowed, because: {}", lowered.allow, lowered.reason);
    match lowered.until {
        Some(until) => findings.note(
            "server-lowered",
            about,
            format!("until {} or its next TLS session {message}", rfc3339(until)),
            format!("this ends it at once: {raise}"),
        ),
        None => findings.warning(
            "server-lowered",
            about,
            format!("until its next TLS session, however long that takes, {message}"),
            format!("this ends it at once: {raise}"),
        ),
    }
}

/// A server that could be strict by all that is known of it.
fn transitional(
    standing: &Standing,
    record: &Record,
    case: &Case<'_>,
    findings: &mut Findings<'_>,
) -> Result<(), Failure> {
    if standing.is_strict() || standing.lowered(case.now).is_some() {
        return Ok(());
    }
    let level = record.level.as_ref().map(|level| level.value.as_str());
    let level = record.announced.as_deref().or(level);
    let why = match level {
        _ if record.answers_inside => "it has answered inside TLS".to_owned(),
        Some(level) if is_enhanced(level) => format!("its level is {level}"),
        _ => return Ok(()),
    };
    let name = record.server.as_str();
    let remedy = match is_held(&record.server, case)? {
        // A strict server without a certificate cannot be reached any more.
        true => findings.command(&["server", "raise", name]),
        false => format!(
            "import its certificate, or let it be accepted: {}",
            findings.command(&["connect", name])
        ),
    };
    findings.note(
        "server-transitional",
        of_server(&record.server),
        format!("{why}, so that it could be strict, and it is not"),
        remedy,
    );
    Ok(())
}

fn is_enhanced(level: &str) -> bool {
    let level = level.parse::<Level>();
    level.is_ok_and(|level| level.era() == Era::Enhanced)
}

/// Whether a certificate is held for the server, as far as its stores answer.
fn is_held(name: &ServerName, case: &Case<'_>) -> Result<bool, Failure> {
    let Some(kernel) = case.kernel else {
        return Ok(false);
    };
    let known = case.servers.iter().flat_map(|servers| &servers.all);
    let mut known = known.filter(|server| server.name == *name);
    let mut stores = match known.next() {
        Some(server) => case.home.stores_of(server)?,
        None => case.home.default_stores()?,
    };
    stores.retain(|store| case.answers(store));
    let scope = case.home.scope_of(name, &stores)?;
    Ok(matches!(
        kernel.view(name, &stores, scope).held(),
        Held::Yes(_)
    ))
}

/// A server that the ledger knows, and no file names.
fn unknown(record: &Record, case: &Case<'_>, findings: &mut Findings<'_>) {
    let Some(servers) = &case.servers else {
        return;
    };
    if case.whole && !servers.knows(&record.server) {
        findings.note(
            "server-not-configured",
            of_server(&record.server),
            "the ledger knows it, and neither an option file nor anchorhold.toml names it",
            "write its stanza, or name the option file that has it with --options FILE; where it \
             is gone for good this does no harm",
        );
    }
}
