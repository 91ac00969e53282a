//! What a store keeps of what it is given: all of it, or none.

use anchorhold_abi as abi;
use anchorhold_boundary::batch::Batch;
use anchorhold_boundary::batch::Change;
use anchorhold_boundary::item::{Decision, Item, Purpose, Rule};

use crate::bench::Bench;
use crate::case::read::{listed, or_leave};
use crate::case::write::{ONE, OTHER, THIRD, clear, held, item, put, said, writable};
use crate::case::{Finding, Outcome, ensure};
use crate::sink::shown;
use crate::status;

/// DER NameConstraints that permit one DNS name.
const CONSTRAINTS: &[u8] = &[
    0x30, 0x0f, 0xa0, 0x0d, 0x30, 0x0b, 0x82, 0x09, b'e', b'x', b'.', b'x', b'a', b'm', b'p', b'l',
    b'e',
];

pub(super) fn or_refused(bench: &Bench) -> Outcome {
    let store = or_leave!(writable(bench));
    for (name, strict) in strict_items() {
        let done = put(&*store, strict.clone());
        let found = held(&*store, &strict.der)?;
        clear(&*store)?;
        if done.is_err() {
            ensure(found.is_none(), || {
                format!("an item with {name} was refused, and is listed")
            })?;
            continue;
        }
        let found = found.ok_or_else(|| format!("an item with {name} is not listed"))?;
        let same = found.rules == strict.rules
            && found.name_constraints == strict.name_constraints
            && found.trust_unknown == strict.trust_unknown;
        ensure(same, || {
            format!("an item with {name} was taken, and is listed without it")
        })?;
    }
    Ok(Finding::Passed)
}

/// Items that say less than that they are trusted for everything.
fn strict_items() -> Vec<(&'static str, Item)> {
    let rule = |purpose, decision, issued_before| Rule {
        purpose,
        decision,
        issued_before,
    };
    let with = |rules: Vec<Rule>| {
        let mut strict = item(THIRD, "Conformance");
        strict.rules = rules;
        strict
    };
    let mut constrained = item(OTHER, "Conformance");
    constrained.name_constraints = CONSTRAINTS.to_vec();
    let mut marked = item(OTHER, "Conformance");
    marked.trust_unknown = true;
    vec![
        (
            "distrust",
            with(vec![rule(Purpose::Any, Decision::Distrust, 0)]),
        ),
        (
            "distrust for one purpose",
            with(vec![
                rule(Purpose::Server, Decision::Anchor, 0),
                rule(Purpose::Email, Decision::Distrust, 0),
            ]),
        ),
        (
            "a cut-off",
            with(vec![rule(Purpose::Server, Decision::Anchor, 1_700_000_000)]),
        ),
        ("name constraints", constrained),
        ("a mark that nobody can read", marked),
    ]
}

pub(super) fn survives(bench: &Bench) -> Outcome {
    if bench.job().stage == 0 {
        let store = or_leave!(writable(bench));
        let done = said(put(&*store, item(ONE, "Conformance one")))?;
        // Nothing is closed in good order: it has to be there already.
        std::mem::forget(store);
        return Ok(Finding::Next(done.id.0));
    }
    let store = bench.store()?;
    or_leave!(listed(&*store, bench, 0));
    let found = held(&*store, ONE)?;
    clear(&*store)?;
    let found = found.ok_or("what was put is not there in another process")?;
    ensure(found.id.0 == bench.job().carried, || {
        format!(
            "the id of what was put is {} in another process",
            shown(&found.id.0)
        )
    })?;
    Ok(Finding::Passed)
}

pub(super) fn seen_by_others(bench: &Bench) -> Outcome {
    let store = or_leave!(writable(bench));
    let other = bench.store()?;
    or_leave!(listed(&*other, bench, 0));
    said(put(&*store, item(ONE, "Conformance one")))?;
    let seen = held(&*other, ONE)?.is_some();
    clear(&*store)?;
    let gone = held(&*other, ONE)?.is_none();
    ensure(seen && gone, || {
        "another open store does not show what was changed".to_owned()
    })?;
    Ok(Finding::Passed)
}

pub(super) fn read_only(bench: &Bench) -> Outcome {
    let store = bench.store()?;
    if !store.abilities().write {
        return Ok(Finding::Skipped("it has no write".to_owned()));
    }
    let before = or_leave!(listed(&*store, bench, 0)).items;
    let Some(fixed) = before.iter().find(|item| item.read_only) else {
        return Ok(Finding::Skipped("no item is read only".to_owned()));
    };
    // Only asked for, so that a store that breaks the promise loses nothing.
    let batch = Batch {
        changes: vec![Change::Remove(fixed.id.clone())],
        check_only: !bench.job().may_write,
        ..Batch::default()
    };
    let (_, done) = store.change(&batch);
    let answered = done.map_or_else(|refusal| refusal.status, |()| abi::AH_OK);
    ensure(answered == abi::AH_READ_ONLY, || {
        format!(
            "removing an item that is read only answered {}, and must answer AH_READ_ONLY",
            status::name(answered)
        )
    })?;
    let after = or_leave!(listed(&*store, bench, 0)).items;
    ensure(after.len() == before.len(), || {
        "an item that is read only was removed".to_owned()
    })?;
    Ok(Finding::Passed)
}
