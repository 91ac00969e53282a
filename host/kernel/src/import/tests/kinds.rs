//! What a certificate becomes when nobody says, and what is said of it then.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, KeyUsagePurpose, SanType};

use super::*;
use crate::fixture::{Authority, digest, old, stock, stock_with};
use CertificateKind::{Anchor, Intermediate, Pin};

/// What a bench makes of these, imported in one go for one server.
fn kinds(ders: &[&[u8]]) -> Vec<CertificateKind> {
    let bench = Bench::new(&["keydb"]);
    let report = bench.imported(&bench.request(ders, &["TSM1"]));
    report.imported.iter().map(|one| one.kind).collect()
}

/// A self-signed certificate as openssl makes them by default: a CA.
fn openssl(key: &KeyPair) -> Vec<u8> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, "db1");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.self_signed(key).unwrap().der().to_vec()
}

#[test]
fn the_old_and_the_renewed_of_one_import_are_pins() {
    let ca =
        |params: &mut CertificateParams| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    assert_eq!(kinds(&[&stock_with(ca).0, &stock_with(ca).0]), [Pin, Pin]);
    // A renewal may keep the key, and so be signed with that of the old one.
    let key = KeyPair::generate().unwrap();
    assert_eq!(kinds(&[&openssl(&key), &openssl(&key)]), [Pin, Pin]);
    assert_eq!(kinds(&[&stock(), &Authority::root("Root").der]), [Pin, Pin]);
}

#[test]
fn a_ca_that_issued_another_of_the_import_is_an_anchor() {
    let root = Authority::root("Root");
    let middle = root.intermediate("Middle");
    let leaf = middle.leaf(&["db1.example"]);
    assert_eq!(
        kinds(&[&leaf, &middle.der, &root.der]),
        [Pin, Intermediate, Anchor]
    );
    assert_eq!(
        kinds(&[&root.der, &root.leaf(&["db1.example"])]),
        [Anchor, Pin]
    );
    assert_eq!(
        kinds(&[&stock(), &root.der, &middle.der]),
        [Pin, Anchor, Intermediate]
    );
    // The name alone proves nothing.
    let other = Authority::root("Root");
    assert_eq!(
        kinds(&[&root.der, &other.leaf(&["db1.example"])]),
        [Pin, Pin]
    );
}

#[test]
fn a_root_that_becomes_a_pin_is_warned_of() {
    let signs = |params: &mut CertificateParams| {
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    };
    for root in [Authority::root("Root"), Authority::root_with("Root", signs)] {
        let bench = Bench::new(&["keydb"]);
        let mut request = bench.request(&[&root.der], &["TSM1"]);
        let report = bench.imported(&request);
        assert_eq!(report.imported[0].kind, Pin);
        let [warning] = &report.warnings[..] else {
            panic!("{:?}", report.warnings)
        };
        let free = format!("anchorhold scope {} --none", digest(&root.der));
        assert!(
            warning.contains(&free) && warning.contains("--as anchor"),
            "{warning}"
        );
        // Said once, and not to somebody who asked for it.
        assert!(bench.imported(&request).warnings.is_empty());
        request.kind = Some(Pin);
        let bench = Bench::new(&["keydb"]);
        assert!(bench.imported(&request).warnings.is_empty());
        request.dry_run = true;
        request.kind = None;
        let warnings = Bench::new(&["keydb"]).imported(&request).warnings;
        assert!(
            !warnings[0].contains("remove"),
            "nothing is there to remove: {warnings:?}"
        );
    }
}

#[test]
fn a_servers_own_certificate_is_not_taken_for_a_root() {
    let (named, _) = stock_with(|params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "db1");
        params.subject_alt_names = vec![SanType::DnsName("db1.example".try_into().unwrap())];
    });
    for der in [old("stock.der"), stock(), named] {
        let bench = Bench::new(&["keydb"]);
        let report = bench.imported(&bench.request(&[&der], &["TSM1"]));
        assert!(report.warnings.is_empty(), "{:?}", report.warnings);
    }
}

#[test]
fn what_is_too_weak_is_refused_for_that_whatever_it_would_be() {
    for (ders, kind) in [
        (vec![old("rsa1024.der")], None),
        (vec![old("rsa1024.der"), stock()], None),
        (vec![old("rsa1024.der")], Some(Anchor)),
        (vec![old("v1.der")], Some(Anchor)),
    ] {
        let bench = Bench::new(&["keydb"]);
        let ders: Vec<&[u8]> = ders.iter().map(|der| &der[..]).collect();
        let mut request = bench.request(&ders, &["TSM1"]);
        request.kind = kind;
        let error = input(bench.import(&request), "is not acceptable: ");
        assert!(!error.to_string().contains("anchor"), "{error}");
        let remedy = error.remedy();
        assert!(
            remedy.contains("2048") && !remedy.contains("--as pin"),
            "{remedy}"
        );
    }
    let bench = Bench::new(&["keydb"]);
    let mut request = bench.request(&[&old("rsa1024.der")], &[]);
    request.servers = Servers::Any;
    input(bench.import(&request), "1024 bits");
}

#[test]
fn a_report_says_for_whom_a_certificate_vouches_in_the_end() {
    let root = Authority::root("Root");
    let bench = Bench::new(&["keydb"]);
    let mut any = bench.request(&[&root.der], &[]);
    any.servers = Servers::Any;
    bench.imported(&any);
    let report = bench.imported(&bench.request(&[&root.der], &["TSM1"]));
    assert_eq!(report.servers(), Some(&Servers::Any));
    assert_eq!(report.imported[0].outcome, Outcome::Unchanged);
    let narrows = format!("anchorhold scope {} --server TSM1", digest(&root.der));
    assert!(
        report.warnings[0].contains("already vouches for any server")
            && report.warnings[0].contains(&narrows),
        "{:?}",
        report.warnings
    );
    let both = bench.imported(&bench.request(&[&root.der, &stock()], &["TSM1"]));
    assert_eq!(both.servers(), None);
    let one = bench.imported(&bench.request(&[&stock()], &["TSM1"]));
    assert_eq!(one.servers(), Some(&Servers::Named(names(&["TSM1"]))));
}
