//! What a store holds and is to hold, as the ledger keeps it while a change is under way.

use anchorhold_boundary::item::{Decision, Item, ItemId, Kind, Purpose, Rule};

use crate::snapshot::{Trust, trust};

/// What is to be there after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// What the bytes are.
    pub(super) kind: Kind,
    /// What it has to be good for.
    pub(super) role: Role,
    /// The label it gets.
    pub(super) label: String,
}

/// What an item has to be good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It may vouch.
    Anchor,
    /// It is refused wherever it appears.
    Distrust,
    /// It is there.
    Help,
}

impl Wanted {
    /// What an item is put into a store for.
    pub(super) fn of(item: &Item) -> Self {
        Self {
            kind: item.kind,
            role: match trust(item) {
                Trust::Anchor { .. } => Role::Anchor,
                Trust::Distrust => Role::Distrust,
                Trust::Neutral => Role::Help,
            },
            label: item.label.clone(),
        }
    }

    /// The same as bytes.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![LAYOUT, number_of(&KINDS, &self.kind)];
        bytes.push(number_of(&ROLES, &self.role));
        bytes.extend(self.label.as_bytes());
        bytes
    }

    /// Reads them back; none where nothing here has ever written that.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut from = Bytes::of_layout(bytes)?;
        Some(Self {
            kind: from.one_of(&KINDS)?,
            role: from.one_of(&ROLES)?,
            label: String::from_utf8(from.0.to_vec()).ok()?,
        })
    }
}

/// An item as bytes, whole.
pub(super) fn bytes(item: &Item) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(item.der.len() + item.label.len() + 64);
    bytes.extend([LAYOUT, number_of(&KINDS, &item.kind)]);
    for flag in [item.read_only, item.asks_each_use, item.trust_unknown] {
        bytes.push(flag.into());
    }
    bytes.extend(item.created.to_be_bytes());
    bytes.extend(item.modified.to_be_bytes());
    let texts = [item.label.as_bytes(), item.scope.as_bytes()];
    for field in texts
        .into_iter()
        .chain([&*item.id.0, &*item.name_constraints])
    {
        push(&mut bytes, field);
    }
    let mut rules = Vec::new();
    for rule in &item.rules {
        rules.push(number_of(&PURPOSES, &rule.purpose));
        rules.push(number_of(&DECISIONS, &rule.decision));
        rules.extend(rule.issued_before.to_be_bytes());
    }
    push(&mut bytes, &rules);
    bytes.extend(&item.der);
    bytes
}

/// Reads an item back; none where nothing here has ever written that.
pub(super) fn read(bytes: &[u8]) -> Option<Item> {
    let mut from = Bytes::of_layout(bytes)?;
    let kind = from.one_of(&KINDS)?;
    let (read_only, asks_each_use, trust_unknown) = (from.flag()?, from.flag()?, from.flag()?);
    let (created, modified) = (from.number()?, from.number()?);
    let (label, scope) = (from.text()?, from.text()?);
    let (id, name_constraints) = (from.field()?.to_vec(), from.field()?.to_vec());
    let mut rest = Bytes(from.field()?);
    let mut rules = Vec::new();
    while !rest.0.is_empty() {
        rules.push(Rule {
            purpose: rest.one_of(&PURPOSES)?,
            decision: rest.one_of(&DECISIONS)?,
            issued_before: rest.number()?,
        });
    }
    Some(Item {
        kind,
        id: ItemId(id),
        der: from.0.to_vec(),
        label,
        rules,
        name_constraints,
        scope,
        read_only,
        asks_each_use,
        trust_unknown,
        created,
        modified,
    })
}

fn push(bytes: &mut Vec<u8>, field: &[u8]) {
    // What a store may hold is bounded far below this.
    let len = u32::try_from(field.len()).unwrap_or(u32::MAX);
    bytes.extend(len.to_be_bytes());
    bytes.extend(field);
}

fn number_of<T: PartialEq>(all: &[T], one: &T) -> u8 {
    let place = all.iter().position(|other| other == one);
    place
        .and_then(|place| u8::try_from(place).ok())
        .unwrap_or(u8::MAX)
}

/// Bytes that are read from the front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn of_layout(bytes: &'a [u8]) -> Option<Self> {
        bytes.strip_prefix(&[LAYOUT]).map(Self)
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> Option<T> {
        let [number] = self.array()?;
        all.get(usize::from(number)).copied()
    }

    fn flag(&mut self) -> Option<bool> {
        self.one_of(&[false, true])
    }

    fn number(&mut self) -> Option<i64> {
        self.array().map(i64::from_be_bytes)
    }

    fn field(&mut self) -> Option<&'a [u8]> {
        let len = self.array().map(u32::from_be_bytes)?;
        self.take(usize::try_from(len).ok()?)
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.field()?.to_vec()).ok()
    }
}

/// What all of it begins with; a release that reads it otherwise begins it otherwise.
const LAYOUT: u8 = 1;

// The place in each of these is what is written: what is new comes last.
const KINDS: [Kind; 5] = [
    Kind::Certificate,
    Kind::Crl,
    Kind::IssuerSerial,
    Kind::PrivateKey,
    Kind::SpkiSha256,
];
const ROLES: [Role; 3] = [Role::Anchor, Role::Distrust, Role::Help];
const PURPOSES: [Purpose; 6] = [
    Purpose::Any,
    Purpose::Client,
    Purpose::Code,
    Purpose::Email,
    Purpose::Server,
    Purpose::Timestamp,
];
const DECISIONS: [Decision; 3] = [Decision::Anchor, Decision::Distrust, Decision::Neutral];

#[cfg(test)]
mod tests {
    use super::*;

    fn item() -> Item {
        Item {
            kind: Kind::Certificate,
            id: ItemId(vec![1, 2, 3]),
            der: vec![0x30, 0],
            label: "a låbel".to_owned(),
            rules: vec![
                Rule {
                    purpose: Purpose::Server,
                    decision: Decision::Anchor,
                    issued_before: -5,
                },
                Rule {
                    purpose: Purpose::Email,
                    decision: Decision::Distrust,
                    issued_before: 0,
                },
            ],
            name_constraints: vec![0x30, 1, 0],
            scope: "TSM1\nTSM2".to_owned(),
            read_only: true,
            asks_each_use: false,
            trust_unknown: true,
            created: 7,
            modified: i64::MIN,
        }
    }

    #[test]
    fn an_item_reads_back_whole() {
        let plain = Item::certificate(Vec::new(), String::new());
        for item in [item(), plain] {
            assert_eq!(read(&bytes(&item)), Some(item));
        }
    }

    #[test]
    fn what_is_wanted_reads_back() {
        for role in ROLES {
            let wanted = Wanted {
                role,
                ..Wanted::of(&item())
            };
            assert_eq!(Wanted::read(&wanted.bytes()), Some(wanted));
        }
        assert_eq!(Wanted::of(&item()).role, Role::Anchor);
    }

    #[test]
    fn every_cut_and_every_other_byte_is_refused_or_read_and_never_a_panic() {
        let whole = bytes(&item());
        for end in 0..whole.len() - 2 {
            assert_eq!(read(&whole[..end]), None, "{end}");
        }
        for place in 0..whole.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut other = whole.clone();
                other[place] = value;
                let _ = read(&other);
                let _ = Wanted::read(&other);
            }
        }
        let mut newer = whole;
        newer[0] = LAYOUT + 1;
        assert_eq!(read(&newer), None);
    }
}
