//! The ledger, for people.

use std::io;

use anchorhold_api::{Lowered, Record, RecordChange, RecordList};

use super::short;
use crate::output::{Answer, Ink, Page};

impl Answer for RecordList {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        if self.servers.is_empty() {
            return page
                .line("no server is known: no option file names one, and the ledger is empty");
        }
        let rows: Vec<Vec<String>> = self.servers.iter().map(row).collect();
        page.table(
            &[
                "SERVER",
                "SECURITY",
                "LEVEL",
                "TLS",
                "CERTIFICATE",
                "LAST SESSION",
                "NOTE",
            ],
            &rows,
        )
    }
}

impl Answer for Record {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        page.line(&self.server)?;
        facts(self, page)
    }
}

impl Answer for RecordChange {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        let ink = if self.changed { Ink::Good } else { Ink::Odd };
        let word = if self.changed { "done" } else { "unchanged" };
        page.marked(ink, word, &format!(": {}", self.message))
    }
}

/// What is known of a server.
pub(super) fn facts(record: &Record, page: &mut Page<'_>) -> io::Result<()> {
    page.field("session security", &record.session_security)?;
    if record.lost {
        page.field(
            "lost",
            "its record was lost: strict until `server lower`; `server raise` notes the loss",
        )?;
    }
    if !record.recorded {
        page.field("record", "none: it was never prepared and never contacted")?;
    }
    if !record.configured {
        page.field(
            "configured",
            "no: neither an option file nor anchorhold.toml names it",
        )?;
    }
    if let Some(level) = &record.level {
        page.field("level", &format!("{} ({})", level.value, level.evidence))?;
    }
    let endpoint = record
        .endpoint
        .as_ref()
        .map(|at| format!("{} port {}", at.host, at.port));
    for (name, value) in [
        ("announced", &record.announced),
        ("TLS", &record.tls_version),
        ("certificate", &record.certificate),
        ("endpoint", &endpoint),
        ("created", &record.created),
        ("last session", &record.last_session),
    ] {
        if let Some(value) = value {
            page.field(name, value)?;
        }
    }
    match &record.lowered {
        Some(lowered) => page.field("lowered", &lowering(lowered)),
        None => Ok(()),
    }
}

/// A lowering, in a few words.
pub(super) fn lowering(lowered: &Lowered) -> String {
    let until = match &lowered.until {
        Some(until) => format!("until {until} or its next TLS session"),
        None => "until its next TLS session".to_owned(),
    };
    format!("{} is allowed {until}: {}", lowered.allow, lowered.reason)
}

fn row(record: &Record) -> Vec<String> {
    let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
    let mut notes = Vec::new();
    if record.lost {
        notes.push("ledger-lost".to_owned());
    }
    if !record.recorded {
        notes.push("no record".to_owned());
    }
    if !record.configured {
        notes.push("not configured".to_owned());
    }
    if let Some(lowered) = &record.lowered {
        notes.push(format!("lowered: {}", lowered.allow));
    }
    vec![
        record.server.clone(),
        record.session_security.clone(),
        or_dash(record.level.as_ref().map(|level| level.value.as_str())),
        or_dash(record.tls_version.as_deref()),
        or_dash(record.certificate.as_deref().map(short)),
        or_dash(record.last_session.as_deref()),
        notes.join(", "),
    ]
}
