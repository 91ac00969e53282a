//! anchorhold.toml: what the operator says of stores, and of servers beyond the option files.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anchorhold_boundary::manifest::Value;
use anchorhold_kernel::ServerName;
use anchorhold_kernel::plan::{StorePlan, StoreTable};
use anchorhold_session::policy::{Policy, ServerTable};
use serde::Deserialize;
use toml::Spanned;

use crate::builtin;
use crate::config::folder::ConfigFile;
use crate::config::plugins::{PluginTable, Registered};
use crate::exit::Failure;
use crate::input;
use crate::paths::Paths;

pub(crate) mod folder;
pub(crate) mod own_file;
pub(crate) mod plugins;
pub(crate) mod remark;
mod salvage;
pub(crate) mod stores;

/// What anchorhold.toml, plugins.d and stores.d mean.
#[derive(Clone, Debug, Default)]
pub(crate) struct Config {
    /// The file, where there is one.
    pub(crate) file: Option<PathBuf>,
    /// The stores in their order; an empty home has one.
    pub(crate) stores: Vec<StorePlan>,
    /// The libraries that are registered as plugins.
    pub(crate) plugins: Vec<Registered>,
    /// The stores that stand in a file of plugins.d or stores.d, each with that file.
    pub(crate) placed: BTreeMap<String, PathBuf>,
    /// What is said of servers, and in which line.
    pub(crate) policies: BTreeMap<ServerName, Said>,
}

/// What anchorhold.toml says of one server.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    /// The policy.
    pub(crate) policy: Policy,
    /// The line in which its table begins.
    pub(crate) line: usize,
    /// Each key that is set, with its value as typed.
    pub(crate) keys: Vec<(&'static str, String)>,
}

/// The files beside anchorhold.toml that this program writes itself.
struct Added {
    plugins: Vec<ConfigFile>,
    stores: Vec<ConfigFile>,
}

/// anchorhold.toml, as typed.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Typed {
    #[serde(default)]
    plugin: Vec<Spanned<PluginTable>>,
    #[serde(default)]
    store: Vec<Spanned<StoreTable>>,
    #[serde(default)]
    server: BTreeMap<Spanned<String>, ServerTable>,
}

impl Config {
    /// Reads the files of the configuration directory; there need not be any.
    pub(crate) fn read(paths: &Paths) -> Result<Self, Failure> {
        let file = paths.file();
        let added = Added {
            plugins: plugins::read(paths)?,
            stores: stores::read(paths)?,
        };
        if matches!(file.symlink_metadata(), Err(error) if error.kind() == ErrorKind::NotFound) {
            return Self::parse("", &file, &added, paths).map(|config| Self {
                file: None,
                ..config
            });
        }
        let text = text_of(input::read(&file, input::CONFIG_MAX)?, &file)?;
        let config = Self::parse(&text, &file, &added, paths)?;
        let decides = |one: &Registered| one.file == file;
        if config.plugins.iter().any(decides) {
            // Whoever can write it decides what runs.
            let checked = folder::read_file(file)?;
            if checked.text != text {
                return Self::parse(&checked.text, &checked.file, &added, paths);
            }
        }
        Ok(config)
    }

    /// The store of an empty home.
    pub(crate) fn default_store(base: &Path) -> StorePlan {
        let path = Value::String("stores/anchorhold.p12".to_owned());
        StorePlan::new("keydb", builtin::KEYDB, base).with_setting("path", path)
    }

    fn parse(text: &str, file: &Path, added: &Added, paths: &Paths) -> Result<Self, Failure> {
        let typed: Typed = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            invalid(file, line, &not_yet_or(error.message()))
        })?;
        let mut stores = Vec::new();
        if typed.store.is_empty() {
            stores.push(Self::default_store(&paths.base));
        }
        add_stores(&mut stores, typed.store, text, file, paths)?;
        let mut plugins = plugins::plans(typed.plugin, text, file, paths)?;
        let mut placed = BTreeMap::new();
        let mut place = |tables, one: &ConfigFile| {
            let before = stores.len();
            add_stores(&mut stores, tables, &one.text, &one.file, paths)?;
            let new = stores.iter().skip(before);
            placed.extend(new.map(|store| (store.name.clone(), one.file.clone())));
            Ok::<(), Failure>(())
        };
        for one in &added.plugins {
            let typed = plugins::parse(one)?;
            plugins.extend(plugins::plans(typed.plugin, &one.text, &one.file, paths)?);
            place(typed.store, one)?;
        }
        for one in &added.stores {
            place(stores::parse(one)?, one)?;
        }
        let policies = policies(typed.server, text, file, &stores)?;
        Ok(Self {
            file: Some(file.to_owned()),
            stores,
            plugins,
            placed,
            policies,
        })
    }
}

