//! A sign-on's report as the document that programs read.

use anchorhold_api as api;
use anchorhold_kernel::import;
use anchorhold_session::code::Code;
use anchorhold_session::decision::Security;
use anchorhold_session::options::Effective;
use anchorhold_session::report::{Authentication, Protection, Report, Shown, Used, Warning};

use crate::exit::Failure;
use crate::home::Home;

/// The document of a report.
pub(super) fn document(report: &Report, home: &Home) -> Result<api::Session, Failure> {
    let (remedy, remedy_note) = remedy(report, home);
    let text = |protection: Protection| protection.as_str().to_owned();
    Ok(api::Session {
        server: report.server.to_string(),
        decision: report.decision.as_str().to_owned(),
        code: report.code.as_str().to_owned(),
        row: report.row,
        level: api::Level {
            value: report.level.map(|level| level.to_string()),
            evidence: report.evidence.as_str().to_owned(),
        },
        session_security: security(report.session_security).to_owned(),
        tls_version: report.tls_version.map(ToOwned::to_owned),
        key_exchange: report.key_exchange.clone(),
        authentication: report
            .authentication
            .map(|one| authentication(one).to_owned()),
        object_data: report.object_data.map(text),
        object_data_reason: report.object_data_reason.map(ToOwned::to_owned),
        metadata: report.metadata.map(text),
        options: report.options.iter().map(option).collect(),
        certificate: report.certificate.as_ref().map(used),
        client_certificate: report.client_certificate.as_ref().map(shown),
        presented: report.presented.iter().map(ToString::to_string).collect(),
        warnings: warnings(report)
            .into_iter()
            .chain(proposed(report, home)?)
            .collect(),
        message: report.message.clone(),
        remedy,
        remedy_note,
        files: home
            .servers()?
            .files
            .iter()
            .map(|file| file.display().to_string())
            .collect(),
    })
}

fn security(security: Security) -> &'static str {
    match security {
        Security::Strict => "strict",
        Security::Transitional => "transitional",
    }
}

fn authentication(authentication: Authentication) -> &'static str {
    match authentication {
        Authentication::Existing => "existing",
        Authentication::Tls => "tls",
    }
}

fn used(used: &Used) -> api::Used {
    api::Used {
        sha256: used.fingerprint.to_string(),
        store: used.store.clone(),
        how: used.how.as_str().to_owned(),
    }
}

fn shown(shown: &Shown) -> api::OwnCertificate {
    api::OwnCertificate {
        sha256: shown.fingerprint.to_string(),
        store: shown.store.clone(),
        label: shown.label.clone(),
    }
}

fn option(option: &Effective) -> api::SetOption {
    api::SetOption {
        name: option.name.to_owned(),
        value: option.value.clone(),
        from: option.from.clone(),
    }
}

fn warnings(report: &Report) -> Vec<api::Warning> {
    let warning = |warning: &Warning| api::Warning {
        code: warning.code.to_owned(),
        message: warning.text.clone(),
    };
    report.warnings.iter().map(warning).collect()
}

/// What its stores hold already and call its own, where it lacks a certificate: an adopted database
/// holds it before anybody has agreed.
fn proposed(report: &Report, home: &Home) -> Result<Vec<api::Warning>, Failure> {
    if report.code != Code::CertificateNeeded {
        return Ok(Vec::new());
    }
    let server = home.servers()?.find(report.server.as_str())?;
    let stores = home.stores_of(server)?;
    let proposals = import::propose(home.kernel()?, &stores, &home.state()?.scope()?);
    let of_server = proposals
        .into_iter()
        .filter(|one| one.server == report.server);
    let warning = |one: import::Proposal| {
        let fingerprint = one.fingerprint.to_string();
        let words = ["scope", &fingerprint, "--server", report.server.as_str()];
        api::Warning {
            code: "certificate-unscoped".to_owned(),
            message: format!(
                "store \"{}\" holds a certificate that it calls \"{}\", and nobody has said yet \
                 that it vouches; if it is the server's: {}",
                one.store,
                one.label,
                home.invocation.command(&words)
            ),
        }
    };
    Ok(of_server.map(warning).collect())
}

/// A command line where one helps, and what it takes; else words.
fn remedy(report: &Report, home: &Home) -> (Option<String>, Option<String>) {
    match &report.remedy {
        None => (None, None),
        Some(remedy) if remedy.command.is_empty() => (Some(remedy.note.clone()), None),
        Some(remedy) => {
            let note = Some(remedy.note.clone()).filter(|note| !note.is_empty());
            (Some(home.invocation.command(&remedy.command)), note)
        }
    }
}
