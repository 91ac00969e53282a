//! What a store held at one generation: immutable and indexed.

mod digest;
mod distrust;
mod index;
mod share;
mod stock;
mod trust;

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use anchorhold_boundary::item::{Item, Kind};
use anchorhold_formats::der::{CONTEXT_0, INTEGER, Reader, SEQUENCE};

use crate::Fingerprint;
use crate::certificate::fingerprint;
use crate::outline::Outline;

use digest::Digests;
use distrust::Distrust;
use index::Index;
pub(crate) use share::in_shares;
use stock::Stock;

pub(crate) use trust::{Trust, trust};

/// What a store held at one generation.
///
/// A broken item is kept, so that it can be listed, and vouches for nothing.
#[derive(Debug)]
pub struct Snapshot {
    generation: u64,
    items: Stock,
    digests: Digests,
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
        let subjects = in_shares(&items, |item| subject(item, &hasher));
        let by_subject = Index::new(&subjects);
        let distrust = Distrust::new(&items);
        Self {
            generation,
            items: Stock::new(items),
            digests: Digests::default(),
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
        Some(Position {
            item,
            fingerprint: self.digests.of(position, item),
            position,
        })
    }

    /// Every item, with the SHA-256 of its bytes.
    pub(crate) fn positions(&self) -> impl Iterator<Item = Position<'_>> {
        let digests = self.digests.all(&self.items);
        let together = self.items.iter().zip(digests).enumerate();
        together.map(|(position, (item, fingerprint))| Position {
            item,
            fingerprint: *fingerprint,
            position,
        })
    }

    /// The certificate of a fingerprint; more than one where the store holds it twice.
    pub(crate) fn certificates(
        &self,
        fingerprint: &Fingerprint,
    ) -> impl Iterator<Item = Position<'_>> {
        // Who asks about what was just found needs no index of all.
        let equal = self.digests.recent(fingerprint).and_then(|position| {
            let der = &self.items.get(position)?.der;
            let outline = Outline::read(der).ok()?;
            Some(self.equals(der, outline.subject))
        });
        let indexed = equal
            .is_none()
            .then(|| self.digests.find(fingerprint, &self.items))
            .into_iter()
            .flatten()
            .filter_map(|position| self.at(position));
        equal
            .into_iter()
            .flatten()
            .chain(indexed)
            .filter(move |found| {
                found.fingerprint == *fingerprint && found.item.kind == Kind::Certificate
            })
    }

    /// The certificate of a fingerprint, whose bytes may be known. Who asks about a few finds them
    /// by their bytes, for which no digest of all else is worked out.
    pub(crate) fn certificate_of(
        &self,
        fingerprint: &Fingerprint,
        der: Option<&[u8]>,
    ) -> Option<&Item> {
        match der.map(|der| (der, Outline::read(der))) {
            Some((der, Ok(outline))) => {
                let found = self.equals(der, outline.subject).next();
                found.map(|found| found.item)
            }
            _ => self.certificate(fingerprint),
        }
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
            .filter(move |position| {
                self.items.get(*position).is_some_and(|item| {
                    Outline::read(&item.der).is_ok_and(|outline| outline.subject == subject)
                })
            })
            .filter_map(|position| self.at(position))
    }

    /// The certificates that are the same bytes as one that could be read, whose subject is given
    /// too. No digest is worked out but of those that are found.
    pub(crate) fn equals(&self, der: &[u8], subject: &[u8]) -> impl Iterator<Item = Position<'_>> {
        self.by_subject
            .find(self.hasher.hash_one(subject))
            .filter(move |position| {
                let item = self.items.get(*position);
                item.is_some_and(|item| item.kind == Kind::Certificate && item.der == der)
            })
            .filter_map(|position| self.at(position))
    }

    /// The certificates of a key, given as the SHA-256 of the whole SubjectPublicKeyInfo.
    pub fn by_key(&self, spki: &Fingerprint) -> impl Iterator<Item = &Item> {
        let wanted = *spki;
        self.by_key
            .get_or_init(|| {
                let hash = |item: &Item| key(item).map(|found| self.hasher.hash_one(found));
                Index::new(&in_shares(&self.items, hash))
            })
            .find(self.hasher.hash_one(spki))
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

/// The hash of the subject of a certificate, or of what stands in its place: all else of it is
/// looked at when it is found.
fn subject(item: &Item, hasher: &RandomState) -> Option<u64> {
    if item.kind != Kind::Certificate {
        return None;
    }
    let mut certificate = Reader::new(&item.der).expect(SEQUENCE).ok()?.reader();
    let mut fields = certificate.expect(SEQUENCE).ok()?.reader();
    fields.optional(CONTEXT_0).ok()?;
    fields.expect(INTEGER).ok()?;
    for _before in ["signature algorithm", "issuer", "validity"] {
        fields.expect(SEQUENCE).ok()?;
    }
    let subject = fields.expect(SEQUENCE).ok()?.contents;
    Some(hasher.hash_one(subject))
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

#[cfg(test)]
mod tests;
