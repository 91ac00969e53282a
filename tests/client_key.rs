//! Signing on with a key that never leaves its token, to servers that are openssl.

mod token;

use serde_json::Value;

use self::token::Token;
use crate::support::here;

const VERSIONS: [&str; 2] = ["-tls1_2", "-tls1_3"];

/// The warnings of a report, by their codes.
fn warned(report: &Value) -> Vec<&str> {
    let all = report["warnings"].as_array().expect("a list").iter();
    all.map(|one| one["code"].as_str().expect("a code"))
        .collect()
}

fn message(report: &Value) -> &str {
    report["message"].as_str().expect("a message")
}

/// What doctor finds of TSM1, by code.
fn found(token: &Token, exit: i32) -> Vec<String> {
    let diagnosis = token.home.json(exit, &["doctor"]);
    let all = diagnosis["findings"].as_array().expect("a list").iter();
    let of_server = all.filter(|one| one["about"] == "server TSM1");
    of_server
        .map(|one| one["code"].as_str().expect("a code").to_owned())
        .collect()
}

#[test]
fn keys_of_every_kind_sign_on_and_never_leave_the_token() {
    let Some(mut token) = Token::new() else {
        return;
    };
    let root = token.openssl.path("root.pem").display().to_string();
    for (id, kind, label, schemes) in [
        ("01", "EC:prime256v1", "p256", &["ECDSA+SHA256"][..]),
        ("02", "P-384", "p384", &["ECDSA+SHA384"]),
        ("03", "rsa:2048", "rsa", &["RSA-PSS+SHA256", "RSA+SHA256"]),
    ] {
        match kind {
            "P-384" => token.bring_key(id, kind, label),
            kind => token.make_key(id, kind, label),
        }
        let issued = token.issue(id, &format!("/CN=client {label}"));
        token.put(issued.path(), id, label);
        token.name_key(label);
        for version in VERSIONS {
            for scheme in schemes {
                // TLS 1.3 has no PKCS #1 v1.5.
                if version == "-tls1_3" && *scheme == "RSA+SHA256" {
                    continue;
                }
                let more = [version, "-client_sigalgs", scheme];
                let demands = token.demanding(&root, &more).join("\n");
                let demands: Vec<&str> = demands.lines().collect();
                let served = token.serve(&demands);
                let report = token.home.json(0, &["connect", "TSM1"]);
                assert_eq!(report["decision"], "tls", "{report:#}");
                let shown = &report["client_certificate"];
                assert_eq!(shown["sha256"], issued.sha256(), "{report:#}");
                assert_eq!(shown["store"], "hsm");
                assert_eq!(shown["label"], label);
                assert!(!warned(&report).contains(&"client-key-unconfirmed"));
                served.prints(&format!("Peer certificate: CN = client {label}"));
                served.prints("Verification: OK");
            }
        }
    }
    let objects = token.tool(&["--list-objects", "--type", "privkey"]).shown();
    assert_eq!(objects.matches("never extractable").count(), 2, "{objects}");
}

#[test]
fn explanation_and_doctor_know_the_key() {
    let Some(token) = Token::new() else {
        return;
    };
    let (mut token, issued) = token.with_key();
    let root = token.openssl.path("root.pem").display().to_string();
    let served = token.serve(&["-Verify", "1", "-verify_return_error", "-CAfile", &root]);
    let explained = token.home.json(0, &["explain", "TSM1"]);
    assert_eq!(explained["client_certificate"]["sha256"], issued.sha256());
    assert!(
        found(&token, 0)
            .iter()
            .all(|code| !code.starts_with("client"))
    );
    drop(served);
}

#[test]
fn intermediates_of_the_same_token_go_along() {
    let Some(mut token) = Token::new() else {
        return;
    };
    let words = "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout middle.key \
                 -out middle.csr -subj /CN=Middle";
    token.openssl.run(&words.split(' ').collect::<Vec<_>>());
    token
        .home
        .write("ca.ext", "basicConstraints=critical,CA:TRUE\n");
    let words = "x509 -req -in middle.csr -CA root.pem -CAkey root.key -days 3650 -extfile ca.ext \
                 -out middle.pem";
    token.openssl.run(&words.split(' ').collect::<Vec<_>>());
    let words = "x509 -in middle.pem -outform DER -out middle.der";
    token.openssl.run(&words.split(' ').collect::<Vec<_>>());
    token.make_key("01", "EC:prime256v1", "backup-client");
    let issued = token.issue_by("middle", "01", "/CN=client one");
    token.put(issued.path(), "01", "backup-client");
    let root = token.openssl.path("root.pem").display().to_string();
    for version in VERSIONS {
        let more = [version];
        let demands = token.demanding(&root, &more).join("\n");
        let served = token.serve(&demands.lines().collect::<Vec<_>>());
        let report = token.home.json(3, &["connect", "TSM1"]);
        assert_eq!(
            report["code"], "tls-failed",
            "the server knows but the root: {report:#}"
        );
        drop(served);
    }
    token.put(&token.openssl.path("middle.der"), "09", "middle");
    for version in VERSIONS {
        let more = [version];
        let demands = token.demanding(&root, &more).join("\n");
        let served = token.serve(&demands.lines().collect::<Vec<_>>());
        token.home.json(0, &["connect", "TSM1"]);
        served.prints("CN = Middle");
    }
}

