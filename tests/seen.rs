//! The first five minutes of an administrator, with a server that is not ours.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Home, Identity, Openssl, Served, Watched, here, stanza};

/// A home with the stanza of a running `openssl s_server`, and the server's certificate file.
struct Scene {
    home: Home,
    server: Served,
    identity: Identity,
}

impl Scene {
    /// The scene, or nothing where there is no openssl.
    fn set() -> Option<Self> {
        Self::with(&["SSLACCEPTCERTFROMSERV No"])
    }

    /// The same, with SSL in use: the level, which openssl does not tell, is not waited for.
    fn with_ssl() -> Option<Self> {
        Self::with(&["SSL Yes", "SSLACCEPTCERTFROMSERV No"])
    }

    fn with(options: &[&str]) -> Option<Self> {
        let mut home = Home::new();
        let openssl = Openssl::find(home.directory())?;
        // The vendor's servers have RSA keys, and call the file like this.
        let identity = openssl.self_signed("cert256", STOCK, &["-newkey", "rsa:2048"]);
        fs::copy(&identity.certificate, home.path("cert256.arm")).expect("copied");
        let server = Served::start(&identity, &[]);
        home.write("dsm.sys", stanza("TSM1", server.port, options));
        home.take_options(&["--options", "dsm.sys"]);
        Some(Self {
            home,
            server,
            identity,
        })
    }

    fn import(&self) {
        self.home
            .run(&["import", "--server", "TSM1", "cert256.arm"])
            .exits(0);
    }
}

#[test]
fn a_server_without_certificate_needs_one_and_the_remedy_works_when_pasted() {
    let Some(scene) = Scene::set() else { return };
    let report = scene.home.json(1, &["connect", "TSM1"]);
    assert_eq!(report["code"], "certificate-needed");
    assert_eq!(report["decision"], "refuse");
    assert_eq!(report["row"], 12);
    assert_eq!(report["session_security"], "transitional");
    assert_eq!(report["level"]["value"], Value::Null);
    assert_eq!(report["certificate"], Value::Null);
    let remedy = report["remedy"].as_str().expect("a remedy").to_owned();
    let printed = scene.home.run(&["connect", "TSM1"]).exits(1);
    assert!(
        format!("{}{}", printed.stdout, printed.stderr)
            .lines()
            .any(|line| line.trim_end().ends_with(&remedy)),
        "the remedy can be copied as it stands\n{}",
        printed.shown()
    );
    scene.home.shell(&remedy).exits(0);
    let report = scene.home.json(0, &["connect", "TSM1"]);
    assert_eq!(report["code"], "held-certificate");
}

#[test]
fn an_imported_certificate_pins_the_server_with_tls_1_3_and_makes_it_strict() {
    let Some(scene) = Scene::set() else { return };
    scene.import();
    let report = scene.home.json(0, &["connect", "TSM1"]);
    assert_eq!(report["decision"], "tls");
    assert_eq!(report["code"], "held-certificate");
    assert_eq!(report["row"], 11);
    assert_eq!(report["tls_version"], "1.3");
    assert_eq!(report["certificate"]["how"], "pin");
    assert_eq!(report["certificate"]["store"], "keydb");
    assert_eq!(
        report["certificate"]["sha256"].as_str(),
        Some(&*scene.identity.sha256())
    );
    assert_eq!(report["session_security"], "strict");
    assert!(report["key_exchange"].is_string());
    // The peer knows no data channel, so SSL No leaves nothing in clear.
    assert_eq!(report["object_data"], "encrypted");
    assert_eq!(report["object_data_reason"], "peer-has-no-data-channel");
    scene.server.prints("Protocol version: TLSv1.3");

    let record = scene.home.json(0, &["server", "show", "TSM1"]);
    assert_eq!(record["session_security"], "strict");
    assert_eq!(record["tls_version"], "1.3");
    let again = scene.home.json(0, &["connect", "TSM1"]);
    assert_eq!(
        again["row"], 4,
        "a strict server is decided by the row of strict servers"
    );
    assert_eq!(again["level"]["evidence"], "not-asked");
}

#[test]
fn a_level_that_is_not_told_inside_tls_is_not_waited_for_beyond_its_deadline() {
    let Some(scene) = Scene::with_ssl() else {
        return;
    };
    scene.import();
    // It serves one connection after the other, and says nothing to the question.
    let began = Instant::now();
    scene.home.run(&["connect", "TSM1"]).exits(0);
    let took = began.elapsed();
    assert!(
        took < Duration::from_secs(8),
        "three seconds are the deadline: {took:?}"
    );
}

