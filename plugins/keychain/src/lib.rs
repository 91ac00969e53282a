//! Certificates in the operating system's keychain.
//!
//! A keychain holds small secrets, not chains of certificates: Windows takes 2,560 bytes an entry,
//! the key rings of the kernel 20,000 in all. So the certificates are in a file of the store's own,
//! and the keychain holds the key that authenticates it, with the digest of the one file that
//! counts: neither a changed file nor an older one is taken for it. It is the same on every system.
//!
//! A keychain that can be searched has besides a record of each certificate, so that people see
//! what is trusted where they look for it, and can take it out there.

#![forbid(unsafe_code)]

mod contents;
mod deadline;
mod keychain;
mod lock;
mod master;
mod replace;
mod settings;
mod store;
mod vault;

anchorhold_sdk::plugin! {
    /// The plugin `anchorhold.keychain`.
    pub static PLUGIN:
    store: store::KeychainStore,
    id: "anchorhold.keychain",
    name: "OS keychain",
    version: env!("CARGO_PKG_VERSION"),
    manifest: include_str!("../keychain.plugin.toml"),
    also: [Unlock, Write],
}

anchorhold_sdk::builtin!(PLUGIN);
