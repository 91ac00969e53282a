//! One open call: what has come of it so far, and who waits for the rest.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::batch::Outcome;
use crate::confinement::Confinement;
use crate::health::Health;
use crate::item::Item;
use crate::query::Found;
use crate::question::{Ask, Question};
use crate::status::CallError;
use crate::table::PageAnswer;
use crate::table::find::{FOUND_BYTES_MAX, FOUND_MAX};
use crate::table::footprint;
use crate::table::listing::BYTES_MAX;
use crate::wire::{Ready, ToHost, to_host};

/// The most questions of one call, those that have no answer among them.
const QUESTIONS_MAX: u32 = 16;
/// The most answers of one call; of one that opens a lock it is one.
const ANSWERS_MAX: u32 = 5;

/// What a call waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expects {
    Done,
    Found,
    Health,
    /// As many outcomes as there are changes.
    Outcomes(usize),
    /// At most so many items.
    Page(usize),
    Ready,
    Schemes,
    Signature,
}

/// What came of a call.
#[derive(Debug)]
pub(super) enum Reply {
    Done,
    Found(Found),
    Health(Health),
    Outcomes(Vec<Outcome>),
    Page(PageAnswer),
    Ready(Box<Ready>, Confinement),
    Schemes(Vec<u16>),
    Signature(Vec<u8>),
}

/// How long a runner may be silent while a call is open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// While it only has to answer.
    pub(super) short: Duration,
    /// While a question or a write is open.
    pub(super) long: Duration,
}

impl Patience {
    /// With this call.
    pub(super) fn of(self, call: &Call) -> Duration {
        let long = call.state().asking || matches!(call.expects, Expects::Outcomes(_));
        if long { self.long } else { self.short }
    }
}

/// An open call.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) request: u32,
    pub(super) expects: Expects,
    /// Whether its questions are answered.
    pub(super) may_prompt: bool,
    /// Whether a turn is given back when it ends.
    pub(super) has_turn: bool,
    state: Mutex<State>,
    pub(super) bell: Condvar,
}

/// What the reading thread and the caller share.
#[derive(Debug)]
pub(super) struct State {
    /// When the runner last said something about the call, or was told something.
    heard: Instant,
    /// A question that waits for its answer; the caller takes it.
    pub(super) question: Option<Question>,
    /// Whether a question is open.
    asking: bool,
    questions: u32,
    answers: u32,
    seen: usize,
    bytes: usize,
    items: Vec<Item>,
    outcomes: Vec<Outcome>,
    /// What was enforced, as it was said first.
    confined: Option<Confinement>,
    /// Nobody waits any more: what comes is read and dropped (R8).
    abandoned: bool,
    /// The process ended before it had answered.
    pub(super) cut_off: bool,
    pub(super) result: Option<Result<Reply, CallError>>,
}

/// What a message did to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It asks its caller something.
    Asks,
    /// It goes on.
    Open,
    /// It has ended.
    Over,
    /// A question of it is refused, as nobody answers it.
    Unanswered,
}

/// A message that does not belong there; the connection ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OutOfPlace(pub(super) String);

