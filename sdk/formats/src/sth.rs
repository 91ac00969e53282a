//! The stash file that keeps a key database's password beside it.
//!
//! Two forms exist, 129 and 193 bytes long. Neither is bound to a machine and neither is a
//! secret kept: whoever can read the file has the password. It hides the password from a glance
//! and from a search for plain text; the file's mode is what protects it.

use core::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// The longest password that a stash can hold, in bytes.
pub const MAX_PASSWORD: usize = 128;

/// How many random bytes a password is made of, and how many characters it has.
pub const RANDOM_PASSWORD: usize = 40;

/// Reads the password out of a stash of either form.
///
/// A stash of the older form has no check of its own: any 129 bytes are read, and only the
/// database then tells whether the password is right.
pub fn read(bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, SthError> {
    if let Ok(hidden) = <&[u8; FIELD]>::try_from(bytes) {
        return password(&Zeroizing::new(hidden.map(|byte| byte ^ MASK)));
    }
    let Ok(v2) = <&[u8; V2]>::try_from(bytes) else {
        return Err(SthError::Length { found: bytes.len() });
    };
    let (salt, rest) = v2.split_at(SALT);
    let (check, hidden) = rest.split_at(CHECK);
    if !bool::from(check_of(salt).ct_eq(check)) {
        return Err(SthError::Damaged);
    }
    let mut field = key_stream(salt, check)?;
    for (byte, hidden) in field.iter_mut().zip(hidden) {
        *byte ^= hidden ^ MASK;
    }
    password(&field)
}

/// Writes a stash of the older form, which has no salt.
///
/// The filler hides how long the password is. A zero in it, which would be taken for the
/// password's end by other readers, is written as one.
pub fn write_v1(
    password: &[u8],
    filler: &[u8; MAX_PASSWORD],
) -> Result<Zeroizing<Vec<u8>>, SthError> {
    let field = field(password, filler)?;
    Ok(Zeroizing::new(
        field.iter().map(|byte| byte ^ MASK).collect(),
    ))
}

/// Writes a stash of the current form. `salt` and `filler` are to be random.
///
/// The filler hides how long the password is. A zero in it, which would be taken for the
/// password's end by other readers, is written as one.
pub fn write_v2(
    password: &[u8],
    salt: &[u8; SALT],
    filler: &[u8; MAX_PASSWORD],
) -> Result<Zeroizing<Vec<u8>>, SthError> {
    let field = field(password, filler)?;
    let check = check_of(salt);
    let stream = key_stream(salt, &check)?;
    let mut stash = Zeroizing::new(Vec::with_capacity(V2));
    stash.extend_from_slice(salt);
    stash.extend_from_slice(&check);
    stash.extend(
        field
            .iter()
            .zip(stream.iter())
            .map(|(byte, key)| byte ^ MASK ^ key),
    );
    Ok(stash)
}

/// The password, its terminator and the filler, as they are before they are hidden.
fn field(password: &[u8], filler: &[u8; MAX_PASSWORD]) -> Result<Zeroizing<[u8; FIELD]>, SthError> {
    if password.is_empty() {
        return Err(SthError::NoPassword);
    }
    if password.len() > MAX_PASSWORD {
        return Err(SthError::PasswordTooLong);
    }
    if password.contains(&0) {
        return Err(SthError::PasswordHasZero);
    }
    let mut field = Zeroizing::new([0; FIELD]);
    field[..password.len()].copy_from_slice(password);
    for (byte, filler) in field[password.len() + 1..].iter_mut().zip(filler) {
        *byte = (*filler).max(1);
    }
    Ok(field)
}

/// The password that random bytes become: 40 characters of 64 are 240 bits.
///
/// All of them are plain ASCII, which every program takes, and mean nothing to a shell.
pub fn random_password(random: &[u8; RANDOM_PASSWORD]) -> Zeroizing<Vec<u8>> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";
    let password = random.iter().map(|byte| ALPHABET[usize::from(byte % 64)]);
    Zeroizing::new(password.collect())
}

