//! What an imported certificate is, and how it and its kind are called in a sentence.

use anchorhold_boundary::item::Item;

use crate::certificate::looks_self_signed;
use crate::import::{Certificate, ImportError, Request};
use crate::outline::Outline;
use crate::strength::is_signed_by;
use crate::view::likely_kind;
use crate::{CertificateKind, ScopeTable, Servers};

/// What a certificate is: as the table has it, as the caller says, or by what it looks like.
pub(super) fn kind(
    certificate: &Certificate,
    scope: &ScopeTable,
    request: &Request,
) -> Result<CertificateKind, ImportError> {
    let row = scope
        .row(&certificate.facts.fingerprint)
        .map(|row| row.kind);
    match (row, request.kind) {
        (Some(fixed), Some(asked)) if fixed != asked => Err(ImportError::input(
            format!(
                "{} is already known as {}, and what a certificate is does not change",
                named(certificate),
                a(fixed)
            ),
            format!(
                "remove it first: anchorhold remove {} --all",
                certificate.facts.fingerprint
            ),
        )),
        (Some(fixed), _) => Ok(fixed),
        (None, Some(asked)) => Ok(asked),
        (None, None) => Ok(by_looks(certificate, request)),
    }
}

/// What a certificate looks like: a self-signed one that is for a server is the server's own,
/// unless another of the same import shows that it is a CA.
fn by_looks(certificate: &Certificate, request: &Request) -> CertificateKind {
    let Ok(outline) = Outline::read(&certificate.der) else {
        return CertificateKind::Pin;
    };
    let own = request.servers != Servers::Any
        && looks_self_signed(&outline)
        && !has_issued_any(&outline, &request.certificates);
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

/// Whether a CA certificate has issued another of these that is not its own renewal: one that
/// signs itself may have been made with the same key and name.
fn has_issued_any(issuer: &Outline<'_>, certificates: &[Certificate]) -> bool {
    issuer.is_ca()
        && certificates
            .iter()
            .filter_map(|other| Outline::read(&other.der).ok())
            .filter(|other| other.issuer == issuer.subject && !looks_self_signed(other))
            .any(|other| is_signed_by(&other, issuer))
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