impl Call {
    pub(super) fn new(request: u32, expects: Expects, may_prompt: bool, has_turn: bool) -> Self {
        Self {
            request,
            expects,
            may_prompt,
            has_turn,
            state: Mutex::new(State {
                heard: Instant::now(),
                question: None,
                asking: false,
                questions: 0,
                answers: 0,
                seen: 0,
                bytes: 0,
                items: Vec::new(),
                outcomes: Vec::new(),
                confined: None,
                abandoned: false,
                cut_off: false,
                result: None,
            }),
            bell: Condvar::new(),
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a message that is about this call.
    pub(super) fn take(&self, message: ToHost) -> Result<Progress, OutOfPlace> {
        let mut state = self.state();
        // What comes drop by drop while nobody waits any more is no sign of work.
        if !state.abandoned {
            state.heard = Instant::now();
        }
        let reply = match (message, self.expects) {
            (ToHost::Ask(question), expects) if expects != Expects::Health => {
                return self.take_question(&mut state, question);
            }
            (ToHost::Items(items), Expects::Page(most)) => {
                return state.add_items(items, most, BYTES_MAX);
            }
            (ToHost::Items(items), Expects::Found) => {
                return state.add_items(items, FOUND_MAX, FOUND_BYTES_MAX);
            }
            (ToHost::Outcomes(outcomes), Expects::Outcomes(count)) => {
                return state.add_outcomes(outcomes, count);
            }
            (ToHost::Failed(error), _) => Err(error),
            (ToHost::Refused { code, mut error }, Expects::Ready) => {
                error.code = (!code.is_empty()).then(|| code.into_boxed_str());
                Err(error)
            }
            (ToHost::PageEnd(end), Expects::Page(_)) => Ok(Reply::Page(state.page(end))),
            (ToHost::FoundEnd { skipped, repaired }, Expects::Found) => {
                Ok(Reply::Found(state.found(skipped, repaired)))
            }
            (ToHost::Done, Expects::Outcomes(count)) => {
                let done = state.seen;
                if done < count {
                    let what = format!("it answered that all is done after {done} of {count}");
                    return Err(OutOfPlace(what));
                }
                Ok(Reply::Outcomes(std::mem::take(&mut state.outcomes)))
            }
            (ToHost::Done, Expects::Done) => Ok(Reply::Done),
            (ToHost::Health(health), Expects::Health) => Ok(Reply::Health(health)),
            (ToHost::Confined(confinement), Expects::Ready) if state.confined.is_none() => {
                state.confined = Some(confinement);
                return Ok(Progress::Open);
            }
            (ToHost::Ready(ready), Expects::Ready) => match state.confined.take() {
                Some(confinement) => Ok(Reply::Ready(ready, confinement)),
                None => {
                    let what = "it did not say first how it is confined";
                    return Err(OutOfPlace(what.to_owned()));
                }
            },
            (ToHost::Schemes(schemes), Expects::Schemes) => Ok(Reply::Schemes(schemes)),
            (ToHost::Signature(bytes), Expects::Signature) => Ok(Reply::Signature(bytes)),
            _ => {
                let what = "it answered a call with what belongs to another one";
                return Err(OutOfPlace(what.to_owned()));
            }
        };
        state.result = Some(reply);
        Ok(Progress::Over)
    }

    /// Ends the call, as the process has ended.
    pub(super) fn cut_off(&self, error: CallError) {
        let mut state = self.state();
        state.cut_off = true;
        state.result = Some(Err(error));
        drop(state);
        self.bell.notify_all();
    }

    /// When the runner is to be killed if it says nothing more about this call. How long a store
    /// may take to be opened is for who opens it to say.
    pub(super) fn hangs_at(&self, patience: Patience) -> Option<Instant> {
        if self.expects == Expects::Ready {
            return None;
        }
        let patience = patience.of(self);
        self.state().heard.checked_add(patience)
    }

    fn take_question(&self, state: &mut State, question: Question) -> Result<Progress, OutOfPlace> {
        let most = match self.expects {
            Expects::Done => 1,
            _ => ANSWERS_MAX,
        };
        state.questions += 1;
        state.answers += u32::from(question.ask != Ask::Touch);
        if state.asking || state.questions > QUESTIONS_MAX || state.answers > most {
            return Err(OutOfPlace("it asks more than a call may ask".to_owned()));
        }
        if !self.may_prompt || state.abandoned {
            return Ok(Progress::Unanswered);
        }
        state.asking = true;
        state.question = Some(question);
        Ok(Progress::Asks)
    }
}

impl State {
    /// The question is answered: the runner's time begins anew.
    pub(super) fn answered(&mut self) {
        self.asking = false;
        self.heard = Instant::now();
    }

    /// Nobody waits any more.
    pub(super) fn abandon(&mut self) {
        self.abandoned = true;
        self.items = Vec::new();
    }

    /// Whether nobody waits any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.abandoned
    }

    /// What was done before the call failed.
    pub(super) fn take_outcomes(&mut self) -> Vec<Outcome> {
        std::mem::take(&mut self.outcomes)
    }

    fn add_items(
        &mut self,
        items: Vec<Item>,
        most: usize,
        most_bytes: usize,
    ) -> Result<Progress, OutOfPlace> {
        if items.is_empty() {
            return Err(OutOfPlace("it sent items, and there were none".to_owned()));
        }
        self.seen = self.seen.saturating_add(items.len());
        let bytes = items.iter().map(footprint);
        self.bytes = bytes.fold(self.bytes, usize::saturating_add);
        if self.seen > most {
            return Err(OutOfPlace(format!("it sent more than {most} items")));
        }
        if self.bytes > most_bytes {
            return Err(OutOfPlace("its items are too large together".to_owned()));
        }
        if self.abandoned {
            // Their number and size count all the same.
        } else if self.items.is_empty() {
            self.items = items;
        } else {
            self.items.extend(items);
        }
        Ok(Progress::Open)
    }

    fn add_outcomes(
        &mut self,
        outcomes: Vec<Outcome>,
        count: usize,
    ) -> Result<Progress, OutOfPlace> {
        if outcomes.is_empty() {
            return Err(OutOfPlace(
                "it sent outcomes, and there were none".to_owned(),
            ));
        }
        for outcome in outcomes {
            if outcome.index != self.seen || outcome.index >= count {
                return Err(OutOfPlace(format!(
                    "it sent the outcome of change {} after {} of {count}",
                    outcome.index, self.seen
                )));
            }
            self.seen += 1;
            // Of a call that nobody waits for they count all the same.
            if !self.abandoned {
                self.outcomes.push(outcome);
            }
        }
        Ok(Progress::Open)
    }

    fn page(&mut self, end: to_host::PageEnd) -> PageAnswer {
        PageAnswer {
            items: std::mem::take(&mut self.items),
            skipped: usize_of(end.skipped),
            repaired: usize_of(end.repaired),
            notes: end.notes,
            generation: end.generation,
            cursor: end.cursor,
        }
    }

    fn found(&mut self, skipped: u32, repaired: u32) -> Found {
        Found {
            items: std::mem::take(&mut self.items),
            skipped: usize_of(skipped),
            repaired: usize_of(repaired),
        }
    }
}

fn usize_of(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
