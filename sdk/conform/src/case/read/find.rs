//! Finding, held against the listing.

use std::collections::BTreeSet;

use anchorhold_abi::AH_UNSUPPORTED;
use anchorhold_boundary::item::{Item, Kind};
use anchorhold_boundary::query::{By, Query};

use crate::bench::Bench;
use crate::case::read::{identity, items, or_leave};
use crate::case::{Finding, Outcome, ensure};
use crate::certificate::{Certificate, sha256};
use crate::store::{Anywhere, Refusal};

/// The most items of a store that are looked for one by one.
const MOST: usize = 200;

/// By the id of an item.
pub(in crate::case) fn by_id(id: &[u8]) -> Query {
    Query::new(By::Id(id.to_vec()))
}

fn no_find() -> Outcome {
    Ok(Finding::Skipped("it has no find".to_owned()))
}

/// Whether an item answers a question, as far as the contract says it.
fn fits(item: &Item, by: &By) -> bool {
    let certificate = (item.kind == Kind::Certificate)
        .then(|| Certificate::parse(&item.der).ok())
        .flatten();
    match by {
        By::Id(id) => item.id.0 == *id,
        By::Sha256(digest) => sha256(&item.der) == *digest,
        By::SpkiSha256(digest) => certificate.is_some_and(|found| sha256(&found.key) == *digest),
        By::Subject(name) => certificate.is_some_and(|found| found.subject == *name),
        By::IssuerSerial { issuer, serial } => {
            certificate.is_some_and(|found| found.issuer == *issuer && found.serial == *serial)
        }
        _ => false,
    }
}

/// The keys by which a certificate is found.
fn keys(item: &Item) -> Vec<By> {
    let mut keys = vec![By::Id(item.id.0.clone())];
    if let Ok(certificate) = Certificate::parse(&item.der)
        && item.kind == Kind::Certificate
    {
        keys.push(By::Sha256(sha256(&item.der)));
        keys.push(By::SpkiSha256(sha256(&certificate.key)));
        keys.push(By::Subject(certificate.subject));
        keys.push(By::IssuerSerial {
            issuer: certificate.issuer,
            serial: certificate.serial,
        });
    }
    keys
}

pub(super) fn agrees(bench: &Bench) -> Outcome {
    let store = bench.store()?;
    if !store.abilities().find {
        return no_find();
    }
    let items = or_leave!(items(&*store, bench));
    for item in items.iter().take(MOST) {
        for by in keys(item) {
            let is_id = matches!(by, By::Id(_));
            let mut query = Query::new(by);
            if !is_id {
                query.kinds = vec![Kind::Certificate];
            }
            same(&*store, &items, &query)?;
        }
    }
    Ok(Finding::Passed)
}

/// What a store finds; `None` where it says that it cannot look by this. By an id every store can.
fn answered(store: &dyn Anywhere, query: &Query) -> Result<Option<Vec<Item>>, Refusal> {
    match store.find_all(query) {
        Ok(found) => Ok(Some(found)),
        Err(why) if why.status == AH_UNSUPPORTED && !matches!(query.by, By::Id(_)) => Ok(None),
        Err(why) => Err(why),
    }
}

fn same(store: &dyn Anywhere, items: &[Item], query: &Query) -> Result<(), String> {
    let Some(found) = answered(store, query).map_err(|why| why.to_string())? else {
        return Ok(());
    };
    let set = |items: &mut dyn Iterator<Item = &Item>| -> BTreeSet<Vec<u8>> {
        items.map(|item| identity(item).0).collect()
    };
    let expected = set(&mut items.iter().filter(|item| fits(item, &query.by)));
    let got = set(&mut found.iter());
    ensure(expected == got, || {
        format!(
            "find by {} pushed {} items, and the listing has {} that fit",
            name(&query.by),
            got.len(),
            expected.len()
        )
    })?;
    for item in &found {
        let listed = items.iter().find(|listed| listed.id == item.id);
        ensure(listed == Some(item), || {
            format!(
                "find by {} shows an item otherwise than the listing",
                name(&query.by)
            )
        })?;
    }
    Ok(())
}

fn name(by: &By) -> &'static str {
    match by {
        By::Id(_) => "id",
        By::IssuerSerial { .. } => "issuer and serial number",
        By::Sha256(_) => "SHA-256",
        By::SpkiSha256(_) => "SHA-256 of the key",
        By::Subject(_) => "subject",
        _ => "something else",
    }
}

pub(super) fn nothing(bench: &Bench) -> Outcome {
    let store = bench.store()?;
    if !store.abilities().find {
        return no_find();
    }
    or_leave!(super::listed(&*store, bench, 0));
    let absent = [0x5a_u8; 32];
    for by in [
        By::Id(b"conform-has-no-such-id".to_vec()),
        By::Sha256(absent),
        By::SpkiSha256(absent),
        // The empty Name.
        By::Subject(vec![0x30, 0]),
        By::IssuerSerial {
            issuer: vec![0x30, 0],
            serial: vec![0x7f; 20],
        },
    ] {
        let what = name(&by);
        let found = answered(&*store, &Query::new(by));
        let found = found.map_err(|why| format!("looking by {what} for nothing: {why}"))?;
        ensure(found.is_none_or(|found| found.is_empty()), || {
            format!("find by {what} pushed an item where none fits")
        })?;
    }
    Ok(Finding::Passed)
}

pub(super) fn kinds(bench: &Bench) -> Outcome {
    let store = bench.store()?;
    if !store.abilities().find {
        return no_find();
    }
    for item in or_leave!(items(&*store, bench)).iter().take(MOST) {
        let mut query = by_id(&item.id.0);
        query.kinds = vec![item.kind];
        let found = store.find_all(&query).map_err(|why| why.to_string())?;
        ensure(found.len() == 1, || {
            format!("find by id, of its own kind, pushed {} items", found.len())
        })?;
        let all = [
            Kind::Certificate,
            Kind::IssuerSerial,
            Kind::SpkiSha256,
            Kind::Crl,
            Kind::PrivateKey,
        ];
        query.kinds = all.into_iter().filter(|kind| *kind != item.kind).collect();
        let found = store.find_all(&query).map_err(|why| why.to_string())?;
        ensure(found.is_empty(), || {
            "find pushed an item of a kind that was not asked for".to_owned()
        })?;
    }
    Ok(Finding::Passed)
}
