//! What a sign-on came to, for people.

use std::io;

use anchorhold_api::{Session, SetOption};

use crate::output::{Answer, Ink, Page};

impl Answer for Session {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        decision(self, page)?;
        facts(self, page)?;
        if page.verbose {
            for file in &self.files {
                page.field("read", file)?;
            }
            options(&self.options, page)?;
        }
        advice(self, page)
    }
}

/// The decision and what happened.
pub(super) fn decision(session: &Session, page: &mut Page<'_>) -> io::Result<()> {
    let ink = match session.decision.as_str() {
        "tls" => Ink::Good,
        "plain" => Ink::Odd,
        _ => Ink::Bad,
    };
    let rest = format!(
        " {} ({}, row {})",
        session.server, session.code, session.row
    );
    page.marked(ink, &session.decision, &rest)?;
    page.line(&format!("  {}", session.message))
}

/// What the session is.
pub(super) fn facts(session: &Session, page: &mut Page<'_>) -> io::Result<()> {
    let level = session.level.value.as_deref().unwrap_or("-");
    page.field("level", &format!("{level} ({})", session.level.evidence))?;
    page.field("session security", &session.session_security)?;
    if let Some(version) = &session.tls_version {
        let group = session.key_exchange.as_deref();
        let group = group.map(|group| format!(", {group}")).unwrap_or_default();
        page.field("TLS", &format!("{version}{group}"))?;
    }
    if let Some(authentication) = &session.authentication {
        page.field("authentication", authentication)?;
    }
    if let Some(metadata) = &session.metadata {
        page.field("metadata", metadata)?;
    }
    if let Some(data) = &session.object_data {
        let why = session.object_data_reason.as_deref();
        let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
        page.field("object data", &format!("{data}{why}"))?;
    }
    if let Some(used) = &session.certificate {
        let text = format!(
            "{} as {} from store \"{}\"",
            used.sha256, used.how, used.store
        );
        page.field("certificate", &text)?;
    }
    if let Some(shown) = &session.client_certificate {
        let (label, store) = (&shown.label, &shown.store);
        let text = format!(
            "{} \"{label}\", with its key in store \"{store}\"",
            shown.sha256
        );
        page.field("client", &text)?;
    }
    for sha256 in &session.presented {
        page.field("presented", sha256)?;
    }
    Ok(())
}

/// Options with the place that each comes from.
pub(super) fn options(options: &[SetOption], page: &mut Page<'_>) -> io::Result<()> {
    let widest = |of: fn(&SetOption) -> &str| {
        options
            .iter()
            .map(|option| of(option).chars().count())
            .max()
            .unwrap_or(0)
    };
    let (name, value) = (
        widest(|option| &option.name),
        widest(|option| &option.value),
    );
    for option in options {
        page.line(&format!(
            "  {:<name$}  {:<value$}  {}",
            option.name, option.value, option.from
        ))?;
    }
    Ok(())
}

/// Warnings and the next thing to do.
pub(super) fn advice(session: &Session, page: &mut Page<'_>) -> io::Result<()> {
    let warnings: Vec<String> = session
        .warnings
        .iter()
        .map(|warning| format!("{} ({})", warning.message, warning.code))
        .collect();
    page.advice(
        &warnings,
        session.remedy.as_deref(),
        session.remedy_note.as_deref(),
    )
}
