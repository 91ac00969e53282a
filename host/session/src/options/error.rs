//! What can be wrong with option files, all of it at once and each with its line.

mod message;

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

use super::place::{Place, shown_path};

/// Everything that is wrong with a set of option files.
#[derive(Debug)]
#[non_exhaustive]
pub struct OptionsError {
    /// Files that could not be read.
    pub unreadable: Vec<(PathBuf, io::Error)>,
    /// Wrong lines, in the order of the files and their lines.
    pub mistakes: Vec<OptionError>,
}

impl fmt::Display for OptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (path, error) in &self.unreadable {
            write!(
                f,
                "{separator}{}: cannot be read: {error}",
                shown_path(path)
            )?;
            separator = "\n";
        }
        for mistake in &self.mistakes {
            write!(f, "{separator}{mistake}")?;
            separator = "\n";
        }
        Ok(())
    }
}

// No source: the message tells every cause already.
impl Error for OptionsError {}

/// One wrong line; shown on one line, fit for a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionError {
    /// Where it stands.
    pub place: Place,
    /// The offending word, escaped and cut to a sensible length.
    pub word: String,
    /// What is wrong with it.
    pub what: Mistake,
}

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        self.what.tell(&self.word, f)?;
        if self.what.is_ans1036s() {
            f.write_str(" (ANS1036S)")?;
        }
        Ok(())
    }
}

impl Error for OptionError {}

/// What is wrong with a line.
///
/// Options are named as the vendor prints them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mistake {
    /// The word is neither an option of the vendor's client nor an abbreviation of one.
    UnknownOption {
        /// The option whose name is nearest, where one is near at all.
        closest: Option<&'static str>,
    },
    /// The word begins an option's name, but is no accepted abbreviation of it.
    TooShort {
        /// The option.
        option: &'static str,
        /// Its shortest form; the whole name where it has no abbreviation.
        shortest: &'static str,
    },
    /// The word begins the names of several options.
    Ambiguous {
        /// Some of them.
        options: Vec<&'static str>,
    },
    /// The option stands without a value.
    MissingValue {
        /// The option.
        option: &'static str,
        /// What it takes.
        allowed: &'static str,
    },
    /// The word is no value of the option.
    BadValue {
        /// The option.
        option: &'static str,
        /// What it takes.
        allowed: &'static str,
    },
    /// The value is quoted, which only file specifications may be, or a quote is missing.
    Quoted {
        /// The option.
        option: &'static str,
    },
    /// An equals sign stands between option and value.
    Equals {
        /// The option.
        option: &'static str,
    },
    /// The stanza says something else further up.
    Contradiction {
        /// The option.
        option: &'static str,
        /// What it says there.
        said: String,
        /// Where.
        first: Place,
    },
    /// There is a stanza of that name already.
    SecondStanza {
        /// The option that opens it.
        option: &'static str,
        /// Where the other one begins.
        first: Place,
    },
    /// The file has no stanza, and the name that its server therefore gets is taken.
    SecondDefault {
        /// Where.
        first: Place,
    },
    /// The option stands outside a stanza, where it does not count.
    OutsideStanza {
        /// The option.
        option: &'static str,
    },
    /// The option stands in a server's stanza, where it does not count.
    InsideStanza {
        /// The option.
        option: &'static str,
    },
    /// The option stands in a `REPLSERVERName` stanza, where it does not count.
    ReplicationStanza {
        /// The option.
        option: &'static str,
    },
    /// The option counts only in a `REPLSERVERName` stanza, and stands elsewhere.
    NoReplicationStanza {
        /// The option.
        option: &'static str,
    },
    /// The option counts only in the system file, and stands in the user file.
    UserFile {
        /// The option.
        option: &'static str,
    },
    /// The word names no stanza of the files read.
    UnknownStanza {
        /// The option.
        option: &'static str,
        /// The stanzas that it could name.
        known: Vec<String>,
    },
    /// MYREPLICATIONServer names a third server.
    ThirdServer,
    /// An IPv6 address where the communication method is not `V6Tcpip`.
    NeedsV6,
    /// A carriage return in the middle of the line: readers disagree about where the line ends.
    CarriageReturn,
    /// The line is longer than any sensible one.
    LineTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// The file is longer than any sensible one.
    FileTooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// The file is UTF-16.
    Utf16,
    /// So many lines are wrong that the rest of the file was not looked at.
    TooMany,
}
