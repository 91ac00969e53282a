//! One record: its slot of fixed size, and the DER inside.

use core::ops::Range;

use super::KdbError;
use super::frame::number;
use crate::der::{BIT_STRING, CONTEXT_0, DerError, Element, INTEGER, Reader, SEQUENCE};

/// The fields of a slot that is in use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot<'a> {
    /// The word that tells what the slot is, and the number of its record.
    pub(super) head: &'a [u8],
    pub(super) der: &'a [u8],
    /// The label beside the DER, which is to be the same as the one in it.
    pub(super) label: &'a [u8],
    /// What follows the label: a word, the hashes that it is found by, and zeros.
    pub(super) tail: &'a [u8],
}

/// The parts of a record's DER, which together are all of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts<'a> {
    pub(super) number: Element<'a>,
    pub(super) value: Element<'a>,
    pub(super) label: Element<'a>,
    /// What follows: the flags.
    pub(super) rest: &'a [u8],
}

/// What a record is. Places are those in the whole file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A certificate.
    Certificate {
        der: Range<usize>,
        flags_known: bool,
    },
    /// A private key, and the certificate and the public half that are known.
    Key {
        certificate: Option<Range<usize>>,
        public: Option<Range<usize>>,
    },
    /// Neither.
    Other,
}

impl<'a> Slot<'a> {
    /// Takes a slot apart; none where its fields do not fit.
    pub(super) fn read(slot: &'a [u8]) -> Option<Self> {
        let (head, rest) = slot.split_at_checked(HEAD)?;
        let (der, rest) = field(rest)?;
        let (label, tail) = field(rest)?;
        Some(Self {
            head,
            der,
            label,
            tail,
        })
    }

    /// What follows the label, without the zeros that only fill the slot.
    pub(super) fn used_tail(&self) -> &'a [u8] {
        let used = self.tail.iter().rposition(|byte| *byte != 0);
        let used = used.map_or(0, |last| last + 1);
        // The last hash may end with a zero that is part of it.
        &self.tail[..used.max(TAIL).min(self.tail.len())]
    }
}

impl<'a> Parts<'a> {
    /// Takes the DER of a record apart. `offset` is where it begins in the file.
    ///
    /// None is a record of another form than those of certificates and keys.
    pub(super) fn read(der: &'a [u8], offset: usize) -> Result<Option<Self>, DerError> {
        let mut reader = Reader::at(der, offset);
        let whole = reader.expect(SEQUENCE)?;
        reader.finish()?;
        let mut reader = whole.reader();
        let Some(number) = reader.optional(INTEGER)? else {
            return Ok(None);
        };
        if reader.is_empty() {
            return Ok(None);
        }
        let value = reader.any()?;
        if reader.is_empty() {
            return Ok(None);
        }
        let label = reader.any()?;
        if !STRINGS.contains(&label.tag) {
            return Ok(None);
        }
        let taken = number.whole.len() + value.whole.len() + label.whole.len();
        Ok(Some(Self {
            number,
            value,
            label,
            rest: &whole.contents[taken..],
        }))
    }

    /// What the record is, and an error where a certificate is not one.
    pub(super) fn kind(&self) -> Result<Kind, DerError> {
        match self.value.tag {
            CERTIFICATE => {
                let mut value = self.value.reader();
                value.expect(SEQUENCE)?;
                value.finish()?;
                Ok(Kind::Certificate {
                    der: self.value.range(),
                    flags_known: self.rest == TRUSTED,
                })
            }
            REQUEST_AND_KEY => Ok(Kind::Key {
                certificate: None,
                public: first(&self.value).and_then(|request| public_of_request(&request)),
            }),
            CERTIFICATE_AND_KEY => {
                let certificate = first(&self.value);
                Ok(Kind::Key {
                    public: certificate.and_then(|certificate| {
                        Certificate::read(&certificate).map(|read| read.public.place())
                    }),
                    certificate: certificate.map(|certificate| certificate.place()),
                })
            }
            SECRET_KEY => Ok(Kind::Key {
                certificate: None,
                public: None,
            }),
            _ => Ok(Kind::Other),
        }
    }
}

/// The parts of a certificate that it is found by.
pub(super) struct Certificate<'a> {
    pub(super) signed: &'a [u8],
    pub(super) signature: &'a [u8],
    pub(super) serial: &'a [u8],
    pub(super) issuer: &'a [u8],
    pub(super) subject: &'a [u8],
    pub(super) public: Element<'a>,
}

