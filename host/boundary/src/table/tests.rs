//! A store behind its table: what works, and every mistake that a plugin can make.

mod applying;
mod listing;
mod memory;
mod odd;
mod threads;
