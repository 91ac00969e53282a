//! Tokens and HSMs behind a PKCS#11 module: the certificates on them, and signatures with keys
//! that never leave them.
//!
//! The module is foreign code that may hang, crash or print; so this plugin runs in a process of
//! its own unless the operator says otherwise. The module is loaded once, initialised once, and
//! neither finalised nor unloaded, since real ones crash then.
//!
//! What the token says of trust counts only where the operator wants it: whoever has the user's
//! PIN can write a certificate, and CKA_TRUSTED is the security officer's.

#![deny(unsafe_code)]

mod access;
mod der;
mod entry;
mod error;
mod holding;
mod key;
mod listing;
mod login;
mod module;
mod mutation;
mod object;
pub mod profile;
mod raw;
mod settings;
mod sign;
mod standing;
mod store;
mod token;
mod trust;
mod uri;
#[cfg(test)]
mod workshop;

anchorhold_sdk::plugin! {
    /// The plugin `anchorhold.pkcs11`.
    pub static PLUGIN:
    store: store::TokenStore,
    id: "anchorhold.pkcs11",
    name: "PKCS#11",
    version: env!("CARGO_PKG_VERSION"),
    manifest: include_str!("../pkcs11.plugin.toml"),
    also: [Find, Sign, Unlock, Write],
}

anchorhold_sdk::builtin!(PLUGIN);
