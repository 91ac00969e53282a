//! Answers for people, one file a document.

mod change;
mod conformance;
mod connect;
mod copy;
mod creation;
mod doctor;
mod explain;
mod export;
mod import;
mod journal;
mod list;
mod plugin;
mod rehearse;
mod server;
mod show;
mod store;
mod vendor;
mod verify;

use anchorhold_api::Servers;

pub(crate) use conformance::checked_case;
pub(crate) use rehearse::{missing_of, own};
pub(crate) use vendor::{Added, Deleted};

/// For whom something vouches, in a few words.
pub(crate) fn servers(servers: &Servers) -> String {
    match servers {
        Servers::Any => "any".to_owned(),
        Servers::Named(names) => names.join(", "),
        Servers::None => "none".to_owned(),
    }
}

/// The beginning of a fingerprint, long enough to be typed again.
pub(crate) fn short(sha256: &str) -> &str {
    sha256.get(..SHORT).unwrap_or(sha256)
}

/// The day of a moment in RFC 3339.
pub(crate) fn day(moment: &str) -> &str {
    moment.split('T').next().unwrap_or(moment)
}

const SHORT: usize = 16;
