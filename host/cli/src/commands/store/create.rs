//! `store create`: a new store, one like another, or a key database that is there.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use anchorhold_api as api;
use anchorhold_boundary::manifest::{Manifest, Value};
use anchorhold_kernel::PluginEntry;

use super::draft::Draft;
use super::look::look;
use super::outfit::Outfit;
use super::{adopt, like, search};
use crate::args::store::StoreCreate;
use crate::builtin;
use crate::commands::damage;
use crate::commands::plugin::setting::{missing, typed};
use crate::exit::{Exit, Failure};
use crate::home::Home;
use crate::invocation::quote;
use crate::output::Reply;

/// Makes or adopts it, and shows what it holds.
pub(super) fn run(args: &StoreCreate, home: &Home) -> Result<Reply, Failure> {
    match (&args.adopt, &args.like) {
        (Some(Some(path)), _) => Ok(one(adopt::run(path, args, home)?, args)),
        (Some(None), _) => search::run(args, home),
        (None, Some(like)) => like::run(like, args, home),
        (None, None) => Ok(one(create(args, home)?, args)),
    }
}

fn one(store: api::CreatedStore, args: &StoreCreate) -> Reply {
    Reply::new(Exit::Done, document(store, None, args))
}

/// The document of one store.
pub(super) fn document(
    store: api::CreatedStore,
    copied: Option<api::StoreCopy>,
    args: &StoreCreate,
) -> api::StoreCreate {
    api::StoreCreate {
        stores: vec![store],
        not_adopted: Vec::new(),
        places: Vec::new(),
        copied,
        dry_run: args.dry_run,
    }
}

fn create(args: &StoreCreate, home: &Home) -> Result<api::CreatedStore, Failure> {
    let name = name_of(args)?;
    let plugin = args.plugin.as_deref().unwrap_or(builtin::KEYDB);
    let draft = drafted(name, plugin, args, home)?;
    let created = begin(&draft, home)?;
    if !args.dry_run {
        draft.write("store-created", home)?;
    }
    Ok(created)
}

/// A new store of a plugin, with what was typed for it and what it is known to need.
pub(super) fn drafted(
    name: &str,
    plugin: &str,
    args: &StoreCreate,
    home: &Home,
) -> Result<Draft, Failure> {
    let manifest = manifest_of(plugin, home)?;
    let mut settings = given(name, plugin, &args.settings, &manifest)?;
    let outfit = Outfit::of(args, &manifest, &mut settings)?;
    let secrets: Vec<&str> = outfit.secrets().collect();
    check(&manifest, &settings, &secrets, home)?;
    Draft::new(name, plugin, &settings, outfit, home)
}

/// The name of a store that is made.
pub(super) fn name_of(args: &StoreCreate) -> Result<&str, Failure> {
    let missing = || Failure::usage("usage", "a store that is made needs a name: --name NAME");
    args.name.as_deref().ok_or_else(missing)
}

/// The settings of a new store, as the manifest of its plugin has their types.
fn given(
    name: &str,
    plugin: &str,
    given: &[(String, String)],
    manifest: &Manifest,
) -> Result<BTreeMap<String, Value>, Failure> {
    let mut settings = typed(manifest, given)?;
    if plugin == builtin::KEYDB && !settings.contains_key("path") {
        let path = format!("{STORES}/{name}.p12");
        settings.insert("path".to_owned(), Value::String(path));
    }
    Ok(settings)
}

