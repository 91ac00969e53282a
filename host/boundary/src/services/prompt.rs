//! Questions of a plugin: asked only inside a call that may ask, answered into its sink, wiped.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use anchorhold_abi as abi;
use anchorhold_abi::{
    Growing, ah_byte_sink, ah_bytes, ah_call, ah_error, ah_host, ah_host_prompt, ah_prompt,
    ah_status, ah_str,
};

use crate::adopt::{self, Nowhere};
use crate::guard::guarded;
use crate::question::{ANSWER_MAX, Answer, Ask, Prompter, Question};
use crate::quotation;
use crate::services::{LogLevel, Services};

/// The most bytes of the line in which a question is asked.
const TITLE_MAX: usize = 256;
/// The most bytes of what is said besides.
const DETAIL_MAX: usize = 1024;
/// How many answers a call may have that may have several: the PIN of the token and the PIN of
/// the key, each with a second try, and a yes.
const ANSWERS_MAX: u32 = 5;
/// How many notes without an answer a call may show.
const SHOWN_MAX: u32 = 8;

/// How often a call may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MayAsk {
    /// Never: the contract says so, or nobody is there.
    Never,
    /// For one answer.
    Once,
    /// For a few.
    Several,
}

/// Who answers the questions of one store, and which calls may ask now.
pub(super) struct Questions {
    prompter: Option<Arc<dyn Prompter>>,
    /// The secret settings of the manifest.
    secrets: BTreeSet<String>,
    asking: Mutex<Vec<AskingCall>>,
}

/// A call that runs and may ask.
struct AskingCall {
    /// Where its `ah_call` is; only compared until it is found to be this one.
    address: usize,
    /// The only thread that may ask (R7).
    thread: ThreadId,
    answers_left: u32,
    shown_left: u32,
}

/// A call may ask for as long as this lives.
pub(crate) struct Asking<'a> {
    questions: &'a Questions,
    address: usize,
}

/// Why a question has no answer: what the plugin gets, and whether it is the plugin's fault.
#[derive(Debug)]
struct Unanswered {
    status: ah_status,
    message: &'static str,
    fault: bool,
}

impl Questions {
    pub(super) fn new(prompter: Option<Arc<dyn Prompter>>, secrets: BTreeSet<String>) -> Self {
        Self {
            prompter,
            secrets,
            asking: Mutex::default(),
        }
    }

    /// Whether anybody answers.
    pub(super) fn has_prompter(&self) -> bool {
        self.prompter.is_some()
    }

    /// Lets a call ask on this thread, while it runs.
    pub(super) fn allow(&self, call: *const ah_call, may_ask: MayAsk) -> Option<Asking<'_>> {
        let answers_left = match may_ask {
            MayAsk::Never => return None,
            MayAsk::Once => 1,
            MayAsk::Several => ANSWERS_MAX,
        };
        let address = call.addr();
        self.lock().push(AskingCall {
            address,
            thread: thread::current().id(),
            answers_left,
            shown_left: SHOWN_MAX,
        });
        Some(Asking {
            questions: self,
            address,
        })
    }

    /// Takes one question of a call's, if it may ask.
    ///
    /// # Safety
    ///
    /// R3: where `call` is one that may ask, it is still lent.
    unsafe fn admit(&self, call: *const ah_call, ask: Ask) -> Result<(), Unanswered> {
        {
            let mut asking = self.lock();
            let found = asking
                .iter_mut()
                .find(|open| open.address == call.addr() && !call.is_null());
            let Some(open) = found else {
                return Err(fault("it asked a question in a call that may not ask"));
            };
            if open.thread != thread::current().id() {
                return Err(fault("it asked a question on a thread of its own"));
            }
            let left = match ask {
                Ask::Touch => &mut open.shown_left,
                _ => &mut open.answers_left,
            };
            *left = left
                .checked_sub(1)
                .ok_or_else(|| fault("it asked more often than a call may"))?;
        }
        // SAFETY: R3: it is the `ah_call` of ours that is lent to the call on this thread.
        let is_over = unsafe {
            (*call)
                .cancelled
                .is_some_and(|cancelled| cancelled(call) != 0)
        };
        if is_over {
            return Err(refused("nobody waits for the call any longer"));
        }
        Ok(())
    }

    fn answer(&self, question: &Question) -> Answer {
        match &self.prompter {
            Some(prompter) => prompter.answer(question),
            None => Answer::Refused,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<AskingCall>> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.questions
            .lock()
            .retain(|open| open.address != self.address);
    }
}

