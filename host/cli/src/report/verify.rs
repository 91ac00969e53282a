//! A verdict, for people.

use std::io;

use anchorhold_api::{By, Verdict};

use crate::output::{Answer, Ink, Page};

impl Answer for Verdict {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        let (ink, word) = if self.trusted {
            (Ink::Good, "trusted")
        } else {
            (Ink::Bad, "not trusted")
        };
        page.marked(ink, word, &format!(" ({})", self.code))?;
        page.line(&format!("  {}", self.message))?;
        if let Some(by) = &self.by {
            page.field(
                "by",
                &format!(
                    "{} as {} from {}{}",
                    by.sha256,
                    by.how,
                    by.store,
                    plugin(by)
                ),
            )?;
        }
        for sha256 in &self.chain {
            page.field("chain", sha256)?;
        }
        page.advice(&self.warnings, self.remedy.as_deref(), None)
    }
}

/// Whose code the store is; nobody's, where the anchors came from a file.
fn plugin(by: &By) -> String {
    if by.plugin.is_empty() {
        return String::new();
    }
    format!(" ({} {})", by.plugin, by.version)
}
