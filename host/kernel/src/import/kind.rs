//! What an imported certificate is, and how it and its kind are called in a sentence.

use std::collections::BTreeSet;

use anchorhold_boundary::item::Item;

use crate::import::looks::Looks;
use crate::import::{Certificate, ImportError, Request};
use crate::outline::Outline;
use crate::view::likely_kind;
use crate::{CertificateKind, ScopeTable, Servers};

/// What a certificate is: as the table has it, as the caller says, or by what it looks like.
pub(super) fn kind(
    certificate: &Certificate,
    scope: &ScopeTable,
    request: &Request,
    (looks, place): (&Looks<'_>, usize),
) -> Result<CertificateKind, ImportError> {
    let nobody = Servers::Named(BTreeSet::new());
    let row = scope.row(&certificate.facts.fingerprint);
    // Where it vouches for nobody, nobody depends on what it is.
    let is_free = row.is_some_and(|row| row.servers == nobody);
    let row = row
        .filter(|_| !(is_free && request.kind.is_some()))
        .map(|row| row.kind);
    match (row, request.kind) {
        (Some(fixed), Some(asked)) if fixed != asked => Err(ImportError::input(
            format!(
                "{} is already known as {}, and what a certificate is does not change",
                named(certificate),
                a(fixed)
            ),
            format!(
                "take its scope away first: anchorhold scope {} --none",
                certificate.facts.fingerprint
            ),
        )),
        (Some(fixed), _) => Ok(fixed),
        (None, Some(asked)) => Ok(asked),
        (None, None) => Ok(by_looks(certificate, request, (looks, place))),
    }
}

/// What a certificate looks like: a self-signed one that is for a server is the server's own,
/// unless another of the same import shows that it is a CA.
fn by_looks(
    certificate: &Certificate,
    request: &Request,
    (looks, place): (&Looks<'_>, usize),
) -> CertificateKind {
    let Ok(outline) = Outline::read(&certificate.der) else {
        return CertificateKind::Pin;
    };
    let own = request.servers != Servers::Any
        && looks.self_signed(place)
        && !looks.has_issued_any(&outline);
    if own {
        return CertificateKind::Pin;
    }
    by_extensions(&outline)
}

/// What a certificate is by its own extensions and names alone.
fn by_extensions(outline: &Outline<'_>) -> CertificateKind {
    match (outline.is_ca(), outline.self_issued()) {
        (true, true) => CertificateKind::Anchor,
        (true, false) => CertificateKind::Intermediate,
        (false, _) => CertificateKind::Pin,
    }
}

/// What a certificate that is held already would be if it were scoped without a word.
pub(super) fn unscoped_kind(item: &Item, servers: &Servers) -> CertificateKind {
    match Outline::read(&item.der) {
        Ok(outline) if *servers == Servers::Any => by_extensions(&outline),
        Ok(outline) => likely_kind(item, &outline),
        Err(_) => CertificateKind::Pin,
    }
}

/// A certificate in a sentence.
pub(super) fn named(certificate: &Certificate) -> String {
    format!(
        "the certificate {} ({})",
        certificate.facts.subject, certificate.facts.fingerprint
    )
}

/// A kind in a sentence.
pub(super) fn a(kind: CertificateKind) -> &'static str {
    match kind {
        CertificateKind::Anchor => "an anchor",
        CertificateKind::Intermediate => "an intermediate",
        CertificateKind::Pin => "a pin",
    }
}
