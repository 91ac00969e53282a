//! A pushed item: copied once, typed and bounded.

use anchorhold_abi as abi;
use anchorhold_abi::{ah_item, ah_rule};

use crate::adopt::{self, Nowhere};
use crate::item::{Item, ItemId, Kind, Rule};
use crate::quotation;
use crate::status::{CallError, Status};

/// The longest that a rule may be in a later version.
const RULE_STRIDE_MAX: usize = 1024;

/// What came of a push.
#[derive(Debug)]
pub(crate) enum Pushed {
    /// An item, and whether one of its texts had to be repaired.
    Taken(Item, bool),
    /// An item in which nothing could apply, and why; it is left out and counted.
    LeftOut(String),
}

/// Reads an item. An error breaks the contract, or goes beyond what it allows, and ends the
/// listing.
///
/// # Safety
///
/// R1, R3: `item` is NULL or the plugin's struct, lent with all it leads to for this call.
pub(crate) unsafe fn read(item: *const ah_item) -> Result<Pushed, CallError> {
    // SAFETY: R1, R3, as promised by the caller.
    let raw = unsafe { abi::read(item) }
        .ok_or_else(|| CallError::protocol("it pushed no item, or one shorter than in 1.0"))?;
    let Some(kind) = kind(raw.kind) else {
        return Ok(Pushed::LeftOut(format!(
            "items of kind {} are not known",
            raw.kind
        )));
    };
    // SAFETY: R3, as promised by the caller.
    let label = unsafe { adopt::text(raw.label) }.map_err(|Nowhere| nowhere("label"))?;
    let label = quotation::line(label, abi::AH_LABEL_MAX);
    // SAFETY: R3, as above.
    let Ok(der) = (unsafe { adopt::bytes(raw.der) }) else {
        return Ok(Pushed::LeftOut(format!(
            "{:?} has no bytes where it says",
            label.text
        )));
    };
    if let Err(why) = check_der(kind, der, &label.text)? {
        return Ok(Pushed::LeftOut(why));
    }
    // SAFETY: R3, as above.
    let id = unsafe { adopt::bytes(raw.id) }.map_err(|Nowhere| nowhere("id"))?;
    // SAFETY: R3, as above.
    let (scope, scope_changed) = unsafe { read_scope(&raw) }?;
    // SAFETY: R1, R3, as above.
    let rules = unsafe { read_rules(&raw) }?;
    // SAFETY: R3, as above.
    let name_constraints = unsafe { adopt::bytes(raw.name_constraints) }
        .map_err(|Nowhere| nowhere("name_constraints"))?;
    check_size(
        "name constraints",
        name_constraints.len(),
        abi::AH_NAME_CONSTRAINTS_MAX,
        &label.text,
    )?;
    let item = Item {
        kind,
        id: checked_id(id)?,
        der: der.to_vec(),
        rules,
        name_constraints: name_constraints.to_vec(),
        scope,
        read_only: raw.flags & abi::AH_ITEM_READ_ONLY != 0,
        asks_each_use: raw.flags & abi::AH_ITEM_ASKS_EACH_USE != 0,
        trust_unknown: raw.flags & abi::AH_ITEM_TRUST_UNKNOWN != 0,
        created: raw.created,
        modified: raw.modified,
        label: label.text,
    };
    Ok(Pushed::Taken(item, label.changed || scope_changed))
}

/// An id that the contract allows.
pub(crate) fn checked_id(id: &[u8]) -> Result<ItemId, CallError> {
    if id.is_empty() || id.len() > abi::AH_ID_MAX {
        return Err(CallError::protocol(format!(
            "an id has {} bytes, and may have 1 to {}",
            id.len(),
            abi::AH_ID_MAX
        )));
    }
    Ok(ItemId(id.to_vec()))
}

/// The most bytes that an item of this kind may have.
pub(crate) fn most_bytes(kind: Kind) -> usize {
    match kind {
        Kind::Crl => abi::AH_CRL_MAX,
        _ => abi::AH_CERTIFICATE_MAX,
    }
}

fn kind(raw: u32) -> Option<Kind> {
    Some(match raw {
        abi::AH_KIND_CERTIFICATE => Kind::Certificate,
        abi::AH_KIND_ISSUER_SERIAL => Kind::IssuerSerial,
        abi::AH_KIND_SPKI_SHA256 => Kind::SpkiSha256,
        abi::AH_KIND_CRL => Kind::Crl,
        abi::AH_KIND_PRIVATE_KEY => Kind::PrivateKey,
        _ => return None,
    })
}

/// The outer error ends the listing, the inner one leaves the item out.
fn check_der(kind: Kind, der: &[u8], label: &str) -> Result<Result<(), String>, CallError> {
    if der.is_empty() {
        return Ok(Err(format!("{label:?} is empty")));
    }
    if kind == Kind::SpkiSha256 && der.len() != 32 {
        return Ok(Err(format!(
            "{label:?} is no SHA-256: it has {} bytes",
            der.len()
        )));
    }
    check_size("item", der.len(), most_bytes(kind), label).map(Ok)
}

fn check_size(what: &str, size: usize, most: usize, label: &str) -> Result<(), CallError> {
    if size > most {
        let message = format!("the {what} of {label:?} has {size} bytes, and may have {most}");
        return Err(CallError::new(Status::Limit, message));
    }
    Ok(())
}

/// # Safety
///
/// R3: what the item leads to is lent for this call.
unsafe fn read_scope(raw: &ah_item) -> Result<(String, bool), CallError> {
    // SAFETY: R3, as promised by the caller.
    let scope = unsafe { adopt::text(raw.scope) }.map_err(|Nowhere| nowhere("scope"))?;
    // A scope that is cut means something else, so it is refused.
    check_size("scope", scope.len(), abi::AH_SCOPE_MAX, "an item")?;
    let scope = quotation::names(scope, abi::AH_SCOPE_MAX.saturating_mul(3));
    Ok((scope.text, scope.changed))
}

/// # Safety
///
/// R1, R3: the rules that the item leads to are lent for this call.
unsafe fn read_rules(raw: &ah_item) -> Result<Vec<Rule>, CallError> {
    if raw.rule_count == 0 {
        return Ok(Vec::new());
    }
    let stride = usize::try_from(raw.rule_stride).unwrap_or(usize::MAX);
    let known = size_of::<ah_rule>();
    if raw.rule_count > abi::AH_RULES_MAX {
        let (count, most) = (raw.rule_count, abi::AH_RULES_MAX);
        let message = format!("an item has {count} rules, and may have {most}");
        return Err(CallError::new(Status::Limit, message));
    }
    if raw.rules.is_null() {
        return Err(nowhere("rules"));
    }
    if !(known..=RULE_STRIDE_MAX).contains(&stride) {
        return Err(CallError::protocol(format!(
            "a rule has {stride} bytes, and may have {known} to {RULE_STRIDE_MAX}"
        )));
    }
    let mut rules = Vec::with_capacity(raw.rule_count);
    for index in 0..raw.rule_count {
        // SAFETY: R1: the element lies within `rule_count * stride` bytes, a product that both
        // limits keep small; nothing is assumed of its alignment.
        let rule = unsafe { raw.rules.byte_add(index * stride).read_unaligned() };
        rules.extend(Rule::of(rule));
    }
    Ok(rules)
}

fn nowhere(field: &str) -> CallError {
    CallError::protocol(format!("the field {field:?} of an item leads nowhere"))
}
