//! What a module answered, as an error for people: what happened, and what to do next.

use anchorhold_sdk::{Error, ErrorKind};
use cryptoki::error::{Error as ModuleError, RvError};
use cryptoki_sys as ck;

/// An error of the module, in the middle of something.
pub(crate) fn failed(doing: &str, error: &ModuleError) -> Error {
    let (code, function) = match error {
        ModuleError::Pkcs11(code, function) => (code, function),
        ModuleError::InvalidValue => {
            return Error::internal(format!(
                "{doing}: the module answered what the standard does not allow"
            ));
        }
        error => return Error::internal(format!("{doing}: {error}")),
    };
    let (kind, advice) = meaning(*code);
    let mut message = format!("{doing}: {function:?} answered {code:?}");
    if !advice.is_empty() {
        message.push_str(": ");
        message.push_str(advice);
    }
    let error = Error::new(kind, message);
    match number(*code) {
        0 => error,
        number => error.native("pkcs11", number),
    }
}

/// What the module answered, where it did.
pub(crate) fn answer(error: &ModuleError) -> Option<RvError> {
    match error {
        ModuleError::Pkcs11(code, _) => Some(*code),
        _ => None,
    }
}

/// Whether an error came of a session that is of no use any more, while a new one may be.
pub(crate) fn is_lost(error: &Error) -> bool {
    const LOST: [ck::CK_RV; 5] = [
        ck::CKR_SESSION_HANDLE_INVALID,
        ck::CKR_SESSION_CLOSED,
        ck::CKR_DEVICE_REMOVED,
        ck::CKR_TOKEN_NOT_PRESENT,
        ck::CKR_DEVICE_ERROR,
    ];
    is_one_of(error, &LOST)
}

/// Whether an error came of a handle that stands for nothing any more, or of something that another
/// call left unfinished: the same, done anew in another session, may go well.
pub(crate) fn is_stale(error: &Error) -> bool {
    const STALE: [ck::CK_RV; 3] = [
        ck::CKR_OBJECT_HANDLE_INVALID,
        ck::CKR_KEY_HANDLE_INVALID,
        ck::CKR_OPERATION_ACTIVE,
    ];
    is_one_of(error, &STALE)
}

fn is_one_of(error: &Error, codes: &[ck::CK_RV]) -> bool {
    let code = error.native_code().map(|(_, code)| code);
    let code = code.and_then(|code| ck::CK_RV::try_from(code).ok());
    code.is_some_and(|code| codes.contains(&code))
}

fn meaning(code: RvError) -> (ErrorKind, &'static str) {
    match code {
        RvError::DeviceRemoved
        | RvError::TokenNotPresent
        | RvError::TokenNotRecognized
        | RvError::SlotIdInvalid => (
            ErrorKind::NotPresent,
            "put the token in, or switch it on, and try again",
        ),
        RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange => (
            ErrorKind::WrongSecret,
            "the PIN is not right; each wrong one brings the token nearer to locking itself",
        ),
        RvError::PinLocked => (
            ErrorKind::LockedOut,
            "the PIN is locked, and the token's administrator has to set a new one",
        ),
        RvError::PinExpired => (
            ErrorKind::Denied,
            "the PIN has expired: set a new one with the token's own program",
        ),
        RvError::UserPinNotInitialized => (
            ErrorKind::Denied,
            "the token has no PIN for its user yet: set one with the token's own program",
        ),
        RvError::UserNotLoggedIn => (ErrorKind::Locked, "unlock the store first"),
        RvError::DeviceMemory => (
            ErrorKind::Full,
            "the token is full: remove from it what nobody needs",
        ),
        RvError::HostMemory => (ErrorKind::NoMemory, ""),
        RvError::TokenWriteProtected | RvError::SessionReadOnly => {
            (ErrorKind::ReadOnly, "the token is write protected")
        }
        RvError::AttributeReadOnly | RvError::ActionProhibited => (
            ErrorKind::ReadOnly,
            "the token does not let this be changed",
        ),
        RvError::SessionCount => (
            ErrorKind::Busy,
            "the token has no session left: end another program that uses it",
        ),
        RvError::SessionReadOnlyExists => (
            ErrorKind::Busy,
            "another store in this process uses the token, which its security officer needs alone: \
             let each store run in a process of its own, with isolation = \"runner\"",
        ),
        RvError::OperationActive | RvError::UserAnotherAlreadyLoggedIn => (ErrorKind::Busy, ""),
        RvError::Cancel | RvError::FunctionCanceled => (ErrorKind::Cancelled, ""),
        RvError::SessionHandleInvalid | RvError::SessionClosed => (
            ErrorKind::Unavailable,
            "the session was lost, and the next call opens another",
        ),
        RvError::DeviceError | RvError::GeneralError | RvError::FunctionFailed => (
            ErrorKind::Unavailable,
            "the token or its module has trouble",
        ),
        RvError::CryptokiAlreadyInitialized => (
            ErrorKind::InvalidState,
            "something else in this process has initialised the module in another way: let the \
             store run in a process of its own, with isolation = \"runner\"",
        ),
        RvError::CryptokiNotInitialized | RvError::NeedToCreateThreads | RvError::CantLock => (
            ErrorKind::Unavailable,
            "the module could not be initialised",
        ),
        RvError::ArgumentsBad => (
            ErrorKind::Internal,
            "a module that says so at its start wants the setting configdir or reserved",
        ),
        RvError::AttributeTypeInvalid
        | RvError::AttributeValueInvalid
        | RvError::TemplateIncomplete
        | RvError::TemplateInconsistent => (
            ErrorKind::Unsupported,
            "the token keeps no object like this",
        ),
        RvError::MechanismInvalid
        | RvError::MechanismParamInvalid
        | RvError::FunctionNotSupported
        | RvError::KeyFunctionNotPermitted => {
            (ErrorKind::Unsupported, "the token cannot do this with it")
        }
        _ => (ErrorKind::Internal, ""),
    }
}

