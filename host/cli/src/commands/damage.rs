//! What is wrong with the files of a store, and what to do about it.

use std::path::{Path, PathBuf};

use anchorhold_boundary::health::HealthState;
use anchorhold_boundary::manifest::Value;
use anchorhold_boundary::status::Status;
use anchorhold_kernel::health::StoreHealth;
use anchorhold_kernel::import::ImportError;
use anchorhold_kernel::plan::{SecretSource, StorePlan};
use anchorhold_kernel::{Store, StoreError, StoreErrorKind};

use super::import::from_import;
use crate::builtin;
use crate::config::stores;
use crate::exit::{Exit, Failure};
use crate::home::Home;
use crate::invocation::quote;
use crate::ownership;

/// The file of a store that keeps its password beside it.
pub(super) fn database(store: &Store) -> Option<PathBuf> {
    database_of(store.plan())
}

/// The same of a store that need not be open.
pub(super) fn database_of(plan: &StorePlan) -> Option<PathBuf> {
    match plan.settings.get("path") {
        Some(Value::String(path)) if plan.plugin == builtin::KEYDB => {
            Some(plan.base_dir.join(path))
        }
        _ => None,
    }
}

/// Whether the operator wants the database of a store only to be read.
pub(super) fn is_only_read(plan: &StorePlan) -> bool {
    let adopted = |value: &Value| matches!(value, Value::String(how) if how == "read");
    database_of(plan).is_some() && plan.settings.get("adopt").is_some_and(adopted)
}

/// Why a change of stores was not made; where the operator's own word keeps a database from being
/// written, what changes that.
pub(super) fn of_change(error: &ImportError, home: &Home) -> Failure {
    let failure = from_import(error);
    let ImportError::Store(refused) = error else {
        return failure;
    };
    let store = home
        .kernel()
        .ok()
        .and_then(|all| all.store(refused.store()));
    let read_only = refused.status() == Some(Status::ReadOnly);
    match store
        .filter(|_| read_only)
        .and_then(|store| writing(store.plan(), home))
    {
        Some(remedy) => Failure {
            exit: Exit::Usage,
            code: "store-read-only",
            ..failure
        }
        .remedy(remedy),
        None => failure,
    }
}

/// What lets a database be written that another program made, where it is kept from that.
fn writing(plan: &StorePlan, home: &Home) -> Option<String> {
    let path = database_of(plan)?;
    let index = path.with_extension("idx").symlink_metadata().is_ok();
    if !is_only_read(plan) && (!index || plan.settings.contains_key("adopt")) {
        return None;
    }
    let name = &plan.name;
    let placed = home.config().ok()?.placed.get(name);
    if placed == Some(&stores::file_of(&home.paths, name)) {
        let path = quote(path.as_os_str());
        return Some(format!(
            "use another store, or let this one be written: anchorhold store create --adopt {path} \
             --name {name} --write"
        ));
    }
    let file = placed.cloned().unwrap_or_else(|| home.paths.file());
    Some(format!(
        "use another store, or write adopt = \"write\" into `settings` of the [[store]] \"{name}\" \
         in {}",
        file.display()
    ))
}

/// What mends a store that cannot be listed.
pub(super) fn remedy(store: &Store, error: &StoreError) -> Option<String> {
    let status = match error.kind() {
        StoreErrorKind::NoPlugin { .. } => {
            let text = "register it, or correct the store's plugin; see which there are: \
                        anchorhold plugin list";
            return Some(text.to_owned());
        }
        StoreErrorKind::Quarantined { .. } => {
            let name = store.name();
            return Some(format!(
                "once that is mended: anchorhold store release {name}"
            ));
        }
        StoreErrorKind::Refused { remedy, .. } => return remedy.clone(),
        _ => error.status(),
    };
    if status == Some(Status::LockedOut) {
        return Some(RESET.to_owned());
    }
    let wants_a_person = matches!(
        status,
        Some(Status::Locked | Status::PromptRefused | Status::WrongSecret)
    );
    if wants_a_person && database(store).is_none() {
        let unlock = format!("anchorhold store unlock {}", store.name());
        return Some(unlocking(store, &unlock));
    }
    if database(store).is_none() {
        return of_plugin(store, status?);
    }
    let path = database(store)?;
    if status == Some(Status::Denied) {
        return Some(owning(&path));
    }
    let damaged = matches!(
        status,
        Some(Status::Malformed | Status::NotPresent | Status::WrongSecret)
    );
    let path = Some(path).filter(|_| damaged)?;
    Some(match store.plan().settings.contains_key("adopt") {
        true => format!(
            "restore both files from a backup, or have the program that made them make them anew: \
             {} and {}",
            path.display(),
            path.with_extension("sth").display()
        ),
        false => both(&path),
    })
}

