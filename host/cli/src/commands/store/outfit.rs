//! What a store is given beside its settings: grants, an environment, the sources of its secrets,
//! each with where it comes from.

mod keychain;
mod token;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anchorhold_api as api;
use anchorhold_boundary::grant::Grant;
use anchorhold_boundary::manifest::{Manifest, Value};
use anchorhold_boundary::question::Prompter;
use anchorhold_kernel::plan::SecretSource;
use anchorhold_kernel::secret;
use toml::Table;

use crate::args::store::{IsolationWord, ScopeWord, StoreCreate};
use crate::builtin;
use crate::commands::plugin::setting::typed;
use crate::config::remark::Remark;
use crate::exit::Failure;
use crate::prompter;

/// What a store is given beside its settings.
#[derive(Clone, Debug, Default)]
pub(super) struct Outfit {
    /// What is known of the module that it loads.
    pub(super) profile: Option<api::Profile>,
    /// What the operator should know of it.
    pub(super) notes: Vec<String>,
    /// Settings that a module is known to need; what was typed comes before.
    settings: Vec<(String, String)>,
    grants: Vec<(Grant, String)>,
    env: BTreeMap<String, (String, String)>,
    secrets: BTreeMap<String, SecretSource>,
    isolation: Option<IsolationWord>,
    scope: Option<ScopeWord>,
    scratch: bool,
    /// Whether it is only looked at, so that no PIN is tried.
    dry_run: bool,
}

impl Outfit {
    /// What was typed, and what the plugin of the store is known to need besides.
    pub(super) fn of(
        args: &StoreCreate,
        manifest: &Manifest,
        settings: &mut BTreeMap<String, Value>,
    ) -> Result<Self, Failure> {
        let mut outfit = Self::typed(args)?;
        match manifest.id.as_str() {
            builtin::PKCS11 => token::add(&mut outfit, settings)?,
            builtin::KEYCHAIN => keychain::add(&mut outfit, settings)?,
            _ => {}
        }
        for (key, value) in typed(manifest, &outfit.settings)? {
            settings.entry(key).or_insert(value);
        }
        Ok(outfit)
    }

    /// What was typed, and nothing else.
    pub(super) fn typed(args: &StoreCreate) -> Result<Self, Failure> {
        let mut outfit = Self {
            isolation: args.isolation,
            scope: args.scope,
            scratch: args.scratch,
            dry_run: args.dry_run,
            ..Self::default()
        };
        for grant in &args.grants {
            outfit.grant(grant.clone(), TYPED_GRANT);
        }
        for (name, value) in &args.environment {
            let before = outfit.env.insert(name.clone(), typed_variable(value));
            if before.is_some() {
                return Err(wrong(&format!("--env {name} is given twice")));
            }
        }
        for typed in &args.secrets {
            let (key, source) = typed
                .clone()
                .map_err(|what| wrong(&format!("--secret: {what}")))?;
            if outfit.secrets.insert(key.clone(), source).is_some() {
                return Err(wrong(&format!("--secret {key} is given twice")));
            }
        }
        Ok(outfit)
    }

