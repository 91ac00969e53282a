//! A store behind its table: what works, and every mistake that a plugin can make.

mod applying;
mod finding;
mod listing;
mod memory;
mod odd;
mod paging;
mod signing;
mod threads;
mod unlocking;
