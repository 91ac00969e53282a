//! What may be typed after `store create` and `store copy`.

use std::path::PathBuf;

use clap::Args;

use super::value::{certificate_file, plugin_id, setting, store_name};

/// `store create`
#[derive(Args, Debug)]
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
    /// Use a key database that is there, NAME.kdb or NAME.p12 with its NAME.sth, and only read it;
    /// without PATH, look for those of the vendor's client and adopt each
    #[arg(
        long,
        value_name = "PATH",
        num_args = 0..=1,
        value_parser = certificate_file,
        conflicts_with_all = ["plugin", "settings", "like"]
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
