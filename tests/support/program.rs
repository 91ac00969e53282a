//! Programs of others, at work in the directory of a test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use super::skip::{is_there, skip};
use super::{Outcome, Watched};

/// A program, where it is installed; else the test is skipped.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    name: PathBuf,
    directory: PathBuf,
}

impl Program {
    /// The program of a name.
    pub(crate) fn find(name: &str, directory: &Path) -> Option<Self> {
        let found = is_there(name);
        if !found {
            skip(&format!("{name} is not installed"));
        }
        found.then(|| Self {
            name: name.into(),
            directory: directory.to_owned(),
        })
    }

    /// A Python that has the package `cryptography`.
    pub(crate) fn pyca(directory: &Path) -> Option<Self> {
        static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
        let found = FOUND.get_or_init(|| {
            let has = |name: &&str| {
                let mut command = Command::new(name);
                let output = command.args(["-c", "import cryptography"]).output();
                output.is_ok_and(|output| output.status.success())
            };
            // The first is the user's own; the second has what the distribution installs.
            let mut pythons = ["python3", "/usr/bin/python3"].into_iter();
            pythons.find(has).map(PathBuf::from)
        });
        let Some(name) = found.clone() else {
            skip("no Python has the package cryptography");
            return None;
        };
        Some(Self {
            name,
            directory: directory.to_owned(),
        })
    }

    /// Runs it, and it succeeds.
    #[track_caller]
    pub(crate) fn run(&self, words: &[&str]) -> Outcome {
        self.outcome(words).exits(0)
    }

    /// Runs it.
    pub(crate) fn outcome(&self, words: &[&str]) -> Outcome {
        let mut command = Command::new(&self.name);
        command.current_dir(&self.directory).args(words);
        // What it says is compared, so that it speaks one language.
        command.env("LC_ALL", "C.UTF-8");
        Watched::output(&mut command, b"", Duration::from_secs(120))
    }
}