impl<'a> Certificate<'a> {
    /// Takes a certificate apart; none where it is not exactly one.
    pub(super) fn read(whole: &Element<'a>) -> Option<Self> {
        let mut outer = whole.reader();
        let signed = outer.expect(SEQUENCE).ok()?;
        outer.expect(SEQUENCE).ok()?;
        let signature = outer.expect(BIT_STRING).ok()?;
        outer.finish().ok()?;
        let mut inner = signed.reader();
        inner.optional(CONTEXT_0).ok()?;
        let serial = inner.expect(INTEGER).ok()?;
        inner.expect(SEQUENCE).ok()?;
        let issuer = inner.expect(SEQUENCE).ok()?;
        inner.expect(SEQUENCE).ok()?;
        let subject = inner.expect(SEQUENCE).ok()?;
        let public = inner.expect(SEQUENCE).ok()?;
        Some(Self {
            signed: signed.whole,
            signature: signature.whole,
            serial: serial.whole,
            issuer: issuer.whole,
            subject: subject.whole,
            public,
        })
    }

    /// The same of bytes that hold one certificate and nothing else.
    pub(super) fn of(der: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(der);
        let whole = reader.expect(SEQUENCE).ok()?;
        reader.finish().ok()?;
        Self::read(&whole)
    }
}

/// The first of the two that stand beside each other in a record with a private key.
fn first<'a>(value: &Element<'a>) -> Option<Element<'a>> {
    let both = value.reader().expect(SEQUENCE).ok()?;
    both.reader().expect(SEQUENCE).ok()
}

/// The public half in a request for a certificate.
fn public_of_request(request: &Element<'_>) -> Option<Range<usize>> {
    let mut signed = request.reader().expect(SEQUENCE).ok()?.reader();
    signed.expect(INTEGER).ok()?;
    signed.expect(SEQUENCE).ok()?;
    Some(signed.expect(SEQUENCE).ok()?.place())
}

/// A length and so many bytes, and what follows them.
fn field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_at_checked(4)?;
    rest.split_at_checked(usize::try_from(number(length)).ok()?)
}

/// The number of the record in any slot.
pub(super) fn record_number(slot: &[u8]) -> u32 {
    number(&slot[4..])
}

/// Whether a slot is free, whatever it holds: a program that removed its record has not tidied up
/// yet.
///
/// GSKit takes the record of every other slot, whatever its first word says, and trusts it.
pub(super) fn is_deleted(slot: &[u8]) -> bool {
    number(slot) == DELETED
}

/// The error that the DER of a record is not what it should be.
pub(super) fn malformed(record: usize, part: &'static str) -> impl Fn(DerError) -> KdbError {
    move |source| KdbError::Malformed {
        record: record + 1,
        part,
        source,
    }
}

/// Appends a label's text, which ends before the first zero, as it does for GSKit. What is no
/// UTF-8 is Latin-1, which older programs wrote.
pub(super) fn append_label(out: &mut String, label: &[u8]) {
    let end = label.iter().position(|byte| *byte == 0);
    let label = &label[..end.unwrap_or(label.len())];
    match core::str::from_utf8(label) {
        Ok(text) => out.push_str(text),
        Err(_) => out.extend(label.iter().copied().map(char::from)),
    }
}

/// The word in front of a slot that is in use.
pub(super) const LIVE: u32 = 1;
/// The word in front of a slot whose record was removed.
const DELETED: u32 = 2;
/// The size of the words in front of the DER's length.
const HEAD: usize = 8;
/// The size of a word and five hashes, each with its length.
pub(super) const TAIL: usize = 4 + 5 * 24;

/// VisibleString, which labels are, whatever is in them.
pub(super) const VISIBLE_STRING: u8 = 0x1a;
/// It and the other strings whose bytes are characters: UTF8, Printable, Teletex, IA5.
const STRINGS: [u8; 5] = [VISIBLE_STRING, 0x0c, 0x13, 0x14, 0x16];
const REQUEST_AND_KEY: u8 = 0xa0;
pub(super) const CERTIFICATE: u8 = 0xa1;
const CERTIFICATE_AND_KEY: u8 = 0xa2;
const SECRET_KEY: u8 = 0xa3;
/// The one value of the flags that is believed: a BIT STRING of one bit that is set.
pub(super) const TRUSTED: &[u8] = &[BIT_STRING, 2, 0x07, 0x80];
