//! A real GSKit as judge: what it makes of every key database and stash that is written here.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use anchorhold_formats::edit::{Edit, Edits, Entry};
use anchorhold_formats::kdb::{self, Salt, Version};
use anchorhold_formats::p12::{self, Password, Randomness};
use anchorhold_formats::sth;
use serde_json::json;
use tempfile::TempDir;

use crate::support::{Home, Identity, Judge, Layout, Openssl, Ruling};

/// A directory, a judge, and a CA that has signed nobody.
struct Court {
    directory: TempDir,
    judge: Judge,
    openssl: Openssl,
    stranger: Identity,
}

impl Court {
    /// The court, where there is a GSKit and an openssl.
    fn sits() -> Option<Self> {
        let directory = tempfile::tempdir().expect("a directory");
        let openssl = Openssl::find(directory.path())?;
        let judge = Judge::find(&openssl)?;
        let stranger = openssl.self_signed("stranger", "/CN=Stranger", &[]);
        let court = Self {
            directory,
            judge,
            openssl,
            stranger,
        };
        court.put("v1.sth", &stash_v1(PASSWORD));
        court.put("v2.sth", &stash_v2(PASSWORD));
        Some(court)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).expect("written");
        path
    }

    /// The database in the three forms that are written, each with both stashes.
    fn in_every_form(
        &self,
        name: &str,
        entries: &[Entry<'_>],
        ruling: &Ruling,
    ) -> Vec<(PathBuf, PathBuf, Ruling)> {
        let mut cases = Vec::new();
        for (form, bytes) in written(entries) {
            let path = self.put(&format!("{name}-{form}"), &bytes);
            for stash in ["v1.sth", "v2.sth"] {
                cases.push((path.clone(), self.path(stash), ruling.clone()));
            }
        }
        cases
    }
}

#[test]
fn it_opens_what_is_written_and_trusts_nobody_else() {
    let Some(court) = Court::sits() else { return };
    let signer = court.judge.signer().der();
    let stranger = court.stranger.der();
    let grown = large(&court.openssl).der();
    let entry = |label, der| Entry { label, der };
    let mut cases = Vec::new();
    for (name, entries, ruling) in [
        ("empty", vec![], Ruling::NotTrusted),
        ("one", vec![entry("signer", &signer)], Ruling::Opens),
        ("other", vec![entry("other", &stranger)], Ruling::NotTrusted),
        (
            "labelled",
            vec![
                entry("TSM server TSM1 self-signed key (2)", &stranger),
                entry("Schlüssel 東京 \u{1f511}", &signer),
            ],
            Ruling::Opens,
        ),
        (
            "grown",
            vec![entry("large", &grown), entry("signer", &signer)],
            Ruling::Opens,
        ),
    ] {
        let entries: Vec<Entry<'_>> = entries;
        cases.extend(court.in_every_form(name, &entries, &ruling));
    }
    court.judge.rules(&cases);
}

#[test]
fn it_opens_a_thousand_certificates_and_finds_the_last() {
    let Some(court) = Court::sits() else { return };
    let signer = court.judge.signer().der();
    let strangers = many(1000);
    let labels: Vec<String> = (0..1000).map(|n| format!("stranger {n}")).collect();
    let mut entries: Vec<Entry<'_>> = labels
        .iter()
        .zip(&strangers)
        .map(|(label, der)| Entry { label, der })
        .collect();
    let without = court.in_every_form("without", &entries, &Ruling::NotTrusted);
    entries.push(Entry {
        label: "signer",
        der: &signer,
    });
    let with = court.in_every_form("with", &entries, &Ruling::Opens);
    court.judge.rules(&[without, with].concat());
}

#[test]
fn it_refuses_each_database_with_a_flipped_byte() {
    let Some(court) = Court::sits() else { return };
    let signer = court.judge.signer().der();
    let entries = [Entry {
        label: "signer",
        der: &signer,
    }];
    let mut cases = Vec::new();
    for (form, bytes) in written(&entries) {
        // In front, where the authenticators are, in the certificate, and at the end.
        let places = [
            0x19,
            0x35,
            0x70,
            0xb0,
            400,
            bytes.len() / 2,
            bytes.len() - 1,
        ];
        for at in places.into_iter().filter(|at| *at < bytes.len()) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x04;
            let path = court.put(&format!("flipped-{at}-{form}"), &flipped);
            cases.push((path, court.path("v2.sth"), Ruling::Unreadable));
        }
    }
    court.judge.rules(&cases);
}

