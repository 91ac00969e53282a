//! What a store holds that was made or adopted, for people.

use std::io;

use anchorhold_api::{Certificate, CreatedStore, Reach, StoreCreate};

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
    if let Some(reach) = &store.reach {
        confined(reach, page)?;
    }
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

/// What it may reach, each with where that comes from, and how it is confined.
fn confined(reach: &Reach, page: &mut Page<'_>) -> io::Result<()> {
    let note = match reach.sandbox_note.as_str() {
        "" => String::new(),
        note => format!(" ({note})"),
    };
    let runs = match reach.isolation.as_str() {
        "runner" => format!("in a process of its own, sandbox {}{note}", reach.sandbox),
        _ => format!("in this program{note}"),
    };
    page.field("runs", &runs)?;
    if let Some(profile) = &reach.profile {
        let from = match profile.tested {
            true => "tried with the module itself",
            false => "from its maker's manual, never tried here",
        };
        page.field("module profile", &format!("{} ({from})", profile.name))?;
    }
    for (name, all) in [
        ("may reach", &reach.grants),
        ("environment", &reach.env),
        ("secret", &reach.secrets),
    ] {
        for one in all {
            page.field(name, &format!("{} ({})", one.what, one.why))?;
        }
    }
    page.field("vouches", &reach.vouches)
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
    // A file was looked into to be adopted; a token may hold a hundred authorities.
    let most = store.reach.as_ref().map_or(usize::MAX, |_| MOST);
    let shown = store.certificates.iter().take(most);
    let rows: Vec<Vec<String>> = shown.map(row).collect();
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
    let left = store.certificates.len().saturating_sub(most);
    if left > 0 {
        page.line(&format!(
            "and {left} more, which `list --store {}` shows",
            store.name
        ))?;
    }
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

/// How many certificates of a store are shown that may hold any number.
const MOST: usize = 20;
