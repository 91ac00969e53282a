//! PKCS#12 files of certificates: read as other programs write them, written as all can read.
//!
//! Only password integrity is known: a file whose authenticator does not fit its password is
//! never read, and one without an authenticator is refused. Private keys are listed and never
//! decrypted. A file that is written has one encrypted part of certificate bags and nothing else,
//! which OpenSSL, Java, NSS, GnuTLS and GSKit all open; one that is rewritten has what it had,
//! keys and all that is not known here byte for byte, but for the certificates that were to be
//! changed.

mod algorithm;
mod archive;
mod assembly;
mod bag;
mod cipher;
mod collection;
mod encryption;
mod entry;
mod error;
mod frame;
mod hash;
mod ids;
mod owner;
mod password;
mod read;
mod rewrite;
mod source;
mod write;

pub use archive::{Archive, Certificate};
pub use error::P12Error;
pub use password::Password;
pub use read::{digest, read};
pub use rewrite::rewrite;
pub use write::{ITERATIONS, Randomness, write};

pub use crate::edit::Entry;

/// The largest file that is read or written, in bytes.
pub const MAX_FILE: usize = 256 << 20;
/// The most certificates that are written into one file, and the most bags of any kind that are
/// read from one.
pub const MAX_BAGS: usize = 1_000_000;
/// The most parts that are read from one file, each with any number of bags.
pub const MAX_PARTS: usize = 10_000;
/// The most rounds of key derivation that one file may ask for, all its keys together.
pub const MAX_ITERATIONS: u32 = 5_000_000;

#[cfg(test)]
mod interop;
#[cfg(test)]
mod tests;
