//! Frames: how they are cut, in what parts they come, and what ends a connection.

use super::*;

fn sent(message: &ToHost) -> Vec<u8> {
    let mut frames = Vec::new();
    message.put(5, &mut frames);
    frames
}

fn raw(length: u32, kind: u16, flags: u16, request: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = length.to_le_bytes().to_vec();
    frame.extend(kind.to_le_bytes());
    frame.extend(flags.to_le_bytes());
    frame.extend(request.to_le_bytes());
    frame.extend(payload);
    frame
}

fn error(frames: &[u8]) -> WireError {
    sample::packets(Decoder::of_host(), frames).unwrap_err()
}

const ITEMS: u16 = 0x83;
const DONE: u16 = 0x88;

#[test]
fn bytes_may_arrive_in_any_pieces() {
    let mut frames = Vec::new();
    for message in sample::to_host() {
        message.put(5, &mut frames);
    }
    fuzzing::frame(&frames);
    let mut frames = Vec::new();
    for message in sample::to_runner() {
        message.put(5, &mut frames);
    }
    fuzzing::frame(&frames);
}

#[test]
fn large_item_travels_in_parts() {
    let mut crl = sample::item();
    crl.kind = crate::item::Kind::Crl;
    crl.der = vec![0x30; 5 << 20];
    let frames = sent(&ToHost::Items(vec![crl.clone()]));
    assert!(frames.len() > (5 << 20) + 5 * HEADER);
    // The first header announces no more than a frame may have, and that more follows.
    assert_eq!(frames[..8], [0, 0, 16, 0, 0x83, 0, 1, 0]);
    let read = read_by_host(&frames).unwrap();
    assert!(matches!(&read[..], [(5, ToHost::Items(items))] if items[..] == [crl]));
}

#[test]
fn parts_are_bounded_together() {
    let mut decoder = Decoder::of_host();
    let part = raw(1 << 20, ITEMS, 1, 1, &vec![0; 1 << 20]);
    let mut parts = 0;
    let error = loop {
        let mut left = &part[..];
        while !left.is_empty() {
            let room = decoder.room();
            let (now, later) = left.split_at(room.len().min(left.len()));
            room[..now.len()].copy_from_slice(now);
            decoder.filled(now.len());
            left = later;
        }
        match decoder.next() {
            Ok(_) => parts += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error, WireError::MessageTooLong { kind: ITEMS });
    assert_eq!(parts, 65);
}

#[test]
fn nothing_stands_between_parts() {
    let part = raw(1, ITEMS, 1, 1, &[0]);
    let other = [part.clone(), sent(&ToHost::Done)].concat();
    assert_eq!(error(&other), WireError::Interrupted);
    let other_request = [part, raw(1, ITEMS, 0, 2, &[0])].concat();
    assert_eq!(error(&other_request), WireError::Interrupted);
}

#[test]
fn header_is_refused_before_its_payload_comes() {
    assert_eq!(
        error(&raw(u32::MAX, ITEMS, 0, 1, &[])),
        WireError::FrameTooLong { length: u32::MAX }
    );
    assert_eq!(
        error(&raw((1 << 20) + 1, ITEMS, 0, 1, &[])),
        WireError::FrameTooLong {
            length: (1 << 20) + 1
        }
    );
    assert_eq!(
        error(&raw(9, 0x1234, 0, 1, &[])),
        WireError::KindUnknown { kind: 0x1234 }
    );
    assert_eq!(
        error(&raw(9, ITEMS, 2, 1, &[])),
        WireError::Malformed { what: "flags" }
    );
}

#[test]
fn message_is_no_longer_than_its_kind() {
    assert_eq!(
        error(&raw(65, DONE, 0, 1, &[0; 65])),
        WireError::MessageTooLong { kind: DONE }
    );
    // A part with nothing in it could go on for ever.
    assert_eq!(
        error(&raw(0, ITEMS, 1, 1, &[])),
        WireError::MessageTooLong { kind: ITEMS }
    );
}

#[test]
fn each_end_reads_only_what_is_meant_for_it() {
    assert!(sample::packets(Decoder::of_runner(), &sent(&ToHost::Done)).is_err());
    let mut frames = Vec::new();
    ToRunner::Health.put(1, &mut frames);
    assert!(sample::packets(Decoder::of_host(), &frames).is_err());
}

#[test]
fn secret_is_gone_from_the_buffer_once_it_is_read() {
    let mut decoder = Decoder::of_runner();
    let secret = crate::question::Answer::Secret(b"tulip".to_vec().into());
    let frames = to_runner::answer(3, &secret);
    decoder.room()[..frames.len()].copy_from_slice(&frames);
    decoder.filled(frames.len());
    let has_secret = |bytes: &[u8]| bytes.windows(5).any(|window| window == b"tulip");
    let packet = decoder.next().unwrap().unwrap();
    assert!(has_secret(packet.payload));
    assert!(decoder.next().unwrap().is_none());
    assert!(!has_secret(decoder.room()));
}
