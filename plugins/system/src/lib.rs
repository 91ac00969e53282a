//! The operating system's own roots, which nothing here can change.
//!
//! Where nothing else is said, that is the one bundle that the system makes of what its
//! administrator left in force. The environment has no say in it: `SSL_CERT_FILE` and
//! `SSL_CERT_DIR` are how other programs are pointed elsewhere, and here the settings are.
//!
//! What cannot be read of it is counted and told, never passed over, and where nothing can be read
//! the store fails: it is never empty.

#![forbid(unsafe_code)]

mod certificate;
mod origin;
mod pem;
mod roots;
mod stamp;
mod store;
#[cfg(test)]
mod workshop;

anchorhold_sdk::plugin! {
    /// The plugin `anchorhold.system`.
    pub static PLUGIN:
    store: store::SystemRoots,
    id: "anchorhold.system",
    name: "OS roots",
    version: env!("CARGO_PKG_VERSION"),
    manifest: include_str!("../system.plugin.toml"),
}

anchorhold_sdk::builtin!(PLUGIN);
