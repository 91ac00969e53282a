//! What a database held when it was read.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::thread;

use anchorhold_formats::p12::{Archive, Certificate};
use sha2::{Digest, Sha256};

/// What tells one certificate from every other: its SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Id([u8; 32]);

/// A map by identity. Identities are hashes already, so a part of one serves as its own hash.
pub(crate) type ById<T> = HashMap<Id, T, BuildHasherDefault<Passing>>;

/// What a database held when it was read.
#[derive(Debug)]
pub(crate) struct Contents {
    /// None where there was no file.
    archive: Option<Archive>,
    /// The identity of each certificate in the archive.
    ids: Vec<Id>,
    /// Where each identity is first.
    places: ById<usize>,
    /// Which certificates are items, in their order.
    items: Vec<usize>,
}

/// Why a file cannot be changed: what would be lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Foreign {
    pub(crate) keys: usize,
    pub(crate) others: usize,
}

impl Id {
    pub(crate) fn of(der: &[u8]) -> Self {
        Self(Sha256::digest(der).into())
    }

    /// An identity as the host has it; none if it cannot be one.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().map(Self).ok()
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Contents {
    /// There was no file.
    pub(crate) fn absent() -> Self {
        Self {
            archive: None,
            ids: Vec::new(),
            places: ById::default(),
            items: Vec::new(),
        }
    }

    /// There was a file with this in it.
    pub(crate) fn new(archive: Archive) -> Self {
        let ids = identities(&archive);
        let mut items = Vec::with_capacity(ids.len());
        let mut places = ById::default();
        places.reserve(ids.len());
        for (index, (certificate, id)) in archive.certificates().zip(&ids).enumerate() {
            let is_first = *places.entry(*id).or_insert(index) == index;
            // The certificate of a private key says who its owner is, not whom to trust.
            if is_first && !certificate.of_key && fits(certificate.der) {
                items.push(index);
            }
        }
        Self {
            archive: Some(archive),
            ids,
            places,
            items,
        }
    }

    /// A number that all processes see for these contents: 0 where there was no file.
    pub(crate) fn generation(&self) -> u64 {
        self.archive
            .as_ref()
            .map_or(0, |archive| generation(archive.digest()))
    }

    /// How many items there are.
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// The item at `index` of these.
    pub(crate) fn item(&self, index: usize) -> Option<(Id, Certificate<'_>)> {
        let place = *self.items.get(index)?;
        Some((*self.ids.get(place)?, self.archive.as_ref()?.get(place)?))
    }

    /// Every certificate of the file, items or not; none for each that was there before.
    pub(crate) fn certificates(&self) -> impl Iterator<Item = Option<Certificate<'_>>> {
        let certificates = self.archive.iter().flat_map(Archive::certificates);
        self.ids
            .iter()
            .zip(certificates)
            .enumerate()
            .map(|(index, (id, certificate))| {
                (self.place(id) == Some(index)).then_some(certificate)
            })
    }

    /// Where the certificate is among all.
    pub(crate) fn place(&self, id: &Id) -> Option<usize> {
        self.places.get(id).copied()
    }

    /// What of the file is no certificate.
    pub(crate) fn foreign(&self) -> Foreign {
        self.archive
            .as_ref()
            .map_or_else(Foreign::default, |archive| Foreign {
                keys: archive.keys(),
                others: archive.others(),
            })
    }
}

impl Foreign {
    pub(crate) fn is_empty(self) -> bool {
        self == Self::default()
    }
}

/// The generation of a file with this digest, which is never 0.
pub(crate) fn generation(digest: &[u8; 32]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *digest;
    u64::from_le_bytes([a, b, c, d, e, f, g, h]).max(1)
}

/// The identity of each certificate, in the order of the archive.
fn identities(archive: &Archive) -> Vec<Id> {
    let count = archive.len();
    if count < MANY {
        return archive.certificates().map(|c| Id::of(c.der)).collect();
    }
    let threads = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(4);
    let share = count.div_ceil(threads);
    let part = |start: usize| -> Vec<Id> {
        (start..count.min(start + share))
            .filter_map(|index| archive.get(index))
            .map(|certificate| Id::of(certificate.der))
            .collect()
    };
    thread::scope(|scope| {
        let parts: Vec<_> = (0..count)
            .step_by(share)
            .map(|start| scope.spawn(move || part(start)))
            .collect();
        let mut ids = Vec::with_capacity(count);
        for part in parts {
            match part.join() {
                Ok(part) => ids.extend(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        ids
    })
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Hash for Id {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(generation(&self.0));
    }
}

/// Takes the one number that it is given for the hash.
#[derive(Default)]
pub(crate) struct Passing(u64);

impl Hasher for Passing {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// Whether the contract lets a certificate of this size pass.
pub(crate) fn fits(der: &[u8]) -> bool {
    der.len() <= MAX_CERTIFICATE
}

/// Of so many certificates, hashing takes longer than starting threads to share it.
const MANY: usize = 4096;

/// In bytes, as the contract has it.
const MAX_CERTIFICATE: usize = 256 << 10;
