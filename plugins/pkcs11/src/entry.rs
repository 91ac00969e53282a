//! What a store has found on its tokens, as items.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use anchorhold_sdk::{Decision, Health, Item, Kind, Purpose, Rule};
use cryptoki::object::ObjectHandle;
use cryptoki::slot::Slot;
use sha2::{Digest, Sha256};

/// The id of an item: its kind, and the SHA-256 of its bytes. So it is the same in every process,
/// and identical objects are one item, on whichever tokens they are.
pub(crate) type Id = [u8; 33];

/// One item, with the objects that it stands for.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    pub(crate) der: Vec<u8>,
    pub(crate) label: String,
    pub(crate) standing: Standing,
    /// Whether an object of it may not be changed, and so not the item.
    pub(crate) read_only: bool,
    /// Whether a key wants its PIN for every signature.
    pub(crate) asks_each_use: bool,
    /// Where it is; a handle means something only while the session is open that it came from.
    pub(crate) places: Vec<(Slot, ObjectHandle)>,
}

/// What the tokens say of an item, as far as it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// Nothing.
    Neutral,
    /// It may vouch for servers.
    Anchor,
    /// It is refused for servers.
    DistrustedForServers,
    /// It is refused.
    Distrusted,
}

impl Entry {
    /// Its id.
    pub(crate) fn id(&self) -> Id {
        id(self.kind, &self.der)
    }

    /// The item that the host is shown.
    pub(crate) fn item<'a>(&'a self, id: &'a Id, read_only: bool) -> Item<'a> {
        let mut item = Item::new(self.kind, id, &self.der);
        item.label = &self.label;
        item.rules = self.standing.rules().into();
        item.read_only = read_only || self.read_only;
        item.asks_each_use = self.asks_each_use;
        item
    }
}

impl Standing {
    fn rules(self) -> &'static [Rule] {
        const FOR_SERVERS: &[Rule] = &[Rule::new(Purpose::Server, Decision::Distrust)];
        match self {
            Self::Neutral => &[],
            Self::Anchor => Rule::SERVER_ANCHOR,
            Self::DistrustedForServers => FOR_SERVERS,
            Self::Distrusted => Rule::DISTRUST,
        }
    }
}

/// Everything that a listing has found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    entries: BTreeMap<Id, Entry>,
    /// What tells them apart from others, once that was asked.
    generation: OnceCell<u64>,
    /// How many objects could not be read, and what was wrong with the first.
    pub(crate) skipped: usize,
    pub(crate) first_skipped: String,
}

impl Found {
    /// Adds an object; what stands for the same item is added to it, and the stricter word counts.
    pub(crate) fn add(&mut self, entry: Entry) {
        self.generation.take();
        let id = entry.id();
        let Some(known) = self.entries.get_mut(&id) else {
            self.entries.insert(id, entry);
            return;
        };
        if known.label.is_empty() {
            known.label = entry.label;
        }
        known.standing = known.standing.max(entry.standing);
        known.read_only |= entry.read_only;
        known.asks_each_use |= entry.asks_each_use;
        known.places.extend(entry.places);
    }

    /// Passes an object over, and remembers why.
    pub(crate) fn skip(&mut self, why: impl FnOnce() -> String) {
        self.skipped += 1;
        if self.first_skipped.is_empty() {
            self.first_skipped = why();
        }
    }

    pub(crate) fn entry(&self, id: &[u8]) -> Option<&Entry> {
        let id = Id::try_from(id).ok()?;
        self.entries.get(&id)
    }

    /// In the order of their ids.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&Id, &Entry)> {
        self.entries.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// A number that differs where what was found differs, and is never 0.
    pub(crate) fn generation(&self) -> u64 {
        *self.generation.get_or_init(|| self.work_out_generation())
    }

    fn work_out_generation(&self) -> u64 {
        let mut hash = Sha256::new();
        for (id, entry) in &self.entries {
            hash.update(id);
            hash.update(entry.label.len().to_le_bytes());
            hash.update(entry.label.as_bytes());
            hash.update([
                entry.standing.mark(),
                u8::from(entry.read_only),
                u8::from(entry.asks_each_use),
            ]);
        }
        Health::generation_of(&hash.finalize().into())
    }
}

impl Standing {
    fn mark(self) -> u8 {
        match self {
            Self::Neutral => 0,
            Self::Anchor => 1,
            Self::DistrustedForServers => 2,
            Self::Distrusted => 3,
        }
    }
}

/// The id of an item of these bytes.
pub(crate) fn id(kind: Kind, der: &[u8]) -> Id {
    let mark = match kind {
        Kind::Certificate => 1,
        Kind::IssuerSerial => 2,
        Kind::PrivateKey => 5,
        _ => 0,
    };
    let digest: [u8; 32] = Sha256::digest(der).into();
    let mut id = [mark; 33];
    for (place, byte) in id.iter_mut().skip(1).zip(digest) {
        *place = byte;
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(der: &[u8], label: &str, standing: Standing) -> Entry {
        Entry {
            kind: Kind::Certificate,
            der: der.to_vec(),
            label: label.to_owned(),
            standing,
            read_only: false,
            asks_each_use: false,
            places: Vec::new(),
        }
    }

    #[test]
    fn identical_objects_are_one_item_and_the_stricter_word_counts() {
        let mut found = Found::default();
        found.add(entry(b"one", "", Standing::Anchor));
        found.add(entry(b"one", "label", Standing::Distrusted));
        found.add(entry(b"one", "other", Standing::Neutral));
        found.add(entry(b"two", "", Standing::Neutral));
        assert_eq!(found.len(), 2);
        let one = found.entry(&id(Kind::Certificate, b"one")).unwrap();
        assert_eq!(one.label, "label");
        assert_eq!(one.standing, Standing::Distrusted);
    }

    #[test]
    fn generation_tells_what_was_found_apart() {
        let generation = |label: &str, standing| {
            let mut found = Found::default();
            found.add(entry(b"one", label, standing));
            found.generation()
        };
        let first = generation("a", Standing::Neutral);
        assert_eq!(first, generation("a", Standing::Neutral));
        assert_ne!(first, generation("b", Standing::Neutral));
        assert_ne!(first, generation("a", Standing::Anchor));
        assert_ne!(first, Found::default().generation());
        let mut found = Found::default();
        let none = found.generation();
        found.add(entry(b"one", "a", Standing::Neutral));
        assert_ne!(none, found.generation());
        assert_eq!(first, found.generation());
    }
}
