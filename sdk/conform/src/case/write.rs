//! Changes: what is put is there, what is removed is gone, and what fails changes nothing.

mod batch;
mod kept;

use anchorhold_abi as abi;
use anchorhold_boundary::batch::{Batch, Change, Effect, Outcome as Done};
use anchorhold_boundary::item::{Item, ItemId};

use crate::bench::Bench;
use crate::case::read::{or_leave, unlocked};
use crate::case::{Case, Finding, Outcome, anywhere, bare, ensure};
use crate::sink::shown;
use crate::store::{Anywhere, Refusal};

pub(super) const CASES: &[Case] = &[
    anywhere(
        "write.put-and-remove",
        "what is put is listed as it was put, and what is removed is gone",
        put_and_remove,
    )
    .after("read.list"),
    anywhere(
        "write.repeat",
        "a batch that was done answers unchanged when it is repeated",
        repeat,
    )
    .after("write.put-and-remove"),
    anywhere(
        "write.remove-absent",
        "removing an id that was never held answers unchanged",
        remove_absent,
    )
    .after("write.put-and-remove"),
    anywhere(
        "write.unknown-id",
        "an item put with an id that is not held is added as if it had none",
        unknown_id,
    )
    .after("write.put-and-remove"),
    anywhere(
        "write.label",
        "an item put again with another label is updated",
        label,
    )
    .after("write.put-and-remove"),
    anywhere(
        "write.same-label",
        "two items may have the same label",
        same_label,
    )
    .after("write.put-and-remove"),
    anywhere(
        "write.check-only",
        "a batch that is only checked answers as if it were done, and changes nothing",
        batch::check_only,
    )
    .after("write.put-and-remove"),
    anywhere(
        "write.if-generation",
        "a batch for a generation that has passed is a conflict, and changes nothing",
        batch::if_generation,
    )
    .after("write.put-and-remove"),
    anywhere(
        "write.generation-moves",
        "the generation is another one once the contents are",
        batch::generation_moves,
    )
    .after("write.put-and-remove"),
    anywhere(
        "write.stops-at-failure",
        "a batch ends at the first change that fails, and the outcomes say what was done",
        batch::stops_at_failure,
    )
    .after("write.put-and-remove"),
    anywhere(
        "write.twice-in-a-batch",
        "the same item twice in a batch is one item",
        batch::twice,
    )
    .after("write.put-and-remove"),
    bare(
        "write.stop-obeyed",
        "a sink of outcomes that says stop is obeyed, and its status returned as it is",
        batch::stop,
    )
    .after("write.put-and-remove"),
    anywhere(
        "write.kept-or-refused",
        "distrust, a cut-off, name constraints and a mark that nobody can read are kept as they were \
         put, or refused",
        kept::or_refused,
    )
    .after("write.put-and-remove"),
    anywhere(
        "write.survives",
        "what was put is there in another process",
        kept::survives,
    )
    .after("write.put-and-remove"),
    anywhere(
        "write.seen-by-others",
        "what one store changed, another open store of the same settings shows",
        kept::seen_by_others,
    )
    .after("write.put-and-remove"),
    anywhere(
        "write.read-only-items",
        "an item that is read only is not removed",
        kept::read_only,
    )
    .after("read.list"),
];

/// Certificates of no authority, which the kit puts into stores.
const ONE: &[u8] = include_bytes!("../../data/one.der");
pub(super) const OTHER: &[u8] = include_bytes!("../../data/other.der");
pub(super) const THIRD: &[u8] = include_bytes!("../../data/third.der");

/// All of them.
pub(super) const ALL: [&[u8]; 3] = [ONE, OTHER, THIRD];

/// Puts all of them into a store, as far as it takes them.
pub(super) fn fill(store: &dyn Anywhere) {
    for der in ALL {
        // A store that takes none is looked at as it is.
        let _put = put(store, item(der, label_of(der)));
    }
}

