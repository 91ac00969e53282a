//! Java's own keystores (.jks), which are read only.
//!
//! Private keys are counted and never decrypted. The certificates that say whose they are stand
//! apart from the trusted ones, and those that signed them are passed over.

mod error;
mod read;

pub use error::JksError;
pub use read::read;

/// What a keystore holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keystore {
    /// The trusted certificates, in the order of the file.
    pub trusted: Vec<Trusted>,
    /// The certificates that say whose the private keys are, each with the alias of its key.
    pub of_keys: Vec<Trusted>,
    /// How many private keys there are.
    pub keys: usize,
}

/// One certificate, trusted or of a private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trusted {
    /// Its alias.
    pub alias: String,
    /// The certificate.
    pub der: Vec<u8>,
}

/// The largest file that is read, in bytes.
pub const MAX_FILE: usize = 256 << 20;
/// The most entries that are read from one file.
pub const MAX_ENTRIES: u32 = 1_000_000;

#[cfg(test)]
mod tests;
