//! Tests with key databases of GSKit that were not made here: keys, marks, old versions.

use anchorhold_formats::der::{SEQUENCE, wrap};

use super::*;
use crate::workshop::{Record, kdb};

/// What no text could be.
const PASSWORD: &[u8] = b"\xff pass \xe4";

/// A certificate that a private key belongs to, with the key.
fn pair(number: u32) -> Vec<u8> {
    let key = wrap(SEQUENCE, &[b"\x04\x0bnot opened!"]);
    wrap(SEQUENCE, &[&certificate(number), &key])
}

/// A database with anchors, a key, a mark that nobody knows, and a record that is neither.
fn database() -> Vec<u8> {
    let (one, two, marked) = (certificate(1), certificate(2), certificate(3));
    let (both, secret) = (pair(7), wrap(SEQUENCE, &[b"\x04\x01?"]));
    let records = [
        Record::anchor("One", &one),
        Record::key("Own", &both),
        Record {
            flags: [6, 0xc0],
            ..Record::anchor("Marked", &marked)
        },
        Record {
            tag: 0xa9,
            ..Record::anchor("Else", &secret)
        },
        Record::anchor("Two", &two),
    ];
    kdb(6, &records, PASSWORD)
}

fn adopted() -> (Bench, Vec<u8>) {
    let bench = Bench::new("dsmcert.kdb");
    let original = database();
    bench.adopt(&original, PASSWORD);
    (bench, original)
}

/// The slots of a database of version 6, but what is filled up.
fn slots(file: &[u8]) -> Vec<&[u8]> {
    file[0x30 + 2 * 48..].chunks(5000).collect()
}

#[test]
fn what_it_holds_is_listed_with_what_is_known_of_it() {
    let (bench, _) = adopted();
    let mut seen = Vec::new();
    let mut take = |item: &Item<'_>| {
        let flags = (item.trust_unknown, item.read_only);
        let anchors = *item.rules == *Rule::SERVER_ANCHOR;
        seen.push((item.kind, item.label.to_owned(), flags, anchors));
        assert_eq!(item.id, Id::of(item.der).as_bytes());
        Ok(())
    };
    bench.page(&mut Page::new(0, &[]), &mut take).unwrap();
    let plain = |label: &str| (Kind::Certificate, label.to_owned(), (false, false), true);
    assert_eq!(
        seen,
        [
            plain("One"),
            (Kind::Certificate, "Marked".to_owned(), (true, true), true),
            plain("Two"),
            (Kind::PrivateKey, "Own".to_owned(), (false, true), false),
        ]
    );
    let health = bench.store.health();
    assert_eq!(health.state(), HealthState::Ready);
}

#[test]
fn a_change_leaves_every_other_record_byte_for_byte() {
    let (bench, original) = adopted();
    let new = certificate(9);
    let two = Id::of(&certificate(2));
    let batch = Batch::new(vec![
        Change::Put(item(&new, "New")),
        Change::Remove(two.as_bytes()),
    ]);
    assert_eq!(bench.apply(&batch).unwrap(), [Effect::New, Effect::Removed]);
    let now = fs::read(bench.path()).unwrap();
    assert_eq!(slots(&now)[..4], slots(&original)[..4]);
    let labels: Vec<_> = bench.items().into_iter().map(|(.., label)| label).collect();
    assert_eq!(labels, ["One", "Marked", "New", "Own"]);
    assert_eq!(*crate::password(&bench.path()).unwrap(), PASSWORD);
    let backup = bench.path().with_file_name("dsmcert.kdb.before-anchorhold");
    assert_eq!(fs::read(backup).unwrap(), original);
}

#[test]
fn what_stands_beside_it_is_left_alone() {
    let (bench, _) = adopted();
    let beside = ["rdb", "crl", "arm"].map(|end| bench.path().with_extension(end));
    for file in &beside {
        fs::write(file, file.as_os_str().as_encoded_bytes()).unwrap();
    }
    bench.put(&certificate(9), "New").unwrap();
    for file in &beside {
        assert_eq!(fs::read(file).unwrap(), file.as_os_str().as_encoded_bytes());
    }
}

#[test]
fn a_certificate_whose_mark_is_not_known_is_neither_changed_nor_removed() {
    let (bench, original) = adopted();
    let marked = certificate(3);
    let id = Id::of(&marked);
    let mut same = item(&marked, "Marked");
    same.trust_unknown = true;
    for unchanged in [same.clone(), item(&marked, "Marked")] {
        let batch = Batch::new(vec![Change::Put(unchanged)]);
        assert_eq!(bench.apply(&batch).unwrap(), [Effect::Unchanged]);
    }
    for change in [
        Change::Put(item(&marked, "Renamed")),
        Change::Remove(id.as_bytes()),
    ] {
        let refused = bench.apply(&Batch::new(vec![change])).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ReadOnly);
        assert!(refused.message().contains("\"Marked\""), "{refused}");
    }
    // Nor does any other get such a mark, which nobody could read either.
    let (one, new) = (certificate(1), certificate(9));
    for (der, label) in [(&one, "One"), (&new, "New")] {
        let mut marked = item(der, label);
        marked.trust_unknown = true;
        let refused = bench.apply(&Batch::new(vec![Change::Put(marked)]));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unsupported);
    }
    assert_eq!(fs::read(bench.path()).unwrap(), original);
}

