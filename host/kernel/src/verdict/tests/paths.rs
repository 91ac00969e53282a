//! A path leads to a held anchor, or what is wrong with it.

use rcgen::{
    CertificateParams, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyUsagePurpose,
    NameConstraints, date_time_ymd,
};

use super::{refused, says, trusted, view};
use crate::fixture::{
    Authority, Stores, address, at, digest, judge, judge_at, old, scope, stock, unknown_critical,
};
use crate::{CertificateKind::Anchor, CertificateKind::Intermediate, Code, How, NameCheck, View};
use anchorhold_sdk::ErrorKind;
use anchorhold_sdk::testing::Held;
use anchorhold_sdk::{Decision, Purpose, Rule};

const DB1: &str = "db1.example";

#[test]
fn a_leaf_of_a_held_root_is_good() {
    let root = Authority::root("Root");
    let leaf = root.leaf(&[DB1]);
    let verdict = judge(&view(&[(&root.der, Anchor)]), &[&leaf], &address(DB1));
    trusted(&verdict);
    let by = verdict.by.as_ref().unwrap();
    assert_eq!((by.how, by.fingerprint), (How::Anchor, digest(&root.der)));
    assert_eq!(verdict.chain, [digest(&leaf), digest(&root.der)]);
    says(&verdict, "CN=Root");
    says(&verdict, DB1);
}

#[test]
fn a_chain_of_three_is_good_in_any_order_with_anything_beside() {
    let root = Authority::root("Root");
    let middle = root.intermediate("Middle");
    let leaf = middle.leaf(&[DB1]);
    let stranger = Authority::root("Stranger");
    let view = view(&[(&root.der, Anchor)]);
    let expected = [digest(&leaf), digest(&middle.der), digest(&root.der)];
    for presented in [
        vec![&leaf[..], &middle.der],
        vec![&leaf[..], &middle.der, &root.der],
        vec![&leaf[..], &root.der, &middle.der],
        vec![
            &leaf[..],
            &stranger.der,
            &middle.der,
            &middle.der,
            &leaf,
            b"rubbish",
        ],
    ] {
        let verdict = judge(&view, &presented, &address(DB1));
        trusted(&verdict);
        assert_eq!(verdict.chain, expected);
    }
}

#[test]
fn a_held_intermediate_helps_and_vouches_for_nothing() {
    let root = Authority::root("Root");
    let middle = root.intermediate("Middle");
    let leaf = middle.leaf(&[DB1]);
    let both = view(&[(&root.der, Anchor), (&middle.der, Intermediate)]);
    trusted(&judge(&both, &[&leaf], &address(DB1)));
    let alone = view(&[(&middle.der, Intermediate)]);
    refused(
        &judge(&alone, &[&leaf], &address(DB1)),
        Code::CertificateMismatch,
    );
    refused(
        &judge(&alone, &[&leaf, &root.der], &address(DB1)),
        Code::CertificateMismatch,
    );
}

#[test]
fn an_intermediate_of_another_server_does_not_help() {
    let root = Authority::root("Root");
    let middle = root.intermediate("Middle");
    let leaf = middle.leaf(&[DB1]);
    let stores = Stores::new(&["keydb"]);
    stores.contents[0].put(Held::anchor(root.der.clone(), "root"));
    stores.contents[0].put(Held::anchor(middle.der.clone(), "middle"));
    let mut table = scope(&[(&root.der, Anchor)]);
    table.rows.insert(
        digest(&middle.der),
        crate::fixture::row(Intermediate, &["TSM2"]),
    );
    refused(
        &judge(&stores.view(table), &[&leaf], &address(DB1)),
        Code::CertificateMismatch,
    );
}

#[test]
fn a_path_may_end_at_a_held_intermediate_that_is_an_anchor() {
    let middle = Authority::root("Root").intermediate("Middle");
    let leaf = middle.leaf(&[DB1]);
    let verdict = judge(
        &view(&[(&middle.der, Anchor)]),
        &[&leaf, &middle.der],
        &address(DB1),
    );
    trusted(&verdict);
    assert_eq!(verdict.by.unwrap().fingerprint, digest(&middle.der));
}

