//! A sign-on as it is observed: what the program reports, and what the tap saw of it.

use super::wire::sent;
use crate::program::{Markers, Seen};
use crate::story::{EXISTING, Field, INSIDE_TLS, Observed};
use crate::tap::Recording;
use anchorhold_session::decision::Security;
use anchorhold_session::report::{Authentication, Protection, Report};
use std::io;

/// What became of the markers of a session.
pub(super) struct Errand {
    pub(super) markers: Markers,
    pub(super) delivered: io::Result<()>,
}

/// Takes down what a sign-on came to.
pub(super) fn observe(
    observed: &mut Observed,
    report: &Report,
    errand: Option<&Errand>,
    wire: &[Recording],
) {
    observed.set(Field::Outcome, report.decision.as_str());
    observed.set(Field::Code, report.code.as_str());
    observed.set(Field::Row, report.row.to_string());
    observed.set(Field::Wire, sent(wire));
    observed.set(Field::Security, security(report.session_security));
    if let Some(version) = report.tls_version {
        observed.set(Field::Tls, version);
    }
    if let Some(authentication) = report.authentication {
        let who = match authentication {
            Authentication::Existing => EXISTING,
            Authentication::Tls => INSIDE_TLS,
        };
        observed.set(Field::Authentication, who);
    }
    for warning in &report.warnings {
        observed.set(Field::Warning(warning.code), crate::story::YES);
    }
    let metadata = travelled(errand, wire, Markers::metadata, report.metadata);
    let object = travelled(errand, wire, Markers::object, report.object_data);
    observed.set(Field::Metadata, metadata);
    observed.set(Field::Object, object);
    observed.said = said(report);
}

pub(super) fn security(security: Security) -> &'static str {
    match security {
        Security::Strict => "strict",
        Security::Transitional => "transitional",
    }
}

/// What the tap saw, where the report says the same; both, where it does not.
fn travelled(
    errand: Option<&Errand>,
    wire: &[Recording],
    seen: fn(&Markers, &[Recording]) -> Seen,
    reported: Option<Protection>,
) -> String {
    let reported = reported.map(Protection::as_str);
    let Some(errand) = errand else {
        return match reported {
            None => NOT_SENT.to_owned(),
            Some(reported) => format!("{NOT_SENT}, reported as {reported}"),
        };
    };
    if let Err(error) = &errand.delivered {
        return format!("not delivered: {error}");
    }
    if wire.iter().all(|one| one.to_server.is_empty()) {
        // What did not pass the tap cannot be told to be encrypted.
        return "delivered past the tap".to_owned();
    }
    let seen = seen(&errand.markers, wire).as_str();
    match reported {
        Some(reported) if reported == seen => seen.to_owned(),
        _ => format!("{seen}, reported as {}", reported.unwrap_or("nothing")),
    }
}

fn said(report: &Report) -> String {
    let warnings = report.warnings.iter().map(|warning| warning.text.as_str());
    let lines = [report.message.as_str()].into_iter().chain(warnings);
    lines.collect::<Vec<_>>().join("; ")
}

pub(super) const NOT_SENT: &str = "not sent";