    /// The secrets that have a source.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.secrets.keys().map(String::as_str)
    }

    /// Gives it a grant, unless it has that already.
    fn grant(&mut self, grant: Grant, why: &str) {
        if !self.grants.iter().any(|(known, _)| *known == grant) {
            self.grants.push((grant, why.to_owned()));
        }
    }

    /// Gives it a variable, unless the operator gave one of this name.
    fn variable(&mut self, name: &str, value: &str, why: &str) {
        let given = || (value.to_owned(), why.to_owned());
        self.env.entry(name.to_owned()).or_insert_with(given);
    }

    /// Puts it into a `[[store]]` table; what stands there already and is not said anew stays.
    pub(super) fn put_into(&self, table: &mut Table) {
        let grants = self.grants.iter().map(|(grant, _)| grant.to_string());
        let known = table.get("grant").and_then(|known| known.as_array());
        let mut grants: Vec<toml::Value> = grants.map(Into::into).collect();
        let known = known.into_iter().flatten().cloned();
        let known: Vec<_> = known.filter(|grant| !grants.contains(grant)).collect();
        grants.splice(0..0, known);
        let env = self.env.iter();
        let env = env.map(|(name, (value, _))| (name.clone(), value.clone().into()));
        let secrets = self.secrets.iter();
        let secrets = secrets.map(|(key, source)| (key.clone(), written(source)));
        extend(table, "env", env.collect());
        extend(table, "secrets", secrets.collect());
        let mut put = |key: &str, value: toml::Value| {
            table.insert(key.to_owned(), value);
        };
        if !grants.is_empty() {
            put("grant", grants.into());
        }
        if let Some(isolation) = self.isolation {
            put("isolation", isolation.word().into());
        }
        if let Some(scope) = self.scope {
            put("scope", scope.word().into());
        }
        if self.scratch {
            put("scratch", true.into());
        }
    }

    /// Why its lines stand in the file.
    pub(super) fn remarks(&self) -> Vec<Remark> {
        let grants = self.grants.iter();
        let grants = grants.map(|(grant, why)| Remark::of_entry(&grant.to_string(), why));
        let env = self.env.iter();
        let env = env.map(|(name, (value, why))| Remark::of_pair(name, value, why));
        grants.chain(env).collect()
    }

    /// The same for people and programs.
    pub(super) fn told(&self) -> (Vec<api::Given>, Vec<api::Given>, Vec<api::Given>) {
        let given = |what: String, why: &str| api::Given {
            what,
            why: why.to_owned(),
        };
        let grants = self.grants.iter();
        let env = self.env.iter();
        let secrets = self.secrets.iter();
        (
            grants
                .map(|(grant, why)| given(grant.to_string(), why))
                .collect(),
            env.map(|(name, (value, why))| given(format!("{name}={value}"), why))
                .collect(),
            secrets
                .map(|(key, source)| given(format!("{key}: {source}"), when(source)))
                .collect(),
        )
    }

    /// Who answers with its PIN, where that lies in a file which can be read and may be tried.
    pub(super) fn pin(&self) -> Option<Arc<dyn Prompter>> {
        match self.secrets.get("pin") {
            Some(SecretSource::File(path)) if !self.dry_run => prompter::from_file(path).ok(),
            _ => None,
        }
    }

    /// What of its secrets cannot be read as it is now. It may be meant to come later.
    pub(super) fn unreadable(&self) -> Vec<String> {
        let sources = self.secrets.iter();
        let files = sources.filter(|(_, source)| matches!(source, SecretSource::File(_)));
        let faults = files.filter_map(|(key, source)| {
            let error = secret::read(source).err()?;
            Some(format!("the secret {key} cannot be read yet: {error}"))
        });
        faults.collect()
    }
}

/// Adds to a table within a table.
fn extend(table: &mut Table, key: &str, with: Table) {
    if with.is_empty() {
        return;
    }
    let inner = table.entry(key).or_insert_with(|| Table::new().into());
    if let Some(inner) = inner.as_table_mut() {
        inner.extend(with);
    }
}

/// The source of a secret as it stands in a file.
fn written(source: &SecretSource) -> toml::Value {
    let one = |key: &str, value: toml::Value| Table::from_iter([(key.to_owned(), value)]).into();
    match source {
        SecretSource::Credential(name) => one("credential", name.clone().into()),
        SecretSource::Descriptor(number) => one("fd", i64::from(*number).into()),
        SecretSource::File(path) => one("file", text(path).into()),
        _ => "ask".into(),
    }
}

/// When a secret is read.
fn when(source: &SecretSource) -> &'static str {
    match source {
        SecretSource::Ask => "asked at the terminal, whenever a command needs it",
        SecretSource::Credential(_) => "handed over by systemd, read whenever it is needed",
        SecretSource::Descriptor(_) => "handed over by whoever starts the program, read once",
        _ => "read whenever it is needed",
    }
}

fn typed_variable(value: &str) -> (String, String) {
    (value.to_owned(), TYPED_ENV.to_owned())
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn wrong(what: &str) -> Failure {
    Failure::usage("usage", what)
}

const TYPED_GRANT: &str = "granted with --grant";
const TYPED_ENV: &str = "given with --env";
