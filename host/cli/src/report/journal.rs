//! The journal, for people.

use std::io;

use anchorhold_api::{Journal, JournalCheck, JournalEntry};

use super::short;
use crate::output::{Answer, Ink, Page};

impl Answer for Journal {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        if self.entries.is_empty() {
            return page.line("the journal is empty");
        }
        let rows: Vec<Vec<String>> = self.entries.iter().map(row).collect();
        let head = [
            "#",
            "AT",
            "WHO",
            "EVENT",
            "SERVER",
            "CERTIFICATE",
            "STORE",
            "DETAIL",
        ];
        page.table(&head, &rows)
    }
}

impl Answer for JournalCheck {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        let (ink, word) = if self.whole {
            (Ink::Good, "whole")
        } else {
            (Ink::Bad, "broken")
        };
        page.marked(ink, word, &format!(": {}", self.message))?;
        page.field("ledger", &self.ledger)?;
        for problem in &self.problems {
            page.line(&format!("  {problem}"))?;
        }
        page.advice(&[], self.remedy.as_deref(), None)
    }
}

fn row(entry: &JournalEntry) -> Vec<String> {
    let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
    vec![
        entry.seq.to_string(),
        entry.at.clone(),
        entry.who.clone(),
        entry.event.clone(),
        or_dash(entry.server.as_deref()),
        or_dash(entry.certificate.as_deref().map(short)),
        or_dash(entry.store.as_deref()),
        entry.detail.clone(),
    ]
}
