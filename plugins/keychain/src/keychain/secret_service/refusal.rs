//! What the service's errors mean for whoever uses the store.

use anchorhold_sdk::{Error, ErrorKind};
use secret_service::Error as ServiceError;
use zbus::{DBusError, Error as BusError, fdo};

/// What an error of the service means; `is_late` where the connection was cut for its time.
pub(super) fn refusal(error: &ServiceError, is_late: bool) -> Error {
    let unlike = || Error::unavailable(format!("the keychain answered with an error: {error}"));
    match error {
        _ if is_late => Error::new(
            ErrorKind::TimedOut,
            "the keychain did not answer in time: it hangs, or waits for a person",
        ),
        ServiceError::Locked => locked(),
        ServiceError::Prompt => Error::new(
            ErrorKind::PromptRefused,
            "the keychain's own question was dismissed, or nobody could be asked",
        ),
        ServiceError::NoResult => gone(),
        ServiceError::PromptDisconnected => left(),
        ServiceError::Zbus(error) => of_bus(error).unwrap_or_else(unlike),
        ServiceError::ZbusFdo(error) => of_answer(error).unwrap_or_else(unlike),
        _ => unlike(),
    }
}

pub(super) fn locked() -> Error {
    Error::locked("the keychain's collection is locked")
}

fn of_bus(error: &BusError) -> Option<Error> {
    match error {
        BusError::MethodError(name, ..) => of_name(name.as_str()),
        BusError::FDO(error) => of_answer(error),
        BusError::InputOutput(_) => Some(left()),
        _ => None,
    }
}

fn of_answer(error: &fdo::Error) -> Option<Error> {
    match error {
        fdo::Error::ZBus(error) => of_bus(error),
        error => of_name(error.name().as_str()),
    }
}

fn of_name(name: &str) -> Option<Error> {
    if let Some(name) = name.strip_prefix("org.freedesktop.Secret.Error.") {
        return match name {
            "IsLocked" => Some(locked()),
            "NoSession" => Some(left()),
            "NoSuchObject" => Some(gone()),
            _ => None,
        };
    }
    let name = name.strip_prefix("org.freedesktop.DBus.Error.")?;
    match name {
        "ServiceUnknown" | "NameHasNoOwner" => Some(nobody()),
        name if name.starts_with("Spawn.") => Some(nobody()),
        "Disconnected" | "NoReply" => Some(left()),
        "UnknownObject" | "UnknownInterface" | "UnknownMethod" => Some(gone()),
        "AccessDenied" => Some(Error::denied(
            "the session's bus does not let this store speak with the keychain",
        )),
        _ => None,
    }
}

fn nobody() -> Error {
    Error::unavailable(
        "no keychain answers on the session's bus: a program that keeps one, such as \
         gnome-keyring-daemon, has to run in the session",
    )
}

fn left() -> Error {
    Error::unavailable("the keychain ended, or was started again, while it was asked; ask again")
}

fn gone() -> Error {
    Error::new(
        ErrorKind::NotPresent,
        "what was asked for is not in the keychain any more: another program removed it meanwhile",
    )
}
