//! `journal`: what changed, when and by whom; whether the chain is whole.

use anchorhold_api as api;
use anchorhold_kernel::certificate::rfc3339;
use anchorhold_state::{Condition, Entry};

use crate::args::Journal;
use crate::exit::{Exit, Failure};
use crate::home::Home;
use crate::output::Reply;

/// Shows or verifies the journal.
pub(super) fn run(args: Journal, home: &Home) -> Result<Reply, Failure> {
    match args {
        Journal::Show => show(home),
        Journal::Verify => verify(home),
    }
}

fn show(home: &Home) -> Result<Reply, Failure> {
    let entries = home.state()?.journal()?.into_iter().map(entry).collect();
    Ok(Reply::done(api::Journal { entries }))
}

fn verify(home: &Home) -> Result<Reply, Failure> {
    let state = home.state()?;
    let report = state.verify_journal()?;
    let mut problems: Vec<String> = Vec::new();
    if let Some(fault) = &report.fault {
        problems.push(format!("line {}: {}", fault.line, fault.why));
    }
    if let Condition::Lost { why } = state.condition()
        && !problems.iter().any(|problem| problem.contains(&why))
    {
        problems.push(why);
    }
    let lost = lost(home)?;
    let condition = match state.condition() {
        Condition::FirstRun => "first-run",
        Condition::Lost { .. } => "lost",
        // What was lost stays lost when the next change has healed the files.
        Condition::Whole if !lost.is_empty() => {
            problems.push(format!(
                "the ledger was lost: what it knew of {} is gone",
                lost.join(", ")
            ));
            "lost"
        }
        Condition::Whole => "whole",
    };
    let whole = problems.is_empty();
    let check = api::JournalCheck {
        whole,
        ledger: condition.to_owned(),
        entries: report.entries,
        last_hash: state.journal()?.last().map(|entry| entry.hash.to_string()),
        message: message(
            report.entries,
            report.pending,
            report.fault.is_none(),
            condition,
        ),
        remedy: (!whole).then(|| remedy(&lost, home)),
        lost,
        problems,
    };
    Ok(Reply::new(if whole { Exit::Done } else { Exit::No }, check))
}

/// The servers that count as strict because their records were lost.
fn lost(home: &Home) -> Result<Vec<String>, Failure> {
    let standings = home.state()?.standings()?.into_iter();
    let lost = standings.filter(|standing| standing.lost);
    let records = lost.filter_map(|standing| standing.record);
    Ok(records.map(|record| record.server.to_string()).collect())
}

fn remedy(lost: &[String], home: &Home) -> String {
    match lost.first() {
        None => REMEDY.to_owned(),
        Some(server) => format!(
            "{REMEDY}; this notes the loss and keeps a server strict: {}",
            home.invocation.command(&["server", "raise", server])
        ),
    }
}

fn message(entries: u64, pending: u64, chain: bool, ledger: &str) -> String {
    let count = match entries {
        0 => "no entry yet".to_owned(),
        1 => "1 entry".to_owned(),
        count => format!("{count} entries"),
    };
    let pending = match pending {
        0 => String::new(),
        count => format!(", {count} of which the next change writes to the file"),
    };
    let end = match (chain, ledger) {
        (true, "lost") => "the chain holds; the ledger was lost",
        (true, _) => "the chain holds and agrees with the ledger",
        (false, "lost") => "the chain is not whole, and the ledger was lost",
        (false, _) => "the chain is not whole",
    };
    format!("{count}{pending}; {end}")
}

/// An entry as it is shown.
pub(super) fn entry(entry: Entry) -> api::JournalEntry {
    api::JournalEntry {
        seq: entry.seq,
        at: rfc3339(entry.at.unix_timestamp()),
        who: entry.who,
        program: entry.program,
        event: entry.event,
        server: entry.server.map(|server| server.to_string()),
        certificate: entry.certificate.map(|certificate| certificate.to_string()),
        store: entry.store,
        detail: entry.detail,
        hash: entry.hash.to_string(),
    }
}

const REMEDY: &str = "keep a copy of the state directory; every server counts as strict until it \
                      is lowered by hand, so that nothing is talked to in plain meanwhile";
