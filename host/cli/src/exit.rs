//! How the program ends: the exit status, and what is said where the work could not be done.

use std::error::Error;
use std::fmt;

use crate::ownership::STATE_UNAVAILABLE;

/// The exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, trusted, allowed.
    Done,
    /// A store, a plugin, the peer or this machine failed.
    Failed,
    /// The answer is no.
    No,
    /// Wrong usage, configuration or input.
    Usage,
}

impl Exit {
    /// The number that the caller sees.
    pub(crate) const fn status(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::No => 1,
            Self::Usage => 2,
            Self::Failed => 3,
        }
    }

    /// The exit status of a number; whatever is no status of ours counts as a failure.
    pub(crate) const fn of(status: u8) -> Self {
        match status {
            0 => Self::Done,
            1 => Self::No,
            2 => Self::Usage,
            _ => Self::Failed,
        }
    }
}

/// Why the work could not be done; exit 2 or 3.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Who must act: the caller (2), or whoever keeps what failed (3).
    pub(crate) exit: Exit,
    /// What happened, in a word that is never renamed.
    pub(crate) code: &'static str,
    /// What happened, to which server and store.
    pub(crate) message: String,
    /// What led to it, outermost first.
    pub(crate) causes: Vec<String>,
    /// What to do next.
    pub(crate) remedy: Option<String>,
}

impl Failure {
    /// Wrong usage, configuration or input.
    pub(crate) fn usage(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, code, message.into())
    }

    /// Something that should work does not.
    pub(crate) fn failed(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, code, message.into())
    }

    /// Something that a later release brings.
    pub(crate) fn not_yet(what: &str) -> Self {
        Self::usage(
            "not-supported",
            format!("{what} is not supported in this release"),
        )
    }

    /// The same, with what to do next.
    #[must_use]
    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// The same, with an error and all that led to it.
    #[must_use]
    pub(crate) fn because(mut self, error: &dyn Error) -> Self {
        self.causes.push(error.to_string());
        self.causes.extend(causes(error));
        self
    }

    /// The same, with what led to it, where anything did.
    #[must_use]
    pub(crate) fn because_of(self, error: Option<&(dyn Error + 'static)>) -> Self {
        match error {
            Some(error) => self.because(error),
            None => self,
        }
    }

    /// A failure that says what the error says.
    pub(crate) fn from_error(exit: Exit, code: &'static str, error: &dyn Error) -> Self {
        let mut failure = Self::new(exit, code, error.to_string());
        failure.causes = causes(error);
        failure
    }

    const fn new(exit: Exit, code: &'static str, message: String) -> Self {
        Self {
            exit,
            code,
            message,
            causes: Vec::new(),
            remedy: None,
        }
    }
}

/// What led to an error, outermost first, without the repetitions of careless chains.
fn causes(error: &dyn Error) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
        next = cause.source();
    }
    texts
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<anchorhold_state::StateError> for Failure {
    fn from(error: anchorhold_state::StateError) -> Self {
        Self::from_error(Exit::Failed, STATE_UNAVAILABLE, &error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Link(&'static str, Option<Box<Self>>);

    impl fmt::Display for Link {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Link {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            let link = self.1.as_deref()?;
            Some(link)
        }
    }

    #[test]
    fn causes_are_told_outermost_first_and_once() {
        let inner = Link("no space", Some(Box::new(Link("no space", None))));
        let error = Link("cannot write", Some(Box::new(inner)));
        let failure = Failure::from_error(Exit::Failed, "x", &error);
        assert_eq!(failure.to_string(), "cannot write");
        assert_eq!(failure.causes, ["no space"]);
        let failure = Failure::usage("y", "the report").because(&error);
        assert_eq!(failure.causes, ["cannot write", "no space"]);
    }

    #[test]
    fn a_status_that_is_none_of_ours_is_a_failure() {
        for exit in [Exit::Done, Exit::No, Exit::Usage, Exit::Failed] {
            assert_eq!(Exit::of(exit.status()), exit);
        }
        assert_eq!(Exit::of(101), Exit::Failed);
    }
}
