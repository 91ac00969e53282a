//! What would change a decision, and what is never said to change it.

use super::*;
use anchorhold_state::Allow;

#[test]
fn what_would_change_the_decision_is_named() {
    let sample = Sample::with_store();
    let server = Server {
        accept: false,
        ..accepting("TSM1")
    };
    let explained =
        explain(&sample.context, &server, Some(Level::new(8, 1, 2, 0))).expect("an explanation");
    assert_eq!(explained.report.code, Code::CertificateNeeded);
    let found = |what: &str| {
        explained
            .would_change
            .iter()
            .find(|other| other.what == what)
    };
    let imported = found("a certificate imported for it").expect("the remedy");
    assert_eq!((imported.decision, imported.row), (Outcome::Tls, 11));
    let accepting = found("SSLACCEPTCERTFROMSERV Yes").expect("the option");
    assert_eq!((accepting.decision, accepting.row), (Outcome::Tls, 16));
    assert_eq!(found("SSLACCEPTCERTFROMSERV No"), None);
}

#[test]
fn a_strict_server_can_be_lowered_in_two_ways() {
    let sample = Sample::with_store();
    let server = accepting("TSM1");
    sample.raise(&server);
    let explained = explain(&sample.context, &server, None).expect("an explanation");
    let leads_to = |begin: &str| {
        let mut others = explained.would_change.iter();
        let found = others.find(|other| other.what.starts_with(begin));
        found.map(|other| (other.decision, other.code))
    };
    assert_eq!(
        leads_to("`server lower --allow plain`"),
        Some((Outcome::Plain, Code::ExistingProtocol))
    );
    assert_eq!(
        leads_to("`server lower --allow accept`"),
        Some((Outcome::Tls, Code::AcceptedOnFirstUse))
    );
}

#[test]
fn what_the_leaves_lead_to_is_what_the_ledger_leads_to() {
    for (allow, level, begin) in [
        (
            Allow::Plain,
            Level::new(7, 1, 0, 0),
            "`server lower --allow plain`",
        ),
        (
            Allow::Accept,
            Level::new(8, 1, 2, 0),
            "`server lower --allow accept`",
        ),
    ] {
        let sample = Sample::with_store();
        let server = accepting("TSM1");
        sample.raise(&server);
        let before = explain(&sample.context, &server, None).expect("an explanation");
        let said = before
            .would_change
            .iter()
            .find(|other| other.what.starts_with(begin))
            .expect("the leave");
        sample.lower(&server, allow);
        let after = explain(&sample.context, &server, Some(level)).expect("an explanation");
        let after = after.report;
        assert_eq!(
            (said.decision, said.code, said.row),
            (after.decision, after.code, after.row)
        );
    }
}

#[test]
fn a_server_that_nobody_raised_is_not_lowered() {
    let sample = Sample::with_store();
    let explained = explain(&sample.context, &accepting("TSM1"), None).expect("an explanation");
    let mut others = explained.would_change.iter();
    assert!(!others.any(|other| other.what.contains("lower")));
}

#[test]
fn a_level_below_what_was_claimed_before_is_no_way_to_a_plain_session() {
    let sample = Sample::with_store();
    let server = accepting("TSM1");
    sample.record(&server, |record| Record {
        announced: Some("8.1.2.0".to_owned()),
        ..record
    });
    let explained = explain(&sample.context, &server, None).expect("an explanation");
    let earlier = explained
        .would_change
        .iter()
        .find(|other| other.what.contains("before 8.1.2"))
        .expect("the announcement");
    assert_eq!(earlier.code, Code::LevelFell);
}

#[test]
fn no_option_lets_a_replication_server_be_accepted() {
    let sample = Sample::with_store();
    let server = Server {
        accept: false,
        replication: true,
        ..accepting("TSM2@repl")
    };
    let explained =
        explain(&sample.context, &server, Some(Level::new(8, 1, 2, 0))).expect("an explanation");
    let mut others = explained.would_change.iter();
    assert!(!others.any(|other| other.what.contains("SSLACCEPTCERTFROMSERV")));
}
