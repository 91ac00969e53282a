//! Whether ledger and journal can be believed.

/// What ledger and journal, held against each other, say about themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing was ever written here.
    FirstRun,
    /// One of them is damaged, missing, or older than the other; every server counts as strict.
    Lost {
        /// What is wrong, for people.
        why: String,
    },
    /// Both are there and agree.
    Whole,
}

impl Condition {
    /// Whether what the ledger says of a server cannot be believed.
    pub fn is_lost(&self) -> bool {
        matches!(self, Self::Lost { .. })
    }
}
