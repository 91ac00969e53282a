//! Password-based encryption by PBES2: PBKDF2 and AES in CBC mode.

use std::thread;

use aes::{Aes128, Aes192, Aes256};
use cbc::cipher::block_padding::{NoPadding, Padding, Pkcs7};
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};

use super::hash::Hash;
use super::password::{Derivation, Password, Purpose};
use super::{MAX_ITERATIONS, P12Error, ids};
use crate::der::{self, Element, NULL, OCTET_STRING, SEQUENCE};

/// The size of a block of AES.
pub(super) const BLOCK: usize = 16;

/// How a part is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pbes2 {
    cipher: Cipher,
    key: Derivation,
    iv: [u8; BLOCK],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cipher {
    Aes128,
    Aes192,
    Aes256,
}

impl Pbes2 {
    /// What is written: AES-256 with a key by HMAC-SHA-256.
    pub(super) fn new(salt: &[u8], iv: [u8; BLOCK], rounds: u32) -> Self {
        let cipher = Cipher::Aes256;
        Self {
            cipher,
            key: Derivation {
                purpose: Purpose::Encryption(cipher.key_size()),
                hash: Hash::Sha256,
                salt: salt.to_vec(),
                rounds,
            },
            iv,
        }
    }

    /// Reads an AlgorithmIdentifier.
    pub(super) fn read(algorithm: &Element<'_>) -> Result<Self, P12Error> {
        let wrong = P12Error::reading("how a part is encrypted");
        let mut reader = algorithm.reader();
        let oid = reader.oid().map_err(&wrong)?;
        if oid != ids::PBES2 {
            return Err(P12Error::unknown("encryption", oid));
        }
        let mut parameters = reader.expect(SEQUENCE).map_err(&wrong)?.reader();
        reader.finish().map_err(&wrong)?;
        let derivation = parameters.expect(SEQUENCE).map_err(&wrong)?;
        let scheme = parameters.expect(SEQUENCE).map_err(&wrong)?;
        parameters.finish().map_err(&wrong)?;
        let (cipher, iv) = read_cipher(&scheme)?;
        Ok(Self {
            cipher,
            key: read_derivation(&derivation, cipher.key_size())?,
            iv,
        })
    }

    /// How many rounds its key takes.
    pub(super) fn rounds(&self) -> u32 {
        self.key.rounds
    }

    /// The AlgorithmIdentifier of what [`Pbes2::new`] makes.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut rounds = Vec::new();
        der::integer(&mut rounds, self.key.rounds);
        let salt = der::wrap(OCTET_STRING, &[&self.key.salt]);
        let hash = identifier(ids::HMAC_SHA256, &der::wrap(NULL, &[]));
        let derivation = der::wrap(SEQUENCE, &[&salt, &rounds, &hash]);
        let iv = der::wrap(OCTET_STRING, &[&self.iv]);
        let parameters = der::wrap(
            SEQUENCE,
            &[
                &identifier(ids::PBKDF2, &derivation),
                &identifier(ids::AES_256_CBC, &iv),
            ],
        );
        identifier(ids::PBES2, &parameters)
    }

    /// Encrypts the first `length` of `bytes` where they are, as [`Pbes2::new`] has it. The rest
    /// is room for padding, a block at most, that makes a whole number of blocks.
    #[expect(
        clippy::expect_used,
        reason = "the key has the size of the cipher's, and the caller left room"
    )]
    pub(super) fn encrypt(&self, bytes: &mut [u8], length: usize, password: &mut Password) {
        let key = password.key(&self.key);
        let mode = cbc::Encryptor::<Aes256>::new_from_slices(key, &self.iv)
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
        let Some(mut block) = bytes.first_chunk::<BLOCK>().copied() else {
            return false;
        };
        if self.unpad::<NoPadding>(&mut block, password).is_none() {
            return false;
        }
        let padding = der::stated_size(&block)
            .ok()
            .and_then(|size| bytes.len().checked_sub(size));
        block[0] == SEQUENCE && padding.is_some_and(|padding| (1..=BLOCK).contains(&padding))
    }

    fn unpad<P: Padding>(&self, bytes: &mut [u8], password: &mut Password) -> Option<usize> {
        let key = password.key(&self.key);
        let middle = if bytes.len() < LARGE {
            0
        } else {
            bytes.len() / 2 / BLOCK * BLOCK
        };
        let (front, back) = bytes.split_at_mut(middle);
        // A block needs nothing of those before it but the last, as it was encrypted.
        let Some(iv) = front.last_chunk::<BLOCK>().copied() else {
            return self.cipher.unpad::<P>(key, &self.iv, back);
        };
        let (shared, back) = thread::scope(|scope| {
            let decrypt = || self.cipher.unpad::<NoPadding>(key, &self.iv, front);
            let thread = thread::Builder::new().spawn_scoped(scope, decrypt).ok();
            let back = self.cipher.unpad::<P>(key, &iv, back);
            (thread.map(|thread| thread.join().ok().flatten()), back)
        });
        // A thread that could not be had has touched nothing.
        let front = shared.unwrap_or_else(|| self.cipher.unpad::<NoPadding>(key, &self.iv, front));
        front?.checked_add(back?)
    }
}

