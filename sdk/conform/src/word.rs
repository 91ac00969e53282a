//! The words in which faults are named: the calls of the contract, and what is lent to them.

use std::fmt;

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum $name {
            $(#[doc = $text] $variant),+
        }

        impl $name {
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word.
            pub(crate) const fn text(self) -> &'static str {
                match self {
                    $(Self::$variant => $text),+
                }
            }

            /// Its place among all of them.
            pub(crate) fn index(self) -> u8 {
                let place = Self::ALL.iter().position(|one| *one == self);
                place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX)
            }

            /// The one at a place.
            pub(crate) fn at(index: u8) -> Option<Self> {
                Self::ALL.get(usize::from(index)).copied()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.text())
            }
        }
    };
}

words! {
    /// What is called.
    Call {
        Load = "the loading of the library",
        Entry = "anchorhold_plugin_v1",
        Extension = "extension",
        Open = "open",
        Close = "close",
        Health = "health",
        List = "list",
        Find = "find",
        Apply = "apply",
        Unlock = "unlock",
        Lock = "lock",
        Schemes = "schemes",
        Sign = "sign",
    }
}

words! {
    /// What is lent.
    Thing {
        Answer = "an answer of a person",
        Batch = "ah_batch",
        Bytes = "ah_bytes",
        ByteSink = "ah_byte_sink",
        Call = "ah_call",
        Change = "ah_change",
        Config = "ah_config",
        Count = "the count",
        Error = "ah_error",
        Health = "ah_health",
        Host = "ah_host",
        HostTable = "a table of the host",
        Item = "ah_item",
        ItemSink = "ah_item_sink",
        OutcomeSink = "ah_outcome_sink",
        Page = "ah_page",
        Query = "ah_query",
        Rule = "ah_rule",
        SchemeArray = "the array of schemes",
        SecretMemory = "secret memory",
        Setting = "ah_setting",
        Store = "the pointer to the store",
        Text = "ah_str",
    }
}

impl Call {
    /// The one with a text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.text() == text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_found_by_its_place_and_its_text() {
        for call in Call::ALL {
            assert_eq!(Call::at(call.index()), Some(*call));
            assert_eq!(Call::parse(call.text()), Some(*call));
        }
        for thing in Thing::ALL {
            assert_eq!(Thing::at(thing.index()), Some(*thing));
        }
        assert_eq!(Call::at(u8::MAX), None);
    }
}
