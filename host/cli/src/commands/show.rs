//! `show`: one certificate, whole.

use anchorhold_api as api;
use anchorhold_formats::pem;
use anchorhold_kernel::{Entry, EntryKind, Fingerprint};

use super::holding::{Holding, exit_of, listed_servers};
use crate::args::Show;
use crate::exit::Failure;
use crate::home::Home;
use crate::output::Reply;

/// Shows a certificate.
pub(super) fn run(args: &Show, home: &Home) -> Result<Reply, Failure> {
    let holding = Holding::look(home, &[])?;
    let fingerprint = holding.find(&args.fingerprint)?;
    let entry = certificate(&holding, &fingerprint)?;
    let facts = entry.facts().map_err(|error| {
        let message = format!("store \"{}\": {fingerprint}", entry.store);
        Failure::failed("certificate-unreadable", message).because(&error)
    })?;
    let held = holding.of(&fingerprint).map(|entry| api::Place {
        store: entry.store.clone(),
        label: entry.label.clone(),
        kind: entry.kind.as_str().to_owned(),
        note: entry.note.clone(),
    });
    let shown = api::Shown {
        sha256: fingerprint.to_string(),
        not_before: facts.not_before_text(),
        not_after: facts.not_after_text(),
        subject: facts.subject,
        issuer: facts.issuer,
        serial: facts.serial,
        version: u32::from(facts.version),
        is_ca: facts.is_ca,
        self_issued: facts.self_issued,
        key: facts.key,
        signature: facts.signature,
        names: facts.names,
        purposes: facts.purposes,
        weaknesses: facts.weaknesses,
        servers: listed_servers(&entry.servers),
        held: held.collect(),
        pem: pem::write(entry.der()),
    };
    Ok(Reply::new(exit_of(&holding.failed), shown))
}

/// The certificate itself, from the first store that holds it.
fn certificate<'a>(holding: &'a Holding, one: &'a Fingerprint) -> Result<&'a Entry, Failure> {
    let unknown = |message| Failure::usage("certificate-unknown", message);
    match holding.of(one).next() {
        Some(entry) if entry.is_certificate() => Ok(entry),
        Some(entry) => Err(unknown(format!(
            "{one} is no certificate, but {} store \"{}\" {}",
            match entry.kind {
                EntryKind::Key => "a private key that",
                _ => "something that",
            },
            entry.store,
            match entry.kind {
                EntryKind::Key => "keeps",
                _ => "distrusts",
            },
        ))
        .remedy("see all that is held: anchorhold list")),
        None => Err(unknown(format!(
            "{one} has a scope, and no store holds the certificate"
        ))
        .remedy(format!(
            "import it again, or take its scope away: anchorhold scope {one} --none"
        ))),
    }
}
