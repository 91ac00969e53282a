//! The messages: what they hold, and what of it is believed.

mod answer;
mod hello;
mod item;
mod query;
pub(crate) mod to_host;
pub(crate) mod to_runner;

pub(crate) use hello::{Code, File, Handed, Hello};
pub(crate) use query::Limits;

/// The most bytes of a text that is for people.
const TEXT_MAX: usize = 4096;
/// The most bytes of a name: of a store, a plugin, a domain of codes.
const NAME_MAX: usize = 1024;
