//! Key databases as another program leaves them: no lock beside them, and a stash of their own.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{Home, Identity, Layout, Openssl};

/// The maker of key databases, which owes nothing to this project.
#[derive(Clone, Debug)]
pub(crate) struct Vendor {
    directory: PathBuf,
    layout: Layout,
}

/// What the flags of every certificate are whose meaning is known.
pub(crate) const TRUSTED: &str = "0780";

/// Flags that nobody knows.
pub(crate) const UNKNOWN: &str = "0700";

impl Vendor {
    /// The maker, at work in the directory of a home; else the test is skipped.
    pub(crate) fn find(home: &Home) -> Option<Self> {
        let directory = home.directory().to_owned();
        let layout = Layout::find(&directory)?;
        Some(Self { directory, layout })
    }

    /// A .kdb of a version, with these certificates, by their labels and flags, and its stash.
    pub(crate) fn kdb(&self, name: &str, version: u8, held: &[(&str, &Identity, &str)]) {
        let records = held.iter().enumerate();
        let records = records.map(|(number, (label, identity, flags))| {
            let file = format!("{name}.{number}.der");
            self.put(&file, &identity.der());
            json!({"label": label, "certificate": file, "flags": flags})
        });
        self.kdb_of(name, version, &records.collect::<Vec<_>>());
    }

    /// A .kdb of these records, and its stash.
    pub(crate) fn kdb_of(&self, name: &str, version: u8, records: &[Value]) {
        self.prepare(name);
        let description = json!({
            "version": version,
            "password": PASSWORD,
            "salt": "5a".repeat(23),
            "records": records,
        });
        self.layout.write(name, &description);
        self.stash(name, "v2", PASSWORD);
    }

    /// A .p12 with these certificates, as openssl makes it, and a stash.
    pub(crate) fn p12(&self, openssl: &Openssl, name: &str, held: &[(&str, &Identity)]) {
        self.prepare(name);
        let all: String = held.iter().map(|(_, identity)| identity.pem()).collect();
        let pem = format!("{name}.pem");
        self.put(&pem, all.as_bytes());
        let password = format!("pass:{PASSWORD}");
        let mut words = vec!["pkcs12", "-export", "-nokeys", "-in", &pem, "-out", name];
        words.extend(["-passout", &password]);
        for (label, _) in held {
            words.extend(["-caname", label]);
        }
        openssl.run(&words);
        self.stash(name, "v1", PASSWORD);
    }

    /// The stash beside a database, in a form and with a password.
    pub(crate) fn stash(&self, name: &str, form: &str, password: &str) {
        let stash = PathBuf::from(name).with_extension("sth");
        let description = json!({
            "form": form,
            "password": password,
            "filler": "55".repeat(128),
            "salt": "1f".repeat(32),
        });
        let stash = stash.to_str().expect("text");
        self.layout.write_stash(stash, &description);
        for written in [stash, name] {
            restrict(&self.directory.join(written));
        }
    }

    fn prepare(&self, name: &str) {
        let path = self.directory.join(name);
        let parent = path.parent().expect("below the directory");
        fs::create_dir_all(parent).expect("made");
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        self.prepare(name);
        fs::write(self.directory.join(name), bytes).expect("written");
    }
}

/// Nobody but the owner reads it.
fn restrict(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("changed");
}

const PASSWORD: &str = "Example-Pass-1";
