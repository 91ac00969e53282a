//! What is expected of a step and what is observed, in the same words.

use std::collections::BTreeMap;
use std::fmt;

/// One thing that can be expected and observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// `tls`, `plain`, `refuse`; `imported`, `died` and so on for other actions than a sign-on.
    Outcome,
    /// The code.
    Code,
    /// The row of the rules.
    Row,
    /// The version of TLS.
    Tls,
    /// How metadata travelled: what the tap saw, and the report must say the same.
    Metadata,
    /// How object data travelled: what the tap saw, and the report must say the same.
    Object,
    /// Session security afterwards.
    Security,
    /// Who authenticates the client.
    Authentication,
    /// Which certificate vouched.
    By,
    /// The TLS version that the ledger has.
    RecordedTls,
    /// What the client sent to the server, by its first bytes.
    Wire,
    /// What was imported, or what is held: pin, anchor.
    Kind,
    /// How many certificates the stores hold.
    Stored,
    /// How many certificates are in scope for the server.
    Held,
    /// How many acceptances are neither completed nor undone.
    Open,
    /// Whether a warning was given.
    Warning(&'static str),
}

impl Field {
    fn phrase(self, value: &str) -> String {
        match self {
            Self::Outcome | Self::Code | Self::Security | Self::Kind => value.to_owned(),
            Self::Row => format!("row {value}"),
            Self::Tls => format!("TLS {value}"),
            Self::Authentication => format!("authentication {value}"),
            Self::Metadata => format!("metadata {value}"),
            Self::Object => format!("object data {value}"),
            Self::By => format!("by {value}"),
            Self::RecordedTls => format!("TLS {value} recorded"),
            Self::Wire => format!("on the wire: {value}"),
            Self::Stored => format!("{value} stored"),
            Self::Held => format!("{value} held"),
            Self::Open => format!("{value} left open"),
            Self::Warning(code) => match value {
                YES => format!("warning {code}"),
                _ => format!("no warning {code}"),
            },
        }
    }
}

/// What must come of a step, written by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    values: BTreeMap<Field, &'static str>,
}

/// What came of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    values: BTreeMap<Field, String>,
    /// What the program said, for people who look for the reason of a difference.
    pub said: String,
}

/// A session inside TLS.
pub(super) fn tls(code: &'static str, row: &'static str) -> Expected {
    let expected = Expected::default().with(Field::Outcome, "tls");
    expected
        .with(Field::Code, code)
        .with(Field::Row, row)
        .with(Field::Security, "strict")
}

/// A plain session, of which everything is readable.
pub(super) fn plain(code: &'static str, row: &'static str) -> Expected {
    Expected::default()
        .with(Field::Outcome, "plain")
        .with(Field::Code, code)
        .with(Field::Row, row)
        .with(Field::Security, "transitional")
        .with(Field::Authentication, EXISTING)
        .with(Field::Metadata, "clear")
        .with(Field::Object, "clear")
}

/// No session: nothing of the program's was sent.
pub(super) fn refused(code: &'static str, row: &'static str) -> Expected {
    Expected::default()
        .with(Field::Outcome, "refuse")
        .with(Field::Code, code)
        .with(Field::Row, row)
        .with(Field::Metadata, "not sent")
        .with(Field::Object, "not sent")
}

/// An import of something new.
pub(super) fn imported(kind: &'static str) -> Expected {
    Expected::default()
        .with(Field::Outcome, "imported")
        .with(Field::Kind, kind)
}

/// Something else than a sign-on or an import.
pub(super) fn done(outcome: &'static str) -> Expected {
    Expected::default().with(Field::Outcome, outcome)
}

impl Expected {
    /// One more expectation.
    #[must_use]
    pub fn with(mut self, field: Field, value: &'static str) -> Self {
        self.values.insert(field, value);
        self
    }

    /// How metadata and object data travel.
    pub(super) fn travels(self, metadata: &'static str, object: &'static str) -> Self {
        self.with(Field::Metadata, metadata)
            .with(Field::Object, object)
    }

    /// The program's own exchange authenticates the client, as before the upgrade.
    pub(super) fn authenticates_as_before(self) -> Self {
        self.with(Field::Authentication, EXISTING)
    }