#[test]
fn people_read_what_happened_and_how_the_session_is_secured() {
    let Some(scene) = Scene::with_ssl() else {
        return;
    };
    scene.import();
    let text = scene.home.run(&["connect", "TSM1"]).exits(0).stdout;
    for word in ["TSM1", "1.3", "strict", "keydb"] {
        assert!(text.contains(word), "{word} is missing in\n{text}");
    }
}

#[test]
fn the_key_database_opens_in_keytool_and_in_openssl() {
    let Some(scene) = Scene::with_ssl() else {
        return;
    };
    scene.import();
    let home = &scene.home;
    let written = home
        .run(&["store", "password", "keydb", "-o", "pw"])
        .exits(0);
    let password = fs::read_to_string(home.path("pw")).expect("a password");
    let mode = fs::metadata(home.path("pw"))
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600, "only its owner reads the password");
    assert!(
        password.trim().len() >= 16,
        "the password is random, not a word"
    );
    assert!(!written.stdout.contains(password.trim()));
    assert!(!written.stderr.contains(password.trim()));
    let journal = home.run(&["journal", "show"]).exits(0);
    assert!(
        journal.stdout.contains("password"),
        "the journal knows\n{}",
        journal.shown()
    );

    let openssl = Openssl::find(home.directory()).expect("found before");
    let database = home.database().to_string_lossy().into_owned();
    let listed = openssl.run(&["pkcs12", "-in", &database, "-passin", "file:pw", "-nokeys"]);
    assert!(
        listed.stdout.contains(body(&scene.identity.pem())),
        "{}",
        listed.shown()
    );
    assert!(listed.stdout.contains("TSM server TSM1 self-signed key"));

    if !here("keytool") {
        return;
    }
    let mut keytool = Command::new("keytool");
    keytool
        .current_dir(home.directory())
        .args(["-list", "-storetype", "PKCS12"]);
    keytool.args(["-keystore", &database, "-storepass:file", "pw"]);
    let listed = Watched::output(&mut keytool, b"", Duration::from_secs(60)).exits(0);
    assert!(
        listed.stdout.contains("trustedCertEntry"),
        "{}",
        listed.shown()
    );
    let digits = scene.identity.sha256().to_uppercase();
    let pairs: Vec<&str> = (0..32).map(|at| &digits[2 * at..2 * at + 2]).collect();
    assert!(
        listed.stdout.contains(&pairs.join(":")),
        "{}",
        listed.shown()
    );
}

#[test]
fn a_password_is_never_left_where_others_read_it() {
    let Some(scene) = Scene::with_ssl() else {
        return;
    };
    scene.import();
    let home = &scene.home;
    home.write("pw", "something else");
    let open = fs::Permissions::from_mode(0o644);
    fs::set_permissions(home.path("pw"), open).expect("set");
    let words = ["store", "password", "keydb", "-o", "pw"];
    let outcome = home.run(&words);
    let metadata = fs::metadata(home.path("pw")).expect("there");
    let kept = fs::read(home.path("pw")).expect("there") == b"something else";
    let closed = metadata.permissions().mode() & 0o077 == 0;
    assert!(kept || closed, "others read it\n{}", outcome.shown());
    assert_eq!(outcome.status.success(), !kept, "{}", outcome.shown());
    // A link leads to a file of somebody else.
    std::os::unix::fs::symlink(home.path("target"), home.path("link")).expect("linked");
    let outcome = home.run(&["store", "password", "keydb", "-o", "link"]);
    assert!(!outcome.status.success(), "{}", outcome.shown());
    assert!(
        home.path("target").symlink_metadata().is_err(),
        "the link is not followed"
    );
}

#[test]
fn the_vendors_utility_adds_lists_and_deletes() {
    let Some(scene) = Scene::with_ssl() else {
        return;
    };
    let home = &scene.home;
    let add = ["-add", "-server", "TSM1", "-file", "cert256.arm"];
    home.dsmcert(&add).exits(0).says("successfully");
    let before = fs::read(home.database()).expect("the database is there");
    home.dsmcert(&add)
        .exits(0)
        .says("successfully")
        .says("unchanged");
    let after = fs::read(home.database()).expect("the database is there");
    assert_eq!(before, after, "what is there already is not written again");
    home.dsmcert(&["-list"]).exits(0).says("TSM1");
    assert_eq!(
        home.json(0, &["connect", "TSM1"])["code"],
        "held-certificate"
    );

    home.dsmcert(&["-delete", "-server", "TSM1"])
        .exits(0)
        .says("successfully");
    let list = home.json(0, &["list"]);
    assert_eq!(list["certificates"].as_array().map(Vec::len), Some(0));
    assert_eq!(
        home.json(1, &["connect", "TSM1"])["code"],
        "certificate-lost"
    );
}

