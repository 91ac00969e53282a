//! The only list of built-in plugins: what is linked in here registers itself.

mod trust;

use {
    anchorhold_keychain as _, anchorhold_keydb as _, anchorhold_pkcs11 as _, anchorhold_system as _,
};

pub(crate) use trust::Trust;

/// The plugin of the operating system's keychain, which keeps its bulk in a file beside it.
pub(crate) const KEYCHAIN: &str = "anchorhold.keychain";

/// The plugin of the file store that an empty home begins with; its password can be written out.
pub(crate) const KEYDB: &str = "anchorhold.keydb";

/// The plugin of tokens and HSMs.
pub(crate) const PKCS11: &str = "anchorhold.pkcs11";

/// The plugin of the operating system's own roots, which servers use only where they name it.
pub(crate) const SYSTEM: &str = "anchorhold.system";
