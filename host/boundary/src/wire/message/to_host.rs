//! What a runner says to the host. Nothing of it is believed that was not checked.

use super::answer::{self, shown};
use super::item::{self, By};
use super::{NAME_MAX, TEXT_MAX};
use crate::batch::Outcome;
use crate::confinement::{Confinement, Sandbox};
use crate::health::Health;
use crate::item::Item;
use crate::open_store::Identity;
use crate::question::Question;
use crate::services::LogLevel;
use crate::status::CallError;
use crate::table::sign::{SCHEMES_MAX, SIGNATURE_MAX};
use crate::wire::field::{Reader, Writer};
use crate::wire::frame;
use crate::wire::{VERSION, WireError};

const READY: u16 = 0x81;
const REFUSED: u16 = 0x82;
const ITEMS: u16 = 0x83;
const PAGE_END: u16 = 0x84;
const FOUND_END: u16 = 0x85;
const HEALTH: u16 = 0x86;
const OUTCOMES: u16 = 0x87;
const DONE: u16 = 0x88;
const FAILED: u16 = 0x89;
const SCHEMES: u16 = 0x8a;
const SIGNATURE: u16 = 0x8b;
const ASK: u16 = 0x8c;
const CHANGED: u16 = 0x8d;
const LOG: u16 = 0x8e;
const CONFINED: u16 = 0x8f;

/// The most notes of a page.
const NOTES_MAX: usize = 64;
/// The most outcomes of one message.
const OUTCOMES_MAX: usize = 4096;
/// The most items of one message.
const ITEMS_MAX: usize = 4096;
/// How many bytes of items go into one message before the next is begun.
const ITEMS_FULL: usize = 128 << 10;

const LEVELS: [LogLevel; 5] = [
    LogLevel::Error,
    LogLevel::Warn,
    LogLevel::Info,
    LogLevel::Debug,
    LogLevel::Trace,
];

const SANDBOXES: [Sandbox; 3] = [Sandbox::None, Sandbox::Partial, Sandbox::Full];

/// One message. The request in the header is that of the call; `Confined`, `Ready`, `Refused`,
/// `Changed` and `Log` belong to none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ToHost {
    /// A person is to be asked; the call waits for the answer.
    Ask(Question),
    /// The store announced a change, and the generation that it told.
    Changed(u64),
    /// What was enforced; the first message, said before anything of the plugin's runs, so that it
    /// is the program's own word.
    Confined(Confinement),
    /// The call did what it should and has nothing else to say; also the end of an apply.
    Done,
    /// The call failed; of an apply, after the outcomes that were sent.
    Failed(CallError),
    /// The end of what was found.
    FoundEnd {
        /// How many items were left out.
        skipped: u32,
        /// How many have a text that was repaired.
        repaired: u32,
    },
    /// How the store is.
    Health(Health),
    /// Some items; more may follow.
    Items(Vec<Item>),
    /// One line of the log.
    Log {
        /// How much it matters.
        level: LogLevel,
        /// The line.
        text: String,
        /// How many lines were dropped before it.
        dropped: u32,
    },
    /// What came of the next changes; more may follow.
    Outcomes(Vec<Outcome>),
    /// The end of a page.
    PageEnd(PageEnd),
    /// The store is open; after `Confined`, if it is not `Refused`.
    Ready(Box<Ready>),
    /// The store is not open and will not be; nothing follows.
    Refused {
        /// The word that programs read, may be empty.
        code: String,
        /// Why.
        error: CallError,
    },
    /// The schemes of a key.
    Schemes(Vec<u16>),
    /// A signature.
    Signature(Vec<u8>),
}

/// The store is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ready {
    /// What the plugin says of itself.
    pub(crate) identity: Identity,
    /// Whether several calls may be made at a time.
    pub(crate) thread_safe: bool,
    /// How the store is.
    pub(crate) health: Result<Health, CallError>,
}

/// The end of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PageEnd {
    /// How many items were left out.
    pub(crate) skipped: u32,
    /// How many have a text that was repaired.
    pub(crate) repaired: u32,
    /// Why, of the first.
    pub(crate) notes: Vec<String>,
    /// Which state of the store it shows.
    pub(crate) generation: u64,
    /// Where the next page starts; empty at the end.
    pub(crate) cursor: Vec<u8>,
}

