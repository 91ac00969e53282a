//! Key databases beside a program that knows nothing but their layout, field by field, both ways.
//!
//! `tests/formats/kdb.py` was written from the layout alone. Where the layout left a choice, a
//! real GSKit has told what is right: see `tests/gskit/README.md`.

use std::fs;
use std::path::PathBuf;

use anchorhold_formats::edit::{Edit, Edits, Entry};
use anchorhold_formats::kdb::{self, KdbError, Salt, Version};
use anchorhold_formats::sth;
use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Identity, Layout, Openssl};

/// A directory with certificates, and the other program.
struct Bench {
    directory: TempDir,
    layout: Layout,
    small: Identity,
    other: Identity,
    large: Identity,
}

impl Bench {
    fn set() -> Option<Self> {
        let directory = tempfile::tempdir().expect("a directory");
        let openssl = Openssl::find(directory.path())?;
        let layout = Layout::find(directory.path())?;
        let names: Vec<String> = (0..300).map(|n| format!("DNS:host-{n}.example")).collect();
        let names = format!("subjectAltName={}", names.join(","));
        let bench = Self {
            layout,
            small: openssl.self_signed("small", "/O=Example/CN=Small", &[]),
            other: openssl.self_signed("other", "/CN=Other", &["-newkey", "rsa:2048"]),
            large: openssl.self_signed("large", "/CN=Large", &["-addext", &names]),
            directory,
        };
        for (name, identity) in [("small.der", &bench.small), ("other.der", &bench.other)] {
            bench.put(name, &identity.der());
        }
        bench.put("large.der", &bench.large.der());
        openssl.run(&[
            "req",
            "-new",
            "-key",
            "small.key",
            "-subj",
            "/CN=Asked",
            "-outform",
            "DER",
            "-out",
            "asked.csr",
        ]);
        openssl.run(&[
            "pkcs8",
            "-topk8",
            "-in",
            "small.key",
            "-outform",
            "DER",
            "-out",
            "small.p8",
            "-passout",
            "pass:another",
        ]);
        Some(bench)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).expect("written");
    }

    fn hex(&self, name: &str) -> String {
        HEXLOWER.encode(&fs::read(self.path(name)).expect("there"))
    }

    /// What the other program reads of a database.
    #[track_caller]
    fn read(&self, bytes: &[u8]) -> Value {
        self.put("ours.kdb", bytes);
        self.layout.read("ours.kdb", PASSWORD)
    }

    /// Records of every kind, as other programs leave them behind.
    fn foreign(&self) -> Value {
        let (small, sealed) = (self.hex("small.der"), self.hex("small.p8"));
        let asked = self.hex("asked.csr");
        let key = json!({"kind": "key", "held": [small, sealed], "label": "Schlüssel"});
        let request = json!({"kind": "request", "held": [asked, sealed], "label": "asked"});
        let secret = json!({"kind": "secret", "held": [sealed], "label": "secret"});
        let other = |label: &str, more: Value| {
            let mut record = json!({"label": label, "certificate": "other.der"});
            let fields = record.as_object_mut().expect("an object");
            fields.extend(more.as_object().expect("an object").clone());
            record
        };
        json!([
            other("first", json!({})),
            {"record": key},
            other("untrusted", json!({"flags": "0700"})),
            {"record": request},
            other("without index", json!({"index": []})),
            {"record": secret},
            other("numbered as on z/OS", json!({"after_label": 7})),
            other("last", json!({})),
        ])
    }
}

/// A description of a database of these records.
fn description(version: u8, records: &Value) -> Value {
    json!({
        "version": version,
        "password": PASSWORD,
        "salt": HEXLOWER.encode(&SALT),
        "records": records,
    })
}

