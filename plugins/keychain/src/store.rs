//! One configured store, as the host calls it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anchorhold_sdk::{
    Batch, Call, Change, Config, Decision, Effect, Error, ErrorKind, Health, HealthState, Host,
    Item, Items, Kind, LogLevel, Outcomes, Page, Rule, TrustStore, Unlock, Write,
};
use sha2::{Digest, Sha256};

use crate::contents::{CERTIFICATE_MAX, COUNT_MAX, Contents, Held, Id, LABEL_MAX, SCOPE_MAX, id};
use crate::deadline::{Deadline, PATIENCE, PATIENCE_WITH_PEOPLE};
use crate::keychain;
use crate::settings::Settings;
use crate::vault::{Loaded, Vault};

/// One configured store.
pub(crate) struct KeychainStore {
    host: Host,
    vault: Vault,
    /// What was last known. Held for a moment only.
    known: Mutex<Known>,
}

/// What was last known of a store.
#[derive(Clone)]
struct Known {
    state: HealthState,
    detail: String,
    last_success: i64,
    /// What a listing in several pages is of.
    listed: Option<Arc<Listed>>,
    /// What was said of removed entries, which is said once.
    told: usize,
}

struct Listed {
    items: Vec<(Id, Held)>,
    generation: u64,
}

impl TrustStore for KeychainStore {
    fn open(host: Host, config: &Config<'_>) -> Result<Self, Error> {
        let settings = Settings::read(config)?;
        let connect = keychain::connect(&settings);
        Ok(Self {
            host,
            vault: Vault::new(settings, connect),
            known: Mutex::new(Known {
                state: HealthState::Ready,
                detail: String::new(),
                last_success: 0,
                listed: None,
                told: 0,
            }),
        })
    }

    fn health(&self) -> Health {
        let known = self.known();
        let is_usable = matches!(known.state, HealthState::Ready | HealthState::Degraded);
        let health = Health::new(known.state)
            .detail(known.detail.clone())
            .writable(is_usable)
            .last_success(known.last_success);
        match &known.listed {
            Some(listed) if is_usable => health
                .generation(listed.generation)
                .item_count(listed.items.len()),
            _ => health,
        }
    }

    fn list(&self, call: &Call<'_>, page: &mut Page, items: &mut Items<'_>) -> Result<(), Error> {
        call.check()?;
        let deadline = Deadline::of(call, PATIENCE);
        let before = self.known().listed.clone();
        let listed = match before {
            // A page that goes on shows the state that the first one was of.
            Some(listed) if !page.cursor().is_empty() => listed,
            _ => self.look(|vault| vault.load(deadline))?,
        };
        let range = page.range(listed.generation, listed.items.len())?;
        let shown = listed.items.get(range).unwrap_or_default();
        shown
            .iter()
            .try_for_each(|(id, held)| items.push(&item(id, held)))
    }
}

impl Unlock for KeychainStore {
    fn unlock(&self, call: &Call<'_>) -> Result<(), Error> {
        let deadline = Deadline::of(call, PATIENCE_WITH_PEOPLE);
        let ask = || {
            if !call.may_prompt() {
                return Err(Error::locked(
                    "the keychain asks a person, and nobody can be asked now",
                ));
            }
            call.show(
                "the keychain asks for its password",
                "answer its own window",
            )
        };
        self.look(|vault| {
            vault.unlock(deadline, ask)?;
            vault.load(deadline)
        })
        .map(drop)
    }

    fn lock(&self, call: &Call<'_>) -> Result<(), Error> {
        let locked = self.vault.lock(Deadline::of(call, PATIENCE));
        if locked.is_ok() {
            let mut known = self.known();
            known.state = HealthState::Locked;
            "locked".clone_into(&mut known.detail);
        }
        locked
    }
}

impl Write for KeychainStore {
    // The file takes its place as a whole.
    const ATOMIC: bool = true;

    fn apply(
        &self,
        call: &Call<'_>,
        batch: &Batch<'_>,
        outcomes: &mut Outcomes<'_>,
    ) -> Result<(), Error> {
        call.check()?;
        // What is wrong with a change says nothing of the store's health.
        for change in batch.changes() {
            if let Change::Put(item) = change {
                check(item)?;
            }
        }
        let deadline = Deadline::of(call, PATIENCE);
        let made = self.vault.change(call, deadline, |loaded| {
            batch.check_generation(generation(loaded))?;
            let mut wanted: Contents = loaded
                .held()
                .map(|(id, held)| (*id, held.clone()))
                .collect();
            let mut made = Vec::new();
            for change in batch.changes() {
                made.push(make(&mut wanted, change)?);
            }
            if wanted.len() > COUNT_MAX {
                return Err(Error::new(
                    ErrorKind::Limit,
                    format!("a store in a keychain holds {COUNT_MAX} certificates at most"),
                ));
            }
            let is_same = made.iter().all(|(effect, _)| *effect == Effect::Unchanged);
            let wanted = (!is_same && !batch.check_only()).then_some(wanted);
            Ok((wanted, made))
        });
        let made = match made {
            Ok(made) => made,
            Err(error) => {
                self.note(&error);
                return Err(error);
            }
        };
        // Whether it can be listed now is the next listing's affair.
        let _looked = self.look(|vault| vault.load(deadline));
        for (effect, id) in made {
            outcomes.push(effect, &id)?;
        }
        Ok(())
    }
}

