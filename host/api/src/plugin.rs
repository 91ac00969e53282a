//! The plugins: which there are, what they may reach, and what one call of one came to.

use serde::{Deserialize, Serialize};

/// The document of `plugin list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginList {
    /// The plugins, sorted by id.
    pub plugins: Vec<Plugin>,
    /// What is linked in or registered and cannot be used.
    pub faults: Vec<String>,
}

/// One plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plugin {
    /// Its id.
    pub id: String,
    /// The plugin's own version, where it is known without running a byte of it.
    pub version: Option<String>,
    /// `built-in`, `admitted`, or the code of the refusal, such as `pin-mismatch`.
    pub state: String,
    /// Why it is refused; empty where it is not.
    pub message: String,
    /// What to do where it is refused.
    pub remedy: Option<String>,
    /// Where its manifest is; none for a built-in.
    pub manifest: Option<String>,
    /// Where its library is, where the manifest can be read.
    pub library: Option<String>,
    /// The SHA-256 of its library that is pinned.
    pub sha256: Option<String>,
    /// The SHA-256 of its manifest that is pinned.
    pub manifest_sha256: Option<String>,
    /// What its manifest says that it needs.
    pub needs: Vec<String>,
    /// What its manifest says that it may need besides, where the operator grants it.
    #[serde(default)]
    pub may_need: Vec<String>,
    /// What the operator lets it reach in every store.
    pub grants: Vec<String>,
    /// The stores that use it.
    pub stores: Vec<String>,
}

/// The document of `plugin add`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginAdd {
    /// The plugin as it is registered now.
    pub plugin: Plugin,
    /// `added`, `updated` or `unchanged`.
    pub outcome: String,
    /// The file that it is registered in.
    pub file: String,
    /// The store that was made for it.
    pub store: Option<String>,
    /// Its stores whose settings were changed.
    #[serde(default)]
    pub changed: Vec<String>,
    /// What else there is to know: needs that are not granted, grants without effect.
    pub notes: Vec<String>,
}

/// The document of `plugin remove`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginRemove {
    /// Its id.
    pub id: String,
    /// The file that it was registered in, which is gone.
    pub file: String,
    /// The stores that went with it.
    pub stores: Vec<String>,
}

/// The document of `plugin new`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginNew {
    /// The id of the plugin, to begin with.
    pub id: String,
    /// `c` or `rust`.
    pub language: String,
    /// The directory of the project.
    pub directory: String,
    /// Where the manifest is that `plugin add` takes, once the project is built.
    pub manifest: String,
    /// Where the library is, once the project is built.
    pub library: String,
    /// The files that were made, below the directory.
    pub files: Vec<String>,
    /// The commands to type next, in their order.
    pub next: Vec<String>,
}

/// The document of `plugin run`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginRun {
    /// Its id.
    pub id: String,
    /// The plugin's own version.
    pub version: String,
    /// `list`, `health`, `find` or `import`.
    pub call: String,
    /// `in-process` or `runner`.
    pub isolation: String,
    /// `full`, `partial` or `none`.
    pub sandbox: String,
    /// What of the sandbox is missing, and why.
    pub sandbox_note: String,
    /// What it said of its health, where it was asked.
    pub health: Option<RunHealth>,
    /// The generation of a listing; 0 where it is not known.
    pub generation: u64,
    /// The items that it listed or found.
    pub items: Vec<RunItem>,
    /// How many items were left out, because their kind is not known or their bytes are missing.
    pub skipped: u64,
    /// What came of each change of an import: `new`, `updated`, `unchanged` or `removed`.
    pub outcomes: Vec<String>,
}

/// What a plugin said of the health of its store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunHealth {
    /// `ready`, `degraded`, `locked`, `offline` or `failed`.
    pub state: String,
    /// More about it, may be empty.
    pub detail: String,
    /// The generation that it is at; 0 where it is not known.
    pub generation: u64,
    /// How many items it holds, where that is known.
    pub items: Option<u64>,
    /// Whether it can be written to now.
    pub writable: bool,
    /// Whether changes are announced.
    pub watching: bool,
}

/// One item, as a plugin pushed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunItem {
    /// `certificate`, `crl`, `issuer-serial`, `private-key` or `spki-sha256`.
    pub kind: String,
    /// Its id in hexadecimal digits.
    pub id: String,
    /// The SHA-256 of its bytes.
    pub sha256: String,
    /// Its label, may be empty.
    pub label: String,
    /// Its rules, such as `anchor for server`.
    pub rules: Vec<String>,
    /// Whether the store refuses to change or remove it.
    pub read_only: bool,
}
