//! What the tests share: a home for the program, other programs, and a watchdog over all of them.

mod answer;
mod authority;
#[path = "../host/api/tests/schema/check.rs"]
mod check;
mod corp;
mod desk;
mod foreign;
mod home;
mod judge;
mod layout;
mod log;
mod module;
mod openssl;
mod outcome;
mod peer;
mod program;
mod scripted;
mod served;
mod skip;
mod tree;
mod vendor;
mod watched;

pub(crate) use answer::Answer;
pub(crate) use authority::{Authority, Leaf};
pub(crate) use check::mismatches;
pub(crate) use corp::{Corp, SSL};
pub(crate) use desk::Desk;
pub(crate) use foreign::{Foreign, MINIMAL};
pub(crate) use home::{Home, stanza};
pub(crate) use judge::{Judge, Ruling};
pub(crate) use layout::Layout;
pub(crate) use log::Log;
pub(crate) use module::{SOFTHSM, find_module, make_token, module, shim};
pub(crate) use openssl::{Identity, Openssl};
pub(crate) use outcome::Outcome;
pub(crate) use peer::Peer;
pub(crate) use program::Program;
pub(crate) use scripted::{Script, Scripted};
pub(crate) use served::Served;
pub(crate) use skip::{confines, here, skip};
pub(crate) use tree::{Snapshot, repository, sha256};
pub(crate) use vendor::{TRUSTED, UNKNOWN, Vendor};
pub(crate) use watched::Watched;
