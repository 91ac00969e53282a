//! How a part is encrypted: read in every form that is in use, written in one.

use std::thread;

use aes::Aes256;
use cbc::cipher::block_padding::{NoPadding, Padding, Pkcs7};
use cbc::cipher::{BlockModeEncrypt, KeyIvInit};

use super::algorithm::{identifier, read_encryption};
use super::cipher::{Cipher, MAX_BLOCK};
use super::hash::Hash;
use super::password::{Derivation, Password, Purpose};
use super::{P12Error, ids};
use crate::der::{self, Element, NULL, OCTET_STRING, SEQUENCE};

/// How a part is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Encryption {
    pub(super) cipher: Cipher,
    pub(super) key: Derivation,
    pub(super) vector: Vector,
}

/// What the first block is mixed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Vector {
    /// It stands in the file.
    Stated(Vec<u8>),
    /// It comes from the password, as the key does.
    Derived(Derivation),
}

/// The size of a block of what is written.
pub(super) const BLOCK: usize = MAX_BLOCK;

impl Encryption {
    /// What is written: AES-256 with a key by PBKDF2 with HMAC-SHA-256.
    pub(super) fn new(salt: &[u8], iv: [u8; BLOCK], rounds: u32) -> Self {
        let cipher = Cipher::Aes256;
        Self {
            cipher,
            key: Derivation {
                purpose: Purpose::Pbes2(cipher.key_size()),
                hash: Hash::Sha256,
                salt: salt.to_vec(),
                rounds,
            },
            vector: Vector::Stated(iv.to_vec()),
        }
    }

    /// Reads an AlgorithmIdentifier.
    pub(super) fn read(algorithm: &Element<'_>) -> Result<Self, P12Error> {
        read_encryption(algorithm)
    }

    /// The AlgorithmIdentifier of what [`Encryption::new`] makes.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut rounds = Vec::new();
        der::integer(&mut rounds, self.key.rounds);
        let salt = der::wrap(OCTET_STRING, &[&self.key.salt]);
        let hash = identifier(ids::HMAC_SHA256, &der::wrap(NULL, &[]));
        let derivation = der::wrap(SEQUENCE, &[&salt, &rounds, &hash]);
        let iv: &[u8] = match &self.vector {
            Vector::Stated(iv) => iv,
            Vector::Derived(_) => &[],
        };
        let parameters = der::wrap(
            SEQUENCE,
            &[
                &identifier(ids::PBKDF2, &derivation),
                &identifier(ids::AES_256_CBC, &der::wrap(OCTET_STRING, &[iv])),
            ],
        );
        identifier(ids::PBES2, &parameters)
    }

    /// How many rounds its keys take.
    pub(super) fn rounds(&self) -> u32 {
        match &self.vector {
            Vector::Stated(_) => self.key.rounds,
            // The key of some ciphers is longer than the hash, which then runs twice.
            Vector::Derived(vector) => self
                .key
                .rounds
                .saturating_mul(2)
                .saturating_add(vector.rounds),
        }
    }

    /// Encrypts the first `length` of `bytes` where they are, as [`Encryption::new`] has it. The
    /// rest is room for padding, a block at most, that makes a whole number of blocks.
    #[expect(
        clippy::expect_used,
        reason = "the key has the size of the cipher's, and the caller left room"
    )]
    pub(super) fn encrypt(&self, bytes: &mut [u8], length: usize, password: &mut Password) {
        let iv = self.iv(password);
        let key = password.key(&self.key);
        let mode = cbc::Encryptor::<Aes256>::new_from_slices(key, &iv)
            .expect("`new` asks for a key of this size");
        mode.encrypt_padded::<Pkcs7>(bytes, length)
            .expect("there is room for the padding");
    }

    /// Decrypts `bytes` where they are, and returns how many there are without the padding;
    /// none if that is wrong.
    pub(super) fn decrypt(&self, bytes: &mut [u8], password: &mut Password) -> Option<usize> {
        self.unpad::<Pkcs7>(bytes, password)
    }

    /// Whether `bytes` seem to have been encrypted with this password: whether their first block
    /// begins a SEQUENCE that ends where padding can begin.
    ///
    /// This is for the wording of an error about bytes that are not trusted. Nothing else of
    /// them is decrypted, and the answer is never a reason to read them.
    pub(super) fn seems_right(&self, bytes: &[u8], password: &mut Password) -> bool {
        let block = self.cipher.block();
        let Some(mut first) = bytes.get(..block).map(<[u8]>::to_vec) else {
            return false;
        };
        if self.unpad::<NoPadding>(&mut first, password).is_none() {
            return false;
        }
        if first.starts_with(&[SEQUENCE, INDEFINITE]) {
            return true;
        }
        let padding = der::stated_size(&first)
            .ok()
            .and_then(|size| bytes.len().checked_sub(size));
        first.starts_with(&[SEQUENCE]) && padding.is_some_and(|size| (1..=block).contains(&size))
    }

    fn unpad<P: Padding>(&self, bytes: &mut [u8], password: &mut Password) -> Option<usize> {
        let iv = self.iv(password);
        let key = password.key(&self.key);
        let block = self.cipher.block();
        let middle = if bytes.len() < LARGE {
            0
        } else {
            bytes.len() / 2 / block * block
        };
        let (front, back) = bytes.split_at_mut(middle);
        // A block needs nothing of those before it but the last, as it was encrypted.
        let Some(last) = front.len().checked_sub(block) else {
            return self.cipher.unpad::<P>(key, &iv, back);
        };
        let before = front[last..].to_vec();
        let (shared, back) = thread::scope(|scope| {
            let decrypt = || self.cipher.unpad::<NoPadding>(key, &iv, front);
            let thread = thread::Builder::new().spawn_scoped(scope, decrypt).ok();
            let back = self.cipher.unpad::<P>(key, &before, back);
            (thread.map(|thread| thread.join().ok().flatten()), back)
        });
        // A thread that could not be had has touched nothing.
        let front = shared.unwrap_or_else(|| self.cipher.unpad::<NoPadding>(key, &iv, front));
        front?.checked_add(back?)
    }

    fn iv(&self, password: &mut Password) -> Vec<u8> {
        match &self.vector {
            Vector::Stated(iv) => iv.clone(),
            Vector::Derived(from) => password.key(from).to_vec(),
        }
    }
}

/// In bytes: of so many, decrypting takes longer than starting a thread to share it.
const LARGE: usize = 2 << 20;

/// The length octet of BER that leaves the length open.
const INDEFINITE: u8 = 0x80;
