//! From a 64-bit key to positions: sorted once, then only read.

/// Positions by key; several positions may have one key, and a position may have none.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Sorted.
    entries: Vec<(u64, usize)>,
}

impl Index {
    /// Takes the keys of the positions 0, 1, 2 and so on.
    pub(super) fn new(keys: impl Iterator<Item = Option<u64>>) -> Self {
        let mut entries: Vec<_> = keys
            .enumerate()
            .filter_map(|(position, key)| key.map(|key| (key, position)))
            .collect();
        entries.sort_unstable();
        Self { entries }
    }

    /// The positions of a key, lowest first.
    pub(super) fn find(&self, key: u64) -> impl Iterator<Item = usize> {
        let start = self.entries.partition_point(|(found, _)| *found < key);
        self.entries
            .get(start..)
            .unwrap_or_default()
            .iter()
            .take_while(move |(found, _)| *found == key)
            .map(|(_, position)| *position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_position_of_a_key_is_found_in_order() {
        let index = Index::new([Some(7), None, Some(3), Some(7)].into_iter());
        assert_eq!(index.find(7).collect::<Vec<_>>(), [0, 3]);
        assert_eq!(index.find(3).collect::<Vec<_>>(), [2]);
        assert_eq!(index.find(5).count(), 0);
        assert_eq!(index.find(u64::MAX).count(), 0);
    }
}