#[test]
fn the_vendors_utility_takes_a_name_that_has_no_stanza_yet() {
    let Some(scene) = Scene::with_ssl() else {
        return;
    };
    let home = &scene.home;
    let add = ["-add", "-server", "LATER", "-file", "cert256.arm"];
    let outcome = home.dsmcert(&add).exits(0).says("successfully");
    let warned = |line: &str| line.to_lowercase().contains("warning") && line.contains("LATER");
    assert!(outcome.stderr.lines().any(warned), "{}", outcome.shown());
    let list = home.json(0, &["list", "--server", "LATER"]);
    assert_eq!(list["certificates"][0]["servers"][0], "LATER");
}

#[test]
fn the_vendors_utility_fails_without_the_word_of_success() {
    let Some(scene) = Scene::with_ssl() else {
        return;
    };
    let home = &scene.home;
    for wrong in [
        &["-add", "-server", "TSM1", "-file", "nowhere.arm"][..],
        &["-add", "-server", "TSM1", "-file", "cert256.key"],
        &["-add", "-server", "TSM1"],
        &["-bogus"],
    ] {
        let outcome = home.dsmcert(wrong).exits(2);
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(!said.contains("successfully"), "{}", outcome.shown());
    }
    assert!(home.snapshot().is_empty(), "nothing was written");
}

#[test]
fn explain_names_every_option_with_its_line_the_row_and_what_would_change_it() {
    let options = [
        "SSLACCEPTCERTFROMSERV No",
        "SSL No",
        "SSLREQuired Default",
        "NODename mynode",
    ];
    let Some(scene) = Scene::with(&options) else {
        return;
    };
    let home = &scene.home;
    let explained = home.json(0, &["explain", "TSM1"]);
    assert_eq!(explained["decision"], "refuse");
    assert_eq!(explained["code"], "certificate-needed");
    assert_eq!(explained["row"], 12);
    assert_eq!(explained["rule"]["number"], 12);
    let port = scene.server.port.to_string();
    for (name, value, line) in [
        ("TCPServeraddress", "127.0.0.1", 2),
        ("TCPPort", &*port, 3),
        ("SSLACCEPTCERTFROMSERV", "No", 4),
        ("SSL", "No", 5),
        ("SSLREQuired", "Default", 6),
    ] {
        let option = named(&explained["options"], name);
        assert_eq!(option["value"].as_str(), Some(value), "{name}");
        let from = option["from"].as_str().expect("a place");
        assert!(
            from.ends_with(&format!("dsm.sys:{line}")),
            "{name} is from {from}"
        );
    }
    let other = named(&explained["unused_options"], "NODename");
    assert_eq!(other["value"], "mynode");
    let changes = explained["would_change"].as_array().expect("a list");
    let import = changes.iter().find(|change| change["decision"] == "tls");
    assert!(import.is_some(), "an import would change it: {changes:#?}");

    let text = home.run(&["explain", "TSM1"]).exits(0).stdout;
    let text = text.to_lowercase();
    for word in [
        "dsm.sys:2",
        "dsm.sys:3",
        "dsm.sys:4",
        "dsm.sys:5",
        "dsm.sys:6",
        "dsm.sys:7",
    ] {
        assert!(text.contains(word), "{word} is missing in\n{text}");
    }
    assert!(text.contains("row 12"), "the row is missing in\n{text}");
    let first = changes[0]["what"].as_str().expect("words").to_lowercase();
    assert!(
        text.contains(&first),
        "what would change it is missing in\n{text}"
    );
}

#[test]
fn explain_speaks_to_nobody_and_writes_nothing() {
    let Some(scene) = Scene::with_ssl() else {
        return;
    };
    scene.import();
    let before = scene.home.snapshot();
    let contacts = scene.server.log().len();
    let explained = scene.home.json(0, &["explain", "TSM1"]);
    assert_eq!(explained["decision"], "tls");
    assert_eq!(
        scene.home.snapshot().changed_since(&before),
        Vec::<std::path::PathBuf>::new()
    );
    // The next contact is the first that the server sees.
    scene.home.run(&["connect", "TSM1"]).exits(0);
    scene.server.prints("CONNECTION ESTABLISHED");
    let seen = scene.server.log().split_off(contacts);
    let established = seen
        .iter()
        .filter(|line| line.contains("CONNECTION ESTABLISHED"));
    assert!(
        established.count() <= 2,
        "a session, and the question inside TLS: {seen:#?}"
    );
}

