//! What the host says to a runner.

use zeroize::Zeroizing;

use super::answer;
use super::hello::{self, Hello};
use super::item::{self, By};
use super::query::{self, Limits};
use crate::batch::Batch;
use crate::item::ItemId;
use crate::query::Query;
use crate::question::{ANSWER_MAX, Answer};
use crate::table::PageRequest;
use crate::table::sign::MESSAGE_MAX;
use crate::wire::WireError;
use crate::wire::field::{Reader, Writer};
use crate::wire::frame::{self, HEADER};

const HELLO: u16 = 0x01;
const LIST_PAGE: u16 = 0x02;
const HEALTH: u16 = 0x03;
const FIND: u16 = 0x04;
const APPLY: u16 = 0x05;
const UNLOCK: u16 = 0x06;
const LOCK: u16 = 0x07;
const SCHEMES: u16 = 0x08;
const SIGN: u16 = 0x09;
const CANCEL: u16 = 0x0a;
const ANSWER: u16 = 0x0b;
const CLOSE: u16 = 0x0c;

/// The most bytes of a batch on the wire.
pub(crate) const BATCH_MAX: usize = 256 << 20;

/// One message. What it is about is the request in the header, but for `Hello` and `Close`.
#[derive(Debug)]
pub(crate) enum ToRunner {
    /// Answers the question that the request has open.
    Answer(Answer),
    /// Makes the changes.
    Apply { limits: Limits, batch: Batch },
    /// Nobody waits for the request any more.
    Cancel,
    /// The store is to be closed and the process to end.
    Close,
    /// Asks for certain items.
    Find { limits: Limits, query: Query },
    /// Asks how the store is.
    Health,
    /// All that a runner needs to know; the first message, and only that.
    Hello(Box<Hello>),
    /// Asks for one page of a listing.
    ListPage { limits: Limits, page: PageRequest },
    /// Closes the store's lock.
    Lock(Limits),
    /// Asks for the schemes of a key.
    Schemes { limits: Limits, key: ItemId },
    /// Signs a message.
    Sign {
        limits: Limits,
        key: ItemId,
        scheme: u16,
        message: Vec<u8>,
    },
    /// Opens the store's lock.
    Unlock(Limits),
}

/// The most bytes of a message of this kind; none where there is no such kind.
pub(crate) fn most(kind: u16) -> Option<usize> {
    Some(match kind {
        HELLO => 16 << 20,
        APPLY => BATCH_MAX,
        SIGN => MESSAGE_MAX + 1024,
        FIND => 256 << 10,
        ANSWER => ANSWER_MAX + 64,
        LIST_PAGE | HEALTH | UNLOCK | LOCK | SCHEMES | CANCEL | CLOSE => 1024,
        _ => return None,
    })
}

/// Whether messages of this kind are wiped once they are read.
pub(crate) fn is_secret(kind: u16) -> bool {
    kind == ANSWER
}

/// A batch as it is sent, without a copy of it; none where it is larger than may be.
pub(crate) fn apply(request: u32, limits: &Limits, batch: &Batch) -> Option<Vec<u8>> {
    let size = query::footprint(batch);
    if size > BATCH_MAX {
        return None;
    }
    let mut out = Vec::with_capacity(HEADER + size);
    frame::put(&mut out, APPLY, request, |out| {
        let mut out = Writer(out);
        query::write_limits(&mut out, limits);
        query::write_batch(&mut out, batch);
    });
    Some(out)
}

/// An answer as it is sent, in memory that is wiped and was not copied on the way.
pub(crate) fn answer(request: u32, answer: &Answer) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(HEADER + 64 + ANSWER_MAX));
    frame::put(&mut out, ANSWER, request, |out| {
        answer::write_answer(&mut Writer(out), answer);
    });
    out
}

/// Why a runner would not read this hello, where it would not.
pub(crate) fn check_hello(hello: &Hello) -> Result<(), &'static str> {
    hello::check(hello)
}

impl ToRunner {
    /// Appends the message to what is to be sent.
    pub(crate) fn put(&self, request: u32, out: &mut Vec<u8>) {
        frame::put(out, self.kind(), request, |out| {
            self.write(&mut Writer(out))
        });
    }

    fn kind(&self) -> u16 {
        match self {
            Self::Answer(_) => ANSWER,
            Self::Apply { .. } => APPLY,
            Self::Cancel => CANCEL,
            Self::Close => CLOSE,
            Self::Find { .. } => FIND,
            Self::Health => HEALTH,
            Self::Hello(_) => HELLO,
            Self::ListPage { .. } => LIST_PAGE,
            Self::Lock(_) => LOCK,
            Self::Schemes { .. } => SCHEMES,
            Self::Sign { .. } => SIGN,
            Self::Unlock(_) => UNLOCK,
        }
    }

    fn write(&self, out: &mut Writer<'_>) {
        match self {
            Self::Answer(answer) => answer::write_answer(out, answer),
            Self::Apply { limits, batch } => {
                query::write_limits(out, limits);
                query::write_batch(out, batch);
            }
            Self::Cancel | Self::Close | Self::Health => {}
            Self::Find { limits, query } => {
                query::write_limits(out, limits);
                query::write_query(out, query);
            }
            Self::Hello(hello) => hello::write(out, hello),
            Self::ListPage { limits, page } => {
                query::write_limits(out, limits);
                out.u32(page.limit);
                out.bytes(&page.cursor);
            }
            Self::Lock(limits) | Self::Unlock(limits) => query::write_limits(out, limits),
            Self::Schemes { limits, key } => {
                query::write_limits(out, limits);
                out.bytes(&key.0);
            }
            Self::Sign {
                limits,
                key,
                scheme,
                message,
            } => {
                query::write_limits(out, limits);
                out.bytes(&key.0);
                out.u16(*scheme);
                out.bytes(message);
            }
        }
    }

    /// Reads a message.
    pub(crate) fn read(kind: u16, payload: &[u8]) -> Result<Self, WireError> {
        let mut from = Reader::new(payload);
        let message = Self::read_fields(kind, &mut from)?;
        from.end()?;
        Ok(message)
    }

    fn read_fields(kind: u16, from: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(match kind {
            HELLO => Self::Hello(Box::new(hello::read(from)?)),
            LIST_PAGE => Self::ListPage {
                limits: query::read_limits(from)?,
                page: PageRequest {
                    limit: from.u32()?,
                    cursor: from
                        .bytes(anchorhold_abi::AH_CURSOR_MAX, "cursor")?
                        .to_vec(),
                },
            },
            HEALTH => Self::Health,
            FIND => Self::Find {
                limits: query::read_limits(from)?,
                query: query::read_query(from)?,
            },
            APPLY => Self::Apply {
                limits: query::read_limits(from)?,
                batch: query::read_batch(from)?,
            },
            UNLOCK => Self::Unlock(query::read_limits(from)?),
            LOCK => Self::Lock(query::read_limits(from)?),
            SCHEMES => Self::Schemes {
                limits: query::read_limits(from)?,
                key: item::read_id(from, By::Runner)?,
            },
            SIGN => Self::Sign {
                limits: query::read_limits(from)?,
                key: item::read_id(from, By::Runner)?,
                scheme: from.u16()?,
                message: from.bytes(MESSAGE_MAX, "message to sign")?.to_vec(),
            },
            CANCEL => Self::Cancel,
            ANSWER => Self::Answer(answer::read_answer(from)?),
            CLOSE => Self::Close,
            kind => return Err(WireError::KindUnknown { kind }),
        })
    }
}
