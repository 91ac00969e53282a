//! Why a sign-on could not even be refused.

use anchorhold_kernel::StoreError;
use anchorhold_state::StateError;
use std::fmt;

/// A fault of this machine; what the server or the rules refuse is a report instead.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The work ended without an answer.
    Died(String),
    /// Other processes kept changing what is held while a certificate was to be accepted.
    Overtaken,
    /// It was ended between two steps of an acceptance.
    Interrupted,
    /// The ledger or the journal.
    State(StateError),
    /// A store.
    Store(Box<StoreError>),
    /// TLS could not be set up.
    Tls(rustls::Error),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Died(why) => write!(f, "a part of the sign-on ended early: {why}"),
            Self::Overtaken => f.write_str(
                "other processes keep changing what is held for this server; sign on again",
            ),
            Self::Interrupted => f.write_str("the acceptance was interrupted"),
            Self::State(_) => f.write_str("the ledger cannot be used"),
            Self::Store(_) => f.write_str("a store cannot be used"),
            Self::Tls(_) => f.write_str("TLS cannot be set up"),
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Died(_) | Self::Interrupted | Self::Overtaken => None,
            Self::State(error) => Some(error),
            Self::Store(error) => Some(error.as_ref()),
            Self::Tls(error) => Some(error),
        }
    }
}

impl From<StateError> for ConnectError {
    fn from(error: StateError) -> Self {
        Self::State(error)
    }
}

impl From<StoreError> for ConnectError {
    fn from(error: StoreError) -> Self {
        Self::Store(Box::new(error))
    }
}
