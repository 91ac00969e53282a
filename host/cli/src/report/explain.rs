//! What would be decided and why, for people.

use std::io;

use anchorhold_api::{Explanation, Record};

use super::connect;
use super::server;
use crate::output::{Answer, Page};

impl Answer for Explanation {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        connect::decision(&self.session, page)?;
        page.line(&format!("  row {}: {}", self.rule.number, self.rule.text))?;
        connect::facts(&self.session, page)?;
        page.line("")?;
        page.line("options")?;
        connect::options(&self.session.options, page)?;
        if self.session.options.is_empty() {
            page.line("  none: anchorhold.toml gives this server its address")?;
        }
        if !self.policy.is_empty() {
            page.line("policy")?;
            connect::options(&self.policy, page)?;
        }
        if !self.unused_options.is_empty() {
            page.line("options that are kept and not used here")?;
            connect::options(&self.unused_options, page)?;
        }
        for file in &self.session.files {
            page.line(&format!("  read: {file}"))?;
        }
        for note in &self.notes {
            page.line(&format!("  note: {note}"))?;
        }
        page.line("")?;
        page.line("ledger")?;
        ledger(self, page)?;
        page.line("")?;
        page.line("stores")?;
        stores(self, page)?;
        page.line("")?;
        page.line("what would change the decision")?;
        for other in &self.would_change {
            page.line(&format!(
                "  {}: {} ({}, row {})",
                other.what, other.decision, other.code, other.row
            ))?;
        }
        if self.would_change.is_empty() {
            page.line("  nothing by itself")?;
        }
        page.line("")?;
        connect::advice(&self.session, page)
    }
}

fn ledger(explanation: &Explanation, page: &mut Page<'_>) -> io::Result<()> {
    match &explanation.record {
        Some(record) => server::facts(record, page),
        None if explanation.lost => page.line("  its record is lost: it counts as strict"),
        None => page.line("  no record: it was never prepared and never contacted"),
    }?;
    let shown = explanation.record.as_ref().is_some_and(shows_lowering);
    match &explanation.lowered {
        Some(lowered) if !shown => page.field("lowered", &server::lowering(lowered)),
        _ => Ok(()),
    }
}

fn shows_lowering(record: &Record) -> bool {
    record.lowered.is_some()
}

fn stores(explanation: &Explanation, page: &mut Page<'_>) -> io::Result<()> {
    for store in &explanation.stores {
        let detail = if store.detail.is_empty() {
            String::new()
        } else {
            format!(": {}", store.detail)
        };
        page.line(&format!("  {} is {}{detail}", store.store, store.health))?;
        for sha256 in &store.held {
            page.line(&format!("    holds {sha256}"))?;
        }
        if store.held.is_empty() {
            page.line("    holds nothing for this server")?;
        }
    }
    Ok(())
}
