//! AlgorithmIdentifiers: hashes, key derivations and ciphers, with their parameters.

use super::cipher::Cipher;
use super::encryption::{Encryption, Vector};
use super::hash::Hash;
use super::password::{Derivation, Purpose};
use super::{MAX_ITERATIONS, P12Error, ids};
use crate::der::{self, Element, NULL, OCTET_STRING, SEQUENCE};

/// How a part is encrypted: by PBES2, or by one of PKCS#12's own schemes.
pub(super) fn read_encryption(algorithm: &Element<'_>) -> Result<Encryption, P12Error> {
    let wrong = P12Error::reading("how a part is encrypted");
    let mut reader = algorithm.reader();
    let oid = reader.oid().map_err(&wrong)?;
    let own = Cipher::of_pkcs12(oid);
    if oid != ids::PBES2 && own.is_none() {
        return Err(P12Error::unknown("encryption", oid));
    }
    let parameters = reader.expect(SEQUENCE).map_err(&wrong)?;
    reader.finish().map_err(&wrong)?;
    match own {
        Some(cipher) => read_pkcs12(&parameters, cipher),
        None => read_pbes2(&parameters),
    }
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

/// PKCS#12's own scheme: a salt and rounds, from which the vector is derived as the key is.
fn read_pkcs12(parameters: &Element<'_>, cipher: Cipher) -> Result<Encryption, P12Error> {
    let wrong = P12Error::reading("the key derivation of a part");
    let mut reader = parameters.reader();
    let salt = reader.expect(OCTET_STRING).map_err(&wrong)?.contents;
    let rounds = read_rounds(reader.unsigned().map_err(&wrong)?)?;
    reader.finish().map_err(&wrong)?;
    let derivation = |purpose| Derivation {
        purpose,
        hash: Hash::Sha1,
        salt: salt.to_vec(),
        rounds,
    };
    Ok(Encryption {
        cipher,
        key: derivation(Purpose::Key(cipher.key_size())),
        vector: Vector::Derived(derivation(Purpose::Vector(cipher.block()))),
    })
}

/// PBES2: a key derivation and a cipher.
fn read_pbes2(parameters: &Element<'_>) -> Result<Encryption, P12Error> {
    let wrong = P12Error::reading("how a part is encrypted");
    let mut reader = parameters.reader();
    let derivation = reader.expect(SEQUENCE).map_err(&wrong)?;
    let scheme = reader.expect(SEQUENCE).map_err(&wrong)?;
    reader.finish().map_err(&wrong)?;
    let (cipher, iv) = read_cipher(&scheme)?;
    Ok(Encryption {
        cipher,
        key: read_derivation(&derivation, cipher.key_size())?,
        vector: Vector::Stated(iv),
    })
}

/// The cipher and its initialisation vector.
fn read_cipher(scheme: &Element<'_>) -> Result<(Cipher, Vec<u8>), P12Error> {
    let wrong = P12Error::reading("the cipher of a part");
    let mut reader = scheme.reader();
    let oid = reader.oid().map_err(&wrong)?;
    let cipher = Cipher::of_scheme(oid).ok_or_else(|| P12Error::unknown("cipher", oid))?;
    let iv = reader.expect(OCTET_STRING).map_err(&wrong)?;
    reader.finish().map_err(&wrong)?;
    if iv.contents.len() != cipher.block() {
        return Err(wrong(iv.out_of_range()));
    }
    Ok((cipher, iv.contents.to_vec()))
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
        purpose: Purpose::Pbes2(key_size),
        hash,
        salt: salt.to_vec(),
        rounds,
    })
}
