//! What a runner gives up besides: capabilities, privileges to come, and resources.

use std::io;

use rustix::process::{DumpableBehavior, Resource, Rlimit};
use rustix::thread::{CapabilitySet, CapabilitySets};

/// The most descriptors.
const FILES: u64 = 256;
/// The most bytes of data, where nothing else is said. It bounds data and not the address space,
/// of which some runtimes reserve much and use little.
const DATA: u64 = 1 << 30;

/// Bounds what the process uses.
pub(super) fn bound(memory: u64) -> Result<(), String> {
    let data = if memory == 0 { DATA } else { memory };
    for (name, resource, most) in [
        ("core", Resource::Core, 0),
        ("files", Resource::Nofile, FILES),
        ("data", Resource::Data, data),
    ] {
        // What is bounded lower already stays so.
        let before = rustix::process::getrlimit(resource);
        let most = before.maximum.map_or(most, |before| before.min(most));
        let limit = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        rustix::process::setrlimit(resource, limit)
            .map_err(|why| format!("the limit of {name} could not be set: {why}"))?;
        if rustix::process::getrlimit(resource) != limit {
            return Err(format!("the limit of {name} did not stay"));
        }
    }
    Ok(())
}

/// Where the machine runs out of memory, this process ends before any other: what is shared, or lies
/// in a file in memory, is bounded by nothing else.
pub(super) fn give_way() {
    // A machine that does not let it chooses as it likes.
    let _chosen = std::fs::write("/proc/self/oom_score_adj", "1000");
}

/// Nothing that is started from here on gains a privilege by it.
pub(super) fn no_new_privileges() -> Result<(), String> {
    rustix::thread::set_no_new_privs(true).map_err(|why| why.to_string())?;
    match rustix::thread::no_new_privs() {
        Ok(true) => Ok(()),
        _ => Err("the bar against new privileges did not stay".to_owned()),
    }
}

/// No other process of this user looks into this one.
pub(super) fn close_to_others() -> Result<(), String> {
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|why| why.to_string())
}

/// Gives every capability up, so that root is a user like any other.
pub(super) fn drop_capabilities() -> Result<(), String> {
    let failed = |why: rustix::io::Errno| format!("capabilities could not be given up: {why}");
    // Without this capability there is nothing in any set that could come back.
    if holds(CapabilitySet::SETPCAP).map_err(failed)? {
        for number in 0..u64::BITS {
            let one = CapabilitySet::from_bits_retain(1 << number);
            if rustix::thread::capability_is_in_bounding_set(one).is_ok_and(|there| there) {
                rustix::thread::remove_capability_from_bounding_set(one).map_err(failed)?;
            }
        }
    }
    // A kernel without ambient capabilities has none to clear.
    let _none = rustix::thread::clear_ambient_capability_set();
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    rustix::thread::set_capabilities(None, none).map_err(failed)?;
    if rustix::thread::capabilities(None).map_err(failed)? != none {
        return Err("capabilities did not stay away".to_owned());
    }
    Ok(())
}

/// Whether this thread has a capability now.
pub(super) fn holds(capability: CapabilitySet) -> rustix::io::Result<bool> {
    Ok(rustix::thread::capabilities(None)?
        .effective
        .contains(capability))
}

/// Closes every descriptor but the first three.
pub(crate) fn close_others() -> io::Result<()> {
    const FIRST: libc::c_uint = 3;
    // SAFETY: it is called first thing, while nothing owns a descriptor of that number.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, FIRST, libc::c_uint::MAX, 0) };
    if closed == 0 {
        return Ok(());
    }
    let most = rustix::process::getrlimit(Resource::Nofile).current;
    let most = most.and_then(|most| i32::try_from(most).ok());
    for descriptor in 3..most.unwrap_or(1 << 16).min(1 << 20) {
        // SAFETY: as above; that there is none of that number is no matter.
        unsafe { libc::close(descriptor) };
    }
    Ok(())
}
