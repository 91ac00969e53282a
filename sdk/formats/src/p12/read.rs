//! Reads a file: authenticator first, then one part after another.

use zeroize::Zeroize;

use super::bag::Bags;
use super::frame::{Frame, Part};
use super::{Archive, P12Error, Password};
use crate::der::DerError;

/// Reads a PKCS#12 file.
///
/// Nothing is read of contents whose authenticator does not fit. Encrypted parts are decrypted
/// where they are, in `bytes`, and certificates stay there. Private keys are counted, and
/// what was decrypted of their bags is wiped.
pub fn read(mut bytes: Vec<u8>, password: &mut Password) -> Result<Archive, P12Error> {
    let frame = Frame::read(&bytes)?;
    if !frame.mac.fits(&bytes[frame.safe.clone()], password) {
        return Err(misfit(&frame, &bytes, password));
    }
    let bags = match open(&frame, &mut bytes, password) {
        Ok(bags) => bags,
        Err(error) => {
            // It is not known what was decrypted before the error.
            bytes.zeroize();
            return Err(error);
        }
    };
    for key in &bags.keys {
        bytes[key.clone()].zeroize();
    }
    Ok(Archive {
        bytes,
        labels: bags.labels,
        records: bags.records,
        keys: bags.keys.len(),
        others: bags.others,
        digest: frame.digest,
    })
}

/// The [`Archive::digest`] of a whole file whose contents are known, such as one just written.
///
/// Nothing is decrypted and the authenticator is not checked.
pub fn digest(bytes: &[u8]) -> Result<[u8; 32], P12Error> {
    Frame::read(bytes).map(|frame| frame.digest)
}

/// Decrypts and reads all parts.
fn open(frame: &Frame, bytes: &mut [u8], password: &mut Password) -> Result<Bags, P12Error> {
    let mut bags = Bags::default();
    for part in frame.parts(bytes)? {
        let clear = match part {
            Part::Clear(range) => range,
            Part::Sealed(range, encryption) => {
                let Some(length) = encryption.decrypt(&mut bytes[range.clone()], password) else {
                    // The authenticator fits, so whoever wrote the file used two passwords.
                    return Err(P12Error::Malformed {
                        part: "an encrypted part has another password",
                        source: DerError::Value {
                            offset: range.start,
                        },
                    });
                };
                range.start..range.start + length
            }
        };
        bags.read(bytes, clear)?;
    }
    bags.pair(bytes);
    Ok(bags)
}

/// Why the authenticator does not fit: another password, or other contents.
fn misfit(frame: &Frame, bytes: &[u8], password: &mut Password) -> P12Error {
    let parts = match frame.parts(bytes) {
        Ok(parts) => parts,
        // No writer makes that, whatever the password.
        Err(P12Error::Malformed { .. }) => return P12Error::Altered,
        // The right password would come to the same end.
        Err(error) => return error,
    };
    let sealed = parts.into_iter().find_map(|part| match part {
        Part::Clear(_) => None,
        Part::Sealed(range, encryption) => Some((range, encryption)),
    });
    match sealed {
        Some((range, encryption)) if encryption.seems_right(&bytes[range.clone()], password) => {
            P12Error::Altered
        }
        _ => P12Error::WrongPassword,
    }
}
