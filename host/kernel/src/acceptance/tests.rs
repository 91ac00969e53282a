//! What may be accepted on first use, and what is wrong with everything else.

use super::*;
use crate::fixture::{Authority, at, chain, digest, now, old, stock, stock_with, unknown_critical};

fn unacceptable(ders: &[&[u8]], at: UnixTime) -> String {
    match assess(&chain(ders), at) {
        Presented::Unacceptable(what) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_valid_self_signed_certificate_may_be_taken() {
    for der in [stock(), old("stock.der"), Authority::root("Root").der] {
        assert_eq!(
            assess(&chain(&[&der]), now()),
            Presented::SelfSigned(digest(&der))
        );
    }
}

#[test]
fn what_somebody_else_signed_is_named() {
    let root = Authority::root("Root");
    let leaf = root.leaf(&["db1.example"]);
    for presented in [vec![&leaf[..]], vec![&leaf[..], &root.der]] {
        let Presented::CaSigned(who) = assess(&chain(&presented), now()) else {
            panic!()
        };
        assert!(who.contains("CN=leaf") && who.contains("CN=Root"), "{who}");
    }
}

#[test]
fn everything_else_says_what_is_wrong() {
    let der = stock();
    assert!(unacceptable(&[], now()).contains("no certificate"));
    assert!(unacceptable(&[b"rubbish"], now()).contains("cannot be read"));
    assert!(unacceptable(&[&der, &stock()], now()).contains("2 certificates"));
    assert!(unacceptable(&[&der, &der], now()).contains("2 certificates"));
    assert!(unacceptable(&[&der], at(2019, 12, 31)).contains("not valid before 2020-01-01"));
    assert!(unacceptable(&[&der], at(2041, 1, 1)).contains("valid until 2040-01-01"));
    assert!(unacceptable(&[&old("v1.der")], now()).contains("v1"));
    assert!(unacceptable(&[&old("md5.der")], now()).contains("MD5"));
    assert!(unacceptable(&[&old("sha1.der")], now()).contains("SHA-1"));
    assert!(unacceptable(&[&old("rsa1024.der")], now()).contains("1024 bits"));
    let (critical, _) = stock_with(|p| p.custom_extensions.push(unknown_critical()));
    assert!(unacceptable(&[&critical], now()).contains("not acceptable"));
}

#[test]
fn naming_itself_as_issuer_is_not_enough() {
    let der = Authority::root("Root").cross_signed_by(&Authority::root("Root"));
    assert!(unacceptable(&[&der], now()).contains("not signed with its own key"));
    let mut bent = stock();
    *bent.last_mut().unwrap() ^= 1;
    assert!(unacceptable(&[&bent], now()).contains("not signed with its own key"));
}
