//! What a store holds that is made or adopted, looked at before anything is written.

mod reach;

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::Path;

use anchorhold_api as api;
use anchorhold_boundary::health::HealthState;
use anchorhold_formats::kdb;
use anchorhold_kernel::health::StoreHealth;
use anchorhold_kernel::plan::{StorePlan, StoreScope};
use anchorhold_kernel::{EntryServers, Kernel, Store, import};

use super::draft::{Draft, setting};
use super::outfit::Outfit;
use crate::builtin;
use crate::commands::damage;
use crate::commands::holding::certificate;
use crate::commands::scope::proposed;
use crate::exit::Failure;
use crate::home::Home;
use crate::output::counted;

/// Opens the store, and shows what it holds.
pub(super) fn look(
    draft: &Draft,
    outcome: &str,
    home: &Home,
) -> Result<api::CreatedStore, Failure> {
    let kernel = draft.trial(home)?;
    let plan = draft.plan(home)?;
    let Some(store) = kernel.store(&plan.name) else {
        let message = format!("store \"{}\" cannot be opened", plan.name);
        return Err(Failure::failed("store-unavailable", message));
    };
    let locked = match store.fresh_snapshot() {
        Ok(_) => false,
        Err(error) if damage::database(store).is_some() => {
            // Whoever named it has to bring another one, or what it lacks.
            let failure = Failure::usage("database-unusable", error.kind().to_string());
            return Err(failure.remedy(unusable(store, home)));
        }
        // That it has to be opened first is no reason not to configure it.
        Err(error) if damage::is_locked(&error) => true,
        Err(error) => return Err(reach::refused(store, &error, draft.outfit())),
    };
    if store.plugin_id() == builtin::PKCS11 && reach::prove(store, draft.outfit())? {
        // Who is logged in sees more.
        store
            .fresh_snapshot()
            .map_err(|error| reach::refused(store, &error, draft.outfit()))?;
    }
    let mut created = held(&kernel, store, home)?;
    created.outcome = outcome.to_owned();
    created.file = draft.file().display().to_string();
    if let Some(path) = damage::database_of(&plan) {
        describe(&path, &plan, &mut created);
    }
    let health = store.health();
    if store.plugin_id() != builtin::KEYDB {
        reach::describe(store, draft.outfit(), &health, &mut created);
    }
    advise(&health, &mut created, home);
    if store.plugin_id() != builtin::KEYDB {
        reach::advise(store, &health, locked, &mut created, home);
    }
    Ok(created)
}

/// Whether another program's index stands beside a database.
fn has_index(path: &Path) -> bool {
    path.with_extension("idx").symlink_metadata().is_ok()
}

fn held(kernel: &Kernel, store: &Store, home: &Home) -> Result<api::CreatedStore, Failure> {
    let scope = home.state()?.scope()?;
    let names = [store.name().to_owned()];
    let (entries, _) = kernel.entries(&names, &scope);
    let now = home.now();
    Ok(api::CreatedStore {
        name: store.name().to_owned(),
        plugin: store.plugin_id().to_owned(),
        outcome: String::new(),
        file: String::new(),
        path: None,
        format: None,
        version: None,
        adopted: None,
        idx: false,
        reach: None,
        notes: match store.plan().scope {
            StoreScope::Imported => vouching(entries.iter().map(|entry| &entry.servers)),
            _ => Vec::new(),
        },
        certificates: entries
            .iter()
            .map(|entry| certificate(entry, now))
            .collect(),
        proposed: proposed(&import::propose(kernel, &names, &scope), home),
        next: Vec::new(),
    })
}

/// What is done with a database that cannot be used.
fn unusable(store: &Store, home: &Home) -> String {
    let lacking = damage::database(store)
        .filter(|path| path.exists() && !path.with_extension("sth").exists());
    let Some(path) = lacking.as_deref().and_then(Path::to_str) else {
        return UNUSABLE.to_owned();
    };
    let words = [
        "import",
        "--server",
        "NAME",
        "--password-file",
        "FILE",
        path,
    ];
    format!(
        "nothing was written; bring its stash over too, or import what it holds: {}",
        home.invocation.command(&words)
    )
}

