//! Signatures by keys that never leave a token of SoftHSM, verified by openssl.

use cryptoki::mechanism::MechanismType;

use super::*;

/// Verifies a signature with the public key that the item shows.
pub(super) fn verify(workshop: &Workshop, public: &[u8], scheme: Scheme, signature: &[u8]) {
    workshop.write("public.der", public);
    workshop.write("signature", signature);
    if scheme == Scheme::ED25519 {
        let words = ["pkeyutl", "-verify", "-pubin", "-inkey", "public.der"];
        let rest = ["-keyform", "DER", "-rawin", "-in", "message"];
        let all = [&words[..], &rest, &["-sigfile", "signature"]].concat();
        workshop.run("openssl", &all);
        return;
    }
    let (hash, salt) = match scheme.0 {
        0x0403 | 0x0401 | 0x0804 => ("-sha256", "rsa_pss_saltlen:32"),
        0x0503 | 0x0501 | 0x0805 => ("-sha384", "rsa_pss_saltlen:48"),
        _ => ("-sha512", "rsa_pss_saltlen:64"),
    };
    let pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", salt];
    let options: &[&str] = if scheme.0 >> 8 == 8 { &pss } else { &[] };
    let words = ["dgst", hash, "-verify", "public.der", "-keyform", "DER"];
    let rest = ["-signature", "signature", "message"];
    workshop.run("openssl", &[&words[..], options, &rest].concat());
}

/// Makes a key, and has it sign in every scheme that it has.
fn signs(kind: &'static str, expected: &[Scheme]) -> impl FnOnce(&Workshop) {
    move |workshop| {
        workshop.token("corp");
        let words = ["--keypairgen", "--id", "02", "--label", "client"];
        let made = workshop.tool(&[&words[..], &["--key-type", kind]].concat());
        assert!(made.contains("never extractable"), "{made}");
        let store = corp(&[]);
        store.unlock(&user()).unwrap();
        let keys = of_kind(&store, Kind::PrivateKey);
        assert_eq!(keys.len(), 1);
        let key = &keys[0];
        let schemes = store.schemes(&Call::detached(), &key.id).unwrap();
        assert_eq!(schemes, expected);
        let message = [7; 5000];
        workshop.write("message", &message);
        // Often enough for numbers that begin with zeros or with a bit that looks like a sign.
        let rounds = if kind.starts_with("EC") { 20 } else { 1 };
        for scheme in schemes {
            for _ in 0..rounds {
                let made = store.sign(&Call::detached(), &key.id, scheme, &message);
                verify(workshop, &key.der, scheme, &made.unwrap());
            }
        }
        let other = Scheme::ED448;
        let refused = store.sign(&Call::detached(), &key.id, other, &message);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unsupported);
        let refused = store.sign(&Call::detached(), &[5; 33], expected[0], &message);
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::NotFound);
    }
}

#[test]
fn key_on_p256_signs() {
    const NAME: &str = "store::tests::signing::key_on_p256_signs";
    let expected = [Scheme::ECDSA_SECP256R1_SHA256];
    alone(NAME, NEEDED, signs("EC:prime256v1", &expected));
}

#[test]
fn key_on_p384_signs() {
    const NAME: &str = "store::tests::signing::key_on_p384_signs";
    let expected = [Scheme::ECDSA_SECP384R1_SHA384];
    alone(NAME, NEEDED, signs("EC:secp384r1", &expected));
}

#[test]
fn key_on_p521_signs() {
    const NAME: &str = "store::tests::signing::key_on_p521_signs";
    let expected = [Scheme::ECDSA_SECP521R1_SHA512];
    alone(NAME, NEEDED, signs("EC:secp521r1", &expected));
}

#[test]
fn key_of_ed25519_signs() {
    const NAME: &str = "store::tests::signing::key_of_ed25519_signs";
    alone(NAME, NEEDED, signs("EC:edwards25519", &[Scheme::ED25519]));
}

#[test]
fn key_of_rsa_signs() {
    const NAME: &str = "store::tests::signing::key_of_rsa_signs";
    let expected = [
        Scheme::RSA_PSS_RSAE_SHA256,
        Scheme::RSA_PSS_RSAE_SHA384,
        Scheme::RSA_PSS_RSAE_SHA512,
        Scheme::RSA_PKCS1_SHA256,
        Scheme::RSA_PKCS1_SHA384,
        Scheme::RSA_PKCS1_SHA512,
    ];
    alone(NAME, NEEDED, signs("rsa:2048", &expected));
}

