//! A second peer, written by somebody else in another language.

use std::time::Duration;

use serde_json::Value;

use crate::support::{Home, Identity, Openssl, Peer, Watched};

/// A home, and the identity of the servers of the scene.
fn scene() -> Option<(Home, Identity)> {
    let home = Home::new();
    let openssl = Openssl::find(home.directory())?;
    let identity = openssl.stock("cert256");
    Some((home, identity))
}

#[test]
fn a_peer_before_enhanced_security_goes_on_with_the_existing_protocol() {
    for level in ["7.1.7", "8.0.0", "8.1.1"] {
        let Some((mut home, identity)) = scene() else {
            return;
        };
        let Some(peer) = Peer::start(level, "common", Some(&identity)) else {
            return;
        };
        home.serve(peer.port, &[]);
        for _ in 0..2 {
            let report = home.connects(0, "plain", "existing-protocol", 9);
            assert_eq!(report["level"]["value"], format!("{level}.0"));
            assert_eq!(report["level"]["evidence"], "announced");
            assert_eq!(report["authentication"], "existing");
            assert_eq!(report["object_data"], "clear");
            assert_eq!(report["session_security"], "transitional");
            assert_eq!(report["tls_version"], Value::Null);
        }
        assert!(
            home.database().symlink_metadata().is_err(),
            "nothing is accepted from {level}"
        );
        // The session is the program's: what it sends arrives, and what comes back is printed.
        let piped = home
            .run_with(&["connect", "TSM1", "--pipe"], b"sign on\n")
            .exits(0);
        assert_eq!(piped.stdout, "sign on\n", "{}", piped.shown());
        peer.prints("plain echo");
        assert!(
            !peer.log().iter().any(|line| line.starts_with("tls")),
            "{:#?}",
            peer.log()
        );
    }
}

#[test]
fn a_peer_with_enhanced_security_is_accepted_on_first_use_and_strict_from_then_on() {
    for level in ["7.1.8", "8.1.2", "8.2.0"] {
        let Some((mut home, identity)) = scene() else {
            return;
        };
        let Some(peer) = Peer::start(level, "common", Some(&identity)) else {
            return;
        };
        home.serve(peer.port, &[]);
        let report = home.connects(0, "tls", "accepted-on-first-use", 16);
        assert_eq!(report["level"]["value"], format!("{level}.0"));
        assert_eq!(
            report["certificate"]["sha256"].as_str(),
            Some(&*identity.sha256())
        );
        assert_eq!(report["certificate"]["how"], "pin");
        assert_eq!(report["authentication"], "tls");
        assert_eq!(report["session_security"], "strict");
        assert_eq!(report["tls_version"], "1.3");
        peer.prints("tls TLSv1.3");
        let list = home.json(0, &["list", "--server", "TSM1"]);
        let held = &list["certificates"][0];
        assert_eq!(held["sha256"].as_str(), Some(&*identity.sha256()));
        assert_eq!(held["label"], "TSM server TSM1 self-signed key");
        assert_eq!(held["kind"], "pin");

        let asked = |log: Vec<String>| log.iter().filter(|line| *line == "plain identify").count();
        let before = asked(peer.log());
        home.connects(0, "tls", "held-certificate", 4);
        assert_eq!(
            asked(peer.log()),
            before,
            "a strict server is never asked in clear"
        );
        let piped = home
            .run_with(&["connect", "TSM1", "--pipe"], b"sign on\n")
            .exits(0);
        assert_eq!(piped.stdout, "sign on\n", "{}", piped.shown());
    }
}

#[test]
fn an_enhanced_peer_that_only_speaks_tls_1_2_is_accepted_with_it() {
    let Some((mut home, identity)) = scene() else {
        return;
    };
    let Some(peer) = Peer::with("8.1.2", "common", Some(&identity), &["--max-tls", "1.2"]) else {
        return;
    };
    home.serve(peer.port, &[]);
    let report = home.connects(0, "tls", "accepted-on-first-use", 16);
    assert_eq!(report["tls_version"], "1.2");
}

#[test]
fn an_enhanced_peer_without_acceptance_needs_its_certificate() {
    let Some((mut home, identity)) = scene() else {
        return;
    };
    let Some(peer) = Peer::start("8.1.2", "common", Some(&identity)) else {
        return;
    };
    home.serve(peer.port, &["SSLACCEPTCERTFROMSERV No"]);
    home.connects(1, "refuse", "certificate-needed", 12);
    home.run(&["import", "--server", "TSM1", "cert256.pem"])
        .exits(0);
    home.connects(0, "tls", "held-certificate", 11);
}

