//! Asking a store for certain items: what it answers has to fit the question.

mod fit;

use std::sync::Arc;
use std::time::Instant;

use anchorhold_abi as abi;
use anchorhold_abi::{Growing, ah_bytes, ah_query};

use crate::adopt::plugin::Find;
use crate::item::{Kind, Purpose};
use crate::query::{By, Found, Query};
use crate::services::LogLevel;
use crate::status::{CallError, Status};
use crate::table::find::fit::Fit;
use crate::table::intake::{self, Bounds, Taken};
use crate::table::lane::Lane;
use crate::table::{CallLimits, Opened};

/// The most items of an answer.
pub(crate) const FOUND_MAX: usize = 10_000;
/// The most bytes of an answer.
pub(crate) const FOUND_BYTES_MAX: usize = 256 << 20;
/// The most bytes of a name or a serial number that is looked for.
const KEY_MAX: usize = 64 << 10;

pub(super) fn find(
    store: &Arc<Opened>,
    lane: &Lane,
    query: &Query,
    limits: &CallLimits,
) -> Result<Found, CallError> {
    let find = store.adopted().find.ok_or_else(|| {
        CallError::new(
            Status::Unsupported,
            "its plugin has to be listed to be searched",
        )
    })?;
    check(query)?;
    store.services.begin_call();
    let deadline = limits.deadline();
    let taken = {
        let (store, query, limits) = (Arc::clone(store), query.clone(), limits.clone());
        lane.run(deadline, move || {
            find_here(&store, find, &query, &limits, deadline)
        })??
    };
    fitting(query, taken, |line| {
        store.services.say(LogLevel::Warn, line)
    })
}

/// What the contract does not allow is not sent.
pub(crate) fn check(query: &Query) -> Result<(), CallError> {
    let (key, most) = match &query.by {
        By::Id(id) => (id, abi::AH_ID_MAX),
        By::IssuerSerial { issuer, serial } => {
            check_length("a serial number", serial, KEY_MAX)?;
            (issuer, KEY_MAX)
        }
        By::Sha256(_) | By::SpkiSha256(_) => return Ok(()),
        By::Subject(subject) => (subject, KEY_MAX),
    };
    check_length("the key of a query", key, most)
}

fn check_length(what: &str, bytes: &[u8], most: usize) -> Result<(), CallError> {
    if (1..=most).contains(&bytes.len()) {
        return Ok(());
    }
    let message = format!("{what} has {} bytes, and may have 1 to {most}", bytes.len());
    Err(CallError::new(Status::InvalidArgument, message))
}

/// Makes the call, on the thread on which the store is called.
fn find_here(
    store: &Opened,
    find: Find,
    query: &Query,
    limits: &CallLimits,
    deadline: Option<Instant>,
) -> Result<Taken, CallError> {
    let bounds = Bounds {
        room: usize::MAX,
        items: FOUND_MAX,
        bytes: FOUND_BYTES_MAX,
    };
    let lowered = lowered(query);
    intake::gather(store, limits, deadline, bounds, |call, sink, error| {
        // SAFETY: R1, R3: the store is open, every struct is ours and outlives the call, and what
        // `lowered` points to is kept by `query`.
        unsafe { find(store.store, call, &raw const lowered, sink, error) }
    })
}

