//! Why a call into a plugin did not succeed.

use std::fmt;
use std::time::Duration;

use anchorhold_abi as abi;
use anchorhold_abi::{ah_error, ah_status};

use crate::quotation;

/// What a call answered instead of success.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Status {
    /// It is there already.
    AlreadyExists,
    /// Somebody else uses it: time can help.
    Busy,
    /// The caller's buffer is too small.
    BufferTooSmall,
    /// The caller called it off.
    Cancelled,
    /// The store moved on from the generation that was asked for.
    Conflict,
    /// The process of the plugin ended, or was ended: the host says so.
    Crashed,
    /// Permission is missing: a person can help.
    Denied,
    /// No room is left: a person can help.
    Full,
    /// A bug of the plugin's or ours, or what has no status of its own.
    Internal,
    /// The caller is wrong: an argument.
    InvalidArgument,
    /// The caller is wrong: not now.
    InvalidState,
    /// More than the contract allows.
    Limit,
    /// A person must unlock it.
    Locked,
    /// No attempt is left: an administrator resets it.
    LockedOut,
    /// The data is broken.
    Malformed,
    /// Out of memory.
    NoMemory,
    /// No item or key of this id.
    NotFound,
    /// No token in the reader, no file or collection of that name.
    NotPresent,
    /// The plugin panicked, now or in an earlier call; the store is retired.
    Panic,
    /// Whether it was done is not known: the store has to be listed. The host says so.
    OutcomeUnknown,
    /// A person said no.
    PromptRefused,
    /// The plugin broke the contract; the host says so, a plugin never does.
    Protocol,
    /// The plugin crashed too often to be started again without a person: the host says so.
    Quarantined,
    /// The store or the item cannot be changed.
    ReadOnly,
    /// The plugin was not admitted, or its sandbox is less than demanded: the host says so.
    Refused,
    /// The store does not stand still long enough to be listed.
    StaleCursor,
    /// It took too long: time can help.
    Timeout,
    /// Not reachable now: time can help.
    Unavailable,
    /// Not of this store.
    Unsupported,
    /// A wrong PIN or password: not tried again without a person.
    WrongSecret,
}

impl Status {
    /// What a plugin's status means. One that is not known counts as the first of its range (R2);
    /// one of no range, or of the range that only the host makes, breaks the contract.
    pub(crate) fn of(raw: ah_status) -> Self {
        match raw {
            abi::AH_INVALID_STATE => Self::InvalidState,
            abi::AH_UNSUPPORTED => Self::Unsupported,
            1..=15 => Self::InvalidArgument,
            abi::AH_ALREADY_EXISTS => Self::AlreadyExists,
            abi::AH_CONFLICT => Self::Conflict,
            abi::AH_MALFORMED => Self::Malformed,
            abi::AH_STALE_CURSOR => Self::StaleCursor,
            abi::AH_BUFFER_TOO_SMALL => Self::BufferTooSmall,
            16..=31 => Self::NotFound,
            abi::AH_DENIED => Self::Denied,
            abi::AH_READ_ONLY => Self::ReadOnly,
            abi::AH_PROMPT_REFUSED => Self::PromptRefused,
            abi::AH_WRONG_SECRET => Self::WrongSecret,
            abi::AH_LOCKED_OUT => Self::LockedOut,
            abi::AH_NOT_PRESENT => Self::NotPresent,
            abi::AH_FULL => Self::Full,
            32..=47 => Self::Locked,
            abi::AH_TIMEOUT => Self::Timeout,
            abi::AH_CANCELLED => Self::Cancelled,
            abi::AH_BUSY => Self::Busy,
            48..=63 => Self::Unavailable,
            abi::AH_LIMIT => Self::Limit,
            abi::AH_INTERNAL => Self::Internal,
            abi::AH_PANIC => Self::Panic,
            64..=79 => Self::NoMemory,
            _ => Self::Protocol,
        }
    }

