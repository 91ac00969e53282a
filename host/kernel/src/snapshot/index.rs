//! From a hash to positions: chained once, then only read.

/// Positions by hash; several positions may have one hash, and a position may have none.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// The lowest position of each chain, and one more; 0 is none. As many as a power of two.
    heads: Vec<usize>,
    /// What comes after each position in its chain, in the same way.
    next: Vec<usize>,
}

impl Index {
    /// Takes the hashes of the positions 0, 1, 2 and so on.
    pub(super) fn new(hashes: &[Option<u64>]) -> Self {
        let mut index = Self {
            heads: vec![0; hashes.len().next_power_of_two()],
            next: vec![0; hashes.len()],
        };
        // From the last, so that each chain begins with its lowest.
        for (position, hash) in hashes.iter().enumerate().rev() {
            let Some(hash) = hash else { continue };
            let chain = index.chain(*hash);
            let (Some(head), Some(next)) =
                (index.heads.get_mut(chain), index.next.get_mut(position))
            else {
                continue;
            };
            *next = std::mem::replace(head, position + 1);
        }
        index
    }

    /// The positions of a hash, lowest first, and some of other hashes: whoever asks looks at what
    /// is there anyway.
    pub(super) fn find(&self, hash: u64) -> impl Iterator<Item = usize> {
        let follow = |link: usize| link.checked_sub(1);
        let first = self.heads.get(self.chain(hash)).copied().and_then(follow);
        std::iter::successors(first, move |position| {
            self.next.get(*position).copied().and_then(follow)
        })
    }

    fn chain(&self, hash: u64) -> usize {
        // What is lost of the hash on a small machine is not needed to tell chains apart.
        let low = usize::try_from(hash & u64::from(u32::MAX)).unwrap_or(0);
        low & self.heads.len().saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_position_of_a_hash_is_found_in_order() {
        let index = Index::new(&[Some(7), None, Some(2), Some(7)]);
        assert_eq!(index.find(7).collect::<Vec<_>>(), [0, 3]);
        assert_eq!(index.find(2).collect::<Vec<_>>(), [2]);
        assert_eq!(index.find(5).count(), 0);
    }

    #[test]
    fn nothing_is_found_among_nothing() {
        assert_eq!(Index::new(&[]).find(0).count(), 0);
        assert_eq!(Index::default().find(u64::MAX).count(), 0);
    }

    #[test]
    fn hashes_that_share_a_chain_lose_no_position() {
        let hashes: Vec<_> = (0..1000_u64).map(|number| Some(number << 40)).collect();
        let index = Index::new(&hashes);
        assert_eq!(
            index.find(0).collect::<Vec<_>>(),
            (0..1000).collect::<Vec<_>>()
        );
    }
}