#[test]
fn a_server_that_refuses_the_certificate_is_told_of_in_both_versions() {
    let Some(token) = Token::new() else {
        return;
    };
    let (mut token, _) = token.with_key();
    token.openssl.self_signed("other", "/CN=Other Root", &[]);
    let other = token.openssl.path("other.pem").display().to_string();
    for version in VERSIONS {
        let words = [
            "-Verify",
            "1",
            "-verify_return_error",
            "-CAfile",
            &other,
            version,
        ];
        let _served = token.serve(&words);
        let report = token.home.json(3, &["connect", "TSM1"]);
        assert_eq!(report["decision"], "refuse", "{version}: {report:#}");
        assert_eq!(report["code"], "tls-failed");
        let told = message(&report);
        assert!(
            told.contains("does not take the client's own certificate"),
            "{told}"
        );
        assert!(
            told.contains("unknown_ca") && told.contains("backup-client"),
            "{told}"
        );
        let remedy = report["remedy"].as_str().expect("a remedy");
        assert!(remedy.contains("list --store hsm"), "{remedy}");
        assert_eq!(
            report["client_certificate"],
            Value::Null,
            "nothing came of it"
        );
    }
}

#[test]
fn a_server_that_has_other_schemes_than_the_key_is_told_of() {
    let Some(token) = Token::new() else {
        return;
    };
    let (mut token, _) = token.with_key();
    for version in VERSIONS {
        let words = ["-Verify", "1", "-client_sigalgs", "RSA-PSS+SHA256", version];
        let _served = token.serve(&words);
        let report = token.home.json(3, &["connect", "TSM1"]);
        assert_eq!(report["code"], "tls-failed", "{version}: {report:#}");
        assert!(message(&report).contains("signs in no way that the server asks for"));
    }
}

#[test]
fn whether_a_certificate_is_wanted_is_the_servers_to_say() {
    let Some(token) = Token::new() else {
        return;
    };
    let (mut token, issued) = token.with_key();
    for version in VERSIONS {
        let _served = token.serve(&[version]);
        let report = token.home.json(0, &["connect", "TSM1"]);
        assert_eq!(report["client_certificate"], Value::Null);
        assert!(warned(&report).contains(&"client-key-unused"), "{report:#}");
    }
    for version in VERSIONS {
        token.configure("", "");
        let _served = token.serve(&["-verify", "1", version]);
        let report = token.home.json(0, &["connect", "TSM1"]);
        assert!(warned(&report).contains(&"client-key-wanted"), "{report:#}");
        let _served = token.serve(&["-Verify", "1", version]);
        let report = token.home.json(3, &["connect", "TSM1"]);
        assert_eq!(report["code"], "tls-failed", "{version}: {report:#}");
        let told = message(&report);
        assert!(
            told.contains("wants a certificate of the client, and none is configured"),
            "{told}"
        );
        assert!(
            report["remedy"]
                .as_str()
                .is_some_and(|text| text.contains("client_key"))
        );
        token.name_key("backup-client");
        let report = token.home.json(0, &["connect", "TSM1"]);
        assert_eq!(report["client_certificate"]["sha256"], issued.sha256());
    }
}

