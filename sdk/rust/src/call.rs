//! One call of the host: how long it waits, whether somebody answers questions.

use std::fmt;
use std::marker::PhantomData;
use std::thread::{self, ThreadId};
use std::time::Duration;

use anchorhold_abi as abi;
use anchorhold_abi::ah_call;

use crate::error::{Error, ErrorKind};
use crate::host::{Asker, Host};

/// What the host gives with every call.
pub struct Call<'a> {
    copy: ah_call,
    /// The host's own struct, which `cancelled` is asked with; NULL for a call without a host.
    original: *const ah_call,
    host: Host,
    /// The only thread that may ask (R7).
    thread: ThreadId,
    /// What answers every question of a call without a host.
    stand_in: Option<&'a [u8]>,
    lifetime: PhantomData<&'a ah_call>,
}

// SAFETY: R7: `cancelled` is [any], and the borrow keeps the struct while the call runs (R3).
unsafe impl Send for Call<'_> {}
// SAFETY: R7, as above.
unsafe impl Sync for Call<'_> {}

impl Call<'static> {
    /// A call that no host makes, for a plugin's own tests: no limit, nobody to ask.
    pub fn detached() -> Self {
        Self {
            copy: <ah_call as abi::Growing>::blank(),
            original: std::ptr::null(),
            host: Host::detached(),
            thread: thread::current().id(),
            stand_in: None,
            lifetime: PhantomData,
        }
    }
}

impl<'a> Call<'a> {
    /// A call that no host makes, for a plugin's own tests: every question is answered with this.
    pub fn answering(secret: &'a [u8]) -> Self {
        let mut call: Call<'a> = Call::detached();
        call.copy.flags |= abi::AH_CALL_MAY_PROMPT;
        call.stand_in = Some(secret);
        call
    }

    /// # Safety
    ///
    /// R1, R3: `call` is NULL or the host's struct, lent for `'a`, by that very host.
    pub(crate) unsafe fn adopt(call: *const ah_call, host: &Host) -> Result<Self, Error> {
        // SAFETY: R1, R3, as promised by the caller.
        let copy = unsafe { abi::read(call) }.ok_or_else(|| {
            Error::invalid_argument("a call without ah_call, or with a short one")
        })?;
        Ok(Self {
            copy,
            original: call,
            host: host.clone(),
            thread: thread::current().id(),
            stand_in: None,
            lifetime: PhantomData,
        })
    }

    /// How long the host waits for the answer; `None` is for ever.
    pub fn timeout(&self) -> Option<Duration> {
        match self.copy.timeout_ms {
            0 => None,
            limit => Some(Duration::from_millis(limit.into())),
        }
    }

    /// Whether a question is answered, by a person or from what the operator stored for it.
    pub fn may_prompt(&self) -> bool {
        self.copy.flags & abi::AH_CALL_MAY_PROMPT != 0
    }

    pub(crate) fn stand_in(&self) -> Option<&'a [u8]> {
        self.stand_in
    }

    pub(crate) fn is_on_its_thread(&self) -> bool {
        thread::current().id() == self.thread
    }

    /// What asks questions in this call, and the host's own struct for it.
    pub(crate) fn with_asker<R>(&self, put: impl FnOnce(Asker, *const ah_call) -> R) -> Option<R> {
        self.host.with_asker(|asker| put(asker, self.original))
    }

    /// Joins the lines of one piece of work in the logs.
    pub fn trace_id(&self) -> u64 {
        self.copy.trace_id
    }

    /// Whether the host no longer wants the answer. Ask it between two steps of long work.
    pub fn cancelled(&self) -> bool {
        match self.copy.cancelled {
            // SAFETY: R3, R7: [any], and the host's struct is lent while the call runs.
            Some(cancelled) if !self.original.is_null() => unsafe { cancelled(self.original) != 0 },
            _ => false,
        }
    }

    /// An error where the host no longer wants the answer.
    pub fn check(&self) -> Result<(), Error> {
        if self.cancelled() {
            return Err(Error::new(ErrorKind::Cancelled, "called off by the host"));
        }
        Ok(())
    }
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("timeout", &self.timeout())
            .field("may_prompt", &self.may_prompt())
            .field("trace_id", &self.trace_id())
            .finish_non_exhaustive()
    }
}
