//! The words that options take as values.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::known::abbreviates;
use super::stanza::CommMethod;
use crate::decision::SslRequired;

/// One kind of value: how it is read, and what a message says that it may be.
pub(super) struct Kind<T> {
    pub(super) allowed: &'static str,
    pub(super) read: fn(&str) -> Option<T>,
}

pub(super) const SWITCH: Kind<bool> = Kind {
    allowed: "No, Yes",
    read: |text| chosen(text, &[("No", false), ("Yes", true)]),
};

pub(super) const SSL_REQUIRED: Kind<SslRequired> = Kind {
    allowed: "Default, Yes, No, SERVERonly",
    read: |text| {
        let values = [
            ("Default", SslRequired::Default),
            ("Yes", SslRequired::Yes),
            ("No", SslRequired::No),
            ("SERVERonly", SslRequired::ServerOnly),
        ];
        chosen(text, &values)
    },
};

pub(super) const COMM_METHOD: Kind<CommMethod> = Kind {
    allowed: "TCPip, V6Tcpip, SHAREdmem, NAMEdpipes",
    read: |text| {
        let values = [
            ("TCPip", CommMethod::TcpIp),
            ("V6Tcpip", CommMethod::V6TcpIp),
            ("SHAREdmem", CommMethod::SharedMem),
            ("NAMEdpipes", CommMethod::NamedPipes),
        ];
        chosen(text, &values)
    },
};

pub(super) const PORT: Kind<u16> = Kind {
    allowed: "a port number from 1 to 65535",
    read: port,
};

pub(super) const ADDRESS: Kind<String> = Kind {
    allowed: "a host name or an IP address of 1 to 64 characters",
    read: |text| is_address(text).then(|| text.to_owned()),
};

pub(super) const NAME: Kind<String> = Kind {
    allowed: "one name of 1 to 64 characters, without quotes, commas and blanks, that does not end \
              in @repl",
    read: |text| is_name(text).then(|| text.to_owned()),
};

pub(super) const NAMES: Kind<Vec<String>> = Kind {
    allowed: "names of REPLSERVERName stanzas, with commas between them",
    read: |text| {
        let mut names = Vec::new();
        for part in text.split(',') {
            let mut words = part.split_ascii_whitespace().peekable();
            words.peek()?;
            for word in words {
                names.push(is_name(word).then(|| word.to_owned())?);
            }
        }
        Some(names)
    },
};

pub(super) const GUID: Kind<String> = Kind {
    allowed: "16 bytes of two hexadecimal digits each, with dots between them",
    read: |text| is_guid(text).then(|| text.to_ascii_lowercase()),
};

pub(super) const DIRECTORY: Kind<String> = Kind {
    allowed: "a directory, with quotes at both ends or at neither",
    read: directory,
};

/// Finds the value that a word names in full or by an accepted abbreviation.
fn chosen<T: Copy>(text: &str, values: &[(&'static str, T)]) -> Option<T> {
    let (_, value) = values
        .iter()
        .find(|(printed, _)| abbreviates(text, printed))?;
    Some(*value)
}

/// The vendor's client stops at 32767; servers do listen above it, and no decision rests on it.
fn port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port > 0)
}

fn is_address(text: &str) -> bool {
    let size = (1..=64).contains(&text.len());
    size && (text.parse::<Ipv6Addr>().is_ok() || is_host(text))
}

/// A dotted address or a host name. A name whose last label is a number would be taken for an
/// address by some resolvers and not by others.
fn is_host(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let last = name.rsplit('.').next().unwrap_or(name);
    if last.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse::<Ipv4Addr>().is_ok();
    }
    let hexadecimal = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    if hexadecimal.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        return false;
    }
    name.split('.').all(|label| {
        !label.is_empty()
            && label.len() < 64
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    })
}

/// A name of a stanza or node. The ending of replication servers is kept free for them.
fn is_name(text: &str) -> bool {
    let ending = text.to_lowercase().ends_with(REPLICATION);
    (1..=64).contains(&text.chars().count())
        && !ending
        && text.chars().all(|letter| {
            letter.is_alphanumeric()
                || (letter.is_ascii_graphic() && !matches!(letter, '"' | '\'' | ','))
        })
}

fn is_guid(text: &str) -> bool {
    let mut bytes = 0;
    let hexadecimal = text.split('.').all(|byte| {
        bytes += 1;
        byte.len() == 2 && byte.bytes().all(|digit| digit.is_ascii_hexdigit())
    });
    hexadecimal && bytes == 16
}

fn directory(text: &str) -> Option<String> {
    let quote = text.chars().next().filter(|first| is_quote(*first));
    let bare = match quote {
        Some(quote) => text.strip_prefix(quote)?.strip_suffix(quote)?,
        None => text,
    };
    let clean = !bare.is_empty() && !bare.contains(is_quote);
    clean.then(|| bare.to_owned())
}

pub(super) fn is_quote(letter: char) -> bool {
    matches!(letter, '"' | '\'')
}

/// What follows the name of a `REPLSERVERName` stanza in the name of its server.
pub(super) const REPLICATION: &str = "@repl";
