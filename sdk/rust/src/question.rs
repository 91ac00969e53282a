//! Asking a person, or what the operator stored: the secret is only seen in a closure.

use std::any::Any;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::thread::{self, ThreadId};

use anchorhold_abi as abi;
use anchorhold_abi::{
    Growing, ah_byte_sink, ah_bytes, ah_call, ah_error, ah_prompt, ah_status, ah_str,
};

use crate::call::Call;
use crate::error::{Error, ErrorKind};
use crate::foreign;
use crate::host::Asker;

/// A question for a secret: what is asked, and what is said besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question<'a> {
    kind: u32,
    setting: &'a str,
    title: &'a str,
    detail: &'a str,
    again: bool,
    attempts_left: Option<u32>,
}

impl<'a> Question<'a> {
    /// Asks for a PIN; the title is one line, such as "PIN of the token corp".
    pub fn pin(title: &'a str) -> Self {
        Self::new(abi::AH_ASK_PIN, title)
    }

    /// Asks for a password.
    pub fn password(title: &'a str) -> Self {
        Self::new(abi::AH_ASK_PASSWORD, title)
    }

    fn new(kind: u32, title: &'a str) -> Self {
        Self {
            kind,
            setting: "",
            title,
            detail: "",
            again: false,
            attempts_left: None,
        }
    }

    /// Names the secret setting of the manifest that this asks for: what the operator stored for
    /// it is the answer, and nobody has to be there.
    #[must_use]
    pub fn setting(mut self, setting: &'a str) -> Self {
        self.setting = setting;
        self
    }

    /// Adds what helps to answer.
    #[must_use]
    pub fn detail(mut self, detail: &'a str) -> Self {
        self.detail = detail;
        self
    }

    /// Says that the answer before was wrong: a stored one is not repeated.
    #[must_use]
    pub fn again(mut self) -> Self {
        self.again = true;
        self
    }

    /// Says how many attempts are left.
    #[must_use]
    pub fn attempts_left(mut self, attempts: u32) -> Self {
        self.attempts_left = Some(attempts);
        self
    }

    /// The question as C has it; it borrows from `self` (R3).
    fn lower(&self) -> ah_prompt {
        let mut prompt = <ah_prompt as Growing>::blank();
        prompt.kind = self.kind;
        prompt.attempts_left = self.attempts_left.unwrap_or(u32::MAX);
        if self.again {
            prompt.flags |= abi::AH_PROMPT_AGAIN;
        }
        prompt.setting = ah_str::new(self.setting);
        prompt.title = ah_str::new(self.title);
        prompt.detail = ah_str::new(self.detail);
        prompt
    }
}

impl Call<'_> {
    /// Asks for a secret, and lets `read` see it: the host wipes it when `read` returns. Only
    /// where [`may_prompt`](Call::may_prompt) says so, and only on the thread of the call.
    ///
    /// A no is [`ErrorKind::PromptRefused`]; return it as it is. An error of `read`, such as
    /// [`ErrorKind::WrongSecret`], comes back as it is.
    pub fn ask<R>(
        &self,
        question: &Question<'_>,
        read: impl FnOnce(&[u8]) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let mut answered = None;
        let mut read = Some(read);
        self.put_question(question, |secret| {
            let Some(read) = read.take() else {
                return abi::AH_INVALID_STATE;
            };
            let result = read(secret);
            let status = match &result {
                Ok(_) => abi::AH_OK,
                Err(error) => error.status(),
            };
            answered = Some(result);
            status
        })?;
        answered.unwrap_or_else(|| Err(Error::internal("the host gave no answer")))
    }

    /// Asks for a yes; a no is [`ErrorKind::PromptRefused`].
    pub fn confirm(&self, title: &str, detail: &str) -> Result<(), Error> {
        let question = Question::new(abi::AH_ASK_CONFIRM, title).detail(detail);
        let mut yes = false;
        self.put_question(&question, |_| {
            yes = true;
            abi::AH_OK
        })?;
        if yes {
            return Ok(());
        }
        Err(refused("nobody confirmed it"))
    }

    /// Shows that a device wants to be touched, or its PIN pad used. Returns at once; what is
    /// shown stays until the call ends.
    pub fn show(&self, title: &str, detail: &str) -> Result<(), Error> {
        let question = Question::new(abi::AH_ASK_TOUCH, title).detail(detail);
        self.put_question(&question, |_| abi::AH_OK)
    }

    fn put_question(
        &self,
        question: &Question<'_>,
        mut take: impl FnMut(&[u8]) -> ah_status,
    ) -> Result<(), Error> {
        if !self.may_prompt() {
            return Err(refused("nobody can be asked in this call"));
        }
        if !self.is_on_its_thread() {
            return Err(Error::new(
                ErrorKind::InvalidState,
                "a question on another thread than that of the call",
            ));
        }
        if let Some(secret) = self.stand_in() {
            // What the question came to is kept by whoever asked it.
            let _status = take(secret);
            return Ok(());
        }
        self.with_asker(|asker, call| put(&asker, call, question, take))
            .unwrap_or_else(|| Err(refused("the host asks nobody")))
    }
}

