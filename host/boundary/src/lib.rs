//! Where foreign code begins: plugins are read, opened and called from here only.
//!
//! Everything that comes out of a plugin is copied once, typed and bounded; what leaves this crate
//! is owned and safe. The rules R1 to R8 that comments cite stand at the head of `anchorhold.h`.
//!
//! How far a plugin is trusted: code in this process can do anything, so this crate does not guard
//! against malice there. It guards against every mistake that a plugin can make within the rules
//! of memory: wrong sizes, lengths, texts, statuses, orders, panics. What says what is trusted is
//! never dropped in silence: an item is left out only where nothing in it could apply (its kind is
//! not known, or its bytes are missing), and is counted then; everything else that breaks the
//! contract fails the call.

pub mod admit;
mod adopt;
pub mod batch;
pub mod bus_address;
pub mod confinement;
pub mod environment;
#[doc(hidden)]
pub mod fuzzing;
pub mod grant;
mod guard;
pub mod health;
pub mod item;
pub mod link;
pub mod load;
pub mod manifest;
pub mod open_store;
pub mod plugin;
mod private_directory;
pub mod query;
pub mod question;
mod quotation;
pub mod runner;
pub mod sandbox;
pub mod secret_file;
pub mod services;
pub mod status;
pub mod table;
mod wire;

pub use open_store::{Identity, OpenStore};
pub use plugin::{Fault, Plugin, StoreConfig};
pub use status::{CallError, Status};
pub use table::{ApplyError, CallLimits, Listing, Table};