#[test]
fn keys_stay_and_their_certificates_vouch_for_nobody() {
    let (bench, original) = adopted();
    let owner = certificate(7);
    let refused = bench.put(&owner, "Again").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    let [.., (_, key, _)] = &bench.items()[..] else {
        panic!("nothing is listed");
    };
    let refused = bench.apply(&Batch::new(vec![Change::Remove(key)]));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::ReadOnly);
    let unheld = Id::of(&owner);
    let batch = Batch::new(vec![Change::Remove(unheld.as_bytes())]);
    assert_eq!(bench.apply(&batch).unwrap(), [Effect::Unchanged]);
    // The label of a key is nobody else's either.
    let refused = bench.put(&certificate(9), "OWN").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
    let mut claiming = certificate(9);
    let mut claims = item(&claiming, "New");
    claims.id = key;
    let refused = bench.apply(&Batch::new(vec![Change::Put(claims)]));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidArgument);
    claiming.clear();
    assert_eq!(fs::read(bench.path()).unwrap(), original);
}

#[test]
fn a_database_with_a_key_is_a_secret_even_where_it_was_adopted() {
    let bench = Bench::with("dsmcert.kdb", &[("adopt", "read")]);
    bench.adopt(&database(), PASSWORD);
    assert_eq!(bench.items().len(), 4);
    assert_eq!(bench.store.health().state(), HealthState::Ready);
    fs::set_permissions(bench.stash(), Permissions::from_mode(0o640)).unwrap();
    assert_eq!(bench.store.health().state(), HealthState::Degraded);
}

#[test]
fn everything_of_a_database_that_is_only_read_is_read_only() {
    let bench = Bench::with("dsmcert.kdb", &[("adopt", "read")]);
    bench.adopt(&database(), PASSWORD);
    let mut take = |item: &Item<'_>| {
        assert!(item.read_only, "{}", item.label);
        Ok(())
    };
    bench.page(&mut Page::new(0, &[]), &mut take).unwrap();
    let refused = bench.put(&certificate(9), "New").unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ReadOnly);
}

#[test]
fn a_certificate_that_is_there_with_a_mark_and_without_is_one_whose_mark_is_not_known() {
    let bench = Bench::new("dsmcert.kdb");
    let der = certificate(1);
    let marked = Record {
        flags: [7, 0],
        ..Record::anchor("b", &der)
    };
    bench.adopt(
        &kdb(6, &[Record::anchor("a", &der), marked], PASSWORD),
        PASSWORD,
    );
    let mut take = |item: &Item<'_>| {
        assert!(item.trust_unknown);
        Ok(())
    };
    bench.page(&mut Page::new(0, &[]), &mut take).unwrap();
    let id = Id::of(&der);
    let refused = bench.apply(&Batch::new(vec![Change::Remove(id.as_bytes())]));
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::ReadOnly);
}

#[test]
fn a_database_that_nothing_authenticates_is_not_opened() {
    let bench = Bench::new("dsmcert.kdb");
    let der = certificate(1);
    bench.adopt(&kdb(3, &[Record::anchor("One", &der)], PASSWORD), PASSWORD);
    let refused = bench.list(0).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    assert!(refused.message().contains("version 3"), "{refused}");
    assert!(refused.message().contains("import"), "{refused}");
    assert_eq!(bench.store.health().state(), HealthState::Failed);
    bench.put(&der, "New").unwrap_err();
    assert!(!bench.path().with_file_name("dsmcert.kdb.lock").exists());
}

#[test]
fn a_list_of_requests_is_no_key_database() {
    let bench = Bench::new("dsmcert.kdb");
    let mut file = kdb(3, &[], PASSWORD);
    file[3] = 1;
    file[8..16].copy_from_slice(b"X509KYP\0");
    bench.adopt(&file, PASSWORD);
    let refused = bench.list(0).unwrap_err();
    assert_eq!(bench.store.health().state(), HealthState::Failed);
    assert!(refused.message().contains("dsmcert.kdb"), "{refused}");
    bench.put(&certificate(1), "New").unwrap_err();
}

#[test]
fn a_password_that_is_no_text_opens_no_p12() {
    let bench = Bench::new("anchors.p12");
    bench.put(&certificate(1), "One").unwrap();
    let database = fs::read(bench.path()).unwrap();
    bench.adopt(&database, PASSWORD);
    let refused = bench.list(0).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Malformed);
    assert!(refused.message().contains("is no text"), "{refused}");
}

#[test]
fn what_is_made_here_has_the_version_and_the_stash_that_are_asked_for() {
    for (settings, version, stash) in [
        (&[][..], 6, 193),
        (&[("version", "v4"), ("stash", "v1")], 4, 129),
        (&[("version", "v6"), ("stash", "v2")], 6, 193),
    ] {
        for name in ["anchors.kdb", "anchors.p12"] {
            let bench = Bench::with(name, settings);
            bench.put(&certificate(1), "One").unwrap();
            let found = fs::read(bench.path().with_extension("sth")).unwrap();
            assert_eq!(found.len(), stash);
            let file = fs::read(bench.path()).unwrap();
            assert!(name == "anchors.p12" || file[2] == version, "{}", file[2]);
            assert_eq!(bench.list(0).unwrap(), ["One"]);
        }
    }
    // What is there keeps its version.
    let bench = Bench::with("anchors.kdb", &[("version", "v4")]);
    bench.put(&certificate(1), "One").unwrap();
    let other = open(&bench.path(), &[("version", "v6")]).unwrap();
    drop(other);
    bench.put(&certificate(2), "Two").unwrap();
    assert_eq!(fs::read(bench.path()).unwrap()[2], 4);
}

#[test]
fn a_setting_that_is_no_choice_is_refused() {
    let error = open(Path::new("/x/anchors.kdb"), &[("adopt", "perhaps")]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.message().contains("\"read\" or \"write\""), "{error}");
}
