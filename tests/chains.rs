//! Servers with certificates of a CA: what a chain, a name and a date are held against.

use std::fs;

use serde_json::Value;

use crate::support::{Authority, Corp, Leaf, Openssl, SSL, Served, stanza};

#[test]
fn an_imported_root_vouches_for_a_chain_with_an_intermediate() {
    let Some(mut corp) = Corp::found() else {
        return;
    };
    let _server = corp.serve(&Leaf::GOOD, &[]);
    corp.refused("certificate-needed");
    // A root is self-signed too: what it is for has to be said.
    let words = ["import", "--server", "TSM1", "--as", "anchor", "root.pem"];
    let imported = corp.home.json(0, &words);
    assert_eq!(imported["imported"][0]["kind"], "anchor");
    let report = corp.vouched();
    let root = corp.root.identity().sha256();
    assert_eq!(report["certificate"]["sha256"].as_str(), Some(&*root));
    assert_eq!(report["session_security"], "strict");
    assert_eq!(report["presented"].as_array().map(Vec::len), Some(2));
}

#[test]
fn one_self_signed_certificate_for_a_server_is_a_pin_whatever_its_ca_flag() {
    let Some(mut corp) = Corp::found() else {
        return;
    };
    let _server = corp.serve(&Leaf::GOOD, &[]);
    let imported = corp
        .home
        .json(0, &["import", "--server", "TSM1", "root.pem"]);
    assert_eq!(imported["imported"][0]["kind"], "pin");
    // A pin is never the top of a path.
    corp.refused("certificate-mismatch");
}

#[test]
fn a_name_that_the_certificate_does_not_carry_is_refused() {
    let Some(mut corp) = Corp::found() else {
        return;
    };
    let leaf = Leaf {
        names: "DNS:other.example,IP:127.0.0.2",
        ..Leaf::GOOD
    };
    let _server = corp.serve(&leaf, &[]);
    corp.anchor();
    let report = corp.refused("name-mismatch");
    let message = report["message"].as_str().expect("a message");
    assert!(message.contains("127.0.0.1"), "{message}");
    assert!(
        message.contains("other.example"),
        "it says what the certificate carries: {message}"
    );
}

#[test]
fn a_common_name_is_no_name() {
    let Some(mut corp) = Corp::found() else {
        return;
    };
    let leaf = Leaf {
        common: "127.0.0.1",
        names: "",
        ..Leaf::GOOD
    };
    let _server = corp.serve(&leaf, &[]);
    corp.anchor();
    corp.refused("name-mismatch");
}

#[test]
fn an_address_is_matched_by_addresses_only() {
    let Some(mut corp) = Corp::found() else {
        return;
    };
    let leaf = Leaf {
        names: "DNS:127.0.0.1",
        ..Leaf::GOOD
    };
    let _server = corp.serve(&leaf, &[]);
    corp.anchor();
    corp.refused("name-mismatch");
}

#[test]
fn a_host_name_is_matched_by_names_only() {
    let Some(mut corp) = Corp::found() else {
        return;
    };
    for (names, exit) in [("IP:127.0.0.1", 1), ("DNS:localhost,IP:10.0.0.1", 0)] {
        let leaf = Leaf {
            names,
            ..Leaf::GOOD
        };
        let server = corp.serve(&leaf, &[]);
        corp.anchor();
        let text = stanza("TSM1", server.port, SSL).replace("127.0.0.1", "localhost");
        corp.home.write("dsm.sys", text);
        let report = corp.home.json(exit, &["connect", "TSM1"]);
        let code = ["held-certificate", "name-mismatch"][usize::from(exit == 1)];
        assert_eq!(report["code"], code, "{names}: {report:#}");
    }
}

