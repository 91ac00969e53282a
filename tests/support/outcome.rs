//! What a process that has ended left behind.

use std::process::ExitStatus;

use serde_json::Value;

/// What a process that has ended left behind.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// What was run.
    pub(crate) line: String,
    /// How it ended.
    pub(crate) status: ExitStatus,
    /// What it printed.
    pub(crate) stdout: String,
    /// What it complained of.
    pub(crate) stderr: String,
}

impl Outcome {
    /// The process ended by itself, with this status.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.status.code(), Some(code), "{}", self.shown());
        // A panic that somebody catches is a fault all the same.
        assert!(!self.stderr.contains("panicked at"), "{}", self.shown());
        self
    }

    /// Some text is in what was printed, or complained of.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        let said = self.stdout.contains(text) || self.stderr.contains(text);
        assert!(said, "nothing says {text:?}\n{}", self.shown());
        self
    }

    /// The one JSON document that was printed.
    #[track_caller]
    pub(crate) fn document(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("not one JSON document: {error}\n{}", self.shown()))
    }

    /// Everything, for the message of a failed test.
    pub(crate) fn shown(&self) -> String {
        let Self {
            line,
            status,
            stdout,
            stderr,
        } = self;
        format!("$ {line}\n{status}\n--- stdout\n{stdout}\n--- stderr\n{stderr}\n---")
    }
}
