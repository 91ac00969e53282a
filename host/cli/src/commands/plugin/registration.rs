//! How a plugin is registered, and what of that holds at this moment.

use std::error::Error;
use std::path::Path;

use anchorhold_api as api;
use anchorhold_boundary::admit::{self, Inspected, Refusal};
use anchorhold_boundary::manifest::{Manifest, Need};
use anchorhold_kernel::{Fingerprint, LibraryPlan, PluginEntry};

use crate::exit::Failure;
use crate::home::Home;
use crate::invocation::quote;

/// A plugin as it is shown.
pub(in crate::commands) fn shown(entry: &PluginEntry, home: &Home) -> Result<api::Plugin, Failure> {
    let stores = stores_of(entry.id(), home)?;
    Ok(match entry {
        PluginEntry::Builtin(plugin) => api::Plugin {
            id: plugin.id().to_owned(),
            version: Some(plugin.version().to_owned()),
            state: "built-in".to_owned(),
            message: String::new(),
            remedy: None,
            manifest: None,
            library: None,
            sha256: None,
            manifest_sha256: None,
            needs: texts(&plugin.manifest().needs),
            may_need: texts(&plugin.manifest().may_need),
            grants: Vec::new(),
            stores,
        },
        PluginEntry::Library(plan) => library(plan, stores, home),
    })
}

/// A registered library as it is shown.
pub(super) fn library(plan: &LibraryPlan, stores: Vec<String>, home: &Home) -> api::Plugin {
    let inspected = admit::inspect(&plan.manifest);
    let refusal = match &inspected {
        Ok(inspected) => mismatch(plan, inspected),
        // That it is another file comes before what is wrong with that file.
        Err(refusal) => {
            let admitted = admit::admit(&plan.manifest, &plan.pins);
            Some(admitted.err().unwrap_or_else(|| refusal.clone()))
        }
    };
    let of_manifest = |list: fn(&Manifest) -> &Vec<Need>| {
        let found = inspected.as_ref().ok();
        found.map_or_else(Vec::new, |found| texts(list(&found.manifest)))
    };
    api::Plugin {
        id: plan.id.clone(),
        version: None,
        state: refusal
            .as_ref()
            .map_or("admitted", Refusal::code)
            .to_owned(),
        message: refusal.as_ref().map(told).unwrap_or_default(),
        remedy: refusal.as_ref().map(|refusal| {
            let manifest = quote(plan.manifest.as_os_str());
            home.invocation
                .localize(&refusal.remedy_of(&plan.id, &manifest))
        }),
        manifest: Some(plan.manifest.display().to_string()),
        library: inspected.as_ref().ok().map(|found| text(&found.library)),
        sha256: Some(digest(&plan.pins.library)),
        manifest_sha256: Some(digest(&plan.pins.manifest)),
        needs: of_manifest(|manifest| &manifest.needs),
        may_need: of_manifest(|manifest| &manifest.may_need),
        grants: plan.grants.iter().map(ToString::to_string).collect(),
        stores,
    }
}

/// The names of the stores that use a plugin.
pub(super) fn stores_of(id: &str, home: &Home) -> Result<Vec<String>, Failure> {
    let stores = home.config()?.stores.iter();
    let using = stores.filter(|store| store.plugin == id);
    Ok(using.map(|store| store.name.clone()).collect())
}

/// What of a library is not as it was registered.
fn mismatch(plan: &LibraryPlan, found: &Inspected) -> Option<Refusal> {
    let differs = |path: &Path, found: [u8; 32], expected: [u8; 32]| {
        (found != expected).then(|| Refusal::PinMismatch {
            path: path.to_owned(),
            found,
            expected,
        })
    };
    differs(&plan.manifest, found.pins.manifest, plan.pins.manifest)
        .or_else(|| differs(&found.library, found.pins.library, plan.pins.library))
        .or_else(|| {
            (found.manifest.id != plan.id).then(|| Refusal::IdMismatch {
                path: plan.manifest.clone(),
                found: found.manifest.id.clone(),
                expected: plan.id.clone(),
            })
        })
}

/// What a refusal says, with what led to it.
fn told(refusal: &Refusal) -> String {
    match refusal.source() {
        Some(source) => format!("{refusal}: {source}"),
        None => refusal.to_string(),
    }
}

/// Needs, as they are written in a manifest.
pub(super) fn texts(needs: &[Need]) -> Vec<String> {
    needs.iter().map(Need::to_string).collect()
}

/// A SHA-256 as people write it.
pub(super) fn digest(digest: &[u8; 32]) -> String {
    Fingerprint(*digest).to_string()
}

/// A path as people read it.
pub(super) fn text(path: &Path) -> String {
    path.display().to_string()
}
