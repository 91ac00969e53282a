//! Puts parts into a file: those of another file as they are, new ones encrypted.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::algorithm::identifier;
use super::encryption::{BLOCK, Encryption};
use super::entry::{size_of_bag, write_bag};
use super::hash::Hash;
use super::password::{Derivation, Password, Purpose};
use super::{MAX_FILE, P12Error, Randomness, ids};
use crate::der::{self, CONTEXT_0, CONTEXT_0_PRIMITIVE, NULL, OCTET_STRING, Opening, SEQUENCE};
use crate::edit::Entry;

/// One part of a file that is to be written.
pub(super) enum Section<'a> {
    /// A part of another file, whole.
    Kept(&'a [u8]),
    /// A part of these bags.
    Made {
        bags: Vec<Piece<'a>>,
        /// The rounds of the key that it is encrypted with; none where it is in clear.
        rounds: Option<u32>,
    },
}

/// One bag of a part that is to be written.
pub(super) enum Piece<'a> {
    /// One of another file, whole.
    Kept(&'a [u8]),
    /// One that was changed, whole.
    Changed(Vec<u8>),
    /// The bag of a new certificate.
    Added(Entry<'a>),
}

/// Writes a file of these sections, of which none is empty. The key of its authenticator takes
/// so many rounds.
pub(super) fn assemble(
    sections: &[Section<'_>],
    rounds: u32,
    password: &mut Password,
    random: &Randomness,
) -> Result<Vec<u8>, P12Error> {
    let mut made = 0;
    let layouts: Vec<_> = sections
        .iter()
        .map(|section| Layout::of(section, random, &mut made))
        .collect();
    let size = layouts.iter().map(Layout::size).sum();
    let safe = Opening::of(size).within(SEQUENCE);
    let authenticator_size = authenticator(&[0; MAC], rounds, random).len();
    let opening = opening_of_file(safe.clone(), authenticator_size);
    if opening.size() > MAX_FILE {
        return Err(P12Error::TooLarge);
    }

    // Whatever was decrypted is there in clear until its part is encrypted again.
    let mut out = Zeroizing::new(Vec::with_capacity(opening.size()));
    opening.write(&mut out);
    let authenticated = out.len() - safe.len();
    for (section, layout) in sections.iter().zip(&layouts) {
        layout.write(section, &mut out, password);
    }
    let mac = mac_key(rounds, random);
    let mac = mac
        .hash
        .authenticate(password.key(&mac), &out[authenticated..]);
    out.extend_from_slice(&authenticator(&mac, rounds, random));
    Ok(core::mem::take(&mut *out))
}

/// The sizes of a section, and what stands around its bags.
enum Layout {
    Kept(usize),
    Clear(Opening),
    Sealed {
        bags: usize,
        /// With the padding.
        sealed: usize,
        opening: Opening,
        encryption: Encryption,
    },
}

impl Layout {
    /// That of a section after so many that are encrypted here.
    fn of(section: &Section<'_>, random: &Randomness, made: &mut u32) -> Self {
        let (pieces, rounds) = match section {
            Section::Kept(whole) => return Self::Kept(whole.len()),
            Section::Made { bags, rounds } => (bags, *rounds),
        };
        let bags = pieces.iter().map(Piece::size).sum();
        let Some(rounds) = rounds else {
            let opening = Opening::of(bags)
                .within(SEQUENCE)
                .within(OCTET_STRING)
                .within(CONTEXT_0)
                .after(&der::wrap(der::OID, &[ids::DATA]))
                .within(SEQUENCE);
            return Self::Clear(opening);
        };
        // Padding is never empty.
        let sealed = (der::size(bags) / BLOCK + 1) * BLOCK;
        let encryption = Encryption::new(&random.salt, first_block(random, *made), rounds);
        *made += 1;
        Self::Sealed {
            bags,
            sealed,
            opening: opening_of_sealed(sealed, &encryption),
            encryption,
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Kept(size) => *size,
            Self::Clear(opening) | Self::Sealed { opening, .. } => opening.size(),
        }
    }

    fn write(&self, section: &Section<'_>, out: &mut Vec<u8>, password: &mut Password) {
        let pieces = match section {
            Section::Kept(whole) => return out.extend_from_slice(whole),
            Section::Made { bags, .. } => bags,
        };
        match self {
            Self::Kept(_) => {}
            Self::Clear(opening) => {
                opening.write(out);
                pieces.iter().for_each(|piece| piece.write(out));
            }
            Self::Sealed {
                bags,
                sealed,
                opening,
                encryption,
            } => {
                opening.write(out);
                let start = out.len();
                der::header(out, SEQUENCE, *bags);
                pieces.iter().for_each(|piece| piece.write(out));
                out.resize(start + sealed, 0);
                encryption.encrypt(&mut out[start..], der::size(*bags), password);
            }
        }
    }
}

impl Piece<'_> {
    fn size(&self) -> usize {
        match self {
            Self::Kept(whole) => whole.len(),
            Self::Changed(whole) => whole.len(),
            Self::Added(entry) => size_of_bag(entry),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Kept(whole) => out.extend_from_slice(whole),
            Self::Changed(whole) => out.extend_from_slice(whole),
            Self::Added(entry) => write_bag(out, entry),
        }
    }
}

/// What the first block of the encrypted part `number` is mixed with.
///
/// All of them have the same key, so that it is derived once, and none the same first block.
fn first_block(random: &Randomness, number: u32) -> [u8; BLOCK] {
    let mut block = random.iv;
    if number > 0 {
        let digest = Sha256::new()
            .chain_update(random.iv)
            .chain_update(number.to_be_bytes())
            .finalize();
        block.copy_from_slice(&digest[..BLOCK]);
    }
    block
}

/// What stands before the bytes of an encrypted part.
fn opening_of_sealed(sealed: usize, encryption: &Encryption) -> Opening {
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

fn mac_key(rounds: u32, random: &Randomness) -> Derivation {
    Derivation {
        purpose: Purpose::Authentication,
        hash: Hash::Sha256,
        salt: random.mac_salt.to_vec(),
        rounds,
    }
}

/// The MacData.
fn authenticator(mac: &[u8], iterations: u32, random: &Randomness) -> Vec<u8> {
    let mut rounds = Vec::new();
    der::integer(&mut rounds, iterations);
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
