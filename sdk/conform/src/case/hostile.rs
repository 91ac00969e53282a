//! Hosts of other versions and careless ones: nothing that they do is a reason to crash.

use std::thread;

use anchorhold_abi as abi;
use anchorhold_abi::{Growing, ah_bytes, ah_query};

use crate::bench::Bench;
use crate::case::read::{find, listed, or_leave};
use crate::case::{Case, Finding, Outcome, bare, ensure};
use crate::host::Answers;
use crate::running::Terms;
use crate::sink;
use crate::sized::Size;
use crate::status;
use crate::store::{Anywhere, Setup, Store};

pub(super) const CASES: &[Case] = &[
    bare(
        "hostile-host.no-error",
        "err may be NULL, also where a call fails",
        no_error,
    )
    .after("load.open"),
    bare(
        "hostile-host.first-version",
        "a host of version 1.0 is served, and nothing beyond its structs is touched",
        |bench| of_size(bench, Size::First),
    )
    .after("load.open"),
    bare(
        "hostile-host.later-version",
        "a host with longer structs is served, and what is not known is left alone",
        |bench| of_size(bench, Size::Longer),
    )
    .after("load.open"),
    bare(
        "hostile-host.unknown-flags",
        "flags of a call that are not known are ignored",
        unknown_flags,
    )
    .after("read.list"),
    bare(
        "hostile-host.cancelled",
        "a call that is called off from the start does no harm",
        cancelled,
    )
    .after("read.list"),
    bare(
        "hostile-host.one-millisecond",
        "a call that has no time does no harm",
        no_time,
    )
    .after("read.list"),
    bare(
        "hostile-host.bare",
        "a host without any extension is enough",
        bare_host,
    )
    .after("read.list"),
    bare(
        "hostile-host.settings",
        "settings that are missing, unknown, empty or huge are errors at most",
        settings,
    )
    .after("load.open"),
    bare(
        "hostile-host.no-state-dir",
        "a store without a state directory opens, or says why not",
        no_state_dir,
    )
    .after("load.open"),
    bare(
        "hostile-host.huge-cursor",
        "a cursor that is longer than cursors are is refused",
        huge_cursor,
    )
    .after("read.list"),
    bare(
        "hostile-host.unknown-query",
        "a query by what is not known is an error, for nothing found means that there is none",
        unknown_query,
    )
    .after("read.list"),
    bare(
        "hostile-host.other-threads",
        "open, list and close come on different threads, one at a time",
        other_threads,
    )
    .after("read.list"),
    bare(
        "hostile-host.eight-threads",
        "health is called on eight threads at once, and whatever the plugin allows besides",
        eight_threads,
    )
    .after("read.list"),
    bare(
        "hostile-host.many-stores",
        "thirty stores are open at once",
        many_stores,
    )
    .after("read.list"),
];

/// Every call that a store without rights takes; each may fail, and none may do harm.
fn every_call(store: &Store, terms: &Terms) {
    let _health = store.health(terms);
    let page = store.page(&[], terms, sink::Terms::default());
    let _page = store.page(&page.cursor, terms, sink::Terms::default());
    let _page = store.page(b"no cursor of this store", terms, sink::Terms::default());
    if store.plugin().find.is_some() {
        let _found = store.find(&find::by_id(b"conform-nothing"), terms);
    }
    if store.plugin().sign.is_some() {
        let _schemes = store.schemes(b"conform-nothing", 4, terms);
        let _signature = store.sign(b"conform-nothing", 0x0403, b"message", terms);
    }
    if store.plugin().write.is_some() {
        let batch = anchorhold_boundary::batch::Batch {
            check_only: true,
            ..Default::default()
        };
        let _outcomes = store.apply(&batch, terms);
    }
}

/// The store still works as it did.
fn still_works(store: &Store, bench: &Bench, count: usize) -> Outcome {
    let after = or_leave!(listed(store, bench, 0)).items.len();
    ensure(after == count, || {
        format!("the store shows {after} items afterwards, and showed {count} before")
    })?;
    Ok(Finding::Passed)
}

/// Calls a store in a way that does no harm, between two listings.
fn unharmed(bench: &Bench, harm: impl FnOnce(&Store)) -> Outcome {
    let store = bench.open()?;
    let before = or_leave!(listed(&store, bench, 0)).items.len();
    harm(&store);
    still_works(&store, bench, before)
}

