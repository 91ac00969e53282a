//! The decision on a session: facts in, the first row that matches out.
//!
//! Nothing here reads a clock, a socket, a file or a store, so that `connect`, `explain` and the
//! rehearsal cannot come to different answers from the same facts.

mod fact;
mod row;

pub use fact::{Facts, Held, Levels, Plain, Presented, Security, SslRequired, Transport};
pub use row::{ROWS, Row, Then};

use crate::code::Code;

/// What was decided, and by which row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The number of the row in the manual's table.
    pub row: u8,
    /// What follows.
    pub then: Then,
    /// Why, in one word.
    pub code: Code,
}

/// The rows that decide, in their order.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    without: Option<u8>,
}

impl Rules {
    /// Every row.
    pub const fn all() -> Self {
        Self { without: None }
    }

    /// All rows but one; exists so that a test can see the rehearsal fail for each of them.
    #[cfg(feature = "sabotage")]
    pub const fn without(row: u8) -> Self {
        Self { without: Some(row) }
    }

    /// Decides. Facts that no row matches are refused: there is no way round the table.
    pub fn decide(self, facts: &Facts) -> Decision {
        ROWS.iter()
            .filter(|row| self.without != Some(row.number))
            .find(|row| (row.when)(facts))
            .map_or(NO_ROW, |row| Decision {
                row: row.number,
                then: row.then,
                code: row.code,
            })
    }
}

/// The rows match every combination of facts (a test walks all of them), so this is never the
/// answer of the whole table.
const NO_ROW: Decision = Decision {
    row: 0,
    then: Then::Refuse,
    code: Code::NoRule,
};

#[cfg(test)]
mod tests;
