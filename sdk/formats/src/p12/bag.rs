//! The bags of a part: certificates are taken, private keys and the rest are counted.

use core::ops::Range;
use std::collections::BTreeSet;

use super::archive::Record;
use super::{MAX_CERTIFICATES, P12Error, ids};
use crate::der::{BMP_STRING, CONTEXT_0, Element, OCTET_STRING, Reader, SEQUENCE, SET};

/// What was found in the parts read so far.
#[derive(Default)]
pub(super) struct Bags {
    pub(super) labels: String,
    pub(super) records: Vec<Record>,
    pub(super) others: usize,
    /// Where the values of bags with private keys are.
    pub(super) keys: Vec<Range<usize>>,
    /// The local key identifiers of certificates, beside the index of their record.
    certificate_ids: Vec<(usize, Range<usize>)>,
    /// Those of private keys.
    key_ids: Vec<Range<usize>>,
}

/// What the attributes of a bag say.
#[derive(Default)]
struct Attributes<'a> {
    label: Option<&'a [u8]>,
    key_id: Option<Range<usize>>,
    trusted: bool,
}

impl Bags {
    /// Reads a part in clear, which is the SafeContents at `range` of `bytes`.
    pub(super) fn read(&mut self, bytes: &[u8], range: Range<usize>) -> Result<(), P12Error> {
        let wrong = P12Error::reading("the bags of a part");
        let mut outer = Reader::at(&bytes[range.clone()], range.start);
        let mut bags = outer.expect(SEQUENCE).map_err(&wrong)?.reader();
        outer.finish().map_err(&wrong)?;
        while !bags.is_empty() {
            let bag = bags.expect(SEQUENCE).map_err(&wrong)?;
            self.bag(&bag)?;
        }
        Ok(())
    }

    /// Tells which certificates belong to a private key.
    pub(super) fn pair(&mut self, bytes: &[u8]) {
        let keys: BTreeSet<&[u8]> = self.key_ids.iter().map(|id| &bytes[id.clone()]).collect();
        for (index, id) in &self.certificate_ids {
            self.records[*index].of_key = keys.contains(&bytes[id.clone()]);
        }
    }

    fn bag(&mut self, bag: &Element<'_>) -> Result<(), P12Error> {
        let wrong = P12Error::reading("a bag");
        let mut reader = bag.reader();
        let kind = reader.oid().map_err(&wrong)?;
        let value = reader.expect(CONTEXT_0).map_err(&wrong)?;
        let attributes = match reader.optional(SET).map_err(&wrong)? {
            Some(set) => Attributes::read(&set)?,
            None => Attributes::default(),
        };
        reader.finish().map_err(&wrong)?;
        match kind {
            ids::CERT_BAG => match certificate(&value)? {
                Some(der) => self.take(der, attributes)?,
                None => self.others += 1,
            },
            ids::KEY_BAG | ids::SHROUDED_KEY_BAG => {
                self.keys.push(value.range());
                self.key_ids.extend(attributes.key_id);
            }
            _ => self.others += 1,
        }
        Ok(())
    }

    fn take(&mut self, der: Range<usize>, attributes: Attributes<'_>) -> Result<(), P12Error> {
        if self.records.len() == MAX_CERTIFICATES {
            return Err(P12Error::TooMany);
        }
        let start = self.labels.len();
        if let Some(label) = attributes.label {
            append_bmp(&mut self.labels, label);
        }
        if let Some(id) = attributes.key_id {
            self.certificate_ids.push((self.records.len(), id));
        }
        self.records.push(Record {
            der,
            label: start..self.labels.len(),
            trusted: attributes.trusted,
            of_key: false,
        });
        Ok(())
    }
}

impl<'a> Attributes<'a> {
    fn read(set: &Element<'a>) -> Result<Self, P12Error> {
        let wrong = P12Error::reading("the attributes of a bag");
        let mut found = Self::default();
        let mut attributes = set.reader();
        while !attributes.is_empty() {
            let mut attribute = attributes.expect(SEQUENCE).map_err(&wrong)?.reader();
            let kind = attribute.oid().map_err(&wrong)?;
            let mut values = attribute.expect(SET).map_err(&wrong)?.reader();
            attribute.finish().map_err(&wrong)?;
            match kind {
                ids::FRIENDLY_NAME => {
                    let text = values.expect(BMP_STRING).map_err(&wrong)?;
                    if !text.contents.len().is_multiple_of(2) {
                        return Err(wrong(text.out_of_range()));
                    }
                    found.label = Some(text.contents);
                }
                ids::LOCAL_KEY_ID => {
                    let id = values.expect(OCTET_STRING).map_err(&wrong)?;
                    found.key_id = Some(id.range());
                }
                ids::JAVA_TRUSTED => found.trusted = true,
                _ => {}
            }
        }
        Ok(found)
    }
}

/// Where the certificate of a CertBag is; none if it is of another kind than X.509.
fn certificate(value: &Element<'_>) -> Result<Option<Range<usize>>, P12Error> {
    let wrong = P12Error::reading("a certificate");
    let mut explicit = value.reader();
    let mut bag = explicit.expect(SEQUENCE).map_err(&wrong)?.reader();
    explicit.finish().map_err(&wrong)?;
    if bag.oid().map_err(&wrong)? != ids::X509 {
        return Ok(None);
    }
    let mut explicit = bag.expect(CONTEXT_0).map_err(&wrong)?.reader();
    bag.finish().map_err(&wrong)?;
    let octets = explicit.expect(OCTET_STRING).map_err(&wrong)?;
    explicit.finish().map_err(&wrong)?;
    let mut inside = octets.reader();
    inside.expect(SEQUENCE).map_err(&wrong)?;
    inside.finish().map_err(&wrong)?;
    Ok(Some(octets.range()))
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
