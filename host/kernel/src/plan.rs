//! What the operator meant: a `[[store]]` table as typed, and the plan made from it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anchorhold_boundary::environment;
use anchorhold_boundary::grant::Grant;
use anchorhold_boundary::manifest::Value;
use serde::Deserialize;

mod secret;

pub use secret::{SecretSource, is_credential};

/// A `[[store]]` table as it was typed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreTable {
    /// What other places call the store.
    pub name: String,
    /// The id of its plugin.
    pub plugin: String,
    /// The plugin's settings.
    #[serde(default)]
    pub settings: BTreeMap<String, Value>,
    /// Where its secrets come from, by the plugin's setting.
    #[serde(default)]
    secrets: BTreeMap<String, secret::Typed>,
    /// The whole environment of its runner.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// What its plugin may reach beyond what every store of it may.
    #[serde(default)]
    pub grant: Vec<String>,
    /// Where its plugin runs.
    pub isolation: Option<Isolation>,
    /// Whether less than a whole sandbox is a failed store.
    #[serde(default)]
    pub require_sandbox: bool,
    /// Whether a verdict needs the store to have answered.
    #[serde(default = "yes")]
    pub critical: bool,
    /// How old a snapshot may serve anchors while the store is down.
    pub stale_ok: Option<String>,
    /// How long a caller waits.
    pub timeout: Option<String>,
    /// How long a runner may be silent before it is killed.
    pub hang_after: Option<String>,
    /// How often a store that cannot announce changes is listed again.
    pub refresh: Option<String>,
    /// Whether a rehearsal may touch it.
    #[serde(default)]
    pub scratch: bool,
    /// What of it is in scope.
    #[serde(default)]
    pub scope: StoreScope,
}

fn yes() -> bool {
    true
}

impl StoreTable {
    /// Makes the plan; relative paths start from `base_dir`.
    pub fn plan(self, base_dir: &Path) -> Result<StorePlan, PlanError> {
        let wrong = |what: String| PlanError {
            store: self.name.clone(),
            what,
        };
        if !is_store_name(&self.name) {
            return Err(wrong(
                "a store's name is 1 to 64 letters, digits, dots, dashes and underscores, and \
                 starts with a letter or a digit"
                    .to_owned(),
            ));
        }
        let span = |key: &str, typed: &Option<String>, default: Duration| match typed {
            None => Ok(default),
            Some(typed) => duration(typed).ok_or_else(|| {
                wrong(format!(
                    "{key} = \"{typed}\" is no time span: write a whole number and ms, s, min, h \
                     or d, as in \"5s\""
                ))
            }),
        };
        let (grants, secrets) = (
            self.grants().map_err(wrong)?,
            self.sources(base_dir).map_err(wrong)?,
        );
        self.check_env().map_err(wrong)?;
        Ok(StorePlan {
            stale_ok: span("stale_ok", &self.stale_ok, Duration::ZERO)?,
            timeout: span("timeout", &self.timeout, TIMEOUT)?,
            hang_after: span("hang_after", &self.hang_after, HANG_AFTER)?,
            refresh: span("refresh", &self.refresh, REFRESH)?,
            name: self.name,
            plugin: self.plugin,
            settings: self.settings,
            base_dir: base_dir.to_owned(),
            state_dir: None,
            critical: self.critical,
            scratch: self.scratch,
            scope: self.scope,
            isolation: self.isolation,
            require_sandbox: self.require_sandbox,
            env: self.env,
            grants,
            secrets,
        })
    }

    fn grants(&self) -> Result<Vec<Grant>, String> {
        let grants = self.grant.iter().map(|text| Grant::parse(text));
        grants
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())
    }

    fn sources(&self, base_dir: &Path) -> Result<BTreeMap<String, SecretSource>, String> {
        let sources = self.secrets.iter().map(|(key, typed)| {
            let source = SecretSource::read(typed.clone(), base_dir);
            source
                .map(|source| (key.clone(), source))
                .map_err(|what| format!("secrets.{key}: {what}"))
        });
        sources.collect()
    }

    fn check_env(&self) -> Result<(), String> {
        let mut env = self.env.iter();
        env.try_for_each(|(name, value)| {
            environment::check(name, value).map_err(|why| format!("env.{name}: {why}"))
        })
    }
}

