//! One root, and what it is called.

use std::fmt;

use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// The SHA-256 of a certificate.
pub(crate) type Id = [u8; 32];

/// One root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Certificate {
    pub(crate) id: Id,
    pub(crate) label: String,
    pub(crate) der: Vec<u8>,
}

/// Bytes that are no certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoCertificate;

impl Certificate {
    /// Reads one, with nothing before or after it.
    pub(crate) fn read(der: &[u8]) -> Result<Self, NoCertificate> {
        match X509Certificate::from_der(der) {
            Ok(([], certificate)) => Ok(Self {
                id: Sha256::digest(der).into(),
                label: name(certificate.subject()),
                der: der.to_owned(),
            }),
            _ => Err(NoCertificate),
        }
    }
}

/// The common name, or else what comes closest to one.
fn name(subject: &X509Name<'_>) -> String {
    let last = |found: &mut dyn Iterator<Item = &AttributeTypeAndValue<'_>>| {
        let texts = found.filter_map(|attribute| attribute.as_str().ok());
        let shown = texts.map(shown).filter(|text| !text.is_empty());
        shown.last()
    };
    last(&mut subject.iter_common_name())
        .or_else(|| last(&mut subject.iter_organizational_unit()))
        .or_else(|| last(&mut subject.iter_organization()))
        .unwrap_or_else(|| shown(&subject.to_string()))
}

/// What fits on a line, cut where it is too long.
fn shown(text: &str) -> String {
    let fit = text.trim().chars().filter(|c| !c.is_control());
    fit.take(LABEL_MAX).collect()
}

/// The most characters of a label.
const LABEL_MAX: usize = 200;

impl fmt::Display for NoCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what stands there is no certificate")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workshop;

    #[test]
    fn certificate_is_named_by_what_comes_closest_to_a_name() {
        let named = |subject: &str| Certificate::read(&workshop::der(subject)).unwrap().label;
        assert_eq!(named("/O=Example/CN=First/CN=Last"), "Last");
        assert_eq!(named("/O=Example/OU=Roots"), "Roots");
        assert_eq!(named("/C=US/O=Example"), "Example");
        assert_eq!(named("/C=US"), "C=US");
        assert_eq!(
            named("/CN=Zertifizierungsstelle \u{e9}"),
            "Zertifizierungsstelle \u{e9}"
        );
    }

    #[test]
    fn only_a_whole_certificate_is_one() {
        let der = workshop::der("/CN=One");
        let expected: Id = Sha256::digest(&der).into();
        assert_eq!(Certificate::read(&der).unwrap().id, expected);
        let longer = [&der[..], &[0]].concat();
        for bytes in [&der[1..], &der[..der.len() - 1], &longer, &[], &[0x30, 0]] {
            assert_eq!(Certificate::read(bytes), Err(NoCertificate));
        }
    }
}
