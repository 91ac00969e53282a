//! A directory in which the real program runs as somebody would call it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::{Outcome, Snapshot, Watched, mismatches, repository};

/// The program as cargo built it.
const PROGRAM: &str = env!("CARGO_BIN_EXE_anchorhold");

/// A directory with option files, certificates, and below it the program's home `h`.
#[derive(Debug)]
pub(crate) struct Home {
    directory: TempDir,
    options: Vec<String>,
    environment: Vec<(String, OsString)>,
}

impl Home {
    /// An empty directory; the program's home is not made before its first write.
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Self {
            directory,
            options: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// A directory with a `dsm.sys`.
    pub(crate) fn with_options(text: &str) -> Self {
        let mut home = Self::new();
        home.write("dsm.sys", text);
        home.options = vec!["--options".to_owned(), "dsm.sys".to_owned()];
        home
    }

    /// A directory with a `dsm.sys` whose one server, TSM1, is at a port.
    pub(crate) fn with_server(port: u16, options: &[&str]) -> Self {
        Self::with_options(&stanza("TSM1", port, options))
    }

    /// Moves TSM1 to a port.
    pub(crate) fn serve(&mut self, port: u16, options: &[&str]) {
        self.write("dsm.sys", stanza("TSM1", port, options));
        self.take_options(&["--options", "dsm.sys"]);
    }

    /// Reads the servers from these files from now on.
    pub(crate) fn take_options(&mut self, words: &[&str]) {
        self.options = words.iter().map(|word| (*word).to_owned()).collect();
    }

    /// Gives the program a variable from now on.
    pub(crate) fn give(&mut self, name: &str, value: impl Into<OsString>) {
        self.environment.push((name.to_owned(), value.into()));
    }

    /// Writes a file, by its name below the directory.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        let parent = path.parent().expect("below the directory");
        fs::create_dir_all(parent).expect("made");
        fs::write(&path, content).expect("written");
        path
    }

    /// Writes a file that only this user can read.
    pub(crate) fn write_secret(&self, name: &str, content: &str) -> PathBuf {
        let path = self.write(name, content);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
        path
    }

    /// Writes anchorhold.toml.
    pub(crate) fn configure(&self, text: &str) {
        self.write("h/anchorhold.toml", text);
    }

    /// Where a name below the directory is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The directory.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The key database of an unconfigured home.
    pub(crate) fn database(&self) -> PathBuf {
        self.path("h/stores/anchorhold.p12")
    }

    /// Everything below the program's home, as it is now.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot::of(&self.path("h"))
    }

    /// The call of the program, not yet started.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.current_dir(self.directory()).args(["--home", "h"]);
        command.args(&self.options).args(words);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs the program.
    #[track_caller]
    pub(crate) fn run(&self, words: &[&str]) -> Outcome {
        self.run_with(words, b"")
    }

    /// Runs the program with something on its standard input.
    #[track_caller]
    pub(crate) fn run_with(&self, words: &[&str], input: &[u8]) -> Outcome {
        Watched::output(&mut self.command(words), input, DEADLINE)
    }

    /// Runs the program for a document, which has to fit the schema of its command.
    #[track_caller]
    pub(crate) fn json(&self, code: i32, words: &[&str]) -> Value {
        let mut all = words.to_vec();
        all.push("--json");
        let outcome = self.run(&all).exits(code);
        let document = outcome.document();
        fits(words, &document, &outcome);
        document
    }

    /// Connects to TSM1, and this is what comes of it.
    #[track_caller]
    pub(crate) fn connects(&self, exit: i32, decision: &str, code: &str, row: u8) -> Value {
        let report = self.json(exit, &["connect", "TSM1"]);
        assert_eq!(report["decision"], decision, "{report:#}");
        assert_eq!(report["code"], code, "{report:#}");
        assert_eq!(report["row"], row, "{report:#}");
        report
    }

    /// Runs a line in a shell that finds the program by its name.
    #[track_caller]
    pub(crate) fn shell(&self, line: &str) -> Outcome {
        let mut shell = Command::new("sh");
        shell.current_dir(self.directory()).args(["-c", line]);
        shell.envs(self.environment.iter().map(|(name, value)| (name, value)));
        shell.env("PATH", search_path(&[bin()]));
        Watched::output(&mut shell, b"", DEADLINE)
    }

    /// Calls the program by the name of the vendor's utility.
    #[track_caller]
    pub(crate) fn dsmcert(&self, words: &[&str]) -> Outcome {
        let link = self.path("dsmcert");
        if link.symlink_metadata().is_err() {
            std::os::unix::fs::symlink(PROGRAM, &link).expect("linked");
        }
        let mut command = Command::new(link);
        command.current_dir(self.directory()).args(["--home", "h"]);
        command.args(&self.options).args(words);
        Watched::output(&mut command, b"", DEADLINE)
    }
}

/// A stanza of dsm.sys for a server on this machine.
pub(crate) fn stanza(name: &str, port: u16, more: &[&str]) -> String {
    let mut text = format!("SErvername {name}\n  TCPServeraddress 127.0.0.1\n  TCPPort {port}\n");
    for line in more {
        text.push_str("  ");
        text.push_str(line);
        text.push('\n');
    }
    text
}

/// PATH with these directories before all others.
fn search_path(first: &[&Path]) -> OsString {
    let rest = std::env::var_os("PATH").unwrap_or_default();
    let first = first.iter().map(|path| path.to_path_buf());
    std::env::join_paths(first.chain(std::env::split_paths(&rest))).expect("a search path")
}

/// The directory of the program.
fn bin() -> &'static Path {
    Path::new(PROGRAM).parent().expect("in a directory")
}

/// The document is that of the command, or that of a failure where it is one.
#[track_caller]
fn fits(words: &[&str], document: &Value, outcome: &Outcome) {
    let failed = document.get("error").is_some();
    let code = outcome.status.code();
    assert!(
        !failed || matches!(code, Some(2 | 3)),
        "a failure exits with 2 or 3\n{}",
        outcome.shown()
    );
    let name = if failed {
        "error".to_owned()
    } else {
        schema_of(words)
    };
    let path = repository().join(format!("host/api/schema/{name}.json"));
    let text = fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("no schema {}: {error}", path.display()));
    let schema = serde_json::from_str(&text).expect("a schema is JSON");
    let wrong = mismatches(&schema, document);
    assert!(
        wrong.is_empty(),
        "the document is not as {name}.json says: {wrong:#?}\n{}",
        outcome.shown()
    );
}

/// The schema that describes what a command prints.
fn schema_of(words: &[&str]) -> String {
    match words {
        [
            group @ ("journal" | "plugin" | "server" | "store"),
            verb,
            ..,
        ] => format!("{group}-{verb}"),
        ["scope", rest @ ..] if rest.contains(&"--propose") => "scope-propose".to_owned(),
        [command, ..] => (*command).to_owned(),
        [] => panic!("no command"),
    }
}

/// How long one call may take on a machine that is busy with everything else.
const DEADLINE: Duration = Duration::from_secs(60);
