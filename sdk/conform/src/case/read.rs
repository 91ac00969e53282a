//! What every store does: it is listed, says how it is, and stays within its bounds.

pub(super) mod find;
mod health;
mod lifetime;
mod paging;

use anchorhold_abi as abi;
use anchorhold_boundary::item::{Item, Kind};

use crate::bench::Bench;
use crate::case::{Case, Finding, Outcome, anywhere, bare, ensure, write};
use crate::certificate::Certificate;
use crate::job::hex;
use crate::sink::shown;
use crate::store::{Anywhere, Listed, Refusal};

pub(super) const CASES: &[Case] = &[
    anywhere(
        "read.list",
        "the store can be listed, and every item is as the contract has items",
        list,
    )
    .after("load.open"),
    bare(
        "read.pages-agree",
        "pages of 1, 2 and 7 items and of any number show the same items",
        paging::agree,
    )
    .after("read.list"),
    bare(
        "read.one-generation",
        "all pages of a listing carry one generation, and it moves only with the contents",
        paging::generation,
    )
    .after("read.list"),
    bare(
        "read.cursor-outlives",
        "a cursor means the same in another process",
        paging::outlives,
    )
    .after("read.list"),
    bare(
        "read.cursor-garbage",
        "a cursor that the store never gave is refused",
        paging::garbage,
    )
    .after("read.list"),
    bare(
        "read.stop-obeyed",
        "a sink that says stop is obeyed, and its status returned as it is",
        paging::stop,
    )
    .after("read.list"),
    anywhere(
        "read.ids-unique",
        "no two items have the same id",
        ids_unique,
    )
    .after("read.list"),
    anywhere(
        "read.ids-stable",
        "an item has the same id when the store is opened again, also in another process",
        ids_stable,
    )
    .after("read.list"),
    anywhere(
        "read.der-parses",
        "the bytes of every item are what its kind says",
        der_parses,
    )
    .after("read.list"),
    bare(
        "read.never-prompts",
        "nobody is asked while a store is opened, listed, searched and looked at",
        never_prompts,
    )
    .after("load.open"),
    bare(
        "read.health-first",
        "health answers before the first listing, and makes sense",
        health::first,
    )
    .after("load.open"),
    bare(
        "read.health-never-waits",
        "health answers while a listing is under way",
        health::beside,
    )
    .after("read.list"),
    anywhere(
        "read.health-agrees",
        "the count and the generation of health are those of the listing",
        health::agrees,
    )
    .after("read.list"),
    bare(
        "read.two-stores",
        "two stores are open at once, and one outlives the other",
        lifetime::two,
    )
    .after("read.list"),
    bare(
        "read.open-and-close",
        "opening, listing and closing 100 times takes no more memory, descriptors and threads",
        lifetime::many,
    )
    .after("read.list"),
    bare(
        "read.silent-after-close",
        "nothing of the host's is called once close has returned",
        lifetime::silent,
    )
    .after("load.open"),
    bare(
        "read.stays-inside",
        "no file is opened that the manifest does not name and nobody granted",
        lifetime::inside,
    )
    .after("load.open"),
    anywhere(
        "read.find-agrees",
        "find and the listing agree, for every key of every item",
        find::agrees,
    )
    .after("read.list"),
    anywhere(
        "read.find-nothing",
        "nothing found is AH_OK and nothing pushed",
        find::nothing,
    )
    .after("read.list"),
    anywhere(
        "read.find-kinds",
        "find leaves out the kinds that were not asked for",
        find::kinds,
    )
    .after("read.list"),
];

/// Lists a store, unlocked first where that can be done; otherwise what the case comes to.
pub(super) fn listed(store: &dyn Anywhere, bench: &Bench, limit: u32) -> Result<Listed, Outcome> {
    let first = store.list_all(limit).or_else(|refusal| {
        unlocked(store, bench, &refusal)?;
        store.list_all(limit).map_err(|why| Err(why.to_string()))
    })?;
    if first.items.len() >= write::ALL.len() || !is_to_be_filled(store, bench) {
        return Ok(first);
    }
    write::fill(store);
    store.list_all(limit).map_err(|why| Err(why.to_string()))
}

/// Whether a store that is almost empty gets something to show.
fn is_to_be_filled(store: &dyn Anywhere, bench: &Bench) -> bool {
    bench.job().may_write && store.abilities().write && !bench.job().case.starts_with("write.")
}

/// Unlocks a store that refused because it is locked.
pub(super) fn unlocked(
    store: &dyn Anywhere,
    bench: &Bench,
    refusal: &Refusal,
) -> Result<(), Outcome> {
    if refusal.status != abi::AH_LOCKED || !store.abilities().unlock {
        return Err(Err(refusal.to_string()));
    }
    if !bench.has_secrets() {
        let hint = "the store is locked: name its secret with --secret KEY=FILE";
        return Err(Ok(Finding::Skipped(hint.to_owned())));
    }
    store.open_lock().map_err(|why| Err(why.to_string()))
}

