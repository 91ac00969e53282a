//! A home whose one store is a key database, and what that holds by its bytes alone.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anchorhold_formats::{kdb, p12, sth};
use rcgen::{CertificateParams, DnType, KeyPair};

use crate::support::{Home, Watched, sha256, stanza};

/// The kinds of key databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Of the vendor.
    Kdb,
    /// That everybody reads.
    P12,
}

impl Kind {
    /// All of them.
    pub(super) const ALL: [Self; 2] = [Self::Kdb, Self::P12];

    /// The name of its file.
    fn file(self) -> &'static str {
        match self {
            Self::Kdb => "keys.kdb",
            Self::P12 => "keys.p12",
        }
    }
}

/// What there is before an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    /// No database yet.
    Nothing,
    /// A database of our own.
    Own,
    /// One that was made elsewhere, of which a copy is kept.
    Foreign,
}

impl Before {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Nothing, Self::Own, Self::Foreign];
}

/// A home whose one store is a key database.
#[derive(Debug)]
pub(super) struct Scene {
    /// The kind of the database.
    pub(super) kind: Kind,
    /// The home.
    pub(super) home: Home,
}

impl Scene {
    /// A home with so many servers, S0 and on, and a database that is not made yet.
    pub(super) fn new(kind: Kind, servers: usize) -> Self {
        Self::with_settings(kind, servers, "")
    }

    /// The same, with more settings of the store.
    pub(super) fn with_settings(kind: Kind, servers: usize, more: &str) -> Self {
        let names = (0..servers).map(|number| stanza(&format!("S{number}"), 1500, &[]));
        let home = Home::with_options(&names.collect::<String>());
        let file = kind.file();
        home.configure(&format!(
            "[[store]]\nname = \"keydb\"\nplugin = \"anchorhold.keydb\"\n\
             settings = {{ path = \"stores/{file}\"{more} }}\n"
        ));
        Self { kind, home }
    }

    /// A home with one server, as it is before an import.
    pub(super) fn before(kind: Kind, before: Before) -> Self {
        let scene = Self::new(kind, 1);
        if before != Before::Nothing {
            scene.import("old.pem");
        }
        if before == Before::Foreign {
            fs::remove_file(scene.lock()).expect("there");
        }
        scene
    }

    /// The same scene once more, in a directory of its own.
    pub(super) fn copy(&self) -> Self {
        let mut home = Home::new();
        copy_all(self.home.directory(), home.directory());
        home.take_options(&["--options", "dsm.sys"]);
        Self {
            kind: self.kind,
            home,
        }
    }

    /// The database.
    pub(super) fn database(&self) -> PathBuf {
        self.stores().join(self.kind.file())
    }

    /// Its stash.
    pub(super) fn stash(&self) -> PathBuf {
        self.database().with_extension("sth")
    }

    /// What a writer locks.
    pub(super) fn lock(&self) -> PathBuf {
        self.beside(".lock")
    }

    /// What is kept of a database that was made elsewhere.
    pub(super) fn backup(&self) -> PathBuf {
        self.beside(".before-anchorhold")
    }

    /// The directory of all of them.
    pub(super) fn stores(&self) -> PathBuf {
        self.home.path("h/stores")
    }

    /// Writes a new certificate into a file, and gives back its SHA-256.
    pub(super) fn certificate(&self, file: &str) -> String {
        let key = KeyPair::generate().expect("a key");
        let mut parameters = CertificateParams::default();
        let name = "TSM Self-Signed Certificate";
        parameters.distinguished_name.push(DnType::CommonName, name);
        let certificate = parameters.self_signed(&key).expect("signed");
        self.home.write(file, certificate.pem());
        sha256(certificate.der())
    }

    /// Makes a certificate and imports it for S0; its SHA-256.
    #[track_caller]
    pub(super) fn import(&self, file: &str) -> String {
        let digits = self.certificate(file);
        let mut command = self.command(0, file);
        Watched::output(&mut command, b"", PATIENCE).exits(0);
        digits
    }

    /// The call that imports a file for a server.
    pub(super) fn command(&self, server: usize, file: &str) -> Command {
        let server = format!("S{server}");
        self.home
            .command(&["import", "--server", &server, file, "--json"])
    }

    /// What the database holds, read from its bytes by the library; none where there is none.
    #[track_caller]
    pub(super) fn held(&self) -> Option<BTreeSet<String>> {
        fs::read(self.database())
            .ok()
            .map(|bytes| self.held_in(bytes))
    }

    /// What these bytes of the database hold.
    #[track_caller]
    pub(super) fn held_in(&self, bytes: Vec<u8>) -> BTreeSet<String> {
        let stash = fs::read(self.stash()).expect("a database has its stash");
        let password = sth::read(&stash).expect("a stash");
        let text = str::from_utf8(&password).expect("text");
        match self.kind {
            Kind::Kdb => {
                let database = kdb::read(bytes, &password).expect("whole");
                database.certificates().map(|one| sha256(one.der)).collect()
            }
            Kind::P12 => {
                let archive = p12::read(bytes, &mut p12::Password::new(text)).expect("whole");
                archive.certificates().map(|one| sha256(one.der)).collect()
            }
        }
    }

    /// Everything is well, and nothing is left to be done.
    #[track_caller]
    pub(super) fn is_sound(&self) {
        let check = self.home.json(0, &["store", "check"]);
        assert_eq!(check["passed"], true, "{check:#}");
        let intents = check["intents"].as_array().map(Vec::len);
        assert_eq!(intents, Some(0), "{check:#}");
    }

    /// What is beside the database and does not belong to it.
    pub(super) fn litter(&self) -> Vec<PathBuf> {
        let all = [self.database(), self.stash(), self.lock(), self.backup()];
        let found = fs::read_dir(self.stores()).expect("there");
        let paths = found.map(|entry| entry.expect("an entry").path());
        paths.filter(|path| !all.contains(path)).collect()
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut name = self.database().into_os_string();
        name.push(ending);
        name.into()
    }
}

/// Copies a tree, with its modes.
fn copy_all(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            let mode = path.metadata().expect("there").permissions();
            fs::create_dir(&copy).expect("made");
            copy_all(&path, &copy);
            fs::set_permissions(&copy, mode).expect("set");
        } else {
            fs::copy(&path, &copy).expect("copied");
        }
    }
}

/// The mode of a file.
pub(super) fn mode(path: &Path) -> u32 {
    let metadata = fs::metadata(path).expect("there");
    metadata.permissions().mode() & 0o7777
}

/// How long one call may take on a machine that is busy with everything else.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
