//! The Secret Service of a desktop session: gnome-keyring, KDE Wallet, KeePassXC.

use std::collections::{BTreeSet, HashMap};

use anchorhold_sdk::{Error, ErrorKind};
use secret_service::blocking::{Collection, Item, SecretService};
use secret_service::{EncryptionType, Error as ServiceError};
use zeroize::Zeroizing;

use super::{APPLICATION, Keychain, Name};
use crate::settings::Settings;

/// The service, for one store.
pub(super) struct Service {
    service: SecretService<'static>,
    account: String,
    collection: Option<String>,
}

impl Service {
    pub(super) fn open(settings: &Settings) -> Result<Self, Error> {
        let service = SecretService::connect(EncryptionType::Dh).map_err(|error| absent(&error))?;
        Ok(Self {
            service,
            account: settings.account.clone(),
            collection: settings.collection.clone(),
        })
    }

    /// The collection that the store is in; none is made, since that asks a person.
    fn collection(&self) -> Result<Collection<'_>, Error> {
        let Some(label) = &self.collection else {
            return match self.service.get_default_collection() {
                Err(ServiceError::NoResult) => Err(Error::new(
                    ErrorKind::NotPresent,
                    "the keychain has no collection that is its default: log in to the desktop \
                     once, or make one with the program that shows it",
                )),
                found => found.map_err(|error| failed(&error)),
            };
        };
        let all = self
            .service
            .get_all_collections()
            .map_err(|error| failed(&error))?;
        let mut labels = Vec::new();
        for collection in all {
            match collection.get_label() {
                Ok(found) if found == *label => return Ok(collection),
                Ok(found) => labels.push(found),
                Err(_) => {}
            }
        }
        Err(Error::new(
            ErrorKind::NotPresent,
            format!(
                "the keychain has no collection \"{label}\"; there are: {}",
                labels.join(", ")
            ),
        ))
    }

    /// The collection, which nobody has to unlock.
    fn unlocked(&self) -> Result<Collection<'_>, Error> {
        let collection = self.collection()?;
        match collection.is_locked().map_err(|error| failed(&error))? {
            true => Err(locked()),
            false => Ok(collection),
        }
    }

    /// What an entry is known by.
    fn attributes<'a>(&'a self, name: &'a Name) -> HashMap<&'a str, &'a str> {
        let mut attributes = HashMap::from([
            ("application", APPLICATION),
            ("store", self.account.as_str()),
        ]);
        match name {
            Name::Master => attributes.insert("kind", "key"),
            Name::Record(sha256) => {
                attributes.insert("sha256", sha256);
                attributes.insert("kind", "certificate")
            }
        };
        attributes
    }

    fn find<'a>(
        collection: &'a Collection<'a>,
        attributes: HashMap<&str, &str>,
    ) -> Result<Vec<Item<'a>>, Error> {
        let found = collection.search_items(attributes);
        found.map_err(|error| failed(&error))
    }
}

impl Keychain for Service {
    fn is_locked(&self) -> Result<bool, Error> {
        self.collection()?
            .is_locked()
            .map_err(|error| failed(&error))
    }

    fn unlock(&self) -> Result<(), Error> {
        let collection = self.collection()?;
        collection.unlock().map_err(|error| failed(&error))?;
        match collection.is_locked().map_err(|error| failed(&error))? {
            false => Ok(()),
            true => Err(failed(&ServiceError::Prompt)),
        }
    }

    fn lock(&self) -> Result<(), Error> {
        self.collection()?.lock().map_err(|error| failed(&error))
    }

    fn read(&self, name: &Name) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let collection = self.unlocked()?;
        let found = Self::find(&collection, self.attributes(name))?;
        match &found[..] {
            [] => Ok(None),
            [item] => {
                let secret = item.get_secret().map_err(|error| failed(&error))?;
                Ok(Some(Zeroizing::new(secret)))
            }
            several => Err(Error::new(
                ErrorKind::Malformed,
                format!(
                    "the keychain has {} entries of store {} where one is: remove those that \
                     another program has made",
                    several.len(),
                    self.account
                ),
            )),
        }
    }

    fn write(&self, name: &Name, label: &str, secret: &[u8]) -> Result<(), Error> {
        let collection = self.unlocked()?;
        let replace = true;
        collection
            .create_item(label, self.attributes(name), secret, replace, "text/plain")
            .map(drop)
            .map_err(|error| failed(&error))
    }

    fn remove(&self, name: &Name) -> Result<(), Error> {
        let collection = self.unlocked()?;
        for item in Self::find(&collection, self.attributes(name))? {
            match item.delete() {
                Ok(()) | Err(ServiceError::NoResult) => {}
                Err(error) => return Err(failed(&error)),
            }
        }
        Ok(())
    }

    fn records(&self) -> Result<Option<BTreeSet<String>>, Error> {
        let collection = self.unlocked()?;
        let attributes = HashMap::from([
            ("application", APPLICATION),
            ("store", self.account.as_str()),
            ("kind", "certificate"),
        ]);
        let mut records = BTreeSet::new();
        for item in Self::find(&collection, attributes)? {
            // One that goes while it is looked at is gone.
            if let Ok(mut attributes) = item.get_attributes() {
                records.extend(attributes.remove("sha256"));
            }
        }
        Ok(Some(records))
    }
}

fn locked() -> Error {
    Error::locked("the keychain's collection is locked")
}

/// Why there is no service.
fn absent(error: &ServiceError) -> Error {
    let advice = match error {
        ServiceError::Unavailable => {
            "no keychain answers on the session's bus: a program that keeps one, such as \
             gnome-keyring-daemon, has to run in the session"
        }
        _ => {
            "no session's bus can be reached: the store needs grant = [\"session-bus\"] and a \
             user's session; a system service has none, and takes a key database or a token \
             instead"
        }
    };
    Error::unavailable(format!("{advice} ({error})"))
}

fn failed(error: &ServiceError) -> Error {
    match error {
        ServiceError::Locked => locked(),
        ServiceError::Prompt => Error::new(
            ErrorKind::PromptRefused,
            "the keychain's own question was dismissed, or nobody could be asked",
        ),
        ServiceError::NoResult => Error::new(
            ErrorKind::NotPresent,
            "what was asked for is not in the keychain any more",
        ),
        ServiceError::Unavailable => absent(error),
        other => Error::unavailable(format!("the keychain answered with an error: {other}")),
    }
}
