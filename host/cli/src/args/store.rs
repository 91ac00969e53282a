//! What may be typed after `store create` and `store copy`.

use std::path::PathBuf;

use anchorhold_boundary::grant::Grant;
use clap::{Args, ValueEnum};

use super::value::{
    TypedSecret, certificate_file, grant, plugin_id, setting, store_name, typed_secret,
    written_variable,
};

/// `store create`
#[derive(Args, Debug, Default)]
pub(crate) struct StoreCreate {
    /// What other places call it; a database that is adopted is called after its file by default
    #[arg(long, value_name = "NAME", value_parser = store_name, required_unless_present = "adopt")]
    pub(crate) name: Option<String>,
    /// The plugin that keeps it; by default the key database, or that of --like
    #[arg(long, value_name = "ID", value_parser = plugin_id)]
    pub(crate) plugin: Option<String>,
    /// Give it this setting, such as path=my.kdb, and for the database that is made version=v4 or
    /// stash=v1; a relative path starts from here; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = setting)]
    pub(crate) settings: Vec<(String, String)>,
    /// Let its plugin reach this: read:/PATH, write:/PATH, unix:/PATH, connect:HOST:PORT, network,
    /// fork, keyring or session-bus; what a module is known to need need not be said; may be
    /// repeated
    #[arg(long = "grant", value_name = "GRANT", value_parser = grant)]
    pub(crate) grants: Vec<Grant>,
    /// A variable of its process's environment, which has no others; may be repeated
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = written_variable)]
    pub(crate) environment: Vec<(String, String)>,
    /// Where a PIN or password of it comes from: KEY=file:PATH, KEY=credential:NAME, KEY=fd:NUMBER
    /// or KEY=ask; may be repeated
    #[arg(long = "secret", value_name = "KEY=SOURCE", value_parser = typed_secret)]
    pub(crate) secrets: Vec<TypedSecret>,
    /// Where its plugin runs; by default where its author says
    #[arg(long, value_name = "WHERE")]
    pub(crate) isolation: Option<IsolationWord>,
    /// For which servers its certificates are: those that `import` and `scope` name, any that uses
    /// it, or what the store itself says; by default imported
    #[arg(long, value_name = "WHAT")]
    pub(crate) scope: Option<ScopeWord>,
    /// Let `rehearse --store` and the kit change what is in it: nothing else should be
    #[arg(long)]
    pub(crate) scratch: bool,
    /// Use a key database that is there, NAME.kdb or NAME.p12 with its NAME.sth, and only read it;
    /// without PATH, look for those of the vendor's client and adopt each
    #[arg(
        long,
        value_name = "PATH",
        num_args = 0..=1,
        value_parser = certificate_file,
        conflicts_with_all = [
            "plugin", "settings", "like", "grants", "environment", "secrets", "isolation", "scope",
            "scratch"
        ]
    )]
    pub(crate) adopt: Option<Option<PathBuf>>,
    /// Let imports and removals write to the database that is adopted
    #[arg(long, requires = "adopt")]
    pub(crate) write: bool,
    /// Make it like this store, and copy into it what this store holds
    #[arg(long, value_name = "STORE", value_parser = store_name)]
    pub(crate) like: Option<String>,
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// Where a plugin runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum IsolationWord {
    /// In this process, where nothing confines it
    InProcess,
    /// In a process of its own, in a sandbox
    Runner,
}

impl IsolationWord {
    /// The word that is typed for it, and written.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::InProcess => "in-process",
            Self::Runner => "runner",
        }
    }
}

/// For which servers the certificates of a store are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScopeWord {
    /// Any that uses the store
    Any,
    /// Those that `import` and `scope` name
    Imported,
    /// Those that the store itself names
    Store,
}

impl ScopeWord {
    /// The word that is typed for it, and written.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Imported => "imported",
            Self::Store => "store",
        }
    }
}

/// `store copy`
#[derive(Args, Debug)]
pub(crate) struct StoreCopy {
    /// The store to copy; it stays as it is
    #[arg(value_name = "FROM", value_parser = store_name)]
    pub(crate) from: String,
    /// The store to copy to, where what is there already stays; one that is not configured is made
    /// first, as a key database
    #[arg(value_name = "TO", value_parser = store_name)]
    pub(crate) to: String,
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}
