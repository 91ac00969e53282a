//! Fingerprints as people type them: cut short, with colons, in any case.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use anchorhold_kernel::Fingerprint;

/// The beginning of a fingerprint, at least eight hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prefix {
    digits: String,
}

impl Prefix {
    /// The fingerprint, where all of its digits were given.
    pub(crate) fn whole(&self) -> Option<Fingerprint> {
        let mut bytes = [0; WHOLE / 2];
        for (index, byte) in bytes.iter_mut().enumerate() {
            let digits = self.digits.get(2 * index..2 * index + 2)?;
            *byte = u8::from_str_radix(digits, 16).ok()?;
        }
        Some(Fingerprint(bytes))
    }

    /// The one fingerprint among these that begins so.
    pub(crate) fn find<'a>(
        &self,
        among: impl IntoIterator<Item = &'a Fingerprint>,
    ) -> Result<Fingerprint, NotOne> {
        let begins = |one: &&Fingerprint| one.to_string().starts_with(&self.digits);
        let found: BTreeSet<Fingerprint> = among.into_iter().filter(begins).copied().collect();
        match (found.first(), found.len()) {
            (Some(only), 1) => Ok(*only),
            (None, _) => Err(NotOne::Unknown),
            _ => Err(NotOne::Several(found.into_iter().collect())),
        }
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.digits)
    }
}

impl FromStr for Prefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bare = text
            .get(..PREFIX.len())
            .filter(|start| start.eq_ignore_ascii_case(PREFIX));
        let bare = bare.map_or(text, |start| &text[start.len()..]);
        let digits: String = bare.chars().filter(|character| *character != ':').collect();
        let digits = digits.to_ascii_lowercase();
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err("a fingerprint is hexadecimal digits, with or without colons".to_owned());
        }
        if !(SHORTEST..=WHOLE).contains(&digits.len()) {
            let count = digits.len();
            return Err(format!(
                "a fingerprint has {WHOLE} hexadecimal digits, of which at least the first \
                 {SHORTEST} are given; these are {count}"
            ));
        }
        Ok(Self { digits })
    }
}

/// Why the beginning of a fingerprint names no certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotOne {
    /// More than one begins so.
    Several(Vec<Fingerprint>),
    /// None begins so.
    Unknown,
}

const PREFIX: &str = "sha256:";
const SHORTEST: usize = 8;
const WHOLE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(first: u8, last: u8) -> Fingerprint {
        let mut bytes = [first; 32];
        bytes[31] = last;
        Fingerprint(bytes)
    }

    #[test]
    fn colons_and_case_do_not_matter() {
        let held = [fingerprint(0xAB, 1), fingerprint(0xCD, 2)];
        for text in [
            "abababab",
            "ABABABAB",
            "AB:ab:AB:ab",
            "sha256:abababab",
            "SHA256:AB:AB:AB:AB",
        ] {
            let prefix: Prefix = text.parse().expect(text);
            assert_eq!(prefix.find(&held), Ok(held[0]), "{text}");
        }
        let whole: Prefix = held[1].to_string().parse().expect("whole");
        assert_eq!(whole.find(&held), Ok(held[1]));
        assert_eq!(whole.whole(), Some(held[1]));
        let cut = held[1].to_string()[..63].to_owned();
        let cut: Prefix = cut.parse().expect("long enough");
        assert_eq!(cut.whole(), None);
    }

    #[test]
    fn what_is_no_fingerprint_is_refused() {
        let long = "a".repeat(65);
        for text in [
            "",
            "abababa",
            "ab:ab:ab",
            "xyxyxyxy",
            "sha256:",
            "sha1:abababab",
            "é",
            &long,
        ] {
            assert!(text.parse::<Prefix>().is_err(), "{text}");
        }
    }

    #[test]
    fn only_a_unique_beginning_names_a_certificate() {
        let held = [fingerprint(0xAB, 1), fingerprint(0xAB, 2)];
        let prefix: Prefix = "abababab".parse().expect("well formed");
        assert_eq!(prefix.find(&held), Err(NotOne::Several(held.to_vec())));
        // The same certificate in two stores is one certificate.
        assert_eq!(prefix.find(&[held[0], held[0]]), Ok(held[0]));
        let other: Prefix = "01234567".parse().expect("well formed");
        assert_eq!(other.find(&held), Err(NotOne::Unknown));
    }
}
