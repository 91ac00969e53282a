//! Certificates put on a token of SoftHSM and taken away again.

use cryptoki::object::{Attribute, AttributeType, CertificateType, ObjectClass};
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;

use super::*;
use crate::access::Access;
use crate::object::{self, Wanted};
use crate::raw::VALUE_MAX;

#[test]
fn certificates_are_put_renamed_and_removed() {
    const NAME: &str = "store::tests::writing::certificates_are_put_renamed_and_removed";
    alone(NAME, NEEDED, |workshop| {
        workshop.token("corp");
        let der = workshop.certificate("anchor");
        let store = corp(&[]);
        let put = |label| vec![anchor(&der, label)];
        assert_eq!(applied(&store, &user(), put("ours")), [Effect::New]);
        assert_eq!(labels(&store), ["ours"]);
        let shown = workshop.tool(&["--list-objects", "--type", "cert"]);
        assert!(shown.contains("label:      ours"), "{shown}");
        assert!(shown.contains("subject:    DN: CN=anchor"), "{shown}");

        assert_eq!(applied(&store, &user(), put("ours")), [Effect::Unchanged]);
        assert_eq!(applied(&store, &user(), put("")), [Effect::Unchanged]);
        assert_eq!(applied(&store, &user(), put("other")), [Effect::Updated]);
        assert_eq!(labels(&store), ["other"]);

        let id = entry::id(Kind::Certificate, &der);
        let remove = || vec![Change::Remove(&id)];
        assert_eq!(applied(&store, &user(), remove()), [Effect::Removed]);
        assert!(labels(&store).is_empty());
        assert_eq!(applied(&store, &user(), remove()), [Effect::Unchanged]);
        let shown = workshop.tool(&["--list-objects", "--type", "cert"]);
        assert!(!shown.contains("Certificate Object"), "{shown}");
    });
}

#[test]
fn later_changes_of_a_batch_see_the_earlier_ones() {
    const NAME: &str = "store::tests::writing::later_changes_of_a_batch_see_the_earlier_ones";
    alone(NAME, NEEDED, |workshop| {
        workshop.token("corp");
        let der = workshop.certificate("anchor");
        let id = entry::id(Kind::Certificate, &der);
        let store = corp(&[]);
        let changes = vec![
            anchor(&der, "a"),
            anchor(&der, "b"),
            Change::Remove(&id),
            anchor(&der, "c"),
        ];
        let effects = applied(&store, &user(), changes);
        let expected = [Effect::New, Effect::Updated, Effect::Removed, Effect::New];
        assert_eq!(effects, expected);
        assert_eq!(labels(&store), ["c"]);
    });
}

#[test]
fn nothing_is_written_that_is_only_checked_or_meant_for_another_state() {
    const NAME: &str =
        "store::tests::writing::nothing_is_written_that_is_only_checked_or_meant_for_another_state";
    alone(NAME, NEEDED, |workshop| {
        workshop.token("corp");
        let der = workshop.certificate("anchor");
        let store = corp(&[]);
        let batch = || Batch::new(vec![anchor(&der, "ours")]);
        let (effects, checked) = apply(&store, &Call::detached(), &batch().only_checked());
        checked.unwrap();
        assert_eq!(effects, [Effect::New]);
        let (_, refused) = apply(&store, &user(), &batch().only_at(7));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Conflict);
        let (effects, refused) = apply(&store, &Call::detached(), &batch());
        assert!(effects.is_empty());
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Locked);
        let (_, refused) = apply(&store, &Call::answering(b"4321"), &batch());
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::WrongSecret);
        let never = corp(&[("read_only", "true")]);
        let (_, refused) = apply(&never, &user(), &batch());
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::ReadOnly);
        assert!(labels(&store).is_empty());
        // At the generation that it is of, it is made.
        let now = store.holding.lock().unwrap().found().generation();
        let (effects, made) = apply(&store, &user(), &batch().only_at(now));
        made.unwrap();
        assert_eq!(effects, [Effect::New]);
    });
}

