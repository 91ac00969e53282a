//! Which keys and signature algorithms are acceptable, and what the others are called.

use anchorhold_formats::der::{INTEGER, OID, Reader, SEQUENCE};

use crate::outline::{Outline, only};
use crate::provider::algorithms;

/// Why the certificate's key is not acceptable, in a few words.
pub(crate) fn key_weakness(outline: &Outline<'_>) -> Option<String> {
    let Ok((algorithm, key)) = outline.key() else {
        return Some("its key cannot be read".to_owned());
    };
    if algorithm == RSA {
        return match rsa_bits(key) {
            Some(bits) if bits < RSA_MIN => {
                Some(format!("its RSA key has {bits} bits, fewer than {RSA_MIN}"))
            }
            Some(bits) if bits > RSA_MAX => {
                Some(format!("its RSA key has {bits} bits, more than {RSA_MAX}"))
            }
            Some(_) => None,
            None => Some("its RSA key cannot be read".to_owned()),
        };
    }
    // The same key in another form would have another digest, by which it could not be distrusted.
    let is_ec = Reader::new(algorithm).oid().is_ok_and(|oid| oid == EC);
    if is_ec && key.first() != Some(&UNCOMPRESSED) {
        return Some("its EC key is not in the uncompressed form".to_owned());
    }
    let known = algorithms()
        .all
        .iter()
        .any(|known| &*known.public_key_alg_id() == algorithm);
    (!known).then(|| format!("its key, {}, is not of an accepted kind", key_name(outline)))
}

/// Why the certificate's signature algorithm is not acceptable, in a few words.
pub(crate) fn signature_weakness(outline: &Outline<'_>) -> Option<String> {
    let known = algorithms()
        .all
        .iter()
        .any(|known| &*known.signature_alg_id() == outline.algorithm);
    (!known).then(|| {
        format!(
            "its signature algorithm, {}, is not accepted",
            signature_name(outline)
        )
    })
}

/// Whether the certificate's signature was made with the key of `signer`.
pub(crate) fn is_signed_by(outline: &Outline<'_>, signer: &Outline<'_>) -> bool {
    let Ok((key_algorithm, key)) = signer.key() else {
        return false;
    };
    algorithms()
        .all
        .iter()
        .filter(|known| {
            &*known.signature_alg_id() == outline.algorithm
                && &*known.public_key_alg_id() == key_algorithm
        })
        .any(|known| {
            known
                .verify_signature(key, outline.signed, outline.signature)
                .is_ok()
        })
}

/// The key for people: "RSA 2048", "EC P-256".
pub(crate) fn key_name(outline: &Outline<'_>) -> String {
    let Ok((algorithm, key)) = outline.key() else {
        return "unreadable".to_owned();
    };
    if algorithm == RSA {
        return rsa_bits(key).map_or_else(|| "RSA".to_owned(), |bits| format!("RSA {bits}"));
    }
    let mut parts = Reader::new(algorithm);
    let oid = parts.oid().unwrap_or_default();
    let curve = parts
        .expect(OID)
        .map(|element| element.contents)
        .unwrap_or_default();
    match KEYS
        .iter()
        .find(|(known, known_curve, _)| *known == oid && *known_curve == curve)
    {
        Some((_, _, name)) => (*name).to_owned(),
        None => anchorhold_formats::der::dotted(oid),
    }
}

/// The signature algorithm for people: "ECDSA with SHA-256".
pub(crate) fn signature_name(outline: &Outline<'_>) -> String {
    let oid = Reader::new(outline.algorithm).oid().unwrap_or_default();
    match SIGNATURES.iter().find(|(known, _)| *known == oid) {
        Some((_, name)) => (*name).to_owned(),
        None => anchorhold_formats::der::dotted(oid),
    }
}

fn rsa_bits(key: &[u8]) -> Option<usize> {
    let modulus = Reader::new(only(key, SEQUENCE).ok()?)
        .expect(INTEGER)
        .ok()?
        .contents;
    let digits = match modulus {
        [0, digits @ ..] => digits,
        digits => digits,
    };
    let unused = usize::try_from(digits.first()?.leading_zeros()).ok()?;
    (digits.len() * 8).checked_sub(unused)
}

const RSA_MIN: usize = 2048;
const RSA_MAX: usize = 8192;

/// What an elliptic curve point begins with that has both of its coordinates.
const UNCOMPRESSED: u8 = 4;

/// rsaEncryption with its NULL.
const RSA: &[u8] = &[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];

const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

/// Key algorithms: OID, curve, name.
const KEYS: &[(&[u8], &[u8], &str)] = &[
    (
        EC,
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07],
        "EC P-256",
    ),
    (EC, &[0x2b, 0x81, 0x04, 0x00, 0x22], "EC P-384"),
    (EC, &[0x2b, 0x81, 0x04, 0x00, 0x23], "EC P-521"),
    (EC, &[0x2b, 0x81, 0x04, 0x00, 0x21], "EC P-224"),
    (EC, &[0x2b, 0x81, 0x04, 0x00, 0x0a], "EC secp256k1"),
    (
        EC,
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01],
        "EC P-192",
    ),
    (&[0x2b, 0x65, 0x70], &[], "Ed25519"),
    (&[0x2b, 0x65, 0x71], &[], "Ed448"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01], &[], "DSA"),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01],
        &[],
        "RSA without parameters",
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a],
        &[],
        "RSA for PSS only",
    ),
    (
        &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x11],
        &[],
        "ML-DSA-44",
    ),
    (
        &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x12],
        &[],
        "ML-DSA-65",
    ),
    (
        &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x13],
        &[],
        "ML-DSA-87",
    ),
];

/// Signature algorithms: OID, name.
const SIGNATURES: &[(&[u8], &str)] = &[
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x02],
        "RSA with MD2",
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04],
        "RSA with MD5",
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05],
        "RSA with SHA-1",
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a],
        "RSA-PSS",
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b],
        "RSA with SHA-256",
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c],
        "RSA with SHA-384",
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d],
        "RSA with SHA-512",
    ),
    (
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0e],
        "RSA with SHA-224",
    ),
    (
        &[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x03],
        "DSA with SHA-1",
    ),
    (
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01],
        "ECDSA with SHA-1",
    ),
    (
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x01],
        "ECDSA with SHA-224",
    ),
    (
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
        "ECDSA with SHA-256",
    ),
    (
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03],
        "ECDSA with SHA-384",
    ),
    (
        &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04],
        "ECDSA with SHA-512",
    ),
    (&[0x2b, 0x0e, 0x03, 0x02, 0x1d], "RSA with SHA-1"),
    (&[0x2b, 0x65, 0x70], "Ed25519"),
    (&[0x2b, 0x65, 0x71], "Ed448"),
    (
        &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x11],
        "ML-DSA-44",
    ),
    (
        &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x12],
        "ML-DSA-65",
    ),
    (
        &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, 0x13],
        "ML-DSA-87",
    ),
];
