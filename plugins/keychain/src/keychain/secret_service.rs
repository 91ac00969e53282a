//! The Secret Service of a desktop session: gnome-keyring, KDE Wallet, KeePassXC.

mod bus;
mod refusal;

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use anchorhold_sdk::{Error, ErrorKind};
use bus::Bus;
use refusal::{locked, refusal};
use secret_service::blocking::{Collection, Item, SecretService};
use secret_service::{EncryptionType, Error as ServiceError};
use zbus::zvariant::{ObjectPath, OwnedObjectPath};
use zeroize::Zeroizing;

use super::{APPLICATION, Keychain, Name};
use crate::settings::Settings;

/// The service, for one store and for the time of one call.
pub(super) struct Service {
    service: SecretService<'static>,
    bus: Bus,
    account: String,
    collection: Option<String>,
}

impl Service {
    pub(super) fn open(settings: &Settings, limit: Duration) -> Result<Self, Error> {
        Self::on(Bus::of_session(limit)?, settings)
    }

    fn on(bus: Bus, settings: &Settings) -> Result<Self, Error> {
        let connection = bus.connection.clone();
        // So that whoever watches the bus does not see what is kept.
        let service = SecretService::connect_with_existing(EncryptionType::Dh, connection)
            .map_err(|error| refusal(&error, bus.is_late()))?;
        Ok(Self {
            service,
            bus,
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
                found => found.map_err(|error| self.failed(&error)),
            };
        };
        let all = self
            .service
            .get_all_collections()
            .map_err(|error| self.failed(&error))?;
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
        match collection
            .is_locked()
            .map_err(|error| self.failed(&error))?
        {
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
        &self,
        collection: &'a Collection<'a>,
        attributes: HashMap<&str, &str>,
    ) -> Result<Vec<Item<'a>>, Error> {
        let found = collection.search_items(attributes);
        found.map_err(|error| self.failed(&error))
    }

    /// Deletes an item. What would ask a person first is called off, since nobody expects it.
    fn delete(&self, item: &OwnedObjectPath) -> Result<(), Error> {
        let call = |path: &ObjectPath<'_>, interface, method| {
            let connection = &self.bus.connection;
            let answer = connection.call_method(Some(NAME), path, Some(interface), method, &());
            answer.map_err(|error| self.failed(&error.into()))
        };
        let answer = call(item, "org.freedesktop.Secret.Item", "Delete")?;
        let prompt = answer.body().deserialize::<OwnedObjectPath>();
        let prompt = prompt.map_err(|error| self.failed(&error.into()))?;
        if prompt.as_str() == "/" {
            return Ok(());
        }
        call(&prompt, "org.freedesktop.Secret.Prompt", "Dismiss")?;
        Err(Error::new(
            ErrorKind::PromptRefused,
            "the keychain asks before it removes an entry, and nobody is to be asked now",
        ))
    }

    fn failed(&self, error: &ServiceError) -> Error {
        refusal(error, self.bus.is_late())
    }
}

impl Keychain for Service {
    fn is_locked(&self) -> Result<bool, Error> {
        self.collection()?
            .is_locked()
            .map_err(|error| self.failed(&error))
    }

    fn unlock(&self) -> Result<(), Error> {
        let collection = self.collection()?;
        collection.unlock().map_err(|error| self.failed(&error))?;
        match collection
            .is_locked()
            .map_err(|error| self.failed(&error))?
        {
            false => Ok(()),
            true => Err(self.failed(&ServiceError::Prompt)),
        }
    }

    fn lock(&self) -> Result<(), Error> {
        self.collection()?
            .lock()
            .map_err(|error| self.failed(&error))
    }

    fn read(&self, name: &Name) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let collection = self.unlocked()?;
        let found = self.find(&collection, self.attributes(name))?;
        match &found[..] {
            [] => Ok(None),
            [item] => {
                let secret = item.get_secret().map_err(|error| self.failed(&error))?;
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
            .map_err(|error| self.failed(&error))
    }

    fn remove(&self, name: &Name) -> Result<(), Error> {
        let collection = self.unlocked()?;
        for item in self.find(&collection, self.attributes(name))? {
            match self.delete(&item.item_path) {
                // Somebody else was faster.
                Err(error) if error.kind() == ErrorKind::NotPresent => {}
                deleted => deleted?,
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
        for item in self.find(&collection, attributes)? {
            match item.get_attributes() {
                Ok(mut attributes) => records.extend(attributes.remove("sha256")),
                Err(error) => match self.failed(&error) {
                    // One that goes while it is looked at is gone; no other fault takes a
                    // certificate out.
                    error if error.kind() == ErrorKind::NotPresent => {}
                    error => return Err(error),
                },
            }
        }
        Ok(Some(records))
    }
}

/// What the service is called on the bus.
const NAME: &str = "org.freedesktop.secrets";

#[cfg(test)]
mod tests;
