//! What an imported certificate is, and whether it may be that.

use rustls_pki_types::CertificateDer;
use webpki::{EndEntityCert, anchor_from_trusted_cert};

use crate::certificate::{looks_self_signed, version_weakness};
use crate::import::{Certificate, ImportError, Request};
use crate::outline::Outline;
use crate::strength::{key_weakness, signature_weakness};
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
                "{} is already in scope as {}, and what a certificate is does not change",
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

/// What a certificate looks like: of the one in a file a self-signed one is the server's own.
fn by_looks(certificate: &Certificate, request: &Request) -> CertificateKind {
    let facts = &certificate.facts;
    let alone = request.certificates.len() == 1 && request.servers != Servers::Any;
    if alone && looks_self_signed(&certificate.der) {
        return CertificateKind::Pin;
    }
    match (facts.is_ca, facts.self_issued) {
        (true, true) => CertificateKind::Anchor,
        (true, false) => CertificateKind::Intermediate,
        (false, _) => CertificateKind::Pin,
    }
}

/// Refuses what could never vouch or help as what it is to be; returns what is odd.
pub(super) fn check(
    certificate: &Certificate,
    kind: CertificateKind,
    servers: &Servers,
) -> Result<Vec<String>, ImportError> {
    if kind == CertificateKind::Pin && *servers == Servers::Any {
        return Err(ImportError::input(
            format!(
                "{} is a pin, and only a CA can vouch for any server",
                named(certificate)
            ),
            "name the servers that it is for with --server",
        ));
    }
    match Outline::read(&certificate.der) {
        Err(why) => Err(refusal(
            certificate,
            kind,
            &format!("it cannot be read: {}", why.0),
        )),
        Ok(outline) => match unfit(&certificate.der, &outline, kind) {
            Some(why) => Err(refusal(certificate, kind, &why)),
            None => Ok(oddities(certificate, &outline)),
        },
    }
}

/// Why a certificate could never vouch or help as a kind.
fn unfit(der: &[u8], outline: &Outline<'_>, kind: CertificateKind) -> Option<String> {
    if outline.version != 3 {
        return Some(version_weakness(outline.version));
    }
    if kind != CertificateKind::Pin && !(outline.is_ca() && outline.may_sign_certificates()) {
        return Some("it is no CA certificate by its own extensions".to_owned());
    }
    let signature = match kind {
        // Nothing rests on the signature of an anchor.
        CertificateKind::Anchor => None,
        _ => signature_weakness(outline),
    };
    key_weakness(outline)
        .or(signature)
        .or_else(|| unreadable_to_webpki(der, kind))
}

/// What is odd about a certificate that is taken all the same.
fn oddities(certificate: &Certificate, outline: &Outline<'_>) -> Vec<String> {
    let name = named(certificate);
    let signature = signature_weakness(outline).map(|weakness| {
        format!("{name}: {weakness}; nothing rests on the signature of an anchor, so it is taken")
    });
    let foreign = outline.self_issued() && !looks_self_signed(&certificate.der);
    let foreign = foreign
        .then(|| format!("{name} names itself as its issuer, but was not signed with its own key"));
    signature.into_iter().chain(foreign).collect()
}

fn unreadable_to_webpki(der: &[u8], kind: CertificateKind) -> Option<String> {
    let der = CertificateDer::from(der);
    let error = match kind {
        CertificateKind::Anchor => anchor_from_trusted_cert(&der).err(),
        _ => EndEntityCert::try_from(&der).err(),
    }?;
    Some(match error {
        webpki::Error::UnsupportedCriticalExtension => {
            "it has a critical extension that is not known here".to_owned()
        }
        other => format!("it cannot be read ({other:?})"),
    })
}

fn refusal(certificate: &Certificate, kind: CertificateKind, why: &str) -> ImportError {
    let remedy = match kind {
        CertificateKind::Pin => {
            "have the server use a certificate that is X.509 v3 with an RSA key of at least 2048 \
             bits or an EC key, signed with SHA-256 or better; on servers older than 8.1.4 switch \
             the default to cert256.arm"
        }
        CertificateKind::Anchor | CertificateKind::Intermediate => {
            "import the certificate of the CA itself; a server's own certificate goes in with \
             --as pin"
        }
    };
    ImportError::input(
        format!(
            "{} cannot be imported as {}: {why}",
            named(certificate),
            a(kind)
        ),
        remedy,
    )
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
