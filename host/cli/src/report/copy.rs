//! What a copy of a store did, for people.

use std::io;

use anchorhold_api::{Copied, StoreCopy};

use super::{day, servers, short};
use crate::output::{Answer, Ink, Page, counted};

impl Answer for StoreCopy {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        let (from, to) = (&self.from, &self.to);
        if let Some(file) = &self.made {
            let would = if self.dry_run { "would be " } else { "" };
            page.line(&format!(
                "{would}made first: store \"{to}\", a key database, configured in {file}"
            ))?;
        }
        let rows: Vec<Vec<String>> = self.copied.iter().map(row).collect();
        if !rows.is_empty() {
            let head = [
                "SHA-256",
                "OUTCOME",
                "SERVERS",
                "NOT AFTER",
                "LABEL",
                "SUBJECT",
                "NOTE",
            ];
            page.table(&head, &rows)?;
        }
        for one in &self.left_out {
            let rest = format!(
                ": {} {} \"{}\": {}",
                one.what,
                short(&one.sha256),
                one.label,
                one.message
            );
            page.marked(Ink::Odd, "left out", &rest)?;
        }
        let is_new = |one: &&Copied| one.outcome == "new";
        let new = self.copied.iter().filter(is_new).count();
        let would = if self.dry_run { "would be " } else { "" };
        page.line(&format!(
            "{would}copied from store \"{from}\" to store \"{to}\": {}, {} there already, {} left \
             out",
            counted(new, "new certificate"),
            self.copied.len() - new,
            self.left_out.len()
        ))?;
        page.line(
            "each vouches for the same servers as before, for scope names certificates and not \
             stores",
        )?;
        page.line(match self.dry_run {
            true => "nothing was changed: this was a dry run",
            false => "read back",
        })?;
        page.advice(&self.warnings, None, None)
    }
}

fn row(one: &Copied) -> Vec<String> {
    let renamed = (one.label != one.before).then(|| format!("was \"{}\"", one.before));
    let notes: Vec<String> = renamed.into_iter().chain(one.note.clone()).collect();
    vec![
        short(&one.sha256).to_owned(),
        one.outcome.clone(),
        servers(&one.servers),
        day(&one.not_after).to_owned(),
        one.label.clone(),
        one.subject.clone(),
        notes.join("; "),
    ]
}