/// Refuses settings that no store of a plugin could have, where these of its secrets have a source.
pub(super) fn check(
    manifest: &Manifest,
    settings: &BTreeMap<String, Value>,
    secrets: &[&str],
    home: &Home,
) -> Result<(), Failure> {
    let instead = "say where it is kept: --secret KEY=file:PATH, KEY=credential:NAME, KEY=fd:NUMBER \
                   or KEY=ask";
    match missing(manifest, settings, secrets, home, instead)? {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

/// What a plugin says of itself.
pub(super) fn manifest_of(plugin: &str, home: &Home) -> Result<Manifest, Failure> {
    let registry = home.registry()?;
    match registry.entry(plugin) {
        Some(PluginEntry::Builtin(plugin)) => Ok(plugin.manifest().clone()),
        Some(PluginEntry::Library(library)) => {
            let admitted = library.admit().map_err(|refusal| {
                let manifest = quote(library.manifest.as_os_str());
                Failure::from_error(Exit::Failed, refusal.code(), &refusal)
                    .remedy(refusal.remedy_of(&library.id, &manifest))
            })?;
            Ok(admitted.manifest().clone())
        }
        None => {
            let known: Vec<&str> = registry.entries().iter().map(PluginEntry::id).collect();
            let message = format!(
                "there is no plugin {plugin}; there are: {}",
                known.join(", ")
            );
            Err(Failure::usage("plugin-unknown", message)
                .remedy("register it first: anchorhold plugin add MANIFEST"))
        }
    }
}

/// Looks at a new store; what is there already is not taken for new.
pub(super) fn begin(draft: &Draft, home: &Home) -> Result<api::CreatedStore, Failure> {
    let plan = draft.plan(home)?;
    if let Some(path) = damage::database_of(&plan) {
        check_free(&path, &plan.name, home)?;
    }
    look(draft, "new", home)
}

/// Refuses the file of another store, or one that would share its stash, however it is spelled,
/// and one that is there already.
fn check_free(path: &Path, name: &str, home: &Home) -> Result<(), Failure> {
    let mine = real(path);
    for plan in &home.config()?.stores {
        let Some(other) = damage::database_of(plan).map(|other| real(&other)) else {
            continue;
        };
        if other == mine {
            let message = format!("{} is the store \"{}\" already", path.display(), plan.name);
            return Err(Failure::usage("store-known", message).remedy(elsewhere(path)));
        }
        if other.with_extension("sth") == mine.with_extension("sth") {
            return Err(shared_stash(path, &format!("the store \"{}\"", plan.name)));
        }
    }
    if path.symlink_metadata().is_err() {
        let there = |other: &PathBuf| other.symlink_metadata().is_ok();
        let mut others = DATABASES.iter().map(|kind| path.with_extension(kind));
        return match others.find(there) {
            Some(other) => Err(shared_stash(path, &other.display().to_string())),
            None => Ok(()),
        };
    }
    let message = format!("{} is there already", path.display());
    let path = quote(path.as_os_str());
    Err(Failure::usage("database-there", message).remedy(format!(
        "to use what is there: anchorhold store create --adopt {path} --name {name} --write"
    )))
}

/// A stash is that of every database of its name: a new password of one would lock the other.
fn shared_stash(path: &Path, other: &str) -> Failure {
    let message = format!(
        "{} would have the same stash as {other}, so that a new password of one would lock the \
         other",
        path.display()
    );
    Failure::usage("stash-shared", message).remedy(elsewhere(path))
}

/// The path without links and detours, as far as it is there.
fn real(path: &Path) -> PathBuf {
    let mut real = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                real.pop();
            }
            part => real.push(part),
        }
        real = real.canonicalize().unwrap_or(real);
    }
    real
}

fn elsewhere(path: &Path) -> String {
    let other: PathBuf = path.with_file_name("OTHER");
    let extension = path.extension().unwrap_or_default();
    let other = other.with_extension(extension);
    format!("name another file with --set path={}", other.display())
}

/// The directory of stores that are made here, below that of all that is kept.
pub(super) const STORES: &str = "stores";

/// What the databases are called that have a stash.
const DATABASES: [&str; 2] = ["kdb", "p12"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_place_has_one_real_path_however_it_is_spelled() {
        let place = tempfile::tempdir().expect("a directory");
        let root = place.path().canonicalize().expect("there");
        std::fs::create_dir(root.join("there")).expect("made");
        std::os::unix::fs::symlink("there", root.join("link")).expect("linked");
        let expected = root.join("there/new/x.p12");
        for spelled in [
            "there/new/x.p12",
            "link/new/x.p12",
            "./there/../link/new/../new/x.p12",
            "new/../there/new/./x.p12",
        ] {
            assert_eq!(real(&root.join(spelled)), expected, "{spelled}");
        }
        assert_ne!(real(&root.join("new/x.p12")), expected);
    }
}