#[test]
fn it_takes_a_stash_with_a_flipped_byte_only_where_that_is_filler() {
    let Some(court) = Court::sits() else { return };
    let signer = court.judge.signer().der();
    let entries = [Entry {
        label: "signer",
        der: &signer,
    }];
    let database = written(&entries).swap_remove(1).1;
    let database = court.put("signer.kdb", &database);
    let mut cases = Vec::new();
    let within = PASSWORD.len() - 1;
    for (form, stash, places) in [
        ("v1", stash_v1(PASSWORD), [0, within, 100]),
        ("v2", stash_v2(PASSWORD), [0, 64 + within, 64 + 100]),
    ] {
        for (at, ruling) in
            places
                .into_iter()
                .zip([Ruling::Unreadable, Ruling::Unreadable, Ruling::Opens])
        {
            let mut flipped = stash.clone();
            flipped[at] ^= 0x04;
            let path = court.put(&format!("{form}-{at}.sth"), &flipped);
            cases.push((database.clone(), path, ruling));
        }
    }
    let mut check = stash_v2(PASSWORD);
    check[40] ^= 0x04;
    let check = court.put("check.sth", &check);
    cases.push((database.clone(), check, Ruling::Unreadable));
    for stash in [stash_v1(&LONGEST), stash_v2(&LONGEST)] {
        let path = court.put(&format!("longest-{}.sth", stash.len()), &stash);
        cases.push((database.clone(), path.clone(), Ruling::Unreadable));
        let edits = Edits {
            added: entries.to_vec(),
            ..Edits::default()
        };
        let bytes = kdb::create(Version::V6, &edits, &LONGEST, &SALT).expect("written");
        cases.push((court.put("longest.kdb", &bytes), path, Ruling::Opens));
    }
    court.judge.rules(&cases);
}

#[test]
fn it_opens_a_rewritten_database_of_somebody_else() {
    let Some(court) = Court::sits() else { return };
    let Some(layout) = Layout::find(court.directory.path()) else {
        return;
    };
    let signer = court.judge.signer().der();
    let mut cases = Vec::new();
    for (version, number) in [(Version::V4, 4), (Version::V6, 6)] {
        let foreign = layout.write("foreign.kdb", &foreign(&court, number));
        let text = std::str::from_utf8(PASSWORD).expect("ASCII");
        let read = |bytes: Vec<u8>| kdb::read(bytes, PASSWORD).expect("read");
        let database = read(foreign.clone());
        let mut edits = Edits::default();
        edits.added.push(Entry {
            label: "TSM server TSM1 self-signed key",
            der: &signer,
        });
        let stranger = database
            .certificates()
            .position(|held| held.label == "stranger")
            .expect("it is there");
        edits.changes.insert(stranger, Edit::Label("renamed"));
        let added = kdb::rewrite(&database, &edits, PASSWORD, &SALT).expect("written");
        let database = read(added.clone());
        let place = database
            .certificates()
            .position(|held| held.der == signer)
            .expect("it was added");
        let edits = Edits {
            changes: [(place, Edit::Remove)].into(),
            added: Vec::new(),
        };
        let removed = kdb::rewrite(&database, &edits, PASSWORD, &SALT).expect("written");
        for (name, bytes, ruling) in [
            ("foreign", foreign, Ruling::NotTrusted),
            ("added", added, Ruling::Opens),
            ("removed", removed, Ruling::NotTrusted),
        ] {
            let name = format!("{name}-{number}.kdb");
            let path = court.put(&name, &bytes);
            let fits = layout.read(&name, text);
            assert_eq!(fits["integrity_fits"], true, "{version:?} {name}");
            cases.push((path, court.path("v2.sth"), ruling));
        }
    }
    court.judge.rules(&cases);
}

