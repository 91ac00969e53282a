//! Why a store did not do what was asked, with the store's name.

use std::error::Error;
use std::fmt;

use anchorhold_boundary::manifest::SettingError;
use anchorhold_boundary::status::CallError;

/// Why a store did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError(Box<Parts>);

/// In a box, so that every result that may hold an error stays small.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    store: String,
    plugin: String,
    kind: StoreErrorKind,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The plugin answered with an error.
    Call(CallError),
    /// No plugin has the id that the configuration names.
    NoPlugin {
        /// The id.
        id: String,
        /// The ids there are.
        known: Vec<String>,
    },
    /// The configuration wants a runner, and this program has none.
    NoRunner,
    /// What was written could not be read back.
    NotReadBack {
        /// What is missing or differs.
        what: String,
    },
    /// Its plugin only reads.
    NotWritable,
    /// A setting does not fit the plugin's manifest.
    Setting(SettingError),
}

impl StoreError {
    pub(crate) fn new(store: String, plugin: String, kind: StoreErrorKind) -> Self {
        Self(Box::new(Parts {
            store,
            plugin,
            kind,
        }))
    }

    /// The store.
    pub fn store(&self) -> &str {
        &self.0.store
    }

    /// The id of its plugin.
    pub fn plugin(&self) -> &str {
        &self.0.plugin
    }

    /// What happened.
    pub fn kind(&self) -> &StoreErrorKind {
        &self.0.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "store \"{}\" ({}): {}",
            self.0.store, self.0.plugin, self.0.kind
        )
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0.kind {
            StoreErrorKind::Call(error) => error.source(),
            StoreErrorKind::Setting(error) => error.source(),
            _ => None,
        }
    }
}

impl fmt::Display for StoreErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(error) => error.fmt(f),
            Self::NoPlugin { id, known } => {
                write!(
                    f,
                    "there is no plugin \"{id}\"; there are: {}",
                    known.join(", ")
                )
            }
            Self::NoRunner => f.write_str(
                "its configuration asks for a runner or a sandbox, which this program does not \
                 have",
            ),
            Self::NotReadBack { what } => {
                write!(f, "what was written cannot be read back: {what}")
            }
            Self::NotWritable => f.write_str("its plugin only reads"),
            Self::Setting(error) => error.fmt(f),
        }
    }
}
