//! A file before its contents are read: turned into DER where it is not, and authenticated.

use core::ops::Range;

use zeroize::Zeroizing;

use super::frame::{Frame, Part};
use super::{P12Error, Password};
use crate::ber;
use crate::der::DerError;

/// A file whose outermost layer was read.
pub(super) struct Source {
    /// All of it, or what of it is authenticated; whatever its writer did, it is DER.
    pub(super) bytes: Zeroizing<Vec<u8>>,
    frame: Frame,
}

impl Source {
    /// Reads the layers around the contents of a whole file.
    pub(super) fn new(bytes: Vec<u8>) -> Result<Self, P12Error> {
        let mut bytes = Zeroizing::new(bytes);
        if let Some(der) = der_of_file(&bytes)? {
            bytes = der;
        }
        let frame = Frame::read(&bytes)?;
        Ok(Self { bytes, frame })
    }

    /// What tells this state of the file from every other.
    pub(super) fn digest(&self) -> [u8; 32] {
        self.frame.digest
    }

    /// The rounds of the key of its authenticator.
    pub(super) fn rounds(&self) -> u32 {
        self.frame.mac.rounds()
    }

    /// The parts of the contents, if the authenticator fits.
    pub(super) fn authenticate(&mut self, password: &mut Password) -> Result<Vec<Part>, P12Error> {
        let fits = self.fits(password);
        let parts = self.parts();
        if fits {
            parts
        } else {
            Err(misfit(parts, &self.bytes, password))
        }
    }

    fn fits(&self, password: &mut Password) -> bool {
        let safe = &self.bytes[self.frame.safe.clone()];
        let mac = &self.frame.mac;
        if mac.fits(safe, password) {
            return true;
        }
        if !password.turn() {
            return false;
        }
        let fits = mac.fits(safe, password);
        if !fits {
            password.turn();
        }
        fits
    }

    /// The parts of the contents, which are turned into DER where they are not.
    fn parts(&mut self) -> Result<Vec<Part>, P12Error> {
        let error = match self.frame.parts(&self.bytes) {
            Ok(parts) => return Ok(parts),
            Err(error) => error,
        };
        // The authenticator covers what stands in the file, so this is not done before.
        let Some(der) = der_of(&self.bytes, self.frame.safe.clone(), &error) else {
            return Err(error);
        };
        self.frame.safe = 0..der.len();
        self.bytes = der;
        self.frame.parts(&self.bytes)
    }
}

/// What tells this state of a whole file from every other.
pub(super) fn digest(bytes: &[u8]) -> Result<[u8; 32], P12Error> {
    let der = der_of_file(bytes)?;
    Frame::read(der.as_ref().map_or(bytes, |der| der)).map(|frame| frame.digest)
}

/// The DER of what could not be read at `range` of `bytes`; none where `error` is not that of BER.
pub(super) fn der_of(
    bytes: &[u8],
    range: Range<usize>,
    error: &P12Error,
) -> Option<Zeroizing<Vec<u8>>> {
    if !error.is_ber() {
        return None;
    }
    ber::to_der(&bytes[range]).ok().map(Zeroizing::new)
}

/// The DER of a whole file whose outermost layer is BER; none where that is DER.
fn der_of_file(bytes: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, P12Error> {
    match Frame::read(bytes) {
        Ok(_) => return Ok(None),
        Err(error) if !error.is_ber() => return Err(error),
        Err(_) => {}
    }
    match ber::to_der(bytes) {
        Ok(der) => Ok(Some(Zeroizing::new(der))),
        Err(DerError::Truncated { .. }) => Err(P12Error::Truncated),
        Err(DerError::Trailing { count, .. }) => Err(P12Error::TrailingBytes { count }),
        Err(error) => Err(P12Error::reading("its outermost layer")(error)),
    }
}

/// Why the authenticator does not fit: another password, or other contents.
fn misfit(parts: Result<Vec<Part>, P12Error>, bytes: &[u8], password: &mut Password) -> P12Error {
    let parts = match parts {
        Ok(parts) => parts,
        // No writer makes that, whatever the password.
        Err(P12Error::Malformed { .. }) => return P12Error::Altered,
        // The right password would come to the same end.
        Err(error) => return error,
    };
    let sealed = parts
        .into_iter()
        .find_map(|part| Some((part.bags, part.encryption?)));
    match sealed {
        Some((range, encryption)) if encryption.seems_right(&bytes[range.clone()], password) => {
            P12Error::Altered
        }
        _ => P12Error::WrongPassword,
    }
}
