//! What happens with one server: its options, the decision, the sign-on, TLS and the ledger.
#![forbid(unsafe_code)]

pub mod accept;
pub mod channel;
mod client_key;
pub mod code;
pub mod connect;
pub mod context;
pub mod decision;
pub mod error;
pub mod explain;
mod handshake;
pub mod identify;
mod learnt;
pub mod level;
pub mod options;
pub mod policy;
mod precondition;
mod question;
pub mod report;
#[cfg(test)]
mod sample;
pub mod server;
mod situation;
pub mod transport;
mod wording;