    /// The client is authenticated inside the TLS of an enhanced server.
    pub(super) fn authenticates_inside_tls(self) -> Self {
        self.with(Field::Authentication, INSIDE_TLS)
    }

    pub(super) fn version(self, version: &'static str) -> Self {
        self.with(Field::Tls, version)
    }

    pub(super) fn by(self, paper: super::Paper) -> Self {
        self.with(Field::By, paper.as_str())
    }

    pub(super) fn wire(self, wire: &'static str) -> Self {
        self.with(Field::Wire, wire)
    }

    pub(super) fn security(self, security: &'static str) -> Self {
        self.with(Field::Security, security)
    }

    pub(super) fn warns(self, code: &'static str) -> Self {
        self.with(Field::Warning(code), YES)
    }

    pub(super) fn quiet_on(self, code: &'static str) -> Self {
        self.with(Field::Warning(code), NO)
    }

    /// What is expected of a field.
    pub fn value(&self, field: Field) -> Option<&'static str> {
        self.values.get(&field).copied()
    }

    /// Whether nothing is expected.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Whether what was observed is what was expected.
    pub fn met_by(&self, observed: &Observed) -> bool {
        self.values
            .iter()
            .all(|(field, value)| observed.value(*field) == *value)
    }

    /// What was observed of the things expected; where they differ, what the program said too.
    pub fn got(&self, observed: &Observed) -> String {
        let phrases = self
            .values
            .keys()
            .map(|field| field.phrase(observed.value(*field)));
        let mut text = phrases.collect::<Vec<_>>().join(", ");
        if !self.met_by(observed) && !observed.said.is_empty() {
            text.push_str("; it said: ");
            text.push_str(&observed.said);
        }
        text
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phrases = self.values.iter().map(|(field, value)| field.phrase(value));
        f.write_str(&phrases.collect::<Vec<_>>().join(", "))
    }
}

impl Observed {
    /// Takes down one thing.
    pub fn set(&mut self, field: Field, value: impl Into<String>) {
        self.values.insert(field, value.into());
    }

    /// Whether something was taken down of a field.
    pub fn has(&self, field: Field) -> bool {
        self.values.contains_key(&field)
    }

    fn value(&self, field: Field) -> &str {
        let absent = match field {
            Field::Warning(_) => NO,
            _ => "nothing",
        };
        self.values.get(&field).map_or(absent, String::as_str)
    }
}

pub(crate) const YES: &str = "yes";
pub(crate) const EXISTING: &str = "by the existing protocol";
pub(crate) const INSIDE_TLS: &str = "inside TLS";
const NO: &str = "no";

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(values: &[(Field, &str)]) -> Observed {
        let mut observed = Observed {
            said: "because".to_owned(),
            ..Observed::default()
        };
        for (field, value) in values {
            observed.set(*field, *value);
        }
        observed
    }

    #[test]
    fn only_what_is_expected_counts() {
        let expected = done("tls").version("1.3");
        let got = observed(&[
            (Field::Outcome, "tls"),
            (Field::Tls, "1.3"),
            (Field::Row, "4"),
        ]);
        assert!(expected.met_by(&got));
        assert_eq!(expected.got(&got), "tls, TLS 1.3");
        assert_eq!(expected.to_string(), "tls, TLS 1.3");
    }

    #[test]
    fn what_is_missing_or_differs_fails_and_gives_the_reason() {
        let expected = done("tls").warns("lowered").version("1.3");
        let got = observed(&[(Field::Outcome, "tls"), (Field::Tls, "1.2")]);
        assert!(!expected.met_by(&got));
        let text = "tls, TLS 1.2, no warning lowered; it said: because";
        assert_eq!(expected.got(&got), text);
        assert!(!done("tls").met_by(&observed(&[])));
    }

    #[test]
    fn a_warning_that_must_not_come_fails_where_it_comes() {
        let expected = done("tls").quiet_on("ledger-lost");
        let outcome = (Field::Outcome, "tls");
        assert!(expected.met_by(&observed(&[outcome])));
        assert!(!expected.met_by(&observed(&[outcome, (Field::Warning("ledger-lost"), YES)])));
    }
}
