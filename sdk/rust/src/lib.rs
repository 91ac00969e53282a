//! Trust-store plugins for Anchorhold, without unsafe: implement [`TrustStore`], hand over the
//! table that [`plugin!`] makes.
//!
//! A plugin is code, a *store* is one configured instance of it. The host opens a store, asks for
//! its health and lists it. What else a store can do it says by implementing more: [`Write`] to be
//! changed in batches, [`Find`] to be asked without being listed, [`Unlock`] where it has a lock,
//! [`Sign`] where it has private keys.
//!
//! What the SDK takes care of: the C tables and their rules (R1 to R8 of `anchorhold.h`), borrowed
//! memory, errors that fit the caller's struct, and panics, which it reports and never lets cross.
//!
//! A whole plugin stands in the README beside this crate; its bones are these:
//!
//! ```
//! use anchorhold_sdk::{Call, Config, Error, Health, HealthState, Host, Items, Page, TrustStore};
//!
//! /// A store that holds nothing.
//! struct Empty;
//!
//! impl TrustStore for Empty {
//!     fn open(_: Host, _: &Config<'_>) -> Result<Self, Error> {
//!         Ok(Self)
//!     }
//!
//!     fn health(&self) -> Health {
//!         Health::new(HealthState::Ready).item_count(0)
//!     }
//!
//!     fn list(&self, _: &Call<'_>, _: &mut Page, _: &mut Items<'_>) -> Result<(), Error> {
//!         Ok(())
//!     }
//! }
//!
//! anchorhold_sdk::plugin! {
//!     pub static PLUGIN:
//!     store: Empty,
//!     id: "org.example.empty",
//!     name: "Empty",
//!     version: env!("CARGO_PKG_VERSION"),
//!     manifest: "id = 'org.example.empty'\nabi = 1",
//! }
//! # fn main() {}
//! ```

mod call;
mod config;
mod error;
mod foreign;
mod guard;
mod health;
mod host;
mod item;
mod page;
mod plugin;
mod query;
mod question;
mod secret;
mod sign;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod unlock;
mod write;

pub use call::Call;
pub use config::Config;
pub use error::{Error, ErrorKind};
pub use health::{Health, HealthState};
pub use host::{Host, LogLevel};
pub use item::{Decision, Item, Kind, Purpose, Rule};
pub use page::{Items, Page};
pub use plugin::{Plugin, Threads};
pub use query::{By, Find, Query};
pub use question::Question;
pub use secret::SecretMemory;
pub use sign::{Scheme, Sign};
pub use store::TrustStore;
pub use unlock::Unlock;
pub use write::{Batch, Change, Effect, Outcomes, Write};

#[doc(hidden)]
pub mod __private {
    //! What the macros need; not part of the interface.
    #[cfg(feature = "builtin")]
    pub use anchorhold_abi::inventory;

    pub use anchorhold_abi::ah_plugin;

    pub use crate::plugin::{Description, Extension, plugin};
}

/// The README's plugin, compiled.
#[cfg(all(doctest, feature = "builtin"))]
#[doc = include_str!("../../README.md")]
struct Readme;