#[test]
fn the_policy_may_name_another_name_or_none_at_all() {
    let Some(mut corp) = Corp::found() else {
        return;
    };
    let leaf = Leaf {
        names: "DNS:other.example",
        ..Leaf::GOOD
    };
    let _server = corp.serve(&leaf, &[]);
    corp.anchor();
    corp.home
        .configure("[server.TSM1]\nname_check = \"third.example\"\n");
    corp.refused("name-mismatch");
    corp.home
        .configure("[server.TSM1]\nname_check = \"other.example\"\n");
    corp.vouched();
    corp.home.configure("[server.TSM1]\nname_check = \"off\"\n");
    corp.vouched();
    let journal = corp.home.run(&["journal", "show"]).exits(0);
    assert!(
        journal.stdout.contains("name"),
        "switching it off is journalled\n{}",
        journal.shown()
    );
}

#[test]
fn an_expired_certificate_is_refused() {
    let Some(mut corp) = Corp::found() else {
        return;
    };
    let leaf = Leaf {
        validity: ("20200101000000Z", "20210101000000Z"),
        ..Leaf::GOOD
    };
    let _server = corp.serve(&leaf, &[]);
    corp.anchor();
    let report = corp.refused("certificate-expired");
    let message = report["message"].as_str().expect("a message");
    assert!(message.contains("2021"), "it says since when: {message}");
}

#[test]
fn a_certificate_of_the_future_is_refused_and_the_clock_is_mentioned() {
    let Some(mut corp) = Corp::found() else {
        return;
    };
    let leaf = Leaf {
        validity: ("20900101000000Z", "20991231235959Z"),
        ..Leaf::GOOD
    };
    let _server = corp.serve(&leaf, &[]);
    corp.anchor();
    let report = corp.refused("certificate-not-yet-valid");
    let message = report["message"].as_str().expect("a message");
    assert!(message.contains("clock"), "{message}");
}

#[test]
fn an_expired_pin_is_refused_and_still_held() {
    let Some(mut corp) = Corp::found() else {
        return;
    };
    let leaf = Leaf {
        validity: ("20200101000000Z", "20210101000000Z"),
        ..Leaf::GOOD
    };
    let _server = corp.serve(&leaf, &[]);
    corp.home
        .run(&["import", "--server", "TSM1", "leaf.pem"])
        .exits(0);
    corp.refused("certificate-expired");
    // It counts as held: acceptance does not open again, whatever the level.
    corp.home.configure("[server.TSM1]\nlevel = \"8.1.2\"\n");
    corp.refused("certificate-expired");
}

#[test]
fn a_leaf_of_another_ca_is_refused() {
    let Some(mut corp) = Corp::found() else {
        return;
    };
    let stranger = Authority::root(&corp.openssl, "stranger");
    let identity = stranger.sign(&Leaf::GOOD);
    let _server = corp.present(&identity, &[]);
    corp.anchor();
    let report = corp.refused("certificate-mismatch");
    let message = report["message"]
        .as_str()
        .expect("a message")
        .to_lowercase();
    for digits in [identity.sha256(), corp.root.identity().sha256()] {
        assert!(
            message.contains(&digits),
            "{digits} is missing in: {message}"
        );
    }
}

#[test]
fn another_ca_of_the_same_name_is_refused() {
    let Some(mut corp) = Corp::found() else {
        return;
    };
    let elsewhere = corp.home.path("elsewhere");
    fs::create_dir(&elsewhere).expect("made");
    let openssl = Openssl::find(&elsewhere).expect("found before");
    let twin = Authority::root(&openssl, "root");
    let identity = twin.sign(&Leaf::GOOD);
    let _server = corp.present(&identity, &[]);
    corp.anchor();
    corp.refused("certificate-mismatch");
}

#[test]
fn a_certificate_for_clients_is_refused() {
    let Some(mut corp) = Corp::found() else {
        return;
    };
    let leaf = Leaf {
        usage: "clientAuth",
        ..Leaf::GOOD
    };
    let _server = corp.serve(&leaf, &[]);
    corp.anchor();
    corp.refused("certificate-weak");
}