/// What one of them is called; some stores want a name for one item only.
pub(super) fn label_of(der: &[u8]) -> &'static str {
    match ALL.iter().position(|one| *one == der) {
        Some(0) => "Conformance one",
        Some(1) => "Conformance other",
        Some(2) => "Conformance third",
        _ => "Conformance of no certificate",
    }
}

/// An item to be put.
pub(super) fn item(der: &[u8], label: &str) -> Item {
    Item::certificate(der.to_vec(), label.to_owned())
}

/// A store that may be changed, unlocked, and without anything of the kit's in it; otherwise what
/// the case comes to.
fn writable(bench: &Bench) -> Result<Box<dyn Anywhere>, Outcome> {
    let store = bench.store().map_err(Err)?;
    is_writable(&*store, bench)?;
    clear(&*store).map_err(Err)?;
    Ok(store)
}

/// Whether a store may be changed, and is unlocked for it.
fn is_writable(store: &dyn Anywhere, bench: &Bench) -> Result<(), Outcome> {
    let skipped = |why: &str| Err(Ok(Finding::Skipped(why.to_owned())));
    if !store.abilities().write {
        return skipped("it has no write");
    }
    if !bench.job().may_write {
        return skipped(
            "the store is not said to be scratch: give --scratch, or {scratch} in its settings",
        );
    }
    if let Err(refusal) = store.list_all(0) {
        unlocked(store, bench, &refusal)?;
    }
    let condition = store.condition().map_err(|why| Err(why.to_string()))?;
    if !condition.writable {
        return skipped("the store says that it cannot be written now");
    }
    Ok(())
}

/// Takes out what an earlier case has left.
fn clear(store: &dyn Anywhere) -> Result<(), String> {
    let listed = store.list_all(0).map_err(|why| why.to_string())?;
    for item in listed.items {
        if ALL.contains(&item.der.as_slice()) {
            remove(store, &item.id).map_err(|why| why.to_string())?;
        }
    }
    Ok(())
}

/// Makes one change.
fn change(store: &dyn Anywhere, change: Change) -> Result<Done, Refusal> {
    let batch = Batch {
        changes: vec![change],
        ..Batch::default()
    };
    let (outcomes, done) = store.change(&batch);
    done?;
    let only = <[Done; 1]>::try_from(outcomes).map_err(|outcomes| Refusal {
        call: String::new(),
        status: abi::AH_INTERNAL,
        message: format!(
            "apply answered AH_OK and pushed {} outcomes for 1 change",
            outcomes.len()
        ),
    });
    only.map(|[outcome]| outcome)
}

fn put(store: &dyn Anywhere, item: Item) -> Result<Done, Refusal> {
    change(store, Change::Put(item))
}

fn remove(store: &dyn Anywhere, id: &ItemId) -> Result<Done, Refusal> {
    change(store, Change::Remove(id.clone()))
}

/// The item of these bytes, as the store lists it.
fn held(store: &dyn Anywhere, der: &[u8]) -> Result<Option<Item>, String> {
    let listed = store.list_all(0).map_err(|why| why.to_string())?;
    let mut found: Vec<Item> = listed.items;
    found.retain(|item| item.der == der);
    ensure(found.len() <= 1, || {
        format!("{} items have the same bytes", found.len())
    })?;
    Ok(found.pop())
}

fn is_effect(done: &Done, expected: Effect, what: &str) -> Result<(), String> {
    ensure(done.effect == expected, || {
        format!(
            "{what} answered {:?}, and must answer {expected:?}",
            done.effect
        )
    })
}

/// The same, in words for whoever reads the report.
fn said<T>(result: Result<T, Refusal>) -> Result<T, String> {
    result.map_err(|refusal| refusal.to_string())
}