/// The items of the store, or what the case comes to where there are none.
pub(super) fn items(store: &dyn Anywhere, bench: &Bench) -> Result<Vec<Item>, Outcome> {
    let items = listed(store, bench, 0)?.items;
    if items.is_empty() {
        return Err(Ok(Finding::Skipped("the store holds nothing".to_owned())));
    }
    Ok(items)
}

/// What an item is, without what people call it.
pub(super) fn identity(item: &Item) -> (Vec<u8>, Kind, Vec<u8>) {
    (item.id.0.clone(), item.kind, item.der.clone())
}

/// Leaves a case early with what it comes to.
macro_rules! or_leave {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(outcome) => return outcome,
        }
    };
}
pub(super) use or_leave;

fn list(bench: &Bench) -> Outcome {
    let store = bench.store()?;
    or_leave!(listed(&*store, bench, 0));
    Ok(Finding::Passed)
}

fn ids_unique(bench: &Bench) -> Outcome {
    let store = bench.store()?;
    let items = or_leave!(items(&*store, bench));
    let mut ids: Vec<&[u8]> = items.iter().map(|item| item.id.0.as_slice()).collect();
    ids.sort_unstable();
    let twice = ids.windows(2).find(|pair| pair.first() == pair.get(1));
    match twice.and_then(|pair| pair.first()) {
        Some(id) => Err(format!("two items have the id {}", shown(id))),
        None => Ok(Finding::Passed),
    }
}

fn ids_stable(bench: &Bench) -> Outcome {
    let store = bench.store()?;
    let items = or_leave!(items(&*store, bench));
    let now = pairs(&items);
    let again = or_leave!(listed(&*store, bench, 0));
    same_ids(&now, &pairs(&again.items), "when it was listed again")?;
    drop(store);
    let store = bench.store()?;
    let again = or_leave!(listed(&*store, bench, 0));
    same_ids(
        &now,
        &pairs(&again.items),
        "when the store was opened again",
    )?;
    if bench.job().stage == 0 {
        return Ok(Finding::Next(now.join("\n").into_bytes()));
    }
    let before = String::from_utf8_lossy(&bench.job().carried).into_owned();
    let before: Vec<String> = before.lines().map(str::to_owned).collect();
    same_ids(&before, &now, "in another process")?;
    Ok(Finding::Passed)
}

/// Each item as its contents and its id.
fn pairs(items: &[Item]) -> Vec<String> {
    let pair = |item: &Item| {
        let digest = crate::certificate::sha256(&item.der);
        format!("{:?} {} {}", item.kind, hex(&digest), hex(&item.id.0))
    };
    let mut pairs: Vec<String> = items.iter().map(pair).collect();
    pairs.sort();
    pairs
}

fn same_ids(before: &[String], after: &[String], when: &str) -> Result<(), String> {
    for pair in before {
        let Some((contents, id)) = pair.rsplit_once(' ') else {
            continue;
        };
        let same = |other: &&String| other.rsplit_once(' ').map(|(held, _)| held) == Some(contents);
        let held: Vec<&String> = after.iter().filter(same).collect();
        if held.is_empty() || held.contains(&pair) {
            continue;
        }
        let other = held.first().and_then(|pair| pair.rsplit_once(' '));
        let other = other.map(|(_, id)| id).unwrap_or_default();
        return Err(format!(
            "the id of an item changed {when}: {} became {}",
            id.get(..16).unwrap_or(id),
            other.get(..16).unwrap_or(other)
        ));
    }
    ensure(before.len() == after.len(), || {
        format!("{} items became {} {when}", before.len(), after.len())
    })
}

fn der_parses(bench: &Bench) -> Outcome {
    let store = bench.store()?;
    for item in or_leave!(items(&*store, bench)) {
        let wrong = |why: String| format!("the der of item {} {why}", shown(&item.id.0));
        match item.kind {
            Kind::Certificate => {
                Certificate::parse(&item.der)
                    .map_err(|why| wrong(format!("is no certificate: {why}")))?;
            }
            Kind::SpkiSha256 => ensure(item.der.len() == 32, || {
                wrong(format!("is no SHA-256: it has {} bytes", item.der.len()))
            })?,
            _ => ensure(anchorhold_formats::der::is_one_sequence(&item.der), || {
                wrong("is not one SEQUENCE".to_owned())
            })?,
        }
    }
    Ok(Finding::Passed)
}

fn never_prompts(bench: &Bench) -> Outcome {
    let mut setup = bench.setup();
    setup.offer = bench.offer(crate::host::Answers::Wrong);
    let store = bench.open_with(&setup).map_err(|why| why.to_string())?;
    // Each may fail, as that of a locked store does; the host notes whoever asks.
    let _answer = store.condition();
    let _answer = store.list_all(0);
    if store.abilities().find {
        let query = find::by_id(b"nothing");
        let _answer = store.find_all(&query);
    }
    Ok(Finding::Passed)
}