/// The most bytes of a message of this kind; none where there is no such kind.
pub(crate) fn most(kind: u16) -> Option<usize> {
    Some(match kind {
        ITEMS => anchorhold_abi::AH_CRL_MAX + (1 << 20),
        OUTCOMES => 1 << 20,
        PAGE_END => NOTES_MAX * (TEXT_MAX + 4) + 1024,
        SIGNATURE => SIGNATURE_MAX + 64,
        CONFINED | READY | REFUSED | HEALTH | FAILED | SCHEMES | ASK | LOG => 32 << 10,
        FOUND_END | DONE | CHANGED => 64,
        _ => return None,
    })
}

/// Appends items to what is to be sent, in messages of a good size. Whenever enough is there,
/// `send` is called; it sends and clears it. What is left after the last item stays, for the
/// message that ends them to follow.
pub(crate) fn put_items<E>(
    items: &[Item],
    request: u32,
    out: &mut Vec<u8>,
    mut send: impl FnMut(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let mut left = items;
    while !left.is_empty() {
        let (mut count, mut size) = (0, 0);
        for item in left.iter().take(ITEMS_MAX) {
            let more = item::footprint(item);
            if count > 0 && size + more > ITEMS_FULL {
                break;
            }
            size += more;
            count += 1;
        }
        let (now, later) = left.split_at(count);
        left = later;
        out.reserve(size + 64);
        frame::put(out, ITEMS, request, |out| {
            write_items(&mut Writer(out), now)
        });
        if out.len() >= ITEMS_FULL && !left.is_empty() {
            send(out)?;
        }
    }
    Ok(())
}

/// Appends outcomes to what is to be sent, in as many messages as they need.
pub(crate) fn put_outcomes(outcomes: &[Outcome], request: u32, out: &mut Vec<u8>) {
    for outcomes in outcomes.chunks(OUTCOMES_MAX) {
        frame::put(out, OUTCOMES, request, |out| {
            write_outcomes(&mut Writer(out), outcomes);
        });
    }
}

fn write_items(out: &mut Writer<'_>, items: &[Item]) {
    out.count(items.len());
    for item in items {
        item::write(out, item);
    }
}

fn write_outcomes(out: &mut Writer<'_>, outcomes: &[Outcome]) {
    out.count(outcomes.len());
    for outcome in outcomes {
        answer::write_outcome(out, outcome);
    }
}

impl ToHost {
    /// Appends the message to what is to be sent. Items and outcomes in any number go with
    /// [`put_items`] and [`put_outcomes`].
    pub(crate) fn put(&self, request: u32, out: &mut Vec<u8>) {
        frame::put(out, self.kind(), request, |out| {
            self.write(&mut Writer(out))
        });
    }

    fn kind(&self) -> u16 {
        match self {
            Self::Ask(_) => ASK,
            Self::Changed(_) => CHANGED,
            Self::Confined(_) => CONFINED,
            Self::Done => DONE,
            Self::Failed(_) => FAILED,
            Self::FoundEnd { .. } => FOUND_END,
            Self::Health(_) => HEALTH,
            Self::Items(_) => ITEMS,
            Self::Log { .. } => LOG,
            Self::Outcomes(_) => OUTCOMES,
            Self::PageEnd(_) => PAGE_END,
            Self::Ready(_) => READY,
            Self::Refused { .. } => REFUSED,
            Self::Schemes(_) => SCHEMES,
            Self::Signature(_) => SIGNATURE,
        }
    }

    fn write(&self, out: &mut Writer<'_>) {
        match self {
            Self::Ask(question) => answer::write_question(out, question),
            Self::Changed(generation) => out.u64(*generation),
            Self::Confined(Confinement { sandbox, note, .. }) => {
                out.one_of(&SANDBOXES, sandbox);
                out.cut_text(note, TEXT_MAX);
            }
            Self::Done => {}
            Self::Failed(error) => answer::write_error(out, error),
            Self::FoundEnd { skipped, repaired } => {
                out.u32(*skipped);
                out.u32(*repaired);
            }
            Self::Health(health) => answer::write_health(out, health),
            Self::Items(items) => write_items(out, items),
            Self::Log {
                level,
                text,
                dropped,
            } => {
                out.one_of(&LEVELS, level);
                out.u32(*dropped);
                out.cut_text(text, TEXT_MAX);
            }
            Self::Outcomes(outcomes) => write_outcomes(out, outcomes),
            Self::PageEnd(end) => write_page_end(out, end),
            Self::Ready(ready) => write_ready(out, ready),
            Self::Refused { code, error } => {
                out.cut_text(code, NAME_MAX);
                answer::write_error(out, error);
            }
            Self::Schemes(schemes) => {
                out.count(schemes.len());
                for scheme in schemes {
                    out.u16(*scheme);
                }
            }
            Self::Signature(signature) => out.bytes(signature),
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
            READY => Self::Ready(Box::new(read_ready(from)?)),
            REFUSED => Self::Refused {
                code: shown(from, NAME_MAX)?,
                error: answer::read_error(from)?,
            },
            ITEMS => Self::Items(read_items(from)?),
            PAGE_END => Self::PageEnd(read_page_end(from)?),
            FOUND_END => Self::FoundEnd {
                skipped: from.u32()?,
                repaired: from.u32()?,
            },
            HEALTH => Self::Health(answer::read_health(from)?),
            OUTCOMES => Self::Outcomes(read_outcomes(from)?),
            DONE => Self::Done,
            FAILED => Self::Failed(answer::read_error(from)?),
            SCHEMES => {
                let count = from.count(2, SCHEMES_MAX, "schemes")?;
                let schemes: Result<_, _> = (0..count).map(|_| from.u16()).collect();
                Self::Schemes(schemes?)
            }
            SIGNATURE => Self::Signature(from.bytes(SIGNATURE_MAX, "signature")?.to_vec()),
            ASK => Self::Ask(answer::read_question(from)?),
            CHANGED => Self::Changed(from.u64()?),
            CONFINED => {
                let sandbox = from.one_of(&SANDBOXES, "sandbox")?;
                Self::Confined(Confinement::in_runner(sandbox, shown(from, TEXT_MAX)?))
            }
            LOG => {
                let level = from.one_of(&LEVELS, "level")?;
                let dropped = from.u32()?;
                let text = shown(from, TEXT_MAX)?;
                Self::Log {
                    level,
                    text,
                    dropped,
                }
            }
            kind => return Err(WireError::KindUnknown { kind }),
        })
    }
}

