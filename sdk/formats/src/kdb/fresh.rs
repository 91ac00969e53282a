//! A record that is new, and the hashes that it is found by.

use sha1::{Digest, Sha1};

use super::KdbError;
use super::record::{CERTIFICATE, Certificate, LIVE, TAIL, TRUSTED, VISIBLE_STRING};
use crate::der::{self, SEQUENCE};
use crate::edit::Entry;

/// A record that is new.
pub(super) struct Fresh<'a> {
    number: u32,
    entry: Entry<'a>,
    hashes: [[u8; 20]; 5],
}

pub(super) fn fresh<'a>(
    added: &[Entry<'a>],
    numbers: impl Iterator<Item = u32>,
) -> Result<Vec<Fresh<'a>>, KdbError> {
    let record = |(index, (entry, number)): (usize, (&Entry<'a>, u32))| {
        check_label(entry.label)?;
        let certificate = Certificate::of(entry.der).ok_or(KdbError::NotACertificate { index })?;
        Ok(Fresh {
            number,
            entry: *entry,
            hashes: hashes(&certificate),
        })
    };
    added.iter().zip(numbers).enumerate().map(record).collect()
}

impl Fresh<'_> {
    fn contents(&self, number: &[u8]) -> usize {
        number.len()
            + der::size(self.entry.der.len())
            + der::size(self.entry.label.len())
            + TRUSTED.len()
    }

    fn number(&self) -> Vec<u8> {
        let mut number = Vec::new();
        der::integer(&mut number, self.number);
        number
    }

    pub(super) fn size(&self) -> usize {
        let fixed = 4 * size_of::<u32>();
        fixed + der::size(self.contents(&self.number())) + self.entry.label.len() + TAIL
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let Entry { label, der } = self.entry;
        let number = self.number();
        let contents = self.contents(&number);
        out.extend_from_slice(&LIVE.to_be_bytes());
        out.extend_from_slice(&self.number.to_be_bytes());
        append_length(out, der::size(contents));
        der::header(out, SEQUENCE, contents);
        out.extend_from_slice(&number);
        der::element(out, CERTIFICATE, der);
        der::element(out, VISIBLE_STRING, label.as_bytes());
        out.extend_from_slice(TRUSTED);
        append_length(out, label.len());
        out.extend_from_slice(label.as_bytes());
        append_length(out, 0);
        for hash in &self.hashes {
            append_length(out, hash.len());
            out.extend_from_slice(hash);
        }
    }
}

/// What a certificate is found by: its signature, what is signed, its subject and key, and its
/// issuer with its serial number.
fn hashes(certificate: &Certificate<'_>) -> [[u8; 20]; 5] {
    let mut header = Vec::new();
    let length = certificate.issuer.len() + certificate.serial.len();
    der::header(&mut header, SEQUENCE, length);
    let named = Sha1::new()
        .chain_update(header)
        .chain_update(certificate.issuer)
        .chain_update(certificate.serial);
    [
        Sha1::digest(certificate.signature).into(),
        Sha1::digest(certificate.signed).into(),
        Sha1::digest(certificate.subject).into(),
        Sha1::digest(certificate.public.whole).into(),
        named.finalize().into(),
    ]
}

/// Refuses a label that other readers would take for a shorter one.
pub(super) fn check_label(label: &str) -> Result<(), KdbError> {
    match label.contains('\0') {
        true => Err(KdbError::LabelHasZero),
        false => Ok(()),
    }
}

/// Appends a length that is known to be far below what a word can hold: everything was found to
/// fit a slot.
pub(super) fn append_length(out: &mut Vec<u8>, length: usize) {
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
}
