//! The GSKit-like file store: certificates in `NAME.p12`, the password for it in `NAME.sth`.
//!
//! Both files are made at the first write, the password at random. They are read by openssl,
//! keytool and GSKit's own programs. Every change replaces the database as a whole, under a lock
//! that all processes share; what cannot be read is refused, and never written over.
//!
//! Whoever can read the stash has the password: what protects the database is the mode of its
//! files, not their encryption.

#![forbid(unsafe_code)]

mod contents;
mod database;
mod draft;
mod error;
mod location;
mod lock;
mod owner;
mod replace;
mod stash;
mod store;

use std::path::Path;

use zeroize::Zeroizing;

pub use error::DatabaseError;

anchorhold_sdk::plugin! {
    /// The plugin `anchorhold.keydb`.
    pub static PLUGIN:
    store: store::KeyDatabase,
    id: "anchorhold.keydb",
    name: "Key database",
    version: env!("CARGO_PKG_VERSION"),
    manifest: include_str!("../keydb.plugin.toml"),
    also: [Write],
}

anchorhold_sdk::builtin!(PLUGIN);

/// The password of the database at `path`, out of its stash.
pub fn password(path: &Path) -> Result<Zeroizing<String>, DatabaseError> {
    let location = location::Location::new(path)?;
    stash::read(&location)?.ok_or(DatabaseError::StashMissing {
        path: location.stash,
    })
}