impl KeychainStore {
    /// Looks at what the store holds, and notes for `health` how it stands.
    fn look(
        &self,
        load: impl FnOnce(&Vault) -> Result<Loaded, Error>,
    ) -> Result<Arc<Listed>, Error> {
        let loaded = load(&self.vault).inspect_err(|error| self.note(error))?;
        let listed = Arc::new(Listed {
            generation: generation(&loaded),
            items: loaded
                .held()
                .map(|(id, held)| (*id, held.clone()))
                .collect(),
        });
        let count = loaded.removed.len();
        let detail = match count {
            0 => String::new(),
            1 => "one of its certificates was removed in the keychain itself, and is not held any \
                  more"
                .to_owned(),
            count => format!(
                "{count} of its certificates were removed in the keychain itself, and are not \
                 held any more"
            ),
        };
        let mut known = self.known();
        if count > known.told {
            self.host.log(LogLevel::Warn, &detail);
        }
        known.told = count;
        known.state = match count {
            0 => HealthState::Ready,
            _ => HealthState::Degraded,
        };
        known.detail = detail;
        known.last_success = Health::now();
        known.listed = Some(Arc::clone(&listed));
        Ok(listed)
    }

    fn note(&self, error: &Error) {
        let state = match error.kind() {
            ErrorKind::Locked | ErrorKind::PromptRefused => HealthState::Locked,
            ErrorKind::Unavailable | ErrorKind::NotPresent | ErrorKind::TimedOut => {
                HealthState::Offline
            }
            ErrorKind::Malformed | ErrorKind::Denied | ErrorKind::Internal => HealthState::Failed,
            _ => return,
        };
        let mut known = self.known();
        known.state = state;
        error.message().clone_into(&mut known.detail);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for KeychainStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeychainStore").finish_non_exhaustive()
    }
}

fn item<'a>(id: &'a Id, held: &'a Held) -> Item<'a> {
    let mut item = Item::certificate(id, &held.der);
    item.label = &held.label;
    item.scope = &held.scope;
    if held.is_anchor {
        item.rules = Rule::SERVER_ANCHOR.into();
    }
    item
}

/// Makes one change, and says what it did to which certificate.
fn make(wanted: &mut Contents, change: &Change<'_>) -> Result<(Effect, Vec<u8>), Error> {
    match change {
        Change::Put(item) => put(wanted, item),
        Change::Remove(id) => {
            let found = Id::try_from(*id).ok().and_then(|id| wanted.remove(&id));
            let effect = match found {
                Some(_) => Effect::Removed,
                None => Effect::Unchanged,
            };
            Ok((effect, id.to_vec()))
        }
        _ => Err(Error::unsupported("a change of a kind that is not known")),
    }
}

fn put(wanted: &mut Contents, item: &Item<'_>) -> Result<(Effect, Vec<u8>), Error> {
    let id = id(item.der);
    let claimed = Id::try_from(item.id).ok().filter(|claimed| *claimed != id);
    if claimed.is_some_and(|claimed| wanted.contains_key(&claimed)) {
        return Err(Error::invalid_argument(
            "the id is that of another certificate, and an item keeps its bytes",
        ));
    }
    let held = Held {
        der: item.der.to_vec(),
        label: item.label.to_owned(),
        scope: item.scope.to_owned(),
        is_anchor: item
            .rules
            .iter()
            .any(|rule| rule.decision == Decision::Anchor),
    };
    let effect = match wanted.get(&id) {
        None => Effect::New,
        Some(before) if *before == held => Effect::Unchanged,
        Some(_) => Effect::Updated,
    };
    wanted.insert(id, held);
    Ok((effect, id.to_vec()))
}

/// Refuses what the store cannot keep: to forget what narrows trust would widen it.
fn check(item: &Item<'_>) -> Result<(), Error> {
    if item.kind != Kind::Certificate {
        return Err(Error::unsupported("this store holds certificates only"));
    }
    if !item.is_server_anchor_at_most() {
        return Err(Error::unsupported(
            "this store can only trust for servers: no distrust, other purpose, cut-off or name \
             constraint",
        ));
    }
    if item.der.len() > CERTIFICATE_MAX || item.scope.len() > SCOPE_MAX {
        return Err(Error::new(ErrorKind::Limit, "the certificate is too large"));
    }
    if item.label.len() > LABEL_MAX || item.label.chars().any(char::is_control) {
        return Err(Error::invalid_argument(format!(
            "a label has at most {LABEL_MAX} bytes and no control characters"
        )));
    }
    if item.der.first() != Some(&0x30) {
        return Err(Error::malformed("these bytes are no certificate"));
    }
    Ok(())
}

/// A number that differs where what is held differs, and is never 0.
fn generation(loaded: &Loaded) -> u64 {
    let mut hash = Sha256::new();
    for (id, held) in loaded.held() {
        hash.update(id);
        hash.update([u8::from(held.is_anchor)]);
        for text in [&held.label, &held.scope] {
            hash.update(text.len().to_le_bytes());
            hash.update(text.as_bytes());
        }
    }
    Health::generation_of(&hash.finalize().into())
}

#[cfg(test)]
mod tests;
