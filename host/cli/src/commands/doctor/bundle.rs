//! The file for support: one JSON document with everything that helps, and no secret.
//!
//! It is JSON and no archive, so that whoever sends it can read it whole before, whoever gets it
//! needs nothing to open it, and a schema says what stands in it. It is made from what was
//! understood of the files and never from their text: what is not known to be harmless has no way
//! into it.

use std::path::Path;

use anchorhold_api as api;
use anchorhold_boundary::manifest::{SettingKind, SettingSchema, Value};
use anchorhold_kernel::PluginEntry;
use anchorhold_kernel::certificate::rfc3339;
use anchorhold_kernel::plan::{Isolation, SecretSource, StorePlan, StoreScope};
use anchorhold_session::options::{Effective, OtherOption};
use anchorhold_session::server::Server;

use super::case::Case;
use super::machine;
use crate::actor;
use crate::commands::plugin::registration;
use crate::commands::{journal, server, store};

/// Gathers it.
pub(super) fn gather(case: &Case<'_>, findings: &[api::Finding]) -> api::Bundle {
    api::Bundle {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        made: rfc3339(case.now),
        platform: platform(),
        places: places(case),
        findings: findings.to_vec(),
        sandbox: machine::offers(),
        stores: stores(case),
        plugins: plugins(case),
        configured_stores: case
            .config
            .stores
            .iter()
            .map(|plan| configured(plan, case))
            .collect(),
        servers: servers(case),
        option_files: option_files(case),
        ledger: ledger(case),
        journal: entries(case),
    }
}

/// The option files that were read.
pub(super) fn option_files(case: &Case<'_>) -> Vec<String> {
    let files = case.options.iter().flat_map(|options| &options.files);
    files.map(|file| shown(file)).collect()
}

fn platform() -> api::Platform {
    let system = rustix::system::uname();
    let text = |text: &std::ffi::CStr| text.to_string_lossy().into_owned();
    api::Platform {
        system: text(system.sysname()),
        release: text(system.release()),
        machine: text(system.machine()),
        user: actor::here().user,
    }
}

fn places(case: &Case<'_>) -> api::Places {
    let paths = &case.home.paths;
    api::Places {
        configuration: case.config.file.as_deref().map(shown),
        state: shown(&paths.state),
        base: shown(&paths.base),
    }
}

fn stores(case: &Case<'_>) -> Vec<api::Store> {
    let stores = case.stores().iter();
    stores
        .map(|one| store::shown(case.home, one, one.health()))
        .collect()
}

fn plugins(case: &Case<'_>) -> Vec<api::Plugin> {
    let registry = case.home.registry().into_iter();
    let entries = registry.flat_map(|registry| registry.entries());
    entries
        .filter_map(|entry| registration::shown(entry, case.home).ok())
        .collect()
}

/// A store as it is configured: its secrets by their source, its variables by their names.
fn configured(plan: &StorePlan, case: &Case<'_>) -> api::ConfiguredStore {
    let known = known_settings(&plan.plugin, case);
    let settings = plan.settings.iter().map(|(key, value)| api::Setting {
        key: key.clone(),
        value: harmless(known.as_ref().and_then(|known| known.get(key)), value),
    });
    let secrets = plan.secrets.iter().map(|(key, source)| api::Setting {
        key: key.clone(),
        value: Some(told(source)),
    });
    api::ConfiguredStore {
        name: plan.name.clone(),
        plugin: plan.plugin.clone(),
        settings: settings.collect(),
        secrets: secrets.collect(),
        env: plan.env.keys().cloned().collect(),
        grants: plan.grants.iter().map(ToString::to_string).collect(),
        isolation: plan.isolation.map(|isolation| {
            let word = match isolation {
                Isolation::InProcess => "in-process",
                Isolation::Runner => "runner",
            };
            word.to_owned()
        }),
        require_sandbox: plan.require_sandbox,
        critical: plan.critical,
        scope: match plan.scope {
            StoreScope::Any => "any",
            StoreScope::Imported => "imported",
            StoreScope::Store => "store",
        }
        .to_owned(),
    }
}

type Settings = std::collections::BTreeMap<String, SettingSchema>;

/// The settings that a plugin has, where it is the plugin that was registered.
fn known_settings(id: &str, case: &Case<'_>) -> Option<Settings> {
    match case.home.registry().ok()?.entry(id)? {
        PluginEntry::Builtin(plugin) => Some(plugin.manifest().settings.clone()),
        PluginEntry::Library(plan) => Some(plan.admit().ok()?.manifest().settings.clone()),
    }
}