#[test]
fn what_a_token_cannot_keep_is_refused() {
    const NAME: &str = "store::tests::writing::what_a_token_cannot_keep_is_refused";
    alone(NAME, NEEDED, |workshop| {
        workshop.token("corp");
        let der = workshop.certificate("anchor");
        let store = corp(&[]);
        let mut distrusted = Item::certificate(b"", &der);
        distrusted.rules = Rule::DISTRUST.into();
        let long = "x".repeat(2000);
        for (change, kind) in [
            (Change::Put(distrusted), ErrorKind::Unsupported),
            (anchor(&der, &long), ErrorKind::InvalidArgument),
            (anchor(&der, "a\nb"), ErrorKind::InvalidArgument),
            (anchor(b"no certificate", "x"), ErrorKind::Malformed),
        ] {
            let (effects, refused) = apply(&store, &user(), &Batch::new(vec![change]));
            assert!(effects.is_empty());
            assert_eq!(refused.unwrap_err().kind(), kind);
        }
        assert!(listed(&store).is_empty());
    });
}

#[test]
fn a_write_that_asks_does_not_unlock_the_store() {
    const NAME: &str = "store::tests::writing::a_write_that_asks_does_not_unlock_the_store";
    alone(NAME, NEEDED, |workshop| {
        workshop.token("corp");
        let key = ["--keypairgen", "--key-type", "EC:prime256v1", "--id", "02"];
        workshop.tool(&key);
        let (first, second) = (workshop.certificate("a"), workshop.certificate("b"));
        let store = corp(&[]);
        applied(&store, &user(), vec![anchor(&first, "a")]);
        assert!(of_kind(&store, Kind::PrivateKey).is_empty());
        store.unlock(&user()).unwrap();
        applied(&store, &Call::detached(), vec![anchor(&second, "b")]);
        assert_eq!(of_kind(&store, Kind::PrivateKey).len(), 1);
        assert_eq!(labels(&store), ["a", "b"]);
    });
}

#[test]
fn only_the_officer_marks_what_is_trusted() {
    const NAME: &str = "store::tests::writing::only_the_officer_marks_what_is_trusted";
    alone(NAME, NEEDED, |workshop| {
        workshop.token("corp");
        let der = workshop.certificate("anchor");
        let held = corp(&[]);
        applied(&held, &user(), vec![anchor(&der, "ours")]);
        let store = corp(&[("trust", "cka-trusted")]);
        assert!(!listed(&store)[0].is_anchor);
        assert!(listed(&held)[0].is_anchor);

        let put = || vec![anchor(&der, "")];
        // The officer's session suffers none of another store in this process.
        let (_, refused) = apply(&store, &officer(), &Batch::new(put()));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Busy);
        drop(held);
        let (_, refused) = apply(&store, &user(), &Batch::new(put()));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::WrongSecret);
        assert!(!listed(&store)[0].is_anchor);
        assert_eq!(applied(&store, &officer(), put()), [Effect::Updated]);
        let shown = listed(&store);
        assert_eq!(shown.len(), 1);
        assert!(shown[0].is_anchor);
        assert_eq!(shown[0].label, "ours");
        assert_eq!(applied(&store, &officer(), put()), [Effect::Unchanged]);

        // What no longer vouches loses the mark.
        let mut neutral = Item::certificate(b"", &der);
        neutral.label = "ours";
        let changes = vec![Change::Put(neutral)];
        assert_eq!(applied(&store, &user(), changes), [Effect::Updated]);
        assert!(!listed(&store)[0].is_anchor);
    });
}

#[test]
fn a_refused_mark_leaves_no_object_behind() {
    const NAME: &str = "store::tests::writing::a_refused_mark_leaves_no_object_behind";
    alone(NAME, NEEDED, |workshop| {
        workshop.token("corp");
        let der = workshop.certificate("anchor");
        let store = corp(&[]);
        assert!(listed(&store).is_empty());
        as_user(&store, |access| {
            let wanted = Wanted {
                der: &der,
                label: "x",
                marked: true,
                id: None,
            };
            object::create(access, &wanted).unwrap_err();
            assert!(access.session.find_objects(&[]).unwrap().is_empty());
        });
    });
}

