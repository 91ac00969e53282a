//! The name of a new plugin, which becomes part of its id, its library and its sources.

use std::fmt;

/// A name that is fit for an id, a library, a crate and a file in C.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name(String);

/// Why a name is not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// It has other characters, or begins or ends with the wrong one.
    Characters,
    /// It is longer than [`LONGEST`].
    Long,
    /// It is the name of a crate that the plugin is built with.
    Taken,
}

impl Name {
    /// Takes a name that is fit.
    pub(crate) fn new(name: &str) -> Result<Self, Unfit> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !name.starts_with(|first: char| first.is_ascii_lowercase())
            || name.ends_with('-')
            || !name.bytes().all(allowed)
        {
            return Err(Unfit::Characters);
        }
        if name.len() > LONGEST {
            return Err(Unfit::Long);
        }
        if TAKEN.contains(&name) {
            return Err(Unfit::Taken);
        }
        Ok(Self(name.to_owned()))
    }

    /// As it was typed: `my-store`.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// As a word of a programming language: `my_store`.
    pub(crate) fn identifier(&self) -> String {
        self.0.replace('-', "_")
    }

    /// The id of the plugin, to begin with: `org.example.my-store`.
    pub(crate) fn id(&self) -> String {
        format!("org.example.{}", self.0)
    }

    /// The file of its library: `libmy_store.so`.
    pub(crate) fn library(&self) -> String {
        let (before, after) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
        format!("{before}{}{after}", self.identifier())
    }

    /// The file of its manifest: `org.example.my-store.plugin.toml`.
    pub(crate) fn manifest(&self) -> String {
        format!("{}.plugin.toml", self.id())
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Characters => f.write_str(
                "it must consist of small letters, digits and '-', begin with a letter and not end \
                 with '-'",
            ),
            Self::Long => write!(f, "it must have at most {LONGEST} letters"),
            Self::Taken => f.write_str("a crate that the plugin is built with has that name"),
        }
    }
}

/// The most letters of a name.
const LONGEST: usize = 64;

/// Names of crates that a plugin in Rust is built with.
const TAKEN: &[&str] = &[
    "alloc",
    "anchorhold-abi",
    "anchorhold-sdk",
    "core",
    "std",
    "test",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_is_fit_for_all_that_it_becomes_part_of() {
        let name = Name::new("my-store2").expect("fit");
        assert_eq!(name.identifier(), "my_store2");
        assert_eq!(name.id(), "org.example.my-store2");
        assert_eq!(name.manifest(), "org.example.my-store2.plugin.toml");
        assert!(name.library().contains("my_store2."));
    }

    #[test]
    fn what_is_no_identifier_is_refused() {
        for name in [
            "", "2nd", "-x", "x-", "My", "a_b", "a.b", "a b", "a/b", "é", "a\n", "..",
        ] {
            assert_eq!(Name::new(name), Err(Unfit::Characters), "{name:?}");
        }
        assert_eq!(Name::new(&"a".repeat(65)), Err(Unfit::Long));
        assert_eq!(Name::new("core"), Err(Unfit::Taken));
    }
}
