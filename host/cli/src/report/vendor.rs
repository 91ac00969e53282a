//! What the vendor's import utility did, in words that its callers look for.

use std::io;

use anchorhold_api::{Change, Import};
use serde::Serialize;

use super::servers;
use crate::output::{Answer, Page};

/// An import under the vendor's name; as a document it is an import.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Added(pub(crate) Import);

impl Answer for Added {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        for one in &self.0.imported {
            page.line(&format!(
                "certificate {} was successfully added to store \"{}\" for {} as \"{}\" ({})",
                one.sha256,
                one.store,
                servers(&one.servers),
                one.label,
                one.outcome
            ))?;
        }
        for note in &self.0.notes {
            page.line(&format!("note: {note}"))?;
        }
        page.advice(&self.0.warnings, None, None)
    }
}

/// A removal under the vendor's name; as a document it is a removal.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Deleted(pub(crate) Change);

impl Answer for Deleted {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        for one in &self.0.certificates {
            let from = match one.removed_from.is_empty() {
                true => format!("it stays for {}", servers(&one.servers)),
                false => format!("taken out of {}", one.removed_from.join(", ")),
            };
            page.line(&format!(
                "certificate {} was successfully deleted: {from}",
                one.sha256
            ))?;
        }
        super::change::lost(&self.0, page)?;
        page.advice(&self.0.warnings, None, None)
    }
}
