//! A store that is about to be configured: tried first, then written into a file of stores.d.

use std::collections::BTreeMap;
use std::path::Path;

use anchorhold_boundary::manifest::Value;
use anchorhold_kernel::Kernel;
use anchorhold_kernel::plan::{StorePlan, StoreTable};
use anchorhold_state::Event;
use toml::Table;

use super::outfit::Outfit;
use crate::builtin::Trust;
use crate::commands::damage;
use crate::commands::plugin::file::lowered;
use crate::config::own_file::OwnFile;
use crate::config::stores;
use crate::exit::Failure;
use crate::home::Home;

/// A store that is about to be configured.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    file: OwnFile,
    /// Its `[[store]]` table.
    table: Table,
    /// What it is given beside its settings.
    outfit: Outfit,
}

impl Draft {
    /// A new store.
    pub(super) fn new(
        name: &str,
        plugin: &str,
        settings: &BTreeMap<String, Value>,
        outfit: Outfit,
        home: &Home,
    ) -> Result<Self, Failure> {
        let mut table = Table::new();
        table.insert("name".to_owned(), name.into());
        table.insert("plugin".to_owned(), plugin.into());
        if !settings.is_empty() {
            table.insert("settings".to_owned(), lowered(settings).into());
        }
        Self::of_table(table, outfit, home)
    }

    /// A new store that is written like this, and is given what stands in its outfit besides.
    pub(super) fn of_table(mut table: Table, outfit: Outfit, home: &Home) -> Result<Self, Failure> {
        outfit.put_into(&mut table);
        let name = table.get("name").and_then(|name| name.as_str());
        let name = name.unwrap_or_default();
        if home.config()?.stores.iter().any(|store| store.name == name) {
            return Err(is_there(name));
        }
        // Before the name is made part of a path.
        planned(&table, home)?;
        let file = OwnFile::of(stores::file_of(&home.paths, name))?;
        // Somebody may have made it since the configuration was read.
        if file.is_there() {
            return Err(is_there(name));
        }
        Ok(Self {
            file,
            table,
            outfit,
        })
    }

    /// A store that stands in a file of its own already.
    pub(super) fn known(name: &str, home: &Home) -> Result<Self, Failure> {
        let file = OwnFile::of(stores::file_of(&home.paths, name))?;
        let root = file.table()?;
        let tables = root.get("store").and_then(|tables| tables.as_array());
        let table = tables.and_then(|tables| tables.first()?.as_table());
        let table = table.cloned().unwrap_or_default();
        Ok(Self {
            file,
            table,
            outfit: Outfit::default(),
        })
    }

    /// Gives it a setting; whether that is new.
    pub(super) fn set(&mut self, key: &str, value: &str) -> bool {
        let empty = || Table::new().into();
        let settings = self.table.entry("settings").or_insert_with(empty);
        let Some(settings) = settings.as_table_mut() else {
            return false;
        };
        let before = settings.insert(key.to_owned(), value.into());
        before.is_none_or(|before| before.as_str() != Some(value))
    }

    /// What it is given beside its settings.
    pub(super) fn outfit(&self) -> &Outfit {
        &self.outfit
    }

    /// The file in which it stands, or will.
    pub(super) fn file(&self) -> &Path {
        self.file.path()
    }

    /// The store as it is meant.
    pub(super) fn plan(&self, home: &Home) -> Result<StorePlan, Failure> {
        home.seated(planned(&self.table, home)?)
    }

    /// All stores as they will be, of which nothing is written yet.
    pub(super) fn trial(&self, home: &Home) -> Result<Kernel, Failure> {
        let plan = self.plan(home)?;
        let mut plans = home.plans()?;
        match plans.iter_mut().find(|known| known.name == plan.name) {
            Some(known) => *known = plan,
            None => plans.push(plan),
        }
        Ok(Kernel::open(plans, home.registry()?, home.options()))
    }

    /// Writes it down, in file and journal, or in neither.
    pub(super) fn write(&self, kind: &'static str, home: &Home) -> Result<(), Failure> {
        let plan = self.plan(home)?;
        let mut change = home.state()?.write(&home.actor(), home.now())?;
        if !self.file.is_as_before()? {
            let message = format!("{} was changed meanwhile", self.file().display());
            return Err(Failure::usage("store-known", message).remedy("say the same again"));
        }
        let mut root = Table::new();
        root.insert("store".to_owned(), vec![self.table.clone()].into());
        self.file
            .write(HEAD, &root, &self.outfit.remarks(), &home.paths)?;
        change.note(Event::new(kind, told(&plan)).store(&plan.name));
        if !self.file.is_there() {
            // A name may have been another store's, whose plugin crashed.
            change.release(&plan.name, "it was made anew");
        }
        change.commit().inspect_err(|_| self.file.restore())?;
        Ok(())
    }
}

fn is_there(name: &str) -> Failure {
    let message = format!("there is a store \"{name}\" already");
    Failure::usage("store-known", message)
        .remedy("choose another name; see which there are: anchorhold store list")
}

/// Text of a setting.
pub(super) fn setting<'p>(plan: &'p StorePlan, key: &str) -> Option<&'p str> {
    match plan.settings.get(key) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

fn planned(table: &Table, home: &Home) -> Result<StorePlan, Failure> {
    let invalid = |what: String| Failure::usage("store-invalid", what);
    let table: StoreTable = table
        .clone()
        .try_into()
        .map_err(|error: toml::de::Error| invalid(error.message().to_owned()))?;
    let plan = table.plan(&home.paths.base);
    let plan = plan.map_err(|error| invalid(error.to_string()))?;
    Trust::of(&plan).map_err(|error| invalid(error.to_string()))?;
    Ok(plan)
}

/// A store in a journal.
fn told(plan: &StorePlan) -> String {
    let mut text = format!("of {}", plan.plugin);
    if let Some(path) = damage::database_of(plan) {
        text.push_str(&format!(", {}", path.display()));
    }
    if let Some(adopt) = setting(plan, "adopt") {
        text.push_str(&format!(", adopt = \"{adopt}\""));
    }
    text
}

const HEAD: &str = "# Written by `anchorhold store create`. It may be edited; without this file \
                    there is no such store, and what the store keeps stays where it is.\n";