#[test]
fn a_short_key_is_refused() {
    let Some(mut corp) = Corp::found() else {
        return;
    };
    let leaf = Leaf {
        key: ("RSA", "rsa_keygen_bits:1024"),
        ..Leaf::GOOD
    };
    let _server = corp.serve(&leaf, &["-cipher", "ALL:@SECLEVEL=0"]);
    corp.anchor();
    corp.refused("certificate-weak");
}

#[test]
fn a_server_that_forgets_its_intermediate_needs_it_imported() {
    let Some(mut corp) = Corp::found() else {
        return;
    };
    let identity = corp.intermediate.sign(&Leaf::GOOD);
    let server = Served::start(&identity, &[]);
    corp.name(&server, &[]);
    corp.anchor();
    corp.refused("certificate-mismatch");
    let words = ["import", "--server", "TSM1", "intermediate.pem"];
    let imported = corp.home.json(0, &words);
    assert_eq!(imported["imported"][0]["kind"], "intermediate");
    corp.vouched();
}

#[test]
fn an_intermediate_vouches_for_nothing_by_itself() {
    let Some(mut corp) = Corp::found() else {
        return;
    };
    let _server = corp.serve(&Leaf::GOOD, &[]);
    corp.home
        .run(&["import", "--server", "TSM1", "intermediate.pem"])
        .exits(0);
    corp.refused("certificate-mismatch");
}

#[test]
fn a_ca_for_any_server_vouches_for_each_and_a_leaf_is_refused_as_one() {
    let Some(mut corp) = Corp::found() else {
        return;
    };
    let first = corp.serve(&Leaf::GOOD, &[]);
    let other = Leaf {
        name: "second",
        ..Leaf::GOOD
    };
    let second = corp.intermediate.sign(&other);
    let chain = corp.intermediate.identity().certificate.clone();
    let second = Served::with_chain(&second, &chain, &[]);
    let both = stanza("TSM1", first.port, SSL) + &stanza("TSM2", second.port, SSL);
    corp.home.write("dsm.sys", both);
    let before = corp.home.snapshot();
    corp.home.json(2, &["import", "--any-server", "leaf.pem"]);
    assert_eq!(corp.home.snapshot(), before, "nothing was written");
    let preview = corp
        .home
        .run(&["import", "--any-server", "root.pem", "--dry-run"])
        .exits(0);
    for name in ["TSM1", "TSM2"] {
        assert!(
            preview.stdout.contains(name) || preview.stderr.contains(name),
            "it says for whom acceptance stops\n{}",
            preview.shown()
        );
    }
    corp.home
        .run(&["import", "--any-server", "root.pem"])
        .exits(0);
    for name in ["TSM1", "TSM2"] {
        let report = corp.home.json(0, &["connect", name]);
        assert_eq!(report["certificate"]["how"], "anchor");
    }
    let list = corp.home.json(0, &["list"]);
    assert_eq!(list["certificates"][0]["servers"], "any");
}

#[test]
fn servers_that_offer_one_tls_version_only_are_reached_by_it() {
    let Some(mut corp) = Corp::found() else {
        return;
    };
    for (option, version) in [("-tls1_2", "1.2"), ("-tls1_3", "1.3")] {
        let server = corp.serve(&Leaf::GOOD, &[option]);
        let name = format!("ONLY{}", version.replace('.', ""));
        corp.home.write("dsm.sys", stanza(&name, server.port, SSL));
        let words = ["import", "--server", &name, "--as", "anchor", "root.pem"];
        corp.home.run(&words).exits(0);
        let report = corp.home.json(0, &["connect", &name]);
        assert_eq!(report["tls_version"], version);
        server.prints(&format!("Protocol version: TLSv{version}"));
        let record = corp.home.json(0, &["server", "show", &name]);
        assert_eq!(record["tls_version"], version);
    }
}

