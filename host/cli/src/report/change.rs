//! What a change of scope, or a removal, did, for people.

use std::io;

use anchorhold_api::{Change, Proposal};

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
        lost(self, page)?;
        page.advice(&self.warnings, None, None)
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
                ]
            })
            .collect();
        page.table(
            &["SHA-256", "KIND", "SERVER", "STORE", "LABEL", "SUBJECT"],
            &rows,
        )?;
        page.line(if self.applied {
            "done: they vouch for these servers now"
        } else {
            "nothing was changed"
        })
    }
}
