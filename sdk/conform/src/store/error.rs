//! What is lent to a call for its error, and what a plugin must do with it.

use std::ptr;

use anchorhold_abi as abi;
use anchorhold_abi::{Growing, ah_error, ah_status};

use crate::read;
use crate::sized::{Out, Size};
use crate::status;
use crate::store::{Done, Refusal};
use crate::voice::breach;
use crate::word::{Call, Thing};

/// What is lent for an error, and what a plugin must do with it.
#[derive(Debug)]
pub(super) struct ErrorSlot {
    call: Call,
    out: Option<Out<ah_error>>,
}

impl ErrorSlot {
    pub(super) fn new(call: Call, none: bool, size: Size) -> Result<Self, String> {
        let out = if none {
            None
        } else {
            Some(Out::new(call, Thing::Error, &ah_error::blank(), size)?)
        };
        Ok(Self { call, out })
    }

    pub(super) fn address(&self) -> *mut ah_error {
        self.out.as_ref().map_or(ptr::null_mut(), Out::address)
    }

    /// Reads the error; `stopped` is the status with which a sink said stop, which is returned as
    /// it is.
    pub(super) fn settle(self, status: ah_status, stopped: Option<ah_status>) -> Done {
        let call = self.call;
        let error = self.out.map(Out::take);
        if let Some(stopped) = stopped
            && stopped != status
        {
            breach(format!(
                "returned {} from {call}, where the sink had said stop with {}",
                status::name(status),
                status::name(stopped)
            ));
        }
        if status == abi::AH_OK {
            return Ok(());
        }
        let mut message = String::new();
        if stopped.is_none() {
            if !(1..80).contains(&status) {
                breach(format!(
                    "returned the status {status} from {call}, which is none of a plugin's"
                ));
            }
            if let Some(error) = &error
                && error.status != status
            {
                breach(format!(
                    "returned {} from {call} and did not fill ah_error with it",
                    status::name(status)
                ));
            }
        }
        if let Some(error) = &error {
            message = text_of(error, call);
        }
        Err(Refusal {
            call: call.text().to_owned(),
            status,
            message,
        })
    }
}

fn text_of(error: &ah_error, call: Call) -> String {
    if let Err(why) = read::fixed(&error.native_domain) {
        breach(format!("the native_domain of an error of {call} {why}"));
    }
    read::fixed(&error.message).unwrap_or_else(|why| {
        breach(format!("the message of an error of {call} {why}"));
        String::new()
    })
}
