//! What an import did, for people.

use std::io;

use anchorhold_api::{Import, Imported};

use super::{day, servers};
use crate::output::{Answer, Ink, Page};

impl Answer for Import {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        let (would, be) = if self.dry_run {
            ("would ", "be ")
        } else {
            ("", "")
        };
        for one in &self.imported {
            imported(one, &format!("{would}{be}"), page)?;
            // What all have in common is said once, below.
            if one.servers != self.servers {
                page.field("vouches for", &servers(&one.servers))?;
            }
        }
        for one in &self.replaced {
            page.line(&format!(
                "{would}{be}taken out of store \"{}\": {} \"{}\"",
                one.store, one.sha256, one.label
            ))?;
        }
        let vouch = if self.dry_run { "vouch" } else { "vouches" };
        page.line(&format!("{would}{vouch} for: {}", servers(&self.servers)))?;
        super::change::changes(&self.changes, self.dry_run, page)?;
        if !self.raised.is_empty() {
            let from = if self.dry_run { "" } else { " from now on" };
            page.line(&format!(
                "{would}{be}strict{from}: {}",
                self.raised.join(", ")
            ))?;
        }
        page.line(match self.dry_run {
            true => "nothing was changed: this was a dry run",
            false => "read back from every store",
        })?;
        for note in &self.notes {
            page.line(&format!("note: {note}"))?;
        }
        page.advice(&self.warnings, None, None)
    }
}

fn imported(one: &Imported, would: &str, page: &mut Page<'_>) -> io::Result<()> {
    let ink = if one.outcome == "unchanged" {
        Ink::Odd
    } else {
        Ink::Good
    };
    let rest = format!(
        " in store \"{}\": {} \"{}\"",
        one.store, one.kind, one.label
    );
    page.marked(ink, &format!("{would}{}", one.outcome), &rest)?;
    page.field("SHA-256", &one.sha256)?;
    page.field("subject", &one.subject)?;
    page.field("valid until", day(&one.not_after))
}