impl Cipher {
    fn key_size(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }

    fn unpad<P: Padding>(self, key: &[u8], iv: &[u8], bytes: &mut [u8]) -> Option<usize> {
        match self {
            Self::Aes128 => unpad::<cbc::Decryptor<Aes128>, P>(key, iv, bytes),
            Self::Aes192 => unpad::<cbc::Decryptor<Aes192>, P>(key, iv, bytes),
            Self::Aes256 => unpad::<cbc::Decryptor<Aes256>, P>(key, iv, bytes),
        }
    }
}

/// The cipher and its initialisation vector.
fn read_cipher(scheme: &Element<'_>) -> Result<(Cipher, [u8; BLOCK]), P12Error> {
    let wrong = P12Error::reading("the cipher of a part");
    let mut reader = scheme.reader();
    let cipher = match reader.oid().map_err(&wrong)? {
        ids::AES_128_CBC => Cipher::Aes128,
        ids::AES_192_CBC => Cipher::Aes192,
        ids::AES_256_CBC => Cipher::Aes256,
        other => return Err(P12Error::unknown("cipher", other)),
    };
    let iv = reader.expect(OCTET_STRING).map_err(&wrong)?;
    reader.finish().map_err(&wrong)?;
    let Ok(iv) = iv.contents.try_into() else {
        return Err(wrong(iv.out_of_range()));
    };
    Ok((cipher, iv))
}

/// PBKDF2, its salt, rounds and hash.
fn read_derivation(scheme: &Element<'_>, key_size: usize) -> Result<Derivation, P12Error> {
    let wrong = P12Error::reading("the key derivation of a part");
    let mut reader = scheme.reader();
    let oid = reader.oid().map_err(&wrong)?;
    if oid != ids::PBKDF2 {
        return Err(P12Error::unknown("key derivation", oid));
    }
    let parameters = reader.expect(SEQUENCE).map_err(&wrong)?;
    reader.finish().map_err(&wrong)?;
    let mut reader = parameters.reader();
    let salt = reader.expect(OCTET_STRING).map_err(&wrong)?.contents;
    let rounds = read_rounds(reader.unsigned().map_err(&wrong)?)?;
    if let Some(size) = reader.optional(der::INTEGER).map_err(&wrong)? {
        let stated = der::Reader::new(size.whole).unsigned().map_err(&wrong)?;
        if usize::try_from(stated) != Ok(key_size) {
            return Err(wrong(size.out_of_range()));
        }
    }
    // Without a hash it is SHA-1, says RFC 8018.
    let hash = match reader.optional(SEQUENCE).map_err(&wrong)? {
        None => Hash::Sha1,
        Some(hash) => read_hash(&hash, "key derivation", Hash::of_hmac)?,
    };
    reader.finish().map_err(&wrong)?;
    Ok(Derivation {
        purpose: Purpose::Encryption(key_size),
        hash,
        salt: salt.to_vec(),
        rounds,
    })
}

/// An AlgorithmIdentifier of a hash, whose parameters are NULL or left out.
pub(super) fn read_hash(
    algorithm: &Element<'_>,
    part: &'static str,
    known: impl Fn(&[u8]) -> Option<Hash>,
) -> Result<Hash, P12Error> {
    let wrong = P12Error::reading(part);
    let mut reader = algorithm.reader();
    let oid = reader.oid().map_err(&wrong)?;
    let hash = known(oid).ok_or_else(|| P12Error::unknown(part, oid))?;
    if let Some(parameters) = reader.optional(NULL).map_err(&wrong)?
        && !parameters.contents.is_empty()
    {
        return Err(wrong(parameters.out_of_range()));
    }
    reader.finish().map_err(&wrong)?;
    Ok(hash)
}

/// A number of rounds that is within bounds.
pub(super) fn read_rounds(stated: u64) -> Result<u32, P12Error> {
    match u32::try_from(stated) {
        Ok(rounds @ 1..=MAX_ITERATIONS) => Ok(rounds),
        _ => Err(P12Error::Iterations),
    }
}

/// An AlgorithmIdentifier with these parameters.
pub(super) fn identifier(oid: &[u8], parameters: &[u8]) -> Vec<u8> {
    der::wrap(SEQUENCE, &[&der::wrap(der::OID, &[oid]), parameters])
}

fn unpad<D, P>(key: &[u8], iv: &[u8], bytes: &mut [u8]) -> Option<usize>
where
    D: BlockModeDecrypt + KeyIvInit,
    P: Padding,
{
    let mode = D::new_from_slices(key, iv).ok()?;
    mode.decrypt_padded::<P>(bytes).ok().map(<[u8]>::len)
}

/// In bytes: of so many, decrypting takes longer than starting a thread to share it.
const LARGE: usize = 2 << 20;
