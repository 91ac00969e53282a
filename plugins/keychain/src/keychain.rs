//! A keychain, whichever it is: entries of a name, a label and a small secret.

#[cfg(target_os = "linux")]
mod keyutils;
#[cfg(not(target_os = "linux"))]
mod native;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(target_os = "linux")]
mod secret_service;

use std::collections::BTreeSet;
use std::time::Duration;

use anchorhold_sdk::{Error, ErrorKind};
use zeroize::Zeroizing;

use crate::settings::{Kind, Settings};

/// What an entry is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Name {
    /// The key of a store's file.
    Master,
    /// The record of a certificate, by its SHA-256 in hexadecimal.
    Record(String),
}

/// A keychain that is open. Nothing here asks a person but `unlock`.
pub(crate) trait Keychain {
    /// Whether a person has to unlock it first.
    fn is_locked(&self) -> Result<bool, Error>;
    /// Has the person unlock it, in the keychain's own way.
    fn unlock(&self) -> Result<(), Error>;
    /// Locks it again.
    fn lock(&self) -> Result<(), Error>;
    /// The secret of an entry.
    fn read(&self, name: &Name) -> Result<Option<Zeroizing<Vec<u8>>>, Error>;
    /// Writes an entry; what of this name is there is replaced.
    fn write(&self, name: &Name, label: &str, secret: &[u8]) -> Result<(), Error>;
    /// Removes an entry; that it is not there is no fault.
    fn remove(&self, name: &Name) -> Result<(), Error>;
    /// The records that there are, where the keychain can be searched.
    fn records(&self) -> Result<Option<BTreeSet<String>>, Error>;
}

/// Opens keychains, a new one for each call: a service may have been started again since. Nothing
/// that is done with one lasts longer than it is told.
pub(crate) type Connect = Box<dyn Fn(Duration) -> Result<Box<dyn Keychain>, Error> + Send + Sync>;

/// How the keychain of these settings is opened.
pub(crate) fn connect(settings: &Settings) -> Connect {
    let settings = settings.clone();
    Box::new(move |limit| open(&settings, limit))
}

#[cfg(target_os = "linux")]
fn open(settings: &Settings, limit: Duration) -> Result<Box<dyn Keychain>, Error> {
    match settings.kind {
        // The kernel answers at once.
        Kind::Keyutils => Ok(Box::new(keyutils::Keyutils::open(settings)?)),
        Kind::SecretService => Ok(Box::new(secret_service::Service::open(settings, limit)?)),
        Kind::Native => Err(absent("native", "macOS and Windows")),
    }
}

#[cfg(not(target_os = "linux"))]
fn open(settings: &Settings, _limit: Duration) -> Result<Box<dyn Keychain>, Error> {
    match settings.kind {
        Kind::Native => Ok(Box::new(native::Native::open(settings))),
        Kind::Keyutils => Err(absent("keyutils", "Linux")),
        Kind::SecretService => Err(absent("secret-service", "Linux")),
    }
}

fn absent(kind: &str, system: &str) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("keychain = \"{kind}\" is for {system}"),
    )
}

/// What entries of ours are marked with, so that no other's is touched.
pub(crate) const APPLICATION: &str = "anchorhold";
