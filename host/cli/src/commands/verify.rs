//! `verify`: a verdict without a connection.

use std::path::Path;

use anchorhold_api as api;
use anchorhold_kernel::certificate::moment;
use anchorhold_kernel::{Checks, Code, NameCheck, Question, Verdict, View};
use rustls_pki_types::CertificateDer;
use time::OffsetDateTime;

use super::source;
use crate::args::{Profile, Verify};
use crate::exit::{Exit, Failure};
use crate::home::Home;
use crate::input;
use crate::output::{Reply, say};

/// Judges a chain.
pub(super) fn run(args: &Verify, home: &Home) -> Result<Reply, Failure> {
    if !args.crl.is_empty() {
        return Err(Failure::not_yet("--crl"));
    }
    if args.profile == Some(Profile::Strict) {
        return Err(Failure::not_yet("--profile strict"));
    }
    let chain: Vec<CertificateDer<'static>> = certificates(&args.chain)?
        .into_iter()
        .map(CertificateDer::from)
        .collect();
    let verdict = match (&args.server, &args.anchors) {
        (Some(name), _) => for_server(name, &chain, home)?,
        (None, Some(anchors)) => by_file(args, anchors, &chain, home)?,
        (None, None) => return Err(Failure::usage("usage", "--server or --anchors is needed")),
    };
    let exit = match verdict.code {
        _ if verdict.trusted => Exit::Done,
        Code::StoreUnavailable => Exit::Failed,
        _ => Exit::No,
    };
    Ok(Reply::new(exit, document(&verdict, home)))
}

/// Scope, name and policy of the server apply; its record in the ledger does not.
fn for_server(
    name: &str,
    chain: &[CertificateDer<'static>],
    home: &Home,
) -> Result<Verdict, Failure> {
    let server = home.servers()?.find(name)?;
    let stores = home.stores_of(server)?;
    let scope = home.scope_of(&server.name, &stores)?;
    let view = home.kernel()?.view(&server.name, &stores, scope);
    let name = server.name_check();
    Ok(view.judge(chain, &question(&name, home.now())))
}

fn by_file(
    args: &Verify,
    anchors: &Path,
    chain: &[CertificateDer<'static>],
    home: &Home,
) -> Result<Verdict, Failure> {
    let intermediates = args
        .intermediates
        .as_deref()
        .map(certificates)
        .transpose()?;
    let view = View::of_certificates(
        &input::shown(anchors),
        certificates(anchors)?,
        intermediates.unwrap_or_default(),
    );
    let name = match &args.name {
        Some(name) => NameCheck::Name(name.clone()),
        None => NameCheck::Off,
    };
    Ok(view.judge(
        chain,
        &question(&name, args.at.unwrap_or_else(|| home.now())),
    ))
}

fn question(name: &NameCheck, at: OffsetDateTime) -> Question<'_> {
    Question {
        name,
        at: moment(at.unix_timestamp()),
        checks: Checks::all(),
    }
}

/// The certificates of a file, in its order.
fn certificates(path: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    let found = source::take(path, None).map_err(|failure| unreadable(path, failure))?;
    found.notes.iter().for_each(|note| say("note", note));
    let warnings = found.warnings.iter();
    warnings.for_each(|warning| say("warning", warning));
    let certificates = found.certificates.into_iter();
    Ok(certificates.map(|certificate| certificate.der).collect())
}

/// Why a file is no chain: nothing is imported here, so nothing is said of importing.
fn unreadable(path: &Path, failure: Failure) -> Failure {
    if failure.code == "input-unreadable" {
        return failure;
    }
    let name = input::shown(path);
    let text = failure.message.strip_prefix(&format!("{name}: "));
    let text = text.unwrap_or(&failure.message);
    let why = text
        .split_once(": ")
        .filter(|(before, _)| before.starts_with("the file") && before.ends_with("cannot be used"));
    let why = why.map_or(text, |(_, why)| why);
    let message = format!("{name}: cannot be read as a certificate chain: {why}");
    let remedy = "give certificates alone, in PEM or DER, the server's own first";
    Failure { message, ..failure }.remedy(remedy)
}

fn document(verdict: &Verdict, home: &Home) -> api::Verdict {
    api::Verdict {
        trusted: verdict.trusted,
        code: verdict.code.as_str().to_owned(),
        by: verdict.by.as_ref().map(|by| api::By {
            sha256: by.fingerprint.to_string(),
            store: by.store.clone(),
            plugin: by.plugin.clone(),
            version: by.version.clone(),
            how: by.how.as_str().to_owned(),
        }),
        chain: verdict.chain.iter().map(ToString::to_string).collect(),
        message: verdict.message.clone(),
        remedy: verdict
            .remedy
            .as_deref()
            .map(|remedy| home.invocation.localize(remedy)),
        warnings: verdict.warnings.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_chain_is_told_without_a_word_of_importing() {
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("x.pem");
        for bytes in [
            "",
            "hello",
            key,
            "PK\u{3}\u{4}",
            "\u{30}\u{7}\u{2}\u{1}\u{3}\u{30}",
        ] {
            std::fs::write(&path, bytes).expect("written");
            let failure = certificates(&path).expect_err("refused");
            let text = format!(
                "{failure} {}",
                failure.remedy.as_deref().unwrap_or_default()
            );
            assert!(
                text.contains("x.pem: cannot be read as a certificate chain: "),
                "{text}"
            );
            assert!(!text.contains("import"), "{text}");
            assert!(!text.contains("cannot be used"), "{text}");
        }
    }
}
