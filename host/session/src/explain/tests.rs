//! What `explain` says of servers that nobody has talked to.

mod alternative;

use super::*;
use crate::decision::Transport;
use crate::policy::Policy;
use crate::sample::{STORE, Sample, server};
use anchorhold_state::{Record, RecordedLevel};

fn decided(server: &Server, level: Option<&str>) -> (Outcome, Code, u8) {
    let sample = Sample::new();
    let level = level.map(|text| text.parse().expect("a level"));
    let explained = explain(&sample.context, server, level).expect("an explanation");
    let report = explained.report;
    (report.decision, report.code, report.row)
}

/// A server whose certificate would be kept in the store of the sample.
fn accepting(name: &str) -> Server {
    let policy = Policy {
        accept_into: Some(STORE.to_owned()),
        ..Policy::default()
    };
    Server {
        policy,
        ..server(name)
    }
}

#[test]
fn a_server_that_would_be_accepted_says_on_which_condition() {
    let sample = Sample::with_store();
    let server = accepting("TSM1");
    let explained =
        explain(&sample.context, &server, Some(Level::new(8, 1, 2, 0))).expect("an explanation");
    assert_eq!(explained.report.decision, Outcome::Tls);
    assert!(
        explained
            .report
            .message
            .contains("would be accepted on first use")
    );
    assert!(
        explained
            .row_text
            .contains("exactly one valid self-signed one")
    );
}

#[test]
fn the_given_level_stands_for_what_the_server_would_announce() {
    let server = server("TSM1");
    let earlier = decided(&server, Some("7.1.0"));
    assert_eq!(earlier, (Outcome::Plain, Code::ExistingProtocol, 9));
    assert_eq!(
        decided(&server, None),
        (Outcome::Refuse, Code::CertificateNeeded, 13)
    );
}

#[test]
fn a_strict_server_is_not_asked_and_no_level_changes_it() {
    let sample = Sample::new();
    let server = server("TSM1");
    sample.raise(&server);
    let explained =
        explain(&sample.context, &server, Some(Level::new(7, 1, 0, 0))).expect("an explanation");
    assert_eq!(explained.report.code, Code::CertificateLost);
    assert_eq!(explained.report.evidence, Evidence::NotAsked);
}

#[test]
fn a_second_server_at_a_strict_address_says_whose_it_is() {
    let sample = Sample::new();
    let first = server("TSM1");
    sample.raise(&first);
    sample.record(&first, |record| Record {
        endpoint: Some(first.endpoint()),
        ..record
    });
    let second = explain(&sample.context, &server("TSM2"), None).expect("an explanation");
    assert!(second.report.warns("strict-by-endpoint"));
    assert!(
        second.report.message.contains("TSM1"),
        "{}",
        second.report.message
    );
    let elsewhere = Server {
        port: 1501,
        ..server("TSM3")
    };
    let third = explain(&sample.context, &elsewhere, None).expect("an explanation");
    assert!(!third.report.warns("strict-by-endpoint"));
}

#[test]
fn shared_memory_is_refused_before_anything_else() {
    let server = Server {
        transport: Transport::Other,
        ..server("TSM1")
    };
    assert_eq!(
        decided(&server, None),
        (Outcome::Refuse, Code::TransportUnsupported, 1)
    );
}

#[test]
fn what_cannot_be_kept_is_not_said_to_be_accepted() {
    let sample = Sample::with_store();
    let nowhere = server("TSM1");
    let explained =
        explain(&sample.context, &nowhere, Some(Level::new(8, 1, 2, 0))).expect("an explanation");
    let report = explained.report;
    assert_eq!(
        (report.decision, report.code, report.row),
        (Outcome::Refuse, Code::NoWritableStore, 16)
    );
    assert!(
        report.message.contains("cannot be kept"),
        "{}",
        report.message
    );
    assert!(explained.row_text.contains("accepted"));
}

#[test]
fn approved_algorithms_are_refused_as_a_sign_on_refuses_them() {
    if rustls::crypto::aws_lc_rs::default_provider().fips() {
        return;
    }
    let sample = Sample::with_store();
    let server = Server {
        fips: true,
        ..accepting("TSM1")
    };
    for level in [Level::new(7, 1, 0, 0), Level::new(8, 1, 2, 0)] {
        let explained = explain(&sample.context, &server, Some(level)).expect("an explanation");
        assert_eq!(explained.report.decision, Outcome::Refuse);
        assert_eq!(explained.report.code, Code::FipsUnavailable);
        let others: Vec<_> = explained
            .would_change
            .iter()
            .map(|other| other.what)
            .collect();
        assert_eq!(others, ["SSLFIPSMODE No"]);
    }
}

#[test]
fn an_option_that_asks_for_old_tls_is_answered() {
    let sample = Sample::new();
    let option = |value: &str| Effective {
        name: LEGACY_TLS,
        value: value.to_owned(),
        from: "dsm.sys:7".to_owned(),
    };
    for (value, warned) in [("No", true), ("Yes", false)] {
        let server = Server {
            options: vec![option(value)],
            ..server("TSM1")
        };
        let report = explain(&sample.context, &server, None)
            .expect("an explanation")
            .report;
        assert_eq!(report.warns("legacy-tls-never-offered"), warned, "{value}");
        let text = |code: &str| {
            let found = report.warnings.iter().find(|warning| warning.code == code);
            found.map(|warning| warning.text.clone())
        };
        if let Some(text) = text("legacy-tls-never-offered") {
            assert!(text.contains("dsm.sys:7"), "{text}");
            assert!(
                text.contains("TLS 1.1 and lower are never offered"),
                "{text}"
            );
        }
    }
}

#[test]
fn where_nobody_tells_a_level_the_recorded_one_says_who_authenticates() {
    let sample = Sample::new();
    let server = server("TSM1");
    let shown = |level: Option<&str>| {
        sample.raise(&server);
        sample.record(&server, |record| Record {
            level: level.map(|value| RecordedLevel {
                value: value.to_owned(),
                evidence: "inside-tls".to_owned(),
            }),
            ..record
        });
        let situation = Situation::look(&sample.context, &server).expect("a situation");
        let decision = Decision {
            row: 4,
            then: Then::Tls,
            code: Code::HeldCertificate,
        };
        let report = report(&server, &situation, decision);
        assert_eq!(report.level, None, "it decides nothing");
        report.authentication
    };
    assert_eq!(shown(None), Some(Authentication::Tls));
    assert_eq!(shown(Some("7.1.0.0")), Some(Authentication::Existing));
    assert_eq!(shown(Some("8.1.2.0")), Some(Authentication::Tls));
}
