//! Limits: of paths, of keys, and of the work that a peer can make.

use anchorhold_sdk::Kind;
use anchorhold_sdk::testing::Held;
use rcgen::{BasicConstraints, IsCa};

use super::{refused, says, trusted, view};
use crate::fixture::{Authority, Stores, address, judge, scope};
use crate::outline::Outline;
use crate::{CertificateKind::Anchor, CertificateKind::Intermediate, Code};

const DB1: &str = "db1.example";

/// A CA that may have no other below it.
fn limited(params: &mut rcgen::CertificateParams) {
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
}

#[test]
fn an_anchors_own_path_length_is_kept() {
    let outside = Authority::root("Outside");
    for anchor in [
        Authority::root_with("Limited", limited),
        outside.intermediate_with("Limited", limited),
    ] {
        let below = anchor.intermediate("Below");
        let view = view(&[(&anchor.der, Anchor)]);
        trusted(&judge(&view, &[&anchor.leaf(&[DB1])], &address(DB1)));
        let leaf = below.leaf(&[DB1]);
        let verdict = judge(&view, &[&leaf, &below.der], &address(DB1));
        refused(&verdict, Code::CertificateMismatch);
        says(&verdict, "path length");
    }
}

#[test]
fn a_self_issued_certificate_does_not_count_towards_the_path_length() {
    let old = Authority::root_with("Root", limited);
    let renewed = Authority::root_with("Root", limited);
    let crossed = renewed.cross_signed_by(&old);
    let leaf = renewed.leaf(&[DB1]);
    let view = view(&[(&old.der, Anchor)]);
    trusted(&judge(&view, &[&leaf, &crossed], &address(DB1)));
}

#[test]
fn a_distrusted_key_does_not_come_back_in_another_form() {
    let root = Authority::root("Root");
    let bad = root.intermediate("Bad");
    let again = bad.compressed_by(&root);
    let key = Outline::read(&bad.der).unwrap().spki;
    let stores = Stores::new(&["keydb", "deny"]);
    stores.contents[0].put(Held::anchor(root.der.clone(), "root"));
    let mut distrusted = Held::distrusted(crate::certificate::fingerprint(key).0, "key");
    distrusted.kind = Kind::SpkiSha256;
    stores.contents[1].put(distrusted);
    let view = stores.view(scope(&[(&root.der, Anchor)]));
    let leaf = bad.leaf(&[DB1]);
    let verdict = judge(&view, &[&leaf, &bad.der], &address(DB1));
    refused(&verdict, Code::Distrusted);
    let verdict = judge(&view, &[&leaf, &again], &address(DB1));
    refused(&verdict, Code::CertificateWeak);
    says(&verdict, "uncompressed");
}

#[test]
fn what_is_held_is_not_crowded_out_by_what_is_presented() {
    let root = Authority::root("Root");
    let right = root.intermediate("Same");
    let crowd: Vec<_> = (0..20).map(|_| root.intermediate("Same")).collect();
    let leaf = right.leaf(&[DB1]);
    let mut presented: Vec<&[u8]> = vec![&leaf];
    presented.extend(crowd.iter().map(|ca| &ca.der[..]));
    let view = view(&[(&root.der, Anchor), (&right.der, Intermediate)]);
    trusted(&judge(&view, &presented, &address(DB1)));
    let mut without: Vec<&[u8]> = presented.clone();
    without.push(&right.der);
    let verdict = judge(
        &super::view(&[(&root.der, Anchor)]),
        &without,
        &address(DB1),
    );
    refused(&verdict, Code::CertificateMismatch);
}
