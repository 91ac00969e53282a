//! Labels: those that this host gives, and what they say when a key database has travelled.

use std::collections::{HashMap, HashSet};

use crate::ServerName;
use crate::certificate::Facts;
use crate::snapshot::Snapshot;

/// The label that a certificate of a server gets in a store, free there.
pub fn free_label(snapshot: &Snapshot, server: &ServerName) -> String {
    Labels::of(snapshot).take(&for_server(server))
}

/// The labels of a store, compared without case, for the store does so too.
#[derive(Debug)]
pub(super) struct Labels {
    taken: HashSet<String>,
    /// The number that was last put behind a label that was wanted more than once.
    last: HashMap<String, u32>,
}

impl Labels {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        Self {
            taken: snapshot
                .items()
                .iter()
                .map(|item| item.label.to_lowercase())
                .collect(),
            last: HashMap::new(),
        }
    }

    /// Takes a label, with a number behind it where it is taken already.
    pub(super) fn take(&mut self, wanted: &str) -> String {
        let folded = wanted.to_lowercase();
        if self.taken.insert(folded.clone()) {
            return wanted.to_owned();
        }
        let last = self.last.entry(folded).or_insert(1);
        loop {
            *last = last.saturating_add(1);
            let label = format!("{wanted} ({last})");
            if self.taken.insert(label.to_lowercase()) {
                return label;
            }
        }
    }

    /// Gives a label back.
    pub(super) fn release(&mut self, label: &str) {
        self.taken.remove(&label.to_lowercase());
        self.last.clear();
    }

    /// Whether a label is taken.
    pub(super) fn contains(&self, label: &str) -> bool {
        self.taken.contains(&label.to_lowercase())
    }
}

/// The label of a certificate that is for a server.
pub(super) fn for_server(server: &ServerName) -> String {
    format!("{BEFORE}{server}{AFTER}")
}

/// The label of a certificate that is not a server's own: whom it is about, unless that would
/// read as if it were one.
pub(super) fn for_subject(facts: &Facts, common_name: Option<String>) -> String {
    common_name
        .into_iter()
        .chain([facts.subject.clone()])
        .map(|name| name.chars().take(LONGEST).collect::<String>())
        .find(|name| !name.trim().is_empty() && names_server(name).is_none())
        .unwrap_or_else(|| facts.fingerprint.to_string())
}

/// The label that a certificate had in the container that it came in, where it is one that a
/// store can take over: it does not read as if it were a server's own.
pub(super) fn foreign(label: &str) -> Option<&str> {
    let label = label.trim();
    let fits = !label.is_empty()
        && label.chars().count() <= LONGEST
        && !label.chars().any(char::is_control);
    (fits && names_server(label).is_none()).then_some(label)
}

/// The server that a label names, if it is one that this host or the vendor's client gives.
pub(crate) fn names_server(label: &str) -> Option<ServerName> {
    let label = match label.rsplit_once(" (") {
        Some((before, number)) if is_number(number) => before,
        _ => label,
    };
    let start = label.get(..BEFORE.len())?;
    let end = label.get(label.len().checked_sub(AFTER.len())?..)?;
    let name = label
        .get(BEFORE.len()..label.len().checked_sub(AFTER.len())?)?
        .trim();
    (start.eq_ignore_ascii_case(BEFORE) && end.eq_ignore_ascii_case(AFTER) && !name.is_empty())
        .then(|| ServerName::new(name))
}

fn is_number(text: &str) -> bool {
    text.strip_suffix(')')
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|d| d.is_ascii_digit()))
}

const BEFORE: &str = "TSM server ";
const AFTER: &str = " self-signed key";
const LONGEST: usize = 120;

#[cfg(test)]
mod tests {
    use anchorhold_boundary::item::Item;

    use super::*;

    fn named(label: &str) -> Option<String> {
        names_server(label).map(|name| name.as_str().to_owned())
    }

    #[test]
    fn a_label_names_its_server() {
        assert_eq!(
            named("TSM server TSM1 self-signed key").as_deref(),
            Some("TSM1")
        );
        assert_eq!(
            named("tsm SERVER a b SELF-signed key (12)").as_deref(),
            Some("a b")
        );
        assert_eq!(
            named(&for_server(&ServerName::new("x (2)"))).as_deref(),
            Some("x (2)")
        );
    }

    #[test]
    fn other_labels_name_none() {
        for label in [
            "",
            "TSM server  self-signed key",
            "TSM server TSM1",
            "spcert_1",
            "TSM server é",
            "é",
        ] {
            assert_eq!(named(label), None, "{label}");
        }
    }

    #[test]
    fn a_second_certificate_gets_a_number_whatever_the_case() {
        let taken = |label: &str| Item::certificate(Vec::new(), label.to_owned());
        let snapshot = Snapshot::new(0, vec![taken("tsm server tsm1 SELF-SIGNED key")]);
        let server = ServerName::new("TSM1");
        assert_eq!(
            free_label(&snapshot, &server),
            "TSM server TSM1 self-signed key (2)"
        );
        let more = "TSM server TSM1 self-signed key (2)";
        let snapshot = Snapshot::new(
            0,
            vec![taken("TSM server TSM1 self-signed key"), taken(more)],
        );
        assert_eq!(
            free_label(&snapshot, &server),
            "TSM server TSM1 self-signed key (3)"
        );
    }
}
