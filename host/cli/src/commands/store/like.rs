//! `store create --like`: a store of the same kind with a file of its own, and a copy of what the
//! other one holds.

use std::collections::BTreeMap;
use std::path::Path;

use anchorhold_api as api;
use anchorhold_boundary::manifest::Value;
use anchorhold_kernel::plan::StorePlan;
use toml::Table;

use super::create::{STORES, begin, check, document, drafted, manifest_of, name_of};
use super::draft::{Draft, setting};
use super::outfit::Outfit;
use super::{copy, look};
use crate::args::store::StoreCreate;
use crate::builtin;
use crate::commands::damage;
use crate::commands::holding::unknown_store;
use crate::commands::plugin::file::lowered;
use crate::commands::plugin::setting::typed;
use crate::exit::Failure;
use crate::home::Home;
use crate::input;
use crate::output::Reply;

/// Makes it, and copies into it.
pub(super) fn run(like: &str, args: &StoreCreate, home: &Home) -> Result<Reply, Failure> {
    let name = name_of(args)?;
    let plans = &home.config()?.stores;
    let Some(plan) = plans.iter().find(|plan| plan.name == like) else {
        return Err(unknown_store(home, like)?);
    };
    let draft = match args.plugin.as_deref() {
        Some(plugin) if plugin != plan.plugin => drafted(name, plugin, args, home)?,
        _ => same_kind(name, plan, args, home)?,
    };
    let created = begin(&draft, home)?;
    let copied = copy::into_new(like, &draft, args.dry_run, home)?;
    // That it was made is what this is about, and said already.
    let copied = api::StoreCopy {
        made: None,
        ..copied
    };
    Ok(Reply::done(document(created, Some(copied), args)))
}

/// A store that is written as the other one is, but for its name and what makes it that very
/// store.
fn same_kind(
    name: &str,
    plan: &StorePlan,
    args: &StoreCreate,
    home: &Home,
) -> Result<Draft, Failure> {
    let manifest = manifest_of(&plan.plugin, home)?;
    let given = typed(&manifest, &args.settings)?;
    let mut settings = plan.settings.clone();
    if plan.plugin == builtin::KEYDB {
        settings.remove("adopt");
        alike(name, plan, &mut settings);
    }
    settings.extend(given);
    if settings == plan.settings {
        let message = format!(
            "with the settings of store \"{}\" it would be that very store again",
            plan.name
        );
        return Err(Failure::usage("setting-invalid", message)
            .remedy("say what is different about it with --set KEY=VALUE"));
    }
    let outfit = Outfit::typed(args)?;
    let secrets = plan.secrets.keys().map(String::as_str);
    let secrets: Vec<&str> = secrets.chain(outfit.secrets()).collect();
    check(&manifest, &settings, &secrets, home)?;
    let mut table = table_of(plan, home)?;
    table.insert("name".to_owned(), name.into());
    table.insert("settings".to_owned(), lowered(&settings).into());
    Draft::of_table(table, outfit, home)
}

/// A key database in the same format, version and form of its stash, where those can be seen.
fn alike(name: &str, plan: &StorePlan, settings: &mut BTreeMap<String, Value>) {
    let Some(path) = damage::database_of(plan) else {
        return;
    };
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    let extension = extension.to_ascii_lowercase();
    let mut put = |key: &str, text: &str| {
        settings.insert(key.to_owned(), Value::String(text.to_owned()));
    };
    put("path", &format!("{STORES}/{name}.{extension}"));
    if setting(plan, "version").is_none() && look::version(&path) == Some("v4") {
        put("version", "v4");
    }
    if setting(plan, "stash").is_none() && is_first_form(&path.with_extension("sth")) {
        put("stash", "v1");
    }
}

fn is_first_form(stash: &Path) -> bool {
    stash
        .metadata()
        .is_ok_and(|metadata| metadata.len() == FIRST_FORM)
}

/// The `[[store]]` table of a store, as it stands in its file.
fn table_of(plan: &StorePlan, home: &Home) -> Result<Table, Failure> {
    let config = home.config()?;
    let placed = config.placed.get(&plan.name).cloned();
    let file = placed.unwrap_or_else(|| home.paths.file());
    let mut bare = Table::new();
    bare.insert("plugin".to_owned(), plan.plugin.clone().into());
    if file.symlink_metadata().is_err() {
        return Ok(bare);
    }
    let bytes = input::read(&file, input::CONFIG_MAX)?;
    let text = String::from_utf8_lossy(&bytes);
    let root: Table = toml::from_str(&text).map_err(|error| {
        Failure::usage("config-invalid", file.display().to_string()).because(&error)
    })?;
    let stores = root.get("store").and_then(|stores| stores.as_array());
    let named =
        |table: &&Table| table.get("name").and_then(|name| name.as_str()) == Some(&plan.name);
    let tables = stores.into_iter().flatten();
    let found = tables.filter_map(|table| table.as_table()).find(named);
    Ok(found.cloned().unwrap_or(bare))
}

/// How long a stash of the older form is, in bytes.
const FIRST_FORM: u64 = 129;
