//! Damaged messages: every truncation and every bit is an error or a value, never a panic.

use super::*;

/// The messages of both directions, as payloads behind their kinds.
fn messages() -> impl Iterator<Item = (bool, Vec<u8>)> {
    let payload = |frames: Vec<u8>| [&frames[4..6], &frames[HEADER..]].concat();
    let to_host = sample::to_host().into_iter().map(move |message| {
        let mut frames = Vec::new();
        message.put(1, &mut frames);
        (true, payload(frames))
    });
    let to_runner = sample::to_runner().into_iter().map(move |message| {
        let mut frames = Vec::new();
        message.put(1, &mut frames);
        (false, payload(frames))
    });
    to_host.chain(to_runner)
}

fn read(to_host: bool, message: &[u8]) -> bool {
    let (kind, payload) = message.split_first_chunk().unwrap();
    let kind = u16::from_le_bytes(*kind);
    if to_host {
        fuzzing::message_to_host(message);
        ToHost::read(kind, payload).is_ok()
    } else {
        fuzzing::message_to_runner(message);
        ToRunner::read(kind, payload).is_ok()
    }
}

#[test]
fn no_message_can_be_cut_or_continued() {
    for (to_host, mut message) in messages() {
        assert!(read(to_host, &message));
        for length in 2..message.len() {
            assert!(!read(to_host, &message[..length]), "{length} {message:?}");
        }
        message.push(0);
        assert!(!read(to_host, &message));
    }
}

#[test]
fn no_bit_makes_a_reader_panic() {
    for (to_host, mut message) in messages() {
        for position in 0..message.len() {
            for bit in 0..8 {
                message[position] ^= 1 << bit;
                read(to_host, &message);
                message[position] ^= 1 << bit;
            }
        }
    }
}

#[test]
fn no_length_makes_room_for_what_is_not_there() {
    // A list of four thousand million elements, in a message of a few bytes.
    for (to_host, message) in messages() {
        for position in 2..message.len().saturating_sub(4) {
            let mut message = message.clone();
            message[position..position + 4].copy_from_slice(&[0xff; 4]);
            read(to_host, &message);
        }
    }
}
