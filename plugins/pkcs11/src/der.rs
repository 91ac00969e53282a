//! The little DER that is written here: what a token tells in pieces, as one whole.

use anchorhold_sdk::Error;
use cryptoki::object::{Attribute, KeyType};
use x509_parser::prelude::{FromDer, SubjectPublicKeyInfo, X509Certificate};
use x509_parser::public_key::PublicKey;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

/// AlgorithmIdentifier { rsaEncryption, NULL }.
const RSA: &[u8] = &[
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];
/// id-ecPublicKey.
const EC: &[u8] = &[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// AlgorithmIdentifier { id-Ed25519 }.
const ED25519: &[u8] = &[0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];

/// What a certificate says that a token wants to be told besides, borrowed from it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Certificate<'a> {
    /// DER.
    pub(crate) subject: &'a [u8],
    /// DER.
    pub(crate) issuer: &'a [u8],
    /// The contents of the INTEGER.
    pub(crate) serial: &'a [u8],
    /// DER.
    pub(crate) public: &'a [u8],
    /// The contents of the BIT STRING in it.
    pub(crate) key_bits: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// Reads a certificate that is nothing but one.
    pub(crate) fn read(der: &'a [u8]) -> Option<Self> {
        let (rest, parsed) = X509Certificate::from_der(der).ok()?;
        if !rest.is_empty() {
            return None;
        }
        // What is parsed borrows from the bytes, but says so only of some of its parts.
        let within = |part: &[u8]| {
            let start = part.as_ptr().addr().checked_sub(der.as_ptr().addr())?;
            der.get(start..start.checked_add(part.len())?)
        };
        Some(Self {
            subject: within(parsed.subject().as_raw())?,
            issuer: within(parsed.issuer().as_raw())?,
            serial: within(parsed.raw_serial())?,
            public: within(parsed.public_key().raw)?,
            key_bits: within(&parsed.public_key().subject_public_key.data)?,
        })
    }

    /// By which its public key is found on a token: the modulus, or the point, wrapped or bare.
    pub(crate) fn key_attributes(&self) -> Vec<Attribute> {
        let Ok((_, key)) = SubjectPublicKeyInfo::from_der(self.public) else {
            return Vec::new();
        };
        match key.parsed() {
            Ok(PublicKey::RSA(key)) => {
                let zeros = key.modulus.iter().take_while(|byte| **byte == 0).count();
                let modulus = key.modulus.get(zeros..).unwrap_or_default();
                vec![Attribute::Modulus(modulus.to_vec())]
            }
            _ => vec![
                Attribute::EcPoint(element(OCTET_STRING, self.key_bits)),
                Attribute::EcPoint(self.key_bits.to_vec()),
            ],
        }
    }

    /// The serial number as tokens hold it: the whole INTEGER.
    pub(crate) fn serial_number(&self) -> Vec<u8> {
        integer(self.serial)
    }
}

/// A serial number as a whole INTEGER, also where a module gives its contents alone.
pub(crate) fn whole_integer(serial: &[u8]) -> Vec<u8> {
    match serial {
        [INTEGER, length, rest @ ..] if usize::from(*length) == rest.len() => serial.to_vec(),
        contents => integer(contents),
    }
}

/// A whole INTEGER of these contents.
pub(crate) fn integer(contents: &[u8]) -> Vec<u8> {
    element(INTEGER, contents)
}

/// Whether these bytes are a SubjectPublicKeyInfo and nothing else.
pub(crate) fn is_public_key(der: &[u8]) -> bool {
    SubjectPublicKeyInfo::from_der(der).is_ok_and(|(rest, _)| rest.is_empty())
}

/// What a token calls keys of this algorithm.
pub(crate) fn key_type(public: &[u8]) -> Option<KeyType> {
    let (_, key) = SubjectPublicKeyInfo::from_der(public).ok()?;
    match key.algorithm.algorithm.to_id_string().as_str() {
        "1.2.840.113549.1.1.1" => Some(KeyType::RSA),
        "1.2.840.10045.2.1" => Some(KeyType::EC),
        "1.3.101.112" => Some(KeyType::EC_EDWARDS),
        _ => None,
    }
}

/// How long an RSA key is, if it is one.
pub(crate) fn rsa_bits(public: &[u8]) -> Option<usize> {
    let (_, key) = SubjectPublicKeyInfo::from_der(public).ok()?;
    match key.parsed() {
        Ok(PublicKey::RSA(key)) => {
            let zeros = key.modulus.iter().take_while(|byte| **byte == 0).count();
            let modulus = key.modulus.get(zeros..)?;
            let unused = usize::try_from(modulus.first()?.leading_zeros()).ok()?;
            Some(modulus.len() * 8 - unused)
        }
        _ => None,
    }
}

/// The SubjectPublicKeyInfo of an RSA key.
pub(crate) fn rsa_public(modulus: &[u8], exponent: &[u8]) -> Option<Vec<u8>> {
    if modulus.is_empty() || exponent.is_empty() {
        return None;
    }
    let key = element(SEQUENCE, &[unsigned(modulus), unsigned(exponent)].concat());
    Some(element(
        SEQUENCE,
        &[RSA.to_vec(), bit_string(&key)].concat(),
    ))
}

/// The SubjectPublicKeyInfo of a key on a curve; the point comes as the standard has it, in an
/// OCTET STRING, or bare, as some modules give it.
pub(crate) fn ec_public(parameters: &[u8], point: &[u8]) -> Option<Vec<u8>> {
    let algorithm = element(SEQUENCE, &[EC, parameters].concat());
    let point = bare(point)?;
    let spki = element(SEQUENCE, &[algorithm, bit_string(point)].concat());
    is_public_key(&spki).then_some(spki)
}

