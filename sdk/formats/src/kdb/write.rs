//! Writes a file: what stays is copied slot by slot, what is new is put together.

use std::collections::BTreeSet;

use super::draft::{Draft, begin, rounded};
use super::fresh::{Fresh, check_label, fresh};
use super::record::{Certificate, record_number};
use super::relabelled::Relabelled;
use super::{Content, Database, Header, KdbError, Salt, Version};
use crate::edit::{Edit, Edits, Entry};

/// Makes a database of certificates.
///
/// `salt` is to be random. The password should be plain ASCII, which every program takes.
pub fn create(
    version: Version,
    edits: &Edits<'_>,
    password: &[u8],
    salt: &Salt,
) -> Result<Vec<u8>, KdbError> {
    if version == Version::V3 {
        return Err(KdbError::ReadOnly);
    }
    if let Some(&index) = edits.changes.keys().next() {
        return Err(KdbError::NoSuchCertificate { index });
    }
    let fresh = fresh(&edits.added, (1..).take(edits.added.len()))?;
    let needed = fresh.iter().map(Fresh::size).max().unwrap_or(0);
    let slot = match fresh.len() {
        // So many certificates are most of what will ever be there, and the room that each
        // leaves unused is read and authenticated with every look.
        MANY.. => rounded(needed),
        _ => rounded(needed).max(USUAL_SLOT),
    };
    let mut out = begin(version, slot, fresh.len(), [0; 4], salt)?;
    for record in &fresh {
        record.write(&mut out.bytes);
        out.fill();
    }
    Ok(out.seal(password))
}

/// Makes the edits in a database, in its own version.
///
/// Every record that no edit names stays byte for byte, and in its place among those that stay;
/// what a removed one leaves is closed. No record gets another number, and a new one gets a number
/// above all others. Records get more room, all of them, where one needs more than it has.
/// `salt` is to be random. The password must be the one that the database has, because its keys
/// are encrypted with it.
pub fn rewrite(
    database: &Database,
    edits: &Edits<'_>,
    password: &[u8],
    salt: &Salt,
) -> Result<Vec<u8>, KdbError> {
    let frame = &database.frame;
    let Header {
        version, content, ..
    } = frame.header;
    if version == Version::V3 || content != Content::Keys {
        return Err(KdbError::ReadOnly);
    }
    if !frame.opens(&database.bytes, password) {
        return Err(KdbError::WrongPassword);
    }
    let changes = changes(database, edits)?;
    let fresh = fresh(&edits.added, free_numbers(database, edits.added.len()))?;
    let mut out = room(database, &changes, &fresh, salt)?;
    let mut next = 0;
    for change in &changes {
        out.copy(database, next..change.slot);
        if let Some(relabelled) = &change.into {
            relabelled.write(&mut out.bytes);
            out.fill();
        }
        next = change.slot + 1;
    }
    out.copy(database, next..frame.records());
    for record in &fresh {
        record.write(&mut out.bytes);
        out.fill();
    }
    Ok(out.seal(password))
}

/// Whether an entry can be written, as far as it tells itself.
pub fn check_entry(entry: &Entry<'_>) -> Result<(), KdbError> {
    check_label(entry.label)?;
    match Certificate::of(entry.der) {
        Some(_) => Ok(()),
        None => Err(KdbError::NotACertificate { index: 0 }),
    }
}

/// A file with room for what stays and what is new, in slots that hold the largest of it.
fn room(
    database: &Database,
    changes: &[Change<'_>],
    fresh: &[Fresh<'_>],
    salt: &Salt,
) -> Result<Draft, KdbError> {
    let frame = &database.frame;
    let removed = changes.iter().filter(|change| change.into.is_none());
    let count = frame.records() - removed.count() + fresh.len();
    let relabelled = changes.iter().filter_map(|change| change.into.as_ref());
    let sizes = relabelled.map(Relabelled::size);
    let needed = sizes.chain(fresh.iter().map(Fresh::size)).max();
    let slot = match needed {
        Some(needed) if needed > frame.slot => rounded(needed),
        _ => frame.slot,
    };
    let reserved = &database.bytes[4..8];
    let reserved = [reserved[0], reserved[1], reserved[2], reserved[3]];
    begin(frame.header.version, slot, count, reserved, salt)
}

/// What becomes of a slot.
struct Change<'a> {
    slot: usize,
    /// None is removal.
    into: Option<Relabelled<'a>>,
}

/// What becomes of which slots, in their order.
fn changes<'a>(database: &'a Database, edits: &Edits<'a>) -> Result<Vec<Change<'a>>, KdbError> {
    let change = |(&index, edit): (&usize, &Edit<'a>)| {
        let record = database.records.get(index);
        let record = record.ok_or(KdbError::NoSuchCertificate { index })?;
        if record.of_key {
            return Err(KdbError::HasPrivateKey { index });
        }
        let slot = record.slot;
        let into = match edit {
            Edit::Remove => None,
            Edit::Label(label) => Some(Relabelled::new(database, slot, label)?),
        };
        Ok(Change { slot, into })
    };
    edits.changes.iter().map(change).collect()
}

/// Numbers for so many records that no record of the database has.
fn free_numbers(database: &Database, count: usize) -> Box<dyn Iterator<Item = u32>> {
    let slots = database.bytes[database.frame.start()..].chunks_exact(database.frame.slot);
    let highest = slots.clone().map(record_number).max().unwrap_or(0);
    let last = u32::try_from(count)
        .ok()
        .and_then(|count| highest.checked_add(count));
    if last.is_some_and(|last| last <= MAX_NUMBER) {
        return Box::new((highest + 1..).take(count));
    }
    // Somebody used up the numbers, but far fewer records fit a file than there are numbers.
    let used: BTreeSet<u32> = slots.map(record_number).collect();
    Box::new((1..MAX_NUMBER).filter(move |number| !used.contains(number)))
}

/// The size that every native database has had.
const USUAL_SLOT: usize = 5000;
/// Of so many certificates the file is better no larger than they are.
const MANY: usize = 1000;
/// Whatever reads the number as one with a sign reads the same.
const MAX_NUMBER: u32 = 0x7fff_ffff;