fn no_error(bench: &Bench) -> Outcome {
    let mut setup = bench.setup();
    setup.no_error = true;
    let terms = Terms {
        no_error: true,
        ..Terms::default()
    };
    if let Ok(store) = bench.open_with(&setup) {
        every_call(&store, &terms);
    }
    setup.settings.clear();
    let _store = bench.open_with(&setup);
    Ok(Finding::Passed)
}

fn of_size(bench: &Bench, size: Size) -> Outcome {
    let mut setup = bench.setup();
    setup.offer.size = size;
    let store = bench.open_with(&setup).map_err(|why| why.to_string())?;
    let terms = Terms {
        size,
        ..Terms::default()
    };
    every_call(&store, &terms);
    store.health(&terms).map_err(|why| why.to_string())?;
    let page = store.page(&[], &terms, sink::Terms::default());
    let here = bench.open()?;
    let expected = here.page(&[], &Terms::default(), sink::Terms::default());
    let outcome = |done: &Result<(), crate::store::Refusal>| {
        done.as_ref()
            .map_or_else(|refusal| refusal.status, |()| abi::AH_OK)
    };
    ensure(outcome(&page.done) == outcome(&expected.done), || {
        format!(
            "list answered {}, and answers {} to a host of this version",
            status::name(outcome(&page.done)),
            status::name(outcome(&expected.done))
        )
    })?;
    ensure(page.taken.items.len() == expected.taken.items.len(), || {
        "list shows other items than to a host of this version".to_owned()
    })?;
    Ok(Finding::Passed)
}

fn unknown_flags(bench: &Bench) -> Outcome {
    let terms = Terms {
        strange_flags: true,
        ..Terms::default()
    };
    unharmed(bench, |store| every_call(store, &terms))
}

fn cancelled(bench: &Bench) -> Outcome {
    let terms = Terms {
        cancelled: true,
        ..Terms::default()
    };
    unharmed(bench, |store| every_call(store, &terms))
}

fn no_time(bench: &Bench) -> Outcome {
    let terms = Terms {
        timeout_ms: 1,
        ..Terms::default()
    };
    unharmed(bench, |store| every_call(store, &terms))
}

fn bare_host(bench: &Bench) -> Outcome {
    let mut setup = bench.setup();
    setup.offer.bare = true;
    setup.offer.answers = Answers::Nobody;
    let store = bench.open_with(&setup).map_err(|why| why.to_string())?;
    every_call(&store, &Terms::default());
    if store.plugin().unlock.is_some() {
        let terms = Terms {
            may_prompt: true,
            ..Terms::default()
        };
        let _unlocked = store.unlock(&terms);
    }
    store.close();
    Ok(Finding::Passed)
}

fn settings(bench: &Bench) -> Outcome {
    let given = bench.setup();
    let with = |settings: Vec<(String, String)>| Setup {
        settings,
        ..given.clone()
    };
    let mut tried = vec![with(Vec::new())];
    let unknown = ("conform-unknown".to_owned(), "value".to_owned());
    tried.push(with([given.settings.clone(), vec![unknown]].concat()));
    for value in [
        String::new(),
        "x".repeat(1 << 20),
        "\u{10ffff}\n\u{1}".to_owned(),
    ] {
        let all = given.settings.iter();
        tried.push(with(
            all.map(|(key, _)| (key.clone(), value.clone())).collect(),
        ));
    }
    for setup in tried {
        if let Ok(store) = bench.open_with(&setup) {
            every_call(&store, &Terms::default());
        }
    }
    Ok(Finding::Passed)
}

fn no_state_dir(bench: &Bench) -> Outcome {
    let mut setup = bench.setup();
    setup.state_dir = String::new();
    if let Ok(store) = bench.open_with(&setup) {
        every_call(&store, &Terms::default());
    }
    Ok(Finding::Passed)
}

fn huge_cursor(bench: &Bench) -> Outcome {
    let store = bench.open()?;
    let before = or_leave!(listed(&store, bench, 1)).items.len();
    let first = store.page(
        &[],
        &Terms::default(),
        sink::Terms {
            limit: 1,
            ..sink::Terms::default()
        },
    );
    for length in [abi::AH_CURSOR_MAX + 1, 4096] {
        let cursor = vec![0x41; length];
        let page = store.page(&cursor, &Terms::default(), sink::Terms::default());
        // A store of one page has no use for cursors, and need not look at them.
        ensure(page.done.is_err() || first.cursor.is_empty(), || {
            format!("it took a cursor of {length} bytes")
        })?;
    }
    still_works(&store, bench, before)
}

