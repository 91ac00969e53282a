//! Reads a file: its authenticators first, then one record after another.

use super::database::{KeyRecord, Record};
use super::frame::Frame;
use super::record::{Kind, Parts, Slot, append_label, is_deleted, malformed};
use super::{Content, Database, Header, KdbError};

/// Reads what stands in front of the records; nothing of it is authenticated.
pub fn header(bytes: &[u8]) -> Result<Header, KdbError> {
    Frame::read(bytes).map(|frame| frame.header)
}

/// Reads a whole file.
///
/// Nothing is read of records whose authenticator does not fit, but in version 3, where nobody
/// can tell: see [`Database::is_authenticated`]. Certificates stay where they are, in `bytes`.
pub fn read(bytes: Vec<u8>, password: &[u8]) -> Result<Database, KdbError> {
    let frame = Frame::of_whole(&bytes)?;
    if !frame.opens(&bytes, password) {
        return Err(KdbError::WrongPassword);
    }
    if !frame.holds(&bytes, password) {
        return Err(KdbError::Altered);
    }
    let mut database = Database {
        digest: frame.digest(&bytes),
        bytes: Vec::new(),
        frame,
        labels: String::new(),
        records: Vec::new(),
        keys: Vec::new(),
        others: 0,
    };
    for (index, slot) in bytes[frame.start()..].chunks_exact(frame.slot).enumerate() {
        if !is_deleted(slot) {
            database.take(index, slot)?;
        }
    }
    database.bytes = bytes;
    Ok(database)
}

/// The [`Database::digest`] of a whole file whose contents are known, such as one just written.
///
/// The authenticators are not checked.
pub fn digest(bytes: &[u8]) -> Result<[u8; 32], KdbError> {
    Frame::of_whole(bytes).map(|frame| frame.digest(bytes))
}

impl Database {
    /// Takes the record of a slot that is in use.
    fn take(&mut self, index: usize, bytes: &[u8]) -> Result<(), KdbError> {
        if self.header().content == Content::Revocations {
            self.others += 1;
            return Ok(());
        }
        let slot = Slot::read(bytes).ok_or(KdbError::Record { record: index + 1 })?;
        let offset = self.frame.start() + index * self.frame.slot + slot.head.len() + 4;
        let parts = Parts::read(slot.der, offset).map_err(malformed(index, "its structure"))?;
        let Some(parts) = parts else {
            self.others += 1;
            return Ok(());
        };
        let kind = parts.kind().map_err(malformed(index, "its certificate"))?;
        let start = self.labels.len();
        append_label(&mut self.labels, parts.label.contents);
        let label = start..self.labels.len();
        match kind {
            Kind::Certificate { der, flags_known } => self.records.push(Record {
                slot: index,
                der,
                label,
                of_key: false,
                flags_known,
            }),
            Kind::Key {
                certificate,
                public,
            } => {
                self.records.extend(certificate.map(|der| Record {
                    slot: index,
                    der,
                    label: label.clone(),
                    of_key: true,
                    flags_known: false,
                }));
                self.keys.push(KeyRecord { label, public });
            }
            Kind::Other => self.others += 1,
        }
        Ok(())
    }
}
