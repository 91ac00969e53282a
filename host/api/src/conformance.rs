//! What a plugin came to that was held against its contract.

use serde::{Deserialize, Serialize};

/// The document of `plugin check`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginCheck {
    /// The cases in the order in which they were tried.
    pub cases: Vec<CheckedCase>,
    /// How many promises are kept.
    pub passed: usize,
    /// How many are broken; a case in which the plugin's process ended is one of them.
    pub failed: usize,
}

/// One promise of the contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedCase {
    /// Its id, such as `read.pages-agree`.
    pub id: String,
    /// Which part of the contract it is of: `load`, `read`, `write`, `unlock`, `sign`,
    /// `hostile-host` or `fuzz`.
    pub level: String,
    /// `passed`, `failed`, `crashed`, `skipped` or `warning`.
    pub result: String,
    /// What the promise is, or how it is broken.
    pub message: String,
}
