//! One item as a plugin pushes it, held against every promise that the contract makes of items.

use anchorhold_abi as abi;
use anchorhold_abi::{ah_item, ah_rule};
use anchorhold_boundary::item::{Decision, Item, ItemId, Kind, Rule};

use crate::read;

/// Reads an item; `None` where its kind is not known to this version.
///
/// # Safety
///
/// R1, R3: `item` is NULL or lent for this call, with what it leads to.
pub(super) unsafe fn read(item: *const ah_item) -> Result<Option<Item>, String> {
    // SAFETY: R1, R3, as promised by the caller.
    let raw = unsafe { abi::read(item) }
        .ok_or("pushed no ah_item, or one that is shorter than in version 1.0")?;
    let kind = match raw.kind {
        abi::AH_KIND_CERTIFICATE => Kind::Certificate,
        abi::AH_KIND_ISSUER_SERIAL => Kind::IssuerSerial,
        abi::AH_KIND_SPKI_SHA256 => Kind::SpkiSha256,
        abi::AH_KIND_CRL => Kind::Crl,
        abi::AH_KIND_PRIVATE_KEY => Kind::PrivateKey,
        0 => return Err("pushed an item of kind 0".to_owned()),
        _ => return Ok(None),
    };
    // SAFETY: R3: what the item leads to is lent for this call.
    let id = unsafe { read::bytes(raw.id) }.map_err(|why| format!("the id of an item {why}"))?;
    if id.is_empty() || id.len() > abi::AH_ID_MAX {
        return Err(format!(
            "the id of an item has {} bytes, and may have 1 to {}",
            id.len(),
            abi::AH_ID_MAX
        ));
    }
    let name = shown(&id);
    let text = |what: &str, text| {
        // SAFETY: R3: what the item leads to is lent for this call.
        unsafe { read::text(text) }.map_err(|why| format!("the {what} of item {name} {why}"))
    };
    let bytes = |what: &str, bytes, most: usize| {
        // SAFETY: R3: what the item leads to is lent for this call.
        let bytes = unsafe { read::bytes(bytes) };
        let bytes = bytes.map_err(|why| format!("the {what} of item {name} {why}"))?;
        within(what, bytes.len(), most, &name).map(|()| bytes)
    };
    let most = match kind {
        Kind::Crl => abi::AH_CRL_MAX,
        _ => abi::AH_CERTIFICATE_MAX,
    };
    let label = text("label", raw.label)?;
    let scope = text("scope", raw.scope)?;
    within("scope", scope.len(), abi::AH_SCOPE_MAX, &name)?;
    // SAFETY: R1, R3: the rules are lent for this call.
    let rules = unsafe { rules(&raw, &name) }?;
    check_rules(kind, &rules, &name)?;
    let constraints = bytes(
        "name_constraints",
        raw.name_constraints,
        abi::AH_NAME_CONSTRAINTS_MAX,
    )?;
    Ok(Some(Item {
        kind,
        der: bytes("der", raw.der, most)?,
        label,
        rules,
        name_constraints: constraints,
        scope,
        read_only: raw.flags & abi::AH_ITEM_READ_ONLY != 0,
        asks_each_use: raw.flags & abi::AH_ITEM_ASKS_EACH_USE != 0,
        trust_unknown: raw.flags & abi::AH_ITEM_TRUST_UNKNOWN != 0,
        created: raw.created,
        modified: raw.modified,
        id: ItemId(id),
    }))
}

/// An id as it is shown.
pub(crate) fn shown(id: &[u8]) -> String {
    let digits: String = id
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    if id.len() > 8 {
        return format!("{digits}..");
    }
    digits
}

fn within(what: &str, size: usize, most: usize, name: &str) -> Result<(), String> {
    if size <= most {
        return Ok(());
    }
    Err(format!(
        "the {what} of item {name} has {size} bytes, and may have {most}"
    ))
}

/// # Safety
///
/// R1, R3: the rules that the item leads to are lent for this call.
unsafe fn rules(raw: &ah_item, name: &str) -> Result<Vec<Rule>, String> {
    if raw.rule_count == 0 {
        return Ok(Vec::new());
    }
    if raw.rule_count > abi::AH_RULES_MAX {
        return Err(format!(
            "item {name} has {} rules, and may have {}",
            raw.rule_count,
            abi::AH_RULES_MAX
        ));
    }
    if raw.rules.is_null() {
        return Err(format!("item {name} has rules that lead nowhere"));
    }
    let stride = usize::try_from(raw.rule_stride).unwrap_or(usize::MAX);
    if !(size_of::<ah_rule>()..=4096).contains(&stride) {
        return Err(format!(
            "item {name} has a rule_stride of {stride}, and a rule has {} bytes",
            size_of::<ah_rule>()
        ));
    }
    let mut rules = Vec::new();
    for index in 0..raw.rule_count {
        // SAFETY: R1: the element lies within `rule_count * stride` bytes, both of which are
        // bounded; nothing is assumed of its alignment.
        let rule = unsafe { raw.rules.byte_add(index * stride).read_unaligned() };
        rules.extend(Rule::of(rule));
    }
    Ok(rules)
}

/// Some kinds can distrust and do nothing else.
fn check_rules(kind: Kind, rules: &[Rule], name: &str) -> Result<(), String> {
    let distrusts_only = matches!(kind, Kind::IssuerSerial | Kind::SpkiSha256);
    if distrusts_only && rules.iter().any(|rule| rule.decision == Decision::Anchor) {
        return Err(format!(
            "item {name} is an anchor, and its kind can be distrusted only"
        ));
    }
    Ok(())
}
