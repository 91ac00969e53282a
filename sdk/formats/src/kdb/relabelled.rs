//! A record that gets another label, and stays as it is apart from that.

use super::fresh::{append_length, check_label};
use super::record::{Parts, Slot, malformed};
use super::{Database, KdbError};
use crate::der::{self, SEQUENCE};

/// A record with another label.
pub(super) struct Relabelled<'a> {
    slot: Slot<'a>,
    parts: Parts<'a>,
    label: &'a str,
    /// The zeros that end the label beside the DER, as the program that wrote it has them.
    zeros: usize,
}

impl<'a> Relabelled<'a> {
    pub(super) fn new(
        database: &'a Database,
        index: usize,
        label: &'a str,
    ) -> Result<Self, KdbError> {
        check_label(label)?;
        let size = database.frame.slot;
        let start = database.frame.start() + index * size;
        let wrong = || KdbError::Record { record: index + 1 };
        let slot = Slot::read(&database.bytes[start..start + size]).ok_or_else(wrong)?;
        let parts = Parts::read(slot.der, 0).map_err(malformed(index, "its structure"))?;
        let zeros = slot.label.iter().rev().take_while(|byte| **byte == 0);
        Ok(Self {
            slot,
            parts: parts.ok_or_else(wrong)?,
            label,
            zeros: zeros.count(),
        })
    }

    fn contents(&self) -> usize {
        self.parts.number.whole.len()
            + self.parts.value.whole.len()
            + der::size(self.label.len())
            + self.parts.rest.len()
    }

    pub(super) fn size(&self) -> usize {
        let beside = self.label.len() + self.zeros;
        let fixed = self.slot.head.len() + 8;
        fixed + der::size(self.contents()) + beside + self.slot.used_tail().len()
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.slot.head);
        append_length(out, der::size(self.contents()));
        der::header(out, SEQUENCE, self.contents());
        out.extend_from_slice(self.parts.number.whole);
        out.extend_from_slice(self.parts.value.whole);
        der::element(out, self.parts.label.tag, self.label.as_bytes());
        out.extend_from_slice(self.parts.rest);
        append_length(out, self.label.len() + self.zeros);
        out.extend_from_slice(self.label.as_bytes());
        out.resize(out.len() + self.zeros, 0);
        out.extend_from_slice(self.slot.used_tail());
    }
}