/// The code as the standard numbers it; 0 for those that say nothing in particular.
fn number(code: RvError) -> i32 {
    let raw = match code {
        RvError::DeviceRemoved => ck::CKR_DEVICE_REMOVED,
        RvError::TokenNotPresent => ck::CKR_TOKEN_NOT_PRESENT,
        RvError::TokenNotRecognized => ck::CKR_TOKEN_NOT_RECOGNIZED,
        RvError::SlotIdInvalid => ck::CKR_SLOT_ID_INVALID,
        RvError::PinIncorrect => ck::CKR_PIN_INCORRECT,
        RvError::PinInvalid => ck::CKR_PIN_INVALID,
        RvError::PinLenRange => ck::CKR_PIN_LEN_RANGE,
        RvError::PinLocked => ck::CKR_PIN_LOCKED,
        RvError::PinExpired => ck::CKR_PIN_EXPIRED,
        RvError::UserPinNotInitialized => ck::CKR_USER_PIN_NOT_INITIALIZED,
        RvError::UserNotLoggedIn => ck::CKR_USER_NOT_LOGGED_IN,
        RvError::UserAnotherAlreadyLoggedIn => ck::CKR_USER_ANOTHER_ALREADY_LOGGED_IN,
        RvError::DeviceMemory => ck::CKR_DEVICE_MEMORY,
        RvError::HostMemory => ck::CKR_HOST_MEMORY,
        RvError::TokenWriteProtected => ck::CKR_TOKEN_WRITE_PROTECTED,
        RvError::SessionReadOnly => ck::CKR_SESSION_READ_ONLY,
        RvError::AttributeReadOnly => ck::CKR_ATTRIBUTE_READ_ONLY,
        RvError::ActionProhibited => ck::CKR_ACTION_PROHIBITED,
        RvError::SessionCount => ck::CKR_SESSION_COUNT,
        RvError::ObjectHandleInvalid => ck::CKR_OBJECT_HANDLE_INVALID,
        RvError::KeyHandleInvalid => ck::CKR_KEY_HANDLE_INVALID,
        RvError::OperationActive => ck::CKR_OPERATION_ACTIVE,
        RvError::SessionHandleInvalid => ck::CKR_SESSION_HANDLE_INVALID,
        RvError::SessionClosed => ck::CKR_SESSION_CLOSED,
        RvError::DeviceError => ck::CKR_DEVICE_ERROR,
        RvError::GeneralError => ck::CKR_GENERAL_ERROR,
        RvError::FunctionFailed => ck::CKR_FUNCTION_FAILED,
        RvError::CryptokiNotInitialized => ck::CKR_CRYPTOKI_NOT_INITIALIZED,
        RvError::ArgumentsBad => ck::CKR_ARGUMENTS_BAD,
        RvError::MechanismInvalid => ck::CKR_MECHANISM_INVALID,
        RvError::FunctionNotSupported => ck::CKR_FUNCTION_NOT_SUPPORTED,
        _ => 0,
    };
    i32::try_from(raw).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use cryptoki::context::Function;

    #[test]
    fn what_the_module_says_is_named_by_what_to_do_next() {
        for (code, kind, number) in [
            (RvError::PinIncorrect, ErrorKind::WrongSecret, 0xa0),
            (RvError::PinLocked, ErrorKind::LockedOut, 0xa4),
            (RvError::DeviceRemoved, ErrorKind::NotPresent, 0x32),
            (RvError::DeviceMemory, ErrorKind::Full, 0x31),
            (RvError::UserNotLoggedIn, ErrorKind::Locked, 0x101),
            (RvError::TokenWriteProtected, ErrorKind::ReadOnly, 0xe2),
        ] {
            let error = failed(
                "the token corp",
                &ModuleError::Pkcs11(code, Function::Login),
            );
            assert_eq!(error.kind(), kind, "{code:?}");
            assert_eq!(error.native_code(), Some(("pkcs11", number)), "{code:?}");
            assert!(
                error
                    .message()
                    .starts_with("the token corp: Login answered")
            );
        }
        let odd = ModuleError::Pkcs11(RvError::VendorDefined(0x8000_0001), Function::Sign);
        assert_eq!(failed("x", &odd).native_code(), None);
    }
}
