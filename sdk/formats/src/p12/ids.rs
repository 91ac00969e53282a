//! The object identifiers of PKCS#12 and what it builds on, as their contents.

/// data, 1.2.840.113549.1.7.1.
pub(super) const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
/// signedData, 1.2.840.113549.1.7.2.
pub(super) const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
/// encryptedData, 1.2.840.113549.1.7.6.
pub(super) const ENCRYPTED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 6];

/// pbeWithSHAAnd3-KeyTripleDES-CBC, 1.2.840.113549.1.12.1.3.
pub(super) const PBE_TRIPLE_DES: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 1, 3];
/// pbeWithSHAAnd2-KeyTripleDES-CBC, 1.2.840.113549.1.12.1.4.
pub(super) const PBE_TWO_KEY_TRIPLE_DES: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 1, 4];
/// pbeWithSHAAnd128BitRC2-CBC, 1.2.840.113549.1.12.1.5.
pub(super) const PBE_RC2_128: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 1, 5];
/// pbeWithSHAAnd40BitRC2-CBC, 1.2.840.113549.1.12.1.6.
pub(super) const PBE_RC2_40: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 1, 6];

/// PBES2, 1.2.840.113549.1.5.13.
pub(super) const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13];
/// PBKDF2, 1.2.840.113549.1.5.12.
pub(super) const PBKDF2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 12];
/// PBMAC1, 1.2.840.113549.1.5.14.
pub(super) const PBMAC1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 14];

/// hmacWithSHA1, 1.2.840.113549.2.7.
pub(super) const HMAC_SHA1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 7];
/// hmacWithSHA224, 1.2.840.113549.2.8.
pub(super) const HMAC_SHA224: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 8];
/// hmacWithSHA256, 1.2.840.113549.2.9.
pub(super) const HMAC_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 9];
/// hmacWithSHA384, 1.2.840.113549.2.10.
pub(super) const HMAC_SHA384: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 10];
/// hmacWithSHA512, 1.2.840.113549.2.11.
pub(super) const HMAC_SHA512: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 2, 11];

/// SHA-1, 1.3.14.3.2.26.
pub(super) const SHA1: &[u8] = &[0x2b, 0x0e, 3, 2, 26];
/// SHA-224, 2.16.840.1.101.3.4.2.4.
pub(super) const SHA224: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 4];
/// SHA-256, 2.16.840.1.101.3.4.2.1.
pub(super) const SHA256: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
/// SHA-384, 2.16.840.1.101.3.4.2.2.
pub(super) const SHA384: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2];
/// SHA-512, 2.16.840.1.101.3.4.2.3.
pub(super) const SHA512: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3];

/// DES-EDE3-CBC, 1.2.840.113549.3.7.
pub(super) const TRIPLE_DES_CBC: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 3, 7];
/// aes128-CBC-PAD, 2.16.840.1.101.3.4.1.2.
pub(super) const AES_128_CBC: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 2];
/// aes192-CBC-PAD, 2.16.840.1.101.3.4.1.22.
pub(super) const AES_192_CBC: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 22];
/// aes256-CBC-PAD, 2.16.840.1.101.3.4.1.42.
pub(super) const AES_256_CBC: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 1, 42];

/// keyBag, 1.2.840.113549.1.12.10.1.1: a private key in clear.
pub(super) const KEY_BAG: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1, 1];
/// pkcs8ShroudedKeyBag, 1.2.840.113549.1.12.10.1.2: a private key, encrypted.
pub(super) const SHROUDED_KEY_BAG: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1, 2];
/// certBag, 1.2.840.113549.1.12.10.1.3.
pub(super) const CERT_BAG: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1, 3];
/// x509Certificate, 1.2.840.113549.1.9.22.1.
pub(super) const X509: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 22, 1];

/// friendlyName, 1.2.840.113549.1.9.20.
pub(super) const FRIENDLY_NAME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 20];
/// localKeyId, 1.2.840.113549.1.9.21.
pub(super) const LOCAL_KEY_ID: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 21];
/// Java's mark of a trusted certificate, 2.16.840.1.113894.746875.1.1.
pub(super) const JAVA_TRUSTED: &[u8] = &[
    0x60, 0x86, 0x48, 1, 0x86, 0xf9, 0x66, 0xad, 0xca, 0x7b, 1, 1,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::der::dotted;

    #[test]
    fn every_identifier_is_what_its_comment_says() {
        for (id, text) in [
            (DATA, "1.2.840.113549.1.7.1"),
            (SIGNED_DATA, "1.2.840.113549.1.7.2"),
            (ENCRYPTED_DATA, "1.2.840.113549.1.7.6"),
            (PBE_TRIPLE_DES, "1.2.840.113549.1.12.1.3"),
            (PBE_TWO_KEY_TRIPLE_DES, "1.2.840.113549.1.12.1.4"),
            (PBE_RC2_128, "1.2.840.113549.1.12.1.5"),
            (PBE_RC2_40, "1.2.840.113549.1.12.1.6"),
            (PBES2, "1.2.840.113549.1.5.13"),
            (PBKDF2, "1.2.840.113549.1.5.12"),
            (PBMAC1, "1.2.840.113549.1.5.14"),
            (HMAC_SHA1, "1.2.840.113549.2.7"),
            (HMAC_SHA224, "1.2.840.113549.2.8"),
            (HMAC_SHA256, "1.2.840.113549.2.9"),
            (HMAC_SHA384, "1.2.840.113549.2.10"),
            (HMAC_SHA512, "1.2.840.113549.2.11"),
            (SHA1, "1.3.14.3.2.26"),
            (SHA224, "2.16.840.1.101.3.4.2.4"),
            (SHA256, "2.16.840.1.101.3.4.2.1"),
            (SHA384, "2.16.840.1.101.3.4.2.2"),
            (SHA512, "2.16.840.1.101.3.4.2.3"),
            (TRIPLE_DES_CBC, "1.2.840.113549.3.7"),
            (AES_128_CBC, "2.16.840.1.101.3.4.1.2"),
            (AES_192_CBC, "2.16.840.1.101.3.4.1.22"),
            (AES_256_CBC, "2.16.840.1.101.3.4.1.42"),
            (KEY_BAG, "1.2.840.113549.1.12.10.1.1"),
            (SHROUDED_KEY_BAG, "1.2.840.113549.1.12.10.1.2"),
            (CERT_BAG, "1.2.840.113549.1.12.10.1.3"),
            (X509, "1.2.840.113549.1.9.22.1"),
            (FRIENDLY_NAME, "1.2.840.113549.1.9.20"),
            (LOCAL_KEY_ID, "1.2.840.113549.1.9.21"),
            (JAVA_TRUSTED, "2.16.840.1.113894.746875.1.1"),
        ] {
            assert_eq!(dotted(id), text);
        }
    }
}