/// Whether this program has written a database before.
fn was_written(path: &str) -> bool {
    Path::new(&format!("{path}.lock"))
        .symlink_metadata()
        .is_ok()
}

/// What of a key database is known without its password.
fn describe(path: &Path, plan: &StorePlan, created: &mut api::CreatedStore) {
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    created.format = Some(extension.to_ascii_lowercase());
    created.path = Some(path.display().to_string());
    created.adopted = setting(plan, "adopt").map(str::to_owned);
    created.idx = has_index(path);
    if created.format.as_deref() == Some("kdb") {
        let made = setting(plan, "version").unwrap_or("v6");
        created.version = Some(version(path).unwrap_or(made).to_owned());
    }
}

/// The version of a .kdb that is there.
pub(super) fn version(path: &Path) -> Option<&'static str> {
    let mut start = Vec::new();
    // A pipe would keep whoever opens it waiting.
    path.metadata().ok().filter(Metadata::is_file)?;
    let file = File::open(path).ok()?;
    file.take(HEADER_MAX).read_to_end(&mut start).ok()?;
    match kdb::header(&start).ok()?.version {
        kdb::Version::V3 => Some("v3"),
        kdb::Version::V4 => Some("v4"),
        kdb::Version::V6 => Some("v6"),
        _ => None,
    }
}

/// Whom what is held vouches for already, by what the host knows of its fingerprints.
fn vouching<'s>(servers: impl Iterator<Item = &'s EntryServers>) -> Vec<String> {
    let count = servers
        .filter(|servers| **servers != EntryServers::None)
        .count();
    match count {
        0 => Vec::new(),
        1 => vec!["1 certificate vouches for its servers, as scope says already".to_owned()],
        _ => vec![format!(
            "{count} certificates vouch for their servers, as scope says already"
        )],
    }
}

fn advise(health: &StoreHealth, created: &mut api::CreatedStore, home: &Home) {
    let command = |words: &[&str]| home.invocation.command(words);
    let name = created.name.clone();
    let keys = created.certificates.iter();
    let keys = keys.filter(|one| one.kind == "key").count();
    if keys > 0 {
        let text = format!("{} in it, never opened", counted(keys, "private key"));
        created.notes.push(text);
    }
    if health.state == HealthState::Degraded && !health.detail.is_empty() {
        created.notes.push(health.detail.clone());
    }
    if created.idx && created.adopted.is_some() {
        let text = "another program keeps an index of it, an .idx file, which a write here does \
                    not bring up to date";
        created.notes.push(text.to_owned());
    }
    match (created.adopted.as_deref(), created.path.as_deref()) {
        (Some("read"), Some(path)) => {
            let write = command(&[
                "store", "create", "--adopt", path, "--name", &name, "--write",
            ]);
            let text = format!("it is only read; this lets imports write to it: {write}");
            created.notes.push(text);
        }
        (Some(_), Some(path)) if !was_written(path) => {
            created.notes.push(format!(
                "before it is first written, it is copied to {path}.before-anchorhold"
            ));
        }
        _ => {}
    }
    if !created.proposed.is_empty() {
        let propose = ["scope", "--propose", "--store", &name];
        created.next.push(command(&propose));
    }
    let silent = |one: &&api::Certificate| {
        let proposed = &created.proposed;
        let proposed = proposed
            .iter()
            .any(|other| other.sha256 == one.sha256 && other.note.is_none());
        one.servers == api::Servers::None && one.kind != "key" && !proposed
    };
    if let Some(one) = created.certificates.iter().find(silent) {
        let short: String = one.sha256.chars().take(SHORT).collect();
        created
            .next
            .push(command(&["scope", &short, "--server", "NAME"]));
    }
}

/// What is done with one of which nobody knows better.
const UNUSABLE: &str = "nothing was written; mend what the message says, or name another database";

/// As many digits as are enough to be typed again.
const SHORT: usize = 16;

/// More than any file has in front of its records.
const HEADER_MAX: u64 = 512;
