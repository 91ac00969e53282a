//! `plugin remove`: a plugin and the store that was made for it are taken out.

use std::path::Path;

use anchorhold_api as api;
use anchorhold_kernel::Registry;
use anchorhold_state::Event;

use super::file::PluginFile;
use super::registration::text;
use crate::args::plugin::PluginRemove;
use crate::config::Config;
use crate::exit::Failure;
use crate::home::Home;
use crate::output::Reply;

/// Takes it out, unless something of the operator's still uses it.
pub(super) fn run(args: &PluginRemove, home: &Home) -> Result<Reply, Failure> {
    let config = home.config()?;
    let id = &args.id;
    let Some(known) = config.plugins.iter().find(|one| one.plan.id == *id) else {
        return Err(unknown(id, config));
    };
    let file = PluginFile::of(id, home)?;
    if known.file != file.path() {
        let message = format!("the plugin {id} is registered in {}", known.file.display());
        return Err(Failure::usage("plugin-known", message).remedy("take it out there"));
    }
    let stores = own_stores(file.path(), config);
    check_unused(id, &stores, config)?;
    let mut change = home.state()?.write(&home.actor(), home.now())?;
    file.remove()?;
    let detail = format!("{id}: manifest {}", known.plan.manifest.display());
    let event = Event::new("plugin-removed", detail);
    change.note(match stores.first() {
        Some(store) => event.store(store),
        None => event,
    });
    change.commit().inspect_err(|_| file.restore())?;
    Ok(Reply::done(api::PluginRemove {
        id: id.clone(),
        file: text(file.path()),
        stores,
    }))
}

/// The stores that stand in the same file.
fn own_stores(file: &Path, config: &Config) -> Vec<String> {
    let placed = config.placed.iter();
    let own = placed.filter(|(_, place)| *place == file);
    own.map(|(name, _)| name.clone()).collect()
}

/// Nothing that stays may name what goes.
fn check_unused(id: &str, going: &[String], config: &Config) -> Result<(), Failure> {
    let goes = |name: &String| going.contains(name);
    let staying = config.stores.iter().filter(|store| !goes(&store.name));
    let mut uses: Vec<String> = staying
        .filter(|store| store.plugin == id)
        .map(|store| format!("store \"{}\" uses it", store.name))
        .collect();
    for (server, said) in &config.policies {
        let named = said.policy.stores.iter().flatten();
        let named = named.chain(&said.policy.accept_into);
        uses.extend(
            named
                .filter(|name| goes(name))
                .map(|name| format!("[server.{server}] names its store \"{name}\"")),
        );
    }
    if uses.is_empty() {
        return Ok(());
    }
    uses.dedup();
    let message = format!("the plugin {id} is in use: {}", uses.join("; "));
    Err(Failure::usage("plugin-in-use", message)
        .remedy("take that out first, of anchorhold.toml or of stores.d"))
}

fn unknown(id: &str, config: &Config) -> Failure {
    if Registry::builtin().entry(id).is_some() {
        let message = format!("the plugin {id} is part of this program, and stays");
        return Failure::usage("plugin-builtin", message);
    }
    let known: Vec<&str> = config.plugins.iter().map(|one| &*one.plan.id).collect();
    let message = match known.is_empty() {
        true => format!("no plugin {id} is registered, nor any other"),
        false => format!(
            "no plugin {id} is registered; there are: {}",
            known.join(", ")
        ),
    };
    Failure::usage("plugin-unknown", message).remedy("see what there is: anchorhold plugin list")
}
