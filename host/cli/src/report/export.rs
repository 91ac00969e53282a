//! What an export made, for people.

use std::io;

use anchorhold_api::Export;

use crate::output::{Answer, Ink, Page, counted};

impl Answer for Export {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        let rest = format!(
            " {} to {} ({})",
            counted(self.certificates.len(), "certificate"),
            self.file,
            self.format
        );
        page.marked(Ink::Good, "exported", &rest)?;
        for one in &self.certificates {
            page.field("SHA-256", &one.sha256)?;
            page.field("subject", &one.subject)?;
            if let Some(label) = &one.label {
                page.field("label", label)?;
            }
        }
        if let Some(stash) = &self.stash {
            page.line(&format!(
                "its password is in {stash}: whoever can read that file has it"
            ))?;
        }
        match (self.format.as_str(), &self.stash) {
            ("p12", Some(_)) => page.line(
                "GSKit opens it by that; for Java and OpenSSL, which read no stash, export it \
                 with a password of your own: --password-file",
            )?,
            ("kdb", None) => page.line(
                "no stash was made; where the vendor's client is to open it, export it with one: \
                 --stash v2",
            )?,
            _ => {}
        }
        page.advice(&self.warnings, None, None)
    }
}
