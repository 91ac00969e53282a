//! What a store distrusts: certificates, issuers with serial numbers, and keys.

use std::collections::{HashMap, HashSet};

use anchorhold_boundary::item::{Item, Kind};
use anchorhold_formats::der::{INTEGER, Reader, SEQUENCE};

use crate::Fingerprint;
use crate::certificate::fingerprint;
use crate::outline::{Outline, only};
use crate::snapshot::{Trust, trust};

/// What a store distrusts; each maps to the position of its item.
#[derive(Debug, Default)]
pub(crate) struct Distrust {
    certificates: HashMap<Fingerprint, usize>,
    /// Issuer without tag and length, serial number without leading zeros.
    serials: HashMap<(Vec<u8>, Vec<u8>), usize>,
    keys: HashMap<Fingerprint, usize>,
    /// Items that distrust something and cannot be read.
    unreadable: HashSet<usize>,
}

impl Distrust {
    pub(super) fn new(items: &[Item]) -> Self {
        let mut distrust = Self::default();
        let distrusting = items
            .iter()
            .enumerate()
            .filter(|(_, item)| trust(item) == Trust::Distrust);
        for (position, item) in distrusting {
            match item.kind {
                Kind::Certificate => {
                    distrust
                        .certificates
                        .insert(fingerprint(&item.der), position);
                }
                Kind::IssuerSerial => match issuer_serial(&item.der) {
                    Some(both) => {
                        distrust.serials.insert(both, position);
                    }
                    None => {
                        distrust.unreadable.insert(position);
                    }
                },
                Kind::SpkiSha256 => match <[u8; 32]>::try_from(&item.der[..]) {
                    Ok(key) => {
                        distrust.keys.insert(Fingerprint(key), position);
                    }
                    Err(_) => {
                        distrust.unreadable.insert(position);
                    }
                },
                _ => {}
            }
        }
        distrust
    }

    /// The position of the item that distrusts a certificate, where one does.
    pub(crate) fn find(
        &self,
        digest: &Fingerprint,
        outline: Option<&Outline<'_>>,
    ) -> Option<usize> {
        if let Some(position) = self.certificates.get(digest) {
            return Some(*position);
        }
        let outline = outline?;
        if !self.serials.is_empty() {
            let both = (
                outline.issuer.to_vec(),
                significant(outline.serial).to_vec(),
            );
            if let Some(position) = self.serials.get(&both) {
                return Some(*position);
            }
        }
        if self.keys.is_empty() {
            return None;
        }
        self.keys.get(&fingerprint(outline.spki)).copied()
    }

    /// The positions of items that distrust something and cannot be read.
    pub(crate) fn unreadable(&self) -> &HashSet<usize> {
        &self.unreadable
    }
}

/// The parts of an IssuerAndSerialNumber (RFC 5652).
fn issuer_serial(der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut fields = Reader::new(only(der, SEQUENCE).ok()?);
    let issuer = fields.expect(SEQUENCE).ok()?.contents.to_vec();
    let serial = significant(fields.expect(INTEGER).ok()?.contents).to_vec();
    fields.is_empty().then_some((issuer, serial))
}

/// A number without the zeros before it, which some writers add.
fn significant(serial: &[u8]) -> &[u8] {
    let zeros = serial.iter().take_while(|byte| **byte == 0).count();
    serial.get(zeros..).unwrap_or_default()
}
