//! The names of statuses, as they stand in the header.

use anchorhold_abi as abi;
use anchorhold_abi::ah_status;
use anchorhold_boundary::Status;

macro_rules! statuses {
    ($($constant:ident $variant:ident),+ $(,)?) => {
        const NAMES: &[(ah_status, &str)] = &[$((abi::$constant, stringify!($constant))),+];

        /// The number of a status that a runner's store answered; what only a host says counts as
        /// broken.
        pub(crate) fn number(status: Status) -> ah_status {
            match status {
                $(Status::$variant => abi::$constant,)+
                _ => HOST_MADE,
            }
        }
    };
}

statuses! {
    AH_ALREADY_EXISTS AlreadyExists, AH_BUFFER_TOO_SMALL BufferTooSmall, AH_BUSY Busy,
    AH_CANCELLED Cancelled, AH_CONFLICT Conflict, AH_DENIED Denied, AH_FULL Full,
    AH_INTERNAL Internal, AH_INVALID_ARGUMENT InvalidArgument, AH_INVALID_STATE InvalidState,
    AH_LIMIT Limit, AH_LOCKED Locked, AH_LOCKED_OUT LockedOut, AH_MALFORMED Malformed,
    AH_NO_MEMORY NoMemory, AH_NOT_FOUND NotFound, AH_NOT_PRESENT NotPresent, AH_PANIC Panic,
    AH_PROMPT_REFUSED PromptRefused, AH_READ_ONLY ReadOnly, AH_STALE_CURSOR StaleCursor,
    AH_TIMEOUT Timeout, AH_UNAVAILABLE Unavailable, AH_UNSUPPORTED Unsupported,
    AH_WRONG_SECRET WrongSecret,
}

/// Where the range of what only a host says begins.
const HOST_MADE: ah_status = 0x1000;

/// The name of a status, or its number.
pub(crate) fn name(status: ah_status) -> String {
    if status == abi::AH_OK {
        return "AH_OK".to_owned();
    }
    let known = NAMES.iter().find(|(number, _)| *number == status);
    known.map_or_else(
        || format!("the status {status}"),
        |(_, name)| (*name).to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_called_as_in_the_header() {
        assert_eq!(name(abi::AH_LOCKED), "AH_LOCKED");
        assert_eq!(name(0), "AH_OK");
        assert_eq!(name(4711), "the status 4711");
        assert_eq!(number(Status::Conflict), abi::AH_CONFLICT);
        assert_eq!(number(Status::Crashed), HOST_MADE);
    }
}
