//! Frames: a header and a payload; a message larger than a frame travels in parts.

use std::ops::Range;

use zeroize::Zeroize;

use super::WireError;
use super::message::{to_host, to_runner};

/// The bytes of a header: length of the payload, kind, flags, request.
pub(crate) const HEADER: usize = 12;
/// The most bytes of a payload.
const PAYLOAD_MAX: usize = 1 << 20;
/// The flag of a frame that another part of the same message follows.
const MORE: u16 = 1;
/// How much is read at a time at first.
const ROOM: usize = 16 << 10;
/// How much is read at a time where much comes; only a frame that needs more gets more.
const MUCH_ROOM: usize = 256 << 10;
/// Where less than this is left behind what was read, the rest is moved to the front.
const LEAST_ROOM: usize = 4 << 10;

/// A whole message, not yet read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packet<'a> {
    pub(crate) kind: u16,
    pub(crate) request: u32,
    pub(crate) payload: &'a [u8],
}

/// A frame in the buffer.
struct Frame {
    kind: u16,
    /// Whether another part of the message follows.
    more: bool,
    request: u32,
    payload: Range<usize>,
}

/// Appends a message to what is to be sent: one frame, or as many as it needs.
pub(super) fn put(out: &mut Vec<u8>, kind: u16, request: u32, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; HEADER]);
    write(out);
    let length = out.len().saturating_sub(start + HEADER);
    if length <= PAYLOAD_MAX {
        let header = header(length, kind, 0, request);
        if let Some(place) = out.get_mut(start..start + HEADER) {
            place.copy_from_slice(&header);
        }
        return;
    }
    let payload = out.split_off(start + HEADER);
    out.truncate(start);
    out.reserve(payload.len() + HEADER * (payload.len() / PAYLOAD_MAX + 1));
    let mut parts = payload.chunks(PAYLOAD_MAX).peekable();
    while let Some(part) = parts.next() {
        let flags = if parts.peek().is_some() { MORE } else { 0 };
        out.extend_from_slice(&header(part.len(), kind, flags, request));
        out.extend_from_slice(part);
    }
}

fn header(length: usize, kind: u16, flags: u16, request: u32) -> [u8; HEADER] {
    let [l0, l1, l2, l3] = u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    let [k0, k1] = kind.to_le_bytes();
    let [f0, f1] = flags.to_le_bytes();
    let [r0, r1, r2, r3] = request.to_le_bytes();
    [l0, l1, l2, l3, k0, k1, f0, f1, r0, r1, r2, r3]
}

/// Which end reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Host,
    Runner,
}

impl End {
    /// The most bytes of a message of this kind; none where there is no such kind.
    fn most(self, kind: u16) -> Option<usize> {
        match self {
            Self::Host => to_host::most(kind),
            Self::Runner => to_runner::most(kind),
        }
    }

    /// Whether messages of this kind are wiped once they are read.
    fn is_secret(self, kind: u16) -> bool {
        self == Self::Runner && to_runner::is_secret(kind)
    }
}

/// Turns bytes, however they arrive, into messages. It never has more room than what arrived
/// justifies, and that is bounded by what a message may have.
pub(crate) struct Decoder {
    end: End,
    buffer: Vec<u8>,
    /// What was read and not yet taken.
    filled: Range<usize>,
    /// The parts of a message that came so far, and which.
    parts: Vec<u8>,
    open: Option<(u16, u32)>,
    /// A secret that was taken, to be wiped before anything else happens.
    taken: Option<Range<usize>>,
}

impl Decoder {
    /// For what a runner sends.
    pub(crate) fn of_host() -> Self {
        Self::new(End::Host)
    }

    /// For what the host sends.
    pub(crate) fn of_runner() -> Self {
        Self::new(End::Runner)
    }

    fn new(end: End) -> Self {
        Self {
            end,
            buffer: vec![0; ROOM],
            filled: 0..0,
            parts: Vec::new(),
            open: None,
            taken: None,
        }
    }

