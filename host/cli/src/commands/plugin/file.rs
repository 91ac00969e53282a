//! The file of plugins.d in which one plugin is registered.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anchorhold_boundary::admit;
use anchorhold_boundary::manifest::Value;
use anchorhold_kernel::LibraryPlan;
use anchorhold_state::replace;
use toml::Table;

use super::registration::digest;
use crate::config::Config;
use crate::config::plugins::{self, unsafe_file};
use crate::exit::Failure;
use crate::home::Home;
use crate::input;

/// A file of plugins.d, as it is and as it is to be.
pub(super) struct PluginFile {
    path: PathBuf,
    before: Option<Vec<u8>>,
    /// Its `[[store]]` tables; what the operator has written into them stays.
    stores: Vec<toml::Value>,
}

impl PluginFile {
    /// The file of a plugin; there need not be one yet.
    pub(super) fn of(id: &str, home: &Home) -> Result<Self, Failure> {
        let path = plugins::file_of(&home.paths, id);
        if matches!(path.symlink_metadata(), Err(error) if error.kind() == ErrorKind::NotFound) {
            return Ok(Self {
                path,
                before: None,
                stores: Vec::new(),
            });
        }
        let bytes =
            admit::read(&path, input::CONFIG_MAX).map_err(|refusal| unsafe_file(&refusal))?;
        // It was read as part of the configuration before, so that it is text and TOML.
        let text = String::from_utf8_lossy(&bytes);
        let table: Table = toml::from_str(&text).map_err(|error| {
            Failure::usage("config-invalid", path.display().to_string()).because(&error)
        })?;
        let of = |key: &str| match table.get(key) {
            Some(toml::Value::Array(tables)) => tables.clone(),
            _ => Vec::new(),
        };
        if of("plugin").len() > 1 {
            let message = format!("{}: more than one plugin stands in it", path.display());
            return Err(Failure::usage("config-invalid", message)
                .remedy("edit it by hand, so that each plugin has a file of its own"));
        }
        Ok(Self {
            stores: of("store"),
            before: Some(bytes),
            path,
        })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
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
        let directory = plugins::directory(&home.paths);
        make(&home.paths.config)
            .and_then(|()| make(&directory))
            .map_err(|error| self.unwritten(&error))?;
        admit::check_directory(&directory).map_err(|refusal| unsafe_file(&refusal))?;
        let text = self.text(plan).map_err(|error| self.unwritten(&error))?;
        replace::atomic(&self.path, text.as_bytes(), 0o644)
            .map_err(|error| self.unwritten(&error))?;
        if let Err(failure) = Config::read(&home.paths) {
            self.restore();
            return Err(failure);
        }
        Ok(())
    }

    /// Takes it away.
    pub(super) fn remove(&self) -> Result<(), Failure> {
        fs::remove_file(&self.path)
            .and_then(|()| fs::File::open(plugins_directory(&self.path))?.sync_all())
            .map_err(|error| self.unwritten(&error))
    }

    /// Puts it back as it was; what cannot be put back is told with the failure that led to it.
    pub(super) fn restore(&self) {
        let restored = match &self.before {
            Some(bytes) => replace::atomic(&self.path, bytes, 0o644),
            None => fs::remove_file(&self.path),
        };
        if let Err(error) = restored {
            let text = format!(
                "{} could not be put back as it was: {error}",
                self.path.display()
            );
            crate::output::say("warning", &text);
        }
    }

    fn text(&self, plan: &LibraryPlan) -> Result<String, toml::ser::Error> {
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
        Ok(format!("{HEAD}{}", toml::to_string(&root)?))
    }

    fn unwritten(&self, error: &dyn std::error::Error) -> Failure {
        let message = format!("{}: cannot be written", self.path.display());
        let failure = Failure::failed("output-failed", message).because(error);
        match crate::ownership::obstacle(&self.path) {
            Some(obstacle) => failure.remedy(format!(
                "{obstacle}; run it as the owner, or let this user write there"
            )),
            None => failure,
        }
    }
}

/// Makes a directory in which nobody else may write, where there is none.
fn make(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(directory)
}

fn plugins_directory(file: &Path) -> &Path {
    file.parent().unwrap_or_else(|| Path::new("/"))
}

fn lowered(settings: &BTreeMap<String, Value>) -> Table {
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
