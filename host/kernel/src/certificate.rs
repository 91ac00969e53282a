//! The facts of one certificate, for people.

mod name;
mod text;

use std::time::Duration;

use rustls_pki_types::UnixTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use crate::Fingerprint;
use crate::outline::{Outline, Unreadable};
use crate::strength::{is_signed_by, key_name, key_weakness, signature_name, signature_weakness};

pub(crate) use name::{common_name, dn};

/// What a person reads about a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The SHA-256 of the DER.
    pub fingerprint: Fingerprint,
    /// The subject, as RFC 4514 writes it.
    pub subject: String,
    /// The issuer, as RFC 4514 writes it.
    pub issuer: String,
    /// The serial number, hexadecimal.
    pub serial: String,
    /// The start of its validity, Unix seconds.
    pub not_before: i64,
    /// The end of its validity, Unix seconds.
    pub not_after: i64,
    /// 1, 2 or 3.
    pub version: u8,
    /// Whether its basic constraints say that it is a CA.
    pub is_ca: bool,
    /// Whether issuer and subject are equal.
    pub self_issued: bool,
    /// The key, as in "RSA 2048" or "EC P-256".
    pub key: String,
    /// The signature algorithm, as in "RSA with SHA-256".
    pub signature: String,
    /// The subject alternative names, as in "DNS:host" and "IP:127.0.0.1".
    pub names: Vec<String>,
    /// The extended key usages, by name or number.
    pub purposes: Vec<String>,
    /// Why this host would not accept it as a pin, each in a few words; the dates apart.
    pub weaknesses: Vec<String>,
}

impl Facts {
    /// Reads a certificate; the error says what is wrong with it.
    pub fn read(der: &[u8]) -> Result<Self, CertificateError> {
        Self::with_fingerprint(der, fingerprint(der))
    }

    /// Reads a certificate whose fingerprint is known.
    pub(crate) fn with_fingerprint(
        der: &[u8],
        fingerprint: Fingerprint,
    ) -> Result<Self, CertificateError> {
        let outline = Outline::read(der)?;
        let (not_before, not_after) = outline.validity()?;
        // What a second reader cannot read is not shown; nothing rests on it.
        let parsed = X509Certificate::from_der(der)
            .ok()
            .map(|(_, parsed)| parsed);
        Ok(Self {
            fingerprint,
            subject: dn(outline.subject),
            issuer: dn(outline.issuer),
            serial: data_encoding::HEXLOWER.encode(outline.serial),
            not_before,
            not_after,
            version: outline.version,
            is_ca: outline.is_ca(),
            self_issued: outline.self_issued(),
            key: key_name(&outline),
            signature: signature_name(&outline),
            names: parsed.as_ref().map(name::alternatives).unwrap_or_default(),
            purposes: parsed.as_ref().map(name::purposes).unwrap_or_default(),
            weaknesses: weaknesses(&outline),
        })
    }

    /// The start of its validity in RFC 3339.
    pub fn not_before_text(&self) -> String {
        rfc3339(self.not_before)
    }

    /// The end of its validity in RFC 3339.
    pub fn not_after_text(&self) -> String {
        rfc3339(self.not_after)
    }

    /// Whether its validity has ended.
    pub fn expired(&self, at: UnixTime) -> bool {
        seconds(at) > self.not_after
    }

    /// Whether its validity has not begun.
    pub fn not_yet_valid(&self, at: UnixTime) -> bool {
        seconds(at) < self.not_before
    }
}

/// Whether the bytes are a certificate whose signature verifies with its own key.
pub fn is_self_signed(der: &[u8]) -> bool {
    Outline::read(der)
        .is_ok_and(|outline| outline.self_issued() && is_signed_by(&outline, &outline))
}

/// Why no signature can be checked against a certificate, in a few words: it cannot be read, it is
/// not X.509 v3, or its key is not acceptable.
pub fn key_fault(der: &[u8]) -> Option<String> {
    let outline = match Outline::read(der) {
        Ok(outline) => outline,
        Err(why) => return Some(format!("it cannot be read: {}", why.0)),
    };
    let version = (outline.version != 3).then(|| version_weakness(outline.version));
    version.or_else(|| key_weakness(&outline))
}

/// Whether the certificate is self-signed as far as can be told: a signature that is not accepted
/// or made with a key that is not, cannot be verified, and does not make the certificate somebody
/// else's.
pub(crate) fn looks_self_signed(outline: &Outline<'_>) -> bool {
    outline.self_issued()
        && (signature_weakness(outline).is_some()
            || key_weakness(outline).is_some()
            || is_signed_by(outline, outline))
}

/// Why a certificate is not acceptable as a server's own, the dates apart.
fn weaknesses(outline: &Outline<'_>) -> Vec<String> {
    let version = (outline.version != 3).then(|| version_weakness(outline.version));
    version
        .into_iter()
        .chain(key_weakness(outline))
        .chain(signature_weakness(outline))
        .collect()
}

/// What is wrong with a version other than 3.
pub(crate) fn version_weakness(version: u8) -> String {
    format!("it is an X.509 v{version} certificate, which cannot say what it may be used for")
}

/// Why bytes are not a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateError(String);

impl From<Unreadable> for CertificateError {
    fn from(unreadable: Unreadable) -> Self {
        Self(unreadable.0)
    }
}

impl std::fmt::Display for CertificateError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "not a certificate that can be read: {}", self.0)
    }
}

impl std::error::Error for CertificateError {}

/// The fingerprint of a certificate.
pub fn fingerprint(der: &[u8]) -> Fingerprint {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der);
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest.as_ref());
    Fingerprint(bytes)
}

/// Unix seconds as RFC 3339 writes them, in UTC.
pub fn rfc3339(seconds: i64) -> String {
    time::OffsetDateTime::from_unix_timestamp(seconds)
        .ok()
        .and_then(|at| {
            at.format(&time::format_description::well_known::Rfc3339)
                .ok()
        })
        .unwrap_or_else(|| format!("{seconds} seconds after 1970"))
}

/// Unix seconds as a time of rustls; what lies before 1970 is taken for its first moment.
pub fn moment(seconds: i64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

/// A time of rustls in the seconds of this crate.
pub(crate) fn seconds(at: UnixTime) -> i64 {
    i64::try_from(at.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
