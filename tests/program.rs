//! The program as a program: usage, exit status, pipes, environment.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::time::Duration;

use crate::support::{Answer, Authority, Home, Leaf, Openssl, Served, Watched, stanza};

#[test]
fn the_version_is_that_of_the_package() {
    let outcome = Home::new().run(&["--version"]).exits(0);
    assert_eq!(
        outcome.stdout.trim(),
        format!("anchorhold {}", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn help_names_every_command_and_each_has_help_of_its_own() {
    let home = Home::new();
    let help = home.run(&["--help"]).exits(0).stdout;
    for command in [
        "rehearse", "import", "list", "show", "scope", "remove", "verify", "connect", "explain",
        "server", "store", "journal",
    ] {
        let named = help
            .lines()
            .any(|line| line.split_whitespace().next() == Some(command));
        assert!(named, "{command} is missing in\n{help}");
        home.run(&[command, "--help"]).exits(0).says("--home");
    }
}

#[test]
fn wrong_usage_exits_with_2_and_says_how_to_go_on() {
    let home = Home::new();
    for words in [
        &[][..],
        &["nonsense"],
        &["--nonsense"],
        &["import"],
        &["connect"],
        &["connect", "A", "B"],
        &["server"],
        &["server", "raise"],
        &["store", "nonsense"],
        &["list", "--expiring", "soon"],
        &["show", "xyz"],
    ] {
        let outcome = home.run(words).exits(2);
        assert!(!outcome.stderr.trim().is_empty(), "{}", outcome.shown());
        assert_eq!(outcome.stdout, "", "{}", outcome.shown());
    }
    assert!(home.snapshot().is_empty(), "nothing was written");
}

#[test]
fn secrets_are_never_taken_from_arguments() {
    let home = Home::new();
    for option in ["--pin=1234", "--password=secret", "--pin-value=1234"] {
        home.run(&["list", option]).exits(2);
    }
}

#[test]
fn an_empty_home_works_at_once_and_is_not_made_by_looking() {
    let home = Home::new();
    let list = home.json(0, &["list"]);
    assert_eq!(list["certificates"].as_array().map(Vec::len), Some(0));
    let stores = home.json(0, &["store", "list"]);
    assert_eq!(stores["stores"][0]["name"], "keydb");
    assert_eq!(stores["stores"][0]["plugin"], "anchorhold.keydb");
    assert_eq!(stores["stores"].as_array().map(Vec::len), Some(1));
    assert!(
        home.run(&["list"]).exits(0).stdout.len() > 1,
        "people are told that there is nothing"
    );
    assert!(
        home.path("h").symlink_metadata().is_err(),
        "the home is not made"
    );
}

#[test]
fn a_reader_that_goes_away_ends_the_program_quietly() {
    let home = Home::new();
    for words in [
        &["--help"][..],
        &["rehearse", "--story", "X12"],
        &["rehearse", "--story", "X12", "--json"],
    ] {
        let mut command = home.command(words);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = Watched::start(&mut command, Duration::from_secs(60));
        let stdout = process.child().stdout.take().expect("a pipe");
        let mut stderr = process.child().stderr.take().expect("a pipe");
        // The reader is gone before anything is printed.
        drop(stdout);
        let mut complaint = String::new();
        stderr.read_to_string(&mut complaint).expect("text");
        process.wait();
        let quiet = !complaint.contains("panicked") && !complaint.contains("Broken pipe");
        assert!(quiet, "{words:?}: {complaint}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_program_quietly() {
    let home = Home::with_options(&many_stanzas());
    let mut command = home.command(&["server", "list", "--json"]);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut process = Watched::start(&mut command, Duration::from_secs(60));
    let stdout = process.child().stdout.take().expect("a pipe");
    let mut stderr = process.child().stderr.take().expect("a pipe");
    let mut first = String::new();
    let mut reader = BufReader::with_capacity(16, stdout);
    reader.read_line(&mut first).expect("a line");
    drop(reader);
    let mut complaint = String::new();
    stderr.read_to_string(&mut complaint).expect("text");
    process.wait();
    assert!(!first.is_empty());
    assert_eq!(complaint, "");
}

/// More stanzas than a pipe holds documents of.
fn many_stanzas() -> String {
    (0..2000)
        .map(|number| stanza(&format!("S{number}"), 1500, &[]))
        .collect()
}

#[test]
fn no_environment_variable_changes_what_is_trusted() {
    let mut home = Home::new();
    let Some(openssl) = Openssl::find(home.directory()) else {
        return;
    };
    let attacker = Authority::root(&openssl, "attacker");
    let identity = attacker.sign(&Leaf::GOOD);
    let server = Served::start(&identity, &[]);
    home.write(
        "dsm.sys",
        stanza(
            "TSM1",
            server.port,
            &["SSL Yes", "SSLACCEPTCERTFROMSERV No"],
        ),
    );
    home.take_options(&["--options", "dsm.sys"]);
    home.write(
        "elsewhere/anchorhold.toml",
        "[server.TSM1]\nname_check = \"off\"\n",
    );
    home.write(
        "elsewhere/dsm.sys",
        stanza("TSM1", server.port, &["SSL No"]),
    );
    let own = openssl.stock("own");
    home.run(&["import", "--server", "TSM1", "own.pem"])
        .exits(0);
    let quiet = home.json(1, &["connect", "TSM1"]);
    assert_eq!(quiet["code"], "certificate-mismatch");
    assert!(own.sha256() != identity.sha256());

    let root = attacker.identity().certificate.clone();
    let elsewhere = home.path("elsewhere");
    let run = |words: &[&str]| {
        let mut command = home.command(words);
        for name in [
            "SSL_CERT_FILE",
            "NIX_SSL_CERT_FILE",
            "CURL_CA_BUNDLE",
            "REQUESTS_CA_BUNDLE",
        ] {
            command.env(name, &root);
        }
        for name in [
            "SSL_CERT_DIR",
            "HOME",
            "XDG_CONFIG_HOME",
            "XDG_DATA_HOME",
            "XDG_STATE_HOME",
        ] {
            command.env(name, &elsewhere);
        }
        for name in [
            "ANCHORHOLD_HOME",
            "ANCHORHOLD_CONFIG",
            "DSM_DIR",
            "DSM_CONFIG",
            "DSMI_DIR",
        ] {
            command.env(name, &elsewhere);
        }
        for name in [
            "PKCS11_PROVIDER_MODULE",
            "P11_KIT_CONFIG_FILE",
            "OPENSSL_CONF",
        ] {
            command.env(name, &root);
        }
        for name in [
            "ANCHORHOLD_INSECURE",
            "ANCHORHOLD_SKIP_VERIFY",
            "SSLKEYLOGFILE",
        ] {
            command.env(name, home.path("keys"));
        }
        Watched::output(&mut command, b"", Duration::from_secs(60))
    };
    let outcome = run(&["connect", "TSM1", "--json"]).exits(1);
    let mut loud = outcome.document();
    assert_eq!(loud["code"], "certificate-mismatch", "{}", outcome.shown());
    for field in ["message", "warnings", "options", "files", "presented"] {
        assert_eq!(loud[field].take(), quiet[field], "{field}");
    }
    let verdict = run(&["verify", "leaf.pem", "--server", "TSM1", "--json"]).exits(1);
    assert_eq!(verdict.document()["trusted"], false);
    assert!(
        home.path("keys").symlink_metadata().is_err(),
        "no session key is ever written down"
    );
}

#[test]
fn people_are_told_the_same_as_programs() {
    let server = Answer::earlier([8, 1, 1, 0]);
    let home = Home::with_options(&stanza("TSM1", server.port, &[]));
    let printed = home.run(&["connect", "TSM1"]).exits(0);
    assert!(
        printed.stdout.contains("existing-protocol"),
        "{}",
        printed.shown()
    );
    assert!(
        !printed.stdout.contains('\u{1b}'),
        "no colour where there is no terminal"
    );
    home.run(&["server", "raise", "TSM1"]).exits(0);
    let printed = home.run(&["connect", "TSM1"]).exits(1);
    let said = format!("{}{}", printed.stdout, printed.stderr);
    for word in ["TSM1", "certificate-lost"] {
        assert!(
            said.contains(word),
            "{word} is missing\n{}",
            printed.shown()
        );
    }
}

#[test]
fn a_certificate_is_found_by_the_beginning_of_its_fingerprint() {
    let home = Home::with_options(&stanza("TSM1", 1500, &[]));
    let Some(openssl) = Openssl::find(home.directory()) else {
        return;
    };
    let identity = openssl.stock("cert256");
    home.run(&["import", "--server", "TSM1", "cert256.pem"])
        .exits(0);
    let digits = identity.sha256();
    let colons: Vec<String> = (0..32)
        .map(|at| digits[2 * at..2 * at + 2].to_uppercase())
        .collect();
    for typed in [
        digits.clone(),
        digits[..8].to_owned(),
        colons.join(":"),
        digits.to_uppercase(),
    ] {
        let shown = home.json(0, &["show", &typed]);
        assert_eq!(shown["sha256"].as_str(), Some(&*digits));
        assert_eq!(shown["version"], 3);
        assert_eq!(
            shown["pem"].as_str().map(str::trim),
            Some(identity.pem().trim())
        );
    }
    home.json(2, &["show", &digits[..7]]);
    let unknown: String = digits.chars().rev().collect();
    home.json(2, &["show", &unknown]);
}

#[test]
fn scope_says_for_whom_a_certificate_vouches() {
    let text = stanza("TSM1", 1500, &[]) + &stanza("TSM2", 1501, &[]);
    let home = Home::with_options(&text);
    let Some(openssl) = Openssl::find(home.directory()) else {
        return;
    };
    let digits = openssl.stock("cert256").sha256();
    home.run(&["import", "--server", "TSM1", "cert256.pem"])
        .exits(0);
    let verdict = |exit: i32, server: &str| {
        home.json(exit, &["verify", "cert256.pem", "--server", server])["trusted"].clone()
    };
    assert_eq!(
        (verdict(0, "TSM1"), verdict(1, "TSM2")),
        (true.into(), false.into())
    );
    home.run(&["scope", &digits, "--server", "TSM2"]).exits(0);
    assert_eq!(
        (verdict(1, "TSM1"), verdict(0, "TSM2")),
        (false.into(), true.into())
    );
    home.run(&["scope", &digits, "--none"]).exits(0);
    assert_eq!(
        (verdict(1, "TSM1"), verdict(1, "TSM2")),
        (false.into(), false.into())
    );
    let list = home.json(0, &["list"]);
    assert_eq!(list["certificates"][0]["servers"], "none");
    // The label still tells for whom it once was; taking its word is the operator's to say.
    let proposed = home.run_with(&["scope", "--propose"], b"n\n");
    assert!(proposed.stdout.contains("TSM1"), "{}", proposed.shown());
    assert_eq!(verdict(1, "TSM1"), false);
    let proposed = home.json(0, &["scope", "--propose", "--yes"]);
    assert_eq!(proposed["proposed"][0]["server"], "TSM1");
    assert_eq!(verdict(0, "TSM1"), true);
}

#[test]
fn a_label_that_names_a_server_that_nobody_has_is_not_taken_at_its_word() {
    let home = Home::with_options(&stanza("TSM1", 1500, &[]));
    let Some(openssl) = Openssl::find(home.directory()) else {
        return;
    };
    let digits = openssl.stock("cert256").sha256();
    let label = "TSM server any self-signed key";
    home.run(&[
        "import",
        "--server",
        "TSM1",
        "--label",
        label,
        "cert256.pem",
    ])
    .exits(0);
    home.run(&["scope", &digits, "--none"]).exits(0);
    let proposed = home.json(0, &["scope", "--propose", "--yes"]);
    assert_eq!(proposed["applied"], false, "{proposed}");
    let note = proposed["proposed"][0]["note"].as_str().unwrap_or_default();
    assert!(note.contains("no server of this name"), "{proposed}");
    assert_eq!(
        home.json(0, &["list"])["certificates"][0]["servers"],
        "none"
    );
}

#[test]
fn remove_takes_the_scope_away_and_the_certificate_when_nobody_is_left() {
    let text = stanza("TSM1", 1500, &[]) + &stanza("TSM2", 1501, &[]);
    let home = Home::with_options(&text);
    let Some(openssl) = Openssl::find(home.directory()) else {
        return;
    };
    let digits = openssl.stock("cert256").sha256();
    home.run(&[
        "import",
        "--server",
        "TSM1",
        "--server",
        "TSM2",
        "cert256.pem",
    ])
    .exits(0);
    let removed = home.json(0, &["remove", &digits, "--server", "TSM1"]);
    assert_eq!(removed["lost"][0], "TSM1");
    assert_eq!(removed["certificates"][0]["servers"][0], "TSM2");
    assert_eq!(
        home.json(0, &["list"])["certificates"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    let removed = home.json(0, &["remove", &digits, "--server", "TSM2"]);
    assert_eq!(removed["certificates"][0]["outcome"], "removed");
    assert_eq!(
        home.json(0, &["list"])["certificates"]
            .as_array()
            .map(Vec::len),
        Some(0)
    );
}

#[test]
fn list_says_what_expires() {
    let home = Home::with_options(&stanza("TSM1", 1500, &[]));
    let Some(openssl) = Openssl::find(home.directory()) else {
        return;
    };
    let soon = openssl.self_signed("soon", "/CN=soon", &["-days", "30"]);
    openssl.stock("later");
    home.run(&["import", "--server", "TSM1", "soon.pem", "later.pem"])
        .exits(0);
    let list = home.json(0, &["list", "--expiring", "60"]);
    let found = list["certificates"].as_array().expect("a list");
    assert_eq!(found.len(), 1, "{list:#}");
    assert_eq!(found[0]["sha256"].as_str(), Some(&*soon.sha256()));
    assert_eq!(
        home.json(0, &["list", "--expiring", "7"])["certificates"]
            .as_array()
            .map(Vec::len),
        Some(0)
    );
}
