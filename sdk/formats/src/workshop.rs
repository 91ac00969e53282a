//! Other programs at work in a directory of a test.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::pem;

/// A directory in which other programs make files and read ours.
#[derive(Debug)]
pub(crate) struct Workshop {
    directory: TempDir,
}

impl Workshop {
    /// None, and a line that says so and is counted, where a program is not installed.
    pub(crate) fn open(programs: &[&str]) -> Option<Self> {
        for program in programs {
            if Command::new(program).arg("-help").output().is_err() {
                skip(&format!("{program} is not installed"));
                return None;
            }
        }
        Some(Self {
            directory: TempDir::new().unwrap(),
        })
    }

    /// Where a name in the directory is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file, and gives back its name.
    pub(crate) fn write<'a>(&self, name: &'a str, bytes: &[u8]) -> &'a str {
        std::fs::write(self.path(name), bytes).unwrap();
        name
    }

    /// Reads a file.
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// What a program prints that succeeds.
    #[track_caller]
    pub(crate) fn run<W: AsRef<OsStr>>(&self, program: &str, words: &[W]) -> Vec<u8> {
        let output = self.outcome(program, words);
        let complaint = String::from_utf8_lossy(&output.stderr);
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{program}: {printed}{complaint}");
        output.stdout
    }

    /// How a program ends.
    pub(crate) fn outcome<W: AsRef<OsStr>>(&self, program: &str, words: &[W]) -> Output {
        let mut command = Command::new(program);
        command.args(words).current_dir(&self.directory);
        command.env_remove("JAVA_TOOL_OPTIONS");
        command.output().unwrap()
    }

    /// A certificate with this name, its file `NAME.pem` and its key `NAME.key`, by openssl.
    pub(crate) fn certificate(&self, name: &str) -> Vec<u8> {
        let (key, file) = (format!("{name}.key"), format!("{name}.pem"));
        let subject = format!("/C=US/O=TSM/CN={name}");
        let mut words = vec!["req", "-x509", "-newkey", "ec", "-nodes", "-days", "3650"];
        words.extend(["-pkeyopt", "ec_paramgen_curve:P-256", "-subj", &subject]);
        words.extend(["-keyout", &key, "-out", &file]);
        self.run("openssl", &words);
        pem::certificates(&self.read(&file)).unwrap().remove(0)
    }
}

/// Says why a test does not run, and notes it where the runner of the tests counts.
pub(crate) fn skip(reason: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    // Not captured by the test harness, so that it is seen.
    let _ = writeln!(io::stderr(), "skipped {test}: {reason}");
    if let Some(list) = std::env::var_os("ANCHORHOLD_SKIPS") {
        let file = OpenOptions::new().append(true).create(true).open(list);
        let line = format!("{test}: {reason}\n");
        file.unwrap().write_all(line.as_bytes()).unwrap();
    }
}
