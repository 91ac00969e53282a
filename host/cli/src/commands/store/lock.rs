//! `store unlock`, `store lock` and `store release`.

use std::sync::Arc;

use anchorhold_api as api;
use anchorhold_boundary::question::Prompter;
use anchorhold_boundary::status::Status;
use anchorhold_kernel::plan::SecretSource;
use anchorhold_kernel::{Store as KernelStore, StoreError};

use super::{damage, unknown_store};
use crate::args::{StoreName, StoreUnlock};
use crate::builtin;
use crate::exit::Failure;
use crate::home::Home;
use crate::output::Reply;
use crate::prompter;

/// Opens the lock of a store.
pub(super) fn unlock(args: &StoreUnlock, home: &Home) -> Result<Reply, Failure> {
    let store = find(home, &args.name)?;
    let by: Option<Arc<dyn Prompter>> = match (&args.pin_file, args.pin_fd) {
        (Some(path), _) => Some(prompter::from_file(path)?),
        (None, Some(number)) => Some(prompter::from_descriptor(number)?),
        (None, None) => None,
    };
    store.unlock(by).map_err(|error| refused(store, &error))?;
    // Whether it was really opened a listing shows.
    store
        .fresh_snapshot()
        .map_err(|error| refused(store, &error))?;
    let mut sources = store.plan().secrets.values();
    let stored = sources.any(SecretSource::is_stored);
    Ok(turned(
        store,
        match stored {
            _ if store.plugin_id() == builtin::KEYCHAIN => {
                "the keychain is open, for every program of its session, until it is locked again"
            }
            true => {
                "its lock is open; a store that forgets it with its process is opened again, from \
                 what its `secrets` say, whenever it is needed"
            }
            false => {
                "the secret is right, and its lock was open; a store that forgets it with its \
                 process is locked again by now, as none is stored: write where it is kept under \
                 `secrets` of its [[store]]"
            }
        },
    ))
}

/// Closes the lock of a store.
pub(super) fn lock(args: &StoreName, home: &Home) -> Result<Reply, Failure> {
    let store = find(home, &args.name)?;
    store.lock().map_err(|error| refused(store, &error))?;
    Ok(turned(store, "its lock is closed"))
}

/// Lets the plugin of a store be started again.
pub(super) fn release(args: &StoreName, home: &Home) -> Result<Reply, Failure> {
    let state = home.state()?;
    let name = &args.name;
    let was_known = state.quarantine(name)?.is_some() || state.last_crash(name)?.is_some();
    if !was_known && home.kernel()?.store(name).is_none() && gives_up(name, home)? {
        let message = "nothing waits for it any more; what is left of the changes that did is \
                       completed or undone";
        return Ok(Reply::done(api::StoreTurn {
            store: name.clone(),
            changed: true,
            health: None,
            message: message.to_owned(),
        }));
    }
    if !was_known {
        // A name that nothing is known of may be a slip.
        find(home, name)?;
        return Ok(Reply::done(api::StoreTurn {
            store: name.clone(),
            changed: false,
            health: None,
            message: "its plugin is not quarantined".to_owned(),
        }));
    }
    let mut change = state.write(&home.actor(), home.now())?;
    let released = change.release(name, "by hand");
    change.commit()?;
    let message = match released {
        true => "its plugin may be started again, at the next command that needs the store",
        false => "its plugin was not quarantined; its crashes are forgotten",
    };
    Ok(Reply::done(api::StoreTurn {
        store: name.clone(),
        changed: true,
        health: None,
        message: message.to_owned(),
    }))
}

/// Lets no change wait for a store that is not configured any more; false where none does.
fn gives_up(name: &str, home: &Home) -> Result<bool, Failure> {
    let state = home.state()?;
    let waits = state.undertakings()?;
    let mut stores = waits.iter().flat_map(|open| &open.stores);
    if !stores.any(|(store, _)| store == name) {
        return Ok(false);
    }
    let mut change = state.write(&home.actor(), home.now())?;
    change.give_up_store(name);
    change.commit()?;
    home.settle()?;
    Ok(true)
}

fn find<'h>(home: &'h Home, name: &str) -> Result<&'h KernelStore, Failure> {
    match home.kernel()?.store(name) {
        Some(store) => Ok(store),
        None => Err(unknown_store(home, name)?),
    }
}

fn turned(store: &KernelStore, message: &str) -> Reply {
    Reply::done(api::StoreTurn {
        store: store.name().to_owned(),
        changed: true,
        health: Some(store.health().word().to_owned()),
        message: message.to_owned(),
    })
}

/// Why a lock was not turned: a person can help with some of it.
pub(super) fn refused(store: &KernelStore, error: &StoreError) -> Failure {
    let left = || match store.health().attempts_left {
        Some(left) => damage::few_attempts(left),
        None => "how many attempts are left is not known".to_owned(),
    };
    let message = error.to_string();
    let is_keychain = store.plugin_id() == builtin::KEYCHAIN;
    match error.status() {
        Some(Status::WrongSecret) => Failure::usage("secret-wrong", message).remedy(format!(
            "{}; try again with the right one: anchorhold store unlock {}",
            left(),
            store.name()
        )),
        Some(Status::LockedOut) => {
            Failure::failed("store-locked-out", message).remedy(damage::RESET)
        }
        Some(Status::PromptRefused) if is_keychain => Failure::usage("secret-missing", message)
            .remedy(
                "answer the prompt of the keychain, which the session shows on its display; where \
                 there is none, the login of the session opens it",
            ),
        Some(Status::PromptRefused) => Failure::usage("secret-missing", message).remedy(format!(
            "type it at a terminal, or name a file that only you can read: anchorhold store \
             unlock {} --pin-file FILE",
            store.name()
        )),
        Some(Status::Unsupported) => Failure::usage("no-lock", message)
            .remedy("there is nothing to unlock or lock: see how it is: anchorhold store list"),
        _ => {
            let check = || format!("see how it is: anchorhold store check {}", store.name());
            let remedy = damage::remedy(store, error).unwrap_or_else(check);
            Failure::failed("store-unavailable", message).remedy(remedy)
        }
    }
}
