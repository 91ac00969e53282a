//! Why an import, a removal or a change of scope was refused or failed.

use std::error::Error;
use std::fmt;

use anchorhold_state::StateError;

use crate::Fingerprint;
use crate::store::StoreError;

/// Why nothing was imported, removed or scoped.
#[derive(Debug)]
#[non_exhaustive]
pub enum ImportError {
    /// What was asked for cannot be: the input or the request is wrong.
    Input {
        /// What is wrong.
        what: String,
        /// What to do.
        remedy: String,
    },
    /// No store that was looked at holds the certificate.
    NotHeld {
        /// The certificate.
        fingerprint: Fingerprint,
        /// The stores.
        stores: Vec<String>,
    },
    /// The ledger or the journal could not be written; the stores are as before.
    State(StateError),
    /// A store failed; all stores are as before.
    Store(StoreError),
    /// Something failed, and what had been written before could not be taken back everywhere.
    NotTakenBack {
        /// What failed first.
        first: Box<Self>,
        /// The stores that are not as before, each with the reason.
        left: Vec<StoreError>,
    },
}

/// Who must act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Whoever typed the command or made the file.
    Caller,
    /// Whoever looks after a store or this machine.
    Store,
}

impl ImportError {
    pub(super) fn input(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Input {
            what: what.into(),
            remedy: remedy.into(),
        }
    }

    /// Who must act.
    pub fn whose(&self) -> Whose {
        match self {
            Self::Input { .. } | Self::NotHeld { .. } => Whose::Caller,
            _ => Whose::Store,
        }
    }

    /// What to do next.
    pub fn remedy(&self) -> String {
        match self {
            Self::Input { remedy, .. } => remedy.clone(),
            Self::NotHeld { .. } => "see what is held: anchorhold list".to_owned(),
            Self::State(_) => "see the cause; nothing has been changed".to_owned(),
            Self::Store(error) => format!(
                "see what is wrong with the store: anchorhold store check {}; nothing has been \
                 changed",
                crate::verdict::quoted(error.store())
            ),
            Self::NotTakenBack { .. } => {
                "mend the stores named, then run the same command again: it completes what is \
                 there"
                    .to_owned()
            }
        }
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input { what, .. } => f.write_str(what),
            Self::NotHeld {
                fingerprint,
                stores,
            } => {
                write!(
                    f,
                    "no certificate {fingerprint} is held in {}",
                    stores.join(", ")
                )
            }
            Self::State(_) => f.write_str("the ledger could not be written"),
            Self::Store(error) => error.fmt(f),
            Self::NotTakenBack { first, left } => {
                write!(
                    f,
                    "{first}; and what had been written before is still there in "
                )?;
                let stores: Vec<_> = left.iter().map(ToString::to_string).collect();
                f.write_str(&stores.join("; "))
            }
        }
    }
}

impl Error for ImportError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::State(error) => Some(error),
            Self::Store(error) => error.source(),
            Self::NotTakenBack { first, .. } => first.source(),
            Self::Input { .. } | Self::NotHeld { .. } => None,
        }
    }
}

impl From<StateError> for ImportError {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

impl From<StoreError> for ImportError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