impl fmt::Debug for Questions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Questions")
            .field("answered", &self.has_prompter())
            .finish_non_exhaustive()
    }
}

fn fault(message: &'static str) -> Unanswered {
    Unanswered {
        status: abi::AH_PROMPT_REFUSED,
        message,
        fault: true,
    }
}

fn refused(message: &'static str) -> Unanswered {
    Unanswered {
        status: abi::AH_PROMPT_REFUSED,
        message,
        fault: false,
    }
}

fn malformed(message: &'static str) -> Unanswered {
    Unanswered {
        status: abi::AH_INVALID_ARGUMENT,
        message,
        fault: true,
    }
}

pub(super) const TABLE: &ah_host_prompt = &ah_host_prompt {
    struct_size: ah_host_prompt::SIZE,
    reserved: 0,
    ask: Some(ask),
};

/// `ah_host_prompt.ask`.
///
/// # Safety
///
/// R1, R3: `host` is NULL or the host of an open store; the rest is NULL or lent for this call.
unsafe extern "C" fn ask(
    host: *const ah_host,
    call: *const ah_call,
    prompt: *const ah_prompt,
    answer: *const ah_byte_sink,
    err: *mut ah_error,
) -> ah_status {
    guarded(abi::AH_PROMPT_REFUSED, || {
        // SAFETY: R3: the host was made by `Services::host`, and lives until close returns.
        let Some(services) = (unsafe { host.cast::<Services>().as_ref() }) else {
            return abi::AH_INVALID_ARGUMENT;
        };
        // SAFETY: R1, R3: lent for this call.
        match unsafe { ask_on(&services.questions, call, prompt, answer) } {
            Ok(status) => status,
            Err(unanswered) => {
                if unanswered.fault {
                    services.say(LogLevel::Warn, unanswered.message);
                }
                // SAFETY: R1, R3: lent for this call.
                unsafe { explain(err, &unanswered) };
                unanswered.status
            }
        }
    })
}

/// # Safety
///
/// R1, R3: each is NULL or lent for this call.
unsafe fn ask_on(
    questions: &Questions,
    call: *const ah_call,
    prompt: *const ah_prompt,
    answer: *const ah_byte_sink,
) -> Result<ah_status, Unanswered> {
    // SAFETY: R1, R3, as promised by the caller.
    let question = unsafe { read(prompt, &questions.secrets) }?;
    if question.ask != Ask::Touch {
        // SAFETY: R1, R3, as promised by the caller.
        unsafe { putter(answer) }?;
    }
    // SAFETY: R3, as promised by the caller.
    unsafe { questions.admit(call, question.ask) }?;
    // No lock is held while somebody thinks: health is asked meanwhile (R7).
    match (question.ask, questions.answer(&question)) {
        (Ask::Touch, Answer::Yes) => Ok(abi::AH_OK),
        // SAFETY: R1, R3, as promised by the caller.
        (Ask::Confirm, Answer::Yes) => unsafe { deliver(answer, &[]) },
        (Ask::Password | Ask::Pin, Answer::Secret(secret)) if secret.len() <= ANSWER_MAX => {
            // SAFETY: R1, R3, as promised by the caller. The secret is wiped once it is dropped.
            unsafe { deliver(answer, &secret) }
        }
        (Ask::Password | Ask::Pin, Answer::Secret(_)) => Err(refused("the answer is too long")),
        // An answer that is not one to this question is none.
        _ => Err(refused("the question was not answered")),
    }
}

type Put = unsafe extern "C" fn(*const ah_byte_sink, ah_bytes) -> ah_status;

