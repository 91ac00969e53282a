//! The questions of a store: where they may be asked, and what is answered.

use anchorhold_abi as abi;
use anchorhold_abi::{ah_byte_sink, ah_bytes, ah_call, ah_error, ah_host, ah_prompt, ah_status};

use crate::arena::{Loan, Use};
use crate::host::{Answers, State, find};
use crate::read;
use crate::running::{self, Running};
use crate::voice::breach;
use crate::word::{Call, Thing};

/// What nobody uses as a PIN or a password.
pub(crate) const WRONG: &[u8] = b"wrong-0b8f";

/// `ah_host_prompt.ask`.
///
/// # Safety
///
/// R3: `host` and `call` are known by their addresses alone; the rest is lent for this call.
pub(super) unsafe extern "C" fn ask(
    host: *const ah_host,
    call: *const ah_call,
    prompt: *const ah_prompt,
    answer: *const ah_byte_sink,
    err: *mut ah_error,
) -> ah_status {
    let status = answered(host, call, prompt, answer);
    if status != abi::AH_OK {
        let mut error = <ah_error as abi::Growing>::blank();
        error.status = status;
        // SAFETY: R1, R3: `err` is NULL or lent for this call.
        unsafe { abi::write(err, &error) };
    }
    status
}

fn answered(
    host: *const ah_host,
    call: *const ah_call,
    prompt: *const ah_prompt,
    answer: *const ah_byte_sink,
) -> ah_status {
    let Some(state) = find(host, "ask of the host") else {
        return abi::AH_INVALID_STATE;
    };
    let Some(running) = running::find(call) else {
        breach("asked a person with an ah_call that does not run");
        return abi::AH_INVALID_ARGUMENT;
    };
    let count = running.ask();
    if !is_allowed(&running, count) {
        return abi::AH_PROMPT_REFUSED;
    }
    // SAFETY: R1, R3: lent for this call.
    let Some(prompt) = (unsafe { abi::read(prompt) }) else {
        breach("asked without ah_prompt, or with a short one");
        return abi::AH_INVALID_ARGUMENT;
    };
    let setting = check_texts(&state, &prompt);
    answer_with(&state, &prompt, &setting, running.call(), answer)
}

fn is_allowed(running: &Running, count: u32) -> bool {
    let call = running.call();
    if !running.may_prompt() {
        breach(match call {
            Call::List | Call::Find | Call::Health => {
                format!("asked a person in {call}, which never prompts")
            }
            _ => format!("asked a person in {call} without AH_CALL_MAY_PROMPT"),
        });
        return false;
    }
    if !running.is_on_this_thread() {
        breach(format!(
            "asked a person on another thread than that of {call}"
        ));
    }
    if call == Call::Unlock && count == 2 {
        breach("asked more than once in one unlock");
    }
    true
}

/// Notes what is wrong with the texts; the setting that is asked for.
fn check_texts(state: &State, prompt: &ah_prompt) -> String {
    let mut texts = Vec::new();
    for (name, text) in [
        ("setting", prompt.setting),
        ("title", prompt.title),
        ("detail", prompt.detail),
    ] {
        // SAFETY: R3: lent for the call in which the question is asked.
        match unsafe { read::text(text) } {
            Ok(text) => texts.push(text),
            Err(why) => {
                breach(format!("asked with a {name} that {why}"));
                texts.push(String::new());
            }
        }
    }
    let setting = texts.into_iter().next().unwrap_or_default();
    if let Some(secrets) = &state.offer.secrets
        && !setting.is_empty()
        && !secrets.contains(&setting)
    {
        breach(format!(
            "asked for the setting {setting:?}, which is no secret of its manifest"
        ));
    }
    setting
}

fn answer_with(
    state: &State,
    prompt: &ah_prompt,
    setting: &str,
    call: Call,
    answer: *const ah_byte_sink,
) -> ah_status {
    let takes_secret = match prompt.kind {
        abi::AH_ASK_PIN | abi::AH_ASK_PASSWORD => true,
        abi::AH_ASK_CONFIRM => false,
        abi::AH_ASK_TOUCH => return abi::AH_OK,
        kind => {
            breach(format!(
                "asked a question of kind {kind}, which there is none of"
            ));
            return abi::AH_UNSUPPORTED;
        }
    };
    match &state.offer.answers {
        Answers::Nobody | Answers::Refused => abi::AH_PROMPT_REFUSED,
        Answers::Wrong if takes_secret => give(call, WRONG, answer),
        Answers::Stored(stored) if takes_secret => match stored.get(setting) {
            Some(_) if prompt.flags & abi::AH_PROMPT_AGAIN != 0 => abi::AH_PROMPT_REFUSED,
            Some(secret) => give(call, secret, answer),
            None => abi::AH_PROMPT_REFUSED,
        },
        Answers::Wrong | Answers::Stored(_) => give(call, &[], answer),
    }
}

/// Hands the answer over; it is not there any more once the plugin's sink has returned.
fn give(call: Call, secret: &[u8], answer: *const ah_byte_sink) -> ah_status {
    // SAFETY: R1, R3: lent for this call.
    let sink = unsafe { abi::read(answer) };
    let Some(put) = sink.and_then(|sink| sink.put) else {
        breach("asked without ah_byte_sink, or with a short one");
        return abi::AH_INVALID_ARGUMENT;
    };
    let Ok(loan) = Loan::new(call, Thing::Answer, Use::In, secret) else {
        return abi::AH_NO_MEMORY;
    };
    let bytes = ah_bytes {
        ptr: loan.address(),
        len: secret.len(),
    };
    // SAFETY: R3, R6: the sink was passed to this very callback, and the bytes are lent to it.
    unsafe { put(answer, bytes) }
}