/// What stands before the terminator.
fn password(field: &[u8; FIELD]) -> Result<Zeroizing<Vec<u8>>, SthError> {
    match field.iter().position(|byte| *byte == 0) {
        None => Err(SthError::Damaged),
        Some(0) => Err(SthError::NoPassword),
        Some(end) => Ok(Zeroizing::new(field[..end].to_vec())),
    }
}

fn check_of(salt: &[u8]) -> [u8; CHECK] {
    Sha256::new()
        .chain_update([1])
        .chain_update(salt)
        .finalize()
        .into()
}

/// The bytes that hide the field of the current form.
fn key_stream(salt: &[u8], check: &[u8]) -> Result<Zeroizing<[u8; FIELD]>, SthError> {
    let mut state = Zeroizing::new(<[u8; 32]>::from(
        Sha256::new()
            .chain_update(salt)
            .chain_update(check)
            .finalize(),
    ));
    // One hash in 256 ends the search, so a salt that needs more than the bound is not random.
    // GSKit looks only after it has hashed once, even where it would not need to.
    let mut hashes = 0;
    loop {
        if hashes == MAX_HASHES {
            return Err(SthError::Damaged);
        }
        hashes += 1;
        *state = Sha256::digest(*state).into();
        if state[8] == 3 {
            break;
        }
    }
    for _ in 0..64 {
        *state = Sha256::digest(*state).into();
    }
    let seed = authenticate(&state, SEED_TEXT.as_bytes());
    let mut message = Zeroizing::new(authenticate(&seed, &[1, 1, 2, 3, 5, 8]).to_vec());
    let mut stream = Zeroizing::new(Vec::with_capacity(FIELD + 32));
    while stream.len() < FIELD {
        stream.extend_from_slice(&*authenticate(&seed, &message));
        let mut next = Vec::with_capacity(stream.len() + message.len());
        next.extend_from_slice(&stream);
        next.extend_from_slice(&message);
        message = Zeroizing::new(next);
    }
    let mut field = Zeroizing::new([0; FIELD]);
    field.copy_from_slice(&stream[..FIELD]);
    Ok(field)
}

fn authenticate(key: &[u8; 32], message: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    // A key of exactly one block is used as it is, which padding with zeros also means.
    let mut mac = Hmac::<Sha256>::new(&block.into());
    block.zeroize();
    mac.update(message);
    Zeroizing::new(mac.finalize().into_bytes().into())
}

/// The password's field: 128 bytes and a terminator.
const FIELD: usize = MAX_PASSWORD + 1;
const SALT: usize = 32;
const CHECK: usize = 32;
const V2: usize = SALT + CHECK + FIELD;
const MASK: u8 = 0xf5;
const MAX_HASHES: u32 = 65_536;
/// A constant of the format.
const SEED_TEXT: &str = "13EC6D5C885056915AB35FAD2BDDF39F40D7C57B8B4D28F66B61B75F391446FD\
                         A96751174DBD9713D02E0B38732E763501DBBB85EC60E437929ED2AA8981B36B";

/// Why a stash could not be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SthError {
    /// Its own check does not fit, or it holds no end of a password.
    Damaged,
    /// It is neither 129 nor 193 bytes long.
    Length {
        /// How long it is.
        found: usize,
    },
    /// The password is empty.
    NoPassword,
    /// The password contains a zero byte.
    PasswordHasZero,
    /// The password is longer than 128 bytes.
    PasswordTooLong,
}

impl fmt::Display for SthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged => f.write_str("the stash is damaged: its own check does not fit"),
            Self::Length { found } => write!(
                f,
                "not a stash: it is {found} bytes long, a stash has {FIELD} or {V2}"
            ),
            Self::NoPassword => f.write_str("the password is empty"),
            Self::PasswordHasZero => {
                f.write_str("a password in a stash cannot contain a zero byte")
            }
            Self::PasswordTooLong => {
                write!(f, "a password in a stash has at most {MAX_PASSWORD} bytes")
            }
        }
    }
}

impl core::error::Error for SthError {}

#[cfg(test)]
mod tests;
