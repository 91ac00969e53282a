//! What a store says of itself and of a call: identity, health, errors, outcomes, questions.

use std::time::Duration;

use zeroize::Zeroizing;

use super::item::{self, By};
use super::{NAME_MAX, TEXT_MAX};
use crate::batch::{Effect, Outcome};
use crate::health::{Health, HealthState};
use crate::manifest;
use crate::open_store::Identity;
use crate::question::{ANSWER_MAX, Answer, Ask, Question};
use crate::quotation;
use crate::status::{CallError, Status};
use crate::wire::WireError;
use crate::wire::field::{Reader, Writer};

/// The fewest bytes of an outcome.
pub(super) const OUTCOME_LEAST: usize = 10;

const EFFECTS: [Effect; 4] = [
    Effect::New,
    Effect::Removed,
    Effect::Unchanged,
    Effect::Updated,
];

const STATES: [HealthState; 5] = [
    HealthState::Degraded,
    HealthState::Failed,
    HealthState::Locked,
    HealthState::Offline,
    HealthState::Ready,
];

const ASKS: [Ask; 4] = [Ask::Confirm, Ask::Password, Ask::Pin, Ask::Touch];

/// What may come from a runner. That it crashed, or may not be started again, is for the host
/// alone to say.
const STATUSES: [Status; 28] = [
    Status::AlreadyExists,
    Status::Busy,
    Status::BufferTooSmall,
    Status::Cancelled,
    Status::Conflict,
    Status::Denied,
    Status::Full,
    Status::Internal,
    Status::InvalidArgument,
    Status::InvalidState,
    Status::Limit,
    Status::Locked,
    Status::LockedOut,
    Status::Malformed,
    Status::NoMemory,
    Status::NotFound,
    Status::NotPresent,
    Status::Panic,
    Status::OutcomeUnknown,
    Status::PromptRefused,
    Status::Protocol,
    Status::ReadOnly,
    Status::Refused,
    Status::StaleCursor,
    Status::Timeout,
    Status::Unavailable,
    Status::Unsupported,
    Status::WrongSecret,
];

pub(super) fn write_error(out: &mut Writer<'_>, error: &CallError) {
    let status = match error.status {
        Status::Crashed | Status::Quarantined => Status::Internal,
        status => status,
    };
    out.one_of(&STATUSES, &status);
    out.flag(error.is_quoted());
    out.cut_text(&error.message, TEXT_MAX);
    out.maybe(error.native.as_ref(), |out, (domain, code)| {
        out.cut_text(domain, NAME_MAX);
        out.i32(*code);
    });
    let retry_after = error.retry_after.unwrap_or_default().as_millis();
    out.u32(u32::try_from(retry_after).unwrap_or(u32::MAX));
}

pub(super) fn read_error(from: &mut Reader<'_>) -> Result<CallError, WireError> {
    let status = from.one_of(&STATUSES, "status")?;
    let quoted = from.flag()?;
    let mut error = CallError::said(status, shown(from, TEXT_MAX)?, quoted);
    error.native = from.maybe(|from| Ok((shown(from, NAME_MAX)?, from.i32()?)))?;
    let retry_after = from.u32()?;
    error.retry_after = (retry_after != 0).then(|| Duration::from_millis(retry_after.into()));
    Ok(error)
}

pub(super) fn write_identity(out: &mut Writer<'_>, identity: &Identity) {
    let Identity {
        id,
        name,
        version,
        abi_minor,
        can_write,
        writes_whole,
        can_find,
        can_unlock,
        can_sign,
    } = identity;
    out.text(id);
    out.cut_text(name, NAME_MAX);
    out.cut_text(version, NAME_MAX);
    out.u16(*abi_minor);
    for can in [can_write, writes_whole, can_find, can_unlock, can_sign] {
        out.flag(*can);
    }
}

