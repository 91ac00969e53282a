//! Why a PKCS#12 file was not read or not written.

use core::fmt;

use super::{MAX_CERTIFICATES, MAX_FILE, MAX_ITERATIONS};
use crate::der::{DerError, dotted};

/// Why a PKCS#12 file was not read or not written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum P12Error {
    /// The password opens it, but its contents are not what was written with that password.
    Altered,
    /// It has BER's indefinite lengths.
    IndefiniteLength {
        /// Where the first of them is.
        offset: usize,
    },
    /// It asks for no or for too many rounds of key derivation.
    Iterations,
    /// Something inside is not what the standard puts there.
    Malformed {
        /// What was being read.
        part: &'static str,
        /// What is wrong with it.
        source: DerError,
    },
    /// It carries no authenticator, so nothing tells whether it was altered.
    NoMac,
    /// What was to be written is not exactly one certificate.
    NotACertificate {
        /// Its position among the entries.
        index: usize,
    },
    /// It is protected by a signature instead of a password.
    Signed,
    /// It has more certificates than are read.
    TooMany,
    /// It is larger than what is read or written.
    TooLarge,
    /// More bytes follow where it ends.
    TrailingBytes {
        /// How many.
        count: usize,
    },
    /// It is shorter than it says.
    Truncated,
    /// Its authenticator is a PBMAC1, which most programs cannot read yet.
    Pbmac1,
    /// It uses an algorithm that is not read.
    UnknownAlgorithm {
        /// What it is used for.
        part: &'static str,
        /// Its dotted object identifier.
        oid: String,
    },
    /// It is of another version than 3.
    Version,
    /// The password does not open it.
    WrongPassword,
}

impl P12Error {
    /// Adds what was being read to an error of the DER reader.
    pub(super) fn reading(part: &'static str) -> impl Fn(DerError) -> Self {
        move |source| match source {
            DerError::IndefiniteLength { offset } => Self::IndefiniteLength { offset },
            source => Self::Malformed { part, source },
        }
    }

    /// An algorithm that is not read.
    pub(super) fn unknown(part: &'static str, oid: &[u8]) -> Self {
        Self::UnknownAlgorithm {
            part,
            oid: dotted(oid),
        }
    }
}

impl fmt::Display for P12Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Altered => {
                f.write_str("it was altered: the password is right, the contents are not")
            }
            Self::IndefiniteLength { offset } => write!(
                f,
                "it is BER with an indefinite length (at byte {offset}), only DER is read; \
                 export it again with openssl or keytool"
            ),
            Self::Iterations => write!(
                f,
                "it asks for no rounds of key derivation or for more than {MAX_ITERATIONS}"
            ),
            Self::Malformed { part, .. } => write!(f, "it is no well-formed PKCS#12 file: {part}"),
            Self::NoMac => f.write_str(
                "it has no authenticator, so nothing tells whether it was altered; export it \
                 again with one",
            ),
            Self::NotACertificate { index } => {
                write!(f, "entry {index} is not exactly one certificate")
            }
            Self::Signed => f.write_str(
                "it is protected by a signature; only files protected by a password are read",
            ),
            Self::TooMany => write!(f, "it holds more than {MAX_CERTIFICATES} certificates"),
            Self::TooLarge => write!(f, "it is larger than {} MiB", MAX_FILE >> 20),
            Self::TrailingBytes { count } => {
                write!(f, "{count} bytes follow where it ends")
            }
            Self::Truncated => f.write_str("it is cut short"),
            Self::Pbmac1 => f.write_str(
                "its authenticator is a PBMAC1, which is not read; export it again with the \
                 authenticator of PKCS#12 version 1.0 to 1.1",
            ),
            Self::UnknownAlgorithm { part, oid } => {
                write!(f, "its {part} uses an algorithm that is not read: {oid}")
            }
            Self::Version => f.write_str("it is of another version than 3"),
            Self::WrongPassword => f.write_str("the password does not open it"),
        }
    }
}

impl core::error::Error for P12Error {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Malformed { source, .. } => Some(source),
            _ => None,
        }
    }
}
