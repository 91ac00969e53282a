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
    /// A cipher with a key of so many bytes.
    Encryption(usize),
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
            derived: Vec::new(),
        }
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
        match from.purpose {
            Purpose::Authentication => {
                from.hash
                    .mac_key(&self.text, &from.salt, from.rounds, filled);
            }
            Purpose::Encryption(_) => {
                from.hash
                    .pbkdf2(&self.text, &from.salt, from.rounds, filled);
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
            Purpose::Encryption(size) => size.min(MAX_KEY),
        }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Password").finish_non_exhaustive()
    }
}

/// A file of one state has two or three keys; this holds those of the states before and after.
const MAX_DERIVED: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn derivation(salt: u8) -> Derivation {
        Derivation {
            purpose: Purpose::Encryption(32),
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
    fn nothing_of_it_is_shown() {
        let mut password = Password::new("changeit");
        password.key(&derivation(0));
        assert_eq!(format!("{password:?}"), "Password { .. }");
    }
}
