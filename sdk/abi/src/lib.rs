//! The plugin contract of `anchorhold.h` in Rust: the same names, the same layout, nothing more.
//!
//! Plugin authors use `anchorhold-sdk`, hosts use `anchorhold-boundary`; both rest on this crate.
//! The rules R1 to R8 that bind every declaration stand at the head of `anchorhold.h`, and
//! comments here cite them by number.

#![no_std]
#![allow(non_camel_case_types, reason = "the names are those of the header")]
#![allow(clippy::use_self, reason = "the types are spelt as in the header")]

#[cfg(feature = "builtin")]
mod builtin;
mod extension;
mod growth;
mod host;
mod input;
pub mod layout;
mod output;
mod plugin;
mod scalar;

#[cfg(feature = "builtin")]
pub use builtin::Builtin;
pub use extension::*;
pub use growth::{Growing, read, stride_of, write};
pub use host::*;
pub use input::*;
#[cfg(feature = "builtin")]
pub use inventory;
pub use output::*;
pub use plugin::*;
pub use scalar::*;
