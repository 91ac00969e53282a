//! Certificates for tests, which nobody signed, and databases as other programs write them.

use std::fs::OpenOptions;
use std::io::{self, Write};

use anchorhold_formats::der::{CONTEXT_0, INTEGER, SEQUENCE, wrap};
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha2::Sha384;

/// One that differs from those of other numbers. The rest of it is the same.
pub(crate) fn certificate(number: u32) -> Vec<u8> {
    sized(number, 300)
}

/// The same, with a key of so many bytes.
pub(crate) fn sized(number: u32, key: usize) -> Vec<u8> {
    let algorithm = wrap(SEQUENCE, &[&[0x06, 3, 0x2b, 0x65, 0x70]]);
    let name = wrap(SEQUENCE, &[]);
    let public = wrap(SEQUENCE, &[&algorithm, &wrap(BIT_STRING, &[&vec![0; key]])]);
    let signed = wrap(
        SEQUENCE,
        &[
            &wrap(CONTEXT_0, &[&wrap(INTEGER, &[&[2]])]),
            &wrap(INTEGER, &[&number.to_be_bytes()]),
            &algorithm,
            &name,
            &wrap(SEQUENCE, &[]),
            &name,
            &public,
        ],
    );
    wrap(
        SEQUENCE,
        &[&signed, &algorithm, &wrap(BIT_STRING, &[&[0; 65]])],
    )
}

const BIT_STRING: u8 = 0x03;

/// A record of a `.kdb`.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) tag: u8,
    pub(crate) value: &'a [u8],
    pub(crate) label: &'a str,
    /// How many bits of its flags count for nothing, and the flags.
    pub(crate) flags: [u8; 2],
}

impl<'a> Record<'a> {
    /// A certificate that may vouch.
    pub(crate) fn anchor(label: &'a str, der: &'a [u8]) -> Self {
        Self {
            tag: 0xa1,
            value: der,
            label,
            flags: [7, 0x80],
        }
    }

    /// A certificate with its private key: `both` is a SEQUENCE of the two.
    pub(crate) fn key(label: &'a str, both: &'a [u8]) -> Self {
        Self {
            tag: 0xa2,
            value: both,
            ..Self::anchor(label, both)
        }
    }
}

/// A `.kdb` of version 6 or 3, as another program writes it.
pub(crate) fn kdb(version: u8, records: &[Record<'_>], password: &[u8]) -> Vec<u8> {
    const SLOT: usize = 5000;
    let mut header = vec![0x37, 0x48, version, 2, 0, 0, 0, 0];
    header.extend_from_slice(b"X509KEY\0");
    header.extend_from_slice(&u32::try_from(SLOT).unwrap().to_be_bytes());
    header.extend_from_slice(&u32::try_from(records.len()).unwrap().to_be_bytes());
    header.extend_from_slice(&[0x33; 23]);
    header.push(0);
    let mut slots = Vec::new();
    for (number, record) in (1_u32..).zip(records) {
        slots.extend_from_slice(&slot(number, record));
        slots.resize(slots.len().next_multiple_of(SLOT), 0);
    }
    let (check, whole) = match version {
        3 => {
            let check = Md5::new().chain_update(&header).chain_update(password);
            // Nobody knows what stands there.
            (check.finalize().to_vec(), vec![0x44; 16])
        }
        _ => {
            let check = authenticate(password, &[&header]);
            let whole = authenticate(password, &[&header, &check, &slots]);
            (check, whole)
        }
    };
    [header, check, whole, slots].concat()
}

fn slot(number: u32, record: &Record<'_>) -> Vec<u8> {
    let label = record.label.as_bytes();
    let der = wrap(
        SEQUENCE,
        &[
            &wrap(INTEGER, &[&number.to_be_bytes()]),
            &wrap(record.tag, &[record.value]),
            &wrap(0x1a, &[label]),
            &wrap(BIT_STRING, &[&record.flags]),
        ],
    );
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_be_bytes();
    let mut slot = [1_u32.to_be_bytes(), number.to_be_bytes()].concat();
    slot.extend_from_slice(&length(&der));
    slot.extend_from_slice(&der);
    slot.extend_from_slice(&length(label));
    slot.extend_from_slice(label);
    // What follows are an empty word and five hashes, by which this finds nothing.
    slot.extend_from_slice(&[0; 4 + 5 * 24]);
    slot
}

fn authenticate(password: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha384>::new_from_slice(password).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

/// Says why a test does not run, and notes it where the runner of the tests counts.
pub(crate) fn skip(reason: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    // Not captured by the test harness, so that it is seen.
    let _ = writeln!(io::stderr(), "skipped {test}: {reason}");
    if let Some(list) = std::env::var_os("ANCHORHOLD_SKIPS") {
        let file = OpenOptions::new().append(true).create(true).open(list);
        let line = format!("{test}: {reason}\n");
        file.unwrap().write_all(line.as_bytes()).unwrap();
    }
}
