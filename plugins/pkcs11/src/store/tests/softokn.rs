//! The same over NSS, with databases that certutil makes.

use std::fs;

use super::*;

const SOFTOKN: &str = "/usr/lib/x86_64-linux-gnu/libsoftokn3.so";
const PASSWORD: &str = "a password";
const NEEDED: &[&str] = &[SOFTOKN, "certutil", "openssl"];

/// A database with a key and its certificate, and a store on it.
fn database(workshop: &Workshop, password: &str, settings: &[(&str, &str)]) -> TokenStore {
    fs::create_dir(workshop.path("db")).unwrap();
    workshop.write("password", password.as_bytes());
    workshop.write("noise", &[9; 512]);
    let words = ["-d", "sql:db", "-f", "password"];
    workshop.run("certutil", &[&["-N"], &words[..]].concat());
    let key = ["-S", "-x", "-n", "client", "-s", "CN=client", "-t", "u,u,u"];
    let curve = ["-k", "ec", "-q", "nistp256", "-z", "noise"];
    workshop.run("certutil", &[&key[..], &curve, &words].concat());
    let directory = workshop.text("db");
    let fixed = [
        ("module", SOFTOKN),
        ("configdir", &*directory),
        ("token", "NSS Certificate DB"),
    ];
    open(&[&fixed[..], settings].concat())
}

#[test]
fn certificates_are_put_and_removed_in_a_database_of_nss() {
    const NAME: &str =
        "store::tests::softokn::certificates_are_put_and_removed_in_a_database_of_nss";
    alone(NAME, NEEDED, |workshop| {
        let store = database(workshop, "", &[]);
        let der = workshop.certificate("anchor");
        // Nothing of it is locked, so nobody is asked.
        store.unlock(&Call::detached()).unwrap();
        let put = |label| vec![anchor(&der, label)];
        let nobody = Call::detached();
        assert_eq!(applied(&store, &nobody, put("ours")), [Effect::New]);
        assert_eq!(applied(&store, &nobody, put("ours")), [Effect::Unchanged]);
        assert_eq!(labels(&store), ["client", "ours"]);
        let shown = workshop.run("certutil", &["-L", "-d", "sql:db"]);
        assert!(shown.contains("ours"), "{shown}");
        assert_eq!(applied(&store, &nobody, put("other")), [Effect::Updated]);
        assert_eq!(labels(&store), ["client", "other"]);
        let id = entry::id(Kind::Certificate, &der);
        let remove = || vec![Change::Remove(&id)];
        assert_eq!(applied(&store, &nobody, remove()), [Effect::Removed]);
        assert_eq!(labels(&store), ["client"]);
    });
}

#[test]
fn key_in_a_database_of_nss_signs_once_it_is_unlocked() {
    const NAME: &str = "store::tests::softokn::key_in_a_database_of_nss_signs_once_it_is_unlocked";
    alone(NAME, NEEDED, |workshop| {
        let store = database(workshop, PASSWORD, &[]);
        assert!(of_kind(&store, Kind::PrivateKey).is_empty());
        let wrong = store.unlock(&Call::answering(b"another one")).unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::WrongSecret, "{wrong}");
        store.unlock(&Call::answering(PASSWORD.as_bytes())).unwrap();
        let key = of_kind(&store, Kind::PrivateKey).remove(0);
        let certificate = of_kind(&store, Kind::Certificate).remove(0);
        let read = Certificate::read(&certificate.der).unwrap();
        assert_eq!(read.public, key.der);
        let scheme = Scheme::ECDSA_SECP256R1_SHA256;
        let schemes = store.schemes(&Call::detached(), &key.id).unwrap();
        assert_eq!(schemes, [scheme]);
        let made = store.sign(&Call::detached(), &key.id, scheme, b"message");
        workshop.write("message", b"message");
        signing::verify(workshop, &key.der, scheme, &made.unwrap());
        store.lock(&Call::detached()).unwrap();
        let refused = store.sign(&Call::detached(), &key.id, scheme, b"message");
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Locked);
    });
}

#[test]
fn what_a_database_of_nss_distrusts_is_listed_as_distrusted() {
    const NAME: &str =
        "store::tests::softokn::what_a_database_of_nss_distrusts_is_listed_as_distrusted";
    alone(NAME, NEEDED, |workshop| {
        drop(database(workshop, "", &[]));
        let der = workshop.certificate("bad");
        let words = ["-A", "-d", "sql:db", "-n", "bad", "-t", "p,p,p"];
        workshop.run("certutil", &[&words[..], &["-i", "bad.der"]].concat());
        let directory = workshop.text("db");
        let settings = [("module", SOFTOKN), ("configdir", &*directory)];
        let store = open(&settings);
        let distrusted = of_kind(&store, Kind::IssuerSerial);
        assert_eq!(distrusted.len(), 1);
        assert!(!distrusted[0].is_anchor);
        let read = Certificate::read(&der).unwrap();
        let named = der::issuer_serial(read.issuer, &read.serial_number());
        assert_eq!(distrusted[0].der, named);
        // Whoever asks for a certificate's issuer and number is told of it.
        let (issuer, serial) = (read.issuer, read.serial);
        let query = Query::new(By::IssuerSerial { issuer, serial }).of_kind(Kind::IssuerSerial);
        let mut found = 0;
        let mut take = |_: &Item<'_>| {
            found += 1;
            Ok(())
        };
        let mut items = Items::collecting(&mut take);
        store.find(&Call::detached(), &query, &mut items).unwrap();
        assert_eq!(found, 1);
        let remove = Batch::new(vec![Change::Remove(&distrusted[0].id)]);
        let (_, refused) = apply(&store, &Call::detached(), &remove);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::ReadOnly);
    });
}

#[test]
fn database_of_nss_that_is_opened_to_be_read_is_not_written() {
    const NAME: &str =
        "store::tests::softokn::database_of_nss_that_is_opened_to_be_read_is_not_written";
    alone(NAME, NEEDED, |workshop| {
        let store = database(workshop, "", &[("read_only", "true")]);
        let der = workshop.certificate("anchor");
        assert_eq!(labels(&store), ["client"]);
        let batch = Batch::new(vec![anchor(&der, "ours")]);
        let (_, refused) = apply(&store, &Call::detached(), &batch);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::ReadOnly);
    });
}

#[test]
fn every_token_of_a_module_is_read_and_the_writable_one_written() {
    const NAME: &str =
        "store::tests::softokn::every_token_of_a_module_is_read_and_the_writable_one_written";
    alone(NAME, NEEDED, |workshop| {
        drop(database(workshop, "", &[]));
        let directory = workshop.text("db");
        let store = open(&[("module", SOFTOKN), ("configdir", &*directory)]);
        let der = workshop.certificate("anchor");
        let changes = vec![anchor(&der, "ours")];
        assert_eq!(labels(&store), ["client"]);
        assert_eq!(applied(&store, &Call::detached(), changes), [Effect::New]);
        assert_eq!(labels(&store), ["client", "ours"]);
    });
}
