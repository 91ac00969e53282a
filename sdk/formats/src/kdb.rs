//! Key databases of GSKit (.kdb) and their lists of requests (.rdb): read, changed and made.
//!
//! A database of version 4 or 6 is read only where both of its authenticators fit its password;
//! one of version 3, whose second authenticator is not known, tells so. Certificates stand in
//! clear. Private keys are counted and never decrypted, and every record that no edit concerns
//! stays byte for byte.

mod database;
mod draft;
mod error;
mod frame;
mod fresh;
mod read;
mod record;
mod relabelled;
mod write;

pub use database::{Certificate, Content, Database, Header, Version};
pub use error::KdbError;
pub use read::{digest, header, read};
pub use write::{check_entry, create, rewrite};

/// The random bytes of one file: none of them is zero when they are written.
pub type Salt = [u8; 23];

/// The largest file that is read or written, in bytes.
pub const MAX_FILE: usize = 1 << 30;
/// The most records of one file.
pub const MAX_RECORDS: usize = 1_000_000;

#[cfg(test)]
mod interop;
#[cfg(test)]
mod tests;
