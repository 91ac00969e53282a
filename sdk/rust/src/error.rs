//! Why a call fails, named by what to do next.

use std::fmt;
use std::io;
use std::time::Duration;

use anchorhold_abi as abi;
use anchorhold_abi::{ah_error, ah_status};

use crate::foreign;

/// What to do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// It is there already.
    AlreadyExists,
    /// The caller's buffer is too small; the SDK says so, a plugin never does.
    BufferTooSmall,
    /// Somebody else uses it: try again.
    Busy,
    /// The caller no longer wants the answer.
    Cancelled,
    /// The store moved on from the generation that was asked for: list again.
    Conflict,
    /// Permission is missing.
    Denied,
    /// No room is left.
    Full,
    /// What has no kind of its own, or a bug.
    Internal,
    /// The caller is wrong: an argument.
    InvalidArgument,
    /// The caller is wrong: not now.
    InvalidState,
    /// More than the contract allows.
    Limit,
    /// Unlock, then try again.
    Locked,
    /// No attempt is left: an administrator resets it.
    LockedOut,
    /// The data is broken.
    Malformed,
    /// Out of memory.
    NoMemory,
    /// No item or key of this id.
    NotFound,
    /// No token in the reader, no collection of that name.
    NotPresent,
    /// A panic was caught; the SDK says so, a plugin never does.
    Panic,
    /// A person said no.
    PromptRefused,
    /// The store or the item cannot be changed.
    ReadOnly,
    /// The listing must start again.
    StaleCursor,
    /// The host said stop; return the error as it is.
    Stopped,
    /// It took too long.
    TimedOut,
    /// Not reachable now: time can help.
    Unavailable,
    /// Not of this store.
    Unsupported,
    /// A wrong PIN or password: not tried again without a person.
    WrongSecret,
}

/// Why a call failed: what to do next, in one sentence for people, and what the system said.
///
/// The sentence holds no secret. The host shows it as a quotation and adds the store's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    native: Option<(&'static str, i32)>,
    retry_after: Option<Duration>,
    /// What the host answered, where `kind` is `Stopped`.
    stopped: ah_status,
}