pub(super) fn read_identity(from: &mut Reader<'_>) -> Result<Identity, WireError> {
    let id = from.text(NAME_MAX, "id of the plugin")?;
    if !manifest::is_id(id) {
        return Err(WireError::Malformed {
            what: "id of the plugin",
        });
    }
    Ok(Identity {
        id: id.to_owned(),
        name: shown(from, NAME_MAX)?,
        version: shown(from, NAME_MAX)?,
        abi_minor: from.u16()?,
        can_write: from.flag()?,
        writes_whole: from.flag()?,
        can_find: from.flag()?,
        can_unlock: from.flag()?,
        can_sign: from.flag()?,
    })
}

pub(super) fn write_health(out: &mut Writer<'_>, health: &Health) {
    let Health {
        state,
        writable,
        watching,
        asks_write,
        generation,
        item_count,
        attempts_left,
        last_success,
        detail,
    } = health;
    out.one_of(&STATES, state);
    for flag in [writable, watching, asks_write] {
        out.flag(*flag);
    }
    out.u64(*generation);
    out.maybe(*item_count, Writer::u64);
    out.maybe(*attempts_left, Writer::u32);
    out.i64(*last_success);
    out.cut_text(detail, TEXT_MAX);
}

pub(super) fn read_health(from: &mut Reader<'_>) -> Result<Health, WireError> {
    Ok(Health {
        state: from.one_of(&STATES, "state")?,
        writable: from.flag()?,
        watching: from.flag()?,
        asks_write: from.flag()?,
        generation: from.u64()?,
        item_count: from.maybe(Reader::u64)?,
        attempts_left: from.maybe(Reader::u32)?,
        last_success: from.i64()?,
        detail: shown(from, TEXT_MAX)?,
    })
}

pub(super) fn write_outcome(out: &mut Writer<'_>, outcome: &Outcome) {
    let Outcome { index, effect, id } = outcome;
    out.count(*index);
    out.one_of(&EFFECTS, effect);
    out.bytes(&id.0);
}

pub(super) fn read_outcome(from: &mut Reader<'_>) -> Result<Outcome, WireError> {
    let index = usize::try_from(from.u32()?).map_err(|_| WireError::Malformed {
        what: "index of an outcome",
    })?;
    Ok(Outcome {
        index,
        effect: from.one_of(&EFFECTS, "effect")?,
        id: item::read_id(from, By::Host)?,
    })
}

pub(super) fn write_question(out: &mut Writer<'_>, question: &Question) {
    let Question {
        ask,
        setting,
        again,
        attempts_left,
        title,
        detail,
    } = question;
    out.one_of(&ASKS, ask);
    out.maybe(setting.as_deref(), Writer::text);
    out.flag(*again);
    out.maybe(*attempts_left, Writer::u32);
    out.cut_text(title, TEXT_MAX);
    out.cut_text(detail, TEXT_MAX);
}

pub(super) fn read_question(from: &mut Reader<'_>) -> Result<Question, WireError> {
    let mut question = Question::new(from.one_of(&ASKS, "question")?);
    question.setting = from.maybe(|from| shown(from, NAME_MAX))?;
    question.again = from.flag()?;
    question.attempts_left = from.maybe(Reader::u32)?;
    question.title = shown(from, TEXT_MAX)?;
    question.detail = shown(from, TEXT_MAX)?;
    Ok(question)
}

pub(super) fn write_answer(out: &mut Writer<'_>, answer: &Answer) {
    match answer {
        Answer::Refused => out.u8(0),
        Answer::Secret(secret) => {
            out.u8(1);
            out.bytes(secret);
        }
        Answer::Yes => out.u8(2),
    }
}

pub(super) fn read_answer(from: &mut Reader<'_>) -> Result<Answer, WireError> {
    Ok(match from.u8()? {
        0 => Answer::Refused,
        1 => Answer::Secret(Zeroizing::new(from.bytes(ANSWER_MAX, "answer")?.to_vec())),
        2 => Answer::Yes,
        _ => return Err(WireError::Malformed { what: "answer" }),
    })
}

/// A text that is for people, made fit to be shown once more: who says that it is so is not
/// believed.
pub(super) fn shown(from: &mut Reader<'_>, most: usize) -> Result<String, WireError> {
    let text = from.bytes(most, "text")?;
    Ok(quotation::line(text, most).text)
}
