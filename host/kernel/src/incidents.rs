//! What happened to the plugins of stores that must be known tomorrow too: crashes and wrong
//! secrets.

mod ledger;

use std::fmt;

pub use ledger::LedgerIncidents;

/// A plugin that ended, or was ended, in the middle of its work.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Crash<'a> {
    /// The store.
    pub store: &'a str,
    /// The id of its plugin.
    pub plugin: &'a str,
    /// Which code it was: another code of the same plugin is a new beginning.
    pub code: &'a str,
    /// What happened.
    pub what: &'a str,
}

/// A stored secret that the store refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefusedSecret<'a> {
    /// The store.
    pub store: &'a str,
    /// The setting that asked for it.
    pub setting: &'a str,
    /// What tells the stored secret from others without telling it; none where a person typed it.
    pub mark: Option<SecretMark>,
    /// What the store said.
    pub what: &'a str,
}

/// Tells a secret from others without telling it: two bytes of a salted hash. It is kept of refused
/// secrets only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretMark {
    /// What the secret was hashed with.
    pub salt: [u8; 16],
    /// What came of it.
    pub hash: [u8; 2],
}

/// Whether the code of a store's plugin may be started, as far as that is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// Nothing is written down against it.
    Nothing,
    /// It may not, until a person has released the store, and why.
    Quarantined(String),
    /// What is written down cannot be read, so that nothing changes by it.
    Unreadable,
}

/// Where incidents are written down, and looked up. Whoever implements it never fails: what cannot
/// be written is said in the log, and the store goes on.
pub trait Incidents: fmt::Debug + Send + Sync {
    /// Whether the code may be started for the store.
    fn quarantine(&self, store: &str, code: &str) -> Written;

    /// Writes a crash down, and returns why the store is quarantined now, where it is.
    fn crashed(&self, crash: &Crash<'_>) -> Option<String>;

    /// The mark of the secret that the store refused last time, where nobody has unlocked it since.
    /// The inner option is none where the refused secret cannot be told from others.
    fn refused_secret(&self, store: &str, setting: &str) -> Option<Option<SecretMark>>;

    /// Writes down that a secret was refused.
    fn secret_refused(&self, refused: &RefusedSecret<'_>);

    /// A secret was taken: what was refused before no longer counts.
    fn secret_taken(&self, store: &str);
}

/// Nothing is written down; what happens in this process is all that is known.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unrecorded;

impl Incidents for Unrecorded {
    fn quarantine(&self, _store: &str, _code: &str) -> Written {
        Written::Nothing
    }

    fn crashed(&self, _crash: &Crash<'_>) -> Option<String> {
        None
    }

    fn refused_secret(&self, _store: &str, _setting: &str) -> Option<Option<SecretMark>> {
        None
    }

    fn secret_refused(&self, _refused: &RefusedSecret<'_>) {}

    fn secret_taken(&self, _store: &str) {}
}
