//! What a person reads about a wrong line: what is wrong, and what to write instead.

use std::fmt;

use super::Mistake;

impl Mistake {
    /// Whether the vendor's client answers this with its "invalid option or value".
    pub(super) fn is_ans1036s(&self) -> bool {
        matches!(
            self,
            Self::UnknownOption { .. }
                | Self::TooShort { .. }
                | Self::Ambiguous { .. }
                | Self::MissingValue { .. }
                | Self::BadValue { .. }
                | Self::Quoted { .. }
                | Self::Equals { .. }
        )
    }

    pub(super) fn tell(&self, word: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownOption { .. } | Self::TooShort { .. } | Self::Ambiguous { .. } => {
                self.tell_name(word, f)
            }
            Self::MissingValue { .. }
            | Self::BadValue { .. }
            | Self::Quoted { .. }
            | Self::Equals { .. } => self.tell_syntax(word, f),
            Self::Contradiction { .. }
            | Self::UnknownStanza { .. }
            | Self::ThirdServer
            | Self::NeedsV6 => self.tell_value(word, f),
            Self::SecondStanza { .. }
            | Self::SecondDefault { .. }
            | Self::OutsideStanza { .. }
            | Self::InsideStanza { .. }
            | Self::ReplicationStanza { .. }
            | Self::NoReplicationStanza { .. }
            | Self::UserFile { .. } => self.tell_place(word, f),
            Self::CarriageReturn
            | Self::LineTooLong { .. }
            | Self::FileTooLong { .. }
            | Self::Utf16
            | Self::TooMany => self.tell_text(f),
        }
    }

    fn tell_name(&self, word: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{word}\" is no option of the client")?;
        match self {
            Self::UnknownOption {
                closest: Some(name),
            } => write!(f, "; closest: {name}"),
            Self::TooShort { option, shortest } if option == shortest => {
                write!(f, "; {option} cannot be abbreviated")
            }
            Self::TooShort { option, shortest } => {
                write!(f, "; the shortest form of {option} is {shortest}")
            }
            Self::Ambiguous { options } => write!(f, "; it begins {}", options.join(", ")),
            _ => Ok(()),
        }
    }

    fn tell_syntax(&self, word: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingValue { option, allowed } => {
                write!(f, "{option} has no value; allowed: {allowed}")
            }
            Self::BadValue { option, allowed } => {
                write!(f, "\"{word}\" is no value of {option}; allowed: {allowed}")
            }
            Self::Quoted { option } => write!(
                f,
                "the value of {option} is {word}; only a file specification may be quoted, and \
                 then at both ends"
            ),
            Self::Equals { option } => {
                write!(
                    f,
                    "an equals sign follows {option}; put a blank between option and value"
                )
            }
            _ => Ok(()),
        }
    }

    fn tell_value(&self, word: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contradiction {
                option,
                said,
                first,
            } => write!(
                f,
                "{option} \"{word}\" contradicts \"{said}\" in {first}; keep one of the two"
            ),
            Self::UnknownStanza { option, known } if known.is_empty() => {
                write!(
                    f,
                    "{option} \"{word}\" names no stanza; the files read have none to name"
                )
            }
            Self::UnknownStanza { option, known } => {
                write!(
                    f,
                    "{option} \"{word}\" names no stanza; known: {}",
                    known.join(", ")
                )
            }
            Self::ThirdServer => write!(
                f,
                "MYREPLICATIONServer \"{word}\" names a third server; two are allowed"
            ),
            _ => write!(
                f,
                "\"{word}\" is an IPv6 address, which needs COMMMethod V6Tcpip in the same stanza"
            ),
        }
    }

    fn tell_place(&self, word: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SecondStanza { option, first } => write!(
                f,
                "{option} \"{word}\" opens a second stanza of that name; the first is in {first}"
            ),
            Self::SecondDefault { first } => write!(
                f,
                "the server of a file without SErvername is named \"default\", which is taken in \
                 {first}; name it with an SErvername line"
            ),
            Self::OutsideStanza { option } => write!(
                f,
                "{option} stands outside a stanza, where it does not count; move it below an \
                 SErvername line"
            ),
            Self::InsideStanza { option } => write!(
                f,
                "{option} stands in a server's stanza, where it does not count; move it above the \
                 first SErvername line"
            ),
            Self::ReplicationStanza { option } => write!(
                f,
                "{option} stands in a REPLSERVERName stanza, where it does not count; move it \
                 below an SErvername line"
            ),
            Self::NoReplicationStanza { option } => write!(
                f,
                "{option} does not count here; move it below the REPLSERVERName line that it \
                 belongs to"
            ),
            Self::UserFile { option } => write!(
                f,
                "{option} counts only in dsm.sys; move it there, or give this file as the system \
                 file if it is the only one"
            ),
            _ => Ok(()),
        }
    }

    fn tell_text(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CarriageReturn => f.write_str(
                "a carriage return stands inside the line; save the file with LF or CRLF line ends",
            ),
            Self::LineTooLong { limit } => {
                write!(
                    f,
                    "the line is longer than {limit} bytes, which no option needs"
                )
            }
            Self::FileTooLong { limit } => {
                write!(
                    f,
                    "the file is longer than {limit} bytes, which no option file is"
                )
            }
            Self::Utf16 => f.write_str("the file is UTF-16; save it as UTF-8 or plain text"),
            _ => f.write_str("too many lines are wrong; the rest of the file was not looked at"),
        }
    }
}
