//! The bags of certificates that are written: new ones, and old ones with another label.

use super::bag::Bag;
use super::{P12Error, ids};
use crate::der::{self, BMP_STRING, CONTEXT_0, OCTET_STRING, SEQUENCE, SET};
use crate::edit::Entry;

/// The size of the bag of a new certificate.
pub(super) fn size_of_bag(entry: &Entry<'_>) -> usize {
    der::size(Sizes::of(entry).bag)
}

/// Appends the bag of a new certificate, which says whom to trust.
pub(super) fn write_bag(out: &mut Vec<u8>, entry: &Entry<'_>) {
    let sizes = Sizes::of(entry);
    der::header(out, SEQUENCE, sizes.bag);
    out.extend_from_slice(CERT_BAG);
    der::header(out, CONTEXT_0, sizes.value);
    der::header(out, SEQUENCE, sizes.certificate);
    out.extend_from_slice(X509_CERTIFICATE);
    der::header(out, CONTEXT_0, sizes.octets);
    der::element(out, OCTET_STRING, entry.der);
    der::header(out, SET, sizes.attributes);
    // The members of a SET OF stand in the order of their bytes, here that of their sizes.
    match sizes.name {
        None => out.extend_from_slice(TRUSTED),
        Some(name) if der::size(name) < TRUSTED.len() => {
            write_name(out, entry.label, name, sizes.text);
            out.extend_from_slice(TRUSTED);
        }
        Some(name) => {
            out.extend_from_slice(TRUSTED);
            write_name(out, entry.label, name, sizes.text);
        }
    }
}

/// The bag of a certificate with another label, and all else in it as it was.
pub(super) fn relabelled(bag: &Bag<'_>, label: &str) -> Result<Vec<u8>, P12Error> {
    let wrong = P12Error::reading("the attributes of a bag");
    let mut name = Vec::new();
    if let Some(size) = size_of_name(label) {
        write_name(&mut name, label, size, size_of_text(label));
    }
    let mut attributes: Vec<&[u8]> = Vec::new();
    if let Some(set) = &bag.set {
        let mut members = set.reader();
        while !members.is_empty() {
            let member = members.expect(SEQUENCE).map_err(&wrong)?;
            if member.reader().oid().map_err(&wrong)? != ids::FRIENDLY_NAME {
                attributes.push(member.whole);
            }
        }
    }
    if !name.is_empty() {
        let place = attributes.iter().position(|other| **other > *name);
        attributes.insert(place.unwrap_or(attributes.len()), &name);
    }
    let set = match &attributes[..] {
        [] => Vec::new(),
        attributes => der::wrap(SET, attributes),
    };
    Ok(der::wrap(SEQUENCE, &[CERT_BAG, bag.value.whole, &set]))
}

/// The sizes of the contents of a bag's nested elements.
struct Sizes {
    bag: usize,
    value: usize,
    certificate: usize,
    octets: usize,
    attributes: usize,
    /// Of the attribute with the friendly name; none where that would be empty.
    name: Option<usize>,
    text: usize,
}

impl Sizes {
    fn of(entry: &Entry<'_>) -> Self {
        let name = size_of_name(entry.label);
        let attributes = TRUSTED.len() + name.map_or(0, der::size);
        let octets = der::size(entry.der.len());
        let certificate = X509_CERTIFICATE.len() + der::size(octets);
        let value = der::size(certificate);
        Self {
            bag: CERT_BAG.len() + der::size(value) + der::size(attributes),
            value,
            certificate,
            octets,
            attributes,
            name,
            text: size_of_text(entry.label),
        }
    }
}

/// The size of the contents of the attribute with the friendly name; none where that would be
/// empty.
fn size_of_name(label: &str) -> Option<usize> {
    let text = size_of_text(label);
    (text > 0).then(|| FRIENDLY_NAME.len() + der::size(der::size(text)))
}

fn size_of_text(label: &str) -> usize {
    2 * label.encode_utf16().count()
}

fn write_name(out: &mut Vec<u8>, label: &str, name: usize, text: usize) {
    der::header(out, SEQUENCE, name);
    out.extend_from_slice(FRIENDLY_NAME);
    der::header(out, SET, der::size(text));
    der::header(out, BMP_STRING, text);
    for unit in label.encode_utf16() {
        out.extend_from_slice(&unit.to_be_bytes());
    }
}

/// The identifier of a bag with a certificate, whole.
const CERT_BAG: &[u8] = &[
    0x06, 11, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1, 3,
];
/// The identifier of an X.509 certificate in such a bag, whole.
const X509_CERTIFICATE: &[u8] = &[0x06, 10, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 22, 1];
/// The identifier of a friendly name, whole.
const FRIENDLY_NAME: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 20];
/// The attribute by which Java knows a trusted certificate, whole.
pub(super) const TRUSTED: &[u8] = &[
    0x30, 22, 0x06, 12, 0x60, 0x86, 0x48, 1, 0x86, 0xf9, 0x66, 0xad, 0xca, 0x7b, 1, 1, //
    0x31, 6, 0x06, 4, 0x55, 0x1d, 0x25, 0,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_whole_is_made_of_its_identifiers() {
        assert_eq!(CERT_BAG, der::wrap(der::OID, &[ids::CERT_BAG]));
        assert_eq!(X509_CERTIFICATE, der::wrap(der::OID, &[ids::X509]));
        assert_eq!(FRIENDLY_NAME, der::wrap(der::OID, &[ids::FRIENDLY_NAME]));
        let usage = der::wrap(der::OID, &[&[0x55, 0x1d, 0x25, 0]]);
        let attribute = [
            der::wrap(der::OID, &[ids::JAVA_TRUSTED]),
            der::wrap(SET, &[&usage]),
        ];
        assert_eq!(TRUSTED, der::wrap(SEQUENCE, &[&attribute.concat()]));
    }

    #[test]
    fn attributes_stand_in_the_order_of_their_bytes() {
        let der = [0x30, 0];
        for length in 0..200 {
            let label = "x".repeat(length);
            let mut out = Vec::new();
            write_bag(
                &mut out,
                &Entry {
                    label: &label,
                    der: &der,
                },
            );
            let mut bag = der::Reader::new(&out).expect(SEQUENCE).unwrap().reader();
            bag.oid().unwrap();
            bag.expect(CONTEXT_0).unwrap();
            let mut attributes = bag.expect(SET).unwrap().reader();
            bag.finish().unwrap();
            let mut whole = Vec::new();
            while let Ok(attribute) = attributes.expect(SEQUENCE) {
                whole.push(attribute.whole);
            }
            assert_eq!(whole.len(), if length == 0 { 1 } else { 2 });
            assert!(whole.is_sorted(), "{length}");
        }
    }
}
