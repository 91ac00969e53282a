//! Changes as they are lent to a plugin.

use anchorhold_abi as abi;
use anchorhold_abi::{Growing, ah_batch, ah_bytes, ah_change, ah_item, ah_rule};
use anchorhold_boundary::batch::{Batch, Change};
use anchorhold_boundary::item::{Decision, Item, Kind, Purpose};

use crate::arena::Loan;
use crate::sized::{self, Size};
use crate::store::lent::{lend_array, lend_bytes, lend_text};
use crate::word::{Call, Thing};

/// The batch, and all that it leads to is lent as long as `lent` lives.
pub(super) fn lower(batch: &Batch, size: Size, lent: &mut Vec<Loan>) -> Result<ah_batch, String> {
    let mut changes = Vec::new();
    for change in &batch.changes {
        changes.push(match change {
            Change::Put(item) => ah_change {
                action: abi::AH_PUT,
                reserved: 0,
                item: lower_item(item, size, lent)?,
                id: ah_bytes::EMPTY,
            },
            Change::Remove(id) => ah_change {
                action: abi::AH_REMOVE,
                reserved: 0,
                item: std::ptr::null(),
                id: lend_bytes(Call::Apply, &id.0, lent)?,
            },
        });
    }
    let mut raw = ah_batch::blank();
    if batch.check_only {
        raw.flags |= abi::AH_BATCH_CHECK_ONLY;
    }
    raw.if_generation = batch.if_generation;
    raw.change_count = changes.len();
    raw.change_stride = abi::stride_of::<ah_change>();
    if size == Size::Longer {
        // A later host's elements are longer, and only the stride says so.
        let longer: Vec<_> = changes
            .iter()
            .map(|change| (*change, [u64::MAX; 2]))
            .collect();
        raw.change_stride = raw.change_stride.saturating_add(16);
        let all = lend_array(Call::Apply, Thing::Change, &strided(&longer))?;
        raw.changes = all.address();
        lent.push(all);
    } else if !changes.is_empty() {
        let all = lend_array(Call::Apply, Thing::Change, &changes)?;
        raw.changes = all.address();
        lent.push(all);
    }
    Ok(raw)
}

/// An element of an array, and what a later version has behind it.
#[repr(C)]
#[derive(Clone, Copy)]
struct Strided {
    change: ah_change,
    more: [u64; 2],
}

fn strided(longer: &[(ah_change, [u64; 2])]) -> Vec<Strided> {
    let elements = longer.iter();
    elements
        .map(|(change, more)| Strided {
            change: *change,
            more: *more,
        })
        .collect()
}

fn lower_item(item: &Item, size: Size, lent: &mut Vec<Loan>) -> Result<*const ah_item, String> {
    let rules: Vec<ah_rule> = item
        .rules
        .iter()
        .map(|rule| ah_rule {
            purpose: purpose(rule.purpose),
            decision: match rule.decision {
                Decision::Anchor => abi::AH_ANCHOR,
                Decision::Neutral => abi::AH_NEUTRAL,
                _ => abi::AH_DISTRUST,
            },
            issued_before: rule.issued_before,
        })
        .collect();
    let mut raw = ah_item::blank();
    raw.kind = kind(item.kind);
    for (is_set, flag) in [
        (item.read_only, abi::AH_ITEM_READ_ONLY),
        (item.asks_each_use, abi::AH_ITEM_ASKS_EACH_USE),
        (item.trust_unknown, abi::AH_ITEM_TRUST_UNKNOWN),
    ] {
        raw.flags |= if is_set { flag } else { 0 };
    }
    raw.rule_stride = abi::stride_of::<ah_rule>();
    raw.rule_count = rules.len();
    if !rules.is_empty() {
        let rules = lend_array(Call::Apply, Thing::Rule, &rules)?;
        raw.rules = rules.address();
        lent.push(rules);
    }
    raw.created = item.created;
    raw.modified = item.modified;
    raw.id = lend_bytes(Call::Apply, &item.id.0, lent)?;
    raw.der = lend_bytes(Call::Apply, &item.der, lent)?;
    raw.label = lend_text(Call::Apply, &item.label, lent)?;
    raw.name_constraints = lend_bytes(Call::Apply, &item.name_constraints, lent)?;
    raw.scope = lend_text(Call::Apply, &item.scope, lent)?;
    let loan = sized::lend(Call::Apply, Thing::Item, &raw, size)?;
    let address = loan.address();
    lent.push(loan);
    Ok(address)
}

/// A kind as the contract numbers it.
pub(crate) fn kind(kind: Kind) -> u32 {
    match kind {
        Kind::IssuerSerial => abi::AH_KIND_ISSUER_SERIAL,
        Kind::SpkiSha256 => abi::AH_KIND_SPKI_SHA256,
        Kind::Crl => abi::AH_KIND_CRL,
        Kind::PrivateKey => abi::AH_KIND_PRIVATE_KEY,
        _ => abi::AH_KIND_CERTIFICATE,
    }
}

/// A purpose as the contract numbers it.
pub(crate) fn purpose(purpose: Purpose) -> u32 {
    match purpose {
        Purpose::Server => abi::AH_FOR_SERVER,
        Purpose::Client => abi::AH_FOR_CLIENT,
        Purpose::Email => abi::AH_FOR_EMAIL,
        Purpose::Code => abi::AH_FOR_CODE,
        Purpose::Timestamp => abi::AH_FOR_TIMESTAMP,
        _ => abi::AH_FOR_ANY,
    }
}