fn entries<'a>(held: &'a [(&'a str, Vec<u8>)]) -> Edits<'a> {
    let entry = |(label, der): &'a (&'a str, Vec<u8>)| Entry { label, der };
    Edits {
        added: held.iter().map(entry).collect(),
        ..Edits::default()
    }
}

#[track_caller]
fn created(version: Version, edits: &Edits<'_>) -> Vec<u8> {
    kdb::create(version, edits, PASSWORD.as_bytes(), &SALT).expect("written")
}

#[track_caller]
fn opened(bytes: Vec<u8>) -> kdb::Database {
    kdb::read(bytes, PASSWORD.as_bytes()).expect("read")
}

#[test]
fn the_other_program_reads_what_is_written_field_by_field() {
    let Some(bench) = Bench::set() else { return };
    let long = "x".repeat(1000);
    for (version, number, sizes) in VERSIONS {
        for held in [
            vec![],
            vec![("small", bench.small.der())],
            vec![
                ("TSM server TSM1 self-signed key", bench.small.der()),
                ("Schlüssel 東京 \u{1f511}", bench.other.der()),
                (&*long, bench.small.der()),
                ("large", bench.large.der()),
            ],
        ] {
            let bytes = created(version, &entries(&held));
            let found = bench.read(&bytes);
            assert_eq!(found["version"], number);
            assert_eq!(found["kind"], 2);
            assert_eq!(found["name"], "database");
            assert_eq!(found["reserved"], "00000000");
            assert_eq!(found["salt"], HEXLOWER.encode(&SALT));
            assert_eq!(found["salt_end"], 0);
            assert_eq!(found["check"].as_str().map(str::len), Some(2 * sizes));
            assert_eq!(found["check_fits"], true);
            assert_eq!(found["integrity_fits"], true);
            assert_eq!(found["count"], held.len());
            let size = found["slot_size"].as_u64().expect("a number");
            let needed = held.iter().any(|(_, der)| der.len() > 4_500);
            assert_eq!(
                size == 5_000,
                !needed,
                "a slot grows where it has to: {size}"
            );
            let slots = found["slots"].as_array().expect("a list");
            for (place, (slot, (label, der))) in slots.iter().zip(&held).enumerate() {
                let record = &slot["record"];
                assert_eq!(slot["lead"], 1);
                assert_eq!(slot["number"], record["number"]);
                assert_eq!(slot["number"], place + 1);
                assert_eq!(slot["label"], *label);
                assert_eq!(slot["after_label"], 0);
                assert_eq!(slot["index"], slot["expected_index"]);
                assert_eq!(slot["index"].as_array().map(Vec::len), Some(5));
                assert_eq!(slot["rest"], "");
                assert_eq!(record["kind"], "certificate");
                assert_eq!(record["held"], json!([HEXLOWER.encode(der)]));
                assert_eq!(record["label"], *label);
                assert_eq!(record["label_tag"], 0x1a);
                assert_eq!(record["flags"], "0780");
            }
        }
    }
}

#[test]
fn with_the_same_salt_both_write_the_same_bytes() {
    let Some(bench) = Bench::set() else { return };
    let labels = ["small", "Schlüssel 東京", "large"];
    let ders = [&bench.small, &bench.other, &bench.large].map(Identity::der);
    let held: Vec<(&str, Vec<u8>)> = labels.into_iter().zip(ders).collect();
    let files = ["small.der", "other.der", "large.der"];
    for (version, number, _) in VERSIONS {
        for count in 0..=held.len() {
            let ours = created(version, &entries(&held[..count]));
            let records = files.iter().zip(labels).take(count);
            let records = records.map(|(file, label)| json!({"label": label, "certificate": file}));
            let mut described = description(number, &Value::from_iter(records));
            // How far a slot grows is free: it is the one thing that the layout does not say.
            described["slot_size"] = bench.read(&ours)["slot_size"].clone();
            let theirs = bench.layout.write("theirs.kdb", &described);
            assert!(ours == theirs, "{version:?} with {count} certificates");
        }
    }
}

#[test]
fn what_the_other_program_writes_is_read() {
    let Some(bench) = Bench::set() else { return };
    for (version, number, _) in VERSIONS {
        let theirs = bench
            .layout
            .write("theirs.kdb", &description(number, &bench.foreign()));
        let database = opened(theirs);
        assert_eq!(database.header().version, version);
        assert_eq!(database.header().records, 8);
        assert!(database.is_authenticated());
        let other = bench.other.der();
        let found: Vec<_> = database
            .certificates()
            .filter(|held| !held.of_key)
            .map(|held| {
                assert_eq!(held.der, other);
                (held.label.to_owned(), held.flags_known)
            })
            .collect();
        let expected = [
            ("first", true),
            ("untrusted", false),
            ("without index", true),
            ("numbered as on z/OS", true),
            ("last", true),
        ]
        .map(|(label, known)| (label.to_owned(), known));
        assert_eq!(found, expected);
        let keys: Vec<_> = database.key_records().map(|key| key.label).collect();
        assert!(keys.contains(&"Schlüssel"), "{keys:?}");
        assert!(database.key_records().any(|key| key.public.is_some()));
    }
}

#[test]
fn what_is_not_ours_survives_a_rewrite_byte_for_byte() {
    let Some(bench) = Bench::set() else { return };
    let added = bench.small.der();
    for (_, number, _) in VERSIONS {
        let described = description(number, &bench.foreign());
        let theirs = bench.layout.write("theirs.kdb", &described);
        let before = bench.read(&theirs);
        let database = opened(theirs);
        let place = |label: &str| {
            let found = database.certificates().position(|held| held.label == label);
            found.expect("it is there")
        };
        let edits = Edits {
            changes: [
                (place("first"), Edit::Remove),
                (place("last"), Edit::Label("renamed")),
            ]
            .into(),
            added: vec![Entry {
                label: "added",
                der: &added,
            }],
        };
        let password = PASSWORD.as_bytes();
        let ours = kdb::rewrite(&database, &edits, password, &OTHER_SALT).expect("written");
        let after = bench.read(&ours);
        assert_eq!(after["check_fits"], true);
        assert_eq!(after["integrity_fits"], true);
        assert_eq!(after["salt"], HEXLOWER.encode(&OTHER_SALT));
        for label in [
            "Schlüssel",
            "untrusted",
            "asked",
            "without index",
            "secret",
            "numbered as on z/OS",
        ] {
            assert_eq!(slot(&after, label), slot(&before, label), "{label}");
        }
        assert!(find(&after, "first").is_none() && find(&after, "last").is_none());
        let renamed = slot(&after, "renamed");
        assert_eq!(
            renamed["record"]["held"],
            slot(&before, "last")["record"]["held"]
        );
        assert_eq!(renamed["record"]["flags"], "0780");
        let held = &slot(&after, "added")["record"]["held"][0];
        assert_eq!(held.as_str(), Some(&*HEXLOWER.encode(&added)));
    }
}

#[test]
fn a_database_of_version_3_is_read_and_never_written() {
    let Some(bench) = Bench::set() else { return };
    let records = json!([
        {"label": "small", "certificate": "small.der", "after_label": 1},
        {"label": "other", "certificate": "other.der", "after_label": 2},
    ]);
    let mut described = description(3, &records);
    described["integrity"] = json!("5a".repeat(16));
    let theirs = bench.layout.write("theirs.kdb", &described);
    assert_eq!(bench.read(&theirs)["check_fits"], true);
    let database = opened(theirs.clone());
    assert!(!database.is_authenticated());
    let labels: Vec<_> = database.certificates().map(|held| held.label).collect();
    assert_eq!(labels, ["small", "other"]);
    let edits = Edits::default();
    let rewritten = kdb::rewrite(&database, &edits, PASSWORD.as_bytes(), &SALT);
    assert!(rewritten.is_err(), "{rewritten:?}");
    refused(theirs, "another");
}

#[test]
fn a_wrong_password_is_wrong_for_both() {
    let Some(bench) = Bench::set() else { return };
    for (version, _, _) in VERSIONS {
        let held = [("small", bench.small.der())];
        let bytes = created(version, &entries(&held));
        bench.put("ours.kdb", &bytes);
        let found = bench.layout.read("ours.kdb", "another");
        assert_eq!(found["check_fits"], false);
        assert_eq!(found["integrity_fits"], false);
        refused(bytes, "another");
    }
}

#[test]
fn both_write_the_same_stashes_and_read_each_others() {
    let Some(bench) = Bench::set() else { return };
    let filler: Vec<u8> = (1..=128).collect();
    let filler: [u8; 128] = filler.try_into().expect("128 bytes");
    let salt = [0x33; 32];
    for length in [1, 14, 127, 128] {
        let password = "p".repeat(length);
        for form in ["v1", "v2"] {
            let bytes = password.as_bytes();
            let ours = match form {
                "v1" => sth::write_v1(bytes, &filler),
                _ => sth::write_v2(bytes, &salt, &filler),
            };
            let ours = ours.expect("written").to_vec();
            let described = json!({
                "form": form,
                "password": password,
                "filler": HEXLOWER.encode(&filler),
                "salt": HEXLOWER.encode(&salt),
            });
            let theirs = bench.layout.write_stash("theirs.sth", &described);
            assert!(ours == theirs, "{form} of {length} bytes");
            assert_eq!(sth::read(&theirs).expect("read").as_slice(), bytes);
            bench.put("ours.sth", &ours);
            let found = bench.layout.stash("ours.sth");
            assert_eq!(found["form"], form);
            assert_eq!(found["password"], *password);
        }
    }
}

#[track_caller]
fn refused(bytes: Vec<u8>, password: &str) {
    let read = kdb::read(bytes, password.as_bytes());
    let error: Option<KdbError> = read.err();
    assert!(error.is_some(), "a wrong password opens nothing");
}

/// The slot with a label.
fn find<'a>(database: &'a Value, label: &str) -> Option<&'a Value> {
    let slots = database["slots"].as_array().expect("a list");
    slots.iter().find(|slot| slot["label"] == label)
}

#[track_caller]
fn slot<'a>(database: &'a Value, label: &str) -> &'a Value {
    find(database, label).unwrap_or_else(|| panic!("no {label}: {database:#}"))
}

/// The versions that are written, as files call them, and the length of their authenticators.
const VERSIONS: [(Version, u8, usize); 2] = [(Version::V4, 4, 20), (Version::V6, 6, 48)];
const PASSWORD: &str = "Example-Pass-1";
const SALT: Salt = [7; 23];
const OTHER_SALT: Salt = [9; 23];