#[test]
fn another_ca_of_the_same_name_does_not_vouch() {
    let held = Authority::root("Root");
    let other = Authority::root("Root");
    let leaf = other.leaf(&[DB1]);
    let view = view(&[(&held.der, Anchor)]);
    let verdict = judge(&view, &[&leaf, &other.der], &address(DB1));
    refused(&verdict, Code::CertificateMismatch);
    says(&verdict, "another key signed it");
}

#[test]
fn of_two_anchors_of_one_name_the_right_one_vouches() {
    let first = Authority::root("Root");
    let second = Authority::root("Root");
    let leaf = second.leaf(&[DB1]);
    let verdict = judge(
        &view(&[(&first.der, Anchor), (&second.der, Anchor)]),
        &[&leaf],
        &address(DB1),
    );
    trusted(&verdict);
    assert_eq!(verdict.by.unwrap().fingerprint, digest(&second.der));
}

#[test]
fn a_cross_certificate_leads_to_the_anchor_that_is_held() {
    let old_root = Authority::root("Old");
    let new_root = Authority::root("New");
    let cross = new_root.cross_signed_by(&old_root);
    let leaf = new_root.leaf(&[DB1]);
    let verdict = judge(
        &view(&[(&old_root.der, Anchor)]),
        &[&leaf, &cross, &new_root.der],
        &address(DB1),
    );
    trusted(&verdict);
    assert_eq!(
        verdict.chain,
        [digest(&leaf), digest(&cross), digest(&old_root.der)]
    );
}

#[test]
fn loops_of_cas_end() {
    let first = Authority::root("First");
    let second = Authority::root("Second");
    let there = first.cross_signed_by(&second);
    let back = second.cross_signed_by(&first);
    let leaf = first.leaf(&[DB1]);
    let held = Authority::root("Held");
    let verdict = judge(
        &view(&[(&held.der, Anchor)]),
        &[&leaf, &there, &back, &first.der, &second.der],
        &address(DB1),
    );
    refused(&verdict, Code::CertificateMismatch);
    let good = judge(
        &view(&[(&second.der, Anchor)]),
        &[&leaf, &back, &there],
        &address(DB1),
    );
    trusted(&good);
}

#[test]
fn too_deep_a_path_is_a_mismatch() {
    let root = Authority::root("Root");
    let mut cas = vec![root.intermediate("0")];
    for number in 1..9 {
        let next = cas.last().unwrap().intermediate(&number.to_string());
        cas.push(next);
    }
    let leaf = cas.last().unwrap().leaf(&[DB1]);
    let mut presented: Vec<&[u8]> = vec![&leaf];
    presented.extend(cas.iter().map(|ca| &ca.der[..]));
    let verdict = judge(&view(&[(&root.der, Anchor)]), &presented, &address(DB1));
    refused(&verdict, Code::CertificateMismatch);
    let shallow = judge(&view(&[(&cas[4].der, Anchor)]), &presented, &address(DB1));
    trusted(&shallow);
}

#[test]
fn many_certificates_of_one_name_are_bounded_work() {
    let root = Authority::root("Root");
    let cas: Vec<_> = (0..30).map(|_| root.intermediate("Same")).collect();
    let leaf = cas[7].leaf(&[DB1]);
    let mut presented: Vec<&[u8]> = vec![&leaf];
    presented.extend(cas.iter().map(|ca| &ca.der[..]));
    trusted(&judge(
        &view(&[(&root.der, Anchor)]),
        &presented,
        &address(DB1),
    ));
}

#[test]
fn an_end_entity_may_not_sign() {
    let root = Authority::root("Root");
    let middle = root.intermediate_with("Middle", |params| params.is_ca = IsCa::ExplicitNoCa);
    let leaf = middle.leaf(&[DB1]);
    let verdict = judge(
        &view(&[(&root.der, Anchor)]),
        &[&leaf, &middle.der],
        &address(DB1),
    );
    refused(&verdict, Code::CertificateMismatch);
    says(&verdict, "may not sign certificates");
}

#[test]
fn a_ca_whose_key_usage_forbids_it_may_not_sign() {
    let forbid = |params: &mut CertificateParams| {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    };
    let root = Authority::root("Root");
    let middle = root.intermediate_with("Middle", forbid);
    let leaf = middle.leaf(&[DB1]);
    let verdict = judge(
        &view(&[(&root.der, Anchor)]),
        &[&leaf, &middle.der],
        &address(DB1),
    );
    refused(&verdict, Code::CertificateMismatch);

    let root = Authority::root_with("Root", forbid);
    let leaf = root.leaf(&[DB1]);
    let verdict = judge(&view(&[(&root.der, Anchor)]), &[&leaf], &address(DB1));
    refused(&verdict, Code::CertificateWeak);
    says(&verdict, "no CA certificate");
}

