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
    /// The file is protected by a password, and none that was given opens it.
    Locked {
        /// What people call such a file.
        container: &'static str,
        /// Whether a password was given.
        tried: bool,
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
    /// An earlier change to the same store was interrupted, and cannot be settled yet.
    StillOpen {
        /// What it was, in one word.
        what: String,
        /// The store.
        store: String,
        /// What both concern.
        fingerprint: Fingerprint,
    },
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
            Self::Input { .. } | Self::Locked { .. } | Self::NotHeld { .. } => Whose::Caller,
            _ => Whose::Store,
        }
    }

    /// What to do next.
    pub fn remedy(&self) -> String {
        match self {
            Self::Input { remedy, .. } => remedy.clone(),
            Self::Locked { .. } => {
                "give its password in a file that only you can read, or put its stash (.sth) \
                 beside it"
                    .to_owned()
            }
            Self::NotHeld { .. } => "see what is held: anchorhold list".to_owned(),
            Self::State(_) => "see the cause; nothing has been changed".to_owned(),
            Self::Store(error) => format!(
                "see what is wrong with the store: anchorhold store check {}; nothing has been \
                 changed",
                crate::verdict::quoted(error.store())
            ),
            Self::NotTakenBack { .. } => {
                "mend the stores named; the next command that changes anything then completes it, or \
                 undoes what is left of it, and until then this names it: anchorhold store check"
                    .to_owned()
            }
            Self::StillOpen { .. } => {
                "see what keeps it open, and what to do: anchorhold store check".to_owned()
            }
        }
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input { what, .. } => f.write_str(what),
            Self::Locked { container, tried } => {
                write!(f, "the file, {container}, cannot be used: ")?;
                f.write_str(match tried {
                    true => "the password does not open it",
                    false => "it is protected by a password",
                })
            }
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
            Self::StillOpen {
                what,
                store,
                fingerprint,
            } => write!(
                f,
                "{fingerprint} is part of an earlier {what}, which was interrupted while store \
                 \"{store}\" was being changed, and is open still"
            ),
            Self::Store(error) => error.fmt(f),
            Self::NotTakenBack { first, left } => {
                write!(
                    f,
                    "{first}; and what had been written before may still be there in "
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
            Self::Input { .. }
            | Self::Locked { .. }
            | Self::NotHeld { .. }
            | Self::StillOpen { .. } => None,
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
