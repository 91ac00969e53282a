//! Tests of the key database as the host sees it, and as other programs see its files.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anchorhold_formats::{pem, sth};
use anchorhold_sdk::{Change, Effect};
use tempfile::TempDir;

use super::*;
use crate::workshop;

mod foreign;
mod interop;

#[allow(clippy::duplicate_mod, reason = "one body, for each format")]
#[path = "tests"]
mod kdb {
    /// Of the database that each test has.
    const NAME: &str = "anchors.kdb";

    #[path = "body.rs"]
    mod body;
}

#[allow(clippy::duplicate_mod, reason = "one body, for each format")]
#[path = "tests"]
mod p12 {
    /// Of the database that each test has.
    const NAME: &str = "anchors.p12";

    #[path = "body.rs"]
    mod body;
}

/// An open store in a directory of its own.
struct Bench {
    /// Removed with the bench.
    _directory: TempDir,
    path: PathBuf,
    store: KeyDatabase,
}

impl Bench {
    /// With a database of this name, which is not there yet.
    fn new(name: &str) -> Self {
        Self::with(name, &[])
    }

    fn with(name: &str, settings: &[(&str, &str)]) -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("stores").join(name);
        Self {
            store: open(&path, settings).unwrap(),
            path,
            _directory: directory,
        }
    }

    fn path(&self) -> PathBuf {
        self.path.clone()
    }

    /// Puts a database of another program there, and its password beside it.
    fn adopt(&self, bytes: &[u8], password: &[u8]) {
        fs::create_dir_all(self.path.parent().unwrap()).unwrap();
        fs::write(&self.path, bytes).unwrap();
        let stash = sth::write_v1(password, &[7; 128]).unwrap();
        fs::write(self.stash(), stash).unwrap();
        fs::set_permissions(self.stash(), Permissions::from_mode(0o600)).unwrap();
    }

    fn stash(&self) -> PathBuf {
        self.path.with_extension("sth")
    }

    fn apply(&self, batch: &Batch<'_>) -> Result<Vec<Effect>, Error> {
        let mut effects = Vec::new();
        let mut take = |effect, id: &[u8]| {
            assert!(id.len() == 32 || effect == Effect::Unchanged);
            effects.push(effect);
            Ok(())
        };
        let mut outcomes = Outcomes::collecting(&mut take);
        self.store.apply(&Call::detached(), batch, &mut outcomes)?;
        Ok(effects)
    }

    fn put(&self, der: &[u8], label: &str) -> Result<Vec<Effect>, Error> {
        self.apply(&Batch::new(vec![Change::Put(item(der, label))]))
    }

    /// The labels of all pages of at most `limit` items.
    fn list(&self, limit: usize) -> Result<Vec<String>, Error> {
        let mut labels = Vec::new();
        let mut cursor = Vec::new();
        loop {
            let mut page = Page::new(limit, &cursor);
            let mut count = 0;
            self.page(&mut page, &mut |item| {
                assert_eq!(item.kind, Kind::Certificate);
                assert_eq!(item.id, Id::of(item.der).as_bytes());
                assert_eq!(*item.rules, *Rule::SERVER_ANCHOR);
                labels.push(item.label.to_owned());
                count += 1;
                Ok(())
            })?;
            assert!(limit == 0 || count <= limit);
            cursor = page.next_cursor().to_vec();
            if cursor.is_empty() {
                return Ok(labels);
            }
        }
    }

    /// Kind, identity and label of everything that is listed.
    fn items(&self) -> Vec<(Kind, Vec<u8>, String)> {
        let mut items = Vec::new();
        let mut take = |item: &Item<'_>| {
            items.push((item.kind, item.id.to_vec(), item.label.to_owned()));
            Ok(())
        };
        self.page(&mut Page::new(0, &[]), &mut take).unwrap();
        items
    }

    fn page(
        &self,
        page: &mut Page,
        take: &mut dyn FnMut(&Item<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut items = Items::collecting(take);
        self.store.list(&Call::detached(), page, &mut items)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(self.path().parent().unwrap())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}{error}");
        text
    }

    /// A certificate made by openssl, with its key in a file beside it.
    fn real_certificate(&self, name: &str) -> Vec<u8> {
        let [key, certificate] = ["key", "pem"].map(|extension| format!("{name}.{extension}"));
        let subject = format!("/CN={name}");
        fs::create_dir_all(self.path().parent().unwrap()).unwrap();
        self.run(
            "openssl",
            &[
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "30",
                "-subj",
                &subject,
                "-keyout",
                &key,
                "-out",
                &certificate,
            ],
        );
        let text = fs::read(self.path().with_file_name(certificate)).unwrap();
        pem::certificates(&text).unwrap().remove(0)
    }
}

fn open(path: &Path, settings: &[(&str, &str)]) -> Result<KeyDatabase, Error> {
    let path = [("path", path.to_str().unwrap())];
    let settings = [&path[..], settings].concat();
    KeyDatabase::open(Host::detached(), &Config::new("keydb", &settings))
}

fn certificate(number: u32) -> Vec<u8> {
    workshop::certificate(number)
}

fn item<'a>(der: &'a [u8], label: &'a str) -> Item<'a> {
    let mut item = Item::certificate(&[], der);
    item.label = label;
    item.rules = Rule::SERVER_ANCHOR.into();
    item
}

/// Whether a program is there; elsewhere a line says what was left out.
fn has(programs: &[&str]) -> bool {
    programs.iter().all(|program| {
        let is_there = Command::new(program).arg("-help").output().is_ok();
        if !is_there {
            workshop::skip(&format!("{program} is not installed"));
        }
        is_there
    })
}