macro_rules! shorthands {
    ($($(#[$doc:meta])* $name:ident $kind:ident)+) => {
        impl Error { $(
            $(#[$doc])*
            pub fn $name(message: impl Into<String>) -> Self {
                Self::new(ErrorKind::$kind, message)
            }
        )+ }
    };
}

shorthands! {
    /// Somebody else uses it: try again.
    busy Busy
    /// The store moved on from the generation that was asked for.
    conflict Conflict
    /// Permission is missing.
    denied Denied
    /// A bug, or what has no kind of its own.
    internal Internal
    /// The caller is wrong.
    invalid_argument InvalidArgument
    /// A person must unlock it.
    locked Locked
    /// The data is broken.
    malformed Malformed
    /// No item or key of this id.
    not_found NotFound
    /// The store or the item cannot be changed.
    read_only ReadOnly
    /// The listing must start again.
    stale_cursor StaleCursor
    /// Not reachable now.
    unavailable Unavailable
    /// Not of this store.
    unsupported Unsupported
}

impl Error {
    /// An error with a sentence for people.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            native: None,
            retry_after: None,
            stopped: abi::AH_INTERNAL,
        }
    }

    /// What the operating system said while `what` was tried.
    pub fn io(what: &str, error: &io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::NotFound => ErrorKind::NotPresent,
            io::ErrorKind::PermissionDenied => ErrorKind::Denied,
            io::ErrorKind::AlreadyExists => ErrorKind::AlreadyExists,
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => ErrorKind::Malformed,
            io::ErrorKind::WouldBlock => ErrorKind::Busy,
            io::ErrorKind::TimedOut => ErrorKind::TimedOut,
            io::ErrorKind::OutOfMemory => ErrorKind::NoMemory,
            _ => kind_of_errno(error.raw_os_error()),
        };
        let made = Self::new(kind, format!("{what}: {error}"));
        match error.raw_os_error() {
            Some(code) if cfg!(unix) => made.native("errno", code),
            Some(code) => made.native("win32", code),
            None => made,
        }
    }

    /// What the host answered instead of an answer to a question.
    pub(crate) fn answered(status: ah_status, error: &ah_error) -> Self {
        let kind = match status {
            abi::AH_INVALID_ARGUMENT => ErrorKind::InvalidArgument,
            abi::AH_INVALID_STATE => ErrorKind::InvalidState,
            abi::AH_UNSUPPORTED => ErrorKind::Unsupported,
            abi::AH_TIMEOUT => ErrorKind::TimedOut,
            abi::AH_CANCELLED => ErrorKind::Cancelled,
            abi::AH_NO_MEMORY => ErrorKind::NoMemory,
            abi::AH_LIMIT => ErrorKind::Limit,
            // Whatever else it is, nobody answered.
            32..=47 => ErrorKind::PromptRefused,
            status => return Self::stopped(status),
        };
        Self::new(kind, foreign::field(&error.message))
    }

    /// What the host answered to a push.
    pub(crate) fn stopped(status: ah_status) -> Self {
        let mut error = Self::new(ErrorKind::Stopped, "the host said stop");
        error.stopped = status;
        error
    }

    /// Adds the code of the system below: "errno", "pkcs11", "osstatus", "win32".
    #[must_use]
    pub fn native(mut self, domain: &'static str, code: i32) -> Self {
        self.native = Some((domain, code));
        self
    }

    /// Adds when it makes sense to try again.
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// What to do next.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The sentence for people.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The code of the system below, with its domain.
    pub fn native_code(&self) -> Option<(&'static str, i32)> {
        self.native
    }

    pub(crate) fn status(&self) -> ah_status {
        match self.kind {
            ErrorKind::AlreadyExists => abi::AH_ALREADY_EXISTS,
            ErrorKind::BufferTooSmall => abi::AH_BUFFER_TOO_SMALL,
            ErrorKind::Busy => abi::AH_BUSY,
            ErrorKind::Cancelled => abi::AH_CANCELLED,
            ErrorKind::Conflict => abi::AH_CONFLICT,
            ErrorKind::Denied => abi::AH_DENIED,
            ErrorKind::Full => abi::AH_FULL,
            ErrorKind::Internal => abi::AH_INTERNAL,
            ErrorKind::InvalidArgument => abi::AH_INVALID_ARGUMENT,
            ErrorKind::InvalidState => abi::AH_INVALID_STATE,
            ErrorKind::Limit => abi::AH_LIMIT,
            ErrorKind::Locked => abi::AH_LOCKED,
            ErrorKind::LockedOut => abi::AH_LOCKED_OUT,
            ErrorKind::Malformed => abi::AH_MALFORMED,
            ErrorKind::NoMemory => abi::AH_NO_MEMORY,
            ErrorKind::NotFound => abi::AH_NOT_FOUND,
            ErrorKind::NotPresent => abi::AH_NOT_PRESENT,
            ErrorKind::Panic => abi::AH_PANIC,
            ErrorKind::PromptRefused => abi::AH_PROMPT_REFUSED,
            ErrorKind::ReadOnly => abi::AH_READ_ONLY,
            ErrorKind::StaleCursor => abi::AH_STALE_CURSOR,
            ErrorKind::Stopped => self.stopped,
            ErrorKind::TimedOut => abi::AH_TIMEOUT,
            ErrorKind::Unavailable => abi::AH_UNAVAILABLE,
            ErrorKind::Unsupported => abi::AH_UNSUPPORTED,
            ErrorKind::WrongSecret => abi::AH_WRONG_SECRET,
        }
    }

    /// Fills the caller's struct, as far as it reaches (R1, R4).
    ///
    /// # Safety
    ///
    /// R1, R3: `err` is NULL or the caller's own struct, lent for this call.
    pub(crate) unsafe fn fill(&self, err: *mut ah_error) {
        let mut filled = <ah_error as abi::Growing>::blank();
        filled.status = self.status();
        if let Some((domain, code)) = self.native {
            filled.native_code = code;
            foreign::fill(&mut filled.native_domain, domain);
        }
        if let Some(after) = self.retry_after {
            filled.retry_after_ms = u32::try_from(after.as_millis()).unwrap_or(u32::MAX);
        }
        foreign::fill(&mut filled.message, &self.message);
        // A caller that asks for no explanation, or whose struct is too short, gets only a status.
        // SAFETY: R1, R3, as promised by the caller.
        let _explained = unsafe { abi::write(err, &filled) };
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match self.native {
            Some((domain, code)) => write!(f, " ({domain} {code})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

/// Kinds that `std::io` tells apart only in compilers newer than the oldest that this crate
/// supports.
fn kind_of_errno(errno: Option<i32>) -> ErrorKind {
    const ENOSPC: i32 = 28;
    const EROFS: i32 = 30;
    match errno {
        Some(ENOSPC) if cfg!(unix) => ErrorKind::Full,
        Some(EROFS) if cfg!(unix) => ErrorKind::ReadOnly,
        _ => ErrorKind::Internal,
    }
}
