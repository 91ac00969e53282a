//! Tests of the key database as the host sees it, and as other programs see its files.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anchorhold_formats::der::{SEQUENCE, wrap};
use anchorhold_formats::p12::{self, Password, Randomness};
use anchorhold_formats::{pem, sth};
use anchorhold_sdk::{Change, Effect};
use tempfile::TempDir;

use super::*;

/// An open store in a directory of its own.
struct Bench {
    directory: TempDir,
    store: KeyDatabase,
}

impl Bench {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let store = open(&directory.path().join("stores/anchors.p12")).unwrap();
        Self { directory, store }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("stores/anchors.p12")
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

fn open(path: &Path) -> Result<KeyDatabase, Error> {
    let path = path.to_str().unwrap();
    KeyDatabase::open(Host::detached(), &Config::new("keydb", &[("path", path)]))
}

fn certificate(number: u8) -> Vec<u8> {
    wrap(SEQUENCE, &[&[number; 300]])
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
            // Not captured by the test harness, so that it is seen and can be counted.
            let _ = writeln!(io::stderr(), "skipped: {program} is not installed");
        }
        is_there
    })
}

#[test]
fn what_was_put_is_listed_in_pages_of_one_generation() {
    let bench = Bench::new();
    assert_eq!(bench.list(0).unwrap(), [""; 0]);
    let ders: Vec<_> = (0..7).map(certificate).collect();
    let labels: Vec<_> = (0..7).map(|number| format!("Anchor {number}")).collect();
    let changes = ders
        .iter()
        .zip(&labels)
        .map(|(der, label)| Change::Put(item(der, label)));
    let effects = bench.apply(&Batch::new(changes.collect())).unwrap();
    assert_eq!(effects, [Effect::New; 7]);
    for limit in [0, 1, 3, 7, 8] {
        assert_eq!(bench.list(limit).unwrap(), labels);
    }
    let health = bench.store.health();
    assert_eq!(health.state(), HealthState::Ready);
}

#[test]
fn a_listing_does_not_go_on_in_another_state() {
    let bench = Bench::new();
    for number in 0..3 {
        bench
            .put(&certificate(number), &number.to_string())
            .unwrap();
    }
    let mut first = Page::new(2, &[]);
    bench.page(&mut first, &mut |_| Ok(())).unwrap();
    open(&bench.path()).unwrap();
    let mut second = Page::new(2, first.next_cursor());
    bench.page(&mut second, &mut |_| Ok(())).unwrap();
    assert_eq!(first.generation(), second.generation());
    bench.put(&certificate(9), "new").unwrap();
    let mut second = Page::new(2, first.next_cursor());
    let error = bench
        .page(&mut second, &mut |_| panic!("no item is due"))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StaleCursor);
}

#[test]
fn what_the_file_cannot_keep_is_not_put_into_it() {
    let bench = Bench::new();
    let der = certificate(1);
    let large = wrap(SEQUENCE, &[&vec![0; 300_000]]);
    let long = "x".repeat(1025);
    let rule = |purpose, decision| vec![Rule::new(purpose, decision)];
    let with_rules = |rules: Vec<Rule>| {
        let mut item = item(&der, "a");
        item.rules = rules.into();
        item
    };
    let mut cut_off = rule(Purpose::Server, Decision::Anchor);
    cut_off[0].issued_before = 1;
    let mut constrained = item(&der, "a");
    constrained.name_constraints = &[0x30, 0];
    let mut other_kind = item(&der, "a");
    other_kind.kind = Kind::Crl;
    for (refused, kind) in [
        (other_kind, ErrorKind::Unsupported),
        (
            with_rules(rule(Purpose::Any, Decision::Distrust)),
            ErrorKind::Unsupported,
        ),
        (
            with_rules(rule(Purpose::Client, Decision::Distrust)),
            ErrorKind::Unsupported,
        ),
        (
            with_rules(rule(Purpose::Client, Decision::Anchor)),
            ErrorKind::Unsupported,
        ),
        (with_rules(cut_off), ErrorKind::Unsupported),
        (constrained, ErrorKind::Unsupported),
        (item(&large, "a"), ErrorKind::Limit),
        (item(b"", "a"), ErrorKind::Malformed),
        (item(&der[1..], "a"), ErrorKind::Malformed),
        (item(&der, &long), ErrorKind::InvalidArgument),
        (item(&der, "a\nb"), ErrorKind::InvalidArgument),
    ] {
        let good = certificate(2);
        let batch = Batch::new(vec![Change::Put(item(&good, "good")), Change::Put(refused)]);
        assert_eq!(bench.apply(&batch).unwrap_err().kind(), kind);
        assert!(!bench.path().exists());
    }
    for kept in [
        with_rules(vec![]),
        with_rules(rule(Purpose::Any, Decision::Anchor)),
        with_rules(rule(Purpose::Email, Decision::Neutral)),
    ] {
        let batch = Batch::new(vec![Change::Put(kept)]).only_checked();
        assert_eq!(bench.apply(&batch).unwrap(), [Effect::New]);
    }
}