/// The query as the contract has it; it points into `query`.
fn lowered(query: &Query) -> ah_query {
    let mut lowered = ah_query::blank();
    let (by, key, serial): (_, &[u8], &[u8]) = match &query.by {
        By::Id(id) => (abi::AH_BY_ID, id, &[]),
        By::IssuerSerial { issuer, serial } => (abi::AH_BY_ISSUER_SERIAL, issuer, serial),
        By::Sha256(digest) => (abi::AH_BY_SHA256, digest, &[]),
        By::SpkiSha256(digest) => (abi::AH_BY_SPKI_SHA256, digest, &[]),
        By::Subject(subject) => (abi::AH_BY_SUBJECT, subject, &[]),
    };
    lowered.by = by;
    lowered.key = ah_bytes::new(key);
    lowered.serial = ah_bytes::new(serial);
    lowered.kinds = query.kinds.iter().fold(0, |mask, kind| {
        mask | 1_u32.checked_shl(raw_kind(*kind)).unwrap_or(0)
    });
    lowered.purpose = match query.purpose {
        Purpose::Any => abi::AH_FOR_ANY,
        Purpose::Client => abi::AH_FOR_CLIENT,
        Purpose::Code => abi::AH_FOR_CODE,
        Purpose::Email => abi::AH_FOR_EMAIL,
        Purpose::Server => abi::AH_FOR_SERVER,
        Purpose::Timestamp => abi::AH_FOR_TIMESTAMP,
    };
    lowered
}

fn raw_kind(kind: Kind) -> u32 {
    match kind {
        Kind::Certificate => abi::AH_KIND_CERTIFICATE,
        Kind::Crl => abi::AH_KIND_CRL,
        Kind::IssuerSerial => abi::AH_KIND_ISSUER_SERIAL,
        Kind::PrivateKey => abi::AH_KIND_PRIVATE_KEY,
        Kind::SpkiSha256 => abi::AH_KIND_SPKI_SHA256,
    }
}

fn fitting(query: &Query, taken: Taken, mut say: impl FnMut(&str)) -> Result<Found, CallError> {
    for note in &taken.notes {
        say(&format!("an item is left out: {note}"));
    }
    fits(
        query,
        Found {
            items: taken.items,
            skipped: taken.skipped,
            repaired: taken.repaired,
        },
        say,
    )
}

/// What a store found, if all of it fits: a store that answers with anything else could answer
/// with another certificate. An item whose bytes are broken fits nothing, and is left out.
pub(crate) fn fits(
    query: &Query,
    mut found: Found,
    mut say: impl FnMut(&str),
) -> Result<Found, CallError> {
    let mut broken = Vec::new();
    for (index, item) in found.items.iter().enumerate() {
        match fit::fit(query, item) {
            Fit::Fits => {}
            Fit::Broken => broken.push(index),
            Fit::Other(why) => {
                return Err(CallError::protocol(format!(
                    "it found {:?}, which was not asked for: {why}",
                    item.label
                )));
            }
        }
    }
    for index in broken.into_iter().rev() {
        let item = found.items.remove(index);
        found.skipped += 1;
        say(&format!(
            "an item is left out: the bytes of {:?} are broken",
            item.label
        ));
    }
    if matches!(query.by, By::Id(_)) && found.items.len() > 1 {
        return Err(CallError::protocol(format!(
            "{} of its items have the same id",
            found.items.len()
        )));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_is_lowered_as_the_contract_has_it() {
        let mut query = Query::new(By::IssuerSerial {
            issuer: b"issuer".to_vec(),
            serial: b"\x01".to_vec(),
        });
        query.kinds = vec![Kind::Certificate, Kind::Crl];
        query.purpose = Purpose::Client;
        let raw = lowered(&query);
        assert_eq!(
            (raw.by, raw.kinds, raw.purpose),
            (abi::AH_BY_ISSUER_SERIAL, 0b1_0010, abi::AH_FOR_CLIENT)
        );
        assert_eq!((raw.key.len, raw.serial.len), (6, 1));
    }

    #[test]
    fn key_that_the_contract_does_not_allow_is_not_sent() {
        for by in [
            By::Id(Vec::new()),
            By::Id(vec![1; 65]),
            By::Subject(Vec::new()),
            By::Subject(vec![0; KEY_MAX + 1]),
            By::IssuerSerial {
                issuer: vec![1],
                serial: Vec::new(),
            },
        ] {
            let error = check(&Query::new(by)).unwrap_err();
            assert_eq!(error.status, Status::InvalidArgument, "{error}");
        }
        assert_eq!(check(&Query::new(By::Sha256([0; 32]))), Ok(()));
    }
}