#[test]
fn a_strict_server_stays_strict_when_somebody_announces_an_earlier_level() {
    let Some((mut home, identity)) = scene() else {
        return;
    };
    let Some(peer) = Peer::start("8.1.2", "common", Some(&identity)) else {
        return;
    };
    home.serve(peer.port, &[]);
    home.connects(0, "tls", "accepted-on-first-use", 16);
    drop(peer);
    let Some(impostor) = Peer::start("7.1.0", "plain-only", None) else {
        return;
    };
    home.serve(impostor.port, &[]);
    // It hangs up on TLS without having read it, which arrives as a reset or as an end.
    let outcome = home.run(&["connect", "TSM1", "--json"]);
    let report = outcome.document();
    let exit = match report["code"].as_str() {
        Some("downgrade") => 1,
        Some("server-unreachable") => 3,
        _ => panic!("{}", outcome.shown()),
    };
    assert_eq!(outcome.status.code(), Some(exit), "{}", outcome.shown());
    assert_eq!(report["decision"], "refuse");
    assert_eq!(report["row"], 4);
    assert_eq!(report["session_security"], "strict");
    let piped = home.run_with(&["connect", "TSM1", "--pipe"], b"secret\n");
    assert!(!piped.status.success(), "{}", piped.shown());
    assert_eq!(piped.stdout, "");
    impostor.prints("tls refused");
    let plain = |line: &String| line.starts_with("plain");
    assert!(
        !impostor.log().iter().any(plain),
        "nothing in clear: {:#?}",
        impostor.log()
    );
}

#[test]
fn an_earlier_peer_on_its_ssl_port_needs_the_certificate_and_is_strict_then() {
    for level in ["7.1.7", "8.0.0", "8.1.1"] {
        let Some((mut home, identity)) = scene() else {
            return;
        };
        let Some(peer) = Peer::start(level, "ssl-only", Some(&identity)) else {
            return;
        };
        home.serve(peer.port, &["SSL Yes"]);
        let report = home.json(1, &["connect", "TSM1"]);
        assert_eq!(report["code"], "certificate-needed", "{level}: {report:#}");
        assert!(
            home.database().symlink_metadata().is_err(),
            "nothing is accepted from {level}"
        );
        home.run(&["import", "--server", "TSM1", "cert256.pem"])
            .exits(0);
        let report = home.connects(0, "tls", "held-certificate", 11);
        assert_eq!(report["session_security"], "strict");
        assert_eq!(report["object_data"], "encrypted");
        let report = home.connects(0, "tls", "held-certificate", 4);
        assert_eq!(report["authentication"], "existing", "{level}: {report:#}");
    }
}

#[test]
fn ssl_that_is_demanded_and_off_is_a_contradiction() {
    let Some((mut home, identity)) = scene() else {
        return;
    };
    let Some(peer) = Peer::start("8.1.1", "common", Some(&identity)) else {
        return;
    };
    for demand in ["SSLREQuired Yes", "SSLREQuired SERVERonly"] {
        home.serve(peer.port, &[demand]);
        home.connects(1, "refuse", "ssl-required-but-off", 6);
    }
    home.serve(peer.port, &["SSLREQuired No"]);
    home.connects(0, "plain", "existing-protocol", 9);
    home.configure("[server.TSM1]\nplain = \"never\"\n");
    home.connects(1, "refuse", "plain-forbidden", 8);
    home.configure("[server.TSM1]\nauthentication = \"ldap\"\n");
    home.serve(peer.port, &[]);
    home.connects(1, "refuse", "ssl-required-by-ldap", 7);
    home.configure("[server.TSM1]\nlevel = \"8.1.2\"\n");
    home.connects(1, "refuse", "downgrade", 5);
}

#[test]
fn a_server_with_ldap_is_never_accepted() {
    let Some((mut home, identity)) = scene() else {
        return;
    };
    let Some(peer) = Peer::start("8.1.2", "common", Some(&identity)) else {
        return;
    };
    home.serve(peer.port, &[]);
    home.configure("[server.TSM1]\nauthentication = \"ldap\"\n");
    home.connects(1, "refuse", "acceptance-barred-by-ldap", 14);
    assert!(
        home.database().symlink_metadata().is_err(),
        "nothing is accepted"
    );
}

#[test]
fn a_pipe_carries_much_in_both_directions() {
    let much: Vec<u8> = (0..3_000_000_u32)
        .map(|number| number.to_le_bytes()[0])
        .collect();
    for (level, mode) in [("8.1.1", "plain-only"), ("8.1.2", "common")] {
        let Some((mut home, identity)) = scene() else {
            return;
        };
        let Some(peer) = Peer::start(level, mode, Some(&identity)) else {
            return;
        };
        home.serve(peer.port, &[]);
        let mut command = home.command(&["connect", "TSM1", "--pipe"]);
        let (status, echoed) = Watched::bytes(&mut command, &much, Duration::from_secs(60));
        assert!(status.success(), "{level}: {status}");
        assert!(
            echoed == much,
            "{level}: {} of {} bytes came back",
            echoed.len(),
            much.len()
        );
    }
}
