//! What a plugin came to, case by case.

use std::fmt::{self, Write};

use crate::case::Level;

/// What a case came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The process of the plugin ended.
    Crashed,
    /// A promise is broken.
    Failed,
    /// The promise is kept.
    Passed,
    /// It could not be tried.
    Skipped,
    /// It is allowed, and its author may want to know.
    Warning,
}

/// One case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseReport {
    /// Its id.
    pub id: &'static str,
    /// Which part of the contract it is of.
    pub level: Level,
    /// In one line, what it is about.
    pub about: &'static str,
    /// What it came to.
    pub verdict: Verdict,
    /// Why, where that is not plain.
    pub message: String,
}

/// Every case that was tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// In the order in which they were tried.
    pub cases: Vec<CaseReport>,
}

impl Verdict {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Crashed => "crashed",
            Self::Failed => "failed",
            Self::Passed => "passed",
            Self::Skipped => "skipped",
            Self::Warning => "warning",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<Self> {
        let all = [
            Self::Crashed,
            Self::Failed,
            Self::Passed,
            Self::Skipped,
            Self::Warning,
        ];
        all.into_iter().find(|verdict| verdict.word() == word)
    }

    /// Whether the contract is broken.
    pub fn is_broken(self) -> bool {
        matches!(self, Self::Crashed | Self::Failed)
    }
}

impl Report {
    /// How many cases came to this.
    pub fn count(&self, verdict: Verdict) -> usize {
        let cases = self.cases.iter();
        cases.filter(|case| case.verdict == verdict).count()
    }

    /// How many promises are broken.
    pub fn broken(&self) -> usize {
        let cases = self.cases.iter();
        cases.filter(|case| case.verdict.is_broken()).count()
    }

    /// The document for programs.
    pub fn document(&self) -> anchorhold_api::PluginCheck {
        let cases = self.cases.iter().map(CaseReport::document);
        anchorhold_api::PluginCheck {
            cases: cases.collect(),
            passed: self.count(Verdict::Passed),
            failed: self.broken(),
        }
    }

    /// How it went, in one line.
    pub fn summary(&self) -> String {
        let mut line = format!("{} passed", self.count(Verdict::Passed));
        for (verdict, always) in [
            (Verdict::Failed, true),
            (Verdict::Crashed, false),
            (Verdict::Warning, false),
            (Verdict::Skipped, false),
        ] {
            let count = self.count(verdict);
            if count > 0 || always {
                // Writing to a text does not fail.
                let _written = write!(line, ", {count} {}", verdict.word());
            }
        }
        line
    }
}

impl CaseReport {
    /// The same for programs.
    pub fn document(&self) -> anchorhold_api::CheckedCase {
        anchorhold_api::CheckedCase {
            id: self.id.to_owned(),
            level: self.level.to_string(),
            result: self.verdict.word().to_owned(),
            message: self.words().to_owned(),
        }
    }

    /// What is to be said of it: why it came to that, or what it is about.
    pub fn words(&self) -> &str {
        if self.message.is_empty() {
            self.about
        } else {
            &self.message
        }
    }
}

impl fmt::Display for CaseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:8}{:33}{}", self.verdict.word(), self.id, self.words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(verdict: Verdict, message: &str) -> CaseReport {
        CaseReport {
            id: "read.list",
            level: Level::Read,
            about: "the store can be listed",
            verdict,
            message: message.to_owned(),
        }
    }

    #[test]
    fn report_counts_what_is_broken() {
        let report = Report {
            cases: vec![
                case(Verdict::Passed, ""),
                case(Verdict::Crashed, "crashed in list"),
                case(Verdict::Failed, "x"),
                case(Verdict::Skipped, "no find"),
            ],
        };
        assert_eq!(report.broken(), 2);
        assert_eq!(report.summary(), "1 passed, 1 failed, 1 crashed, 1 skipped");
        let document = report.document();
        assert_eq!((document.passed, document.failed), (1, 2));
        assert_eq!(document.cases[0].message, "the store can be listed");
        assert_eq!(document.cases[1].result, "crashed");
    }

    #[test]
    fn words_are_read_back() {
        for word in ["crashed", "failed", "passed", "skipped", "warning"] {
            assert_eq!(Verdict::parse(word).map(Verdict::word), Some(word));
        }
    }
}
