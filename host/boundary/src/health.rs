//! How a store says that it is.

/// The state of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HealthState {
    /// Something does not work.
    Degraded,
    /// It is broken; also every state that is not known.
    Failed,
    /// A person must unlock it.
    Locked,
    /// It cannot be reached.
    Offline,
    /// Everything works.
    Ready,
}

impl HealthState {
    /// The word that programs read.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Degraded => "degraded",
            Self::Failed => "failed",
            Self::Locked => "locked",
            Self::Offline => "offline",
            Self::Ready => "ready",
        }
    }
}

/// What a store answers from memory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// How it is.
    pub state: HealthState,
    /// Whether this store can be written now.
    pub writable: bool,
    /// Whether changes are announced, so that nobody needs to poll.
    pub watching: bool,
    /// Whether a write needs a person.
    pub asks_write: bool,
    /// Differs when the contents differ; 0 is not known.
    pub generation: u64,
    /// How many items, where known.
    pub item_count: Option<u64>,
    /// How many attempts are left before it locks itself, where known and limited.
    pub attempts_left: Option<u32>,
    /// Unix seconds of the last success, 0 is never.
    pub last_success: i64,
    /// In the plugin's words, without control characters.
    pub detail: String,
}