/// Does something in a session that may write, as the user who is logged in there.
fn as_user(store: &TokenStore, make: impl FnOnce(&Access<'_>)) {
    let mut holding = store.holding.lock().unwrap();
    let module = holding.module().unwrap();
    let calls = holding.calls().unwrap();
    let token = &holding.only("used", |_| true).unwrap().token;
    let session = &module.open_rw_session(token.slot).unwrap();
    let pin = AuthPin::new(PIN.into());
    session.login(UserType::User, Some(&pin)).unwrap();
    make(&Access {
        calls,
        session,
        token,
    });
}

#[test]
fn a_certificate_has_the_identifier_of_the_key_on_the_token() {
    const NAME: &str =
        "store::tests::writing::a_certificate_has_the_identifier_of_the_key_on_the_token";
    alone(NAME, NEEDED, |workshop| {
        workshop.token("corp");
        let key = [
            "--keypairgen",
            "--key-type",
            "EC:prime256v1",
            "--id",
            "0203",
        ];
        workshop.tool(&[&key[..], &["--label", "client"]].concat());
        let store = corp(&[]);
        store.unlock(&user()).unwrap();
        let public = of_kind(&store, Kind::PrivateKey)[0].der.clone();
        store.lock(&Call::detached()).unwrap();
        // A certificate of that key, signed by another.
        workshop.certificate("ca");
        workshop.write("public.der", &public);
        let words = [
            "x509",
            "-new",
            "-force_pubkey",
            "public.der",
            "-keyform",
            "DER",
        ];
        let signed = ["-subj", "/CN=client", "-CA", "ca.der", "-CAkey", "ca.key"];
        let out = ["-outform", "DER", "-out", "client.der", "-days", "3"];
        workshop.run("openssl", &[&words[..], &signed, &out].concat());
        let der = workshop.read("client.der");
        applied(&store, &user(), vec![anchor(&der, "client")]);
        let shown = workshop.tool(&["--list-objects", "--type", "cert"]);
        assert!(shown.contains("ID:         0203"), "{shown}");
    });
}

#[test]
fn a_batch_is_made_as_far_as_the_first_change_that_is_refused() {
    const NAME: &str =
        "store::tests::writing::a_batch_is_made_as_far_as_the_first_change_that_is_refused";
    alone(NAME, NEEDED, |workshop| {
        workshop.token("corp");
        let der = workshop.certificate("anchor");
        let store = corp(&[]);
        let batch = || Batch::new(vec![anchor(&der, "ours"), anchor(b"none", "x")]);
        let checked = apply(&store, &Call::detached(), &batch().only_checked());
        assert_eq!(checked.0, [Effect::New]);
        assert_eq!(checked.1.unwrap_err().kind(), ErrorKind::Malformed);
        assert!(labels(&store).is_empty());
        let before = store.standing().generation;
        let (effects, refused) = apply(&store, &user(), &batch());
        assert_eq!(effects, [Effect::New]);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Malformed);
        // What was made shows in the health of the store.
        assert_ne!(store.standing().generation, before);
        assert_eq!(labels(&store), ["ours"]);
    });
}

#[test]
fn a_label_that_ends_in_blanks_is_the_same_without_them() {
    const NAME: &str =
        "store::tests::writing::a_label_that_ends_in_blanks_is_the_same_without_them";
    alone(NAME, NEEDED, |workshop| {
        workshop.token("corp");
        let der = workshop.certificate("anchor");
        let store = corp(&[]);
        let put = || vec![anchor(&der, "ours  ")];
        assert_eq!(applied(&store, &user(), put()), [Effect::New]);
        assert_eq!(applied(&store, &user(), put()), [Effect::Unchanged]);
        assert_eq!(labels(&store), ["ours"]);
    });
}

