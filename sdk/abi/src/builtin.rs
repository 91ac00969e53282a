//! How a plugin that is linked into the host is found: by being collected.

use crate::plugin::ah_plugin;

/// A plugin that is part of the program. The order in which they are collected means nothing.
#[derive(Clone, Copy, Debug)]
pub struct Builtin(&'static ah_plugin);

inventory::collect!(Builtin);

impl Builtin {
    /// Vouches for a table.
    ///
    /// # Safety
    ///
    /// The table, and what it leads to, keeps the rules R1 to R8 of `anchorhold.h`.
    pub const unsafe fn new(table: &'static ah_plugin) -> Self {
        Self(table)
    }

    /// The table.
    pub const fn table(self) -> &'static ah_plugin {
        self.0
    }
}
