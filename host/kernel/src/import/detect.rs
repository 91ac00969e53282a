//! What a file holds: certificates in armour, bare or in a container, told by its content alone.

mod armour;
mod bare;
mod container;
mod form;
mod held;

use std::collections::HashSet;

use anchorhold_formats::jks::{self, JksError};
use anchorhold_formats::kdb::{self, Content, KdbError};
use anchorhold_formats::p7b;
use anchorhold_formats::p12::{self, P12Error};

use crate::certificate::Facts;
use crate::import::{Certificate, ImportError};

use container::Container;
use form::Form;
use held::{Held, Raw};

/// What a file holds.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Its certificates, each once, in order.
    pub certificates: Vec<Certificate>,
    /// What else it holds, and was left alone.
    pub notes: Vec<String>,
    /// What is to be looked at before anybody relies on them.
    pub warnings: Vec<String>,
}

/// Every certificate of a file, each once, in order; none at all is an error, and so is a private
/// key that no password protects.
///
/// Where a container holds certificates that belong to its private keys and others, the others
/// are found: those of a key say who its owner is, and not whom its owner trusts. Where there is
/// no other they are found themselves, for then the file was given for their sake. Those that
/// only signed the certificate of a key count as others, unless the file marks what is trusted.
pub fn detect(bytes: &[u8], password: Option<&[u8]>) -> Result<Found, ImportError> {
    let held = match Form::of(bytes) {
        Form::Nothing => return Err(ImportError::input("the file is empty", OTHER_FILE)),
        Form::Armour => armour::read(bytes)?,
        Form::Bare => bare::read(bytes)?,
        Form::Container(Container::Gskit) => key_database(bytes, password)?,
        Form::Container(Container::Jceks) => return Err(Container::Jceks.unread()),
        Form::Container(Container::Jks) => keystore(bytes, password)?,
        Form::Container(Container::Pkcs7) => pkcs7(bytes)?,
        Form::Container(Container::Pkcs12) => pkcs12(bytes, password)?,
    };
    let mut found = Found {
        certificates: Vec::new(),
        notes: held.notes(),
        warnings: held.warnings.clone(),
    };
    let mut known = HashSet::new();
    for Raw { der, label } in held.chosen()? {
        let facts = Facts::read(&der).map_err(|error| {
            ImportError::input(format!("the file holds what is {error}"), OTHER_FILE)
        })?;
        if known.insert(facts.fingerprint) {
            let label = (!label.is_empty()).then_some(label);
            found.certificates.push(Certificate { der, facts, label });
        }
    }
    Ok(found)
}

fn pkcs7(bytes: &[u8]) -> Result<Held, ImportError> {
    let ders = p7b::certificates(bytes).map_err(|error| Container::Pkcs7.refusal(&error))?;
    Ok(Held::certificates(ders))
}

fn pkcs12(bytes: &[u8], password: Option<&[u8]>) -> Result<Held, ImportError> {
    const KIND: Container = Container::Pkcs12;
    let Some(password) = password else {
        // What no password would mend is told before one is asked for.
        p12::digest(bytes).map_err(|error| KIND.refusal(&error))?;
        return Err(KIND.locked());
    };
    let password = std::str::from_utf8(password).map_err(|_| KIND.not_opened())?;
    let mut password = p12::Password::new(password);
    let archive = p12::read(bytes.to_vec(), &mut password).map_err(|error| match error {
        P12Error::WrongPassword => KIND.not_opened(),
        error => KIND.refusal(&error),
    })?;
    let mut held = Held::of(KIND, archive.keys());
    // Java marks what it trusts; what it does not mark beside a key only signed that key's own.
    let marks = archive.keys() > 0 && archive.certificates().any(|one| one.trusted);
    for one in archive.certificates() {
        let of_key = one.of_key || marks && !one.trusted;
        held.take(Raw::new(one.der, one.label), of_key);
    }
    Ok(held)
}

fn key_database(bytes: &[u8], password: Option<&[u8]>) -> Result<Held, ImportError> {
    const KIND: Container = Container::Gskit;
    let header = kdb::header(bytes).map_err(|error| KIND.refusal(&error))?;
    if header.content != Content::Keys {
        return Err(container::no_key_database(header.content));
    }
    let password = password.ok_or_else(|| KIND.locked())?;
    let database = kdb::read(bytes.to_vec(), password).map_err(|error| match error {
        KdbError::WrongPassword => KIND.not_opened(),
        error => KIND.refusal(&error),
    })?;
    let mut held = Held::of(KIND, database.keys());
    for one in database.certificates() {
        let raw = Raw::new(one.der, one.label);
        // What is said of the certificate of a key is whose it is, whatever its flags.
        match one.flags_known || one.of_key {
            true => held.take(raw, one.of_key),
            false => held.flagged.push(raw),
        }
    }
    if !database.is_authenticated() {
        held.warnings.push(UNAUTHENTICATED.to_owned());
    }
    Ok(held.without_flagged())
}

fn keystore(bytes: &[u8], password: Option<&[u8]>) -> Result<Held, ImportError> {
    const KIND: Container = Container::Jks;
    let password = password.ok_or_else(|| KIND.locked())?;
    let password = std::str::from_utf8(password).map_err(|_| KIND.not_opened())?;
    let keystore = jks::read(bytes, password).map_err(|error| match error {
        JksError::WrongPassword => KIND.not_opened(),
        error => KIND.refusal(&error),
    })?;
    let mut held = Held::of(KIND, keystore.keys);
    let trusted = keystore.trusted.into_iter().map(|one| (one, false));
    let of_keys = keystore.of_keys.into_iter().map(|one| (one, true));
    for (one, of_key) in trusted.chain(of_keys) {
        let (der, label) = (one.der, one.alias);
        held.take(Raw { der, label }, of_key);
    }
    Ok(held)
}

const OTHER_FILE: &str = "give a file with the server's certificate in PEM (also called ARM) or DER, such as the \
     server's cert256.arm";

const KEY_ADVICE: &str = "a private key has no business here: keep it where it was made, use a file that holds the \
     certificate alone, and if the key was sent to you, have it replaced";

const UNAUTHENTICATED: &str = "a key database of version 3 does not show whether it was altered: whoever could write to the \
     file could have put any certificate into it; compare the fingerprints with those of its \
     owner";

#[cfg(test)]
mod tests;
