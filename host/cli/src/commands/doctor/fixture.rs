//! A home of its own, for tests of what is found.

use std::ffi::OsStr;
use std::path::PathBuf;

use anchorhold_api::Finding;
use tempfile::TempDir;

use super::case::Case;
use super::finding::Findings;
use crate::args::Globals;
use crate::home::Home;
use crate::invocation::Invocation;
use crate::paths::{Paths, Surroundings};

/// A home of its own.
pub(super) struct Scene {
    directory: TempDir,
    /// The home.
    pub(super) home: Home,
}

impl Scene {
    /// An empty one, with an option file that names no server.
    pub(super) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let options = directory.path().join("dsm.sys");
        std::fs::write(&options, "SErvername TSM1\n TCPServeraddress 127.0.0.1\n")
            .expect("written");
        let globals = Globals {
            home: Some(directory.path().to_owned()),
            ..Globals::default()
        };
        let paths = Paths::find(globals.home.as_deref(), &Surroundings::default());
        let invocation = Invocation::new(OsStr::new("anchorhold"), &globals);
        let home = Home::new(paths.expect("found"), invocation, globals);
        Self { directory, home }
    }

    /// A path in it.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file in it.
    pub(super) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("below it")).expect("made");
        std::fs::write(&path, text).expect("written");
        path
    }

    /// What one look finds.
    pub(super) fn look(&self, look: impl FnOnce(&Case<'_>, &mut Findings<'_>)) -> Vec<Finding> {
        let mut findings = Findings::new(&self.home);
        let case = Case::open(&self.home, &mut findings);
        look(&case, &mut findings);
        findings.sorted()
    }
}

/// The code of each.
pub(super) fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| &*finding.code).collect()
}
