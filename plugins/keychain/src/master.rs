//! The one entry of a store that everything hangs on: the key of its file, and which state of the
//! file counts.

use std::fmt;

use data_encoding::HEXLOWER;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::contents::Tag;

/// The entry, as it stands in the keychain.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Master {
    pub(crate) key: [u8; 32],
    /// The state of the file that counts; none where there was none yet.
    pub(crate) present: Option<Tag>,
    /// The state that is being written; once the file is in place, it counts.
    pub(crate) next: Option<Tag>,
}

impl Master {
    /// A new key, and no file yet.
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self {
            key,
            present: None,
            next: None,
        })
    }

    /// Whether a file of this tag is the one that counts.
    pub(crate) fn takes(&self, tag: &Tag) -> bool {
        self.present.as_ref() == Some(tag) || self.next.as_ref() == Some(tag)
    }

    /// Whether there need not be a file: none was ever finished.
    pub(crate) fn may_lack_file(&self) -> bool {
        self.present.is_none()
    }

    /// The entry as text, since some keychains hold nothing else.
    pub(crate) fn write(&self) -> Zeroizing<String> {
        let tag =
            |tag: &Option<Tag>| tag.map_or_else(|| "-".to_owned(), |tag| HEXLOWER.encode(&tag));
        let key = Zeroizing::new(HEXLOWER.encode(&self.key));
        Zeroizing::new(format!(
            "{WORD}:{}:{}:{}",
            *key,
            tag(&self.present),
            tag(&self.next)
        ))
    }

    /// Reads an entry; nothing that is not one is taken for it.
    pub(crate) fn read(secret: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(secret).ok()?;
        let mut parts = text.split(':');
        if parts.next()? != WORD {
            return None;
        }
        let key = digest(parts.next()?)?;
        let tag = |text: &str| match text {
            "-" => Some(None),
            text => digest(text).map(Some),
        };
        let (present, next) = (tag(parts.next()?)?, tag(parts.next()?)?);
        parts
            .next()
            .is_none()
            .then_some(Self { key, present, next })
    }
}

fn digest(text: &str) -> Option<[u8; 32]> {
    let bytes = Zeroizing::new(HEXLOWER.decode(text.as_bytes()).ok()?);
    bytes.as_slice().try_into().ok()
}

impl fmt::Debug for Master {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Master").finish_non_exhaustive()
    }
}

/// What the entry begins with: a name, and the version of its layout.
const WORD: &str = "anchorhold-1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_is_read_as_it_is_written() {
        for (present, next) in [
            (None, None),
            (Some([1; 32]), None),
            (Some([1; 32]), Some([2; 32])),
        ] {
            let master = Master {
                key: [9; 32],
                present,
                next,
            };
            let text = master.write();
            // The smallest entry that any keychain takes.
            assert!(text.len() < 2560 / 2);
            assert_eq!(Master::read(text.as_bytes()), Some(master));
        }
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        let text = Master::new().unwrap().write();
        for odd in [
            "",
            "anchorhold-2:00:-:-",
            &text[1..],
            &format!("{}:", *text),
            &text.replace(":-:-", ":-"),
            &text.replace(":-:-", ":x:-"),
        ] {
            assert!(Master::read(odd.as_bytes()).is_none(), "{odd}");
        }
        assert!(Master::read(b"\xff").is_none());
    }

    #[test]
    fn key_is_not_shown() {
        let master = Master::new().unwrap();
        assert_eq!(format!("{master:?}"), "Master { .. }");
    }
}