#[test]
fn the_path_length_is_kept() {
    let root = Authority::root_with("Root", |_| {});
    let limited = root.intermediate_with("Limited", |params| {
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Constrained(0));
    });
    let below = limited.intermediate("Below");
    let view = view(&[(&root.der, Anchor)]);
    let leaf = limited.leaf(&[DB1]);
    trusted(&judge(&view, &[&leaf, &limited.der], &address(DB1)));
    let leaf = below.leaf(&[DB1]);
    let verdict = judge(&view, &[&leaf, &below.der, &limited.der], &address(DB1));
    refused(&verdict, Code::CertificateMismatch);
    says(&verdict, "path length");
}

#[test]
fn a_leaf_that_is_no_ca_is_no_anchor() {
    let root = Authority::root("Root");
    let fake = root.intermediate_with("Fake", |params| params.is_ca = IsCa::NoCa);
    let leaf = fake.leaf(&[DB1]);
    let verdict = judge(&view(&[(&fake.der, Anchor)]), &[&leaf], &address(DB1));
    refused(&verdict, Code::CertificateWeak);
    says(&verdict, "no CA certificate");
}

#[test]
fn a_ca_is_nobodys_own_certificate() {
    let root = Authority::root("Root");
    let ca = root.leaf_with(&[DB1], |params| {
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    });
    let verdict = judge(&view(&[(&root.der, Anchor)]), &[&ca], &address(DB1));
    refused(&verdict, Code::CertificateWeak);
    says(&verdict, "is a CA certificate");
}

#[test]
fn purposes_other_than_servers_are_refused() {
    let root = Authority::root("Root");
    let view = view(&[(&root.der, Anchor)]);
    let leaf = |purposes: &[ExtendedKeyUsagePurpose]| {
        root.leaf_with(&[DB1], |params| {
            params.extended_key_usages = purposes.to_vec()
        })
    };
    use ExtendedKeyUsagePurpose::{Any, ClientAuth, CodeSigning, ServerAuth};
    trusted(&judge(&view, &[&leaf(&[])], &address(DB1)));
    trusted(&judge(
        &view,
        &[&leaf(&[ClientAuth, ServerAuth])],
        &address(DB1),
    ));
    for purposes in [&[ClientAuth][..], &[CodeSigning], &[Any]] {
        let verdict = judge(&view, &[&leaf(purposes)], &address(DB1));
        refused(&verdict, Code::CertificateWeak);
        says(&verdict, "not meant for servers");
    }
}

