//! Writes a file of certificates in the one form that every program opens.

use super::assembly::{Piece, Section, assemble};
use super::encryption::BLOCK;
use super::password::Password;
use super::{MAX_BAGS, P12Error};
use crate::der;
use crate::edit::Entry;

/// The rounds of key derivation that are written, for each of the two keys.
///
/// It is what Java writes. A password that is worth more than a guess has its strength in
/// itself: a random one of 32 characters gains nothing from more rounds.
pub const ITERATIONS: u32 = 10_000;

/// The random bytes of one file. They are used for one file only.
#[derive(Clone, Debug)]
pub struct Randomness {
    /// Salt of the key that encrypts.
    pub salt: [u8; 16],
    /// The first block of the chain.
    pub iv: [u8; BLOCK],
    /// Salt of the key that authenticates.
    pub mac_salt: [u8; 16],
}

/// Writes a PKCS#12 file of trusted certificates.
///
/// All of them are in one encrypted part; without any there is no part at all, for an empty one
/// is refused by GSKit. Some programs take no password but ASCII.
pub fn write(
    entries: &[Entry<'_>],
    password: &mut Password,
    random: &Randomness,
) -> Result<Vec<u8>, P12Error> {
    check(entries, 0)?;
    let section = (!entries.is_empty()).then(|| of_added(entries, ITERATIONS));
    assemble(section.as_slice(), ITERATIONS, password, random)
}

/// A part of new certificates, whose key takes so many rounds.
pub(super) fn of_added<'a>(entries: &[Entry<'a>], rounds: u32) -> Section<'a> {
    Section::Made {
        bags: entries.iter().copied().map(Piece::Added).collect(),
        rounds: Some(rounds),
    }
}

/// Whether these can be written into a file that has so many others.
pub(super) fn check(entries: &[Entry<'_>], others: usize) -> Result<(), P12Error> {
    if let Some(index) = entries.iter().position(|e| !der::is_one_sequence(e.der)) {
        return Err(P12Error::NotACertificate { index });
    }
    if others.saturating_add(entries.len()) > MAX_BAGS {
        return Err(P12Error::TooMany);
    }
    Ok(())
}
