//! The file of plugins.d in which one plugin is registered.

use std::collections::BTreeMap;
use std::path::Path;

use anchorhold_boundary::manifest::Value;
use anchorhold_kernel::LibraryPlan;
use toml::Table;

use super::registration::digest;
use crate::config::own_file::OwnFile;
use crate::config::plugins;
use crate::exit::Failure;
use crate::home::Home;

/// A file of plugins.d, as it is and as it is to be.
pub(super) struct PluginFile {
    file: OwnFile,
    /// Its `[[store]]` tables; what the operator has written into them stays.
    stores: Vec<toml::Value>,
}

impl PluginFile {
    /// The file of a plugin; there need not be one yet.
    pub(super) fn of(id: &str, home: &Home) -> Result<Self, Failure> {
        let file = OwnFile::of(plugins::file_of(&home.paths, id))?;
        let table = file.table()?;
        let of = |key: &str| match table.get(key) {
            Some(toml::Value::Array(tables)) => tables.clone(),
            _ => Vec::new(),
        };
        if of("plugin").len() > 1 {
            let message = format!(
                "{}: more than one plugin stands in it",
                file.path().display()
            );
            return Err(Failure::usage("config-invalid", message)
                .remedy("edit it by hand, so that each plugin has a file of its own"));
        }
        Ok(Self {
            stores: of("store"),
            file,
        })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Puts a store into it.
    pub(super) fn add_store(
        &mut self,
        name: &str,
        plugin: &str,
        settings: &BTreeMap<String, Value>,
    ) {
        let mut table = Table::new();
        table.insert("name".to_owned(), name.into());
        table.insert("plugin".to_owned(), plugin.into());
        if !settings.is_empty() {
            table.insert("settings".to_owned(), lowered(settings).into());
        }
        self.stores.push(table.into());
    }

    /// Changes settings of the stores in it, and says which stores those are.
    pub(super) fn change_settings(&mut self, settings: &BTreeMap<String, Value>) -> Vec<String> {
        let mut changed = Vec::new();
        for store in &mut self.stores {
            let Some(store) = store.as_table_mut() else {
                continue;
            };
            let name = store.get("name").and_then(|name| name.as_str());
            changed.extend(name.map(str::to_owned));
            let of = store
                .entry("settings")
                .or_insert_with(|| Table::new().into());
            if let Some(of) = of.as_table_mut() {
                of.extend(lowered(settings));
            }
        }
        changed
    }

    /// Writes it with this plugin in it, and reads it back with the whole configuration, to which
    /// it has to fit.
    pub(super) fn write(&self, plan: &LibraryPlan, home: &Home) -> Result<(), Failure> {
        self.file.write(HEAD, &self.root(plan), &[], &home.paths)
    }

    /// Takes it away.
    pub(super) fn remove(&self) -> Result<(), Failure> {
        self.file.remove()
    }

    /// Puts it back as it was; what cannot be put back is told with the failure that led to it.
    pub(super) fn restore(&self) {
        self.file.restore();
    }

    fn root(&self, plan: &LibraryPlan) -> Table {
        let grants: Vec<toml::Value> = plan
            .grants
            .iter()
            .map(|grant| grant.to_string().into())
            .collect();
        let mut plugin = Table::new();
        plugin.insert("id".to_owned(), plan.id.clone().into());
        let manifest = plan.manifest.display().to_string();
        plugin.insert("manifest".to_owned(), manifest.into());
        plugin.insert("sha256".to_owned(), digest(&plan.pins.library).into());
        let of_manifest = digest(&plan.pins.manifest);
        plugin.insert("manifest_sha256".to_owned(), of_manifest.into());
        if !grants.is_empty() {
            plugin.insert("grant".to_owned(), grants.into());
        }
        let mut root = Table::new();
        root.insert("plugin".to_owned(), vec![toml::Value::from(plugin)].into());
        if !self.stores.is_empty() {
            root.insert("store".to_owned(), self.stores.clone().into());
        }
        root
    }
}

/// Settings as they stand in a file.
pub(in crate::commands) fn lowered(settings: &BTreeMap<String, Value>) -> Table {
    let lowered = settings.iter().map(|(key, value)| {
        let value = match value {
            Value::Bool(flag) => (*flag).into(),
            Value::Integer(number) => (*number).into(),
            Value::List(texts) => texts.clone().into(),
            Value::String(text) => text.clone().into(),
        };
        (key.clone(), value)
    });
    lowered.collect()
}

const HEAD: &str = "# Written by `anchorhold plugin add`, which writes it anew with --update. Its stores may be edited.\n";