fn unknown_query(bench: &Bench) -> Outcome {
    let store = bench.open()?;
    if store.plugin().find.is_none() {
        return Ok(Finding::Skipped("it has no find".to_owned()));
    }
    or_leave!(listed(&store, bench, 0));
    let mut query = ah_query::blank();
    for by in [0, 99, u32::MAX] {
        query.by = by;
        query.key = ah_bytes::EMPTY;
        let found = store.find_strange(&query, &Terms::default());
        ensure(found.is_err(), || {
            format!("a query by {by} answered AH_OK, which says that there is none")
        })?;
    }
    // Digests of a wrong length and an empty name find nothing, or are errors.
    for by in [
        abi::AH_BY_SUBJECT,
        abi::AH_BY_SHA256,
        abi::AH_BY_SPKI_SHA256,
        abi::AH_BY_ISSUER_SERIAL,
        abi::AH_BY_ID,
    ] {
        query.by = by;
        let found = store.find_strange(&query, &Terms::default());
        ensure(
            found.is_ok_and(|items| items.is_empty()) || by != abi::AH_BY_ID,
            || "a query by an empty id found something, or failed".to_owned(),
        )?;
    }
    Ok(Finding::Passed)
}

fn other_threads(bench: &Bench) -> Outcome {
    let plugin = bench.plugin()?;
    if plugin.has(abi::AH_PLUGIN_THREAD_AFFINE) {
        return Ok(Finding::Skipped("it wants one thread a store".to_owned()));
    }
    let store = bench.open()?;
    let before = or_leave!(listed(&store, bench, 0)).items.len();
    thread::scope(|scope| {
        let listed = scope.spawn(|| {
            crate::fault::alternate_stack();
            store.list_all(0).map(|listed| listed.items.len())
        });
        let count = listed.join().map_err(|_| "a thread of the kit failed")?;
        let count = count.map_err(|why| why.to_string())?;
        ensure(count == before, || {
            format!("it shows {count} items on another thread, and {before} on the first")
        })?;
        let closed = scope.spawn(|| store.close());
        closed.join().map_err(|_| "a thread of the kit failed")?;
        Ok(Finding::Passed)
    })
}

fn eight_threads(bench: &Bench) -> Outcome {
    let store = bench.open()?;
    let before = or_leave!(listed(&store, bench, 0)).items.len();
    let safe = store.plugin().has(abi::AH_PLUGIN_THREAD_SAFE);
    let (store, wrong) = (&store, |why: String| Err::<(), String>(why));
    let results: Vec<Result<(), String>> = thread::scope(|scope| {
        let work = move || {
            crate::fault::alternate_stack();
            for _ in 0..50 {
                if let Err(refusal) = store.health(&Terms::default()) {
                    return wrong(refusal.to_string());
                }
                if !safe {
                    continue;
                }
                match store.list_all(0) {
                    Ok(listed) if listed.items.len() == before => {}
                    Ok(listed) => {
                        let count = listed.items.len();
                        return wrong(format!("it shows {count} items, and {before} alone"));
                    }
                    Err(refusal) => return wrong(refusal.to_string()),
                }
            }
            Ok(())
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(work)).collect();
        let joined = threads.into_iter().map(|thread| {
            let failed = |_| Err("a thread of the kit failed".to_owned());
            thread.join().unwrap_or_else(failed)
        });
        joined.collect()
    });
    results.into_iter().collect::<Result<(), String>>()?;
    still_works(store, bench, before)
}

fn many_stores(bench: &Bench) -> Outcome {
    let mut stores = Vec::new();
    for _ in 0..30 {
        stores.push(bench.open()?);
    }
    let mut counts = Vec::new();
    for store in &stores {
        counts.push(or_leave!(listed(store, bench, 0)).items.len());
    }
    counts.dedup();
    ensure(counts.len() == 1, || {
        "stores with the same settings show other items".to_owned()
    })?;
    Ok(Finding::Passed)
}
