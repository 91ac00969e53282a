//! Several changes at once, and changes with a condition.

use anchorhold_abi as abi;
use anchorhold_boundary::batch::{Batch, Change, Effect};

use crate::bench::Bench;
use crate::case::read::or_leave;
use crate::case::write::{ONE, OTHER, THIRD, held, is_effect, is_writable, item, put, remove};
use crate::case::write::{label_of, said, writable};
use crate::case::{Finding, Outcome, ensure};
use crate::running::Terms;
use crate::status;
use crate::store::Anywhere;

fn puts(ders: &[&[u8]]) -> Vec<Change> {
    let items = ders.iter().map(|der| Change::Put(item(der, label_of(der))));
    items.collect()
}

/// Takes out what a case has put.
fn clear(store: &dyn Anywhere) -> Result<(), String> {
    super::clear(store)
}

pub(super) fn check_only(bench: &Bench) -> Outcome {
    let store = or_leave!(writable(bench));
    let before = said(store.list_all(0))?;
    let batch = Batch {
        changes: puts(&[ONE, OTHER]),
        check_only: true,
        ..Batch::default()
    };
    let (outcomes, done) = store.change(&batch);
    said(done)?;
    ensure(outcomes.len() == 2, || {
        format!("a check of 2 changes pushed {} outcomes", outcomes.len())
    })?;
    for outcome in &outcomes {
        is_effect(outcome, Effect::New, "checking an item that is not there")?;
    }
    let after = said(store.list_all(0))?;
    ensure(after.items == before.items, || {
        "a batch that was only checked changed the store".to_owned()
    })?;
    ensure(after.generation == before.generation, || {
        "a batch that was only checked moved the generation".to_owned()
    })?;
    Ok(Finding::Passed)
}

pub(super) fn if_generation(bench: &Bench) -> Outcome {
    let store = or_leave!(writable(bench));
    said(put(&*store, item(THIRD, label_of(THIRD))))?;
    let before = said(store.list_all(0))?.generation;
    if before == 0 {
        clear(&*store)?;
        return Ok(Finding::Skipped("the generation is not known".to_owned()));
    }
    let batch = |der: &[u8]| Batch {
        changes: puts(&[der]),
        if_generation: before,
        ..Batch::default()
    };
    said(store.change(&batch(ONE)).1)?;
    let (outcomes, done) = store.change(&batch(OTHER));
    let answered = done.map_or_else(|refusal| refusal.status, |()| abi::AH_OK);
    let is_there = held(&*store, OTHER)?.is_some();
    clear(&*store)?;
    ensure(answered == abi::AH_CONFLICT, || {
        format!(
            "a batch for a generation that has passed answered {}, and must answer AH_CONFLICT",
            status::name(answered)
        )
    })?;
    ensure(outcomes.is_empty() && !is_there, || {
        "a batch that was a conflict changed the store".to_owned()
    })?;
    Ok(Finding::Passed)
}

pub(super) fn generation_moves(bench: &Bench) -> Outcome {
    let store = or_leave!(writable(bench));
    said(put(&*store, item(THIRD, label_of(THIRD))))?;
    let before = said(store.list_all(0))?;
    let done = said(put(&*store, item(ONE, label_of(ONE))))?;
    let with = said(store.list_all(0))?;
    let health = said(store.condition())?;
    said(remove(&*store, &done.id))?;
    let without = said(store.list_all(0))?;
    clear(&*store)?;
    if before.generation == 0 {
        return Ok(Finding::Skipped("the generation is not known".to_owned()));
    }
    ensure(
        with.generation != before.generation && with.generation != without.generation,
        || "the contents changed, and the generation did not".to_owned(),
    )?;
    ensure(
        health.generation == 0 || health.generation == with.generation,
        || {
            format!(
                "after a change, health says generation {}, and the listing {}",
                health.generation, with.generation
            )
        },
    )?;
    Ok(Finding::Passed)
}

pub(super) fn stops_at_failure(bench: &Bench) -> Outcome {
    let store = or_leave!(writable(bench));
    let broken: &[u8] = b"this is no certificate";
    let batch = Batch {
        changes: puts(&[ONE, broken, OTHER]),
        ..Batch::default()
    };
    let (outcomes, done) = store.change(&batch);
    let (first, last) = (
        held(&*store, ONE)?.is_some(),
        held(&*store, OTHER)?.is_some(),
    );
    if done.is_ok() {
        if let Some(odd) = held(&*store, broken)? {
            said(remove(&*store, &odd.id))?;
        }
        clear(&*store)?;
        return Ok(Finding::Warning(
            "it takes bytes that are no certificate for one".to_owned(),
        ));
    }
    clear(&*store)?;
    ensure(!last, || {
        "a change behind the one that failed was made".to_owned()
    })?;
    ensure(outcomes.len() <= 1, || {
        format!(
            "{} outcomes were pushed, and the second change failed",
            outcomes.len()
        )
    })?;
    ensure(first == (outcomes.len() == 1), || {
        "the outcomes say otherwise than the listing what was done before the failure".to_owned()
    })?;
    Ok(Finding::Passed)
}

pub(super) fn twice(bench: &Bench) -> Outcome {
    let store = or_leave!(writable(bench));
    let batch = Batch {
        changes: puts(&[ONE, ONE]),
        ..Batch::default()
    };
    let (outcomes, done) = store.change(&batch);
    // That it is one item is checked when it is looked for.
    let is_there = held(&*store, ONE)?.is_some();
    clear(&*store)?;
    said(done)?;
    ensure(outcomes.len() == 2 && is_there, || {
        format!("two changes pushed {} outcomes", outcomes.len())
    })?;
    if let [first, second] = outcomes.as_slice() {
        is_effect(first, Effect::New, "putting an item that is not there")?;
        is_effect(
            second,
            Effect::Unchanged,
            "putting it again in the same batch",
        )?;
        ensure(first.id == second.id, || {
            "the same item has two ids in one batch".to_owned()
        })?;
    }
    Ok(Finding::Passed)
}

pub(super) fn stop(bench: &Bench) -> Outcome {
    let store = bench.open()?;
    or_leave!(is_writable(&store, bench));
    clear(&store)?;
    let batch = Batch {
        changes: puts(&[ONE, OTHER]),
        ..Batch::default()
    };
    let terms = Terms {
        may_prompt: true,
        ..Terms::default()
    };
    let (_, done) = store.apply_until(&batch, &terms, Some((0, abi::AH_CANCELLED)));
    clear(&store)?;
    let answered = done.map_or_else(|refusal| refusal.status, |()| abi::AH_OK);
    ensure(answered == abi::AH_CANCELLED, || {
        format!(
            "apply answered {} where its sink had said stop with AH_CANCELLED",
            status::name(answered)
        )
    })?;
    Ok(Finding::Passed)
}