#[test]
fn an_intermediate_for_another_purpose_is_refused() {
    let root = Authority::root("Root");
    let middle = root.intermediate_with("Middle", |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let leaf = middle.leaf(&[DB1]);
    let verdict = judge(
        &view(&[(&root.der, Anchor)]),
        &[&leaf, &middle.der],
        &address(DB1),
    );
    refused(&verdict, Code::CertificateWeak);
    says(&verdict, "not meant for servers");
}

#[test]
fn an_anchor_for_another_purpose_is_refused() {
    for (purpose, good) in [
        (ExtendedKeyUsagePurpose::ClientAuth, false),
        (ExtendedKeyUsagePurpose::ServerAuth, true),
        (ExtendedKeyUsagePurpose::Any, true),
    ] {
        let root =
            Authority::root_with("Root", |params| params.extended_key_usages = vec![purpose]);
        let verdict = judge(
            &view(&[(&root.der, Anchor)]),
            &[&root.leaf(&[DB1])],
            &address(DB1),
        );
        if good {
            trusted(&verdict);
        } else {
            refused(&verdict, Code::CertificateWeak);
            says(&verdict, "not meant for servers");
        }
    }
}

#[test]
fn an_anchor_that_one_store_trusts_vouches_although_another_says_nothing() {
    let root = Authority::root("Root");
    let stores = Stores::new(&["first", "second"]);
    stores.contents[0].put(Held::certificate(root.der.clone(), "neutral", &[]));
    stores.contents[1].put(Held::anchor(root.der.clone(), "trusted"));
    let view = stores.view(scope(&[(&root.der, Anchor)]));
    let verdict = judge(&view, &[&root.leaf(&[DB1])], &address(DB1));
    trusted(&verdict);
    assert_eq!(verdict.by.unwrap().store, "second");
}

#[test]
fn what_one_store_limits_no_other_store_lifts() {
    let root = Authority::root("Root");
    let late = Rule {
        issued_before: date_time_ymd(2020, 1, 1).unix_timestamp(),
        ..Rule::new(Purpose::Server, Decision::Anchor)
    };
    let cut_off = Held::certificate(root.der.clone(), "limited", &[late]);
    let mut constrained = Held::anchor(root.der.clone(), "constrained");
    constrained.name_constraints = only_dns("other");
    for (limited, code) in [
        (cut_off, Code::Distrusted),
        (constrained, Code::NameMismatch),
    ] {
        for (lifts, limits) in [("first", 1), ("second", 0)] {
            let stores = Stores::new(&["first", "second"]);
            stores.contents[limits].put(limited.clone());
            stores.contents[1 - limits].put(Held::anchor(root.der.clone(), "trusted"));
            let view = stores.view(scope(&[(&root.der, Anchor)]));
            let verdict = judge(&view, &[&root.leaf(&[DB1])], &address(DB1));
            refused(&verdict, code);
            says(&verdict, ["store \"first\"", "store \"second\""][limits]);
            assert!(!verdict.message.contains(&format!("store \"{lifts}\"")));
        }
    }
}

#[test]
fn what_a_store_limited_counts_while_it_is_down() {
    let root = Authority::root("Root");
    let stores = Stores::with(&["first", "second"], |name, mut plan| {
        plan.critical = name != "first";
        plan
    });
    let late = Rule {
        issued_before: date_time_ymd(2020, 1, 1).unix_timestamp(),
        ..Rule::new(Purpose::Server, Decision::Anchor)
    };
    stores.contents[0].put(Held::certificate(root.der.clone(), "limited", &[late]));
    stores.contents[1].put(Held::anchor(root.der.clone(), "trusted"));
    let rows = || scope(&[(&root.der, Anchor)]);
    refused(
        &judge(&stores.view(rows()), &[&root.leaf(&[DB1])], &address(DB1)),
        Code::Distrusted,
    );
    stores.contents[0].fault(|faults| faults.list = Some(ErrorKind::Unavailable));
    refused(
        &judge(&stores.view(rows()), &[&root.leaf(&[DB1])], &address(DB1)),
        Code::Distrusted,
    );
}

#[test]
fn a_wrong_purpose_without_an_anchor_is_a_mismatch() {
    let leaf = Authority::root("Other").leaf_with(&[DB1], |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.not_after = date_time_ymd(2022, 1, 1);
    });
    let held = Authority::root("Held");
    let verdict = judge(&view(&[(&held.der, Anchor)]), &[&leaf], &address(DB1));
    refused(&verdict, Code::CertificateMismatch);
}

#[test]
fn every_certificate_of_the_path_has_dates() {
    let end = |params: &mut CertificateParams| params.not_after = date_time_ymd(2025, 1, 1);
    let begin = |params: &mut CertificateParams| params.not_before = date_time_ymd(2031, 1, 1);
    let root = Authority::root("Root");
    let middle = root.intermediate("Middle");
    let view = view(&[(&root.der, Anchor)]);

    let leaf = middle.leaf_with(&[DB1], end);
    let verdict = judge(&view, &[&leaf, &middle.der], &address(DB1));
    refused(&verdict, Code::CertificateExpired);
    says(
        &verdict,
        "the presented certificate has expired: it was valid until 2025-01-01",
    );

    let leaf = middle.leaf_with(&[DB1], begin);
    let verdict = judge(&view, &[&leaf, &middle.der], &address(DB1));
    refused(&verdict, Code::CertificateNotYetValid);
    says(&verdict, "clock");

    let expired = root.intermediate_with("Expired", end);
    let leaf = expired.leaf(&[DB1]);
    let verdict = judge(&view, &[&leaf, &expired.der], &address(DB1));
    refused(&verdict, Code::CertificateExpired);
    says(&verdict, "the intermediate CA CN=Expired has expired");

    let later = root.intermediate_with("Later", begin);
    let leaf = later.leaf(&[DB1]);
    let verdict = judge(&view, &[&leaf, &later.der], &address(DB1));
    refused(&verdict, Code::CertificateNotYetValid);
}