/// What mends that this user may not use the files of a store.
pub(super) fn owning(database: &Path) -> String {
    format!(
        "run the program as the owner of its files, or let this user use them: {} and {}",
        database.display(),
        database.with_extension("sth").display()
    )
}

/// What opens the lock of a store for good: what one command unlocks, the next one finds locked
/// where nothing is stored.
pub(super) fn unlocking(store: &Store, unlock: &str) -> String {
    let secrets = &store.plan().secrets;
    if store.plugin_id() == builtin::KEYCHAIN {
        return format!(
            "log in to the session that the keychain is of, which opens it, or open it for that \
             session: {unlock}"
        );
    }
    if secrets.is_empty() {
        return format!(
            "write into its [[store]] where its PIN or password is kept, as in secrets = {{ KEY = \
             {{ file = \"/PATH\" }} }}; to try one: {unlock}"
        );
    }
    if secrets.values().any(SecretSource::is_stored) {
        return format!(
            "see that what its `secrets` name is there, is right, and can be read by its owner \
             alone; to try another one: {unlock}"
        );
    }
    unlock.to_owned()
}

/// What mends a store that says of itself that it is locked, not there, or about to lock itself.
pub(super) fn of_health(store: &Store, health: &StoreHealth) -> Option<String> {
    let name = store.name();
    let unlock = format!("anchorhold store unlock {name}");
    match (health.state, health.attempts_left) {
        _ if health.code.is_some() => None,
        (_, Some(0)) => Some(RESET.to_owned()),
        (HealthState::Locked, _) => Some(unlocking(store, &unlock)),
        (_, Some(1)) => Some(format!(
            "the right PIN sets the count back, and a wrong one locks it for good: {unlock}"
        )),
        (HealthState::Offline, _) if store.plugin_id() == builtin::PKCS11 => Some(absent(name)),
        (HealthState::Offline, _) => Some(format!(
            "see that what it talks to is there; then: anchorhold store check {name}"
        )),
        _ => None,
    }
}

/// What is done about a token that is not there.
fn absent(name: &str) -> String {
    format!(
        "put the token back, or correct `token`, `serial` and `uri` of its [[store]]; then: \
         anchorhold store check {name}"
    )
}

/// Whether a store only has to be opened.
pub(super) fn is_locked(error: &StoreError) -> bool {
    matches!(error.status(), Some(Status::Locked | Status::PromptRefused))
}

/// That a store locks itself soon.
pub(super) fn few_attempts(left: u32) -> String {
    match left {
        0 => "no attempt is left: it has locked itself".to_owned(),
        1 => "1 attempt is left before it locks itself".to_owned(),
        _ => format!("{left} attempts are left before it locks itself"),
    }
}

/// What mends a store of somebody else's plugin.
fn of_plugin(store: &Store, status: Status) -> Option<String> {
    let name = store.name();
    Some(match status {
        Status::Crashed => format!(
            "the next command starts it again; ask the author of the plugin with what this says: \
             anchorhold journal show; after three crashes within a minute: anchorhold store \
             release {name}"
        ),
        Status::NotPresent if store.plugin_id() == builtin::PKCS11 => absent(name),
        Status::Denied | Status::NotPresent => "put what it looks for in its place, or correct \
             `settings` and `grant` of its [[store]]; what is not granted is not there for it"
            .to_owned(),
        _ => return None,
    })
}

/// That nothing can be written to the directory of a store's file, and why; none where it is not
/// meant to be written to.
pub(super) fn not_writable(store: &Store) -> Option<String> {
    let path = database(store).filter(|_| !is_only_read(store.plan()))?;
    let obstacle = ownership::obstacle(path.parent()?)?;
    Some(format!(
        "store \"{}\" is not writable: {obstacle}",
        store.name()
    ))
}

/// That the file with a store's password is not there, and whether it ever was.
pub(super) fn check_stash(store: &Store, database: &Path, stash: &Path) -> Result<(), Failure> {
    if stash.symlink_metadata().is_ok() {
        return Ok(());
    }
    let name = store.name();
    if database.symlink_metadata().is_err() {
        let message = format!("store \"{name}\" is not there yet: {}", database.display());
        return Err(Failure::usage("store-not-made", message)
            .remedy("the store is made, with its password, at the first import"));
    }
    let message = format!(
        "store \"{name}\": {} is there, and {}, which holds its password, is missing",
        database.display(),
        stash.display()
    );
    Err(Failure::failed("stash-missing", message).remedy(both(database)))
}

fn both(database: &Path) -> String {
    format!(
        "restore both files from a backup, or move both away and import again: {} and {}",
        database.display(),
        database.with_extension("sth").display()
    )
}

/// What is done where no attempt is left.
pub(super) const RESET: &str = "no attempt is left: whoever administers it has to reset it";
