//! Writes a file of certificates in the one form that every program opens.

use super::hash::Hash;
use super::password::{Derivation, Password, Purpose};
use super::pbes2::{BLOCK, Pbes2, identifier};
use super::{MAX_CERTIFICATES, MAX_FILE, P12Error, ids};
use crate::der::{
    self, BMP_STRING, CONTEXT_0, CONTEXT_0_PRIMITIVE, NULL, OCTET_STRING, Opening, SEQUENCE, SET,
};

/// The rounds of key derivation that are written, for each of the two keys.
///
/// It is what Java writes. A password that is worth more than a guess has its strength in
/// itself: a random one of 32 characters gains nothing from more rounds.
pub const ITERATIONS: u32 = 10_000;

/// One certificate to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its friendly name. Java lower-cases names, so they should differ by more than case.
    pub label: &'a str,
    /// The certificate.
    pub der: &'a [u8],
}

/// The random bytes of one file. They are used for one file only.
#[derive(Clone, Debug)]
pub struct Randomness {
    /// Salt of the key that encrypts.
    pub salt: [u8; 16],
    /// The first block of the chain.
    pub iv: [u8; BLOCK],
    /// Salt of the key that authenticates.
    pub mac_salt: [u8; 16],
}

/// Writes a PKCS#12 file of trusted certificates.
///
/// All of them are in one encrypted part; without any there is no part at all, for an empty one
/// is refused by GSKit. Some programs take no password but ASCII.
pub fn write(
    entries: &[Entry<'_>],
    password: &mut Password,
    random: &Randomness,
) -> Result<Vec<u8>, P12Error> {
    let contents = contents_size(entries)?;
    let clear = der::size(contents);
    // Padding is never empty.
    let sealed = (clear / BLOCK + 1) * BLOCK;

    let encryption = Pbes2::new(&random.salt, random.iv, ITERATIONS);
    let part = match entries {
        [] => Opening::of(0),
        _ => opening_of_part(sealed, &encryption),
    };
    let safe = part.within(SEQUENCE);
    let authenticator_size = authenticator(&[0; MAC], random).len();
    let opening = opening_of_file(safe.clone(), authenticator_size);

    let mut out = Vec::with_capacity(opening.size());
    opening.write(&mut out);
    let authenticated = out.len() - safe.len();
    if !entries.is_empty() {
        let start = out.len();
        der::header(&mut out, SEQUENCE, contents);
        for entry in entries {
            write_bag(&mut out, entry);
        }
        out.resize(start + sealed, 0);
        encryption.encrypt(&mut out[start..], clear, password);
    }
    let mac = mac_key(random);
    let mac = mac
        .hash
        .authenticate(password.key(&mac), &out[authenticated..]);
    out.extend_from_slice(&authenticator(&mac, random));
    Ok(out)
}

/// The size of all bags, if they can be written.
fn contents_size(entries: &[Entry<'_>]) -> Result<usize, P12Error> {
    if let Some(index) = entries.iter().position(|e| !der::is_one_sequence(e.der)) {
        return Err(P12Error::NotACertificate { index });
    }
    let size = entries
        .iter()
        .map(|entry| der::size(Sizes::of(entry).bag))
        .sum();
    if entries.len() > MAX_CERTIFICATES {
        Err(P12Error::TooMany)
    } else if size > MAX_FILE - ROOM {
        Err(P12Error::TooLarge)
    } else {
        Ok(size)
    }
}

/// What stands before the encrypted bytes of the one part, up to the list of parts.
fn opening_of_part(sealed: usize, encryption: &Pbes2) -> Opening {
    let mut version = Vec::new();
    der::integer(&mut version, 0);
    Opening::of(sealed)
        .within(CONTEXT_0_PRIMITIVE)
        .after(&encryption.write())
        .after(&der::wrap(der::OID, &[ids::DATA]))
        .within(SEQUENCE)
        .after(&version)
        .within(SEQUENCE)
        .within(CONTEXT_0)
        .after(&der::wrap(der::OID, &[ids::ENCRYPTED_DATA]))
        .within(SEQUENCE)
}

/// What stands around the list of parts, before an authenticator of `mac` bytes.
fn opening_of_file(safe: Opening, mac: usize) -> Opening {
    let mut version = Vec::new();
    der::integer(&mut version, 3);
    safe.within(OCTET_STRING)
        .within(CONTEXT_0)
        .after(&der::wrap(der::OID, &[ids::DATA]))
        .within(SEQUENCE)
        .after(&version)
        .before(mac)
        .within(SEQUENCE)
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
        let text = 2 * entry.label.encode_utf16().count();
        let name = (text > 0).then(|| FRIENDLY_NAME.len() + der::size(der::size(text)));
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
            text,
        }
    }
}

fn write_bag(out: &mut Vec<u8>, entry: &Entry<'_>) {
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

fn write_name(out: &mut Vec<u8>, label: &str, name: usize, text: usize) {
    der::header(out, SEQUENCE, name);
    out.extend_from_slice(FRIENDLY_NAME);
    der::header(out, SET, der::size(text));
    der::header(out, BMP_STRING, text);
    for unit in label.encode_utf16() {
        out.extend_from_slice(&unit.to_be_bytes());
    }
}

fn mac_key(random: &Randomness) -> Derivation {
    Derivation {
        purpose: Purpose::Authentication,
        hash: Hash::Sha256,
        salt: random.mac_salt.to_vec(),
        rounds: ITERATIONS,
    }
}

/// The MacData.
fn authenticator(mac: &[u8], random: &Randomness) -> Vec<u8> {
    let mut rounds = Vec::new();
    der::integer(&mut rounds, ITERATIONS);
    let digest = der::wrap(
        SEQUENCE,
        &[
            &identifier(ids::SHA256, &der::wrap(NULL, &[])),
            &der::wrap(OCTET_STRING, &[mac]),
        ],
    );
    let salt = der::wrap(OCTET_STRING, &[&random.mac_salt]);
    der::wrap(SEQUENCE, &[&digest, &salt, &rounds])
}

/// The size of an HMAC-SHA-256.
const MAC: usize = 32;

/// More than all that stands around the bags.
const ROOM: usize = 1024;

/// The identifier of a bag with a certificate, whole.
const CERT_BAG: &[u8] = &[
    0x06, 11, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1, 3,
];
/// The identifier of an X.509 certificate in such a bag, whole.
const X509_CERTIFICATE: &[u8] = &[0x06, 10, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 22, 1];
/// The identifier of a friendly name, whole.
const FRIENDLY_NAME: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 20];
/// The attribute by which Java knows a trusted certificate, whole.
const TRUSTED: &[u8] = &[
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
