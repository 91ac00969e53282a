//! The database's password, in the stash beside it.

use std::fmt;

use anchorhold_formats::p12::Password;
use anchorhold_formats::sth;
use zeroize::{Zeroize, Zeroizing};

use crate::error::DatabaseError;
use crate::location::{self, Location};
use crate::owner::Owner;
use crate::replace::{self, Probe};

/// A password as the stash has it, and what was derived from it.
pub(crate) struct Secret {
    text: Zeroizing<String>,
    pub(crate) password: Password,
}

impl Secret {
    /// Nothing is derived yet.
    pub(crate) fn new(text: Zeroizing<String>) -> Self {
        Self {
            password: Password::new(&text),
            text,
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").finish_non_exhaustive()
    }
}

/// Reads the password; none if there is no stash.
pub(crate) fn read(location: &Location) -> Result<Option<Zeroizing<String>>, DatabaseError> {
    let path = &location.stash;
    let Some((_, bytes)) = location::read(path, MAX_STASH)? else {
        return Ok(None);
    };
    let bytes = Zeroizing::new(bytes);
    let mut password = sth::read(&bytes).map_err(|source| DatabaseError::Stash {
        path: path.clone(),
        source,
    })?;
    match String::from_utf8(core::mem::take(&mut *password)) {
        Ok(text) => Ok(Some(Zeroizing::new(text))),
        Err(error) => {
            error.into_bytes().zeroize();
            Err(DatabaseError::StashText { path: path.clone() })
        }
    }
}

/// Makes a stash with a random password. The write lock is held.
pub(crate) fn create(
    location: &Location,
    owner: Owner,
    probe: &Probe,
) -> Result<Secret, DatabaseError> {
    let mut salt = [0; 32];
    let mut filler = Zeroizing::new([0; sth::MAX_PASSWORD]);
    fill(&mut salt)?;
    fill(&mut *filler)?;
    let text = random_password()?;
    let stash =
        sth::write_v2(text.as_bytes(), &salt, &filler).map_err(|source| DatabaseError::Stash {
            path: location.stash.clone(),
            source,
        })?;
    replace::replace(&location.stash, &stash, owner, probe)?;
    Ok(Secret::new(text))
}

/// The secret of this text: the one that is there, with all that it derived, if it is the same.
pub(crate) fn renew(present: Option<Secret>, text: Zeroizing<String>) -> Secret {
    match present {
        Some(secret) if *secret.text == *text => secret,
        _ => Secret::new(text),
    }
}

/// 40 characters of 64 are 240 bits. All of them are plain ASCII, which every program takes, and
/// mean nothing to a shell.
fn random_password() -> Result<Zeroizing<String>, DatabaseError> {
    const LENGTH: usize = 40;
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";
    let mut random = Zeroizing::new([0; LENGTH]);
    fill(&mut *random)?;
    let mut text = Zeroizing::new(String::with_capacity(LENGTH));
    for byte in random.iter() {
        text.push(char::from(ALPHABET[usize::from(byte % 64)]));
    }
    Ok(text)
}

/// Fills `bytes` with random ones.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), DatabaseError> {
    getrandom::fill(bytes).map_err(DatabaseError::Random)
}

/// More than any stash has.
const MAX_STASH: usize = 1024;
