//! Plugins, and what one call of one came to, for people.

use std::io;

use anchorhold_api::{
    Plugin, PluginAdd, PluginList, PluginNew, PluginRemove, PluginRun, RunHealth, RunItem,
};

use super::short;
use crate::output::{Answer, Ink, Page, counted};

impl Answer for PluginList {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        let rows: Vec<Vec<String>> = self.plugins.iter().map(row).collect();
        let head = [
            "PLUGIN", "VERSION", "STATE", "PIN", "GRANTED", "STORES", "MANIFEST",
        ];
        page.table(&head, &rows)?;
        for plugin in self.plugins.iter().filter(|one| !one.message.is_empty()) {
            page.marked(
                Ink::Bad,
                &plugin.state,
                &format!(": {}: {}", plugin.id, plugin.message),
            )?;
            page.advice(&[], plugin.remedy.as_deref(), None)?;
        }
        for fault in &self.faults {
            page.marked(Ink::Bad, "unusable", &format!(": {fault}"))?;
        }
        Ok(())
    }
}

impl Answer for PluginAdd {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        let id = &self.plugin.id;
        page.line(&match self.outcome.as_str() {
            "unchanged" => format!("{id} is registered like that already, in {}", self.file),
            outcome => format!("{id} is {outcome}, in {}", self.file),
        })?;
        let pinned = |digest: &Option<String>| digest.clone().unwrap_or_default();
        page.field("library", &pinned(&self.plugin.sha256))?;
        page.field("manifest", &pinned(&self.plugin.manifest_sha256))?;
        page.field("needs", &words(&self.plugin.needs))?;
        if !self.plugin.may_need.is_empty() {
            page.field("may need", &words(&self.plugin.may_need))?;
        }
        page.field("granted", &words(&self.plugin.grants))?;
        for store in &self.changed {
            let text = format!("the settings of its store \"{store}\" are changed");
            page.line(&text)?;
        }
        if let Some(store) = &self.store {
            page.line(&format!(
                "its store is \"{store}\"; what it lists vouches for a server once `scope` says so"
            ))?;
        }
        page.advice(&self.notes, None, None)
    }
}

impl Answer for PluginRemove {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        page.line(&format!("{} is not registered any more", self.id))?;
        match self.stores.as_slice() {
            [] => Ok(()),
            stores => page.line(&format!("with it went: {}", stores.join(", "))),
        }
    }
}

impl Answer for PluginNew {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        page.line(&format!("{} is begun, in {}", self.id, self.directory))?;
        if page.verbose {
            for file in &self.files {
                page.line(&format!("  {file}"))?;
            }
        }
        page.line("next:")?;
        for command in &self.next {
            page.line(&format!("  {command}"))?;
        }
        Ok(())
    }
}

impl Answer for PluginRun {
    fn people(&self, page: &mut Page<'_>) -> io::Result<()> {
        page.line(&format!(
            "{} {}, {}, sandbox {}",
            self.id, self.version, self.isolation, self.sandbox
        ))?;
        if !self.sandbox_note.is_empty() {
            page.line(&format!("        ({})", self.sandbox_note))?;
        }
        if let Some(health) = &self.health {
            told(health, page)?;
        }
        for outcome in &self.outcomes {
            page.line(outcome)?;
        }
        if matches!(self.call.as_str(), "list" | "find") {
            items(self, page)?;
        }
        Ok(())
    }
}

fn told(health: &RunHealth, page: &mut Page<'_>) -> io::Result<()> {
    let count = health
        .items
        .map_or_else(|| "-".to_owned(), |n| n.to_string());
    page.field("health", &health.state)?;
    page.field("detail", &health.detail)?;
    page.field("generation", &health.generation.to_string())?;
    page.field("items", &count)?;
    page.field("writable", &health.writable.to_string())?;
    page.field("announces", &health.watching.to_string())
}

fn items(run: &PluginRun, page: &mut Page<'_>) -> io::Result<()> {
    let rows: Vec<Vec<String>> = run.items.iter().map(item).collect();
    page.table(&["KIND", "SHA256", "ID", "RULES", "LABEL"], &rows)?;
    page.line(&format!(
        "{}, {} left out, generation {}",
        counted(run.items.len(), "item"),
        run.skipped,
        run.generation
    ))
}

fn item(item: &RunItem) -> Vec<String> {
    vec![
        item.kind.clone(),
        short(&item.sha256).to_owned(),
        item.id.clone(),
        words(&item.rules),
        item.label.clone(),
    ]
}

fn row(plugin: &Plugin) -> Vec<String> {
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    vec![
        plugin.id.clone(),
        or_dash(&plugin.version),
        plugin.state.clone(),
        plugin
            .sha256
            .as_deref()
            .map_or_else(|| "-".to_owned(), |digest| short(digest).to_owned()),
        words(&plugin.grants),
        words(&plugin.stores),
        or_dash(&plugin.manifest),
    ]
}

fn words(words: &[String]) -> String {
    if words.is_empty() {
        "-".to_owned()
    } else {
        words.join(", ")
    }
}
