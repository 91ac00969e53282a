//! What a plugin can get wrong when it is changed.

use anchorhold_abi as abi;
use anchorhold_abi::{ah_batch, ah_status};

use crate::batch::{Batch, Change};
use crate::item::Item;
use crate::status::Status;
use crate::table::tests::odd::{OutcomeSink, Script, open_script};
use crate::table::{ApplyError, CallLimits};

/// Sends two changes to a store that does this.
fn apply_of(
    apply: impl Fn(&ah_batch, OutcomeSink) -> ah_status + Send + Sync + 'static,
) -> Result<usize, ApplyError> {
    let apply = Box::new(apply);
    let table = open_script(
        0,
        Script {
            apply,
            ..Script::default()
        },
    );
    let change = Change::Put(Item::certificate(b"der".to_vec(), String::new()));
    let batch = Batch {
        changes: vec![change.clone(), change],
        ..Batch::default()
    };
    table
        .apply(&batch, &CallLimits::default())
        .map(|done| done.len())
}

fn refused(result: Result<usize, ApplyError>, done: usize) -> Status {
    let error = result.unwrap_err();
    assert_eq!(error.done.len(), done);
    error.error.status
}

#[test]
fn outcomes_in_order_are_taken() {
    let done = apply_of(|batch, sink| {
        assert_eq!(batch.change_count, 2);
        sink.push(0, abi::AH_NEW, b"a");
        sink.push(1, abi::AH_UNCHANGED, b"a")
    });
    assert_eq!(done, Ok(2));
}

#[test]
fn outcome_out_of_order_breaks_the_contract() {
    let swapped = apply_of(|_, sink| sink.push(1, abi::AH_NEW, b"a"));
    assert_eq!(refused(swapped, 0), Status::Protocol);
    let twice = apply_of(|_, sink| {
        sink.push(0, abi::AH_NEW, b"a");
        sink.push(0, abi::AH_NEW, b"a");
        abi::AH_OK
    });
    assert_eq!(refused(twice, 1), Status::Protocol);
    let beyond = apply_of(|_, sink| {
        for index in 0..3 {
            sink.push(index, abi::AH_NEW, b"a");
        }
        abi::AH_OK
    });
    assert_eq!(refused(beyond, 2), Status::Protocol);
}

#[test]
fn done_with_too_few_outcomes_breaks_the_contract() {
    let fewer = apply_of(|_, sink| sink.push(0, abi::AH_NEW, b"a"));
    assert_eq!(refused(fewer, 1), Status::Protocol);
}

#[test]
fn outcome_without_an_id_or_an_effect_breaks_the_contract() {
    assert_eq!(
        refused(apply_of(|_, sink| sink.push(0, abi::AH_NEW, b"")), 0),
        Status::Protocol
    );
    assert_eq!(
        refused(apply_of(|_, sink| sink.push(0, 5, b"a")), 0),
        Status::Protocol
    );
}

#[test]
fn panicking_apply_keeps_what_was_done() {
    let panicked = apply_of(|_, sink| {
        sink.push(0, abi::AH_NEW, b"a");
        abi::AH_PANIC
    });
    assert_eq!(refused(panicked, 1), Status::Panic);
}