fn put_and_remove(bench: &Bench) -> Outcome {
    let store = or_leave!(writable(bench));
    let done = said(put(&*store, item(ONE, "Conformance one")))?;
    is_effect(&done, Effect::New, "putting an item that is not there")?;
    let found = held(&*store, ONE)?;
    let found = found.ok_or("apply answered that it was done, and the item is not listed")?;
    ensure(found.id == done.id, || {
        format!(
            "apply said the id {}, and the listing says {}",
            shown(&done.id.0),
            shown(&found.id.0)
        )
    })?;
    ensure(found.label == "Conformance one", || {
        format!("the label that was put is listed as {:?}", found.label)
    })?;
    ensure(found.rules == item(ONE, "").rules, || {
        "the rules that were put are listed as others".to_owned()
    })?;
    let gone = said(remove(&*store, &done.id))?;
    is_effect(&gone, Effect::Removed, "removing an item that is there")?;
    ensure(gone.id == done.id, || {
        "removing answered another id than the one to remove".to_owned()
    })?;
    ensure(held(&*store, ONE)?.is_none(), || {
        "apply answered that it was removed, and the item is listed".to_owned()
    })?;
    Ok(Finding::Passed)
}

fn repeat(bench: &Bench) -> Outcome {
    let store = or_leave!(writable(bench));
    let first = said(put(&*store, item(ONE, "Conformance one")))?;
    let again = said(put(&*store, item(ONE, "Conformance one")))?;
    is_effect(&again, Effect::Unchanged, "putting an item that is there")?;
    ensure(again.id == first.id, || {
        "the same item has another id when it is put again".to_owned()
    })?;
    said(remove(&*store, &first.id))?;
    let again = said(remove(&*store, &first.id))?;
    is_effect(&again, Effect::Unchanged, "removing an item that is gone")?;
    Ok(Finding::Passed)
}

fn remove_absent(bench: &Bench) -> Outcome {
    let store = or_leave!(writable(bench));
    for id in [
        &b"conform-never-held"[..],
        &[0x5a; 32],
        &[0xff; abi::AH_ID_MAX],
    ] {
        let done = said(remove(&*store, &ItemId(id.to_vec())))?;
        is_effect(
            &done,
            Effect::Unchanged,
            "removing an id that was never held",
        )?;
    }
    Ok(Finding::Passed)
}

fn unknown_id(bench: &Bench) -> Outcome {
    let store = or_leave!(writable(bench));
    let mut named = item(OTHER, "Conformance other");
    named.id = ItemId(b"conform-not-held".to_vec());
    let done = said(put(&*store, named))?;
    is_effect(
        &done,
        Effect::New,
        "putting an item with an id that is not held",
    )?;
    let found = held(&*store, OTHER)?.ok_or("the item is not listed")?;
    ensure(found.id == done.id, || {
        "apply said another id than the listing".to_owned()
    })?;
    said(remove(&*store, &done.id))?;
    Ok(Finding::Passed)
}

fn label(bench: &Bench) -> Outcome {
    let store = or_leave!(writable(bench));
    said(put(&*store, item(ONE, "Conformance one")))?;
    let done = said(put(&*store, item(ONE, "Zweitname \u{e9}")))?;
    let found = held(&*store, ONE)?.ok_or("the item is not listed any more")?;
    said(remove(&*store, &done.id))?;
    if found.label == "Conformance one" && done.effect == Effect::Unchanged {
        return Ok(Finding::Warning(
            "a label is not changed any more".to_owned(),
        ));
    }
    is_effect(&done, Effect::Updated, "putting an item with another label")?;
    ensure(found.label == "Zweitname \u{e9}", || {
        format!("the label that was put is listed as {:?}", found.label)
    })?;
    Ok(Finding::Passed)
}

fn same_label(bench: &Bench) -> Outcome {
    let store = or_leave!(writable(bench));
    said(put(&*store, item(ONE, "Conformance")))?;
    let second = put(&*store, item(OTHER, "Conformance"));
    let both = held(&*store, ONE)?.is_some() && held(&*store, OTHER)?.is_some();
    clear(&*store)?;
    match second {
        Ok(_) => ensure(both, || {
            "of two items with the same label, one is not listed".to_owned()
        })?,
        Err(refusal) => {
            return Ok(Finding::Warning(format!(
                "two items cannot have the same label: {refusal}"
            )));
        }
    }
    Ok(Finding::Passed)
}