#[test]
fn a_neutral_rule_marks_nothing() {
    const NAME: &str = "store::tests::writing::a_neutral_rule_marks_nothing";
    alone(NAME, NEEDED, |workshop| {
        workshop.token("corp");
        let der = workshop.certificate("neutral");
        let store = corp(&[("trust", "cka-trusted")]);
        let mut item = Item::certificate(b"", &der);
        item.rules = vec![Rule::new(Purpose::Server, Decision::Neutral)].into();
        // The user's PIN is enough for it.
        assert_eq!(
            applied(&store, &user(), vec![Change::Put(item)]),
            [Effect::New]
        );
        assert!(!listed(&store)[0].is_anchor);
    });
}

#[test]
fn a_mark_leaves_the_certificate_with_its_key() {
    const NAME: &str = "store::tests::writing::a_mark_leaves_the_certificate_with_its_key";
    alone(NAME, NEEDED, |workshop| {
        workshop.token("corp");
        let der = workshop.certificate("anchor");
        let words = [
            "--write-object",
            "anchor.der",
            "--type",
            "cert",
            "--id",
            "99",
        ];
        workshop.tool(&words);
        let store = corp(&[("trust", "cka-trusted")]);
        let put = vec![anchor(&der, "ours")];
        assert_eq!(applied(&store, &officer(), put), [Effect::Updated]);
        let shown = workshop.tool(&["--list-objects", "--type", "cert"]);
        assert!(shown.contains("ID:         99"), "{shown}");
    });
}

#[test]
fn what_another_program_puts_there_meanwhile_is_not_taken_back() {
    const NAME: &str =
        "store::tests::writing::what_another_program_puts_there_meanwhile_is_not_taken_back";
    alone(NAME, NEEDED, |workshop| {
        workshop.token("corp");
        let (ours, theirs) = (workshop.certificate("ours"), workshop.certificate("theirs"));
        let store = corp(&[]);
        let changes = vec![anchor(&ours, "ours"), anchor(&theirs, "theirs")];
        applied(&store, &user(), changes);
        as_user(&store, |access| {
            object::take_back(access, &ours, &[].into()).unwrap();
            assert!(object::holding(access, &ours).unwrap().is_empty());
            assert_eq!(object::holding(access, &theirs).unwrap().len(), 1);
            // Nor is what has more bytes than are ever read.
            let long = access.session.create_object(&[
                Attribute::Class(ObjectClass::CERTIFICATE),
                Attribute::CertificateType(CertificateType::X_509),
                Attribute::Token(true),
                Attribute::Subject(vec![0x30, 0]),
                Attribute::Value(vec![0x30; VALUE_MAX + 1]),
            ]);
            let long = long.unwrap();
            object::take_back(access, &ours, &[].into()).unwrap();
            let kept = access.session.find_objects(&[]).unwrap();
            assert!(kept.iter().any(|kept| kept.handle() == long.handle()));
        });
    });
}

#[test]
fn a_certificate_of_an_unknown_kind_hides_no_other() {
    const NAME: &str = "store::tests::writing::a_certificate_of_an_unknown_kind_hides_no_other";
    alone(NAME, NEEDED, |workshop| {
        workshop.token("corp");
        let der = workshop.certificate("anchor");
        let store = corp(&[]);
        applied(&store, &user(), vec![anchor(&der, "ours")]);
        let mut holding = store.holding.lock().unwrap();
        let module = holding.module().unwrap();
        let slot = holding.only("used", |_| true).unwrap().token.slot;
        drop(holding);
        let session = module.open_rw_session(slot).unwrap();
        let pin = AuthPin::new(PIN.into());
        session.login(UserType::User, Some(&pin)).unwrap();
        // CKC_OPENPGP, which is the module's own.
        let kind = (0x8000_0000_u64 | 0x0050_4750).to_ne_bytes().to_vec();
        let of = AttributeType::VendorDefined(cryptoki_sys::CKA_CERTIFICATE_TYPE);
        let template = [
            Attribute::Class(ObjectClass::CERTIFICATE),
            Attribute::VendorDefined((of, kind)),
            Attribute::Token(true),
            Attribute::Private(false),
            Attribute::Subject(b"somebody".to_vec()),
            Attribute::Value(b"a key of OpenPGP".to_vec()),
        ];
        session.create_object(&template).unwrap();
        assert_eq!(labels(&store), ["ours"]);
    });
}
