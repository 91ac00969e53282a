//! The wire from both ends: round trips, and every damage.

mod damage;
mod frames;
mod sample;

use proptest::prelude::*;

use super::*;
use crate::batch::{Batch, Change};
use crate::fuzzing;
use crate::status::{CallError, Status};

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(64)
    }
}

/// What the other end reads.
fn read_by_host(frames: &[u8]) -> Result<Vec<(u32, ToHost)>, WireError> {
    sample::packets(Decoder::of_host(), frames)?
        .into_iter()
        .map(|(kind, request, payload)| Ok((request, ToHost::read(kind, &payload)?)))
        .collect()
}

fn read_by_runner(frames: &[u8]) -> Result<Vec<(u32, ToRunner)>, WireError> {
    sample::packets(Decoder::of_runner(), frames)?
        .into_iter()
        .map(|(kind, request, payload)| Ok((request, ToRunner::read(kind, &payload)?)))
        .collect()
}

#[test]
fn every_message_to_the_host_reads_as_it_was_written() {
    for message in sample::to_host() {
        let mut frames = Vec::new();
        message.put(9, &mut frames);
        assert_eq!(read_by_host(&frames), Ok(vec![(9, message)]));
    }
}

#[test]
fn every_message_to_the_runner_reads_as_it_was_written() {
    for message in sample::to_runner() {
        let mut frames = Vec::new();
        message.put(9, &mut frames);
        let read = read_by_runner(&frames).unwrap();
        assert_eq!(read.len(), 1);
        let mut again = Vec::new();
        for (request, message) in &read {
            message.put(*request, &mut again);
        }
        // A secret has no comparison, and is not shown.
        assert!(frames == again);
        assert_eq!(format!("{message:?}"), format!("{:?}", read[0].1));
    }
}

#[test]
fn secret_is_not_shown() {
    let answer = crate::question::Answer::Secret(b"tulip".to_vec().into());
    assert!(!format!("{:?}", ToRunner::Answer(answer)).contains("tulip"));
}

#[test]
fn batch_goes_as_it_is_and_not_beyond_what_may_be() {
    let batch = sample::batch();
    let limits = Limits::default();
    let frames = to_runner::apply(3, &limits, &batch).unwrap();
    let read = read_by_runner(&frames).unwrap();
    assert!(matches!(&read[..], [(3, ToRunner::Apply { batch: read, .. })] if *read == batch));
    let mut crl = sample::item();
    crl.kind = crate::item::Kind::Crl;
    crl.der = vec![0x30; 60 << 20];
    let changes = vec![Change::Put(crl); 5];
    let large = Batch {
        changes,
        ..Batch::default()
    };
    assert!(to_runner::apply(3, &limits, &large).is_none());
}

#[test]
fn hello_is_checked_before_it_is_sent() {
    let mut hello = sample::hello();
    assert_eq!(to_runner::check_hello(&hello), Ok(()));
    hello.settings.push(("k".to_owned(), "v".repeat(100_000)));
    assert!(to_runner::check_hello(&hello).is_err());
}

#[test]
fn other_version_is_told() {
    let mut frames = Vec::new();
    ToRunner::Hello(Box::new(sample::hello())).put(0, &mut frames);
    frames[HEADER..HEADER + 4].copy_from_slice(&[7, 0, 9, 0]);
    assert_eq!(
        read_by_runner(&frames).unwrap_err(),
        WireError::VersionUnknown { least: 7, most: 9 }
    );
    // A host that speaks more is understood.
    frames[HEADER..HEADER + 4].copy_from_slice(&[0, 0, 9, 0]);
    assert!(read_by_runner(&frames).is_ok());
}

#[test]
fn host_takes_no_item_that_the_runner_should_have_mended() {
    let taken = |mend: fn(&mut crate::item::Item)| {
        let mut item = sample::item();
        mend(&mut item);
        let mut frames = Vec::new();
        ToHost::Items(vec![item]).put(1, &mut frames);
        read_by_host(&frames).is_ok()
    };
    assert!(taken(|_| {}));
    assert!(!taken(|item| item.label.push('\u{1b}')));
    assert!(!taken(|item| item.scope.push('\u{202e}')));
    assert!(!taken(|item| item.id.0.clear()));
    assert!(!taken(|item| item.id.0 = vec![1; 65]));
    assert!(!taken(|item| item.der.clear()));
    assert!(!taken(|item| item.der = vec![0x30; (256 << 10) + 1]));
    assert!(!taken(|item| item.label = "x".repeat(1025)));
    assert!(!taken(
        |item| item.name_constraints = vec![0; (64 << 10) + 1]
    ));
    assert!(!taken(|item| item.rules = vec![item.rules[0]; 65]));
    assert!(!taken(|item| item.kind = crate::item::Kind::SpkiSha256));
}

#[test]
fn host_makes_texts_fit_to_be_shown() {
    let mut frames = Vec::new();
    let error = CallError::said(Status::Locked, "a\u{1b}[2Jb".to_owned(), true);
    ToHost::Failed(error).put(1, &mut frames);
    let read = read_by_host(&frames).unwrap();
    assert!(matches!(&read[..], [(1, ToHost::Failed(error))] if error.message == "a[2Jb"));
}

#[test]
fn runner_cannot_say_what_only_the_host_says() {
    for status in [Status::Crashed, Status::Quarantined] {
        let mut frames = Vec::new();
        ToHost::Failed(CallError::new(status, "x")).put(1, &mut frames);
        let read = read_by_host(&frames).unwrap();
        assert!(
            matches!(&read[..], [(1, ToHost::Failed(error))] if error.status == Status::Internal)
        );
    }
}

#[test]
fn every_status_has_its_place() {
    let mut frames = Vec::new();
    for status in sample::statuses() {
        frames.clear();
        ToHost::Failed(CallError::new(status, "")).put(1, &mut frames);
        let read = read_by_host(&frames).unwrap();
        assert!(
            matches!(&read[..], [(1, ToHost::Failed(error))] if error.status == status),
            "{status:?}"
        );
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn items_of_any_size_arrive_in_order(
        items in proptest::collection::vec(sample::items(), 0..40),
        request in 1..u32::MAX,
    ) {
        let mut sent = Vec::new();
        let mut left = Vec::new();
        to_host::put_items(&items, request, &mut left, |out| {
            sent.append(out);
            Ok::<_, ()>(())
        }).unwrap();
        sent.append(&mut left);
        let mut arrived = Vec::new();
        for (of, message) in read_by_host(&sent).unwrap() {
            prop_assert_eq!(of, request);
            match message {
                ToHost::Items(items) => arrived.extend(items),
                other => prop_assert!(false, "{:?}", other),
            }
        }
        prop_assert!(items == arrived);
    }

    #[test]
    fn any_bytes_are_a_message_or_an_error(kind in 0u8..=255, high in 0u8..2, bytes: Vec<u8>) {
        let mut message = vec![kind, high];
        message.extend(&bytes);
        fuzzing::message_to_host(&message);
        fuzzing::message_to_runner(&message);
        fuzzing::frame(&bytes);
    }
}
