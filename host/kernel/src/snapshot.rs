//! What a store held at one generation: immutable and indexed.

mod distrust;
mod index;
mod trust;

use std::hash::{BuildHasher, RandomState};
use std::num::NonZero;
use std::sync::OnceLock;
use std::thread;

use anchorhold_boundary::item::{Item, Kind};

use crate::Fingerprint;
use crate::certificate::fingerprint;
use crate::outline::Outline;

use distrust::Distrust;
use index::Index;

pub(crate) use trust::{Trust, trust};

/// What a store held at one generation.
///
/// A broken item is kept, so that it can be listed, and vouches for nothing.
#[derive(Debug)]
pub struct Snapshot {
    generation: u64,
    items: Vec<Item>,
    /// As many as items, in the same order: the SHA-256 of each.
    fingerprints: Vec<Fingerprint>,
    by_fingerprint: Index,
    by_subject: Index,
    /// Built when first asked for.
    by_key: OnceLock<Index>,
    hasher: RandomState,
    distrust: Distrust,
    /// How many items were left out because nothing could be made of them.
    left_out: usize,
    /// The first CA certificate that may vouch, found when first asked for.
    first_anchor: OnceLock<Option<usize>>,
}

impl Snapshot {
    /// Indexes what a store listed.
    pub fn new(generation: u64, items: Vec<Item>) -> Self {
        let hasher = RandomState::new();
        let marks = marks(&items, &hasher);
        let fingerprints: Vec<_> = marks.iter().map(|mark| mark.fingerprint).collect();
        let by_fingerprint = Index::new(fingerprints.iter().map(|found| Some(head(found))));
        let by_subject = Index::new(marks.iter().map(|mark| mark.subject));
        let distrusted = marks
            .iter()
            .enumerate()
            .filter(|(_, mark)| mark.distrusted)
            .map(|(position, _)| position);
        let distrust = Distrust::new(&items, &fingerprints, distrusted);
        Self {
            generation,
            items,
            fingerprints,
            by_fingerprint,
            by_subject,
            by_key: OnceLock::new(),
            hasher,
            distrust,
            left_out: 0,
            first_anchor: OnceLock::new(),
        }
    }

    /// The same, of which so many items were left out because nothing could be made of them.
    #[must_use]
    pub fn with_left_out(self, left_out: usize) -> Self {
        Self { left_out, ..self }
    }

    /// How many items were left out because nothing could be made of them.
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// The generation; 0 is not known.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The items, in the order of the store.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The item at a position, with the SHA-256 of its bytes.
    pub(crate) fn at(&self, position: usize) -> Option<Position<'_>> {
        let item = self.items.get(position)?;
        let fingerprint = *self.fingerprints.get(position)?;
        Some(Position {
            item,
            fingerprint,
            position,
        })
    }

    /// Every item, with the SHA-256 of its bytes.
    pub(crate) fn positions(&self) -> impl Iterator<Item = Position<'_>> {
        (0..self.items.len()).filter_map(|position| self.at(position))
    }

    /// The certificate of a fingerprint; more than one where the store holds it twice.
    pub(crate) fn certificates(
        &self,
        fingerprint: &Fingerprint,
    ) -> impl Iterator<Item = Position<'_>> {
        self.by_fingerprint
            .find(head(fingerprint))
            .filter_map(|position| self.at(position))
            .filter(move |found| {
                found.fingerprint == *fingerprint && found.item.kind == Kind::Certificate
            })
    }

    /// The certificate of a fingerprint.
    pub fn certificate(&self, fingerprint: &Fingerprint) -> Option<&Item> {
        self.certificates(fingerprint)
            .next()
            .map(|found| found.item)
    }

    /// The certificates of a subject, given without its tag and length.
    pub(crate) fn by_subject(&self, subject: &[u8]) -> impl Iterator<Item = Position<'_>> {
        self.by_subject
            .find(self.hasher.hash_one(subject))
            .filter_map(|position| self.at(position))
            .filter(move |found| {
                Outline::read(&found.item.der).is_ok_and(|outline| outline.subject == subject)
            })
    }

    /// The certificates of a key, given as the SHA-256 of the whole SubjectPublicKeyInfo.
    pub fn by_key(&self, spki: &Fingerprint) -> impl Iterator<Item = &Item> {
        let wanted = *spki;
        self.by_key
            .get_or_init(|| Index::new(self.items.iter().map(|item| key(item).as_ref().map(head))))
            .find(head(spki))
            .filter_map(|position| self.items.get(position))
            .filter(move |item| key(item) == Some(wanted))
    }

    /// What the store distrusts.
    pub(crate) fn distrust(&self) -> &Distrust {
        &self.distrust
    }

    /// The first CA certificate that the store lets vouch for servers, or would if it did not
    /// distrust it: what stops vouching is held all the same.
    pub(crate) fn first_anchor(&self) -> Option<Position<'_>> {
        let position = *self.first_anchor.get_or_init(|| {
            self.items.iter().position(|item| {
                item.kind == Kind::Certificate
                    && !matches!(trust(item), Trust::Neutral)
                    && Outline::read(&item.der).is_ok_and(|outline| outline.is_ca())
            })
        });
        self.at(position?)
    }
}

/// One item of a snapshot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position<'a> {
    pub(crate) item: &'a Item,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) position: usize,
}

/// What is worked out of one item when a snapshot is made.
struct Mark {
    fingerprint: Fingerprint,
    subject: Option<u64>,
    distrusted: bool,
}

/// Works on all processors, because a hundred thousand digests are worth it.
fn marks(items: &[Item], hasher: &RandomState) -> Vec<Mark> {
    let mark_all = |items: &[Item]| items.iter().map(|item| mark(item, hasher)).collect();
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let share = items.len().div_ceil(processors).max(WORTH_A_THREAD);
    if items.len() <= share {
        return mark_all(items);
    }
    thread::scope(|scope| {
        let work: Vec<_> = items
            .chunks(share)
            .map(|chunk| {
                let thread = thread::Builder::new();
                (
                    chunk,
                    thread
                        .spawn_scoped(scope, move || -> Vec<Mark> { mark_all(chunk) })
                        .ok(),
                )
            })
            .collect();
        work.into_iter()
            // A thread that could not be had or not finish is no reason to do without its share.
            .flat_map(|(chunk, thread)| {
                let marks = thread.and_then(|thread| thread.join().ok());
                marks.unwrap_or_else(|| mark_all(chunk))
            })
            .collect()
    })
}

fn mark(item: &Item, hasher: &RandomState) -> Mark {
    let subject = match item.kind {
        Kind::Certificate => Outline::read(&item.der)
            .ok()
            .map(|outline| hasher.hash_one(outline.subject)),
        _ => None,
    };
    Mark {
        fingerprint: fingerprint(&item.der),
        subject,
        distrusted: matches!(trust(item), Trust::Distrust),
    }
}

/// The SHA-256 of the key of a certificate.
fn key(item: &Item) -> Option<Fingerprint> {
    if item.kind != Kind::Certificate {
        return None;
    }
    Outline::read(&item.der)
        .ok()
        .map(|outline| fingerprint(outline.spki))
}

/// The first eight bytes of a digest, which are as good as a hash of it.
fn head(fingerprint: &Fingerprint) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = fingerprint.0;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// So many items take about as long as starting a thread does, several times over.
const WORTH_A_THREAD: usize = 2048;

#[cfg(test)]
mod tests;
