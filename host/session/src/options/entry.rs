//! One option as a line writes it: recognised, its value not yet read.

use std::path::Path;
use std::sync::Arc;

use super::error::{Mistake, OptionError};
use super::known::{Known, Role, Used, recognise};
use super::line::{self, LONGEST_FILE, cut, is_utf16, lines, shown};
use super::place::{Place, Placed};
use super::stanza::OtherOption;
use super::value::{Kind, is_quote};

/// An option and its value, as they stand on a line.
pub(super) struct Entry<'a> {
    pub(super) known: Known,
    pub(super) place: Place,
    value: &'a [u8],
    equals: bool,
}

/// The options of a file, and the lines that are none.
pub(super) struct Entries<'a> {
    pub(super) entries: Vec<Entry<'a>>,
    pub(super) mistakes: Vec<OptionError>,
}

/// So many mistakes are told of one file.
pub(super) const MOST_MISTAKES: usize = 100;

/// Reads a file's lines, and recognises the option on each.
pub(super) fn entries<'a>(file: &Arc<Path>, bytes: &'a [u8]) -> Entries<'a> {
    let mut found = Entries {
        entries: Vec::new(),
        mistakes: Vec::new(),
    };
    let mut tell = |number: usize, word: &[u8], what| {
        found.mistakes.push(OptionError {
            place: place(file, number),
            word: shown(word),
            what,
        });
        found.mistakes.len() < MOST_MISTAKES
    };
    if let Some(what) = unfit(bytes) {
        tell(1, b"", what);
        return found;
    }
    for (number, line) in lines(bytes) {
        let (word, result) = match line {
            Ok(line) => entry(place(file, number), line),
            Err(what) => (&b""[..], Err(what)),
        };
        match result {
            Ok(entry) => found.entries.push(entry),
            Err(what) => {
                if !tell(number, word, what) {
                    tell(number, word, Mistake::TooMany);
                    break;
                }
            }
        }
    }
    found
}

fn unfit(bytes: &[u8]) -> Option<Mistake> {
    if is_utf16(bytes) {
        return Some(Mistake::Utf16);
    }
    let limit = LONGEST_FILE;
    (bytes.len() > limit).then_some(Mistake::FileTooLong { limit })
}

fn place(file: &Arc<Path>, line: usize) -> Place {
    Place {
        file: Arc::clone(file),
        line,
    }
}

/// Takes one line apart; the word is for the message if it is no option.
fn entry<'a>(place: Place, line: &'a [u8]) -> (&'a [u8], Result<Entry<'a>, Mistake>) {
    let (word, rest) = cut(line);
    let known = std::str::from_utf8(word)
        .map_err(|_| Mistake::UnknownOption { closest: None })
        .and_then(recognise);
    let entry = known.map(|known| {
        let bare = rest.strip_prefix(b"=").map(line::trim);
        Entry {
            known,
            place,
            value: bare.unwrap_or(rest),
            equals: bare.is_some(),
        }
    });
    (word, entry)
}

impl Entry<'_> {
    /// What the option is used for, where it is used.
    pub(super) fn used(&self) -> Option<Used> {
        match self.known.role {
            Role::Used(used) => Some(used),
            Role::Kept | Role::KeptWord | Role::Secret => None,
        }
    }

    /// Reads the value.
    pub(super) fn read<T>(&self, kind: &Kind<T>) -> Result<Placed<T>, OptionError> {
        let option = self.known.name;
        let allowed = kind.allowed;
        if self.equals && !self.takes_equals() {
            return Err(self.wrong(Mistake::Equals { option }));
        }
        if self.value.is_empty() {
            return Err(self.wrong(Mistake::MissingValue { option, allowed }));
        }
        if self.is_quoted() && self.used() != Some(Used::PasswordDir) {
            return Err(self.wrong(Mistake::Quoted { option }));
        }
        let text = std::str::from_utf8(self.value).ok().filter(|text| {
            !text
                .chars()
                .any(|letter| letter.is_control() && letter != '\t')
        });
        match text.and_then(|text| Some((text, (kind.read)(text)?))) {
            Some((text, value)) => Ok(Placed {
                value,
                written: text.to_owned(),
                place: self.place.clone(),
            }),
            None => Err(self.wrong(Mistake::BadValue { option, allowed })),
        }
    }

    /// Keeps an option that this host does not use.
    pub(super) fn keep(&self) -> Result<OtherOption, OptionError> {
        let option = self.known.name;
        if self.known.role == Role::KeptWord && self.is_quoted() {
            return Err(self.wrong(Mistake::Quoted { option }));
        }
        Ok(OtherOption {
            name: option,
            value: (self.known.role != Role::Secret).then(|| line::kept(self.value)),
            place: self.place.clone(),
        })
    }

    /// The option at fault, with the word of its value.
    pub(super) fn wrong(&self, what: Mistake) -> OptionError {
        OptionError {
            place: self.place.clone(),
            word: shown(self.value),
            what,
        }
    }

    /// The vendor's diagram of this one option prints an equals sign.
    fn takes_equals(&self) -> bool {
        self.used() == Some(Used::SslFipsMode)
    }

    fn is_quoted(&self) -> bool {
        self.value
            .first()
            .is_some_and(|first| is_quote(char::from(*first)))
    }
}
