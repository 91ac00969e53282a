//! Entries for fuzzers: bytes in, and nothing comes out but a panic where something is wrong.

mod adopt;

use crate::manifest::{Manifest, Need};
use crate::wire::{Decoder, HEADER, ToHost, ToRunner};

/// Reads what a plugin pushes.
pub fn adopt(bytes: &[u8]) {
    adopt::adopt(bytes);
}

/// Reads a manifest.
pub fn manifest(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match Manifest::parse(text) {
        Ok(manifest) => {
            assert!(!manifest.id.contains('/'));
            // What nobody grants is no choice of anybody's.
            assert!(manifest.may_need.iter().all(Need::is_for_operator));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Reads bytes as frames from both ends, in pieces of several sizes; how they are cut makes no
/// difference.
pub fn frame(bytes: &[u8]) {
    for decoder in [Decoder::of_host, Decoder::of_runner] {
        let whole = packets(decoder(), bytes, usize::MAX);
        for size in [1, 7, 1000] {
            assert_eq!(
                whole,
                packets(decoder(), bytes, size),
                "in pieces of {size}"
            );
        }
    }
}

/// Reads a message as the host does; the first two bytes are its kind. What can be read is written
/// again, and reads as the same.
pub fn message_to_host(bytes: &[u8]) {
    let Some((kind, payload)) = bytes.split_first_chunk() else {
        return;
    };
    let Ok(message) = ToHost::read(u16::from_le_bytes(*kind), payload) else {
        return;
    };
    let frames = frames(|out| message.put(7, out));
    if let Some((kind, payload)) = only_frame(&frames) {
        assert_eq!(ToHost::read(kind, payload), Ok(message));
    }
}

/// Reads a message as the runner does, as [`message_to_host`].
pub fn message_to_runner(bytes: &[u8]) {
    let Some((kind, payload)) = bytes.split_first_chunk() else {
        return;
    };
    let Ok(message) = ToRunner::read(u16::from_le_bytes(*kind), payload) else {
        return;
    };
    let frames = frames(|out| message.put(7, out));
    if let Some((kind, payload)) = only_frame(&frames) {
        // What holds a secret has no comparison, so that its bytes are compared.
        let again =
            ToRunner::read(kind, payload).map(|again| self::frames(|out| again.put(7, out)));
        assert_eq!(again, Ok(frames.clone()));
    }
}

fn frames(put: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut frames = Vec::new();
    put(&mut frames);
    frames
}

/// The kind and the payload of what is one frame.
fn only_frame(frames: &[u8]) -> Option<(u16, &[u8])> {
    let (header, payload) = frames.split_first_chunk::<HEADER>()?;
    let [l0, l1, l2, l3, k0, k1, ..] = *header;
    let length = usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])).ok()?;
    (payload.len() == length).then(|| (u16::from_le_bytes([k0, k1]), payload))
}

type Packets = Result<Vec<(u16, u32, Vec<u8>)>, String>;

fn packets(mut decoder: Decoder, bytes: &[u8], size: usize) -> Packets {
    let mut packets = Vec::new();
    feed(&mut decoder, bytes, size, |kind, request, payload| {
        packets.push((kind, request, payload.to_vec()));
    })?;
    Ok(packets)
}

fn feed(
    decoder: &mut Decoder,
    mut bytes: &[u8],
    size: usize,
    mut take: impl FnMut(u16, u32, &[u8]),
) -> Result<(), String> {
    while !bytes.is_empty() {
        let room = decoder.room();
        let count = room.len().min(bytes.len()).min(size);
        let (now, later) = bytes.split_at(count);
        if let Some(place) = room.get_mut(..count) {
            place.copy_from_slice(now);
        }
        bytes = later;
        decoder.filled(count);
        loop {
            match decoder.next() {
                Ok(Some(packet)) => take(packet.kind, packet.request, packet.payload),
                Ok(None) => break,
                Err(error) => return Err(error.to_string()),
            }
        }
    }
    Ok(())
}