#[test]
fn explain_answers_for_a_level_that_is_only_supposed() {
    let Some(scene) = Scene::with(&[]) else {
        return;
    };
    let level = |level: &str| scene.home.json(0, &["explain", "TSM1", "--level", level]);
    let earlier = level("8.1.1.0");
    assert_eq!(
        (&earlier["decision"], &earlier["row"]),
        (&Value::from("plain"), &Value::from(9))
    );
    let enhanced = level("8.1.2.0");
    assert_ne!(enhanced["decision"], "plain");
    for (last_before, first_after) in [("7.1.7.0", "7.1.8.0"), ("8.1.1.9", "8.1.2")] {
        assert_eq!(level(last_before)["decision"], "plain", "{last_before}");
        assert_ne!(level(first_after)["decision"], "plain", "{first_after}");
    }
    assert_eq!(
        level("8.0.0.0")["decision"],
        "plain",
        "8.0 is earlier than 7.1.8 was enhanced"
    );
}

#[test]
fn a_pipe_joins_the_session_to_standard_input_and_output() {
    let Some(scene) = Scene::with_ssl() else {
        return;
    };
    let home = &scene.home;
    scene.import();
    let words = [
        "connect",
        "TSM1",
        "--pipe",
        "--report",
        "report.json",
        "--json",
    ];
    let outcome = home.run_with(&words, b"hello\n").exits(0);
    assert_eq!(outcome.stdout, "olleh\n", "{}", outcome.shown());
    let report = fs::read_to_string(home.path("report.json")).expect("the report");
    let report: Value = serde_json::from_str(&report).expect("one document");
    assert_eq!(report["code"], "held-certificate");
    assert_eq!(report["session_security"], "strict");
    // Without a file the report goes to standard error, and never into the session.
    let outcome = home
        .run_with(&["connect", "TSM1", "--pipe"], b"ab\n")
        .exits(0);
    assert_eq!(outcome.stdout, "ba\n", "{}", outcome.shown());
    assert!(outcome.stderr.contains("TSM1"), "{}", outcome.shown());
}

#[test]
fn a_refused_pipe_carries_nothing() {
    let Some(scene) = Scene::with_ssl() else {
        return;
    };
    let outcome = scene
        .home
        .run_with(&["connect", "TSM1", "--pipe"], b"secret\n")
        .exits(1);
    assert_eq!(outcome.stdout, "", "{}", outcome.shown());
    assert!(
        outcome.stderr.contains("certificate-needed"),
        "{}",
        outcome.shown()
    );
}

#[test]
fn another_certificate_than_the_imported_one_is_a_mismatch_and_changes_nothing() {
    let Some(scene) = Scene::with_ssl() else {
        return;
    };
    let openssl = Openssl::find(scene.home.directory()).expect("found before");
    scene.import();
    let other = openssl.stock("other");
    let impostor = Served::start(&other, &[]);
    scene
        .home
        .write("dsm.sys", stanza("TSM1", impostor.port, &["SSL Yes"]));
    let before = scene.home.snapshot();
    let report = scene.home.json(1, &["connect", "TSM1"]);
    assert_eq!(report["code"], "certificate-mismatch");
    assert_eq!(report["presented"][0].as_str(), Some(&*other.sha256()));
    let message = report["message"]
        .as_str()
        .expect("a message")
        .to_lowercase();
    for digits in [other.sha256(), scene.identity.sha256()] {
        assert!(
            message.contains(&digits),
            "{digits} is missing in: {message}"
        );
    }
    assert_eq!(report["session_security"], "transitional");
    let changed = scene.home.snapshot().changed_since(&before);
    let touched = |path: &std::path::PathBuf| path.starts_with("stores");
    assert!(
        !changed.iter().any(touched),
        "no store is touched: {changed:?}"
    );
}

/// The option of that name in a list of options.
fn named<'a>(options: &'a Value, name: &str) -> &'a Value {
    let all = options.as_array().expect("a list of options");
    let found = all.iter().find(|option| option["name"] == name);
    found.unwrap_or_else(|| panic!("{name} is not among {all:#?}"))
}

/// The first line of base64 of a certificate.
fn body(pem: &str) -> &str {
    let at = pem.find("-----BEGIN CERTIFICATE-----\n").expect("PEM") + 28;
    pem[at..].lines().next().expect("a line")
}

/// The subject of the certificate that every server of the vendor makes for itself.
const STOCK: &str = "/C=US/O=TSM/OU=TSM Network/CN=TSM Self-Signed Certificate";
