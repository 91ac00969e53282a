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
    places: Places,
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
            places: Places::default(),
            items: Vec::new(),
        }
    }

    /// There was a file with this in it.
    pub(crate) fn new(archive: Archive) -> Self {
        let ids = identities(&archive);
        let mut items = Vec::with_capacity(ids.len());
        let mut places = Places::with_room(ids.len());
        for (index, certificate) in archive.certificates().enumerate() {
            let is_first = places.note(index, &ids);
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
        self.places.find(id, &self.ids)
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

/// Where each identity is first, as chains through the identities themselves: they are there
/// anyway, and a map of its own would have them twice.
#[derive(Debug, Default)]
struct Places {
    /// The last place that each chain came to, and one more; 0 is none. As many as a power of
    /// two.
    heads: Vec<u32>,
    /// The place before each in its chain, in the same way.
    before: Vec<u32>,
}

impl Places {
    /// Nothing yet of so many identities.
    fn with_room(count: usize) -> Self {
        Self {
            heads: vec![0; count.next_power_of_two()],
            before: vec![0; count],
        }
    }

    /// Takes the identity at `index` of `ids`; whether it is the first of its kind.
    fn note(&mut self, index: usize, ids: &[Id]) -> bool {
        let id = &ids[index];
        if self.find(id, ids).is_some() {
            return false;
        }
        let chain = self.chain(id);
        #[expect(
            clippy::expect_used,
            reason = "a file has at most `MAX_CERTIFICATES`, which is less than 2^32"
        )]
        let link = u32::try_from(index + 1).expect("there are not so many certificates");
        self.before[index] = std::mem::replace(&mut self.heads[chain], link);
        true
    }

    /// Where the identity is first in `ids`.
    fn find(&self, id: &Id, ids: &[Id]) -> Option<usize> {
        let follow = |link: u32| usize::try_from(link).ok()?.checked_sub(1);
        let first = self.heads.get(self.chain(id)).copied().and_then(follow);
        std::iter::successors(first, |place| follow(self.before[*place]))
            .find(|place| ids[*place] == *id)
    }

    fn chain(&self, id: &Id) -> usize {
        let [a, b, c, d, ..] = id.0;
        let low = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(0);
        low & self.heads.len().saturating_sub(1)
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
            .map(|start| {
                let thread = thread::Builder::new();
                (start, thread.spawn_scoped(scope, move || part(start)).ok())
            })
            .collect();
        let mut ids = Vec::with_capacity(count);
        for (start, thread) in parts {
            let done = thread.and_then(|thread| thread.join().ok());
            // A thread that could not be had or not finish is no reason to do without its share.
            ids.extend(done.unwrap_or_else(|| part(start)));
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
