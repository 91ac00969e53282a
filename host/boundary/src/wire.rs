//! What host and runner say to each other: bytes, and no I/O.
//!
//! A frame is a header of twelve bytes and a payload of at most 1 MiB; a message is one frame, or
//! several that follow each other without anything in between. All numbers are little endian, all
//! fields stand in a fixed order, and nothing contains itself. Every length and every count is
//! checked against the bytes that are there before anything is made room for. A kind that is not
//! known ends the connection.
//!
//! The host takes what it reads for hostile; the runner takes the host for what it is.

mod field;
mod frame;
mod message;

#[cfg(test)]
mod tests;

use std::fmt;

pub(crate) use frame::{Decoder, HEADER};
pub(crate) use message::to_host::{self, Ready, ToHost};
pub(crate) use message::to_runner::{self, ToRunner};
pub(crate) use message::{Code, File, Handed, Hello, Limits};

/// The version of everything below.
pub(crate) const VERSION: u16 = 1;

/// The request of what belongs to no call.
pub(crate) const NO_REQUEST: u32 = 0;

/// The most items of a page, as the host asks for it.
pub(crate) const PAGE_ITEMS: u32 = 256;

/// The most calls that are open at a time in a runner whose plugin is thread safe, health apart.
/// Of any other plugin it is one.
pub(crate) const CALLS_AT_ONCE: usize = 4;

/// The most descriptors that come with a hello.
pub(crate) const DESCRIPTORS_MAX: usize = 64;

/// The most lines of the log that a runner sends in a second; what is more it counts.
pub(crate) const LINES_PER_SECOND: u32 = 1000;

/// Why bytes are not what they should be. The connection ends with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WireError {
    /// A frame announces more than any may have.
    FrameTooLong {
        /// How much.
        length: u32,
    },
    /// A frame of another message stands between the parts of one.
    Interrupted,
    /// No message is of this kind.
    KindUnknown {
        /// The kind.
        kind: u16,
    },
    /// A field of a message is not what it may be.
    Malformed {
        /// Which.
        what: &'static str,
    },
    /// A message has more bytes than its kind may have.
    MessageTooLong {
        /// The kind.
        kind: u16,
    },
    /// Bytes follow the last field of a message.
    Trailing,
    /// A message ends before its last field does.
    Truncated,
    /// The other end speaks other versions.
    VersionUnknown {
        /// From.
        least: u16,
        /// To.
        most: u16,
    },
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FrameTooLong { length } => write!(f, "a frame of {length} bytes"),
            Self::Interrupted => f.write_str("a frame between the parts of a message"),
            Self::KindUnknown { kind } => write!(f, "a message of the unknown kind {kind:#x}"),
            Self::Malformed { what } => write!(f, "a message whose {what} cannot be"),
            Self::MessageTooLong { kind } => {
                write!(f, "a message of the kind {kind:#x} that is too long")
            }
            Self::Trailing => f.write_str("a message with bytes behind its last field"),
            Self::Truncated => f.write_str("a message that ends too early"),
            Self::VersionUnknown { least, most } => write!(
                f,
                "a wire of version {least} to {most}, and this program speaks version {VERSION}"
            ),
        }
    }
}

impl std::error::Error for WireError {}
