//! What a host passes in, as it is lent to a plugin.

use anchorhold_abi as abi;
use anchorhold_abi::{Growing, ah_bytes, ah_config, ah_query, ah_setting, ah_str};
use anchorhold_boundary::query::{By, Query};

use crate::arena::{Loan, Use};
use crate::store::{Setup, batch};
use crate::word::{Call, Thing};

pub(super) fn lower_config(setup: &Setup, lent: &mut Vec<Loan>) -> Result<ah_config, String> {
    let mut settings = Vec::new();
    for (key, value) in &setup.settings {
        let key = lend_text(Call::Open, key, lent)?;
        let value = lend_text(Call::Open, value, lent)?;
        settings.push(ah_setting { key, value });
    }
    let mut config = ah_config::blank();
    config.setting_count = u32::try_from(settings.len()).unwrap_or(u32::MAX);
    if !settings.is_empty() {
        let settings = lend_array(Call::Open, Thing::Setting, &settings)?;
        config.settings = settings.address();
        lent.push(settings);
    }
    config.store_name = lend_text(Call::Open, "conform", lent)?;
    config.state_dir = lend_text(Call::Open, &setup.state_dir, lent)?;
    Ok(config)
}

pub(super) fn lower_query(query: &Query, lent: &mut Vec<Loan>) -> Result<ah_query, String> {
    let mut raw = ah_query::blank();
    let mut key = |bytes: &[u8]| lend_bytes(Call::Find, bytes, lent);
    match &query.by {
        By::Id(id) => {
            raw.by = abi::AH_BY_ID;
            raw.key = key(id)?;
        }
        By::IssuerSerial { issuer, serial } => {
            raw.by = abi::AH_BY_ISSUER_SERIAL;
            raw.key = key(issuer)?;
            raw.serial = key(serial)?;
        }
        By::Sha256(digest) => {
            raw.by = abi::AH_BY_SHA256;
            raw.key = key(digest)?;
        }
        By::SpkiSha256(digest) => {
            raw.by = abi::AH_BY_SPKI_SHA256;
            raw.key = key(digest)?;
        }
        By::Subject(name) => {
            raw.by = abi::AH_BY_SUBJECT;
            raw.key = key(name)?;
        }
        _ => return Err("a query of a kind that is not known".to_owned()),
    }
    for kind in &query.kinds {
        raw.kinds |= 1 << batch::kind(*kind);
    }
    raw.purpose = batch::purpose(query.purpose);
    Ok(raw)
}

/// Lends elements that stand one behind the other.
pub(super) fn lend_array<T: Copy>(
    call: Call,
    thing: Thing,
    elements: &[T],
) -> Result<Loan, String> {
    // SAFETY: R1: the elements of the contract have no padding, so all their bytes are values.
    let bytes = unsafe {
        std::slice::from_raw_parts(elements.as_ptr().cast::<u8>(), size_of_val(elements))
    };
    Loan::new(call, thing, Use::In, bytes)
}

pub(super) fn lend_bytes(
    call: Call,
    bytes: &[u8],
    lent: &mut Vec<Loan>,
) -> Result<ah_bytes, String> {
    if bytes.is_empty() {
        return Ok(ah_bytes::EMPTY);
    }
    let loan = Loan::new(call, Thing::Bytes, Use::In, bytes)?;
    let raw = lent_bytes(&loan, bytes);
    lent.push(loan);
    Ok(raw)
}

pub(super) fn lend_text(call: Call, text: &str, lent: &mut Vec<Loan>) -> Result<ah_str, String> {
    if text.is_empty() {
        return Ok(ah_str::EMPTY);
    }
    let loan = Loan::new(call, Thing::Text, Use::In, text.as_bytes())?;
    let raw = ah_str {
        ptr: loan.address(),
        len: text.len(),
    };
    lent.push(loan);
    Ok(raw)
}

pub(super) fn lent_bytes(loan: &Loan, bytes: &[u8]) -> ah_bytes {
    if bytes.is_empty() {
        return ah_bytes::EMPTY;
    }
    ah_bytes {
        ptr: loan.address(),
        len: bytes.len(),
    }
}