#[test]
fn dates_that_never_meet_are_a_refusal_all_the_same() {
    let root = Authority::root("Root");
    let expired = root.intermediate_with("Expired", |params| {
        params.not_after = date_time_ymd(2021, 1, 1)
    });
    let leaf = expired.leaf_with(&[DB1], |params| {
        params.not_before = date_time_ymd(2029, 1, 1)
    });
    let verdict = judge(
        &view(&[(&root.der, Anchor)]),
        &[&leaf, &expired.der],
        &address(DB1),
    );
    refused(&verdict, Code::CertificateMismatch);
    says(&verdict, "no moment");
}

#[test]
fn an_anchor_has_dates_as_well() {
    let expired = Authority::root_with("Root", |params| {
        params.not_after = date_time_ymd(2025, 1, 1)
    });
    let leaf = expired.leaf(&[DB1]);
    let view = view(&[(&expired.der, Anchor)]);
    let verdict = judge(&view, &[&leaf], &address(DB1));
    refused(&verdict, Code::CertificateExpired);
    says(&verdict, "the held CA CN=Root has expired");
    trusted(&judge_at(&view, &[&leaf], &address(DB1), at(2024, 1, 1)));
    let early = judge_at(&view, &[&leaf], &address(DB1), at(2019, 1, 1));
    refused(&early, Code::CertificateNotYetValid);
}

#[test]
fn a_renewed_anchor_vouches_where_the_old_one_expired() {
    let old_one = Authority::root_with("Root", |params| {
        params.not_after = date_time_ymd(2025, 1, 1)
    });
    let renewed = {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "Root");
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.not_after = date_time_ymd(2045, 1, 1);
        params.self_signed(&old_one.key).unwrap().der().to_vec()
    };
    let leaf = old_one.leaf(&[DB1]);
    let view = view(&[(&old_one.der, Anchor), (&renewed, Anchor)]);
    let verdict = judge(&view, &[&leaf], &address(DB1));
    trusted(&verdict);
    assert_eq!(verdict.by.unwrap().fingerprint, digest(&renewed));
}

#[test]
fn name_constraints_of_the_anchor_bind() {
    let root = Authority::root_with("Root", |params| {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("example".to_owned())],
            excluded_subtrees: vec![GeneralSubtree::DnsName("secret.example".to_owned())],
        });
    });
    let view = view(&[(&root.der, Anchor)]);
    let inside = root.leaf(&[DB1]);
    trusted(&judge(&view, &[&inside], &address(DB1)));
    for outside in ["db1.other", "db.secret.example"] {
        let verdict = judge(&view, &[&root.leaf(&[outside])], &address(outside));
        refused(&verdict, Code::NameMismatch);
        says(&verdict, "name constraints");
    }
}

#[test]
fn name_constraints_of_the_store_bind_as_well() {
    let root = Authority::root("Root");
    let middle = root.intermediate("Middle");
    let stores = Stores::new(&["keydb"]);
    let mut held = Held::anchor(root.der.clone(), "root");
    held.name_constraints = only_dns("example");
    stores.contents[0].put(held);
    let view = stores.view(scope(&[(&root.der, Anchor)]));
    for signer in [&root, &middle] {
        let inside = signer.leaf(&[DB1]);
        trusted(&judge(&view, &[&inside, &middle.der], &address(DB1)));
        let outside = signer.leaf(&["db1.other"]);
        let verdict = judge(&view, &[&outside, &middle.der], &address("db1.other"));
        refused(&verdict, Code::NameMismatch);
        says(&verdict, "store \"keydb\"");
    }
}

#[test]
fn name_constraints_of_the_store_do_not_replace_those_of_the_anchor() {
    let root = Authority::root_with("Root", |params| {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("example".to_owned())],
            excluded_subtrees: Vec::new(),
        });
    });
    let stores = Stores::new(&["keydb"]);
    let mut held = Held::anchor(root.der.clone(), "root");
    held.name_constraints = only_dns("other");
    stores.contents[0].put(held);
    let view = stores.view(scope(&[(&root.der, Anchor)]));
    for name in [DB1, "db1.other"] {
        let verdict = judge(&view, &[&root.leaf(&[name])], &address(name));
        refused(&verdict, Code::NameMismatch);
    }
}

