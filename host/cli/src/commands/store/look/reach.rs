//! How a new store that is no key database is confined, what of it vouches, and what to type next.

use anchorhold_api as api;
use anchorhold_boundary::health::HealthState;
use anchorhold_boundary::status::Status;
use anchorhold_kernel::health::StoreHealth;
use anchorhold_kernel::plan::{StorePlan, StoreScope};
use anchorhold_kernel::{Store, StoreError, StoreErrorKind};

use super::Outfit;
use crate::builtin::{self, Trust};
use crate::commands::damage;
use crate::commands::store::lock;
use crate::exit::Failure;
use crate::home::Home;

/// Says what it may reach, and how it is confined with that.
pub(super) fn describe(
    store: &Store,
    outfit: &Outfit,
    health: &StoreHealth,
    created: &mut api::CreatedStore,
) {
    let trust = Trust::of(store.plan()).ok().flatten();
    let (grants, env, secrets) = outfit.told();
    created.reach = Some(api::Reach {
        profile: outfit.profile.clone(),
        grants,
        env,
        secrets,
        isolation: health.isolation.to_string(),
        sandbox: health.sandbox.to_string(),
        sandbox_note: health.sandbox_note.clone(),
        trust: trust.map(|trust| trust.word().to_owned()),
        vouches: vouches(store.plan(), trust).to_owned(),
    });
    created.notes.extend(outfit.notes.iter().cloned());
    created.notes.extend(outfit.unreadable());
}

/// What of a store vouches, and for whom.
fn vouches(plan: &StorePlan, trust: Option<Trust>) -> &'static str {
    match (trust, plan.scope) {
        (Some(trust), _) => trust.meaning(),
        (None, StoreScope::Any) => "its anchors vouch for all servers that use the store",
        (None, StoreScope::Store) => "a certificate vouches for the servers that the store names",
        (None, _) => "a certificate vouches for the servers that `import` or `scope` named for it",
    }
}

/// What the operator should know of it, and do next.
pub(super) fn advise(
    store: &Store,
    health: &StoreHealth,
    locked: bool,
    created: &mut api::CreatedStore,
    home: &Home,
) {
    let command = |words: &[&str]| home.invocation.command(words);
    let name = store.name();
    let config = home.paths.file();
    let config = config.display();
    if locked || health.state == HealthState::Locked {
        created.notes.push(match locked {
            true => "it is locked, and shows nothing before it is opened".to_owned(),
            false => "it is locked: what is shown is what anybody may see".to_owned(),
        });
        created.next.push(command(&["store", "unlock", name]));
    }
    if let Some(left @ 0..=1) = health.attempts_left {
        created.notes.push(damage::few_attempts(left));
    }
    if store.plugin_id() == builtin::SYSTEM {
        created.notes.push(format!(
            "no server uses it unless {config} says so: write stores = [\"{name}\"], and whatever \
             others it uses, into its [server.NAME]"
        ));
        if store.plan().scope == StoreScope::Imported {
            created.notes.push(
                "with scope = \"imported\" each root vouches only once `scope` names it; --scope \
                 any lets all of them vouch for the servers that use the store"
                    .to_owned(),
            );
        }
        return;
    }
    if let Some(key) = created.certificates.iter().find(|one| one.kind == "key") {
        created.notes.push(format!(
            "to sign on with a key of it, write client_key = {{ store = \"{name}\", label = {:?} \
             }} into [server.NAME] of {config}",
            key.label
        ));
    }
    if health.writable {
        created.next.push(command(&[
            "import", "--server", "NAME", "FILE", "--store", name,
        ]));
    }
}

/// Why a store cannot be made: what was typed is wrong, or what it talks to does not answer.
pub(super) fn refused(store: &Store, error: &StoreError, outfit: &Outfit) -> Failure {
    let message = error.to_string();
    let is_refused = matches!(
        error.kind(),
        StoreErrorKind::Refused { .. } | StoreErrorKind::Setting(_)
    );
    let is_input = matches!(
        error.status(),
        Some(
            Status::Denied
                | Status::InvalidArgument
                | Status::Malformed
                | Status::NotPresent
                | Status::Refused
                | Status::WrongSecret
        )
    );
    let mut failure = match is_refused || is_input {
        true => Failure::usage("store-unusable", message),
        false => Failure::failed("store-unavailable", message),
    };
    // What was odd before may well be why.
    failure.causes.extend(outfit.notes.iter().cloned());
    let is_token = store.plugin_id() == builtin::PKCS11;
    let remedy = match error.status() {
        Some(Status::NotPresent) if is_token => Some(NO_TOKEN.to_owned()),
        _ => damage::remedy(store, error),
    };
    failure.remedy(remedy.unwrap_or_else(|| NOTHING.to_owned()))
}

/// Tries the PIN that was given in a file, now that whoever gave it is there, and before it stands
/// in the configuration: a wrong one would take an attempt when nobody is there. Whether it opened
/// the store.
pub(super) fn prove(store: &Store, outfit: &Outfit) -> Result<bool, Failure> {
    let Some(by) = outfit.pin() else {
        return Ok(false);
    };
    match store.unlock(Some(by)) {
        Ok(()) => Ok(true),
        Err(error) => match error.status() {
            Some(Status::LockedOut | Status::WrongSecret) => {
                let left = store.health().attempts_left;
                let left = left.map(|left| format!("{}; ", damage::few_attempts(left)));
                Err(lock::refused(store, &error).remedy(format!(
                    "nothing was written; {}correct what the file says, and say the same again",
                    left.unwrap_or_default()
                )))
            }
            // A token without a lock has no use for it, and everything else was told already.
            _ => Ok(false),
        },
    }
}

const NO_TOKEN: &str = "nothing was written; put the token in, or name one that is there with --set \
                        token=LABEL, serial=NUMBER or uri=pkcs11:…";

const NOTHING: &str = "nothing was written; mend what the message says, and say the same again";
