//! One certificate, whole, for people.

use std::io;

use anchorhold_api::Shown;

use super::servers;
use crate::output::{Answer, Page};

impl Answer for Shown {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        page.line(&self.subject)?;
        page.field("SHA-256", &self.sha256)?;
        page.field("issuer", &self.issuer)?;
        page.field("serial", &self.serial)?;
        page.field(
            "valid",
            &format!("{} to {}", self.not_before, self.not_after),
        )?;
        page.field("version", &self.version.to_string())?;
        page.field("CA", if self.is_ca { "yes" } else { "no" })?;
        page.field("key", &self.key)?;
        page.field("signature", &self.signature)?;
        for name in &self.names {
            page.field("name", name)?;
        }
        for purpose in &self.purposes {
            page.field("purpose", purpose)?;
        }
        for weakness in &self.weaknesses {
            page.field("weak", weakness)?;
        }
        page.field("vouches for", &servers(&self.servers))?;
        for place in &self.held {
            let note = place
                .note
                .as_deref()
                .map(|note| format!(" ({note})"))
                .unwrap_or_default();
            let text = format!(
                "{} as {}, \"{}\"{note}",
                place.store, place.kind, place.label
            );
            page.field("held in", &text)?;
        }
        page.line(self.pem.trim_end())
    }
}
