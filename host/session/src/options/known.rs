//! The options of the vendor's client: which word names which.

mod name;

use std::collections::HashMap;
use std::sync::LazyLock;

use super::error::Mistake;

/// An option of the vendor's client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// As the vendor prints it: the capitals are the shortest form.
    pub(super) name: &'static str,
    pub(super) role: Role,
}

/// What an option is to this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Its value is used.
    Used(Used),
    /// It is kept and listed.
    Kept,
    /// The same, and its value is a word or a number, which may not be quoted.
    KeptWord,
    /// The same, but its value is a secret and is not kept.
    Secret,
}

/// The options whose values this host uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Used {
    ServerName,
    ReplServerName,
    DefaultServer,
    Ssl,
    SslRequired,
    SslAcceptCertFromServ,
    SslFipsMode,
    SslDisableLegacyTls,
    CommMethod,
    TcpServerAddress,
    TcpPort,
    TcpAdminPort,
    NodeName,
    PasswordDir,
    ReplTcpServerAddress,
    ReplTcpPort,
    ReplSslPort,
    ReplServerGuid,
    MyReplicationServer,
}

/// Finds the option that a word names.
///
/// An option that this host uses is accepted by the vendor's rule alone: the capitals of its
/// printed name are its shortest form, and a name wholly in capitals has none. Of the others not
/// every shortest form is known for sure, so a beginning of three letters that can mean no other
/// option is accepted too: a valid file must never be refused.
pub(super) fn recognise(word: &str) -> Result<Known, Mistake> {
    let table = &*TABLE;
    let folded = word.to_ascii_lowercase();
    if let Some(known) = table.exact.get(&folded) {
        return Ok(*known);
    }
    let beginning = |known: &&Known| is_beginning(word, known.name);
    if let Some(known) = table
        .known
        .iter()
        .filter(beginning)
        .filter(|known| abbreviates(word, known.name))
        .min_by_key(|known| known.name.len())
    {
        return Ok(*known);
    }
    let begun: Vec<&Known> = table.known.iter().filter(beginning).collect();
    match begun.as_slice() {
        [] => Err(Mistake::UnknownOption {
            closest: closest(&folded),
        }),
        [only] if word.len() >= 3 && !matches!(only.role, Role::Used(_)) => Ok(**only),
        // Options that are used come first in the table.
        [first, ..] if matches!(first.role, Role::Used(_)) || begun.len() == 1 => {
            Err(Mistake::TooShort {
                option: first.name,
                shortest: shortest(first.name),
            })
        }
        several => Err(Mistake::Ambiguous {
            options: several.iter().take(4).map(|known| known.name).collect(),
        }),
    }
}

/// Whether a word is an accepted abbreviation of a printed name, or the whole of it.
pub(super) fn abbreviates(word: &str, printed: &str) -> bool {
    is_beginning(word, printed) && word.len() >= shortest(printed).len()
}

fn is_beginning(word: &str, printed: &str) -> bool {
    !word.is_empty()
        && printed
            .as_bytes()
            .get(..word.len())
            .is_some_and(|beginning| beginning.eq_ignore_ascii_case(word.as_bytes()))
}

/// The shortest form of a printed name: all that stands before its first small letter.
fn shortest(printed: &str) -> &str {
    let end = printed
        .find(|letter: char| letter.is_ascii_lowercase())
        .unwrap_or(printed.len());
    &printed[..end]
}

/// The option whose name is nearest to a word, unless more than half of the word would change.
/// Of equals the first, so that an option that is used wins.
fn closest(folded: &str) -> Option<&'static str> {
    let word = folded.as_bytes();
    let word = word.get(..LONGEST_WORD).unwrap_or(word);
    let mut closest = None;
    let mut most = word.len() / 2;
    for known in &TABLE.known {
        if let Some(distance) = distance(word, known.name.as_bytes(), most) {
            closest = Some(known.name);
            let Some(less) = distance.checked_sub(1) else {
                break;
            };
            most = less;
        }
    }
    closest
}

/// How many letters must be added, taken away, changed or swapped with their neighbour to make
/// one word the other, if they are no more than `most`; case does not count.
pub(super) fn distance(left: &[u8], right: &[u8], most: usize) -> Option<usize> {
    if left.len().abs_diff(right.len()) > most {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (row, a) in left.iter().enumerate() {
        let mut current = Vec::with_capacity(above.len());
        current.push(row + 1);
        for (column, b) in right.iter().enumerate() {
            let changed = above[column] + usize::from(!a.eq_ignore_ascii_case(b));
            let mut best = changed.min(above[column + 1] + 1).min(current[column] + 1);
            let swapped = row > 0
                && column > 0
                && a.eq_ignore_ascii_case(&right[column - 1])
                && b.eq_ignore_ascii_case(&left[row - 1]);
            if swapped {
                best = best.min(before[column - 1] + 1);
            }
            current.push(best);
        }
        // No later row holds less than the least of this one.
        if current.iter().all(|distance| *distance > most) {
            return None;
        }
        before = std::mem::replace(&mut above, current);
    }
    above.last().copied().filter(|distance| *distance <= most)
}

/// Longer words are compared by their beginning: no option's name is nearly as long.
const LONGEST_WORD: usize = 64;

struct Table {
    /// Options that are used first, then the others in alphabetical order.
    known: Vec<Known>,
    /// By the whole name in small letters.
    exact: HashMap<String, Known>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let known: Vec<Known> = name::all().collect();
    let exact = known
        .iter()
        .map(|known| (known.name.to_ascii_lowercase(), *known))
        .collect();
    Table { known, exact }
});