#[test]
fn a_key_is_shown_to_nobody_whose_certificate_is_not_held() {
    let Some(token) = Token::new() else {
        return;
    };
    let (mut token, issued) = token.with_key();
    for version in VERSIONS {
        // A server that goes on with nobody who shows no certificate is never accepted.
        let served = token.start(&["-Verify", "1", version]);
        let report = token.home.json(3, &["connect", "TSM1"]);
        assert_eq!(report["code"], "tls-failed", "{version}: {report:#}");
        let told = message(&report);
        assert!(
            told.contains("is not shown to a server whose certificate is not held"),
            "{told}"
        );
        let remedy = report["remedy"].as_str().expect("a remedy");
        assert!(remedy.contains("import --server TSM1"), "{remedy}");
        let said = served.log().join("\n");
        assert!(!said.contains("client one"), "it was shown to it: {said}");
        let held = token.home.json(0, &["list", "--store", "keydb"]);
        assert_eq!(
            held["certificates"],
            Value::Array(Vec::new()),
            "nothing is kept"
        );
    }
    // One that does is accepted without, and sees it once its own certificate is held.
    let served = token.start(&["-verify", "1", "-tls1_3"]);
    let report = token.home.connects(0, "tls", "accepted-on-first-use", 16);
    assert_eq!(report["client_certificate"]["sha256"], issued.sha256());
    assert_eq!(report["certificate"]["sha256"], token.server.sha256());
    served.prints("Peer certificate: CN = client one");
    let said = served.log();
    let sessions = said
        .iter()
        .filter(|line| line.starts_with("CONNECTION ESTABLISHED"));
    let shown = said
        .iter()
        .filter(|line| line.starts_with("Peer certificate: CN = client one"));
    assert!(
        sessions.count() > shown.count(),
        "the first one without: {said:#?}"
    );
}

#[test]
fn what_is_not_there_or_does_not_fit_is_named_before_anybody_is_asked() {
    let Some(mut token) = Token::new() else {
        return;
    };
    let root = token.openssl.path("root.pem").display().to_string();
    token.make_key("01", "EC:prime256v1", "alone");
    token.make_key("02", "EC:prime256v1", "crossed");
    token.make_key("03", "EC:prime256v1", "other");
    token.put(token.issue("03", "/CN=other").path(), "02", "crossed");
    token.put(token.issue("01", "/CN=fits").path(), "07", "somebody");
    let words = "x509 -in server.pem -outform DER -out bare.der";
    token.openssl.run(&words.split(' ').collect::<Vec<_>>());
    token.put(&token.openssl.path("bare.der"), "08", "bare");
    let _served = token.serve(&["-Verify", "1", "-CAfile", &root]);
    for (label, code, text) in [
        (
            "nobody",
            "client-key-missing",
            "neither a key nor a certificate of that label",
        ),
        ("bare", "client-key-missing", "no key that belongs to it"),
        ("crossed", "client-key-mismatch", "do not belong together"),
    ] {
        token.name_key(label);
        let report = token.home.json(2, &["connect", "TSM1"]);
        assert_eq!(report["decision"], "refuse", "{label}: {report:#}");
        assert_eq!(report["code"], code, "{label}: {report:#}");
        assert!(message(&report).contains(text), "{report:#}");
        let explained = token.home.json(0, &["explain", "TSM1"]);
        assert!(warned(&explained).contains(&code), "{explained:#}");
        assert!(found(&token, 1).contains(&code.to_owned()), "{label}");
    }
    // The label may be that of the certificate alone, or of the key alone.
    for label in ["alone", "somebody"] {
        token.name_key(label);
        token.home.json(0, &["connect", "TSM1"]);
    }
}

#[test]
fn a_wrong_pin_is_tried_once_and_never_again_by_itself() {
    let Some(token) = Token::new() else {
        return;
    };
    let (mut token, _) = token.with_key();
    let root = token.openssl.path("root.pem").display().to_string();
    let _served = token.serve(&["-Verify", "1", "-verify_return_error", "-CAfile", &root]);
    token.keep_pin("4321");
    let report = token.home.json(3, &["connect", "TSM1"]);
    assert_eq!(report["code"], "store-unavailable", "{report:#}");
    let first = message(&report).to_owned();
    for _ in 0..3 {
        let report = token.home.json(3, &["connect", "TSM1"]);
        assert_eq!(report["code"], "store-unavailable", "{report:#}");
        let told = message(&report);
        assert!(
            told.contains("is not tried again"),
            "first: {first}\nthen: {told}"
        );
    }
    assert!(found(&token, 1).contains(&"client-key-locked".to_owned()));
    token.keep_pin("1234");
    token.home.json(0, &["connect", "TSM1"]);
}

#[test]
fn a_token_that_nobody_unlocks_or_that_is_gone_is_a_store_that_does_not_answer() {
    let Some(token) = Token::new() else {
        return;
    };
    let (mut token, _) = token.with_key();
    let _served = token.serve(&["-Verify", "1"]);
    let key = "client_key = { store = \"hsm\", label = \"backup-client\" }\n";
    token.configure("", key);
    let report = token.home.json(3, &["connect", "TSM1"]);
    assert_eq!(report["code"], "store-unavailable", "{report:#}");
    assert!(message(&report).contains("is not stored"), "{report:#}");
    assert!(found(&token, 1).contains(&"client-key-locked".to_owned()));
    std::fs::remove_dir_all(token.home.path("tokens")).expect("removed");
    std::fs::create_dir(token.home.path("tokens")).expect("made");
    let report = token.home.json(3, &["connect", "TSM1"]);
    assert_eq!(report["code"], "store-unavailable", "{report:#}");
    assert!(message(&report).contains("corp"), "{report:#}");
}