#[test]
fn broken_name_constraints_of_the_store_let_nothing_through() {
    let root = Authority::root("Root");
    let stores = Stores::new(&["keydb"]);
    let mut held = Held::anchor(root.der.clone(), "root");
    held.name_constraints = b"rubbish".to_vec();
    stores.contents[0].put(held);
    let verdict = judge(
        &stores.view(scope(&[(&root.der, Anchor)])),
        &[&root.leaf(&[DB1])],
        &address(DB1),
    );
    assert!(!verdict.trusted);
}

#[test]
fn a_store_may_trust_only_what_was_issued_before() {
    let root = Authority::root("Root");
    let stores = Stores::new(&["keydb"]);
    let rule = Rule {
        issued_before: date_time_ymd(2024, 1, 1).unix_timestamp(),
        ..Rule::new(Purpose::Server, Decision::Anchor)
    };
    stores.contents[0].put(Held::certificate(root.der.clone(), "root", &[rule]));
    let view = stores.view(scope(&[(&root.der, Anchor)]));
    trusted(&judge(&view, &[&root.leaf(&[DB1])], &address(DB1)));
    let late = root.leaf_with(&[DB1], |params| {
        params.not_before = date_time_ymd(2024, 1, 1)
    });
    let verdict = judge(&view, &[&late], &address(DB1));
    refused(&verdict, Code::Distrusted);
    says(&verdict, "2024-01-01");
}

#[test]
fn a_neutral_anchor_vouches_for_nothing() {
    let root = Authority::root("Root");
    let stores = Stores::new(&["keydb"]);
    stores.contents[0].put(Held::certificate(root.der.clone(), "root", &[]));
    let verdict = judge(
        &stores.view(scope(&[(&root.der, Anchor)])),
        &[&root.leaf(&[DB1])],
        &address(DB1),
    );
    refused(&verdict, Code::CertificateMismatch);
    says(&verdict, "does not trust");
}

#[test]
fn weak_signatures_in_the_path_are_refused() {
    let root = old("sha1ca.der");
    let view = view(&[(&root, Anchor)]);
    let verdict = judge(&view, &[&old("sha1leaf.der")], &address(DB1));
    refused(&verdict, Code::CertificateWeak);
    says(&verdict, "SHA-1");
    // Nothing rests on the root's own signature.
    trusted(&judge(&view, &[&old("sha256leaf.der")], &address(DB1)));
}

#[test]
fn weak_keys_of_cas_are_refused() {
    let root = old("rsa1024ca.der");
    let verdict = judge(
        &view(&[(&root, Anchor)]),
        &[&old("rsa1024leaf.der")],
        &address(DB1),
    );
    refused(&verdict, Code::CertificateWeak);
    says(&verdict, "1024 bits");
}

#[test]
fn unknown_critical_extensions_are_refused_but_in_anchors() {
    let critical = |params: &mut CertificateParams| {
        params.custom_extensions.push(unknown_critical());
    };
    let root = Authority::root_with("Root", critical);
    trusted(&judge(
        &view(&[(&root.der, Anchor)]),
        &[&root.leaf(&[DB1])],
        &address(DB1),
    ));
    let leaf = root.leaf_with(&[DB1], critical);
    refused(
        &judge(&view(&[(&root.der, Anchor)]), &[&leaf], &address(DB1)),
        Code::CertificateWeak,
    );
    let middle = root.intermediate_with("Middle", critical);
    let leaf = middle.leaf(&[DB1]);
    let verdict = judge(
        &view(&[(&root.der, Anchor)]),
        &[&leaf, &middle.der],
        &address(DB1),
    );
    assert!(!verdict.trusted, "{}", verdict.message);
}

#[test]
fn nothing_held_is_certificate_needed() {
    let leaf = Authority::root("Root").leaf(&[DB1]);
    for presented in [&leaf, &stock()] {
        let verdict = judge(&view(&[]), &[presented], &address(DB1));
        refused(&verdict, Code::CertificateNeeded);
        says(&verdict, &digest(presented).to_string());
        assert!(
            verdict
                .remedy
                .unwrap()
                .contains("anchorhold import --server TSM1 FILE")
        );
    }
}

