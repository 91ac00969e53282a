//! Opening, closing, and what is left over.

use std::time::{Duration, Instant};

use crate::bench::Bench;
use crate::case::read::{identity, listed, or_leave};
use crate::case::{Finding, Outcome, ensure};
use crate::job::Code;
use crate::machine;
use crate::store::{Anywhere, Store};

/// How much more memory is still none, in KiB.
const MEMORY: u64 = 4 << 10;
/// How long a plugin's thread is given to break the rule.
const GRACE: Duration = Duration::from_millis(400);

pub(super) fn two(bench: &Bench) -> Outcome {
    let (one, other) = (bench.open()?, bench.open()?);
    let of = |store: &Store| -> Result<Vec<_>, Outcome> {
        let items = listed(store, bench, 0)?.items;
        Ok(items.iter().map(identity).collect())
    };
    let (first, second) = (or_leave!(of(&one)), or_leave!(of(&other)));
    ensure(first == second, || {
        "two stores with the same settings show other items".to_owned()
    })?;
    one.close();
    let again = or_leave!(of(&other));
    ensure(again == second, || {
        "a store shows other items since another one was closed".to_owned()
    })?;
    let third = bench.open()?;
    other.close();
    let again = or_leave!(of(&third));
    ensure(again == second, || {
        "a store that was opened later shows other items".to_owned()
    })?;
    Ok(Finding::Passed)
}

pub(super) fn many(bench: &Bench) -> Outcome {
    let once = || -> Result<(), String> {
        let store = bench.open()?;
        // A locked store is not listed, and opens and closes all the same.
        let _listed = store.list_all(0);
        store.close();
        Ok(())
    };
    for _ in 0..20 {
        once()?;
    }
    let before = (bench.usage(), machine::open_descriptors());
    for _ in 0..100 {
        once()?;
    }
    let after = (bench.usage(), machine::open_descriptors());
    ensure(after.1 <= before.1, || {
        format!(
            "{} descriptors are open after 100 times, and {} were before",
            after.1, before.1
        )
    })?;
    let (Some(first), Some(last)) = (before.0, after.0) else {
        return Ok(Finding::Skipped(
            "the system does not tell its memory".to_owned(),
        ));
    };
    ensure(last.memory <= first.memory + MEMORY, || {
        format!(
            "{} KiB are used after 100 times, and {} were before",
            last.memory, first.memory
        )
    })?;
    ensure(last.threads <= first.threads, || {
        format!(
            "{} threads run after 100 times, and {} did before",
            last.threads, first.threads
        )
    })?;
    Ok(Finding::Passed)
}

pub(super) fn silent(bench: &Bench) -> Outcome {
    let threads = || bench.usage().map(|used| used.threads);
    let before = threads();
    let store = bench.open()?;
    let _condition = store.condition();
    let _listed = store.list_all(0);
    store.close();
    // A helper of a library that stays is allowed; it only has to keep silent.
    let watch = || {
        let end = Instant::now() + GRACE;
        while threads() > before && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(2));
        }
    };
    watch();
    // Not even the memory of the host is there any more.
    drop(store);
    watch();
    Ok(Finding::Passed)
}

pub(super) fn inside(bench: &Bench) -> Outcome {
    if matches!(bench.job().code, Code::Builtin(_)) || !bench.job().confined {
        return Ok(Finding::Skipped("there is no sandbox".to_owned()));
    }
    let store = bench.open()?;
    let _condition = store.condition();
    let listed = store.list_all(0);
    if let Err(refusal) = listed {
        // A locked store shows what it opens once it is unlocked.
        let _unlocked = super::unlocked(&store, bench, &refusal);
        let _listed = store.list_all(0);
    }
    store.close();
    match crate::confine::denied() {
        None => Ok(Finding::Passed),
        Some(denied) if denied.system => Ok(Finding::Warning(denied.text)),
        Some(denied) => Err(denied.text),
    }
}
