//! `doctor`: everything that is wrong or soon will be, and what mends it.

mod bundle;
mod case;
mod certificate;
mod client_key;
mod failure;
mod finding;
#[cfg(test)]
mod fixture;
mod grant;
mod ledger;
mod machine;
mod mode;
mod new_file;
mod plugin;
mod registration;
mod server;
mod store;
mod token;

use anchorhold_api as api;

use self::case::Case;
use self::finding::{Findings, Severity};
use self::new_file::NewFile;
use crate::args::Doctor;
use crate::exit::{Exit, Failure};
use crate::home::Home;
use crate::output::Reply;

/// Looks at everything; what cannot be looked at is a finding, and the rest is looked at all the
/// same.
pub(super) fn run(args: &Doctor, home: &Home) -> Result<Reply, Failure> {
    let file = args.bundle.as_deref().map(NewFile::begin).transpose()?;
    let mut findings = Findings::new(home);
    let mut case = Case::open(home, &mut findings);
    look(&mut case, &mut findings);
    let diagnosis = diagnosis(findings, &case, args);
    if let Some(file) = file {
        let bundle = bundle::gather(&case, &diagnosis.findings);
        file.establish(&text(&bundle)?)?;
    }
    let exit = if diagnosis.errors == 0 && diagnosis.warnings == 0 {
        Exit::Done
    } else {
        Exit::No
    };
    Ok(Reply::new(exit, diagnosis))
}

/// Takes every look. Plugins come before their stores, which fail with them, and stores before
/// what is held in them.
fn look(case: &mut Case<'_>, findings: &mut Findings<'_>) {
    mode::look(case, findings);
    machine::look(case, findings);
    if let Err(failure) = plugin::look(case, findings) {
        findings.failed("the plugins", &failure);
    }
    case.answered = store::look(case, findings);
    token::look(case, findings);
    for (about, look) in LOOKS {
        if let Err(failure) = look(case, findings) {
            findings.failed(*about, &failure);
        }
    }
}

fn diagnosis(findings: Findings<'_>, case: &Case<'_>, args: &Doctor) -> api::Diagnosis {
    let count = |severity| findings.count(severity);
    let (errors, warnings, notes) = (
        count(Severity::Error),
        count(Severity::Warning),
        count(Severity::Note),
    );
    let bundle = args.bundle.as_ref();
    api::Diagnosis {
        findings: findings.sorted(),
        errors,
        warnings,
        notes,
        bundle: bundle.map(|path| path.display().to_string()),
        files: bundle::option_files(case),
    }
}

/// A document as the text of a file.
fn text(bundle: &api::Bundle) -> Result<Vec<u8>, Failure> {
    let mut text = serde_json::to_vec_pretty(bundle).map_err(|error| {
        Failure::failed("output-failed", "the file for support cannot be written").because(&error)
    })?;
    text.push(b'\n');
    Ok(text)
}

/// A look that may fail as a whole.
type Look = fn(&Case<'_>, &mut Findings<'_>) -> Result<(), Failure>;

/// The looks that may fail, each with what it is about.
const LOOKS: &[(&str, Look)] = &[
    ("the clock", machine::clock),
    ("the servers", server::look),
    ("the keys of the client", client_key::look),
    ("the ledger", ledger::look),
    ("the certificates", certificate::look),
];
