//! Why a PKCS#12 file was not read or not written.

use core::fmt;

use super::{MAX_BAGS, MAX_FILE, MAX_ITERATIONS, MAX_PARTS};
use crate::der::{DerError, dotted};

/// Why a PKCS#12 file was not read or not written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum P12Error {
    /// The password opens it, but its contents are not what was written with that password.
    Altered,
    /// What was to be changed is the certificate of a private key.
    CertificateOfKey {
        /// Its place among the certificates.
        index: usize,
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
    /// What was to be changed is not there.
    NoSuchCertificate {
        /// The place among the certificates that was named.
        index: usize,
    },
    /// What was to be written is not exactly one certificate.
    NotACertificate {
        /// Its position among the entries.
        index: usize,
    },
    /// It is protected by a signature instead of a password.
    Signed,
    /// It has more certificates, keys and parts than are read or written.
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
    /// One of its parts is protected by something else than a password.
    Protection {
        /// The dotted object identifier of what it is.
        oid: String,
    },
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
        move |source| Self::Malformed { part, source }
    }

    /// Whether it may be that of BER, which says in other ways what DER says in one.
    pub(super) fn is_ber(&self) -> bool {
        let Self::Malformed { source, .. } = self else {
            return false;
        };
        match source {
            DerError::IndefiniteLength { .. } | DerError::Length { .. } => true,
            // A string in pieces stands where a whole one is due.
            DerError::Tag {
                expected, found, ..
            } => *found == expected | CONSTRUCTED,
            _ => false,
        }
    }

    /// A part of a type that is not read.
    pub(super) fn content(oid: &[u8]) -> Self {
        Self::Protection { oid: dotted(oid) }
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
            Self::CertificateOfKey { index } => write!(
                f,
                "certificate {index} of it belongs to a private key: only the program that keeps \
                 the key can change it"
            ),
            Self::Iterations => write!(
                f,
                "it asks for no rounds of key derivation or for more than {MAX_ITERATIONS}"
            ),
            Self::Malformed { part, .. } => write!(f, "it is no well-formed PKCS#12 file: {part}"),
            Self::NoMac => f.write_str(
                "it has no authenticator, so nothing tells whether it was altered; export it \
                 again with one (openssl: without -nomac)",
            ),
            Self::NoSuchCertificate { index } => write!(
                f,
                "it has no certificate {index}: it is another file than the one that was read"
            ),
            Self::NotACertificate { index } => {
                write!(f, "entry {index} is not exactly one certificate")
            }
            Self::Signed => f.write_str(
                "it is protected by a signature; only files protected by a password are read",
            ),
            Self::TooMany => write!(
                f,
                "it holds more than {MAX_BAGS} certificates and keys, or more than {MAX_PARTS} parts"
            ),
            Self::TooLarge => write!(f, "it is larger than {} MiB", MAX_FILE >> 20),
            Self::TrailingBytes { count } => {
                write!(f, "{count} bytes follow where it ends")
            }
            Self::Truncated => f.write_str("it is cut short"),
            Self::Pbmac1 => f.write_str(
                "its authenticator is a PBMAC1, which is not read; export it again with the one \
                 that all programs read (openssl: without -pbmac1_pbkdf2, certtool: without \
                 --pbmac1, keytool: -J-Dkeystore.pkcs12.macAlgorithm=HmacPBESHA256)",
            ),
            Self::Protection { oid } => write!(
                f,
                "a part of it is protected by a key or signature instead of a password ({oid}); \
                 export it again with a password alone"
            ),
            Self::UnknownAlgorithm { part, oid } => write!(
                f,
                "its {part} uses an algorithm that is not read: {oid}; export it again with \
                 AES-256 and SHA-256"
            ),
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

/// The bit of an identifier octet that tells an element of elements from a value.
const CONSTRUCTED: u8 = 0x20;
