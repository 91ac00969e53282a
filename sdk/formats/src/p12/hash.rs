//! The hashes of PKCS#12 files: authenticators and key derivation with each of them.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::digest::{Digest, Output};
use sha2::{Sha224, Sha256, Sha384, Sha512};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use super::ids;

/// A hash that keys are derived and contents authenticated with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha224,
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
            ids::SHA224 => Some(Self::Sha224),
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
            ids::HMAC_SHA224 => Some(Self::Sha224),
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
            Self::Sha224 => 28,
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
            Self::Sha224 => pbkdf2::pbkdf2_hmac::<Sha224>(password, salt, rounds, key),
            Self::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, rounds, key),
            Self::Sha384 => pbkdf2::pbkdf2_hmac::<Sha384>(password, salt, rounds, key),
            Self::Sha512 => pbkdf2::pbkdf2_hmac::<Sha512>(password, salt, rounds, key),
        }
    }

    /// The derivation of RFC 7292, B.2, for what `id` stands for: fills `key`. The password is in
    /// UTF-16, with its end.
    pub(super) fn pkcs12(self, id: u8, password: &[u8], salt: &[u8], rounds: u32, key: &mut [u8]) {
        match self {
            Self::Sha1 => derive::<Sha1>(id, password, salt, rounds, 64, key),
            Self::Sha224 => derive::<Sha224>(id, password, salt, rounds, 64, key),
            Self::Sha256 => derive::<Sha256>(id, password, salt, rounds, 64, key),
            Self::Sha384 => derive::<Sha384>(id, password, salt, rounds, 128, key),
            Self::Sha512 => derive::<Sha512>(id, password, salt, rounds, 128, key),
        }
    }

    /// The HMAC of `message`.
    pub(super) fn authenticate(self, key: &[u8], message: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha1 => authenticate::<Hmac<Sha1>>(key, message),
            Self::Sha224 => authenticate::<Hmac<Sha224>>(key, message),
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

/// RFC 7292, B.2, for a hash that works on blocks of so many bytes.
fn derive<D: Digest>(
    id: u8,
    password: &[u8],
    salt: &[u8],
    rounds: u32,
    block: usize,
    key: &mut [u8],
) {
    let diversifier = vec![id; block];
    let salt = repeated(salt, block);
    let password = repeated(password, block);
    let mut input = Zeroizing::new(Vec::with_capacity(salt.len() + password.len()));
    input.extend_from_slice(&salt);
    input.extend_from_slice(&password);
    for piece in key.chunks_mut(<D as Digest>::output_size()) {
        let first = D::new().chain_update(&diversifier).chain_update(&*input);
        let mut state: Output<D> = first.finalize();
        for _ in 1..rounds {
            state = D::digest(&state);
        }
        piece.copy_from_slice(&state[..piece.len()]);
        for block in input.chunks_mut(block) {
            add(block, &state);
        }
        state.zeroize();
    }
}

/// Adds `state`, repeated to the size of `block`, and one to the number that `block` is.
fn add(block: &mut [u8], state: &[u8]) {
    let mut carry = 1;
    for (index, byte) in block.iter_mut().enumerate().rev() {
        let sum = u16::from(*byte) + u16::from(state[index % state.len()]) + carry;
        let [high, low] = sum.to_be_bytes();
        *byte = low;
        carry = u16::from(high);
    }
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
    use crate::p12::password::bmp_with_end;

    // These two are the vectors that the Java and Go libraries test with.
    #[test]
    fn the_key_of_an_authenticator_is_that_of_other_libraries() {
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
            Hash::Sha1.pkcs12(3, &bmp_with_end(password), &salt, rounds, &mut key);
            assert_eq!(HEXLOWER.encode(&key), expected, "{password}");
        }
    }

    // These are of the same vectors; they take more than one block, with a carry from one byte to
    // the next.
    #[test]
    fn a_key_longer_than_the_hash_is_that_of_other_libraries() {
        for (id, password, salt, rounds, expected) in [
            (
                1,
                "smeg",
                "0a58cf64530d823f",
                1,
                "8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3",
            ),
            (2, "smeg", "0a58cf64530d823f", 1, "79993dfe048d3b76"),
            (
                1,
                "queeg",
                "05dec959acff72f7",
                1000,
                "ed2034e36328830ff09df1e1a07dd357185dac0d4f9eb3d4",
            ),
            (2, "queeg", "05dec959acff72f7", 1000, "11dedad7758d4860"),
        ] {
            let salt = HEXLOWER.decode(salt.as_bytes()).unwrap();
            let mut key = vec![0; expected.len() / 2];
            Hash::Sha1.pkcs12(id, &bmp_with_end(password), &salt, rounds, &mut key);
            assert_eq!(HEXLOWER.encode(&key), expected, "{password}");
        }
    }

    #[test]
    fn addition_carries_and_wraps_around() {
        let mut block = [0x00, 0xff, 0xfe, 0xff];
        add(&mut block, &[0x00, 0x01]);
        assert_eq!(block, [0x01, 0x00, 0xff, 0x01]);
        let mut block = [0xff; 3];
        add(&mut block, &[0]);
        assert_eq!(block, [0; 3]);
    }

    #[test]
    fn repetition_fills_whole_blocks_and_leaves_nothing_empty() {
        assert_eq!(*repeated(&[1, 2, 3], 4), [1, 2, 3, 1]);
        assert_eq!(*repeated(&[1, 2, 3, 4, 5], 4), [1, 2, 3, 4, 5, 1, 2, 3]);
        assert_eq!(*repeated(&[], 4), []);
    }
}
