//! What must survive a power cut: ledger, scope, intents and journal.
#![forbid(unsafe_code)]

mod commit;
mod condition;
mod directory;
mod error;
mod gate;
mod healing;
mod incident;
mod intent;
mod journal;
mod ledger;
pub mod lock;
mod moment;
mod picture;
mod record;
pub mod replace;
pub mod scope;
mod state;
mod transaction;
mod undertaking;

pub use condition::Condition;
pub use error::StateError;
pub use incident::{Attempt, Crash, Mark, Quarantine};
pub use intent::{Intent, IntentEnd};
pub use journal::{Actor, Entry, EntryHash, Event, JournalFault, JournalReport};
pub use lock::{Holder, LockGuard};
pub use record::{Allow, Endpoint, Lowered, Record, RecordedLevel, Security, Standing};
pub use scope::{CertificateKind, Fingerprint, ScopeRow, ScopeTable, ServerName, Servers};
pub use state::State;
pub use transaction::{Transaction, Turn};
pub use undertaking::{
    ItemChange, OpenUndertaking, RowChange, StorePart, Undertaking, UndertakingEnd,
};
