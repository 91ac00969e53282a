//! The reader and writer of key databases in Python: the layout as somebody else understood it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::{Outcome, Watched, here, repository};

/// `tests/formats/kdb.py` at work in a directory.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    directory: PathBuf,
}

impl Layout {
    /// The program, where there is Python; else the test is skipped.
    pub(crate) fn find(directory: &Path) -> Option<Self> {
        let directory = directory.to_owned();
        here("python3").then_some(Self { directory })
    }

    /// A database field by field, with what its authenticators say of a password.
    #[track_caller]
    pub(crate) fn read(&self, database: &str, password: &str) -> Value {
        std::fs::write(self.path("password"), password).expect("written");
        let words = ["read", database, "--password-file", "password"];
        self.run(&words).exits(0).document()
    }

    /// The database of a description.
    #[track_caller]
    pub(crate) fn write(&self, database: &str, description: &Value) -> Vec<u8> {
        self.written("write", database, description)
    }

    /// A stash field by field.
    #[track_caller]
    pub(crate) fn stash(&self, stash: &str) -> Value {
        self.run(&["stash", stash]).exits(0).document()
    }

    /// The stash of a description.
    #[track_caller]
    pub(crate) fn write_stash(&self, stash: &str, description: &Value) -> Vec<u8> {
        self.written("write-stash", stash, description)
    }

    /// Runs it.
    pub(crate) fn run(&self, words: &[&str]) -> Outcome {
        let mut command = Command::new("python3");
        command.arg(repository().join("tests/formats/kdb.py"));
        command.current_dir(&self.directory).args(words);
        Watched::output(&mut command, b"", Duration::from_secs(60))
    }

    #[track_caller]
    fn written(&self, how: &str, out: &str, description: &Value) -> Vec<u8> {
        let name = format!("{out}.json");
        std::fs::write(self.path(&name), description.to_string()).expect("written");
        self.run(&[how, &name, out]).exits(0);
        std::fs::read(self.path(out)).expect("written")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}