#[test]
fn a_certificate_past_its_time_is_the_servers_to_refuse() {
    let Some(mut token) = Token::new() else {
        return;
    };
    token.make_key("01", "EC:prime256v1", "backup-client");
    let Some(expired) = token.issue_expired("01") else {
        return;
    };
    token.put(&expired, "01", "backup-client");
    let root = token.openssl.path("root.pem").display().to_string();
    for version in VERSIONS {
        let words = [
            "-Verify",
            "1",
            "-verify_return_error",
            "-CAfile",
            &root,
            version,
        ];
        let _served = token.serve(&words);
        let report = token.home.json(3, &["connect", "TSM1"]);
        assert!(
            message(&report).contains("certificate_expired"),
            "{report:#}"
        );
        assert!(
            warned(&report).contains(&"client-key-out-of-time"),
            "{version}: {report:#}"
        );
    }
    let codes = found(&token, 1);
    assert!(
        codes.contains(&"client-certificate-expired".to_owned()),
        "{codes:?}"
    );
    // One that does not mind goes on, and it is said.
    let _served = token.serve(&["-Verify", "1"]);
    let report = token.home.json(0, &["connect", "TSM1"]);
    assert!(
        warned(&report).contains(&"client-key-out-of-time"),
        "{report:#}"
    );
}

#[test]
fn what_is_kept_by_the_security_officer_leaves_the_user_logged_in() {
    let Some(token) = Token::new() else {
        return;
    };
    let (mut token, issued) = token.with_key();
    let _served = token.start(&["-verify", "1", "-tls1_3"]);
    token.mark_as_officer();
    let report = token.home.connects(0, "tls", "accepted-on-first-use", 16);
    assert_eq!(report["certificate"]["store"], "hsm", "{report:#}");
    assert_eq!(report["client_certificate"]["sha256"], issued.sha256());
    let objects = token.tool(&["--list-objects", "--type", "cert"]).shown();
    assert!(
        objects.contains("TSM server TSM1 self-signed key"),
        "{objects}"
    );
}

/// What goes wrong in the module before it signs or while it does, and what is said of it.
const FAULTS: [(&str, &str); 8] = [
    ("C_Sign=hang", "it took too long"),
    ("C_Sign=crash", "signal"),
    ("C_Sign=CKR_DEVICE_REMOVED", "DeviceRemoved"),
    ("C_SignInit=CKR_DEVICE_ERROR", "DeviceError"),
    ("C_FindObjects=hang", "it took too long"),
    ("C_GetTokenInfo=hang", "it took too long"),
    ("C_Login=hang", "it took too long"),
    ("C_Login=CKR_PIN_LOCKED", "PinLocked"),
];

#[test]
fn a_token_that_fails_or_hangs_ends_the_sign_on_and_says_so() {
    let Some(token) = Token::new() else {
        return;
    };
    if !here("cc") {
        return;
    }
    let (mut token, _) = token.with_key();
    let root = token.openssl.path("root.pem").display().to_string();
    for version in VERSIONS {
        let _served = token.serve(&["-Verify", "1", "-CAfile", &root, version]);
        for passing in ["C_Sign=slow:100", "C_Sign=CKR_DEVICE_REMOVED@1"] {
            token.fail(passing);
            token.home.json(0, &["connect", "TSM1"]);
        }
        for (fault, text) in FAULTS {
            // Nothing but the signature has anything to do with the version.
            if version == VERSIONS[0] && !fault.starts_with("C_Sign") {
                continue;
            }
            token.fail(fault);
            let report = token.home.json(3, &["connect", "TSM1"]);
            assert_eq!(report["code"], "store-unavailable", "{fault}: {report:#}");
            let told = message(&report);
            assert!(
                told.contains(text) && told.contains("hsm"),
                "{fault}: {told}"
            );
            if fault.starts_with("C_Login") {
                // Whether the PIN was refused nobody knows, and a person says that it is right.
                token.fail("C_Sign=slow:0");
                let words = ["store", "unlock", "hsm", "--pin-file", "pin"];
                token.home.run(&words).exits(0);
            }
        }
    }
}
