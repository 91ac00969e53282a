//! A file that is being written.

use core::ops::Range;

use super::frame::{Frame, MAX_SLOT};
use super::{Content, Database, Header, KdbError, MAX_FILE, MAX_RECORDS, Salt, Version};

/// A file that grows slot by slot.
pub(super) struct Draft {
    frame: Frame,
    pub(super) bytes: Vec<u8>,
}

impl Draft {
    /// Appends slots of another file as they are, each filled up to the size that it has here.
    pub(super) fn copy(&mut self, from: &Database, slots: Range<usize>) {
        let size = from.frame.slot;
        let start = from.frame.start();
        let bytes = &from.bytes[start + slots.start * size..start + slots.end * size];
        if size == self.frame.slot {
            self.bytes.extend_from_slice(bytes);
            return;
        }
        for slot in bytes.chunks_exact(size) {
            self.bytes.extend_from_slice(slot);
            self.fill();
        }
    }

    /// Fills the slot that was begun with zeros.
    pub(super) fn fill(&mut self) {
        let into = (self.bytes.len() - self.frame.start()) % self.frame.slot;
        if into > 0 {
            self.bytes
                .resize(self.bytes.len() + self.frame.slot - into, 0);
        }
    }

    pub(super) fn seal(mut self, password: &[u8]) -> Vec<u8> {
        self.frame.seal(&mut self.bytes, password);
        self.bytes
    }
}

/// A file with its header, and room for its slots.
pub(super) fn begin(
    version: Version,
    slot: usize,
    count: usize,
    reserved: [u8; 4],
    salt: &Salt,
) -> Result<Draft, KdbError> {
    if count > MAX_RECORDS {
        return Err(KdbError::TooMany);
    }
    let frame = Frame {
        header: Header {
            version,
            content: Content::Keys,
            records: u32::try_from(count).map_err(|_| KdbError::TooMany)?,
        },
        slot,
    };
    let size = frame.size().filter(|size| *size <= MAX_FILE);
    let size = size
        .filter(|_| slot <= MAX_SLOT)
        .ok_or(KdbError::TooLarge)?;
    let mut bytes = Vec::with_capacity(size);
    frame.write(&mut bytes, reserved, salt);
    Ok(Draft { frame, bytes })
}

/// A size for slots that hold so many bytes.
pub(super) fn rounded(needed: usize) -> usize {
    needed.div_ceil(SLOT_STEP).max(1) * SLOT_STEP
}

const SLOT_STEP: usize = 500;
