//! Refusals that a mistake explains say which, and how to mend it.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};

use super::{refused, says, trusted, view};
use crate::certificate::fingerprint;
use crate::fixture::{Authority, address, digest, judge, old, stock, stock_with};
use crate::{CertificateKind::Anchor, CertificateKind::Pin, Code, NameCheck, Verdict, View};

const DB1: &str = "db1.example";

#[track_caller]
fn advises(verdict: &Verdict, text: &str) {
    let remedy = verdict.remedy.as_deref().unwrap();
    assert!(remedy.contains(text), "\"{text}\" is not in: {remedy}");
}

fn given(anchor: &[u8]) -> View {
    View::of_certificates("roots.pem", vec![anchor.to_vec()], Vec::new())
}

#[test]
fn a_chain_in_the_wrong_order_is_told_so() {
    let root = Authority::root("Root");
    let middle = root.intermediate("Middle");
    let leaf = middle.leaf(&[DB1]);
    for view in [
        given(&root.der),
        view(&[(&root.der, Anchor)]),
        view(&[(&stock(), Pin)]),
    ] {
        for chain in [
            [&root.der[..], &middle.der, &leaf],
            [&middle.der, &leaf, &root.der],
        ] {
            let verdict = judge(&view, &chain, &address(DB1));
            assert!(!verdict.trusted);
            says(&verdict, "the first certificate is a CA");
            advises(&verdict, "Put the server's own certificate first");
        }
    }
    let right = [&leaf[..], &middle.der, &root.der];
    trusted(&judge(&given(&root.der), &right, &address(DB1)));
}

#[test]
fn a_server_whose_own_certificate_is_held_as_an_anchor_is_told_so() {
    let root = Authority::root("Root");
    let verdict = judge(&view(&[(&root.der, Anchor)]), &[&root.der], &address(DB1));
    refused(&verdict, Code::CertificateMismatch);
    says(&verdict, "store \"keydb\" holds the presented certificate");
    says(&verdict, "as an anchor");
    assert_eq!(verdict.misfiled, Some(fingerprint(&root.der)));
    advises(
        &verdict,
        &format!("anchorhold remove {} --all", digest(&root.der)),
    );
    advises(&verdict, "anchorhold import --server TSM1 --as pin FILE");
    // The same where the anchors come out of a file, and no server is asked about.
    let verdict = judge(&given(&root.der), &[&root.der], &NameCheck::Off);
    refused(&verdict, Code::CertificateMismatch);
    says(&verdict, "is itself one of the given anchors");
    // What could not be a pin either is refused for that.
    let small = old("rsa1024ca.der");
    let verdict = judge(&view(&[(&small, Anchor)]), &[&small], &NameCheck::Off);
    refused(&verdict, Code::CertificateWeak);
}

#[test]
fn a_root_that_is_held_as_a_pin_is_named() {
    let root = Authority::root("Root");
    let middle = root.intermediate("Middle");
    let view = view(&[(&root.der, Pin)]);
    let (direct, leaf) = (root.leaf(&[DB1]), middle.leaf(&[DB1]));
    for chain in [vec![&direct[..]], vec![&leaf[..], &middle.der]] {
        let verdict = judge(&view, &chain, &address(DB1));
        refused(&verdict, Code::CertificateMismatch);
        says(&verdict, "is held in store \"keydb\" as a pin");
        assert_eq!(verdict.misfiled, Some(fingerprint(&root.der)));
        advises(
            &verdict,
            &format!("anchorhold remove {} --all", digest(&root.der)),
        );
        advises(&verdict, "anchorhold import --server TSM1 --as anchor FILE");
    }
    // Another of the same name has not issued it.
    let verdict = judge(
        &view,
        &[&Authority::root("Root").leaf(&[DB1])],
        &address(DB1),
    );
    refused(&verdict, Code::CertificateMismatch);
    assert_eq!(verdict.misfiled, None);
    advises(&verdict, "beside the old");
}

#[test]
fn a_renewal_with_the_old_key_is_not_taken_for_the_work_of_a_ca() {
    let key = KeyPair::generate().unwrap();
    let made = || {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "db1");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.self_signed(&key).unwrap().der().to_vec()
    };
    let (held, presented) = (made(), made());
    let verdict = judge(&view(&[(&held, Pin)]), &[&presented], &NameCheck::Off);
    refused(&verdict, Code::CertificateMismatch);
    advises(&verdict, "beside the old");
    // Nor is a stock certificate that is no CA.
    let (presented, _) = stock_with(|_| {});
    let verdict = judge(&view(&[(&stock(), Pin)]), &[&presented], &NameCheck::Off);
    advises(&verdict, "beside the old");
}
