//! What is wrong with the files of a store, and what to do about it.

use std::path::{Path, PathBuf};

use anchorhold_boundary::manifest::Value;
use anchorhold_boundary::status::Status;
use anchorhold_kernel::{Store, StoreError, StoreErrorKind};

use crate::builtin;
use crate::exit::Failure;
use crate::ownership;

/// The file of a store that keeps its password beside it.
pub(super) fn database(store: &Store) -> Option<PathBuf> {
    let plan = store.plan();
    match plan.settings.get("path") {
        Some(Value::String(path)) if plan.plugin == builtin::KEYDB => {
            Some(plan.base_dir.join(path))
        }
        _ => None,
    }
}

/// What mends a store whose files cannot be read.
pub(super) fn remedy(store: &Store, error: &StoreError) -> Option<String> {
    let damaged = matches!(
        error.kind(),
        StoreErrorKind::Call(call)
            if matches!(call.status, Status::Malformed | Status::NotPresent | Status::WrongSecret)
    );
    database(store).filter(|_| damaged).map(|path| both(&path))
}

/// That nothing can be written to the directory of a store's file, and why.
pub(super) fn not_writable(store: &Store) -> Option<String> {
    let path = database(store)?;
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
