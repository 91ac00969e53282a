//! What may be typed after `plugin`.

use std::ffi::OsString;
use std::path::PathBuf;

use anchorhold_boundary::grant::Grant;
use clap::{Args, Subcommand, ValueEnum};

use super::value::{certificate_file, grant, plugin_id, setting, store_name, variable};

/// `plugin`
#[derive(Debug, Subcommand)]
pub(crate) enum Plugin {
    /// Every plugin, what it may reach, and whether it is what was registered
    List,
    /// Register a plugin: show its manifest, pin its files, make a store for it
    Add(PluginAdd),
    /// Take a plugin and its own store out
    Remove(PluginRemove),
    /// Make one call of a plugin, in a runner or in this process, to see what it does
    Run(PluginRun),
    /// Hold a plugin against its contract, each case in a process of its own
    Check(Box<anchorhold_conform::Arguments>),
    /// Make a project to start a plugin from, which builds and loads as it is
    New(PluginNew),
}

/// `plugin new`
#[derive(Args, Debug)]
pub(crate) struct PluginNew {
    /// The language to write it in
    #[arg(long = "lang", value_name = "LANGUAGE")]
    pub(crate) language: Language,
    /// The directory to make; the plugin is called after it
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
}

/// A language that a plugin can be started in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Language {
    /// C99, with make and a compiler
    C,
    /// Rust, with cargo and the SDK
    Rust,
}

impl Language {
    /// The word that is typed for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::C => "c",
            Self::Rust => "rust",
        }
    }
}

/// `plugin add`
#[derive(Args, Debug)]
pub(crate) struct PluginAdd {
    /// The plugin's manifest, ID.plugin.toml, which stands beside its library
    #[arg(value_name = "MANIFEST", value_parser = certificate_file)]
    pub(crate) manifest: PathBuf,
    /// Let it reach this, in all of its stores: read:/PATH, write:/PATH, unix:/PATH,
    /// connect:HOST:PORT, network, fork, keyring or session-bus; may be repeated
    #[arg(long = "grant", value_name = "GRANT", value_parser = grant)]
    pub(crate) grants: Vec<Grant>,
    /// Give its store this setting; a relative path starts from here; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = setting)]
    pub(crate) settings: Vec<(String, String)>,
    /// The name of the store that is made for it; by default the last part of its id
    #[arg(long, value_name = "STORE", value_parser = store_name)]
    pub(crate) store: Option<String>,
    /// Make no store for it
    #[arg(long, conflicts_with_all = ["store", "settings"])]
    pub(crate) no_store: bool,
    /// Take its files as they are now, where other ones were registered; grants and stores stay,
    /// unless they are said anew
    #[arg(long)]
    pub(crate) update: bool,
    /// Register it without asking
    #[arg(long)]
    pub(crate) yes: bool,
}

/// `plugin remove`
#[derive(Args, Debug)]
pub(crate) struct PluginRemove {
    /// The id of the plugin
    #[arg(value_name = "ID", value_parser = plugin_id)]
    pub(crate) id: String,
}

/// `plugin run`
#[derive(Args, Debug)]
pub(crate) struct PluginRun {
    /// The plugin's manifest, beside its library, or the id of one that is part of this program
    #[arg(value_name = "MANIFEST|ID", value_parser = certificate_file)]
    pub(crate) manifest: PathBuf,
    /// A setting of its store; may be repeated
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = setting)]
    pub(crate) settings: Vec<(String, String)>,
    /// Let it reach this; may be repeated
    #[arg(long = "grant", value_name = "GRANT", value_parser = grant)]
    pub(crate) grants: Vec<Grant>,
    /// A variable of its runner's environment, which has no others; may be repeated
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = variable)]
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// Take the PIN or password of a store that is locked from this file, which only you can read
    #[arg(long, value_name = "FILE")]
    pub(crate) pin_file: Option<PathBuf>,
    /// Run it in this process, without a sandbox
    #[arg(long, conflicts_with_all = ["grants", "environment"])]
    pub(crate) in_process: bool,
    /// Say which process it is, and wait for Enter before and after the call
    #[arg(long)]
    pub(crate) hold: bool,
    /// Write each call, and what came of it, to standard error
    #[arg(long)]
    pub(crate) trace: bool,
    /// The call
    #[arg(value_name = "CALL")]
    pub(crate) call: PluginCall,
    /// Certificates to find by their SHA-256, or to import
    #[arg(value_name = "FILE", value_parser = certificate_file)]
    pub(crate) file: Option<PathBuf>,
}

/// A call of a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PluginCall {
    /// Ask for the certificates of FILE
    Find,
    /// Ask how the store is
    Health,
    /// Put the certificates of FILE into the store
    Import,
    /// List the whole store
    List,
}

impl PluginCall {
    /// The word that is typed for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Find => "find",
            Self::Health => "health",
            Self::Import => "import",
            Self::List => "list",
        }
    }
}
