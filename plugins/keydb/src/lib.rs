//! The GSKit-like file store: certificates in `NAME.p12` or `NAME.kdb`, the password for it in
//! `NAME.sth`.
//!
//! Both files are made at the first write, the password at random. They are read by GSKit's own
//! programs, a `.p12` by openssl and keytool as well. Every change replaces the database as a
//! whole, under a lock that all processes share; what cannot be read is refused, and never written
//! over.
//!
//! A database that another program made is copied before its first change here. Its private keys,
//! and all in it that is not known here, stay as they are.
//!
//! Whoever can read the stash has the password: what protects the database is the mode of its
//! files, not their encryption.

#![forbid(unsafe_code)]

mod archive;
mod backup;
mod contents;
mod database;
mod draft;
mod error;
mod likeness;
mod location;
mod lock;
mod obstacle;
mod owner;
mod replace;
mod settings;
mod standing;
mod stash;
mod store;
mod watch;
#[cfg(test)]
mod workshop;

use std::path::Path;

use zeroize::Zeroizing;

pub use archive::FormatError;
pub use error::DatabaseError;
pub use obstacle::Obstacle;

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
pub fn password(path: &Path) -> Result<Zeroizing<Vec<u8>>, DatabaseError> {
    let location = location::Location::new(path)?;
    stash::read(&location)?.ok_or(DatabaseError::StashMissing {
        path: location.stash,
    })
}
