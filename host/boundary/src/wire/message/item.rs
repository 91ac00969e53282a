//! An item on the wire.

use anchorhold_abi as abi;

use crate::adopt::item::most_bytes;
use crate::item::{Decision, Item, ItemId, Kind, Purpose, Rule};
use crate::quotation;
use crate::wire::WireError;
use crate::wire::field::{Reader, Writer};

/// The fewest bytes of an item.
pub(super) const LEAST: usize = 3 + 2 * 8 + 5 * 4 + 4;

/// A scope may have grown when it was repaired.
const SCOPE_MAX: usize = 3 * abi::AH_SCOPE_MAX;

const READ_ONLY: u8 = 1;
const ASKS_EACH_USE: u8 = 2;
const TRUST_UNKNOWN: u8 = 4;

pub(super) const KINDS: [Kind; 5] = [
    Kind::Certificate,
    Kind::Crl,
    Kind::IssuerSerial,
    Kind::PrivateKey,
    Kind::SpkiSha256,
];

pub(super) const PURPOSES: [Purpose; 6] = [
    Purpose::Any,
    Purpose::Client,
    Purpose::Code,
    Purpose::Email,
    Purpose::Server,
    Purpose::Timestamp,
];

const DECISIONS: [Decision; 3] = [Decision::Anchor, Decision::Distrust, Decision::Neutral];

/// Who reads an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// The host: it holds the runner to all that the runner should have seen to.
    Host,
    /// The runner: an item to be added has no id, and the texts are the operator's.
    Runner,
}

/// About how many bytes the item has on the wire.
pub(super) fn footprint(item: &Item) -> usize {
    LEAST
        + item.id.0.len()
        + item.der.len()
        + item.label.len()
        + item.name_constraints.len()
        + item.scope.len()
        + item.rules.len() * 10
}

pub(super) fn write(out: &mut Writer<'_>, item: &Item) {
    let Item {
        kind,
        id,
        der,
        label,
        rules,
        name_constraints,
        scope,
        read_only,
        asks_each_use,
        trust_unknown,
        created,
        modified,
    } = item;
    out.one_of(&KINDS, kind);
    let flag = |set: bool, flag: u8| if set { flag } else { 0 };
    out.u8(flag(*read_only, READ_ONLY)
        | flag(*asks_each_use, ASKS_EACH_USE)
        | flag(*trust_unknown, TRUST_UNKNOWN));
    out.i64(*created);
    out.i64(*modified);
    out.bytes(&id.0);
    out.bytes(der);
    out.text(label);
    out.bytes(name_constraints);
    out.text(scope);
    out.count(rules.len());
    for rule in rules {
        out.one_of(&PURPOSES, &rule.purpose);
        out.one_of(&DECISIONS, &rule.decision);
        out.i64(rule.issued_before);
    }
}

pub(super) fn read(from: &mut Reader<'_>, by: By) -> Result<Item, WireError> {
    let kind = from.one_of(&KINDS, "kind of item")?;
    let flags = from.u8()?;
    if flags & !(READ_ONLY | ASKS_EACH_USE | TRUST_UNKNOWN) != 0 {
        return Err(malformed("flags of an item"));
    }
    let (created, modified) = (from.i64()?, from.i64()?);
    let id = read_id(from, by)?;
    let der = from.bytes(most_bytes(kind), "bytes of an item")?;
    if der.is_empty() || (kind == Kind::SpkiSha256 && der.len() != 32) {
        return Err(malformed("bytes of an item"));
    }
    let label = from.text(abi::AH_LABEL_MAX, "label")?;
    let name_constraints = from.bytes(abi::AH_NAME_CONSTRAINTS_MAX, "name constraints")?;
    let scope = from.text(SCOPE_MAX, "scope")?;
    if by == By::Host && (quotation::is_changed_line(label) || quotation::are_changed_names(scope))
    {
        return Err(malformed("text of an item"));
    }
    Ok(Item {
        kind,
        id,
        der: der.to_vec(),
        label: label.to_owned(),
        rules: read_rules(from)?,
        name_constraints: name_constraints.to_vec(),
        scope: scope.to_owned(),
        read_only: flags & READ_ONLY != 0,
        asks_each_use: flags & ASKS_EACH_USE != 0,
        trust_unknown: flags & TRUST_UNKNOWN != 0,
        created,
        modified,
    })
}

/// An id. One that is not there is the item's that is to be added.
pub(super) fn read_id(from: &mut Reader<'_>, by: By) -> Result<ItemId, WireError> {
    let id = from.bytes(abi::AH_ID_MAX, "id")?;
    if id.is_empty() && by == By::Host {
        return Err(malformed("id"));
    }
    Ok(ItemId(id.to_vec()))
}

fn read_rules(from: &mut Reader<'_>) -> Result<Vec<Rule>, WireError> {
    let count = from.count(10, abi::AH_RULES_MAX, "rules")?;
    let mut rules = Vec::with_capacity(count);
    for _ in 0..count {
        rules.push(Rule {
            purpose: from.one_of(&PURPOSES, "purpose")?,
            decision: from.one_of(&DECISIONS, "decision")?,
            issued_before: from.i64()?,
        });
    }
    Ok(rules)
}

fn malformed(what: &'static str) -> WireError {
    WireError::Malformed { what }
}
