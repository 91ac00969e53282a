//! Tokens for tests: real modules, each test in a process of its own, since a module is initialised
//! once in a process and finds its tokens by the environment.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Where the modules are on the machines that this is tested on.
pub(crate) const SOFTHSM: &str = "/usr/lib/softhsm/libsofthsm2.so";
pub(crate) const PIN: &str = "1234";
pub(crate) const SO_PIN: &str = "12345678";
/// Says, in a process that was started for one test, where that test may write.
const DIRECTORY: &str = "ANCHORHOLD_TOKEN_DIRECTORY";

/// A directory with what a test needs.
pub(crate) struct Workshop(PathBuf);

/// Runs the body of a test in a process of its own: the test, by its full name, is started again.
pub(crate) fn alone(name: &str, needed: &[&str], body: impl FnOnce(&Workshop)) {
    alone_with("", name, needed, body);
}

/// The same, with faults of the shim; `{}` in them stands for the directory of the test.
pub(crate) fn alone_with(faults: &str, name: &str, needed: &[&str], body: impl FnOnce(&Workshop)) {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        return body(&Workshop(directory.into()));
    }
    for file in needed {
        if !is_there(file) {
            return skip(&format!("{file} is not installed"));
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let tokens = directory.path().join("tokens");
    fs::create_dir(&tokens).unwrap();
    let configuration = directory.path().join("softhsm2.conf");
    let text = format!("directories.tokendir = {}\n", tokens.display());
    fs::write(&configuration, text).unwrap();
    let ended = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(DIRECTORY, directory.path())
        .env("SOFTHSM2_CONF", &configuration)
        .env("P11_REAL", SOFTHSM)
        .env(
            "P11_SHIM",
            faults.replace("{}", &directory.path().display().to_string()),
        )
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(said.contains("1 passed"), "{name}: {}", told(&ended));
}

impl Workshop {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Runs a program in the directory.
    pub(crate) fn outcome(&self, program: &str, words: &[&str]) -> Output {
        let mut command = Command::new(program);
        command.args(words).current_dir(&self.0).env("LC_ALL", "C");
        command.output().unwrap()
    }

    /// Runs one that has to succeed, and gives what it printed.
    pub(crate) fn run(&self, program: &str, words: &[&str]) -> String {
        let ended = self.outcome(program, words);
        assert!(
            ended.status.success(),
            "{program} {words:?}: {}",
            told(&ended)
        );
        String::from_utf8_lossy(&ended.stdout).into_owned()
    }

    /// Makes a token of SoftHSM.
    pub(crate) fn token(&self, label: &str) {
        let words = ["--init-token", "--free", "--label", label];
        let pins = ["--so-pin", SO_PIN, "--pin", PIN];
        self.run("softhsm2-util", &[&words[..], &pins].concat());
    }

    /// What pkcs11-tool does as the user of the token "corp".
    pub(crate) fn tool(&self, words: &[&str]) -> String {
        let fixed = ["--module", SOFTHSM, "--token-label", "corp"];
        let login = ["--login", "--pin", PIN];
        self.run("pkcs11-tool", &[&fixed[..], &login, words].concat())
    }

    /// A certificate that signs itself, with `NAME.key` beside it.
    pub(crate) fn certificate(&self, name: &str) -> Vec<u8> {
        let (subject, key, out) = (
            format!("/CN={name}"),
            format!("{name}.key"),
            format!("{name}.der"),
        );
        let made = ["req", "-x509", "-nodes", "-days", "30", "-newkey", "ec"];
        let curve = ["-pkeyopt", "ec_paramgen_curve:P-256", "-outform", "DER"];
        let files = ["-subj", &subject, "-keyout", &key, "-out", &out];
        self.run("openssl", &[&made[..], &curve, &files].concat());
        self.read(&out)
    }

    /// The module of SoftHSM, with faults before it.
    pub(crate) fn shim(&self) -> String {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/bad/p11-shim.c");
        let words = [
            "-shared",
            "-fPIC",
            "-fvisibility=hidden",
            "-o",
            "libshim.so",
        ];
        self.run("cc", &[&words[..], &[source, "-ldl"]].concat());
        self.text("libshim.so")
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }
}

fn told(ended: &Output) -> String {
    let (out, err) = (&ended.stdout, &ended.stderr);
    let (out, err) = (String::from_utf8_lossy(out), String::from_utf8_lossy(err));
    format!("{}\n{out}\n{err}", ended.status)
}

/// Whether a file is there, or a program of that name.
fn is_there(file: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    Path::new(file).exists()
        || (!file.contains('/') && std::env::split_paths(&path).any(|dir| dir.join(file).exists()))
}

/// Says why a test does not run, and notes it where the runner of the tests counts.
fn skip(reason: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    // Not captured by the test harness, so that it is seen.
    let _ = writeln!(io::stderr(), "skipped {test}: {reason}");
    if let Some(list) = std::env::var_os("ANCHORHOLD_SKIPS") {
        let file = OpenOptions::new().append(true).create(true).open(list);
        let line = format!("{test}: {reason}\n");
        file.unwrap().write_all(line.as_bytes()).unwrap();
    }
}