#[test]
fn tls_1_1_is_never_spoken() {
    let Some(mut corp) = Corp::found() else {
        return;
    };
    let legacy = ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"];
    let server = corp.serve(&Leaf::GOOD, &legacy);
    corp.anchor();
    let report = corp.refused("tls-incompatible");
    let message = report["message"].as_str().expect("a message");
    assert!(
        message.contains("1.2") && message.contains("1.3"),
        "what was offered: {message}"
    );
    corp.name(&server, &["SSLDISABLELEGACYtls No"]);
    corp.refused("tls-incompatible");
}

#[test]
fn a_tls_version_that_falls_is_told_and_refused_where_the_policy_holds_it() {
    let Some(mut corp) = Corp::found() else {
        return;
    };
    let identity = corp.intermediate.sign(&Leaf::GOOD);
    let new = corp.present(&identity, &[]);
    corp.anchor();
    assert_eq!(corp.vouched()["tls_version"], "1.3");
    drop(new);
    let _old = corp.present(&identity, &["-tls1_2"]);
    corp.home.configure("[server.TSM1]\ntls_floor = \"hold\"\n");
    let report = corp.home.json(1, &["connect", "TSM1"]);
    assert_eq!(report["code"], "tls-version-fell");
    corp.home.configure("[server.TSM1]\ntls_floor = \"warn\"\n");
    let report = corp.vouched();
    assert_eq!(report["tls_version"], "1.2");
    let warnings = report["warnings"].as_array().expect("a list");
    assert!(!warnings.is_empty(), "it is told: {report:#}");
    let journal = corp.home.run(&["journal", "show"]).exits(0);
    assert!(
        journal.stdout.contains("1.2"),
        "and journalled\n{}",
        journal.shown()
    );
}

#[test]
fn a_renewal_is_imported_beside_the_old_certificate() {
    let Some(mut corp) = Corp::found() else {
        return;
    };
    let (old, new) = (corp.openssl.stock("old"), corp.openssl.stock("new"));
    let server = Served::start(&old, &[]);
    corp.name(&server, &[]);
    corp.home
        .run(&["import", "--server", "TSM1", "old.pem"])
        .exits(0);
    let second = corp
        .home
        .json(0, &["import", "--server", "TSM1", "new.pem"]);
    assert_eq!(
        second["imported"][0]["label"],
        "TSM server TSM1 self-signed key (2)"
    );
    let used = |report: &Value| report["certificate"]["sha256"].as_str().map(str::to_owned);
    let report = corp.home.json(0, &["connect", "TSM1"]);
    assert_eq!(used(&report), Some(old.sha256()));
    drop(server);
    let server = Served::start(&new, &[]);
    corp.name(&server, &[]);
    let report = corp.home.json(0, &["connect", "TSM1"]);
    assert_eq!(used(&report), Some(new.sha256()));
    corp.home
        .run(&["remove", &old.sha256(), "--server", "TSM1"])
        .exits(0);
    let report = corp.home.json(0, &["connect", "TSM1"]);
    assert_eq!(used(&report), Some(new.sha256()));
}

#[test]
fn a_store_for_all_servers_makes_no_anchor_of_another_servers_pin() {
    let Some(mut corp) = Corp::found() else {
        return;
    };
    let _server = corp.serve(&Leaf::GOOD, &[]);
    corp.home.configure(
        "[[store]]\nname = \"keydb\"\nplugin = \"anchorhold.keydb\"\nscope = \"any\"\n\
         settings = { path = \"stores/anchorhold.p12\" }\n\
         [server.other]\naddress = \"127.0.0.1:1\"\n",
    );
    let pin = ["import", "--server", "other", "--as", "pin", "root.pem"];
    corp.home.run(&pin).exits(0);
    corp.refused("certificate-needed");
    corp.home
        .run(&["remove", &fingerprint(&corp), "--all"])
        .exits(0);
    corp.home
        .run(&["import", "--any-server", "root.pem"])
        .exits(0);
    corp.vouched();
}

/// The root's fingerprint, as the list has it.
fn fingerprint(corp: &Corp) -> String {
    let list = corp.home.json(0, &["list"]);
    let sha256 = list["certificates"][0]["sha256"].as_str();
    sha256.expect("a certificate").to_owned()
}