#[test]
fn key_of_rsa_that_is_short_has_no_room_for_the_longest_hash() {
    const NAME: &str =
        "store::tests::signing::key_of_rsa_that_is_short_has_no_room_for_the_longest_hash";
    let expected = [
        Scheme::RSA_PSS_RSAE_SHA256,
        Scheme::RSA_PSS_RSAE_SHA384,
        Scheme::RSA_PKCS1_SHA256,
        Scheme::RSA_PKCS1_SHA384,
        Scheme::RSA_PKCS1_SHA512,
    ];
    alone(NAME, NEEDED, signs("rsa:1024", &expected));
}

#[test]
fn message_is_hashed_here_where_the_token_does_not() {
    const NAME: &str = "store::tests::signing::message_is_hashed_here_where_the_token_does_not";
    alone(NAME, NEEDED, |workshop| {
        workshop.token("corp");
        let words = ["--keypairgen", "--id", "02", "--key-type", "rsa:2048"];
        workshop.tool(&words);
        let store = corp(&[]);
        store.unlock(&user()).unwrap();
        let key = of_kind(&store, Kind::PrivateKey).remove(0);
        workshop.write("message", b"message");
        let nobody = Call::detached();
        for scheme in store.schemes(&nobody, &key.id).unwrap() {
            let bare = [MechanismType::RSA_PKCS, MechanismType::RSA_PKCS_PSS];
            let sign = |offered: &[MechanismType]| {
                let mut holding = store.holding.lock().unwrap();
                holding.with_key(&nobody, &key.id, |module, key| {
                    sign::sign_with(module, key, &nobody, (scheme, offered), b"message")
                })
            };
            verify(workshop, &key.der, scheme, &sign(&bare).unwrap());
            let refused = sign(&[MechanismType::ECDSA]).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Unsupported);
        }
    });
}

#[test]
fn key_that_asks_each_time_is_asked_for_each_time() {
    const NAME: &str = "store::tests::signing::key_that_asks_each_time_is_asked_for_each_time";
    alone(NAME, NEEDED, |workshop| {
        workshop.token("corp");
        let words = ["--keypairgen", "--id", "02", "--always-auth"];
        workshop.tool(&[&words[..], &["--key-type", "EC:prime256v1"]].concat());
        let store = corp(&[]);
        store.unlock(&user()).unwrap();
        let key = of_kind(&store, Kind::PrivateKey).remove(0);
        assert!(key.asks_each_use);
        workshop.write("message", b"message");
        let scheme = Scheme::ECDSA_SECP256R1_SHA256;
        let sign = |call: &Call<'_>| store.sign(call, &key.id, scheme, b"message");
        let refused = sign(&Call::detached()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Locked, "{refused}");
        let refused = sign(&Call::answering(b"4321")).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::WrongSecret, "{refused}");
        // What was refused stands in nobody's way.
        for _ in 0..2 {
            verify(workshop, &key.der, scheme, &sign(&user()).unwrap());
        }
    });
}

#[test]
fn certificate_of_another_kind_is_not_that_of_the_key_beside_it() {
    const NAME: &str =
        "store::tests::signing::certificate_of_another_kind_is_not_that_of_the_key_beside_it";
    alone(NAME, NEEDED, |workshop| {
        workshop.token("corp");
        let words = ["--keypairgen", "--id", "02", "--key-type", "EC:prime256v1"];
        workshop.tool(&words);
        workshop.tool(&["--delete-object", "--type", "pubkey", "--id", "02"]);
        let made = [
            "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=rsa",
        ];
        let out = ["-outform", "DER", "-out", "rsa.der", "-keyout", "rsa.key"];
        workshop.run("openssl", &[&made[..], &out].concat());
        let words = ["--write-object", "rsa.der", "--type", "cert", "--id", "02"];
        workshop.tool(&words);
        let store = corp(&[]);
        store.unlock(&user()).unwrap();
        assert!(of_kind(&store, Kind::PrivateKey).is_empty());
        assert_eq!(of_kind(&store, Kind::Certificate).len(), 1);
        assert_eq!(store.health().state(), HealthState::Degraded);
    });
}
