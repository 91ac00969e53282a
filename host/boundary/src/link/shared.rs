//! What the callers of one runner and its reading thread share.

use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::guard::guarded;
use crate::link::call::{Call, Expects, Patience, Reply};
use crate::link::last_health::{LastHealth, Then};
use crate::link::lines::Lines;
use crate::link::outbox::{Outbox, Outgoing};
use crate::link::turns::Turns;
use crate::plugin::StoreConfig;
use crate::question::{ANSWER_MAX, Answer, Prompter, Question};
use crate::status::{CallError, Status};
use crate::wire::{self, NO_REQUEST, ToRunner, to_runner};

type Announce = Arc<dyn Fn(u64) + Send + Sync>;

/// What is shared.
pub(super) struct Shared {
    pub(super) outbox: Outbox,
    pub(super) turns: Turns,
    pub(super) health: LastHealth,
    pub(super) lines: Lines,
    pub(super) patience: Patience,
    open: Mutex<Open>,
    changed: AtomicBool,
    announce: Option<Announce>,
    prompter: Option<Arc<dyn Prompter>>,
    /// Wakes the reading thread.
    wake: UnixStream,
    /// Set while the reading thread waits without a limit.
    asleep: AtomicBool,
    closing: AtomicBool,
    at_once: AtomicBool,
}

/// The calls that are open.
#[derive(Debug, Default)]
struct Open {
    calls: BTreeMap<u32, Arc<Call>>,
    last: u32,
    /// Why there are no calls any more.
    ended: Option<CallError>,
    /// Why there would be no use in one.
    retired: Option<CallError>,
}

impl Shared {
    pub(super) fn new(
        socket: Arc<UnixStream>,
        wake: UnixStream,
        config: &StoreConfig,
        patience: Patience,
    ) -> Self {
        let not_ready = CallError::new(Status::Unavailable, "the plugin is being started");
        Self {
            outbox: Outbox::new(socket),
            turns: Turns::new(1),
            health: LastHealth::new(Err(not_ready)),
            lines: Lines::new(Arc::clone(&config.log)),
            patience,
            open: Mutex::default(),
            changed: AtomicBool::new(false),
            announce: config.announce.clone(),
            prompter: config.prompter.clone(),
            wake,
            asleep: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            at_once: AtomicBool::new(false),
        }
    }

    /// Opens the call that waits until the runner is ready.
    pub(super) fn begin_start(&self) -> Arc<Call> {
        let call = Arc::new(Call::new(NO_REQUEST, Expects::Ready, false, false));
        self.open().calls.insert(NO_REQUEST, Arc::clone(&call));
        self.wake_for_call();
        call
    }

    /// Opens a call; an error where the process has ended.
    pub(super) fn begin(
        &self,
        expects: Expects,
        may_prompt: bool,
        has_turn: bool,
    ) -> Result<Arc<Call>, CallError> {
        let mut open = self.open();
        if let Some(ended) = &open.ended {
            return Err(ended.clone());
        }
        let request = loop {
            open.last = open.last.wrapping_add(1);
            if open.last != NO_REQUEST && !open.calls.contains_key(&open.last) {
                break open.last;
            }
        };
        let call = Arc::new(Call::new(request, expects, may_prompt, has_turn));
        open.calls.insert(request, Arc::clone(&call));
        drop(open);
        self.wake_for_call();
        Ok(call)
    }

    /// Sends a message.
    pub(super) fn send(&self, message: Outgoing) {
        if self.outbox.send(message) {
            self.wake();
        }
    }

    pub(super) fn send_message(&self, message: &ToRunner, request: u32) {
        let mut bytes = Vec::with_capacity(256);
        message.put(request, &mut bytes);
        self.send(Outgoing::Plain(bytes));
    }

    pub(super) fn send_answer(&self, request: u32, answer: &Answer) {
        self.send(Outgoing::Secret(to_runner::answer(request, answer)));
    }

    /// Asks the prompter, on this thread.
    pub(super) fn ask_person(&self, question: &Question) -> Answer {
        let Some(prompter) = &self.prompter else {
            return Answer::Refused;
        };
        match guarded(Answer::Refused, || prompter.answer(question)) {
            // More than the other end reads is no answer; sent, it would end the connection.
            Answer::Secret(secret) if secret.len() > ANSWER_MAX => Answer::Refused,
            answer => answer,
        }
    }

