//! What a database held when it was read.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::thread;

use anchorhold_formats::edit::Key;
use anchorhold_sdk::Health;
use sha2::{Digest, Sha256};

use crate::archive::{Archive, Certificate};

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
    /// Where each identity is first, but those of the certificates of private keys.
    places: Places,
    /// Where it is again.
    again: ById<Vec<usize>>,
    /// Which certificates are items, in their order.
    items: Vec<usize>,
    /// The certificates of private keys.
    owners: ById<()>,
    /// The private keys that are items, in their order.
    keys: Vec<HeldKey>,
    /// The same, by identity.
    key_ids: ById<()>,
}

/// One item of a database.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Held<'a> {
    Certificate(Id, Certificate<'a>),
    Key(&'a HeldKey),
}

/// A private key whose public half is known.
#[derive(Debug)]
pub(crate) struct HeldKey {
    /// Of the public half.
    pub(crate) id: Id,
    pub(crate) label: String,
    /// The public half, a SubjectPublicKeyInfo.
    pub(crate) public: Vec<u8>,
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
            again: ById::default(),
            items: Vec::new(),
            owners: ById::default(),
            keys: Vec::new(),
            key_ids: ById::default(),
        }
    }

    /// There was a file with this in it.
    pub(crate) fn new(archive: Archive) -> Self {
        let ids = identities(&archive);
        let (keys, key_ids) = keys(archive.keys());
        let mut contents = Self {
            places: Places::with_room(ids.len()),
            items: Vec::with_capacity(ids.len()),
            ids,
            keys,
            key_ids,
            ..Self::absent()
        };
        for (index, certificate) in archive.certificates().enumerate() {
            let id = contents.ids[index];
            // The certificate of a private key says who its owner is, not whom to trust.
            if certificate.of_key {
                contents.owners.insert(id, ());
            } else if !contents.places.note(index, &contents.ids) {
                contents.again.entry(id).or_default().push(index);
            } else if fits(certificate.der) {
                contents.items.push(index);
            }
        }
        contents.archive = Some(archive);
        contents
    }

    /// A number that all processes see for these contents: 0 where there was no file.
    pub(crate) fn generation(&self) -> u64 {
        self.archive
            .as_ref()
            .map_or(0, |archive| Health::generation_of(archive.digest()))
    }

    /// How many items there are.
    pub(crate) fn len(&self) -> usize {
        self.items.len() + self.keys.len()
    }

    /// The item at `index` of these: certificates first.
    pub(crate) fn item(&self, index: usize) -> Option<Held<'_>> {
        match self.items.get(index) {
            Some(place) => {
                let certificate = Certificate {
                    trust_known: self.trust_known(*place),
                    ..self.certificate(*place)?
                };
                Some(Held::Certificate(*self.ids.get(*place)?, certificate))
            }
            None => self.keys.get(index - self.items.len()).map(Held::Key),
        }
    }

    /// What was read; none where there was no file.
    pub(crate) fn archive(&self) -> Option<&Archive> {
        self.archive.as_ref()
    }

    /// The certificate at a place among all of the file.
    pub(crate) fn certificate(&self, place: usize) -> Option<Certificate<'_>> {
        self.archive.as_ref()?.get(place)
    }

    /// Whether it is known what the file says of the certificate that is first at this place,
    /// wherever it is.
    pub(crate) fn trust_known(&self, place: usize) -> bool {
        let is_known = |place| {
            let certificate = self.certificate(place);
            certificate.is_some_and(|certificate| certificate.trust_known)
        };
        let again = match self.ids.get(place) {
            // Nearly always there is nothing to look for.
            Some(id) if !self.again.is_empty() => self.again(id),
            _ => &[],
        };
        is_known(place) && again.iter().all(|place| is_known(*place))
    }

    /// Every label of the file.
    pub(crate) fn labels(&self) -> impl Iterator<Item = &str> {
        let certificates = self.archive.iter().flat_map(Archive::certificates);
        let keys = self.archive.iter().flat_map(Archive::keys);
        certificates
            .map(|certificate| certificate.label)
            .chain(keys.map(|key| key.label))
    }

    /// Where the certificate is among all, unless it is only there as that of a private key.
    pub(crate) fn place(&self, id: &Id) -> Option<usize> {
        self.places.find(id, &self.ids)
    }

    /// Where it is again.
    pub(crate) fn again(&self, id: &Id) -> &[usize] {
        self.again.get(id).map_or(&[], Vec::as_slice)
    }

    /// Whether it is the certificate of a private key.
    pub(crate) fn is_owner(&self, id: &Id) -> bool {
        self.owners.contains_key(id)
    }

    /// Whether it is a private key.
    pub(crate) fn is_key(&self, id: &Id) -> bool {
        self.key_ids.contains_key(id)
    }

    /// Whether it has a private key, listed or not.
    pub(crate) fn has_keys(&self) -> bool {
        let mut keys = self.archive.iter().flat_map(Archive::keys);
        keys.next().is_some()
    }
}

/// The keys that can be items: with a public half, and each once.
fn keys<'a>(keys: impl Iterator<Item = Key<'a>>) -> (Vec<HeldKey>, ById<()>) {
    let mut known = ById::default();
    let held = keys.filter_map(|key| {
        let public = key.public.filter(|public| fits(public))?;
        let id = Id::of(public);
        known.insert(id, ()).is_none().then(|| HeldKey {
            id,
            label: key.label.to_owned(),
            public: public.to_owned(),
        })
    });
    (held.collect(), known)
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
            reason = "formats read no file of 2^32 certificates"
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
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        state.write_u64(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
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
