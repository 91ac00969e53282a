//! How a store stands, as it was last known: what `health` answers from.

use anchorhold_sdk::{Error, ErrorKind, Health, HealthState};

use crate::holding::Holding;
use crate::settings::{Settings, Trust};
use crate::store::state_after;

/// What was last known of a store.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    state: HealthState,
    detail: String,
    pub(crate) generation: u64,
    count: Option<usize>,
    attempts_left: Option<u32>,
    writable: bool,
    asks_write: bool,
    last_success: i64,
    read_only: bool,
    marks: bool,
}

impl Standing {
    /// Nothing was asked yet.
    pub(crate) fn new(settings: &Settings) -> Self {
        let marks = settings.trust == Trust::Marked;
        Self {
            state: HealthState::Ready,
            detail: String::new(),
            generation: 0,
            count: None,
            attempts_left: None,
            writable: !settings.read_only,
            asks_write: !settings.read_only,
            last_success: 0,
            read_only: settings.read_only,
            marks,
        }
    }

    /// Takes down how a call left the store.
    pub(crate) fn note(&mut self, holding: &Holding, error: Option<&Error>) {
        self.attempts_left = holding.attempts_left();
        if let Some(writable) = holding.is_writable() {
            self.writable = writable && !self.read_only;
            self.asks_write = self.writable && (self.marks || holding.asks_to_write());
        }
        match error {
            None => self.note_success(holding),
            // The call was at fault, and the store is as it was.
            Some(error) if is_of_call(error.kind()) => self.note_contents(holding),
            Some(error) => {
                self.state = state_after(error);
                self.detail = error.message().to_owned();
                if self.state != HealthState::Locked {
                    self.generation = 0;
                }
            }
        }
    }

    /// What is held; a batch that stopped half way has changed it as well.
    fn note_contents(&mut self, holding: &Holding) {
        let found = holding.found();
        self.generation = if holding.is_listed() {
            found.generation()
        } else {
            0
        };
        self.count = holding.is_listed().then(|| found.len());
    }

    fn note_success(&mut self, holding: &Holding) {
        let found = holding.found();
        self.note_contents(holding);
        self.last_success = Health::now();
        (self.state, self.detail) = match found.skipped {
            0 => (HealthState::Ready, holding.remark()),
            1 => (HealthState::Degraded, found.first_skipped.clone()),
            count => (
                HealthState::Degraded,
                format!("{count} objects were passed over: {}", found.first_skipped),
            ),
        };
    }

    pub(crate) fn health(&self) -> Health {
        let mut health = Health::new(self.state)
            .generation(self.generation)
            .writable(self.writable)
            .asks_write(self.asks_write)
            .last_success(self.last_success)
            .detail(self.detail.clone());
        if let Some(count) = self.count {
            health = health.item_count(count);
        }
        if let Some(attempts) = self.attempts_left {
            health = health.attempts_left(attempts);
        }
        health
    }
}

/// Errors that say nothing of how the store stands.
fn is_of_call(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::AlreadyExists
            | ErrorKind::BufferTooSmall
            | ErrorKind::Cancelled
            | ErrorKind::Conflict
            | ErrorKind::Full
            | ErrorKind::InvalidArgument
            | ErrorKind::InvalidState
            | ErrorKind::Limit
            | ErrorKind::Malformed
            | ErrorKind::NotFound
            | ErrorKind::PromptRefused
            | ErrorKind::ReadOnly
            | ErrorKind::StaleCursor
            | ErrorKind::Stopped
            | ErrorKind::Unsupported
            | ErrorKind::WrongSecret
    )
}