/// The SubjectPublicKeyInfo of an Ed25519 key.
pub(crate) fn ed25519_public(point: &[u8]) -> Option<Vec<u8>> {
    let point = bare(point).filter(|point| point.len() == 32)?;
    Some(element(
        SEQUENCE,
        &[ED25519.to_vec(), bit_string(point)].concat(),
    ))
}

/// The IssuerAndSerialNumber of RFC 5652, out of a DER Name and a whole DER INTEGER.
pub(crate) fn issuer_serial(issuer: &[u8], serial: &[u8]) -> Vec<u8> {
    element(SEQUENCE, &[issuer, serial].concat())
}

/// An ECDSA signature as TLS carries it, out of r and s one after the other, each of so many bytes.
pub(crate) fn ecdsa_signature(raw: &[u8], half: usize) -> Result<Vec<u8>, Error> {
    let halves = raw.split_at_checked(half);
    let Some((r, s)) = halves.filter(|(_, s)| s.len() == half) else {
        return Err(Error::internal(format!(
            "the token gave an ECDSA signature of {} bytes, where its curve has {half} and {half}",
            raw.len()
        )));
    };
    if [r, s]
        .iter()
        .any(|number| number.iter().all(|byte| *byte == 0))
    {
        return Err(Error::internal(
            "the token gave an ECDSA signature with a zero in it, which none has",
        ));
    }
    Ok(element(SEQUENCE, &[unsigned(r), unsigned(s)].concat()))
}

/// What stands in an OCTET STRING, or the bytes themselves where they are none.
fn bare(point: &[u8]) -> Option<&[u8]> {
    let inner = match point {
        [OCTET_STRING, length, rest @ ..] if usize::from(*length) == rest.len() => rest,
        [OCTET_STRING, 0x81, length, rest @ ..] if usize::from(*length) == rest.len() => rest,
        other => other,
    };
    (!inner.is_empty()).then_some(inner)
}

fn bit_string(bytes: &[u8]) -> Vec<u8> {
    element(BIT_STRING, &[&[0], bytes].concat())
}

/// A number of these bytes, never below zero and never longer than it has to be.
fn unsigned(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let bytes = bytes.get(zeros..).unwrap_or_default();
    match bytes.first() {
        Some(first) if first & 0x80 == 0 => element(INTEGER, bytes),
        _ => element(INTEGER, &[&[0], bytes].concat()),
    }
}

fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len().to_be_bytes();
    let zeros = length.iter().take_while(|byte| **byte == 0).count();
    let length = length.get(zeros..).unwrap_or_default();
    let mut der = vec![tag];
    match length {
        [] => der.push(0),
        [short] if *short < 0x80 => der.push(*short),
        long => {
            der.push(0x80 | u8::try_from(long.len()).unwrap_or_default());
            der.extend_from_slice(long);
        }
    }
    der.extend_from_slice(contents);
    der
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_neither_negative_nor_padded() {
        assert_eq!(unsigned(&[0, 0, 0x7f]), [2, 1, 0x7f]);
        assert_eq!(unsigned(&[0x80]), [2, 2, 0, 0x80]);
        assert_eq!(unsigned(&[0, 0]), [2, 1, 0]);
        assert_eq!(unsigned(&[]), [2, 1, 0]);
    }

    #[test]
    fn serial_numbers_come_whole_or_as_contents() {
        assert_eq!(whole_integer(&[2, 1, 5]), [2, 1, 5]);
        assert_eq!(whole_integer(&[5]), [2, 1, 5]);
        assert_eq!(whole_integer(&[2, 9]), [2, 2, 2, 9]);
    }

    #[test]
    fn lengths_are_as_short_as_they_can_be() {
        assert_eq!(element(4, &[]), [4, 0]);
        assert_eq!(element(4, &[7; 127]).get(..2).unwrap(), [4, 127]);
        assert_eq!(element(4, &[7; 128]).get(..3).unwrap(), [4, 0x81, 128]);
        assert_eq!(element(4, &[7; 256]).get(..4).unwrap(), [4, 0x82, 1, 0]);
    }

    #[test]
    fn signature_of_a_token_becomes_that_of_tls() {
        let mut small = [0; 32];
        small[31] = 5;
        let made = ecdsa_signature(&[[0x80; 32], small].concat(), 32).unwrap();
        assert_eq!(made.get(..5).unwrap(), [0x30, 0x26, 2, 0x21, 0]);
        assert_eq!(made.get(made.len() - 3..).unwrap(), [2, 1, 5]);
        for odd in [0, 32, 63, 65, 70, 96] {
            assert!(ecdsa_signature(&vec![1; odd], 32).is_err(), "{odd}");
        }
        assert!(ecdsa_signature(&[[0; 32], [1; 32]].concat(), 32).is_err());
        assert!(ecdsa_signature(&[[1; 32], [0; 32]].concat(), 32).is_err());
    }

    #[test]
    fn points_come_wrapped_or_bare() {
        assert_eq!(bare(&[4, 2, 4, 9]), Some(&[4, 9][..]));
        assert_eq!(bare(&[4, 9, 9]), Some(&[4, 9, 9][..]));
        assert_eq!(bare(&[4, 0]), None);
        assert_eq!(bare(&[]), None);
        assert!(ed25519_public(&[5; 31]).is_none());
        assert!(is_public_key(&ed25519_public(&[5; 32]).unwrap()));
        assert!(is_public_key(
            &rsa_public(&[0x80; 256], &[1, 0, 1]).unwrap()
        ));
        assert!(rsa_public(&[], &[1]).is_none());
        let p256 = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
        let point = [&[4, 65, 4][..], &[3; 64]].concat();
        assert!(ec_public(&p256, &point).is_some());
        assert!(ec_public(&[6, 200, 1], &point).is_none());
    }
}
