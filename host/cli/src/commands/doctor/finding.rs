//! What is found wrong, gathered and put in order.

use std::ffi::OsStr;
use std::path::Path;

use anchorhold_api as api;

use crate::exit::Failure;
use crate::home::Home;

/// How bad something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Severity {
    /// Something does not work, or is not safe.
    Error,
    /// Something will not work soon, or is weaker than it could be.
    Warning,
    /// Something is worth knowing.
    Note,
}

impl Severity {
    fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// What is found wrong.
#[derive(Debug)]
pub(super) struct Findings<'a> {
    home: &'a Home,
    all: Vec<(Severity, api::Finding)>,
}

impl<'a> Findings<'a> {
    /// Nothing is found yet.
    pub(super) fn new(home: &'a Home) -> Self {
        Self {
            home,
            all: Vec::new(),
        }
    }

    /// Something that does not work, or is not safe.
    pub(super) fn error(
        &mut self,
        code: &str,
        about: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add(Severity::Error, code, about, message, remedy);
    }

    /// Something that will not work soon, or is weaker than it could be.
    pub(super) fn warning(
        &mut self,
        code: &str,
        about: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add(Severity::Warning, code, about, message, remedy);
    }

    /// Something that is worth knowing.
    pub(super) fn note(
        &mut self,
        code: &str,
        about: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add(Severity::Note, code, about, message, remedy);
    }

    /// Something of a severity that depends.
    pub(super) fn add(
        &mut self,
        severity: Severity,
        code: &str,
        about: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let finding = api::Finding {
            code: code.to_owned(),
            severity: severity.as_str().to_owned(),
            about: about.into(),
            message: message.into(),
            remedy: self.home.invocation.localize(&remedy.into()),
        };
        // Several looks may meet the same fault.
        if !self.all.iter().any(|(_, known)| *known == finding) {
            self.all.push((severity, finding));
        }
    }

    /// A look that could not be taken.
    pub(super) fn failed(&mut self, about: impl Into<String>, failure: &Failure) {
        let remedy = failure.remedy.clone();
        let remedy = remedy.unwrap_or_else(|| UNTIL_THEN.to_owned());
        self.error(failure.code, about, told(failure), remedy);
    }

    /// A command line that can be pasted.
    pub(super) fn command<W: AsRef<OsStr>>(&self, words: &[W]) -> String {
        self.home.invocation.command(words)
    }

    /// Whether something is found of this code about this one thing.
    pub(super) fn is_told(&self, code: &str, about: &str) -> bool {
        let mut all = self.all.iter();
        all.any(|(_, finding)| finding.code == code && finding.about == about)
    }

    /// Whether something is found of this code.
    pub(super) fn has(&self, code: &str) -> bool {
        self.all.iter().any(|(_, finding)| finding.code == code)
    }

    /// How many findings there are of a severity.
    pub(super) fn count(&self, severity: Severity) -> u64 {
        let count = self.all.iter().filter(|(one, _)| *one == severity).count();
        u64::try_from(count).unwrap_or(u64::MAX)
    }

    /// All of it, the worst first, then by what it is about.
    pub(super) fn sorted(mut self) -> Vec<api::Finding> {
        self.all.sort_by(|(one, a), (other, b)| {
            (one, &a.about, &a.code).cmp(&(other, &b.about, &b.code))
        });
        self.all.into_iter().map(|(_, finding)| finding).collect()
    }
}

/// What a failure says, with what led to it.
pub(super) fn told(failure: &Failure) -> String {
    let parts = std::iter::once(&failure.message).chain(&failure.causes);
    let parts: Vec<&str> = parts.map(|part| part.trim_end()).collect();
    parts.join(": ")
}

/// What a store is called.
pub(super) fn of_store(name: &str) -> String {
    format!("store \"{name}\"")
}

/// What a plugin is called.
pub(super) fn of_plugin(id: &str) -> String {
    format!("plugin {id}")
}

/// What a server is called.
pub(super) fn of_server(name: &impl std::fmt::Display) -> String {
    format!("server {name}")
}

/// A command of the system's on one file, as a shell reads it.
pub(super) fn on_file(command: &str, path: &Path) -> String {
    format!("{command} {}", crate::invocation::quote(path.as_os_str()))
}

const UNTIL_THEN: &str = "mend what the message says; until then nothing that rests on it can be \
                          looked at";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::fixture::Scene;

    #[test]
    fn the_worst_comes_first_and_nothing_twice() {
        let scene = Scene::new();
        let mut findings = Findings::new(&scene.home);
        findings.note("d", "a", "m", "r");
        findings.warning("c", "b", "m", "r");
        findings.warning("c", "a", "m", "r");
        findings.warning("b", "a", "m", "r");
        findings.warning("b", "a", "m", "r");
        findings.error("a", "z", "m", "anchorhold list");
        assert_eq!(findings.count(Severity::Warning), 3);
        assert!(findings.has("d") && !findings.has("e"));
        let all = findings.sorted();
        let order: Vec<_> = all
            .iter()
            .map(|finding| (&*finding.severity, &*finding.about, &*finding.code))
            .collect();
        assert_eq!(
            order,
            [
                ("error", "z", "a"),
                ("warning", "a", "b"),
                ("warning", "a", "c"),
                ("warning", "b", "c"),
                ("note", "a", "d"),
            ]
        );
        let home = scene.path("").display().to_string();
        assert_eq!(
            all[0].remedy,
            format!("anchorhold --home {} list", home.trim_end_matches('/'))
        );
    }

    #[test]
    fn what_led_to_a_failure_is_told_with_it() {
        let io = std::io::Error::other("no luck");
        let failure = Failure::usage("x", "it failed").because(&io);
        assert_eq!(told(&failure), "it failed: no luck");
    }
}
