//! The keychain of macOS or Windows. It is built there only, and not tried.

use std::collections::BTreeSet;

use anchorhold_sdk::Error;
use keyring::{Entry, Error as NativeError};
use zeroize::Zeroizing;

use super::{APPLICATION, Keychain, Name};
use crate::settings::Settings;

/// The keychain, for one store.
pub(super) struct Native {
    account: String,
}

impl Native {
    pub(super) fn open(settings: &Settings) -> Self {
        Self {
            account: settings.account.clone(),
        }
    }

    fn entry(&self, name: &Name) -> Result<Entry, Error> {
        let user = match name {
            Name::Master => self.account.clone(),
            Name::Record(sha256) => format!("{}/{sha256}", self.account),
        };
        Entry::new(APPLICATION, &user).map_err(|error| failed(&error))
    }
}

impl Keychain for Native {
    fn is_locked(&self) -> Result<bool, Error> {
        Ok(false)
    }

    fn unlock(&self) -> Result<(), Error> {
        Ok(())
    }

    fn lock(&self) -> Result<(), Error> {
        Err(Error::unsupported("the system locks this keychain itself"))
    }

    fn read(&self, name: &Name) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        match self.entry(name)?.get_secret() {
            Ok(secret) => Ok(Some(Zeroizing::new(secret))),
            Err(NativeError::NoEntry) => Ok(None),
            Err(error) => Err(failed(&error)),
        }
    }

    fn write(&self, name: &Name, _label: &str, secret: &[u8]) -> Result<(), Error> {
        self.entry(name)?
            .set_secret(secret)
            .map_err(|error| failed(&error))
    }

    fn remove(&self, name: &Name) -> Result<(), Error> {
        match self.entry(name)?.delete_credential() {
            Ok(()) | Err(NativeError::NoEntry) => Ok(()),
            Err(error) => Err(failed(&error)),
        }
    }

    // Its own search is not the same everywhere, so that there are no records.
    fn records(&self) -> Result<Option<BTreeSet<String>>, Error> {
        Ok(None)
    }
}

fn failed(error: &NativeError) -> Error {
    Error::unavailable(format!("the keychain: {error}"))
}
