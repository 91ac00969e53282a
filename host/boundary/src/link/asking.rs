//! How a call is made: it takes its turn, is sent, and its caller waits for what comes of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anchorhold_abi as abi;

use crate::batch::{Batch, Outcome};
use crate::item::ItemId;
use crate::link::call::{Call, Expects, Reply};
use crate::link::outbox::Outgoing;
use crate::link::shared::Shared;
use crate::link::turns::{self, Missed};
use crate::query::{Found, Query};
use crate::question::{Answer, Question};
use crate::services::LogLevel;
use crate::status::{CallError, Status};
use crate::table::{ApplyError, CallLimits, Listing, PageAnswer, PageRequest, find, listing, sign};
use crate::wire::{Limits, PAGE_ITEMS, ToRunner, to_runner};

/// How long a write that was called off may take until it says how far it came.
const CALLED_OFF: Duration = Duration::from_secs(1);

/// What the caller of one call allows.
struct Asking<'a> {
    shared: &'a Shared,
    limits: &'a CallLimits,
    deadline: Option<Instant>,
    may_prompt: bool,
}

pub(super) fn list(shared: &Shared, limits: &CallLimits) -> Result<Listing, CallError> {
    // All pages together have the time that the caller allows.
    let asking = Asking::new(shared, limits, false);
    let mut limits = limits.clone();
    limits.page = match limits.page {
        0 => PAGE_ITEMS,
        page => page.min(PAGE_ITEMS),
    };
    let pager = |request: &PageRequest| asking.page(request);
    listing::whole(pager, &limits, |line| {
        shared.lines.say(LogLevel::Warn, line);
    })
}

pub(super) fn find(
    shared: &Shared,
    query: &Query,
    limits: &CallLimits,
) -> Result<Found, CallError> {
    find::check(query)?;
    let asking = Asking::new(shared, limits, false);
    let reply = asking.ask(Expects::Found, |limits| ToRunner::Find {
        limits,
        query: query.clone(),
    })?;
    match reply {
        // What does not fit the question is never an answer to it.
        Reply::Found(found) => find::fits(query, found, |line| {
            shared.lines.say(LogLevel::Warn, line);
        }),
        _ => Err(mixed_up()),
    }
}

pub(super) fn unlock(shared: &Shared, limits: &CallLimits) -> Result<(), CallError> {
    let asking = Asking::new(shared, limits, limits.may_prompt);
    asking.ask(Expects::Done, ToRunner::Unlock).map(drop)
}

pub(super) fn lock(shared: &Shared, limits: &CallLimits) -> Result<(), CallError> {
    let asking = Asking::new(shared, limits, false);
    asking.ask(Expects::Done, ToRunner::Lock).map(drop)
}

pub(super) fn schemes(
    shared: &Shared,
    key: &ItemId,
    limits: &CallLimits,
) -> Result<Vec<u16>, CallError> {
    check_id(key)?;
    let asking = Asking::new(shared, limits, false);
    let reply = asking.ask(Expects::Schemes, |limits| ToRunner::Schemes {
        limits,
        key: key.clone(),
    })?;
    match reply {
        Reply::Schemes(schemes) => Ok(schemes),
        _ => Err(mixed_up()),
    }
}

pub(super) fn sign(
    shared: &Shared,
    key: &ItemId,
    scheme: u16,
    message: &[u8],
    limits: &CallLimits,
) -> Result<Vec<u8>, CallError> {
    check_id(key)?;
    if message.len() > sign::MESSAGE_MAX {
        let message = format!("a message to sign of {} bytes", message.len());
        return Err(CallError::new(Status::InvalidArgument, message));
    }
    let asking = Asking::new(shared, limits, limits.may_prompt);
    let reply = asking.ask(Expects::Signature, |limits| ToRunner::Sign {
        limits,
        key: key.clone(),
        scheme,
        message: message.to_vec(),
    })?;
    match reply {
        Reply::Signature(signature) => {
            sign::check_signature(scheme, &signature)?;
            Ok(signature)
        }
        _ => Err(mixed_up()),
    }
}

pub(super) fn apply(
    shared: &Shared,
    batch: &Batch,
    limits: &CallLimits,
) -> Result<Vec<Outcome>, ApplyError> {
    crate::table::check_batch(batch).map_err(nothing_done)?;
    let asking = Asking::new(shared, limits, limits.may_prompt);
    let expects = Expects::Outcomes(batch.changes.len());
    let call = asking.begin(expects).map_err(nothing_done)?;
    let Some(message) = to_runner::apply(call.request, &asking.left(), batch) else {
        shared.end_call(&call);
        let message = "the batch is larger than what is sent to a plugin at once: divide it";
        return Err(nothing_done(CallError::new(Status::Limit, message)));
    };
    shared.send(Outgoing::Plain(message));
    let failed = match asking.wait(&call) {
        Ok(Reply::Outcomes(outcomes)) => return Ok(outcomes),
        Ok(_) => Missing::Answered(mixed_up()),
        Err(missing) => missing,
    };
    let done = call.state().take_outcomes();
    let error = match failed {
        Missing::Answered(error) => error,
        // Nothing was to be changed.
        Missing::Unanswered(error) if batch.check_only => error,
        Missing::Unanswered(error) => CallError::new(Status::OutcomeUnknown, error.to_string()),
    };
    Err(ApplyError { done, error })
}

pub(super) fn nothing_done(error: CallError) -> ApplyError {
    ApplyError {
        done: Vec::new(),
        error,
    }
}

