//! How the stores are.

use serde::{Deserialize, Serialize};

use crate::{Certificate, Missing, Proposed, Reach, Servers};

/// The document of `store list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreList {
    /// The stores in their configured order.
    pub stores: Vec<Store>,
}

/// One store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Store {
    /// What other places call it.
    pub name: String,
    /// The id of its plugin.
    pub plugin: String,
    /// The version of its plugin; empty where the plugin is not there.
    pub version: String,
    /// `in-process` or `runner`.
    pub isolation: String,
    /// `full`, `partial` or `none`.
    pub sandbox: String,
    /// What of the sandbox is missing, and why.
    pub sandbox_note: String,
    /// `ready`, `degraded`, `locked`, `offline`, `failed`, `crashed` or `quarantined`.
    pub health: String,
    /// Why it is failed, in a word that is never renamed, where its plugin is refused, crashed or
    /// quarantined.
    #[serde(default)]
    pub code: Option<String>,
    /// More about its health, may be empty.
    pub detail: String,
    /// The generation that it is at; 0 where it has none yet.
    pub generation: u64,
    /// How many items it holds, where that is known.
    pub items: Option<u64>,
    /// How long ago it was listed, where it was.
    pub age_seconds: Option<u64>,
    /// Whether it can be written to now.
    pub writable: bool,
    /// How many attempts are left before it locks itself, where that is known.
    #[serde(default)]
    pub attempts_left: Option<u32>,
    /// When its plugin last crashed, RFC 3339, where that is remembered.
    #[serde(default)]
    pub crashed_at: Option<String>,
    /// What then happened.
    #[serde(default)]
    pub crash: Option<String>,
    /// What to do about it, where its health is known to need something.
    #[serde(default)]
    pub remedy: Option<String>,
}

/// The document of `store unlock`, `store lock` and `store release`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreTurn {
    /// The store.
    pub store: String,
    /// Whether anything is different from before.
    pub changed: bool,
    /// How the store is now, where that was looked at.
    pub health: Option<String>,
    /// What was done, for people.
    pub message: String,
}

/// The document of `store check`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreCheck {
    /// The stores, each listed afresh.
    pub stores: Vec<Store>,
    /// Acceptances that were begun and not ended.
    pub intents: Vec<OpenIntent>,
    /// Changes to stores that were begun and not ended.
    #[serde(default)]
    pub undertakings: Vec<OpenUndertaking>,
    /// Whether nothing is wrong.
    pub passed: bool,
    /// What is wrong, each with the store that it is about.
    pub problems: Vec<String>,
    /// What is in scope for a server and in no store any more.
    #[serde(default)]
    pub missing: Vec<Missing>,
    /// What to do next.
    #[serde(default)]
    pub remedies: Vec<String>,
}

/// An acceptance that was begun and not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenIntent {
    /// The server.
    pub server: String,
    /// The SHA-256 of the certificate.
    pub sha256: String,
    /// The store it was meant for.
    pub store: String,
    /// When it was begun, RFC 3339.
    pub at: String,
}

/// A change to stores that was begun and not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenUndertaking {
    /// What it is, in one word: `import`, `replacement`, `removal`, `copy`.
    pub what: String,
    /// The stores that it changes.
    pub stores: Vec<String>,
    /// When it was begun, RFC 3339.
    pub at: String,
    /// Who began it.
    pub who: String,
    /// Who is at work on it just now, where somebody is; otherwise it was interrupted.
    #[serde(default)]
    pub under_way_by: Option<String>,
    /// The stores of it that are not configured any more.
    #[serde(default)]
    pub gone: Vec<String>,
}

/// The document of `store password`; it never holds the password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Password {
    /// The store.
    pub store: String,
    /// The file that the password was written to.
    pub file: String,
    /// The file that the password opens.
    pub database: String,
}

/// The document of `store create`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreCreate {
    /// The stores that were made, adopted or changed, or that were so already.
    pub stores: Vec<CreatedStore>,
    /// The databases that were found and not adopted.
    #[serde(default)]
    pub not_adopted: Vec<NotAdopted>,
    /// Where the vendor's databases were looked for; empty where a file was named.
    #[serde(default)]
    pub places: Vec<SearchedPlace>,
    /// What was copied into the new store.
    #[serde(default)]
    pub copied: Option<StoreCopy>,
    /// Whether it was only a preview.
    pub dry_run: bool,
}

/// One store that was made, adopted or changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedStore {
    /// What other places call it.
    pub name: String,
    /// The id of its plugin.
    pub plugin: String,
    /// `new`, `updated` or `unchanged`.
    pub outcome: String,
    /// The configuration file in which it stands.
    pub file: String,
    /// Its own file, where it keeps its items in one.
    pub path: Option<String>,
    /// `kdb` or `p12`, where its own file is a key database.
    pub format: Option<String>,
    /// The version of the format, where it has several.
    #[serde(default)]
    pub version: Option<String>,
    /// `read` or `write`: what may be done with a database that was adopted.
    pub adopted: Option<String>,
    /// Whether another program's index of it, an .idx file, stands beside it.
    #[serde(default)]
    pub idx: bool,
    /// What it may reach, and how it is confined; none of a key database, which is part of this
    /// program and reaches its own files.
    #[serde(default)]
    pub reach: Option<Reach>,
    /// What it holds, keys among it.
    pub certificates: Vec<Certificate>,
    /// What its labels suggest; nothing of it is in force.
    pub proposed: Vec<Proposed>,
    /// What the operator should know.
    #[serde(default)]
    pub notes: Vec<String>,
    /// The commands that come next.
    #[serde(default)]
    pub next: Vec<String>,
}

/// A database that was found and not adopted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotAdopted {
    /// Where it is.
    pub path: String,
    /// Why it was not adopted.
    pub message: String,
    /// What to do next.
    pub remedy: Option<String>,
}

/// A directory in which the vendor's databases were looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchedPlace {
    /// The directory.
    pub directory: String,
    /// What names it.
    pub of: String,
    /// Whether a database was there.
    pub found: bool,
}

/// The document of `store copy`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreCopy {
    /// The store that was copied.
    pub from: String,
    /// The store that it was copied to.
    pub to: String,
    /// The configuration file of that store, where it was made first.
    pub made: Option<String>,
    /// What that store holds now of what the other one holds.
    pub copied: Vec<Copied>,
    /// What did not fit, or is not to be copied.
    pub left_out: Vec<LeftOut>,
    /// Whether it was only a preview.
    pub dry_run: bool,
    /// What the operator should know.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// One certificate that was copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copied {
    /// The SHA-256 of the certificate, 64 hexadecimal digits.
    pub sha256: String,
    /// Its label in the store that it was copied to.
    pub label: String,
    /// Its label in the store that was copied.
    pub before: String,
    /// Whom it is about.
    pub subject: String,
    /// Until when it is valid, RFC 3339; empty where it cannot be read.
    pub not_after: String,
    /// For whom it vouches, as before.
    pub servers: Servers,
    /// `new` or `unchanged`.
    pub outcome: String,
    /// What of its trust was left behind.
    #[serde(default)]
    pub note: Option<String>,
}

/// Something that was not copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The SHA-256 of the certificate; of anything else, of its bytes.
    pub sha256: String,
    /// Its label.
    pub label: String,
    /// `certificate`, `key`, `distrust`, `revocation list` or `item`.
    pub what: String,
    /// Why.
    pub message: String,
}