#[test]
fn a_batch_that_was_done_changes_nothing_when_it_is_repeated() {
    let bench = Bench::new();
    let [one, two] = [1, 2].map(certificate);
    bench.put(&two, "two").unwrap();
    let id = Id::of(&two);
    let batch = || {
        Batch::new(vec![
            Change::Put(item(&one, "one")),
            Change::Remove(id.as_bytes()),
        ])
    };
    assert_eq!(
        bench.apply(&batch()).unwrap(),
        [Effect::New, Effect::Removed]
    );
    let before = fs::read(bench.path()).unwrap();
    assert_eq!(bench.apply(&batch()).unwrap(), [Effect::Unchanged; 2]);
    assert_eq!(fs::read(bench.path()).unwrap(), before);
}

#[test]
fn an_id_that_no_item_can_have_is_gone_already() {
    let bench = Bench::new();
    let der = certificate(1);
    let batch = Batch::new(vec![
        Change::Remove(b"somebody else's"),
        Change::Put(item(&der, "one")),
        Change::Remove(&[7; 64]),
    ]);
    assert_eq!(
        bench.apply(&batch).unwrap(),
        [Effect::Unchanged, Effect::New, Effect::Unchanged]
    );
}

#[test]
fn an_id_that_no_certificate_has_counts_as_none() {
    let bench = Bench::new();
    let [one, two] = [1, 2].map(certificate);
    let id = Id::of(&two);
    for id in [&b"somebody else's"[..], id.as_bytes()] {
        let mut claiming = item(&one, "one");
        claiming.id = id;
        let batch = Batch::new(vec![Change::Put(claiming)]).only_checked();
        assert_eq!(bench.apply(&batch).unwrap(), [Effect::New]);
    }
    bench.put(&two, "two").unwrap();
    let mut claiming = item(&one, "one");
    claiming.id = id.as_bytes();
    let batch = Batch::new(vec![Change::Put(claiming)]);
    let refused = bench.apply(&batch).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn errors_tell_the_host_what_to_do() {
    let bench = Bench::new();
    bench.put(&certificate(1), "one").unwrap();
    let same = bench.put(&certificate(2), "ONE").unwrap_err();
    assert_eq!(same.kind(), ErrorKind::AlreadyExists);
    let batch = Batch::new(vec![]).only_at(1);
    assert_eq!(bench.apply(&batch).unwrap_err().kind(), ErrorKind::Conflict);

    let stash = bench.path().with_extension("sth");
    fs::write(&stash, sth::write_v1(b"another", &[7; 128]).unwrap()).unwrap();
    assert_eq!(bench.list(0).unwrap_err().kind(), ErrorKind::WrongSecret);
    assert_eq!(bench.store.health().state(), HealthState::Failed);
    fs::remove_file(&stash).unwrap();
    assert_eq!(bench.list(0).unwrap_err().kind(), ErrorKind::NotPresent);
    assert_eq!(bench.store.health().state(), HealthState::Failed);
    let error = open(Path::new("/x/anchors.kdb")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[test]
fn the_secret_is_in_nothing_that_is_shown() {
    let bench = Bench::new();
    bench.put(&certificate(1), "one").unwrap();
    let password = crate::password(&bench.path()).unwrap();
    assert!(!format!("{:?}", bench.store).contains(&*password));
}

#[test]
fn a_file_with_private_keys_is_listed_and_never_changed() {
    if !has(&["openssl"]) {
        return;
    }
    let bench = Bench::new();
    bench.real_certificate("own");
    let trusted = bench.real_certificate("trusted");
    bench.run(
        "openssl",
        &[
            "pkcs12",
            "-export",
            "-in",
            "own.pem",
            "-inkey",
            "own.key",
            "-certfile",
            "trusted.pem",
            "-caname",
            "Trusted",
            "-out",
            "anchors.p12",
            "-passout",
            "pass:changeit",
        ],
    );
    let stash = sth::write_v1(b"changeit", &[7; 128]).unwrap();
    fs::write(bench.path().with_extension("sth"), stash).unwrap();
    let before = fs::read(bench.path()).unwrap();

    let mut found = Vec::new();
    let mut take = |item: &Item<'_>| {
        assert!(item.read_only);
        found.push(item.der.to_vec());
        Ok(())
    };
    bench.page(&mut Page::new(0, &[]), &mut take).unwrap();
    assert_eq!(found, [trusted]);
    let error = bench.put(&certificate(1), "new").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ReadOnly);
    assert!(!bench.store.database.standing().writable);
    assert_eq!(fs::read(bench.path()).unwrap(), before);
}

#[test]
fn openssl_and_keytool_read_what_several_writes_left() {
    if !has(&["openssl", "keytool"]) {
        return;
    }
    let bench = Bench::new();
    let ders = ["one", "two", "three"].map(|name| bench.real_certificate(name));
    bench
        .put(&ders[0], "TSM server ONE self-signed key")
        .unwrap();
    bench.put(&ders[1], "Zwei – 二").unwrap();
    bench.put(&ders[2], "gone").unwrap();
    bench
        .put(&ders[0], "TSM server ONE self-signed key (2)")
        .unwrap();
    let gone = Id::of(&ders[2]);
    bench
        .apply(&Batch::new(vec![Change::Remove(gone.as_bytes())]))
        .unwrap();

    let password = crate::password(&bench.path()).unwrap();
    fs::write(bench.path().with_file_name("pw"), password.as_bytes()).unwrap();
    let text = bench.run(
        "openssl",
        &["pkcs12", "-in", "anchors.p12", "-passin", "file:pw"],
    );
    assert_eq!(pem::certificates(text.as_bytes()).unwrap(), ders[..2]);
    assert!(
        text.contains("friendlyName: TSM server ONE self-signed key (2)"),
        "{text}"
    );
    let text = bench.run(
        "keytool",
        &[
            "-J-Duser.language=en",
            "-list",
            "-keystore",
            "anchors.p12",
            "-storepass:file",
            "pw",
        ],
    );
    assert!(text.contains("contains 2 entries"), "{text}");
    assert_eq!(text.matches("trustedCertEntry").count(), 2, "{text}");
}

#[test]
fn what_keytool_adds_is_listed_and_kept() {
    if !has(&["openssl", "keytool"]) {
        return;
    }
    let bench = Bench::new();
    let ours = bench.real_certificate("ours");
    bench.real_certificate("theirs");
    bench.put(&ours, "ours").unwrap();
    let password = crate::password(&bench.path()).unwrap();
    fs::write(bench.path().with_file_name("pw"), password.as_bytes()).unwrap();
    bench.run(
        "keytool",
        &[
            "-importcert",
            "-noprompt",
            "-keystore",
            "anchors.p12",
            "-storepass:file",
            "pw",
            "-alias",
            "theirs",
            "-file",
            "theirs.pem",
        ],
    );
    let mut labels = bench.list(0).unwrap();
    labels.sort();
    assert_eq!(labels, ["ours", "theirs"]);
    bench.put(&certificate(1), "new").unwrap();
    let mut labels = bench.list(0).unwrap();
    labels.sort();
    assert_eq!(labels, ["new", "ours", "theirs"]);
}

#[test]
fn a_large_database_has_every_certificate_under_its_own_id() {
    let bench = Bench::new();
    bench.put(&certificate(0), "first").unwrap();
    let password = crate::password(&bench.path()).unwrap();
    // More than one thread hashes.
    let ders: Vec<_> = (0..5000_u32)
        .map(|n| wrap(SEQUENCE, &[&n.to_be_bytes()]))
        .collect();
    let entries: Vec<_> = ders.iter().map(|der| Entry { label: "", der }).collect();
    let random = Randomness {
        salt: [1; 16],
        iv: [2; 16],
        mac_salt: [3; 16],
    };
    let bytes = p12::write(&entries, &mut Password::new(&password), &random).unwrap();
    fs::write(bench.path(), bytes).unwrap();
    assert_eq!(bench.list(512).unwrap().len(), 5000);
}