/// Why there is no reply.
enum Missing {
    /// The plugin answered that the call has failed.
    Answered(CallError),
    /// The plugin did not answer, so that nobody knows what it has done.
    Unanswered(CallError),
}

impl Missing {
    fn into_error(self) -> CallError {
        match self {
            Self::Answered(error) | Self::Unanswered(error) => error,
        }
    }
}

impl<'a> Asking<'a> {
    fn new(shared: &'a Shared, limits: &'a CallLimits, may_prompt: bool) -> Self {
        let deadline = limits
            .timeout
            .and_then(|timeout| Instant::now().checked_add(timeout));
        Self {
            shared,
            limits,
            deadline,
            may_prompt: may_prompt && shared.has_prompter(),
        }
    }

    fn page(&self, request: &PageRequest) -> Result<PageAnswer, CallError> {
        let most = usize::try_from(request.limit).unwrap_or(usize::MAX);
        let reply = self.ask(Expects::Page(most), |limits| ToRunner::ListPage {
            limits,
            page: request.clone(),
        })?;
        match reply {
            Reply::Page(page) => Ok(page),
            _ => Err(mixed_up()),
        }
    }

    fn ask(
        &self,
        expects: Expects,
        message: impl FnOnce(Limits) -> ToRunner,
    ) -> Result<Reply, CallError> {
        let call = self.begin(expects)?;
        self.shared
            .send_message(&message(self.left()), call.request);
        self.wait(&call).map_err(Missing::into_error)
    }

    /// Opens the call once it is its turn and it is still wanted.
    fn begin(&self, expects: Expects) -> Result<Arc<Call>, CallError> {
        let cancel = self.limits.cancel.as_deref();
        let turn = self.shared.turns.take(self.deadline, cancel);
        turn.map_err(|missed| self.missed(missed))?;
        let over = self
            .deadline
            .is_some_and(|deadline| Instant::now() >= deadline);
        let begun = if over {
            Err(self.missed(Missed::TimeOver))
        } else if self.is_cancelled() {
            Err(self.missed(Missed::Cancelled))
        } else {
            self.shared.begin(expects, self.may_prompt, true)
        };
        if begun.is_err() {
            self.shared.turns.give_back();
        }
        begun
    }

    fn left(&self) -> Limits {
        let mut left = Limits::left(self.limits, self.deadline);
        left.may_prompt = self.may_prompt;
        left
    }

    /// Waits for what comes of the call, and answers its questions meanwhile.
    fn wait(&self, call: &Call) -> Result<Reply, Missing> {
        let mut deadline = self.deadline;
        let mut cancel = self.limits.cancel.as_deref();
        let mut state = call.state();
        loop {
            if let Some(result) = state.result.take() {
                return result.map_err(|error| match state.cut_off {
                    true => Missing::Unanswered(error),
                    false => Missing::Answered(error),
                });
            }
            if let Some(question) = state.question.take() {
                drop(state);
                self.answer(call, &question);
                state = call.state();
                continue;
            }
            let missed = match turns::wait(&call.bell, state, deadline, cancel) {
                Ok(waited) => {
                    state = waited;
                    continue;
                }
                Err(missed) => missed,
            };
            state = call.state();
            if state.result.is_some() {
                continue;
            }
            if missed == Missed::Cancelled {
                self.shared.send_message(&ToRunner::Cancel, call.request);
            }
            if missed == Missed::Cancelled && matches!(call.expects, Expects::Outcomes(_)) {
                // It is told; how far it came is worth a moment.
                cancel = None;
                let by = Instant::now().checked_add(CALLED_OFF);
                deadline = deadline.into_iter().chain(by).min();
                continue;
            }
            state.abandon();
            return Err(Missing::Unanswered(self.given_up()));
        }
    }

    /// Has a question answered, on this thread. What comes after the caller's time is no answer.
    fn answer(&self, call: &Call, question: &Question) {
        let answer = self.shared.ask_person(question);
        call.state().answered();
        let answer = if self.is_over() {
            Answer::Refused
        } else {
            answer
        };
        self.shared.send_answer(call.request, &answer);
    }

    fn is_over(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| Instant::now() >= deadline)
    }

    fn is_cancelled(&self) -> bool {
        let cancel = self.limits.cancel.as_ref();
        cancel.is_some_and(|cancel| cancel.load(std::sync::atomic::Ordering::Acquire))
    }

    /// The error of a call that was not made.
    fn missed(&self, missed: Missed) -> CallError {
        match missed {
            Missed::Cancelled => CallError::new(Status::Cancelled, "before the plugin was asked"),
            Missed::Ended => self.shared.end_error(),
            Missed::TimeOver => CallError::new(
                Status::Timeout,
                "the time that the caller allows was over before the plugin was asked",
            ),
        }
    }

    /// The error of a caller that waits no longer.
    fn given_up(&self) -> CallError {
        if self.is_cancelled() {
            return CallError::new(Status::Cancelled, "while the plugin was at work");
        }
        CallError::new(
            Status::Timeout,
            "the time that the caller allows is over, and the plugin is still at work",
        )
    }
}

fn check_id(id: &ItemId) -> Result<(), CallError> {
    if (1..=abi::AH_ID_MAX).contains(&id.0.len()) {
        return Ok(());
    }
    let message = format!("an id of {} bytes", id.0.len());
    Err(CallError::new(Status::InvalidArgument, message))
}

fn mixed_up() -> CallError {
    CallError::new(Status::Internal, "the host mixed up two answers")
}
