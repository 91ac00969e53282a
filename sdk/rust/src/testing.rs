//! A store in memory that can be told to fail, for the tests of hosts.
//!
//! [`PLUGIN`] is a whole plugin with the id `anchorhold.testing.memory`, called through the same
//! table as every other. What its stores hold are [`Contents`]: they have a name, live as long as
//! the process, and a test reaches them by that name while the host has them open. A store uses the
//! contents that its setting `contents` names, else those of its own name.
//!
//! A test switches [`Faults`] on and off at any time; where a test only has a configuration, the
//! setting `fault` does the same: `read-only`, `frozen-generation`, `forgets-writes`, `flips-bits`,
//! `finds-everything`, `signs-nonsense`, `locked=PIN`; `open=KIND`, and so `list`, `find`, `apply`,
//! `unlock` and `sign`, with a KIND such as `unavailable`; and `panic=CALL` with the name of any
//! call.

mod contents;
mod fault;
mod memory;

pub use contents::{Contents, Faults, Held, Operation};
pub use memory::{MemoryStore, PLUGIN};
