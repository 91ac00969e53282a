//! Unlocking and locking, over SoftHSM.

use super::*;

const KEY: &[&str] = &["--keypairgen", "--key-type", "EC:prime256v1", "--id", "02"];

#[test]
fn keys_are_shown_while_the_store_is_unlocked() {
    const NAME: &str = "store::tests::locking::keys_are_shown_while_the_store_is_unlocked";
    alone(NAME, NEEDED, |workshop| {
        workshop.token("corp");
        workshop.tool(&[KEY, &["--label", "client"]].concat());
        let store = corp(&[]);
        assert!(of_kind(&store, Kind::PrivateKey).is_empty());

        store.unlock(&user()).unwrap();
        // What it held while it was locked is not what it shows now.
        assert_eq!(store.standing().generation, 0);
        let keys = of_kind(&store, Kind::PrivateKey);
        assert_eq!(keys.len(), 1);
        assert_eq!(keys[0].label, "client");
        // Whoever has unlocked it is not asked again.
        store.unlock(&Call::answering(b"wrong")).unwrap();
        let schemes = store.schemes(&Call::detached(), &keys[0].id).unwrap();
        assert_eq!(schemes, [Scheme::ECDSA_SECP256R1_SHA256]);

        store.lock(&Call::detached()).unwrap();
        assert!(of_kind(&store, Kind::PrivateKey).is_empty());
        let refused = store.schemes(&Call::detached(), &keys[0].id).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Locked, "{refused}");
        let scheme = Scheme::ECDSA_SECP256R1_SHA256;
        let refused = store.sign(&Call::detached(), &keys[0].id, scheme, b"m");
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Locked);
    });
}

#[test]
fn wrong_pin_is_tried_once_and_named() {
    const NAME: &str = "store::tests::locking::wrong_pin_is_tried_once_and_named";
    alone(NAME, NEEDED, |workshop| {
        workshop.token("corp");
        let store = corp(&[]);
        for wrong in [&b"4321"[..], b"", b"12\xff4", &[b'1'; 300]] {
            let refused = store.unlock(&Call::answering(wrong)).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::WrongSecret, "{refused}");
            assert!(!refused.message().contains("4321"), "{refused}");
        }
        let refused = store.unlock(&Call::detached()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Locked, "{refused}");
        assert!(refused.message().contains("\"corp\""), "{refused}");
        store.unlock(&user()).unwrap();
    });
}

#[test]
fn one_of_several_tokens_has_to_be_named() {
    const NAME: &str = "store::tests::locking::one_of_several_tokens_has_to_be_named";
    alone(NAME, NEEDED, |workshop| {
        workshop.token("corp");
        workshop.token("other");
        let store = open(&[("module", SOFTHSM)]);
        let refused = store.unlock(&user()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
        assert!(refused.message().contains("\"other\""), "{refused}");
        let der = workshop.certificate("anchor");
        let (effects, refused) = apply(&store, &user(), &Batch::new(vec![anchor(&der, "a")]));
        assert!(effects.is_empty());
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidArgument);
    });
}