/// The value of a setting where it can be no secret: texts may hold one, as a URI with a PIN does.
fn harmless(schema: Option<&SettingSchema>, value: &Value) -> Option<String> {
    match (schema?.kind, value) {
        (SettingKind::Path | SettingKind::Library | SettingKind::Duration, Value::String(text)) => {
            Some(text.clone())
        }
        (SettingKind::Bool, Value::Bool(on)) => Some(on.to_string()),
        (SettingKind::Integer | SettingKind::Duration, Value::Integer(number)) => {
            Some(number.to_string())
        }
        _ => None,
    }
}

fn told(source: &SecretSource) -> String {
    match source {
        SecretSource::File(path) => format!("the file {}", path.display()),
        other => other.to_string(),
    }
}

fn servers(case: &Case<'_>) -> Vec<api::BundledServer> {
    let Some(servers) = &case.servers else {
        return Vec::new();
    };
    let one = |server: &Server| api::BundledServer {
        name: server.name.to_string(),
        options: server.options.iter().map(option).collect(),
        unused_options: servers.others(server).iter().filter_map(unused).collect(),
        policy: policy(server, case),
    };
    servers.all.iter().map(one).collect()
}

fn option(option: &Effective) -> api::SetOption {
    api::SetOption {
        name: option.name.to_owned(),
        value: option.value.clone(),
        from: option.from.clone(),
    }
}

/// An option that this host does not use; one that holds a password or a command line, which may
/// hold one, is left out.
fn unused(option: &OtherOption) -> Option<api::SetOption> {
    let name = option.name.to_ascii_uppercase();
    let risky = RISKY.iter().any(|part| name.contains(part));
    let value = option.value.clone().filter(|_| !risky)?;
    Some(api::SetOption {
        name: option.name.to_owned(),
        value,
        from: option.place.to_string(),
    })
}

fn policy(server: &Server, case: &Case<'_>) -> Vec<api::SetOption> {
    let Some(said) = case.config.policies.get(&server.name) else {
        return Vec::new();
    };
    let from = format!("{}:{}", case.home.paths.file().display(), said.line);
    let keys = said.keys.iter().map(|(key, value)| api::SetOption {
        name: (*key).to_owned(),
        value: value.clone(),
        from: from.clone(),
    });
    keys.collect()
}

fn ledger(case: &Case<'_>) -> Vec<api::Record> {
    let standings = case.state.and_then(|state| state.standings().ok());
    let standings = standings.into_iter().flatten();
    let records = standings.filter_map(|standing| {
        let name = standing.record.as_ref()?.server.clone();
        let configured = case.servers.as_ref().is_some_and(|all| all.knows(&name));
        Some(server::shown(&name, &standing, configured, case.now))
    });
    records.collect()
}

fn entries(case: &Case<'_>) -> Vec<api::JournalEntry> {
    let all = case.state.and_then(|state| state.journal().ok());
    let all = all.unwrap_or_default();
    let older = all.len().saturating_sub(ENTRIES);
    all.into_iter().skip(older).map(journal::entry).collect()
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// So many entries of the journal, the newest, go into it.
const ENTRIES: usize = 200;

/// What stands in the names of options whose values may hold a password.
const RISKY: [&str; 6] = ["PASSWORD", "PASSPHRASE", "CMD", "CPW", "SECRET", "TESTFLAG"];

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(kind: &str) -> SettingSchema {
        let text = format!("id = \"org.example.x\"\nabi = 1\n[settings.k]\ntype = \"{kind}\"\n");
        let manifest = anchorhold_boundary::manifest::Manifest::parse(&text);
        manifest.expect("a manifest").settings["k"].clone()
    }

    #[test]
    fn only_settings_that_can_hold_no_secret_are_shown() {
        let text = Value::String("pkcs11:token=a?pin-value=1234".to_owned());
        for kind in ["string", "secret", "list"] {
            assert_eq!(harmless(Some(&schema(kind)), &text), None, "{kind}");
        }
        assert_eq!(harmless(None, &text), None);
        assert_eq!(harmless(Some(&schema("bool")), &text), None);
        assert!(harmless(Some(&schema("path")), &text).is_some());
        assert!(harmless(Some(&schema("bool")), &Value::Bool(true)).is_some());
        assert!(harmless(Some(&schema("integer")), &Value::Integer(7)).is_some());
    }
}
