//! One configured store, as the host calls it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use anchorhold_sdk::{
    Batch, By, Call, Config, Error, ErrorKind, Find, Health, HealthState, Host, Items, Kind,
    LogLevel, Outcomes, Page, Query, Scheme, Sign, TrustStore, Unlock, Write,
};
use sha2::{Digest, Sha256};

use crate::der::{self, Certificate};
use crate::entry::Entry;
use crate::holding::Holding;
use crate::mutation;
use crate::settings::Settings;
use crate::sign;
use crate::standing::Standing;

/// One configured store: a token, or all tokens of a module.
pub(crate) struct TokenStore {
    host: Host,
    read_only: bool,
    /// What is open, and what was found. Held through a whole call, which the module may take its
    /// time for.
    holding: Mutex<Holding>,
    /// What was last known, for `health`. Held for a moment only.
    standing: Mutex<Standing>,
}

impl TrustStore for TokenStore {
    fn open(host: Host, config: &Config<'_>) -> Result<Self, Error> {
        let settings = Settings::read(config)?;
        Ok(Self {
            host,
            read_only: settings.read_only,
            standing: Mutex::new(Standing::new(&settings)),
            holding: Mutex::new(Holding::new(settings)),
        })
    }

    fn health(&self) -> Health {
        self.standing().health()
    }

    fn list(&self, call: &Call<'_>, page: &mut Page, items: &mut Items<'_>) -> Result<(), Error> {
        self.during(|holding| {
            // A page that goes on shows the state that the first one was of.
            if page.cursor().is_empty() {
                holding.refresh(call)?;
                self.tell_skipped(holding);
            }
            let found = holding.found();
            let range = page.range(found.generation(), found.len())?;
            let shown = found.entries().skip(range.start).take(range.len());
            for (id, entry) in shown {
                items.push(&entry.item(id, self.read_only))?;
            }
            Ok(())
        })
    }
}

impl Find for TokenStore {
    fn find(&self, call: &Call<'_>, query: &Query<'_>, items: &mut Items<'_>) -> Result<(), Error> {
        self.during(|holding| {
            holding.refresh(call)?;
            for (id, entry) in holding.found().entries() {
                if query.wants(entry.kind) && fits(query.by(), id, entry) {
                    items.push(&entry.item(id, self.read_only))?;
                }
            }
            Ok(())
        })
    }
}

impl Write for TokenStore {
    // A token makes one object at a time.
    const ATOMIC: bool = false;

    fn apply(
        &self,
        call: &Call<'_>,
        batch: &Batch<'_>,
        outcomes: &mut Outcomes<'_>,
    ) -> Result<(), Error> {
        if self.read_only {
            return Err(Error::read_only(
                "the store's settings say read_only: nothing is written to the token",
            ));
        }
        self.during(|holding| mutation::apply(holding, call, batch, outcomes))
    }
}

impl Unlock for TokenStore {
    fn unlock(&self, call: &Call<'_>) -> Result<(), Error> {
        self.during(|holding| holding.unlock(call))
    }

    fn lock(&self, _: &Call<'_>) -> Result<(), Error> {
        self.during(Holding::lock)
    }
}

impl Sign for TokenStore {
    fn schemes(&self, call: &Call<'_>, key: &[u8]) -> Result<Vec<Scheme>, Error> {
        self.during(|holding| holding.with_key(call, key, sign::schemes))
    }

    fn sign(
        &self,
        call: &Call<'_>,
        key: &[u8],
        scheme: Scheme,
        message: &[u8],
    ) -> Result<Vec<u8>, Error> {
        self.during(|holding| {
            holding.with_key(call, key, |module, key| {
                sign::sign(module, key, call, scheme, message)
            })
        })
    }
}

impl TokenStore {
    /// Makes a call, and notes for `health` how the store stands after it.
    fn during<T>(&self, make: impl FnOnce(&mut Holding) -> Result<T, Error>) -> Result<T, Error> {
        let mut holding = self.holding.lock().unwrap_or_else(PoisonError::into_inner);
        let made = make(&mut holding);
        // The tokens are looked at meanwhile, which may take time that nobody who asks how the
        // store stands has to wait for.
        let mut standing = self.standing().clone();
        standing.note(&holding, made.as_ref().err());
        *self.standing() = standing;
        made
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell_skipped(&self, holding: &mut Holding) {
        let found = holding.found();
        if found.skipped == 0 {
            return;
        }
        let others = match found.skipped - 1 {
            0 => String::new(),
            more => format!("; and {more} more objects were passed over"),
        };
        let line = format!("{}{others}", found.first_skipped);
        if holding.tell_once(&line) {
            self.host.log(LogLevel::Warn, &line);
        }
    }
}

impl std::fmt::Debug for TokenStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenStore").finish_non_exhaustive()
    }
}

/// Whether an item is one that was asked for.
fn fits(by: By<'_>, id: &[u8], entry: &Entry) -> bool {
    let digest = |bytes: &[u8]| <[u8; 32]>::from(Sha256::digest(bytes));
    match by {
        By::Id(wanted) => wanted == id,
        By::Sha256(wanted) => *wanted == digest(&entry.der),
        By::SpkiSha256(wanted) => match entry.kind {
            Kind::PrivateKey => *wanted == digest(&entry.der),
            Kind::Certificate => read(entry).is_some_and(|read| *wanted == digest(read.public)),
            _ => false,
        },
        // What is distrusted by its issuer and serial number is known by nothing else.
        By::IssuerSerial { issuer, serial } if entry.kind == Kind::IssuerSerial => {
            entry.der == der::issuer_serial(issuer, &der::integer(serial))
        }
        By::Subject(wanted) => read(entry).is_some_and(|read| read.subject == wanted),
        By::IssuerSerial { issuer, serial } => {
            read(entry).is_some_and(|read| read.issuer == issuer && read.serial == serial)
        }
        _ => false,
    }
}

fn read(entry: &Entry) -> Option<Certificate<'_>> {
    match entry.kind {
        Kind::Certificate => Certificate::read(&entry.der),
        _ => None,
    }
}

/// Whether an error says that the token is not there, and not that something went wrong with it.
pub(crate) fn is_absence(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotPresent | ErrorKind::Unavailable)
}

/// The state that an error leaves a store in.
pub(crate) fn state_after(error: &Error) -> HealthState {
    match error.kind() {
        ErrorKind::Locked | ErrorKind::LockedOut => HealthState::Locked,
        _ if is_absence(error) => HealthState::Offline,
        _ => HealthState::Failed,
    }
}

#[cfg(test)]
mod tests;
