//! Stores, and verdicts over them: what is held, for whom, and whether a chain is good.
//!
//! A [`Kernel`] opens the [`Store`]s that the operator configured through the plugins of a
//! [`Registry`]. A store is listed into an immutable [`Snapshot`]; the snapshots of one server's
//! stores, under the host's scope table, are its [`View`]; a view judges chains. A verdict touches
//! memory only.
//!
//! What is absent: no plugin and no server option is known by name; no verdict reads a clock, a
//! file or a socket, for the time is part of the question; no lock is held while a chain is judged
//! but that of the remembered signatures, for one look-up; nothing that is presented can add to
//! what is held.
#![forbid(unsafe_code)]

pub mod acceptance;
pub mod certificate;
pub mod health;
pub mod import;
pub mod incidents;
pub mod plan;
pub mod secret;
pub mod tls;

mod checks;
mod clock;
#[cfg(test)]
mod fixture;
mod kernel;
mod options;
mod outline;
mod provider;
mod registry;
mod snapshot;
mod store;
mod strength;
mod verdict;
mod view;

#[cfg(feature = "sabotage")]
pub use checks::Check;
pub use checks::Checks;
pub use clock::Clock;
pub use kernel::Kernel;
pub use options::{KernelOptions, Prompters};
pub use registry::{Entry as PluginEntry, LibraryPlan, Registry, RegistryFault};
pub use snapshot::Snapshot;
pub use store::{KeyPair, KeyPairError, Store, StoreError, StoreErrorKind, Unlocking};
pub use verdict::{By, Code, How, NameCheck, Question, Verdict};
pub use view::{Entry, EntryKind, EntryServers, Held, View};

pub use anchorhold_boundary::item::ItemId;

pub use anchorhold_state::scope::{
    CertificateKind, Fingerprint, ScopeRow, ScopeTable, ServerName, Servers,
};