/// Adds the stores of one file to those before; a name stands for one store.
fn add_stores(
    plans: &mut Vec<StorePlan>,
    tables: Vec<Spanned<StoreTable>>,
    text: &str,
    file: &Path,
    paths: &Paths,
) -> Result<(), Failure> {
    for table in tables {
        let line = line_of(text, table.span().start);
        let plan = table.into_inner().plan(&paths.base);
        let plan = plan.map_err(|error| invalid(file, line, &not_yet_or(&error.to_string())))?;
        builtin::Trust::of(&plan).map_err(|error| invalid(file, line, &error.to_string()))?;
        if plans.iter().any(|other| other.name == plan.name) {
            let what = format!("there is a store \"{}\" already", plan.name);
            return Err(invalid(file, line, &what));
        }
        plans.push(plan);
    }
    Ok(())
}

fn policies(
    tables: BTreeMap<Spanned<String>, ServerTable>,
    text: &str,
    file: &Path,
    stores: &[StorePlan],
) -> Result<BTreeMap<ServerName, Said>, Failure> {
    let mut policies: BTreeMap<ServerName, Said> = BTreeMap::new();
    let known: BTreeSet<&str> = stores.iter().map(|store| store.name.as_str()).collect();
    for (name, table) in tables {
        let line = line_of(text, name.span().start);
        let name = ServerName::new(name.into_inner());
        let wrong = |what: &str| invalid(file, line, &format!("[server.{name}]: {what}"));
        let keys = keys(&table);
        let policy = table.policy().map_err(|error| wrong(&error.to_string()))?;
        let key = policy.client_key.iter().map(|key| &key.store);
        let named = policy.stores.iter().flatten();
        let named = named.chain(&policy.accept_into).chain(key);
        for store in named {
            if !known.contains(store.as_str()) {
                let known = known.iter().copied().collect::<Vec<_>>().join(", ");
                return Err(wrong(&format!(
                    "there is no store \"{store}\"; there are: {known}"
                )));
            }
        }
        if let Some(other) = policies.get(&name) {
            let what = format!("names compare without case, and line {} has it", other.line);
            return Err(wrong(&what));
        }
        policies.insert(name, Said { policy, line, keys });
    }
    Ok(policies)
}

/// Each key that is set, with its value as typed.
fn keys(table: &ServerTable) -> Vec<(&'static str, String)> {
    let stores = table.stores.as_ref().map(|stores| stores.join(", "));
    let key = table.client_key.as_ref();
    let key = key.map(|key| format!("\"{}\" in store \"{}\"", key.label, key.store));
    let all = [
        ("stores", &stores),
        ("accept_into", &table.accept_into),
        ("expect", &table.expect),
        ("name_check", &table.name_check),
        ("plain", &table.plain),
        ("level", &table.level),
        ("authentication", &table.authentication),
        ("tls_floor", &table.tls_floor),
        ("level_floor", &table.level_floor),
        ("address", &table.address),
        ("client_key", &key),
    ];
    let set = all.into_iter();
    set.filter_map(|(key, value)| value.clone().map(|value| (key, value)))
        .collect()
}

/// Says of a key that it comes later, where it is one of those, and not that it is a typing error.
fn not_yet_or(message: &str) -> String {
    let unknown = message
        .split_once("unknown field `")
        .and_then(|(_, rest)| rest.split_once('`'));
    match unknown {
        Some((key, _)) if LATER.contains(&key) => {
            format!("`{key}` is not supported in this release")
        }
        _ => message.to_owned(),
    }
}

/// The text of a file.
fn text_of(bytes: Vec<u8>, file: &Path) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|error| {
        let before = error.as_bytes().get(..error.utf8_error().valid_up_to());
        let line = 1 + before
            .unwrap_or_default()
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        invalid(file, line, "this is not UTF-8")
    })
}

fn invalid(file: &Path, line: usize, what: &str) -> Failure {
    Failure::usage(
        "config-invalid",
        format!("{}:{line}: {}", file.display(), what.trim_end()),
    )
}

/// The line of a byte, from 1.
fn line_of(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    1 + before.iter().filter(|byte| **byte == b'\n').count()
}

/// Keys that have a meaning to come.
const LATER: &[&str] = &["ledger", "profile", "revocation", "upgrade"];

#[cfg(test)]
mod tests;
