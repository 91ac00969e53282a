//! The only list of built-in plugins: what is linked in here registers itself.

use anchorhold_keydb as _;

/// The plugin of the file store that an empty home begins with; its password can be written out.
pub(crate) const KEYDB: &str = "anchorhold.keydb";

/// The plugin of the operating system's own roots, which servers use only where they name it.
pub(crate) const SYSTEM: &str = "anchorhold.system";
