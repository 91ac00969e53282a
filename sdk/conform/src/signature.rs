//! Signatures, verified by somebody else than who made them.

use anchorhold_formats::der::{self, Reader};
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_ASN1,
    ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_ASN1, ECDSA_P521_SHA512_FIXED, ED25519,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
    UnparsedPublicKey, VerificationAlgorithm,
};

/// What is wrong with a signature, or that nobody here can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// It is wrong.
    Wrong(String),
    /// The scheme is not known here.
    Unknown,
}

/// Verifies the signature of a message by the key of a SubjectPublicKeyInfo.
pub(crate) fn verify(
    scheme: u16,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), Doubt> {
    let wrong = |why: &str| Doubt::Wrong(why.to_owned());
    let key = bits(key).ok_or_else(|| wrong("the key is no SubjectPublicKeyInfo"))?;
    let (algorithm, fixed) = algorithm(scheme).ok_or(Doubt::Unknown)?;
    let holds = |algorithm: &'static dyn VerificationAlgorithm| {
        UnparsedPublicKey::new(algorithm, &key)
            .verify(message, signature)
            .is_ok()
    };
    if holds(algorithm) {
        return Ok(());
    }
    if fixed.is_some_and(holds) {
        return Err(wrong(
            "the signature is r || s, and must be a DER SEQUENCE, as TLS carries it",
        ));
    }
    Err(wrong("the signature does not verify"))
}

type Algorithm = &'static dyn VerificationAlgorithm;

/// How a scheme is verified, and how it would be with r || s in place of a SEQUENCE.
fn algorithm(scheme: u16) -> Option<(Algorithm, Option<Algorithm>)> {
    let rsa = |parameters: &'static signature::RsaParameters| {
        let algorithm: Algorithm = parameters;
        (algorithm, None)
    };
    Some(match scheme {
        0x0401 => rsa(&RSA_PKCS1_2048_8192_SHA256),
        0x0501 => rsa(&RSA_PKCS1_2048_8192_SHA384),
        0x0601 => rsa(&RSA_PKCS1_2048_8192_SHA512),
        0x0804 | 0x0809 => rsa(&RSA_PSS_2048_8192_SHA256),
        0x0805 | 0x080a => rsa(&RSA_PSS_2048_8192_SHA384),
        0x0806 | 0x080b => rsa(&RSA_PSS_2048_8192_SHA512),
        0x0403 => (&ECDSA_P256_SHA256_ASN1, Some(&ECDSA_P256_SHA256_FIXED)),
        0x0503 => (&ECDSA_P384_SHA384_ASN1, Some(&ECDSA_P384_SHA384_FIXED)),
        0x0603 => (&ECDSA_P521_SHA512_ASN1, Some(&ECDSA_P521_SHA512_FIXED)),
        0x0807 => (&ED25519, None),
        _ => return None,
    })
}

/// The bits of a public key.
fn bits(key: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader::new(key);
    let outer = reader.expect(der::SEQUENCE).ok()?;
    reader.finish().ok()?;
    let mut reader = outer.reader();
    reader.expect(der::SEQUENCE).ok()?;
    let bits = reader.expect(0x03).ok()?;
    let (unused, bits) = bits.contents.split_first()?;
    (*unused == 0).then(|| bits.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair,
        EcdsaSigningAlgorithm, KeyPair,
    };

    /// The head of the SubjectPublicKeyInfo of a P-256 key.
    const P256: &[u8] = &[
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08,
        0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
    ];

    fn signed(algorithm: &'static EcdsaSigningAlgorithm) -> (Vec<u8>, Vec<u8>) {
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref()).unwrap();
        let signature = key.sign(&random, b"message").unwrap();
        let info = [P256, key.public_key().as_ref()].concat();
        (info, signature.as_ref().to_vec())
    }

    #[test]
    fn signature_of_tls_verifies() {
        let (key, signature) = signed(&ECDSA_P256_SHA256_ASN1_SIGNING);
        assert_eq!(verify(0x0403, &key, b"message", &signature), Ok(()));
        let other = verify(0x0403, &key, b"massage", &signature);
        assert_eq!(
            other,
            Err(Doubt::Wrong("the signature does not verify".to_owned()))
        );
        assert_eq!(
            verify(0x0001, &key, b"message", &signature),
            Err(Doubt::Unknown)
        );
    }

    #[test]
    fn signature_of_a_token_is_named() {
        let (key, signature) = signed(&ECDSA_P256_SHA256_FIXED_SIGNING);
        let Err(Doubt::Wrong(why)) = verify(0x0403, &key, b"message", &signature) else {
            panic!("it is taken for one of TLS");
        };
        assert!(why.contains("r || s"), "{why}");
    }
}