#[test]
fn it_opens_what_the_layout_alone_tells_to_write() {
    let Some(court) = Court::sits() else { return };
    let Some(layout) = Layout::find(court.directory.path()) else {
        return;
    };
    let mut cases = Vec::new();
    court.put("signer.der", &court.judge.signer().der());
    for version in [4, 6] {
        for (name, more, ruling) in [
            ("as-it-is", json!({}), Ruling::Opens),
            ("personal", json!({"flags": "06c0"}), Ruling::Opens),
            ("untrusted", json!({"flags": "0700"}), Ruling::NotTrusted),
            ("no-index", json!({"index": []}), Ruling::Opens),
            ("passed-over", json!({"lead": 2}), Ruling::NotTrusted),
        ] {
            let mut record = json!({"label": "signer", "certificate": "signer.der"});
            let fields = record.as_object_mut().expect("an object");
            fields.extend(more.as_object().expect("an object").clone());
            let name = format!("{name}-{version}.kdb");
            let description = json!({
                "version": version,
                "password": String::from_utf8_lossy(PASSWORD),
                "salt": "07".repeat(23),
                "records": [record],
            });
            layout.write(&name, &description);
            cases.push((court.path(&name), court.path("v2.sth"), ruling));
        }
    }
    court.judge.rules(&cases);
}

#[test]
fn it_opens_the_stores_of_the_program() {
    let Some(court) = Court::sits() else { return };
    let mut cases = Vec::new();
    let mut stores = Vec::new();
    for (name, settings) in [
        ("a.p12", ""),
        ("b.p12", ", stash = \"v1\""),
        ("c.kdb", ""),
        ("d.kdb", ", stash = \"v1\", version = \"v4\""),
    ] {
        let store = Store::new(name, settings);
        store.import(&court.stranger);
        cases.push(store.now("before", Ruling::NotTrusted));
        store.import(court.judge.signer());
        cases.push(store.now("with", Ruling::Opens));
        store.remove(court.judge.signer());
        cases.push(store.now("after", Ruling::NotTrusted));
        stores.push(store);
    }
    court.judge.rules(&cases);
}

#[test]
fn it_opens_the_databases_of_others_that_the_program_has_changed() {
    let Some(court) = Court::sits() else { return };
    let Some(layout) = Layout::find(court.directory.path()) else {
        return;
    };
    let (mut cases, mut stores) = (Vec::new(), Vec::new());
    for (name, stash) in [
        ("four.kdb", stash_v1(PASSWORD)),
        ("six.kdb", stash_v2(PASSWORD)),
        ("keyed.p12", stash_v2(PASSWORD)),
    ] {
        let bytes = match name {
            "four.kdb" => layout.write(name, &foreign(&court, 4)),
            "six.kdb" => layout.write(name, &foreign(&court, 6)),
            _ => keyed(&court, name),
        };
        let store = Store::new(name, "");
        store.put(&bytes, &stash);
        cases.push(store.now("before", Ruling::NotTrusted));
        store.import(court.judge.signer());
        cases.push(store.now("with", Ruling::Opens));
        store.remove(court.judge.signer());
        cases.push(store.now("after", Ruling::NotTrusted));
        stores.push(store);
    }
    court.judge.rules(&cases);
}

/// A home of the program with one file store.
struct Store {
    home: Home,
    stem: &'static str,
    ending: &'static str,
}

impl Store {
    fn new(name: &'static str, settings: &str) -> Self {
        let home = Home::new();
        home.configure(&format!(
            "[[store]]\nname = \"keydb\"\nplugin = \"anchorhold.keydb\"\n\
             settings = {{ path = \"stores/{name}\"{settings} }}\n"
        ));
        let (stem, ending) = name.split_once('.').expect("an ending");
        Self { home, stem, ending }
    }

    /// Puts somebody else's database where the store is.
    fn put(&self, database: &[u8], stash: &[u8]) {
        for (ending, bytes) in [(self.ending, database), ("sth", stash)] {
            let path = self.home.write(&self.made(ending), bytes);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
        }
    }

    #[track_caller]
    fn import(&self, identity: &Identity) {
        let file = identity.certificate.to_str().expect("UTF-8");
        let words = ["import", "--any-server", "--as", "anchor", file];
        self.home.json(0, &words);
    }

    #[track_caller]
    fn remove(&self, identity: &Identity) {
        let words = ["remove", &identity.sha256(), "--all"];
        self.home.json(0, &words);
    }

