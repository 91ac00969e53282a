//! A batch as C has it.

use anchorhold_abi as abi;
use anchorhold_abi::{Growing, ah_batch, ah_bytes, ah_change, ah_item, ah_rule, ah_str};

use crate::batch::{Batch, Change};
use crate::item::{Decision, Item, Kind, Purpose, Rule};

/// The structs that a batch consists of in C; they point into the batch and into each other.
pub(super) struct Lowered {
    changes: Vec<ah_change>,
    // Pointed to by `changes` and by `items`; a vector's elements stay where they are when the
    // vector is moved.
    _items: Vec<ah_item>,
    _rules: Vec<Vec<ah_rule>>,
}

impl Lowered {
    pub(super) fn new(batch: &Batch) -> Self {
        let rules: Vec<Vec<ah_rule>> = batch
            .changes
            .iter()
            .map(|change| match change {
                Change::Put(item) => item.rules.iter().map(lower_rule).collect(),
                Change::Remove(_) => Vec::new(),
            })
            .collect();
        let items: Vec<ah_item> = batch
            .changes
            .iter()
            .zip(&rules)
            .map(|(change, rules)| match change {
                Change::Put(item) => lower_item(item, rules),
                Change::Remove(_) => ah_item::blank(),
            })
            .collect();
        let changes = batch
            .changes
            .iter()
            .zip(&items)
            .map(|(change, item)| match change {
                Change::Put(_) => ah_change {
                    action: abi::AH_PUT,
                    reserved: 0,
                    item: std::ptr::from_ref(item),
                    id: ah_bytes::EMPTY,
                },
                Change::Remove(id) => ah_change {
                    action: abi::AH_REMOVE,
                    reserved: 0,
                    item: std::ptr::null(),
                    id: ah_bytes::new(&id.0),
                },
            })
            .collect();
        Self {
            changes,
            _items: items,
            _rules: rules,
        }
    }

    pub(super) fn batch(&self, batch: &Batch) -> ah_batch {
        let mut lowered = ah_batch::blank();
        if batch.check_only {
            lowered.flags |= abi::AH_BATCH_CHECK_ONLY;
        }
        lowered.change_stride = abi::stride_of::<ah_change>();
        lowered.if_generation = batch.if_generation;
        lowered.changes = self.changes.as_ptr();
        lowered.change_count = self.changes.len();
        lowered
    }
}

fn lower_item(item: &Item, rules: &[ah_rule]) -> ah_item {
    let mut lowered = ah_item::blank();
    lowered.kind = match item.kind {
        Kind::Certificate => abi::AH_KIND_CERTIFICATE,
        Kind::IssuerSerial => abi::AH_KIND_ISSUER_SERIAL,
        Kind::SpkiSha256 => abi::AH_KIND_SPKI_SHA256,
        Kind::Crl => abi::AH_KIND_CRL,
        Kind::PrivateKey => abi::AH_KIND_PRIVATE_KEY,
    };
    if item.read_only {
        lowered.flags |= abi::AH_ITEM_READ_ONLY;
    }
    if item.asks_each_use {
        lowered.flags |= abi::AH_ITEM_ASKS_EACH_USE;
    }
    if item.trust_unknown {
        lowered.flags |= abi::AH_ITEM_TRUST_UNKNOWN;
    }
    lowered.rule_stride = abi::stride_of::<ah_rule>();
    lowered.created = item.created;
    lowered.modified = item.modified;
    lowered.rules = rules.as_ptr();
    lowered.rule_count = rules.len();
    lowered.id = ah_bytes::new(&item.id.0);
    lowered.der = ah_bytes::new(&item.der);
    lowered.label = ah_str::new(&item.label);
    lowered.name_constraints = ah_bytes::new(&item.name_constraints);
    lowered.scope = ah_str::new(&item.scope);
    lowered
}

fn lower_rule(rule: &Rule) -> ah_rule {
    ah_rule {
        purpose: match rule.purpose {
            Purpose::Any => abi::AH_FOR_ANY,
            Purpose::Server => abi::AH_FOR_SERVER,
            Purpose::Client => abi::AH_FOR_CLIENT,
            Purpose::Email => abi::AH_FOR_EMAIL,
            Purpose::Code => abi::AH_FOR_CODE,
            Purpose::Timestamp => abi::AH_FOR_TIMESTAMP,
        },
        decision: match rule.decision {
            Decision::Neutral => abi::AH_NEUTRAL,
            Decision::Anchor => abi::AH_ANCHOR,
            Decision::Distrust => abi::AH_DISTRUST,
        },
        issued_before: rule.issued_before,
    }
}
