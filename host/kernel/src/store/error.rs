//! Why a store did not do what was asked, with the store's name.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use anchorhold_boundary::manifest::SettingError;
use anchorhold_boundary::status::{CallError, Status};

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
    /// The store needs a runner, and this program has none.
    NoRunner,
    /// Its plugin crashed, and is started again after a pause.
    Pausing {
        /// What happened.
        crash: String,
        /// How long the pause still is.
        left: Duration,
    },
    /// Its plugin crashed too often to be started again without a person.
    Quarantined {
        /// The store.
        store: String,
        /// What happened.
        why: String,
    },
    /// Its plugin is not admitted, or its sandbox is less than demanded.
    Refused {
        /// The word that programs read.
        code: String,
        /// What was found, and what was expected.
        why: String,
        /// What to do next, where that is known here.
        remedy: Option<String>,
    },
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

    /// The word that programs read, where the plugin is refused, crashed or quarantined.
    pub fn code(&self) -> Option<&str> {
        self.0.kind.code()
    }

    /// What the plugin answered, where it did.
    pub fn status(&self) -> Option<Status> {
        match &self.0.kind {
            StoreErrorKind::Call(error) => Some(error.status),
            _ => None,
        }
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

impl StoreErrorKind {
    /// The word that programs read, where the plugin is refused, crashed or quarantined.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Call(error) if error.status == Status::Crashed => Some(CRASHED),
            Self::NoPlugin { .. } => Some("plugin-missing"),
            Self::NoRunner => Some("no-runner"),
            Self::Pausing { .. } => Some(CRASHED),
            Self::Quarantined { .. } => Some("quarantined"),
            Self::Refused { code, .. } => Some(code),
            Self::Setting(_) => Some("setting-invalid"),
            _ => None,
        }
    }
}

const CRASHED: &str = "crashed";

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
                "its plugin has to run in a runner, a process of its own, which this program \
                 does not start",
            ),
            Self::Pausing { crash, left } => write!(
                f,
                "its plugin crashed ({crash}) and is started again in {} s",
                left.as_secs()
                    .saturating_add(u64::from(left.subsec_nanos() > 0))
            ),
            Self::Quarantined { store, why } => write!(
                f,
                "its plugin is quarantined: {why}; once that is mended, let it be started again: \
                 anchorhold store release {store}"
            ),
            Self::Refused { why, .. } => write!(f, "its plugin is refused: {why}"),
            Self::NotReadBack { what } => {
                write!(f, "what was written cannot be read back: {what}")
            }
            Self::NotWritable => f.write_str("its plugin only reads"),
            Self::Setting(error) => error.fmt(f),
        }
    }
}