    /// What happened, in a few words that go on with the plugin's own.
    pub fn words(self) -> &'static str {
        match self {
            Self::AlreadyExists => "it is there already",
            Self::BufferTooSmall => "the buffer is too small",
            Self::Busy => "somebody else is using it",
            Self::Cancelled => "the call was called off",
            Self::Conflict => "the store changed meanwhile",
            Self::Crashed => "the process of the plugin ended",
            Self::Denied => "permission is missing",
            Self::Full => "no room is left",
            Self::Internal => "internal error",
            Self::InvalidArgument => "an argument is wrong",
            Self::InvalidState => "the store cannot do this now",
            Self::Limit => "more than the plugin contract allows",
            Self::Locked => "the store is locked",
            Self::LockedOut => "no attempt is left, an administrator must reset it",
            Self::Malformed => "the data is broken",
            Self::NoMemory => "out of memory",
            Self::NotFound => "there is no such item",
            Self::NotPresent => "it is not there",
            Self::Panic => "the plugin panicked",
            Self::OutcomeUnknown => "whether it was done is not known",
            Self::PromptRefused => "the question was refused",
            Self::Protocol => "the plugin broke its contract",
            Self::Quarantined => "the plugin crashed too often",
            Self::ReadOnly => "it cannot be changed",
            Self::Refused => "the plugin is refused",
            Self::StaleCursor => "the store kept changing while it was listed",
            Self::Timeout => "it took too long",
            Self::Unavailable => "the store cannot be reached now",
            Self::Unsupported => "the store cannot do this",
            Self::WrongSecret => "the PIN or password is wrong",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// A call that failed: the status, and what was said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallError {
    /// What kind.
    pub status: Status,
    /// In the plugin's words or ours; fit to be shown, may be empty.
    pub message: String,
    /// The code of the system below the plugin, with the domain it belongs to.
    pub native: Option<(String, i32)>,
    /// When it makes sense to try again, where the plugin knows.
    pub retry_after: Option<Duration>,
    /// The word that programs read, where the plugin is refused.
    pub code: Option<Box<str>>,
    /// Whether `message` is the plugin's, and so is shown as a quotation.
    quoted: bool,
}

impl CallError {
    /// An error in our words.
    pub fn new(status: Status, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            native: None,
            retry_after: None,
            code: None,
            quoted: false,
        }
    }

    /// An error as a runner tells it, in the plugin's words or in its own.
    pub(crate) fn said(status: Status, message: String, quoted: bool) -> Self {
        let mut error = Self::new(status, message);
        error.quoted = quoted;
        error
    }

    /// Whether the message is the plugin's.
    pub(crate) fn is_quoted(&self) -> bool {
        self.quoted
    }

    /// The plugin broke the contract, and how.
    pub(crate) fn protocol(message: impl Into<String>) -> Self {
        Self::new(Status::Protocol, message)
    }

    /// What a plugin answered: the status that its function returned, explained by the struct that
    /// it was lent.
    pub(crate) fn answered(raw: ah_status, error: &ah_error) -> Self {
        let status = Status::of(raw);
        if status == Status::Protocol {
            return Self::protocol(format!(
                "it returned the status {raw}, which is the host's own"
            ));
        }
        let domain = quotation::field(&error.native_domain);
        let retry_after = Duration::from_millis(error.retry_after_ms.into());
        Self {
            status,
            message: quotation::field(&error.message),
            native: (error.native_code != 0).then_some((domain, error.native_code)),
            retry_after: (!retry_after.is_zero()).then_some(retry_after),
            code: None,
            quoted: true,
        }
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        match (self.message.is_empty(), self.quoted) {
            (true, _) => {}
            (false, true) => write!(f, ": \"{}\"", self.message)?,
            (false, false) => write!(f, ": {}", self.message)?,
        }
        match &self.native {
            Some((domain, code)) if domain.is_empty() => write!(f, " (code {code})"),
            Some((domain, code)) => write!(f, " ({domain} {code})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for CallError {}

#[cfg(test)]
mod tests {
    use super::*;
    use anchorhold_abi::Growing;
    use std::ffi::c_char;

    #[test]
    fn unknown_status_counts_as_the_first_of_its_range() {
        // R2
        assert_eq!(Status::of(15), Status::InvalidArgument);
        assert_eq!(Status::of(31), Status::NotFound);
        assert_eq!(Status::of(47), Status::Locked);
        assert_eq!(Status::of(63), Status::Unavailable);
        assert_eq!(Status::of(79), Status::NoMemory);
    }

    #[test]
    fn status_of_no_range_breaks_the_contract() {
        for raw in [-1, 80, 0xfff, 0x1000, i32::MAX, i32::MIN] {
            assert_eq!(Status::of(raw), Status::Protocol, "{raw}");
        }
    }

    #[test]
    fn plugins_words_are_shown_as_a_quotation() {
        // R4
        let mut error = ah_error::blank();
        for (slot, byte) in error.message.iter_mut().zip(b"PIN\x1b[0m needed") {
            *slot = c_char::from_ne_bytes([*byte]);
        }
        for (slot, byte) in error.native_domain.iter_mut().zip(b"pkcs11") {
            *slot = c_char::from_ne_bytes([*byte]);
        }
        error.native_code = 0x101;
        error.retry_after_ms = 1500;
        let error = CallError::answered(abi::AH_LOCKED, &error);
        assert_eq!(
            error.to_string(),
            "the store is locked: \"PIN[0m needed\" (pkcs11 257)"
        );
        assert_eq!(error.retry_after, Some(Duration::from_millis(1500)));
    }
}