/// A store as it is meant.
#[derive(Clone, Debug, PartialEq)]
pub struct StorePlan {
    /// What other places call the store.
    pub name: String,
    /// The id of its plugin.
    pub plugin: String,
    /// The plugin's settings as typed; the plugin's manifest checks them.
    pub settings: BTreeMap<String, Value>,
    /// The directory that relative paths start from.
    pub base_dir: PathBuf,
    /// A directory of the store's own for what its plugin keeps, where it has one.
    pub state_dir: Option<PathBuf>,
    /// Whether a verdict needs the store to have answered.
    pub critical: bool,
    /// How old a snapshot may serve anchors while the store is down.
    pub stale_ok: Duration,
    /// How long a caller waits.
    pub timeout: Duration,
    /// How long a runner may be silent before it is killed.
    pub hang_after: Duration,
    /// How often a store that cannot announce changes is listed again.
    pub refresh: Duration,
    /// Whether a rehearsal may touch it.
    pub scratch: bool,
    /// What of it is in scope.
    pub scope: StoreScope,
    /// Where its plugin runs; none is the plugin's default.
    pub isolation: Option<Isolation>,
    /// Whether less than a whole sandbox is a failed store.
    pub require_sandbox: bool,
    /// The whole environment of its runner.
    pub env: BTreeMap<String, String>,
    /// What its plugin may reach beyond what every store of it may.
    pub grants: Vec<Grant>,
    /// Where its secrets come from, by the plugin's setting.
    pub secrets: BTreeMap<String, SecretSource>,
}

impl StorePlan {
    /// A store with every default.
    pub fn new(name: impl Into<String>, plugin: impl Into<String>, base_dir: &Path) -> Self {
        Self {
            name: name.into(),
            plugin: plugin.into(),
            settings: BTreeMap::new(),
            base_dir: base_dir.to_owned(),
            state_dir: None,
            critical: true,
            stale_ok: Duration::ZERO,
            timeout: TIMEOUT,
            hang_after: HANG_AFTER,
            refresh: REFRESH,
            scratch: false,
            scope: StoreScope::Imported,
            isolation: None,
            require_sandbox: false,
            env: BTreeMap::new(),
            grants: Vec::new(),
            secrets: BTreeMap::new(),
        }
    }

    /// The same with one setting more.
    #[must_use]
    pub fn with_setting(mut self, key: impl Into<String>, value: Value) -> Self {
        self.settings.insert(key.into(), value);
        self
    }
}

/// What of a store is in scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreScope {
    /// Its anchors, for all servers that use it; its pins never.
    Any,
    /// What the host's own scope table says.
    #[default]
    Imported,
    /// What the store says of each item.
    Store,
}

/// Where a plugin runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// In this process.
    InProcess,
    /// In a runner.
    Runner,
}

/// Why a `[[store]]` table means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanError {
    /// The store.
    pub store: String,
    /// What is wrong.
    pub what: String,
}

impl std::fmt::Display for PlanError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "store \"{}\": {}", self.store, self.what)
    }
}

impl std::error::Error for PlanError {}

/// Names that are safe in messages, in file names and on a command line.
fn is_store_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|next| next.is_ascii_alphanumeric() || matches!(next, '.' | '-' | '_'))
}

/// A whole number and a unit.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let seconds = |each: u64| number.checked_mul(each).map(Duration::from_secs);
    match unit.trim() {
        "ms" => Some(Duration::from_millis(number)),
        "s" => seconds(1),
        "min" | "m" => seconds(60),
        "h" => seconds(60 * 60),
        "d" => seconds(24 * 60 * 60),
        _ => None,
    }
}

const TIMEOUT: Duration = Duration::from_secs(5);
const HANG_AFTER: Duration = Duration::from_secs(60);
const REFRESH: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests;
