//! Which certificates of a file belong to its private keys.

use std::collections::BTreeMap;

/// What a key or a certificate is told by, apart from what it holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Traits<'a> {
    /// Its local key identifier.
    pub(super) id: Option<&'a [u8]>,
    /// Its friendly name in any one encoding, empty where it has none.
    pub(super) label: &'a [u8],
    /// Whether it says that it is trusted for itself.
    pub(super) is_trusted: bool,
}

/// What belongs together.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    /// The certificates that belong to a key, each by its place.
    pub(super) owned: Vec<usize>,
    /// For each key the place of its first certificate.
    pub(super) of_keys: Vec<Option<usize>>,
}

impl Pairs {
    /// Puts together what has the same identifier.
    ///
    /// Some writers leave identifiers out. A key without one then owns the certificates without
    /// one that have its name; and where it is the only key of the file, and no certificate has
    /// its name, the first that may be its own, as Java has it. What is marked as trusted for
    /// itself is nobody's without an identifier.
    pub(super) fn of<'a>(
        keys: &[Traits<'a>],
        certificates: impl Iterator<Item = Traits<'a>>,
    ) -> Self {
        let mut pairs = Self::default();
        if keys.is_empty() {
            return pairs;
        }
        let named = |key: &&Traits<'_>| key.id.is_none() && !key.label.is_empty();
        let mut by_id: BTreeMap<&[u8], Option<usize>> = BTreeMap::new();
        by_id.extend(keys.iter().filter_map(|key| Some((key.id?, None))));
        let mut by_label: BTreeMap<&[u8], Option<usize>> = BTreeMap::new();
        by_label.extend(keys.iter().filter(named).map(|key| (key.label, None)));
        let lonely = match keys {
            [key] if key.id.is_none() => Some(key),
            _ => None,
        };
        let mut first = None;
        for (place, certificate) in certificates.enumerate() {
            let first_of_key = match certificate.id {
                Some(id) => by_id.get_mut(id),
                None if certificate.is_trusted => None,
                None => {
                    let may =
                        |key: &Traits<'_>| key.label.is_empty() || certificate.label.is_empty();
                    if first.is_none() && lonely.is_some_and(may) {
                        first = Some(place);
                    }
                    by_label.get_mut(certificate.label)
                }
            };
            if let Some(first_of_key) = first_of_key {
                first_of_key.get_or_insert(place);
                pairs.owned.push(place);
            }
        }
        let first = first.filter(|_| pairs.owned.is_empty());
        pairs.owned.extend(first);
        let own = |key: &Traits<'_>| match key.id {
            Some(id) => by_id.get(id).copied().flatten(),
            None => by_label.get(key.label).copied().flatten().or(first),
        };
        pairs.of_keys = keys.iter().map(own).collect();
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traits(id: &'static str, label: &'static str) -> Traits<'static> {
        Traits {
            id: (!id.is_empty()).then_some(id.as_bytes()),
            label: label.as_bytes(),
            is_trusted: false,
        }
    }

    fn owned(keys: &[Traits<'static>], certificates: &[Traits<'static>]) -> Vec<usize> {
        Pairs::of(keys, certificates.iter().copied()).owned
    }

    #[test]
    fn an_identifier_counts_and_names_do_not() {
        let certificates = [traits("2", "k"), traits("", "k"), traits("1", "x")];
        assert_eq!(owned(&[traits("1", "k")], &certificates), [2]);
        assert!(owned(&[traits("3", "k")], &certificates).is_empty());
        assert!(owned(&[], &certificates).is_empty());
    }

    #[test]
    fn without_identifiers_the_names_count() {
        let certificates = [traits("", ""), traits("1", "k"), traits("", "k")];
        let keys = [traits("", "k"), traits("", "other")];
        let pairs = Pairs::of(&keys, certificates.into_iter());
        assert_eq!(pairs.owned, [2]);
        assert_eq!(pairs.of_keys, [Some(2), None]);
        assert_eq!(owned(&keys[..1], &certificates), [2]);
    }

    #[test]
    fn a_lonely_key_without_a_name_that_fits_has_the_first() {
        let certificates = [traits("1", ""), traits("", "a"), traits("", "")];
        let pairs = Pairs::of(&[traits("", "")], certificates.into_iter());
        assert_eq!(pairs.owned, [1]);
        assert_eq!(pairs.of_keys, [Some(1)]);
        assert_eq!(owned(&[traits("", "k")], &certificates), [2]);
        assert!(owned(&[traits("", ""), traits("", "")], &certificates).is_empty());
    }

    #[test]
    fn what_is_trusted_for_itself_is_only_had_by_identifier() {
        let trusted = |one| Traits {
            is_trusted: true,
            ..one
        };
        let certificates = [trusted(traits("", "k")), trusted(traits("", ""))];
        assert!(owned(&[traits("", "k")], &certificates).is_empty());
        assert!(owned(&[traits("", "")], &certificates).is_empty());
        assert_eq!(owned(&[traits("1", "")], &[trusted(traits("1", ""))]), [0]);
    }
}
