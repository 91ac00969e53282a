//! `plugin list`: every plugin, and whether it is what was registered. No byte of it is run.

use anchorhold_api as api;

use super::registration::shown;
use crate::exit::Failure;
use crate::home::Home;
use crate::output::Reply;

/// Lists them.
pub(super) fn run(home: &Home) -> Result<Reply, Failure> {
    let registry = home.registry()?;
    let plugins = registry.entries().iter().map(|entry| shown(entry, home));
    Ok(Reply::done(api::PluginList {
        plugins: plugins.collect::<Result<_, _>>()?,
        faults: registry.faults().iter().map(ToString::to_string).collect(),
    }))
}
