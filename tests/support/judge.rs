//! A real GSKit as judge of key databases, where it was installed for the tests.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Authority, Identity, Leaf, Openssl, Watched, here, repository, skip};

/// A GSKit, and a server that one CA has signed.
#[derive(Debug)]
pub(crate) struct Judge {
    python: PathBuf,
    server: Identity,
    authority: Authority,
}

/// What GSKit makes of a key database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ruling {
    /// It was read, and the handshake with the server was finished.
    Opens,
    /// It was read, and nobody in it signed the server.
    NotTrusted,
    /// It cannot be read, or not with this password.
    Unreadable,
}

impl Judge {
    /// The judge, where there is one; else the test is skipped.
    pub(crate) fn find(openssl: &Openssl) -> Option<Self> {
        let python = python()?;
        let authority = Authority::root(openssl, "signer");
        let server = authority.sign(&Leaf {
            name: "judge",
            ..Leaf::GOOD
        });
        Some(Self {
            python,
            server,
            authority,
        })
    }

    /// The CA that has signed the server.
    pub(crate) fn signer(&self) -> &Identity {
        self.authority.identity()
    }

    /// What it makes of databases, each with its stash.
    #[track_caller]
    pub(crate) fn rulings(&self, cases: &[(PathBuf, PathBuf)]) -> Vec<Ruling> {
        let described = cases.iter().map(
            |(database, stash)| json!({"database": database.to_str(), "stash": stash.to_str()}),
        );
        let described = Value::from_iter(described);
        let mut command = Command::new(&self.python);
        command.arg(repository().join("tests/gskit/judge.py"));
        command.arg("--certificate").arg(&self.server.certificate);
        command.arg("--key").arg(&self.server.key);
        let input = described.to_string();
        let outcome = Watched::output(&mut command, input.as_bytes(), PATIENCE).exits(0);
        let document = outcome.document();
        let found = document.as_array().expect("a list");
        assert_eq!(found.len(), cases.len(), "{}", outcome.shown());
        found.iter().map(ruling).collect()
    }

    /// It makes of each of these databases what is expected of it.
    #[track_caller]
    pub(crate) fn rules(&self, cases: &[(PathBuf, PathBuf, Ruling)]) {
        let pairs: Vec<_> = cases
            .iter()
            .map(|(database, stash, _)| (database.clone(), stash.clone()))
            .collect();
        let wrong: Vec<String> = self
            .rulings(&pairs)
            .iter()
            .zip(cases)
            .filter(|(found, (_, _, expected))| *found != expected)
            .map(|(found, (database, stash, expected))| {
                let name = |path: &Path| path.display().to_string();
                format!(
                    "{} with {}: {found:?}, expected {expected:?}",
                    name(database),
                    name(stash)
                )
            })
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

#[track_caller]
fn ruling(found: &Value) -> Ruling {
    match found["verdict"].as_str() {
        Some("opens") => Ruling::Opens,
        Some("not-trusted") => Ruling::NotTrusted,
        Some("unreadable") => Ruling::Unreadable,
        _ => panic!("GSKit rules otherwise: {found:#}"),
    }
}

/// The Python that has GSKit: the one that was prepared, or that of `tests/gskit/install`.
fn python() -> Option<PathBuf> {
    if !here("python3") {
        return None;
    }
    let python = match std::env::var_os("ANCHORHOLD_GSKIT") {
        Some(prepared) => Path::new(&prepared).join("bin/python"),
        None => {
            let mut command = Command::new(repository().join("tests/gskit/install"));
            let outcome = Watched::output(command.arg("--where"), b"", PATIENCE);
            PathBuf::from(outcome.stdout.trim())
        }
    };
    let mut command = Command::new(&python);
    command.args(["-c", "import ibm_db"]);
    let there = command.output().is_ok_and(|output| output.status.success());
    if !there {
        skip("there is no GSKit: tests/gskit/install gets it");
    }
    there.then_some(python)
}

/// How long all rulings of one test may take.
const PATIENCE: Duration = Duration::from_secs(240);