fn read_items(from: &mut Reader<'_>) -> Result<Vec<Item>, WireError> {
    let count = from.count(item::LEAST, ITEMS_MAX, "items")?;
    let mut items = Vec::with_capacity(count);
    for _ in 0..count {
        items.push(item::read(from, By::Host)?);
    }
    Ok(items)
}

fn read_outcomes(from: &mut Reader<'_>) -> Result<Vec<Outcome>, WireError> {
    let count = from.count(answer::OUTCOME_LEAST, OUTCOMES_MAX, "outcomes")?;
    (0..count).map(|_| answer::read_outcome(from)).collect()
}

fn write_page_end(out: &mut Writer<'_>, end: &PageEnd) {
    let PageEnd {
        skipped,
        repaired,
        notes,
        generation,
        cursor,
    } = end;
    out.u32(*skipped);
    out.u32(*repaired);
    out.u64(*generation);
    out.bytes(cursor);
    let notes = notes.get(..NOTES_MAX).unwrap_or(notes);
    out.count(notes.len());
    for note in notes {
        out.cut_text(note, TEXT_MAX);
    }
}

fn read_page_end(from: &mut Reader<'_>) -> Result<PageEnd, WireError> {
    let (skipped, repaired, generation) = (from.u32()?, from.u32()?, from.u64()?);
    let cursor = from
        .bytes(anchorhold_abi::AH_CURSOR_MAX, "cursor")?
        .to_vec();
    let count = from.count(4, NOTES_MAX, "notes")?;
    let notes: Result<_, _> = (0..count).map(|_| shown(from, TEXT_MAX)).collect();
    Ok(PageEnd {
        skipped,
        repaired,
        notes: notes?,
        generation,
        cursor,
    })
}

fn write_ready(out: &mut Writer<'_>, ready: &Ready) {
    out.u16(VERSION);
    answer::write_identity(out, &ready.identity);
    out.flag(ready.thread_safe);
    match &ready.health {
        Ok(health) => {
            out.flag(true);
            answer::write_health(out, health);
        }
        Err(error) => {
            out.flag(false);
            answer::write_error(out, error);
        }
    }
}

fn read_ready(from: &mut Reader<'_>) -> Result<Ready, WireError> {
    let version = from.u16()?;
    if version != VERSION {
        return Err(WireError::VersionUnknown {
            least: version,
            most: version,
        });
    }
    let identity = answer::read_identity(from)?;
    let thread_safe = from.flag()?;
    let health = if from.flag()? {
        Ok(answer::read_health(from)?)
    } else {
        Err(answer::read_error(from)?)
    };
    Ok(Ready {
        identity,
        thread_safe,
        health,
    })
}
