//! A password, and the keys derived from it so far.

use core::fmt;

use zeroize::Zeroizing;

use super::hash::{Hash, MAX_KEY};

/// A password and the keys derived from it so far, so that each is derived once.
///
/// Deriving a key is made slow on purpose, and whoever keeps a file open reads it again after
/// each change. Everything is wiped when it is dropped, and nothing of it is ever shown.
pub struct Password {
    text: Zeroizing<String>,
    /// Whether an empty one is none at all, which PKCS#12 tells from one that only has its end.
    is_none: bool,
    derived: Vec<Derived>,
}

/// Everything that a derived key depends on, but the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Derivation {
    pub(super) purpose: Purpose,
    pub(super) hash: Hash,
    pub(super) salt: Vec<u8>,
    pub(super) rounds: u32,
}

/// What a derived key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// An authenticator; the key is as long as the hash.
    Authentication,
    /// The key of one of PKCS#12's own ciphers, of so many bytes.
    Key(usize),
    /// The key of a cipher of PBES2, of so many bytes.
    Pbes2(usize),
    /// The first vector of one of PKCS#12's own ciphers, of so many bytes.
    Vector(usize),
}

struct Derived {
    from: Derivation,
    key: Zeroizing<[u8; MAX_KEY]>,
}

impl Password {
    /// Takes a password; nothing is derived yet.
    pub fn new(text: &str) -> Self {
        Self {
            text: Zeroizing::new(text.to_owned()),
            is_none: false,
            derived: Vec::new(),
        }
    }

    /// Takes the other of the two things that an empty password can be; false if it is not empty.
    ///
    /// Writers differ in what they make of it, so whoever reads tries both.
    pub(super) fn turn(&mut self) -> bool {
        let is_empty = self.text.is_empty();
        if is_empty {
            self.is_none = !self.is_none;
            self.derived.clear();
        }
        is_empty
    }

    /// The key of this derivation, derived now if it was not before.
    pub(super) fn key(&mut self, from: &Derivation) -> &[u8] {
        let place = match self.derived.iter().position(|known| known.from == *from) {
            Some(place) => place,
            None => self.derive(from),
        };
        &self.derived[place].key[..from.size()]
    }

    fn derive(&mut self, from: &Derivation) -> usize {
        let mut key = Zeroizing::new([0; MAX_KEY]);
        let filled = &mut key[..from.size()];
        // The numbers are those of RFC 7292, B.3.
        let id = match from.purpose {
            Purpose::Pbes2(_) => None,
            Purpose::Key(_) => Some(1),
            Purpose::Vector(_) => Some(2),
            Purpose::Authentication => Some(3),
        };
        let Derivation { hash, salt, .. } = from;
        match id {
            None => hash.pbkdf2(&self.text, salt, from.rounds, filled),
            Some(id) => {
                let mut password = Zeroizing::new(bmp_with_end(&self.text));
                if self.is_none {
                    password.clear();
                }
                hash.pkcs12(id, &password, salt, from.rounds, filled);
            }
        }
        if self.derived.len() == MAX_DERIVED {
            self.derived.remove(0);
        }
        self.derived.push(Derived {
            from: from.clone(),
            key,
        });
        self.derived.len() - 1
    }
}

impl Derivation {
    /// The size of the key.
    fn size(&self) -> usize {
        match self.purpose {
            Purpose::Authentication => self.hash.size(),
            Purpose::Key(size) | Purpose::Pbes2(size) | Purpose::Vector(size) => size.min(MAX_KEY),
        }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Password").finish_non_exhaustive()
    }
}

/// `text` in UTF-16, big-endian, with two zero bytes after it.
pub(super) fn bmp_with_end(text: &str) -> Vec<u8> {
    // Room for the longest result, so that no half-filled copy is left behind by growing.
    let mut bytes = Vec::with_capacity(2 * text.len() + 2);
    for unit in text.encode_utf16() {
        bytes.extend_from_slice(&unit.to_be_bytes());
    }
    bytes.extend_from_slice(&[0, 0]);
    bytes
}

/// A file of one state has two or three keys, seldom more; this holds those of the states before and after.
const MAX_DERIVED: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn derivation(salt: u8) -> Derivation {
        Derivation {
            purpose: Purpose::Pbes2(32),
            hash: Hash::Sha256,
            salt: vec![salt; 16],
            rounds: 1,
        }
    }

    #[test]
    fn a_key_is_derived_once_and_the_oldest_is_forgotten() {
        let mut password = Password::new("changeit");
        let first = password.key(&derivation(0)).to_vec();
        assert_eq!(password.key(&derivation(0)), first);
        assert_eq!(password.derived.len(), 1);
        for salt in 1..20 {
            assert_ne!(password.key(&derivation(salt)), first);
        }
        assert_eq!(password.derived.len(), MAX_DERIVED);
        assert_eq!(password.key(&derivation(0)), first);
    }

    #[test]
    fn only_an_empty_one_may_be_none_at_all() {
        let from = Derivation {
            purpose: Purpose::Authentication,
            ..derivation(0)
        };
        let mut password = Password::new("");
        let empty = password.key(&from).to_vec();
        assert!(password.turn());
        let none = password.key(&from).to_vec();
        assert_ne!(none, empty);
        assert!(password.turn());
        assert_eq!(password.key(&from), empty);
        assert!(!Password::new("changeit").turn());
    }

    #[test]
    fn a_password_outside_the_basic_plane_is_two_surrogates() {
        assert_eq!(
            bmp_with_end("a\u{1f511}"),
            [0, b'a', 0xd8, 0x3d, 0xdd, 0x11, 0, 0]
        );
        assert_eq!(bmp_with_end(""), [0, 0]);
    }

    #[test]
    fn nothing_of_it_is_shown() {
        let mut password = Password::new("changeit");
        password.key(&derivation(0));
        assert_eq!(format!("{password:?}"), "Password { .. }");
    }
}