    /// Whether anybody answers questions.
    pub(super) fn has_prompter(&self) -> bool {
        self.prompter.is_some()
    }

    /// Asks the store how it is.
    pub(super) fn ask_health(&self) {
        // Where the process has ended, the last health says so already.
        if let Ok(call) = self.begin(Expects::Health, false, false) {
            self.send_message(&ToRunner::Health, call.request);
        }
    }

    /// The open call of this request.
    pub(super) fn call(&self, request: u32) -> Option<Arc<Call>> {
        self.open().calls.get(&request).cloned()
    }

    /// Every open call.
    pub(super) fn calls(&self) -> Vec<Arc<Call>> {
        self.open().calls.values().cloned().collect()
    }

    /// Ends a call that has its result: its turn is given back, and who waits is told.
    pub(super) fn end_call(&self, call: &Call) {
        let mut open = self.open();
        open.calls.remove(&call.request);
        let mut state = call.state();
        if let Some(Err(error)) = &state.result
            && error.status == Status::Panic
        {
            open.retired = Some(error.clone());
        }
        let health = match call.expects {
            Expects::Health => state.result.take(),
            _ => None,
        };
        drop(state);
        drop(open);
        if call.has_turn {
            self.turns.give_back();
        }
        match health {
            Some(Ok(Reply::Health(health))) => self.take_health(Ok(health)),
            Some(Err(error)) => self.take_health(Err(error)),
            _ => call.bell.notify_all(),
        }
    }

    fn take_health(&self, answer: Result<crate::health::Health, CallError>) {
        if self.health.take(answer) == Then::Ask {
            self.ask_health();
        }
    }

    /// Ends everything: no call is open any more, and none begins.
    pub(super) fn end(&self, error: &CallError) {
        let mut open = self.open();
        open.ended = Some(error.clone());
        let calls = std::mem::take(&mut open.calls);
        drop(open);
        self.health.end(error.clone());
        self.turns.end();
        for call in calls.into_values() {
            call.cut_off(error.clone());
        }
    }

    /// Why no call can succeed any more.
    pub(super) fn ended(&self) -> Option<CallError> {
        let open = self.open();
        open.ended.clone().or_else(|| open.retired.clone())
    }

    /// Why there are no calls any more; that of a caller who found none.
    pub(super) fn end_error(&self) -> CallError {
        let ended = self.open().ended.clone();
        ended.unwrap_or_else(|| CallError::new(Status::Crashed, ""))
    }

    /// Allows as many calls at a time as a thread-safe plugin has.
    pub(super) fn allow_many(&self) {
        for _ in 1..wire::CALLS_AT_ONCE {
            self.turns.give_back();
        }
    }

    /// Takes the announcement of a change.
    pub(super) fn announce(&self, generation: u64) {
        self.changed.store(true, Ordering::Release);
        if let Some(announce) = &self.announce {
            guarded((), || announce(generation));
        }
    }

    /// Whether a change was announced since this was last asked.
    pub(super) fn take_changed(&self) -> bool {
        self.changed.swap(false, Ordering::AcqRel)
    }

    /// Asks the runner to end, and the reading thread to see to it.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        self.send_message(&ToRunner::Close, NO_REQUEST);
        self.wake();
    }

    /// Has the reading thread end the runner without waiting for it.
    pub(super) fn close_at_once(&self) {
        self.at_once.store(true, Ordering::SeqCst);
        self.close();
    }

    /// Whether nobody waits for the runner to end by itself.
    pub(super) fn is_closed_at_once(&self) -> bool {
        self.at_once.load(Ordering::SeqCst)
    }

    /// Whether it was asked to end.
    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    /// Says that the reading thread is about to wait without a limit, unless a call is open.
    pub(super) fn fall_asleep(&self) {
        self.asleep.store(true, Ordering::SeqCst);
    }

    /// Says that it does not any more.
    pub(super) fn wake_up(&self) {
        self.asleep.store(false, Ordering::SeqCst);
    }

    /// Wakes the reading thread where it does not know that it has to watch a call.
    fn wake_for_call(&self) {
        if self.asleep.swap(false, Ordering::SeqCst) {
            self.wake();
        }
    }

    fn wake(&self) {
        // Where the pipe is full, the thread will wake all the same.
        let _full = rustix::io::write(&self.wake, &[0]);
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("open", &self.open)
            .field("closing", &self.closing)
            .finish_non_exhaustive()
    }
}
