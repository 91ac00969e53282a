//! What is wrong, or soon will be, and what a support engineer is sent.

use serde::{Deserialize, Serialize};

use crate::{JournalEntry, Plugin, Record, SetOption, Store};

/// The document of `doctor`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// What was found, the worst first, then by what it is about.
    pub findings: Vec<Finding>,
    /// How many of them are errors.
    pub errors: u64,
    /// How many of them are warnings.
    pub warnings: u64,
    /// How many of them are notes.
    pub notes: u64,
    /// The file that was made for support, where one was asked for.
    #[serde(default)]
    pub bundle: Option<String>,
    /// The option files that were read.
    #[serde(default)]
    pub files: Vec<String>,
}

/// One thing that is wrong, or soon will be, or is worth knowing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What it is, in a word that is never renamed.
    pub code: String,
    /// `error`, `warning` or `note`.
    pub severity: String,
    /// The one thing that it is about, such as `store "keydb"`.
    pub about: String,
    /// What it is, for people.
    pub message: String,
    /// What mends it: an instruction, which ends in a command where one does.
    pub remedy: String,
}

/// The file that `doctor --bundle` makes; no secret is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// The version of the program.
    pub version: String,
    /// When it was made, RFC 3339.
    pub made: String,
    /// Where the program ran.
    pub platform: Platform,
    /// Where configuration, state and stores are.
    pub places: Places,
    /// What was found.
    pub findings: Vec<Finding>,
    /// What this machine offers to confine plugins with.
    pub sandbox: Vec<Offer>,
    /// Every store, how it is, and how it is confined.
    pub stores: Vec<Store>,
    /// Every plugin there is.
    pub plugins: Vec<Plugin>,
    /// What anchorhold.toml says of the stores.
    pub configured_stores: Vec<ConfiguredStore>,
    /// Every server, with what the option files and anchorhold.toml say of it.
    pub servers: Vec<BundledServer>,
    /// The option files that were read.
    pub option_files: Vec<String>,
    /// What the ledger says.
    pub ledger: Vec<Record>,
    /// The newest entries of the journal, oldest first.
    pub journal: Vec<JournalEntry>,
}

/// Where the program ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// The operating system.
    pub system: String,
    /// Its release.
    pub release: String,
    /// The machine's architecture.
    pub machine: String,
    /// The user that the program ran as.
    pub user: String,
}

/// Where things are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Places {
    /// anchorhold.toml, where there is one.
    pub configuration: Option<String>,
    /// The directory of ledger and journal.
    pub state: String,
    /// The directory that relative paths of stores start from.
    pub base: String,
}

/// One means to confine a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Which.
    pub what: String,
    /// Whether it can be used here.
    pub available: bool,
    /// Its version, or why it cannot be used.
    pub detail: String,
}

/// One store as anchorhold.toml has it, without anything that could be secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfiguredStore {
    /// What other places call it.
    pub name: String,
    /// The id of its plugin.
    pub plugin: String,
    /// Its settings.
    pub settings: Vec<Setting>,
    /// Where its secrets come from, by the setting that asks for them.
    pub secrets: Vec<Setting>,
    /// The names of the variables that its runner gets.
    pub env: Vec<String>,
    /// What its plugin may reach besides.
    pub grants: Vec<String>,
    /// Where its plugin was told to run: `in-process` or `runner`.
    pub isolation: Option<String>,
    /// Whether less than a whole sandbox is a failed store.
    pub require_sandbox: bool,
    /// Whether a verdict needs it to have answered.
    pub critical: bool,
    /// What of it is in scope: `any`, `imported` or `store`.
    pub scope: String,
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Its key.
    pub key: String,
    /// Its value; nothing where it could be secret.
    pub value: Option<String>,
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundledServer {
    /// Its name.
    pub name: String,
    /// The options in force.
    pub options: Vec<SetOption>,
    /// Options of its stanza that this host does not use, without passwords and commands.
    pub unused_options: Vec<SetOption>,
    /// What anchorhold.toml says of it.
    pub policy: Vec<SetOption>,
}
