//! Stores and their health, for people.

use std::io;

use anchorhold_api::{Password, Store, StoreCheck, StoreList, StoreTurn};

use super::short;
use crate::output::{Answer, Ink, Page, counted};

impl Answer for StoreList {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        table(&self.stores, &[], page)
    }
}

impl Answer for StoreCheck {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        table(&self.stores, &self.remedies, page)?;
        for intent in &self.intents {
            page.marked(
                Ink::Odd,
                "open",
                &format!(
                    ": an acceptance of {} for {} into store \"{}\" was interrupted at {}; the \
                     next connect or change settles it",
                    short(&intent.sha256),
                    intent.server,
                    intent.store,
                    intent.at
                ),
            )?;
        }
        for one in &self.undertakings {
            if let Some(holder) = &one.under_way_by {
                let text = format!(": {} of {} is under way: {holder}", one.what, one.at);
                page.marked(Ink::Odd, "open", &text)?;
            }
        }
        for problem in &self.problems {
            page.marked(Ink::Bad, "problem", &format!(": {problem}"))?;
        }
        for remedy in &self.remedies {
            page.advice(&[], Some(remedy), None)?;
        }
        if self.passed {
            page.marked(Ink::Good, "ok", "")
        } else {
            Ok(())
        }
    }
}

impl Answer for StoreTurn {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        page.line(&format!("store \"{}\": {}", self.store, self.message))
    }
}

impl Answer for Password {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        page.line(&format!(
            "the password of store \"{}\" is in {}, which only you can read; it opens {}",
            self.store, self.file, self.database
        ))?;
        page.line("delete the file when it has served its purpose")
    }
}

/// The stores, with what is to be said of them and is not `said` elsewhere.
fn table(stores: &[Store], said: &[String], page: &mut Page<'_>) -> io::Result<()> {
    let rows: Vec<Vec<String>> = stores.iter().map(row).collect();
    let head = [
        "STORE",
        "PLUGIN",
        "VERSION",
        "HEALTH",
        "ITEMS",
        "GENERATION",
        "RUNS",
        "SANDBOX",
        "DETAIL",
    ];
    page.table(&head, &rows)?;
    // What a process of this program's own can do needs no word for every store.
    for store in stores.iter().filter(|store| store.isolation == "runner") {
        if !store.sandbox_note.is_empty() {
            page.line(&format!(
                "store \"{}\": sandbox {}: {}",
                store.name, store.sandbox, store.sandbox_note
            ))?;
        }
    }
    for store in stores {
        if let Some(left) = store.attempts_left.filter(|left| *left <= 1) {
            let text = format!(
                ": store \"{}\" has {} left before it locks itself",
                store.name,
                counted(left, "attempt")
            );
            page.marked(Ink::Odd, "warning", &text)?;
        }
        if let Some(remedy) = store.remedy.as_ref().filter(|text| !said.contains(text)) {
            page.line(&format!("remedy for store \"{}\": {remedy}", store.name))?;
        }
        if let (Some(at), Some(crash)) = (&store.crashed_at, &store.crash) {
            page.marked(
                Ink::Odd,
                "crashed",
                &format!(": the plugin of store \"{}\" at {at}: {crash}", store.name),
            )?;
        }
    }
    Ok(())
}

fn row(store: &Store) -> Vec<String> {
    vec![
        store.name.clone(),
        store.plugin.clone(),
        store.version.clone(),
        store.health.clone(),
        store
            .items
            .map_or_else(|| "-".to_owned(), |items| items.to_string()),
        store.generation.to_string(),
        store.isolation.clone(),
        store.sandbox.clone(),
        match &store.code {
            Some(code) if *code != store.health => format!("{code}: {}", store.detail),
            _ => store.detail.clone(),
        },
    ]
}