fn refused(message: &str) -> Error {
    Error::new(ErrorKind::PromptRefused, message)
}

fn put(
    asker: &Asker,
    call: *const ah_call,
    question: &Question<'_>,
    mut take: impl FnMut(&[u8]) -> ah_status,
) -> Result<(), Error> {
    let prompt = question.lower();
    let mut answer = Answer {
        take: &mut take,
        thread: thread::current().id(),
        taken: false,
        panic: None,
    };
    let mut sink = ah_byte_sink::blank();
    sink.impl_ = (&raw mut answer).cast();
    sink.put = Some(take_answer);
    let mut error = ah_error::blank();
    // SAFETY: R1, R3, R7: every struct is ours and outlives the call; the host is there while its
    // link is held, and the call runs, on this thread.
    let status = unsafe {
        (asker.ask)(
            asker.host,
            call,
            &raw const prompt,
            &raw const sink,
            &raw mut error,
        )
    };
    if let Some(panic) = answer.panic {
        // The panic of what read the secret goes on where no frame of the host's is left (R5).
        panic::resume_unwind(panic);
    }
    // What read the secret has said more about its own error than a status does.
    if status == abi::AH_OK || answer.taken {
        return Ok(());
    }
    Err(Error::answered(status, &error))
}

/// What stands behind the sink of one question.
struct Answer<'a> {
    take: &'a mut dyn FnMut(&[u8]) -> ah_status,
    thread: ThreadId,
    taken: bool,
    panic: Option<Box<dyn Any + Send>>,
}

impl fmt::Debug for Answer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer").finish_non_exhaustive()
    }
}

/// `ah_byte_sink.put`.
///
/// # Safety
///
/// R3: `sink` is NULL or that of a question that is asked; the bytes are lent for this call.
unsafe extern "C" fn take_answer(sink: *const ah_byte_sink, bytes: ah_bytes) -> ah_status {
    // SAFETY: R3: the sink, and the answer behind it, outlive the question.
    let answer = unsafe {
        sink.as_ref()
            .and_then(|sink| sink.impl_.cast::<Answer<'_>>().as_mut())
    };
    let Some(answer) = answer else {
        return abi::AH_INVALID_ARGUMENT;
    };
    // R7: called once, on the thread that asks.
    if answer.taken || thread::current().id() != answer.thread {
        return abi::AH_INVALID_STATE;
    }
    // SAFETY: R3: lent for this call.
    let Ok(secret) = (unsafe { foreign::bytes(bytes) }) else {
        return abi::AH_INVALID_ARGUMENT;
    };
    answer.taken = true;
    let take = &mut answer.take;
    match panic::catch_unwind(AssertUnwindSafe(|| take(secret))) {
        Ok(status) => status,
        Err(panic) => {
            answer.panic = Some(panic);
            abi::AH_PANIC
        }
    }
}
