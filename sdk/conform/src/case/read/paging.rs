//! Pages, their cursors and their generations.

use anchorhold_abi as abi;
use anchorhold_boundary::item::Item;

use crate::bench::Bench;
use crate::case::read::{identity, listed, or_leave};
use crate::case::{Finding, Outcome, ensure};
use crate::certificate::sha256;
use crate::job::{hex, unhex};
use crate::running::Terms;
use crate::sink;
use crate::status;

fn limited(limit: u32) -> sink::Terms {
    sink::Terms {
        limit,
        ..sink::Terms::default()
    }
}

pub(super) fn agree(bench: &Bench) -> Outcome {
    let store = bench.open()?;
    let mut whole: Vec<_> = or_leave!(listed(&store, bench, 0))
        .items
        .iter()
        .map(identity)
        .collect();
    whole.sort_by(|one, other| one.0.cmp(&other.0));
    for limit in [1, 2, 7, u32::MAX] {
        let paged = or_leave!(listed(&store, bench, limit));
        let mut paged: Vec<_> = paged.items.iter().map(identity).collect();
        paged.sort_by(|one, other| one.0.cmp(&other.0));
        ensure(paged.len() == whole.len(), || {
            format!(
                "pages of {limit} show {} items, and one listing shows {}",
                paged.len(),
                whole.len()
            )
        })?;
        ensure(paged == whole, || {
            format!("pages of {limit} show other items than one listing does")
        })?;
    }
    Ok(Finding::Passed)
}

pub(super) fn generation(bench: &Bench) -> Outcome {
    let store = bench.open()?;
    let first = or_leave!(listed(&store, bench, 1));
    let second = or_leave!(listed(&store, bench, 2));
    let same = first.items == second.items;
    if same && first.generation != second.generation {
        return Ok(Finding::Warning(format!(
            "the generation went from {} to {} and the contents stayed, so that the host lists \
             again without need",
            first.generation, second.generation
        )));
    }
    if first.generation == 0 {
        return Ok(Finding::Warning(
            "the generation is not known, so that the host compares the contents".to_owned(),
        ));
    }
    Ok(Finding::Passed)
}

pub(super) fn outlives(bench: &Bench) -> Outcome {
    let store = bench.open()?;
    let whole = or_leave!(listed(&store, bench, 0));
    if bench.job().stage == 0 {
        if whole.items.len() < 2 {
            return Ok(Finding::Skipped(
                "the store holds less than two items".to_owned(),
            ));
        }
        let page = store.page(&[], &Terms::default(), limited(1));
        page.done.map_err(|why| why.to_string())?;
        let Some(first) = page.taken.items.first().filter(|_| !page.cursor.is_empty()) else {
            return Ok(Finding::Skipped(
                "a page of one item has no cursor".to_owned(),
            ));
        };
        let carried = format!("{} {}", hex(&page.cursor), hex(&sha256(&first.der)));
        return Ok(Finding::Next(carried.into_bytes()));
    }
    let carried = String::from_utf8_lossy(&bench.job().carried).into_owned();
    let parts = carried.split_once(' ');
    let parts = parts.and_then(|(cursor, first)| Some((unhex(cursor)?, unhex(first)?)));
    let (mut cursor, first) = parts.ok_or("nothing was carried over")?;
    let mut seen = vec![first];
    while !cursor.is_empty() && seen.len() <= whole.items.len() {
        let page = store.page(&cursor, &Terms::default(), limited(1));
        match page.done {
            Err(refusal) if refusal.status == abi::AH_STALE_CURSOR => {
                return Ok(Finding::Warning(
                    "a cursor of another process is stale, so that a listing begins again \
                     whenever a runner does"
                        .to_owned(),
                ));
            }
            done => done.map_err(|why| why.to_string())?,
        }
        seen.extend(
            page.taken
                .items
                .iter()
                .map(|item| sha256(&item.der).to_vec()),
        );
        cursor = page.cursor;
    }
    seen.sort();
    let all = whole.items.iter().map(|item| sha256(&item.der).to_vec());
    let mut all: Vec<Vec<u8>> = all.collect();
    all.sort();
    ensure(seen == all, || {
        format!(
            "a cursor of another process leads to {} items in all, and the store holds {}",
            seen.len(),
            all.len()
        )
    })?;
    Ok(Finding::Passed)
}

pub(super) fn garbage(bench: &Bench) -> Outcome {
    let store = bench.open()?;
    let ids_of_all = ids(&or_leave!(listed(&store, bench, 0)).items);
    let page = store.page(&[], &Terms::default(), limited(1));
    let has_cursors = !page.cursor.is_empty();
    let mut cursors: Vec<Vec<u8>> = vec![
        vec![0; abi::AH_CURSOR_MAX],
        vec![0xff; abi::AH_CURSOR_MAX],
        b"x".to_vec(),
        (0..=127).collect(),
        [0xff_u8; 16].to_vec(),
    ];
    if has_cursors {
        // The store's own cursor, but for one bit, one byte less and one more.
        let mut bent = page.cursor.clone();
        if let Some(last) = bent.last_mut() {
            *last ^= 0x80;
        }
        cursors.push(bent);
        cursors.push(page.cursor.iter().copied().skip(1).collect());
        cursors.push([page.cursor.as_slice(), b"z"].concat());
    }
    cursors.retain(|cursor| (1..=abi::AH_CURSOR_MAX).contains(&cursor.len()));
    let mut taken = None;
    for cursor in cursors {
        let answer = store.page(&cursor, &Terms::default(), limited(0));
        if answer.done.is_err() || !has_cursors {
            continue;
        }
        let ids = ids(&answer.taken.items);
        ensure(ids_of_all.ends_with(&ids), || {
            format!(
                "took the cursor {}, which it never gave, and listed what does not follow",
                sink::shown(&cursor)
            )
        })?;
        // A place between two ids is a place, whoever names it.
        taken = Some(sink::shown(&cursor));
    }
    if let Some(cursor) = taken {
        return Ok(Finding::Warning(format!(
            "it takes the cursor {cursor}, which it never gave"
        )));
    }
    Ok(Finding::Passed)
}

fn ids(items: &[Item]) -> Vec<Vec<u8>> {
    items.iter().map(|item| item.id.0.clone()).collect()
}

pub(super) fn stop(bench: &Bench) -> Outcome {
    let store = bench.open()?;
    let whole = or_leave!(listed(&store, bench, 0));
    if whole.items.is_empty() {
        return Ok(Finding::Skipped("the store holds nothing".to_owned()));
    }
    for (after, stop) in [(0, abi::AH_CANCELLED), (0, HOST_MADE), (1, abi::AH_LIMIT)] {
        if after >= whole.items.len() {
            continue;
        }
        let terms = sink::Terms {
            stop: Some((after, stop)),
            ..sink::Terms::default()
        };
        let page = store.page(&[], &Terms::default(), terms);
        if page.taken.stopped.is_none() {
            // The first page is shorter than that.
            continue;
        }
        let answered = page
            .done
            .map_or_else(|refusal| refusal.status, |()| abi::AH_OK);
        ensure(answered == stop, || {
            format!(
                "answered {} where the sink had said stop with {}",
                status::name(answered),
                status::name(stop)
            )
        })?;
    }
    let again = or_leave!(listed(&store, bench, 0));
    ensure(again.items.len() == whole.items.len(), || {
        "lists less than before, since a sink said stop".to_owned()
    })?;
    Ok(Finding::Passed)
}

/// A status that only a host makes; a plugin returns it as it is.
const HOST_MADE: i32 = 0x1003;
