//! The four hashes of PKCS#12 files: authenticators and key derivation with each of them.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::digest::{Digest, Output};
use sha2::{Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use super::ids;

/// A hash that keys are derived and contents authenticated with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

/// The longest key that is derived: the output of SHA-512.
pub(super) const MAX_KEY: usize = 64;

impl Hash {
    /// The hash of this identifier.
    pub(super) fn of_digest(oid: &[u8]) -> Option<Self> {
        match oid {
            ids::SHA1 => Some(Self::Sha1),
            ids::SHA256 => Some(Self::Sha256),
            ids::SHA384 => Some(Self::Sha384),
            ids::SHA512 => Some(Self::Sha512),
            _ => None,
        }
    }

    /// The hash whose HMAC has this identifier.
    pub(super) fn of_hmac(oid: &[u8]) -> Option<Self> {
        match oid {
            ids::HMAC_SHA1 => Some(Self::Sha1),
            ids::HMAC_SHA256 => Some(Self::Sha256),
            ids::HMAC_SHA384 => Some(Self::Sha384),
            ids::HMAC_SHA512 => Some(Self::Sha512),
            _ => None,
        }
    }

    /// The size of its output.
    pub(super) fn size(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => MAX_KEY,
        }
    }

    /// PBKDF2 of RFC 8018: fills `key`.
    pub(super) fn pbkdf2(self, password: &str, salt: &[u8], rounds: u32, key: &mut [u8]) {
        let password = password.as_bytes();
        match self {
            Self::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, rounds, key),
            Self::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, rounds, key),
            Self::Sha384 => pbkdf2::pbkdf2_hmac::<Sha384>(password, salt, rounds, key),
            Self::Sha512 => pbkdf2::pbkdf2_hmac::<Sha512>(password, salt, rounds, key),
        }
    }

    /// The key of an authenticator by RFC 7292, B.2 with ID 3: fills `key`, which is as long as
    /// the hash.
    pub(super) fn mac_key(self, password: &str, salt: &[u8], rounds: u32, key: &mut [u8]) {
        match self {
            Self::Sha1 => mac_key::<Sha1>(password, salt, rounds, 64, key),
            Self::Sha256 => mac_key::<Sha256>(password, salt, rounds, 64, key),
            Self::Sha384 => mac_key::<Sha384>(password, salt, rounds, 128, key),
            Self::Sha512 => mac_key::<Sha512>(password, salt, rounds, 128, key),
        }
    }

    /// The HMAC of `message`.
    pub(super) fn authenticate(self, key: &[u8], message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => authenticate::<Hmac<Sha1>>(key, message),
            Self::Sha256 => authenticate::<Hmac<Sha256>>(key, message),
            Self::Sha384 => authenticate::<Hmac<Sha384>>(key, message),
            Self::Sha512 => authenticate::<Hmac<Sha512>>(key, message),
        }
    }

    /// Whether `expected` is the HMAC of `message`, in a time that does not tell where they
    /// differ.
    pub(super) fn verify(self, key: &[u8], message: &[u8], expected: &[u8]) -> bool {
        self.authenticate(key, message).ct_eq(expected).into()
    }
}

/// RFC 7292, B.2 for a key no longer than the hash, where its outer loop runs once.
fn mac_key<D: Digest>(password: &str, salt: &[u8], rounds: u32, block: usize, key: &mut [u8]) {
    /// The identifier of a key for authentication.
    const DIVERSIFIER: u8 = 3;
    let mut password = Zeroizing::new(bmp_with_end(password));
    let mut digest = D::new();
    for _ in 0..block {
        digest.update([DIVERSIFIER]);
    }
    digest.update(&*repeated(salt, block));
    digest.update(&*repeated(&password, block));
    password.zeroize();
    let mut state: Output<D> = digest.finalize();
    for _ in 1..rounds {
        state = D::digest(&state);
    }
    key.copy_from_slice(&state[..key.len()]);
    state.zeroize();
}

/// `text` in UTF-16, big-endian, with two zero bytes after it.
fn bmp_with_end(text: &str) -> Vec<u8> {
    // Room for the longest result, so that no half-filled copy is left behind by growing.
    let mut bytes = Vec::with_capacity(2 * text.len() + 2);
    for unit in text.encode_utf16() {
        bytes.extend_from_slice(&unit.to_be_bytes());
    }
    bytes.extend_from_slice(&[0, 0]);
    bytes
}

/// Copies of `bytes` one after another, up to the next multiple of `block`.
fn repeated(bytes: &[u8], block: usize) -> Zeroizing<Vec<u8>> {
    let size = bytes.len().div_ceil(block) * block;
    let mut filled = Zeroizing::new(Vec::with_capacity(size));
    filled.extend(bytes.iter().cycle().take(size));
    filled
}

fn authenticate<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Vec<u8> {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes any key");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    // These two are the vectors that the Java and Go libraries test with.
    #[test]
    fn the_key_of_an_authenticator_is_that_of_the_standard() {
        for (password, salt, rounds, expected) in [
            (
                "smeg",
                "3d83c0e4546ac140",
                1,
                "8d967d88f6caa9d714800ab3d48051d63f73a312",
            ),
            (
                "queeg",
                "263216fcc2fab31c",
                1000,
                "5ec4c7a80df652294c3925b6489a7ab857c83476",
            ),
        ] {
            let salt = HEXLOWER.decode(salt.as_bytes()).unwrap();
            let mut key = [0; 20];
            Hash::Sha1.mac_key(password, &salt, rounds, &mut key);
            assert_eq!(HEXLOWER.encode(&key), expected, "{password}");
        }
    }

    #[test]
    fn a_password_outside_the_basic_plane_is_two_surrogates() {
        assert_eq!(
            bmp_with_end("a\u{1f511}"),
            [0, b'a', 0xd8, 0x3d, 0xdd, 0x11, 0, 0]
        );
        assert_eq!(bmp_with_end(""), [0, 0]);
    }

    #[test]
    fn repetition_fills_whole_blocks_and_leaves_nothing_empty() {
        assert_eq!(*repeated(&[1, 2, 3], 4), [1, 2, 3, 1]);
        assert_eq!(*repeated(&[1, 2, 3, 4, 5], 4), [1, 2, 3, 4, 5, 1, 2, 3]);
        assert_eq!(*repeated(&[], 4), []);
    }
}