    /// Where to read to; never empty. Every message is to be taken first.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        self.wipe_taken();
        let Range { start, end } = self.filled;
        if start == end {
            self.filled = 0..0;
            if end == self.buffer.len() && end < MUCH_ROOM {
                self.grow();
            }
        } else if self.buffer.len() - end < LEAST_ROOM && start > 0 {
            self.buffer.copy_within(start..end, 0);
            self.filled = 0..end - start;
            if self.end == End::Runner
                && let Some(left) = self.buffer.get_mut(end - start..end)
            {
                left.zeroize();
            }
        } else if end == self.buffer.len() {
            self.grow();
        }
        self.buffer.get_mut(self.filled.end..).unwrap_or_default()
    }

    /// Says that `count` bytes were read to [`room`](Self::room).
    pub(crate) fn filled(&mut self, count: usize) {
        self.filled.end = self.filled.end.saturating_add(count).min(self.buffer.len());
    }

    /// The next message, where a whole one is there. After an error there is no next one.
    pub(crate) fn next(&mut self) -> Result<Option<Packet<'_>>, WireError> {
        self.wipe_taken();
        if self.open.is_none() && !self.parts.is_empty() {
            self.parts = Vec::new();
        }
        loop {
            let Some(frame) = self.frame()? else {
                return Ok(None);
            };
            let Frame {
                kind,
                more,
                request,
                payload,
            } = frame;
            self.filled.start = payload.end;
            let most = self.end.most(kind).ok_or(WireError::KindUnknown { kind })?;
            if self.open.is_some_and(|open| open != (kind, request)) {
                return Err(WireError::Interrupted);
            }
            let there = self.parts.len() + payload.len();
            let secret = self.end.is_secret(kind);
            if there > most || (more && (payload.is_empty() || secret)) {
                return Err(WireError::MessageTooLong { kind });
            }
            if secret {
                self.taken = Some(payload.clone());
            }
            if !more && self.open.is_none() {
                let payload = self.buffer.get(payload).unwrap_or_default();
                return Ok(Some(Packet {
                    kind,
                    request,
                    payload,
                }));
            }
            let part = self.buffer.get(payload).unwrap_or_default();
            self.parts.extend_from_slice(part);
            self.open = more.then_some((kind, request));
            if !more {
                return Ok(Some(Packet {
                    kind,
                    request,
                    payload: &self.parts,
                }));
            }
        }
    }

    /// The header of the next frame and where its payload is, where all of it is there. The header
    /// is checked as soon as it is there.
    fn frame(&self) -> Result<Option<Frame>, WireError> {
        let there = self.buffer.get(self.filled.clone()).unwrap_or_default();
        let Some((header, rest)) = there.split_first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let [l0, l1, l2, l3, k0, k1, f0, f1, r0, r1, r2, r3] = *header;
        let announced = u32::from_le_bytes([l0, l1, l2, l3]);
        let length = usize::try_from(announced).unwrap_or(usize::MAX);
        if length > PAYLOAD_MAX {
            return Err(WireError::FrameTooLong { length: announced });
        }
        let kind = u16::from_le_bytes([k0, k1]);
        if self.end.most(kind).is_none() {
            return Err(WireError::KindUnknown { kind });
        }
        let more = match u16::from_le_bytes([f0, f1]) {
            0 => false,
            MORE => true,
            _ => return Err(WireError::Malformed { what: "flags" }),
        };
        if rest.len() < length {
            return Ok(None);
        }
        let start = self.filled.start + HEADER;
        let request = u32::from_le_bytes([r0, r1, r2, r3]);
        Ok(Some(Frame {
            kind,
            more,
            request,
            payload: start..start + length,
        }))
    }

    /// Doubles the buffer, whose old bytes are wiped where they may be secret.
    fn grow(&mut self) {
        let size = (self.buffer.len() * 2).min(HEADER + PAYLOAD_MAX);
        let mut larger = vec![0; size.max(self.buffer.len())];
        if let Some(place) = larger.get_mut(..self.buffer.len()) {
            place.copy_from_slice(&self.buffer);
        }
        if self.end == End::Runner {
            self.buffer.zeroize();
        }
        self.buffer = larger;
    }

    fn wipe_taken(&mut self) {
        if let Some(taken) = self.taken.take()
            && let Some(secret) = self.buffer.get_mut(taken)
        {
            secret.zeroize();
        }
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        if self.end == End::Runner {
            self.buffer.zeroize();
        }
    }
}
