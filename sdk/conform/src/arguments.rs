//! What may be typed, the same for `anchorhold-conform` and for `anchorhold plugin check`.

use std::path::PathBuf;

use clap::Args;

/// Checks a plugin against the contract, each case in a process of its own
#[derive(Args, Clone, Debug, Default)]
#[non_exhaustive]
pub struct Arguments {
    /// A library, its manifest, or the id of a plugin that this program knows
    #[arg(value_name = "LIBRARY|MANIFEST|ID", required_unless_present = "list")]
    pub target: Option<PathBuf>,
    /// List the cases, and try none
    #[arg(long)]
    pub list: bool,
    /// Try this case, or the cases of this level, only; may be repeated
    #[arg(long, value_name = "CASE|LEVEL")]
    pub only: Vec<String>,
    /// A setting of the store; {scratch} in VALUE is a new directory for each case
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// A file with the secret that the store asks for by this setting
    #[arg(long = "secret", value_name = "KEY=FILE")]
    pub secrets: Vec<String>,
    /// Let the plugin reach this, as far as its manifest needs it; may be repeated
    #[arg(long = "grant", value_name = "GRANT")]
    pub grants: Vec<String>,
    /// A variable in the environment of the plugin, which is empty otherwise; may be repeated
    #[arg(long = "env", value_name = "NAME=VALUE", conflicts_with = "in_process")]
    pub environment: Vec<String>,
    /// The store may be changed, and wrong secrets may be tried on it
    #[arg(long)]
    pub scratch: bool,
    /// Do not try the cases that this file names, each with its reason
    #[arg(long, value_name = "FILE")]
    pub disable: Option<PathBuf>,
    /// Try the cases on a store in a runner, as the host would run it
    #[arg(long, conflicts_with = "in_process")]
    pub runner: bool,
    /// Try the cases in this process, for a debugger
    #[arg(long)]
    pub in_process: bool,
    /// Leave the sandbox off
    #[arg(long)]
    pub unconfined: bool,
    /// Make the random calls of this seed again
    #[arg(long, value_name = "SEED")]
    pub reproduce: Option<u64>,
    /// How many random calls are made
    #[arg(long, value_name = "COUNT", default_value_t = 2000)]
    pub limit: u32,
    /// How long one case may take
    #[arg(long, value_name = "SECONDS", default_value_t = 45,
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
}