    /// The database and its stash as they are now, and what is to be made of them. The next
    /// change replaces both, and the judge is asked once for all of them.
    fn now(&self, moment: &str, ruling: Ruling) -> (PathBuf, PathBuf, Ruling) {
        let [database, stash] = [self.ending, "sth"].map(|ending| {
            let kept = self.home.path(&format!("{moment}.{ending}"));
            fs::copy(self.home.path(&self.made(ending)), &kept).expect("copied");
            kept
        });
        (database, stash, ruling)
    }

    fn made(&self, ending: &str) -> String {
        format!("h/stores/{}.{ending}", self.stem)
    }
}

/// A PKCS#12 file with a private key, as openssl writes it.
fn keyed(court: &Court, name: &str) -> Vec<u8> {
    let password = format!("pass:{}", String::from_utf8_lossy(PASSWORD));
    court.openssl.run(&[
        "pkcs12",
        "-export",
        "-name",
        "personal",
        "-in",
        "stranger.pem",
        "-inkey",
        "stranger.key",
        "-out",
        name,
        "-passout",
        &password,
    ]);
    fs::read(court.path(name)).expect("written")
}

/// A description of a database as others keep them: with a key, and labels of their own.
fn foreign(court: &Court, version: u8) -> serde_json::Value {
    let key = "stranger.key";
    court.openssl.run(&[
        "pkcs8",
        "-topk8",
        "-in",
        key,
        "-outform",
        "DER",
        "-out",
        "stranger.p8",
        "-v2",
        "aes-256-cbc",
        "-passout",
        "pass:another",
    ]);
    court.put("stranger.der", &court.stranger.der());
    let sealed = fs::read(court.path("stranger.p8")).expect("there");
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    let held = [hex(&court.stranger.der()), hex(&sealed)];
    let record = json!({"kind": "key", "held": held, "label": "personal", "flags": "06c0"});
    json!({
        "version": version,
        "password": String::from_utf8_lossy(PASSWORD),
        "salt": "07".repeat(23),
        "records": [
            {"record": record},
            {"label": "stranger", "certificate": "stranger.der"},
            {"label": "untrusted", "certificate": "stranger.der", "flags": "0700"},
        ],
    })
}

/// The databases that are written of these certificates, with the endings of their names.
fn written(entries: &[Entry<'_>]) -> Vec<(&'static str, Vec<u8>)> {
    let edits = Edits {
        added: entries.to_vec(),
        ..Edits::default()
    };
    let kdb = |version| kdb::create(version, &edits, PASSWORD, &SALT).expect("written");
    let text = String::from_utf8_lossy(PASSWORD);
    let p12 = p12::write(entries, &mut Password::new(&text), &RANDOM).expect("written");
    vec![
        ("v4.kdb", kdb(Version::V4)),
        ("v6.kdb", kdb(Version::V6)),
        ("x.p12", p12),
    ]
}

/// A certificate that no slot of the usual size can hold.
fn large(openssl: &Openssl) -> Identity {
    let names: Vec<String> = (0..300)
        .map(|n| format!("DNS:server-{n}.example.org"))
        .collect();
    let names = format!("subjectAltName={}", names.join(","));
    openssl.self_signed("large", "/CN=Large", &["-addext", &names])
}

/// Certificates of one key and many names.
fn many(count: usize) -> Vec<Vec<u8>> {
    let key = rcgen::KeyPair::generate().expect("a key");
    let named = |n| {
        let mut parameters = rcgen::CertificateParams::default();
        let name = format!("Stranger {n}");
        parameters
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        let certificate = parameters.self_signed(&key).expect("signed");
        certificate.der().to_vec()
    };
    (0..count).map(named).collect()
}

fn stash_v1(password: &[u8]) -> Vec<u8> {
    sth::write_v1(password, &[0x55; 128])
        .expect("written")
        .to_vec()
}

/// With this salt the search for the key of a stash would end before its first hash: one in 256
/// does, and GSKit hashes once all the same.
fn stash_v2(password: &[u8]) -> Vec<u8> {
    let stash = sth::write_v2(password, &[0x33; 32], &[0x55; 128]);
    stash.expect("written").to_vec()
}

const PASSWORD: &[u8] = b"Example-Pass-1";
const LONGEST: [u8; 128] = [b'x'; 128];
const SALT: Salt = [7; 23];
const RANDOM: Randomness = Randomness {
    salt: *b"the first salt..",
    iv: *b"a first block...",
    mac_salt: *b"the second salt.",
};
