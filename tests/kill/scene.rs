//! A home with tasks to be done in it, and what must hold of it after each death.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

use rcgen::{CertificateParams, DnType, KeyPair};
use serde_json::Value;

use crate::support::{Answer, Home, sha256, stanza};

/// What is done, and dies of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// `connect`, with a certificate accepted on first use.
    Accept,
    /// `import`.
    Import,
    /// `server raise`.
    Raise,
}

impl Act {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Accept, Self::Import, Self::Raise];

    /// Its place among all.
    pub(super) fn index(self) -> usize {
        match self {
            Self::Accept => 0,
            Self::Import => 1,
            Self::Raise => 2,
        }
    }

    /// Whether what a process printed is its word that the act is done.
    pub(super) fn acknowledges(self, printed: &str) -> bool {
        let Ok(document) = serde_json::from_str::<Value>(printed) else {
            return false;
        };
        match self {
            // An acceptance that had been interrupted may have been completed at the start.
            Self::Accept => document["decision"] == "tls",
            Self::Import => document["imported"][0]["sha256"].is_string(),
            Self::Raise => document["session_security"] == "strict",
        }
    }

    /// How many tasks one home is for.
    fn tasks(self) -> usize {
        match self {
            Self::Accept => 8,
            Self::Import => 12,
            Self::Raise => 40,
        }
    }
}

/// One thing to be done.
#[derive(Clone, Debug)]
pub(super) struct Task {
    /// The server.
    server: String,
    /// The SHA-256 of the certificate; empty where there is none.
    certificate: String,
    /// The file of the certificate.
    file: String,
}

/// A home, and its tasks one after the other.
#[derive(Debug)]
pub(super) struct Scene {
    /// What is done in it.
    pub(super) act: Act,
    home: Home,
    tasks: Vec<Task>,
    /// How many of the tasks were acknowledged, or were seen to be done.
    done: usize,
    _servers: Vec<Answer>,
}

impl Scene {
    /// A home that is not made yet.
    pub(super) fn new(act: Act) -> Self {
        let mut home = Home::new();
        let mut servers = Vec::new();
        let mut tasks = Vec::new();
        let mut options = String::new();
        for number in 0..act.tasks() {
            let server = format!("S{number}");
            let (mut port, mut certificate, file) = (1, String::new(), format!("{number}.pem"));
            match act {
                Act::Accept => {
                    let answer = Answer::enhanced([8, 1, 2, 0]);
                    port = answer.port;
                    certificate.clone_from(&answer.sha256);
                    servers.push(answer);
                }
                Act::Import => certificate = write_certificate(&home, &file),
                Act::Raise => {}
            }
            options.push_str(&stanza(&server, port, &[]));
            tasks.push(Task {
                server,
                certificate,
                file,
            });
        }
        home.write("dsm.sys", options);
        home.take_options(&["--options", "dsm.sys"]);
        Self {
            act,
            home,
            tasks,
            done: 0,
            _servers: servers,
        }
    }

    /// The task that is next.
    pub(super) fn task(&self) -> Option<Task> {
        self.tasks.get(self.done).cloned()
    }

    /// The task that is next is done.
    pub(super) fn acknowledged(&mut self) {
        self.done += 1;
    }

    /// The call that does a task.
    pub(super) fn command(&self, task: &Task) -> Command {
        let (server, file) = (&*task.server, &*task.file);
        let words = match self.act {
            Act::Accept => vec!["connect", server, "--json"],
            Act::Import => vec!["import", "--server", server, file, "--json"],
            Act::Raise => vec!["server", "raise", server, "--json"],
        };
        self.home.command(&words)
    }

    /// Where a name below the directory is.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.home.path(name)
    }

    /// The home can be read, is whole, and has everything that was acknowledged.
    pub(super) fn is_sound(&self, task: &Task) {
        let journal = self.home.json(0, &["journal", "verify"]);
        assert_eq!(journal["whole"], true, "{journal:#}");
        self.has_no_problem_but_what_is_open();
        let list = self.home.json(0, &["list"]);
        self.home.json(0, &["explain", &task.server]);
        let done = &self.tasks[..self.done];
        if self.act != Act::Raise {
            let held = vouching(&list);
            for task in done {
                let pair = (task.certificate.clone(), task.server.clone());
                assert!(held.contains(&pair), "{task:?} was acknowledged: {list:#}");
            }
        }
        if self.act != Act::Import {
            let strict = self.strict();
            for task in done {
                assert!(
                    strict.contains(&task.server),
                    "{task:?} was acknowledged: {strict:?}"
                );
            }
        }
    }

    /// Who died while it changed a store is named until somebody comes who settles it, and nothing
    /// else is wrong.
    fn has_no_problem_but_what_is_open(&self) {
        let check = self.home.run(&["store", "check", "--json"]).document();
        let count = |of: &str| check[of].as_array().expect("a list").len();
        let most = usize::from(self.act == Act::Import);
        assert!(count("undertakings") <= most, "{check:#}");
        assert_eq!(count("problems"), count("undertakings"), "{check:#}");
    }

    /// Whether a task is done that nobody acknowledged.
    pub(super) fn is_done(&self, task: &Task) -> bool {
        match self.act {
            Act::Accept | Act::Raise => self.strict().contains(&task.server),
            Act::Import => {
                let pair = (task.certificate.clone(), task.server.clone());
                vouching(&self.home.json(0, &["list"])).contains(&pair)
            }
        }
    }

    /// After all those deaths the work goes on: what is missing can be done.
    pub(super) fn goes_on(&mut self) {
        if let Some(task) = self.task() {
            let mut command = self.command(&task);
            let deadline = std::time::Duration::from_secs(60);
            let outcome = crate::support::Watched::output(&mut command, b"", deadline).exits(0);
            assert!(
                self.act.acknowledges(&outcome.stdout),
                "{}",
                outcome.shown()
            );
            self.acknowledged();
            self.is_sound(&task);
        }
        let leftover = self.home.json(0, &["store", "check"]);
        for open in ["intents", "undertakings"] {
            let count = leftover[open].as_array().map(Vec::len);
            assert_eq!(count, Some(0), "{leftover:#}");
        }
    }

    fn strict(&self) -> BTreeSet<String> {
        let list = self.home.json(0, &["server", "list"]);
        let servers = list["servers"].as_array().expect("a list").iter();
        let strict = servers.filter(|server| server["session_security"] == "strict");
        strict
            .map(|server| server["server"].as_str().expect("a name").to_owned())
            .collect()
    }
}

/// Every certificate with each server that it vouches for.
fn vouching(list: &Value) -> BTreeSet<(String, String)> {
    let mut pairs = BTreeSet::new();
    for certificate in list["certificates"].as_array().expect("a list") {
        let digits = certificate["sha256"].as_str().expect("a fingerprint");
        for server in certificate["servers"].as_array().into_iter().flatten() {
            let server = server.as_str().expect("a name");
            pairs.insert((digits.to_owned(), server.to_owned()));
        }
    }
    pairs
}

/// Writes a new certificate, and gives back its SHA-256.
fn write_certificate(home: &Home, file: &str) -> String {
    let key = KeyPair::generate().expect("a key");
    let mut parameters = CertificateParams::default();
    parameters
        .distinguished_name
        .push(DnType::CommonName, "TSM Self-Signed Certificate");
    let certificate = parameters.self_signed(&key).expect("signed");
    home.write(file, certificate.pem());
    sha256(certificate.der())
}
