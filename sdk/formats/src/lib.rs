//! Certificate containers: bytes to records and back, without I/O, clock or randomness.
//!
//! Whatever random bytes a writer needs are arguments, so the same arguments give the same
//! bytes. Every reader takes bytes from anywhere: it checks every length before it believes it,
//! never recurses, and bounds the work that a file can ask for.

#![forbid(unsafe_code)]

pub mod ber;
pub mod der;
pub mod edit;
#[doc(hidden)]
pub mod fuzzing;
pub mod jks;
pub mod kdb;
pub mod p12;
pub mod p7b;
pub mod pem;
pub mod sth;

#[cfg(test)]
mod workshop;