#[test]
fn an_any_server_anchor_that_does_not_vouch_is_certificate_needed() {
    let root = Authority::root("Root");
    let stores = Stores::new(&["keydb"]);
    stores.contents[0].put(Held::anchor(root.der.clone(), "root"));
    let mut table = scope(&[]);
    table
        .rows
        .insert(digest(&root.der), crate::fixture::for_any(Anchor));
    let view = stores.view(table);
    trusted(&judge(&view, &[&root.leaf(&[DB1])], &address(DB1)));
    let stranger = Authority::root("Stranger").leaf(&[DB1]);
    refused(
        &judge(&view, &[&stranger], &address(DB1)),
        Code::CertificateNeeded,
    );
}

#[test]
fn anchors_out_of_a_file_need_no_store() {
    let root = Authority::root("Root");
    let middle = root.intermediate("Middle");
    let leaf = middle.leaf(&[DB1]);
    let without = View::of_certificates("roots.pem", vec![root.der.clone()], Vec::new());
    refused(
        &judge(&without, &[&leaf], &address(DB1)),
        Code::CertificateMismatch,
    );
    let with = View::of_certificates("roots.pem", vec![root.der], vec![middle.der]);
    let verdict = judge(&with, &[&leaf], &address(DB1));
    trusted(&verdict);
    assert_eq!(verdict.by.unwrap().store, "roots.pem");
    let none = View::of_certificates("roots.pem", Vec::new(), Vec::new());
    refused(
        &judge(&none, &[&leaf], &NameCheck::Off),
        Code::CertificateMismatch,
    );
    let rubbish = View::of_certificates("roots.pem", vec![b"x".to_vec(), stock()], Vec::new());
    refused(
        &judge(&rubbish, &[&leaf], &NameCheck::Off),
        Code::CertificateMismatch,
    );
}

#[test]
fn the_same_answer_comes_a_second_time() {
    let root = Authority::root("Root");
    let middle = root.intermediate("Middle");
    let view = view(&[(&root.der, Anchor)]);
    let good = middle.leaf(&[DB1]);
    let mut forged = middle.der.clone();
    *forged.last_mut().unwrap() ^= 1;
    for _ in 0..3 {
        trusted(&judge(&view, &[&good, &middle.der], &address(DB1)));
        let verdict = judge(&view, &[&good, &forged], &address(DB1));
        refused(&verdict, Code::CertificateMismatch);
        let mut bent = good.clone();
        *bent.last_mut().unwrap() ^= 1;
        refused(
            &judge(&view, &[&bent, &middle.der], &address(DB1)),
            Code::CertificateMismatch,
        );
    }
}

#[test]
fn not_one_bit_of_a_chain_may_differ() {
    let root = Authority::root("Root");
    let middle = root.intermediate("Middle");
    let leaf = middle.leaf(&[DB1]);
    let view = view(&[(&root.der, Anchor)]);
    trusted(&judge(&view, &[&leaf, &middle.der], &address(DB1)));
    for place in 0..leaf.len() {
        let mut bent = leaf.clone();
        bent[place] ^= 1 << (place % 8);
        let verdict = judge(&view, &[&bent, &middle.der], &address(DB1));
        assert!(!verdict.trusted, "byte {place} of the leaf");
    }
    for place in 0..middle.der.len() {
        let mut bent = middle.der.clone();
        bent[place] ^= 1 << (place % 8);
        let verdict = judge(&view, &[&leaf, &bent], &address(DB1));
        assert!(!verdict.trusted, "byte {place} of the intermediate");
    }
}

#[test]
fn name_constraints_on_addresses_bind() {
    let root = Authority::root_with("Root", |params| {
        let inside = rcgen::CidrSubnet::from_v4_prefix([10, 0, 0, 0], 8);
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::IpAddress(inside)],
            excluded_subtrees: Vec::new(),
        });
    });
    let view = view(&[(&root.der, Anchor)]);
    trusted(&judge(
        &view,
        &[&root.leaf(&["10.1.2.3"])],
        &address("10.1.2.3"),
    ));
    let verdict = judge(&view, &[&root.leaf(&["11.1.2.3"])], &address("11.1.2.3"));
    refused(&verdict, Code::NameMismatch);
}

/// NameConstraints that permit one DNS subtree.
fn only_dns(tree: &str) -> Vec<u8> {
    let length = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap();
    let wrap = |tag: u8, bytes: Vec<u8>| [vec![tag, length(&bytes)], bytes].concat();
    wrap(
        0x30,
        wrap(0xa0, wrap(0x30, wrap(0x82, tree.as_bytes().to_vec()))),
    )
}
