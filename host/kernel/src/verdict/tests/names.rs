//! The name that a certificate must carry where an anchor vouches.

use super::{refused, says, trusted, view};
use crate::fixture::{Authority, address, judge};
use crate::{CertificateKind::Anchor, Code, NameCheck};

#[track_caller]
fn check(carried: &[&str], expected: &str, good: bool) {
    let root = Authority::root("Root");
    let leaf = root.leaf(carried);
    let view = view(&[(&root.der, Anchor)]);
    for name in [address(expected), NameCheck::Name(expected.to_owned())] {
        let verdict = judge(&view, &[&leaf], &name);
        if good {
            trusted(&verdict);
        } else {
            refused(&verdict, Code::NameMismatch);
            says(&verdict, expected);
        }
    }
    trusted(&judge(&view, &[&leaf], &NameCheck::Off));
}

#[test]
fn names_match_dns_names_without_case() {
    check(&["db1.example"], "db1.example", true);
    check(&["DB1.example"], "db1.EXAMPLE", true);
    check(&["a.example", "db1.example"], "db1.example", true);
    check(&["db1.example"], "db1.example.", true);
    check(&["db1.example"], "db2.example", false);
    check(&["db1.example"], "example", false);
    check(&["db1.example"], "x.db1.example", false);
}

#[test]
fn a_wildcard_stands_for_one_label() {
    check(&["*.example.com"], "db1.example.com", true);
    check(&["*.example.com"], "a.b.example.com", false);
    check(&["*.example.com"], "example.com", false);
}

#[test]
fn addresses_match_address_names_only() {
    check(&["127.0.0.1"], "127.0.0.1", true);
    check(&["127.0.0.1"], "127.0.0.2", false);
    check(&["::1"], "::1", true);
    check(&["::1"], "[::1]", true);
    check(&["::1"], "0:0:0:0:0:0:0:1", true);
    check(&["fe80::1"], "fe80::1%eth0", true);
    check(&["db1.example"], "127.0.0.1", false);
    check(&["127.0.0.1"], "db1.example", false);
}

#[test]
fn an_address_written_as_a_dns_name_does_not_match() {
    let root = Authority::root("Root");
    let leaf = root.leaf_with(&[], |params| {
        let name = rcgen::string::Ia5String::try_from("127.0.0.1").unwrap();
        params.subject_alt_names.push(rcgen::SanType::DnsName(name));
    });
    let view = view(&[(&root.der, Anchor)]);
    refused(
        &judge(&view, &[&leaf], &address("127.0.0.1")),
        Code::NameMismatch,
    );
}

#[test]
fn the_common_name_never_counts() {
    let root = Authority::root("Root");
    let leaf = root.leaf_with(&[], |params| {
        params.distinguished_name.remove(rcgen::DnType::CommonName);
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "db1.example");
    });
    let verdict = judge(
        &view(&[(&root.der, Anchor)]),
        &[&leaf],
        &address("db1.example"),
    );
    refused(&verdict, Code::NameMismatch);
    says(&verdict, "common name never counts");
}

#[test]
fn what_no_certificate_can_carry_matches_none() {
    for expected in [
        "",
        "a b",
        "*.example",
        "*",
        "db1..example",
        "127.0.0.1.5",
        "256.0.0.1",
    ] {
        check(&["db1.example"], expected, false);
    }
}

#[test]
fn a_long_list_of_names_is_cut() {
    let names: Vec<String> = (0..40).map(|number| format!("n{number}.example")).collect();
    let root = Authority::root("Root");
    let leaf = root.leaf(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let verdict = judge(
        &view(&[(&root.der, Anchor)]),
        &[&leaf],
        &address("db1.example"),
    );
    refused(&verdict, Code::NameMismatch);
    says(&verdict, "DNS:n0.example");
    says(&verdict, "32 more");
}
