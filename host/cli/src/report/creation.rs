//! What a store holds that was made or adopted, for people.

use std::io;

use anchorhold_api::{Certificate, CreatedStore, StoreCreate};

use super::{day, servers, short};
use crate::output::{Answer, Ink, Page, counted};

impl Answer for StoreCreate {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        for store in &self.stores {
            created(store, self.dry_run, page)?;
        }
        if let Some(copied) = &self.copied {
            copied.people(page)?;
        }
        for one in &self.not_adopted {
            let rest = format!(": {}: {}", one.path, one.message);
            page.marked(Ink::Odd, "not adopted", &rest)?;
            page.advice(&[], one.remedy.as_deref(), None)?;
        }
        places(self, page)?;
        if self.dry_run && self.copied.is_none() {
            page.line("nothing was changed: this was a dry run")?;
        }
        Ok(())
    }
}

/// The places, where nothing was found or more is to be said.
fn places(document: &StoreCreate, page: &mut Page<'_>) -> io::Result<()> {
    let nothing = document.stores.is_empty() && document.not_adopted.is_empty();
    if document.places.is_empty() || !(nothing || page.verbose) {
        return Ok(());
    }
    if nothing {
        page.marked(Ink::Odd, "nothing found", ": there is no dsmcert.kdb in")?;
    } else {
        page.line("looked in")?;
    }
    let places = document.places.iter();
    places
        .map(|place| format!("  {} ({})", place.directory, place.of))
        .try_for_each(|line| page.line(&line))?;
    if nothing {
        let remedy = "where it is elsewhere, name it with --adopt PATH";
        page.advice(&[], Some(remedy), None)?;
    }
    Ok(())
}

fn created(store: &CreatedStore, dry_run: bool, page: &mut Page<'_>) -> io::Result<()> {
    let would = if dry_run && store.outcome != "unchanged" {
        "would be "
    } else {
        ""
    };
    let ink = match store.outcome.as_str() {
        "unchanged" => Ink::Odd,
        _ => Ink::Good,
    };
    let word = format!("{would}{}", store.outcome);
    let rest = format!(": store \"{}\" of {}", store.name, store.plugin);
    page.marked(ink, &word, &rest)?;
    if let Some(path) = &store.path {
        page.field("file", path)?;
    }
    if let Some(format) = &store.format {
        let version = store.version.iter().map(|version| format!(" {version}"));
        page.field(
            "format",
            &format!("{format}{}", version.collect::<String>()),
        )?;
    }
    let how = store.adopted.as_deref().map(|adopted| match adopted {
        "write" => "to be written",
        _ => "to be read only",
    });
    if let Some(how) = how {
        page.field("adopted", how)?;
    }
    page.field("configured in", &store.file)?;
    holds(store, page)?;
    for note in &store.notes {
        page.line(&format!("note: {note}"))?;
    }
    if !store.next.is_empty() {
        page.line("next:")?;
    }
    let next = store.next.iter();
    next.map(|command| format!("  {command}"))
        .try_for_each(|line| page.line(&line))
}

fn holds(store: &CreatedStore, page: &mut Page<'_>) -> io::Result<()> {
    let is_key = |one: &&Certificate| one.kind == "key";
    let keys = store.certificates.iter().filter(is_key).count();
    let count = store.certificates.len() - keys;
    let mut text = counted(count, "certificate");
    if keys > 0 {
        text.push_str(&format!(", {}", counted(keys, "key")));
    }
    page.field("holds", &text)?;
    if store.certificates.is_empty() {
        return Ok(());
    }
    let rows: Vec<Vec<String>> = store.certificates.iter().map(row).collect();
    page.table(
        &[
            "SHA-256",
            "KIND",
            "SERVERS",
            "NOT AFTER",
            "LABEL",
            "SUBJECT",
            "NOTE",
        ],
        &rows,
    )?;
    for one in &store.proposed {
        let note = one.note.iter().map(|note| format!(" ({note})"));
        page.line(&format!(
            "its label proposes {} for server {}{}",
            short(&one.sha256),
            one.server,
            note.collect::<String>()
        ))?;
    }
    let vouches = |one: &Certificate| one.servers != anchorhold_api::Servers::None;
    if !store.certificates.iter().any(vouches) {
        page.line("nothing in it vouches for any server before you agree to it")?;
    }
    Ok(())
}

fn row(one: &Certificate) -> Vec<String> {
    vec![
        short(&one.sha256).to_owned(),
        one.kind.clone(),
        servers(&one.servers),
        day(&one.not_after).to_owned(),
        one.label.clone(),
        one.subject.clone(),
        one.note.clone().unwrap_or_default(),
    ]
}
