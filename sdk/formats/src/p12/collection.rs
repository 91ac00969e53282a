//! What was found in the parts read so far: certificates are taken, the rest is counted.

use core::ops::Range;

use super::archive::{KeyRecord, Record};
use super::bag::{Bag, Bags, Kind};
use super::owner::{Pairs, Traits};
use super::{MAX_BAGS, P12Error};
use crate::der::{CONTEXT_0, Element, INTEGER, Reader, SEQUENCE};

/// What was found in the parts read so far.
#[derive(Default)]
pub(super) struct Collection {
    pub(super) labels: String,
    pub(super) records: Vec<Record>,
    pub(super) keys: Vec<KeyRecord>,
    pub(super) others: usize,
    /// Whether a certificate has attributes that are not written here.
    pub(super) is_foreign: bool,
    /// Where the values of all bags but those of certificates are, with the private keys.
    pub(super) secrets: Vec<Range<usize>>,
    /// The local key identifiers of certificates, beside the index of their record.
    certificate_ids: Vec<(usize, Range<usize>)>,
    /// Those of private keys.
    key_ids: Vec<(usize, Range<usize>)>,
}

impl Collection {
    /// Reads a part in clear, which is the SafeContents at `range` of `bytes`.
    ///
    /// After an error the part may be read again in another form: nothing of it was taken but
    /// where its private keys are.
    pub(super) fn read(&mut self, bytes: &[u8], range: Range<usize>) -> Result<(), P12Error> {
        let before = (self.labels.len(), self.records.len(), self.keys.len());
        let ids = (self.certificate_ids.len(), self.key_ids.len());
        let others = self.others;
        let result = self.read_all(bytes, range);
        if result.is_err() {
            self.labels.truncate(before.0);
            self.records.truncate(before.1);
            self.keys.truncate(before.2);
            self.certificate_ids.truncate(ids.0);
            self.key_ids.truncate(ids.1);
            self.others = others;
        }
        result
    }

    /// Tells which certificates belong to a private key, and the public half of each key.
    pub(super) fn pair(&mut self, bytes: &[u8]) {
        let pairs = {
            let keys: Vec<_> = self.keys.iter().map(|key| &key.label).collect();
            let keys = self.traits(bytes, keys.into_iter(), &self.key_ids);
            let labels = self.records.iter().map(|record| &record.label);
            let certificates = self.traits(bytes, labels, &self.certificate_ids);
            let trusted = self.records.iter().map(|record| record.trusted);
            let keys: Vec<_> = keys.collect();
            Pairs::of(
                &keys,
                certificates
                    .zip(trusted)
                    .map(|(traits, is_trusted)| Traits {
                        is_trusted,
                        ..traits
                    }),
            )
        };
        for place in pairs.owned {
            self.records[place].of_key = true;
        }
        for (key, own) in self.keys.iter_mut().zip(pairs.of_keys) {
            let own = own.map(|place| self.records[place].der.clone());
            key.public = own.and_then(|certificate| public_key(bytes, certificate));
        }
    }

    /// What things with these labels are told by. Identifiers stand beside their places, rising.
    fn traits<'a>(
        &'a self,
        bytes: &'a [u8],
        labels: impl Iterator<Item = &'a Range<usize>>,
        ids: &'a [(usize, Range<usize>)],
    ) -> impl Iterator<Item = Traits<'a>> {
        let mut ids = ids.iter().peekable();
        labels.enumerate().map(move |(place, label)| Traits {
            id: ids
                .next_if(|(of, _)| *of == place)
                .map(|(_, id)| &bytes[id.clone()]),
            label: self.labels[label.clone()].as_bytes(),
            is_trusted: false,
        })
    }

    fn read_all(&mut self, bytes: &[u8], range: Range<usize>) -> Result<(), P12Error> {
        let mut bags = Bags::of(&bytes[range.clone()], range.start)?;
        while let Some(bag) = bags.next()? {
            if self.records.len() + self.keys.len() + self.others == MAX_BAGS {
                return Err(P12Error::TooMany);
            }
            match bag.kind {
                Kind::Certificate(der) => self.take(&der, &bag),
                Kind::Key => self.note(&bag),
                // It may well hold something secret, and nobody reads it.
                Kind::Other => {
                    self.others += 1;
                    self.secrets.push(bag.value.range());
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, der: &Element<'_>, bag: &Bag<'_>) {
        self.is_foreign |= bag.attributes.is_foreign;
        if let Some(id) = &bag.attributes.key_id {
            self.certificate_ids.push((self.records.len(), id.range()));
        }
        let label = self.label(bag);
        self.records.push(Record {
            der: der.range(),
            label,
            trusted: bag.attributes.trusted,
            of_key: false,
        });
    }

    fn note(&mut self, bag: &Bag<'_>) {
        if let Some(id) = &bag.attributes.key_id {
            self.key_ids.push((self.keys.len(), id.range()));
        }
        let label = self.label(bag);
        self.keys.push(KeyRecord {
            label,
            public: None,
        });
        self.secrets.push(bag.value.range());
    }

    fn label(&mut self, bag: &Bag<'_>) -> Range<usize> {
        let start = self.labels.len();
        if let Some(label) = bag.attributes.label {
            append_bmp(&mut self.labels, label);
        }
        start..self.labels.len()
    }
}

/// Where the SubjectPublicKeyInfo of the certificate at `range` of `bytes` is, if it is made as
/// certificates are.
fn public_key(bytes: &[u8], range: Range<usize>) -> Option<Range<usize>> {
    let mut outer = Reader::at(&bytes[range.clone()], range.start);
    let mut certificate = outer.expect(SEQUENCE).ok()?.reader();
    let mut fields = certificate.expect(SEQUENCE).ok()?.reader();
    // The version, which is left out where it is the first.
    fields.optional(CONTEXT_0).ok()?;
    fields.expect(INTEGER).ok()?;
    // The algorithm, the issuer, the validity and the subject.
    for _ in 0..4 {
        fields.expect(SEQUENCE).ok()?;
    }
    let key = fields.expect(SEQUENCE).ok()?;
    let end = key.range().end;
    Some(end - key.whole.len()..end)
}

/// Appends UTF-16 text, big-endian. A surrogate without its other half becomes the replacement
/// character.
fn append_bmp(out: &mut String, bytes: &[u8]) {
    let pairs = || bytes.chunks_exact(2).map(|pair| [pair[0], pair[1]]);
    // Nearly all labels are ASCII throughout, and large files have many.
    let plain = pairs().take_while(|pair| pair[0] == 0 && pair[1].is_ascii());
    let before = out.len();
    out.extend(plain.map(|pair| char::from(pair[1])));
    let units = pairs().skip(out.len() - before).map(u16::from_be_bytes);
    out.extend(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)));
}
