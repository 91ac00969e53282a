//! The faults of a store in memory, by the names that its setting `fault` has for them.

use crate::error::{Error, ErrorKind};
use crate::testing::contents::{Inside, Operation};

/// Switches the fault of this name on.
pub(super) fn switch_on(inside: &mut Inside, fault: &str) -> Result<(), Error> {
    let faults = &mut inside.faults;
    match fault.split_once('=') {
        None if fault == "finds-everything" => faults.finds_everything = true,
        None if fault == "flips-bits" => faults.flips_bits = true,
        None if fault == "forgets-writes" => faults.forgets_writes = true,
        None if fault == "frozen-generation" => faults.frozen_generation = true,
        None if fault == "read-only" => faults.read_only = true,
        None if fault == "signs-nonsense" => faults.signs_nonsense = true,
        Some(("apply", kind)) => faults.apply = Some((0, kind_named(kind)?)),
        Some(("find", kind)) => faults.find = Some(kind_named(kind)?),
        Some(("list", kind)) => faults.list = Some(kind_named(kind)?),
        Some(("locked", pin)) => inside.put_lock(pin.as_bytes()),
        Some(("open", kind)) => faults.open = Some(kind_named(kind)?),
        Some(("panic", call)) => faults.panic = Some(operation_named(call)?),
        Some(("sign", kind)) => faults.sign = Some(kind_named(kind)?),
        Some(("unlock", kind)) => faults.unlock = Some(kind_named(kind)?),
        _ => {
            return Err(Error::invalid_argument(format!(
                "fault {fault:?} is not known"
            )));
        }
    }
    Ok(())
}

fn kind_named(name: &str) -> Result<ErrorKind, Error> {
    Ok(match name {
        "busy" => ErrorKind::Busy,
        "conflict" => ErrorKind::Conflict,
        "denied" => ErrorKind::Denied,
        "full" => ErrorKind::Full,
        "internal" => ErrorKind::Internal,
        "locked" => ErrorKind::Locked,
        "locked-out" => ErrorKind::LockedOut,
        "malformed" => ErrorKind::Malformed,
        "not-present" => ErrorKind::NotPresent,
        "read-only" => ErrorKind::ReadOnly,
        "unavailable" => ErrorKind::Unavailable,
        "wrong-secret" => ErrorKind::WrongSecret,
        _ => {
            return Err(Error::invalid_argument(format!(
                "kind {name:?} is not known"
            )));
        }
    })
}

fn operation_named(name: &str) -> Result<Operation, Error> {
    Ok(match name {
        "apply" => Operation::Apply,
        "close" => Operation::Close,
        "find" => Operation::Find,
        "health" => Operation::Health,
        "list" => Operation::List,
        "lock" => Operation::Lock,
        "open" => Operation::Open,
        "schemes" => Operation::Schemes,
        "sign" => Operation::Sign,
        "unlock" => Operation::Unlock,
        _ => {
            return Err(Error::invalid_argument(format!(
                "call {name:?} is not known"
            )));
        }
    })
}
