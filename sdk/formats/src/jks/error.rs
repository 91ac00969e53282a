//! Why a keystore was not read.

use core::fmt;

use super::{MAX_ENTRIES, MAX_FILE};

/// Why a keystore was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JksError {
    /// It is cut short, or its contents are not what such a file holds, whatever its password.
    Damaged {
        /// What was being read.
        part: &'static str,
        /// At which byte.
        offset: usize,
    },
    /// It is a JCEKS keystore, which another provider of Java writes.
    Jceks,
    /// It does not begin as a keystore does.
    NotAKeystore,
    /// It is larger than what is read.
    TooLarge,
    /// It has more entries than are read.
    TooMany,
    /// A trusted certificate is of another kind than X.509.
    UnknownCertificate {
        /// Its kind.
        kind: String,
    },
    /// It is of a version that is not known.
    Version {
        /// Which one.
        found: u32,
    },
    /// The password is another one, or the file was altered; its digest does not tell which.
    WrongPassword,
}

impl fmt::Display for JksError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged { part, offset } => {
                write!(
                    f,
                    "it is cut short or damaged: {part} at byte {offset} is wrong"
                )
            }
            Self::Jceks => f.write_str(
                "it is a JCEKS keystore, which is not read; turn it into PKCS#12 with \
                 keytool -importkeystore -deststoretype PKCS12",
            ),
            Self::NotAKeystore => f.write_str("it is no keystore of Java"),
            Self::TooLarge => write!(f, "it is larger than {} MiB", MAX_FILE >> 20),
            Self::TooMany => write!(f, "it holds more than {MAX_ENTRIES} entries"),
            Self::UnknownCertificate { kind } => {
                write!(
                    f,
                    "it holds a trusted certificate of another kind than X.509: {kind:?}"
                )
            }
            Self::Version { found } => {
                write!(f, "it is of version {found}; only 1 and 2 are read")
            }
            Self::WrongPassword => f.write_str("the password does not open it, or it was altered"),
        }
    }
}

impl core::error::Error for JksError {}
