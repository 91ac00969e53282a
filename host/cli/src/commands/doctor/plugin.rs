//! Plugins that are refused, cannot be used, or are used by nobody.

use std::error::Error;

use anchorhold_kernel::plan::StorePlan;
use anchorhold_kernel::{LibraryPlan, PluginEntry, RegistryFault};

use super::case::Case;
use super::finding::{Findings, of_plugin};
use super::grant::Used;
use super::registration::Registration;
use crate::exit::Failure;

/// Looks at every plugin, and at what its stores let it reach.
pub(super) fn look(case: &Case<'_>, findings: &mut Findings<'_>) -> Result<(), Failure> {
    let registry = case.home.registry()?;
    for fault in registry.faults() {
        unusable(fault, case, findings);
    }
    for entry in registry.entries() {
        match entry {
            PluginEntry::Builtin(plugin) => {
                Used::new(plugin.id(), None, plugin.manifest(), case).look(case, findings);
            }
            PluginEntry::Library(plan) => library(plan, case, findings),
        }
    }
    Ok(())
}

/// Whether it was said already why a plugin is refused.
pub(super) fn is_told(id: &str, code: &str, findings: &Findings<'_>) -> bool {
    findings.is_told(code, &of_plugin(id))
}

/// The stores of a plugin.
pub(super) fn stores_of<'a>(id: &str, case: &'a Case<'_>) -> Vec<&'a StorePlan> {
    let stores = case.config.stores.iter();
    stores.filter(|store| store.plugin == id).collect()
}

/// A plugin that is linked in or registered, and cannot be used.
fn unusable(fault: &RegistryFault, case: &Case<'_>, findings: &mut Findings<'_>) {
    let about = fault
        .id()
        .map_or_else(|| "the built-in plugins".to_owned(), of_plugin);
    let remedy = match fault {
        RegistryFault::Taken { id, .. } => {
            let mut known = case.config.plugins.iter();
            let known = known.find(|one| one.plan.id == *id);
            known.map_or_else(String::new, |known| {
                Registration::of(&known.plan, case).deletion()
            })
        }
        RegistryFault::Twice { id, .. } => {
            let known = case.config.plugins.iter();
            let files = known.filter(|one| one.plan.id == *id);
            let files: Vec<_> = files.map(|one| one.file.display().to_string()).collect();
            format!(
                "take the [[plugin]] of {id} out of one of {}",
                files.join(", ")
            )
        }
        _ => "this program is broken: install it again".to_owned(),
    };
    findings.error("plugin-unusable", about, fault.to_string(), remedy);
}

/// A library that the operator registered.
fn library(plan: &LibraryPlan, case: &Case<'_>, findings: &mut Findings<'_>) {
    let stores = stores_of(&plan.id, case);
    let registration = Registration::of(plan, case);
    match plan.admit() {
        Ok(admitted) => {
            let manifest = admitted.manifest();
            Used::new(&plan.id, Some(&registration), manifest, case).look(case, findings);
        }
        Err(refusal) => {
            let mut message = refusal.to_string();
            if let Some(source) = refusal.source() {
                message.push_str(&format!(": {source}"));
            }
            if !stores.is_empty() {
                let names: Vec<&str> = stores.iter().map(|store| &*store.name).collect();
                message.push_str(&format!("; its stores fail: {}", names.join(", ")));
            }
            let remedy = registration.remedy(&refusal, findings);
            findings.error(refusal.code(), of_plugin(&plan.id), message, remedy);
        }
    }
    if stores.is_empty() && case.whole {
        findings.note(
            "plugin-unused",
            of_plugin(&plan.id),
            "it is registered, and no store uses it",
            format!(
                "write a [[store]] for it into {}, or {}",
                case.home.paths.file().display(),
                registration.removal(findings)
            ),
        );
    }
}
