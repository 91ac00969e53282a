//! What happens with one server: its options, the decision, the sign-on, TLS and the ledger.
#![forbid(unsafe_code)]

pub mod code;
pub mod decision;
pub mod identify;
pub mod level;
pub mod options;
pub mod policy;
