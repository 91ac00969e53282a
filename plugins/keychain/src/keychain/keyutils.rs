//! The key rings of the kernel: they cannot be searched, and forget at a restart.

use std::collections::BTreeSet;

use anchorhold_sdk::{Error, ErrorKind};
use keyring_core::api::CredentialStore;
use keyring_core::{Entry, Error as RingError};
use linux_keyutils_keyring_store::Store;
use std::sync::Arc;
use zeroize::Zeroizing;

use super::{APPLICATION, Keychain, Name};
use crate::settings::Settings;

/// The key rings, for one store.
pub(super) struct Keyutils {
    rings: Arc<CredentialStore>,
    account: String,
}

impl Keyutils {
    pub(super) fn open(settings: &Settings) -> Result<Self, Error> {
        Ok(Self {
            rings: Store::new().map_err(|error| failed(&error))?,
            account: settings.account.clone(),
        })
    }

    fn entry(&self, name: &Name) -> Result<Entry, Error> {
        let user = match name {
            Name::Master => self.account.clone(),
            Name::Record(sha256) => format!("{}/{sha256}", self.account),
        };
        Entry::new_in_store(&self.rings, APPLICATION, &user).map_err(|error| failed(&error))
    }
}

impl Keychain for Keyutils {
    fn is_locked(&self) -> Result<bool, Error> {
        Ok(false)
    }

    fn unlock(&self) -> Result<(), Error> {
        Ok(())
    }

    fn lock(&self) -> Result<(), Error> {
        Err(Error::unsupported(
            "the key rings of the kernel have no lock",
        ))
    }

    fn read(&self, name: &Name) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        match self.entry(name)?.get_secret() {
            Ok(secret) => Ok(Some(Zeroizing::new(secret))),
            Err(RingError::NoEntry) => Ok(None),
            Err(error) => Err(failed(&error)),
        }
    }

    fn write(&self, name: &Name, _label: &str, secret: &[u8]) -> Result<(), Error> {
        let entry = self.entry(name)?;
        match entry.set_secret(secret) {
            // A process without a session's ring is given one by the first attempt.
            Err(RingError::NoStorageAccess(_)) => {
                entry.set_secret(secret).map_err(|error| failed(&error))
            }
            written => written.map_err(|error| failed(&error)),
        }
    }

    fn remove(&self, name: &Name) -> Result<(), Error> {
        match self.entry(name)?.delete_credential() {
            Ok(()) | Err(RingError::NoEntry) => Ok(()),
            Err(error) => Err(failed(&error)),
        }
    }

    fn records(&self) -> Result<Option<BTreeSet<String>>, Error> {
        Ok(None)
    }
}

fn failed(error: &RingError) -> Error {
    let text = error.to_string();
    let is = |word: &str| text.contains(word) || format!("{error:?}").contains(word);
    if is("QuotaExceeded") {
        return Error::new(
            ErrorKind::Full,
            "the key rings of this user are full: the kernel allows 20,000 bytes in all, or what \
             /proc/sys/kernel/keys/maxbytes says",
        );
    }
    if matches!(error, RingError::NoStorageAccess(_)) || is("AccessDenied") || is("ermission") {
        return Error::denied(format!(
            "the key rings of the kernel cannot be reached: the store needs grant = \
             [\"keyring\"], and a session that has one, as under `keyctl session` ({text})"
        ));
    }
    Error::unavailable(format!("the key rings of the kernel: {text}"))
}