/// # Safety
///
/// R1, R3: `sink` is NULL or lent for this call.
unsafe fn putter(sink: *const ah_byte_sink) -> Result<Put, Unanswered> {
    // SAFETY: R1, R3, as promised by the caller.
    unsafe { abi::read(sink) }
        .and_then(|sink| sink.put)
        .ok_or_else(|| malformed("it asked a question without a sink for the answer"))
}

/// Hands over the answer; what the plugin's sink returns is what the call returns.
///
/// # Safety
///
/// R1, R3: `sink` is NULL or lent for this call.
unsafe fn deliver(sink: *const ah_byte_sink, answer: &[u8]) -> Result<ah_status, Unanswered> {
    // SAFETY: R1, R3, as promised by the caller.
    let put = unsafe { putter(sink) }?;
    // SAFETY: R3, R6: the sink that was passed to this very callback, called once.
    Ok(unsafe { put(sink, ah_bytes::new(answer)) })
}

/// The question, in our types and fit to be shown.
///
/// # Safety
///
/// R1, R3: `prompt` is NULL or lent with all it leads to for this call.
unsafe fn read(
    prompt: *const ah_prompt,
    secrets: &BTreeSet<String>,
) -> Result<Question, Unanswered> {
    // SAFETY: R1, R3, as promised by the caller.
    let raw = unsafe { abi::read(prompt) }
        .ok_or_else(|| malformed("it asked nothing, or with a struct shorter than in 1.0"))?;
    let mut question = Question::new(match raw.kind {
        abi::AH_ASK_PIN => Ask::Pin,
        abi::AH_ASK_PASSWORD => Ask::Password,
        abi::AH_ASK_CONFIRM => Ask::Confirm,
        abi::AH_ASK_TOUCH => Ask::Touch,
        _ => {
            return Err(Unanswered {
                status: abi::AH_UNSUPPORTED,
                message: "it asked a question of a kind that is not known",
                fault: true,
            });
        }
    });
    question.again = raw.flags & abi::AH_PROMPT_AGAIN != 0;
    question.attempts_left = (raw.attempts_left != u32::MAX).then_some(raw.attempts_left);
    // SAFETY: R3, as promised by the caller.
    unsafe {
        question.setting = setting(raw.setting, secrets)?;
        question.title = line(raw.title, TITLE_MAX)?;
        question.detail = line(raw.detail, DETAIL_MAX)?;
    }
    Ok(question)
}

/// The secret setting that is asked for, which is one of the manifest's.
///
/// # Safety
///
/// R3: what `name` points to is lent for this call.
unsafe fn setting(name: ah_str, secrets: &BTreeSet<String>) -> Result<Option<String>, Unanswered> {
    // SAFETY: R3, as promised by the caller.
    let name = unsafe { adopt::text(name) }.map_err(|Nowhere| nowhere())?;
    if name.is_empty() {
        return Ok(None);
    }
    let known = std::str::from_utf8(name)
        .ok()
        .and_then(|name| secrets.get(name));
    known
        .map(|name| Some(name.clone()))
        .ok_or_else(|| malformed("it asked for a setting that is no secret of its manifest"))
}

/// # Safety
///
/// R3: what `text` points to is lent for this call.
unsafe fn line(text: ah_str, most: usize) -> Result<String, Unanswered> {
    // SAFETY: R3, as promised by the caller.
    let text = unsafe { adopt::text(text) }.map_err(|Nowhere| nowhere())?;
    Ok(quotation::line(text, most).text)
}

fn nowhere() -> Unanswered {
    malformed("it asked a question whose text leads nowhere")
}

/// Fills in the plugin's error, as far as it reaches (R4).
///
/// # Safety
///
/// R1, R3: `err` is NULL or lent for this call.
unsafe fn explain(err: *mut ah_error, unanswered: &Unanswered) {
    let mut error = ah_error::blank();
    error.status = unanswered.status;
    // The last slot stays NUL.
    let room = error.message.len() - 1;
    for (slot, byte) in error.message[..room]
        .iter_mut()
        .zip(unanswered.message.bytes())
    {
        *slot = std::ffi::c_char::from_ne_bytes([byte]);
    }
    // SAFETY: R1, R3, as promised by the caller. An error that is not there is not filled.
    unsafe { abi::write(err, &error) };
}

#[cfg(test)]
mod tests;
