//! PKCS#12 files of certificates: read as other programs write them, written as all can read.
//!
//! Only password integrity is known: a file whose authenticator does not fit its password is
//! never read, and one without an authenticator is refused. Private keys are counted and never
//! decrypted. What is written has one encrypted part of certificate bags and nothing else, which
//! OpenSSL, Java, NSS, GnuTLS and GSKit all open.

mod archive;
mod bag;
mod error;
mod frame;
mod hash;
mod ids;
mod password;
mod pbes2;
mod read;
mod write;

pub use archive::{Archive, Certificate};
pub use error::P12Error;
pub use password::Password;
pub use read::{digest, read};
pub use write::{Entry, ITERATIONS, Randomness, write};

/// The largest file that is read or written, in bytes.
pub const MAX_FILE: usize = 256 << 20;
/// The most certificates that are read from one file.
pub const MAX_CERTIFICATES: usize = 1_000_000;
/// The most rounds of key derivation that one file may ask for, all its keys together.
pub const MAX_ITERATIONS: u32 = 5_000_000;

#[cfg(test)]
mod interop;
#[cfg(test)]
mod tests;
