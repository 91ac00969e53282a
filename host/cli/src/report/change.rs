//! What a change of scope, or a removal, did, for people.

use std::io;

use anchorhold_api::{Change, Proposal, ServerChange};

use super::{servers, short};
use crate::output::{Answer, Ink, Page};

impl Answer for Change {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        for one in &self.certificates {
            let ink = if one.outcome == "unchanged" {
                Ink::Odd
            } else {
                Ink::Good
            };
            let rest = format!(
                " {} {} ({}): vouches for {}",
                one.kind,
                short(&one.sha256),
                one.subject,
                servers(&one.servers)
            );
            page.marked(ink, &one.outcome, &rest)?;
            for store in &one.removed_from {
                page.field("taken out of", store)?;
            }
        }
        changes(&self.changes, false, page)?;
        lost(self, page)?;
        page.advice(&self.warnings, None, None)
    }
}

/// What a change means for the servers that are known, one line each.
pub(super) fn changes(
    changes: &[ServerChange],
    dry_run: bool,
    page: &mut Page<'_>,
) -> io::Result<()> {
    for change in changes.iter().take(SHOWN) {
        let mut parts = Vec::new();
        for (word, total) in [("gains", change.gains_total), ("loses", change.loses_total)] {
            match total {
                0 => {}
                1 => parts.push(format!("{word} 1 certificate")),
                many => parts.push(format!("{word} {many} certificates")),
            }
        }
        if change.acceptance_stops {
            parts.push("acceptance on first use stops".to_owned());
        }
        if change.nothing_left {
            parts.push("nothing vouches for it any more".to_owned());
        }
        let what = match dry_run {
            true => "would change verdicts for",
            false => "verdicts change for",
        };
        page.line(&format!("{what} {}: {}", change.server, parts.join(", ")))?;
    }
    match changes.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => page.line(&format!("and for {more} servers more, which --json names")),
    }
}

/// The servers that nothing vouches for any more.
pub(super) fn lost(change: &Change, page: &mut Page<'_>) -> io::Result<()> {
    if change.lost.is_empty() {
        return Ok(());
    }
    let rest = format!(": nothing vouches any more for {}", change.lost.join(", "));
    page.marked(Ink::Odd, "warning", &rest)
}

impl Answer for Proposal {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        if self.proposed.is_empty() {
            return page.line("no label of a certificate without scope names a server");
        }
        let rows: Vec<Vec<String>> = self
            .proposed
            .iter()
            .map(|one| {
                vec![
                    short(&one.sha256).to_owned(),
                    one.kind.clone(),
                    one.server.clone(),
                    one.store.clone(),
                    one.label.clone(),
                    one.subject.clone(),
                    one.note.clone().unwrap_or_default(),
                ]
            })
            .collect();
        page.table(
            &[
                "SHA-256", "KIND", "SERVER", "STORE", "LABEL", "SUBJECT", "NOTE",
            ],
            &rows,
        )?;
        page.line(if self.applied {
            "done: they vouch for these servers now"
        } else {
            "nothing was changed"
        })
    }
}

/// So many servers get a line of their own.
const SHOWN: usize = 20;
