//! The database's password, in the stash beside it.

use std::fmt;

use anchorhold_formats::p12::{Password, Randomness};
use anchorhold_formats::{kdb, sth};
use zeroize::Zeroizing;

use crate::archive::{FormatError, Random};
use crate::error::DatabaseError;
use crate::likeness::Likeness;
use crate::location::{self, Location};
use crate::owner::Owner;
use crate::replace::{self, Probe};

/// A password as the stash has it, and what was derived from it.
pub(crate) struct Secret {
    bytes: Zeroizing<Vec<u8>>,
    /// What a `.p12` is opened with; none until it is asked for.
    derived: Option<Password>,
}

impl Secret {
    /// Nothing is derived yet.
    pub(crate) fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self {
            bytes,
            derived: None,
        }
    }

    /// The password itself.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The password as text, with the keys derived from it so far.
    pub(crate) fn derived(&mut self) -> Result<&mut Password, FormatError> {
        let text = std::str::from_utf8(&self.bytes).map_err(|_| FormatError::NotText)?;
        Ok(self.derived.get_or_insert_with(|| Password::new(text)))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").finish_non_exhaustive()
    }
}

/// The forms of a stash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Every byte hidden in the same way, for programs that know no other.
    V1,
    /// With a salt and a check of its own.
    V2,
}

/// Reads the password; none if there is no stash.
pub(crate) fn read(location: &Location) -> Result<Option<Zeroizing<Vec<u8>>>, DatabaseError> {
    let path = &location.stash;
    let Some((_, bytes)) = location::read(path, MAX_STASH)? else {
        return Ok(None);
    };
    let bytes = Zeroizing::new(bytes);
    sth::read(&bytes)
        .map(Some)
        .map_err(|source| DatabaseError::Stash {
            path: path.clone(),
            source,
        })
}

/// Makes a stash with a random password. The write lock is held.
pub(crate) fn create(
    location: &Location,
    form: Form,
    owner: Owner,
    probe: &Probe,
) -> Result<Secret, DatabaseError> {
    let mut salt = [0; 32];
    let mut filler = Zeroizing::new([0; sth::MAX_PASSWORD]);
    fill(&mut salt)?;
    fill(&mut *filler)?;
    let password = random_password()?;
    let stash = match form {
        Form::V1 => sth::write_v1(&password, &filler),
        Form::V2 => sth::write_v2(&password, &salt, &filler),
    };
    let stash = stash.map_err(|source| DatabaseError::Stash {
        path: location.stash.clone(),
        source,
    })?;
    let likeness = Likeness::private(owner);
    replace::replace(&location.stash, &stash, &likeness, probe, || Ok(()))?;
    Ok(Secret::new(password))
}

/// The secret of this password: the one that is there, with all that it derived, if it is the
/// same.
pub(crate) fn renew(present: Option<Secret>, password: Zeroizing<Vec<u8>>) -> Secret {
    match present {
        Some(secret) if *secret.bytes == *password => secret,
        _ => Secret::new(password),
    }
}

/// A password that nobody knows yet.
fn random_password() -> Result<Zeroizing<Vec<u8>>, DatabaseError> {
    let mut random = Zeroizing::new([0; sth::RANDOM_PASSWORD]);
    fill(&mut *random)?;
    Ok(sth::random_password(&random))
}

/// The random bytes of one file.
pub(crate) fn random() -> Result<Random, DatabaseError> {
    let mut random = Random {
        kdb: kdb::Salt::default(),
        p12: Randomness {
            salt: [0; 16],
            iv: [0; 16],
            mac_salt: [0; 16],
        },
    };
    fill(&mut random.kdb)?;
    fill(&mut random.p12.salt)?;
    fill(&mut random.p12.iv)?;
    fill(&mut random.p12.mac_salt)?;
    Ok(random)
}

/// Fills `bytes` with random ones.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), DatabaseError> {
    getrandom::fill(bytes).map_err(DatabaseError::Random)
}

/// More than any stash has.
const MAX_STASH: usize = 1024;
