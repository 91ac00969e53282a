//! Whether a certificate may be what it is to be, and what is odd about one that may.

use rustls_pki_types::CertificateDer;
use webpki::{EndEntityCert, anchor_from_trusted_cert};

use crate::certificate::{common_name, version_weakness};
use crate::import::kind::{a, named};
use crate::import::{Certificate, ImportError};
use crate::outline::Outline;
use crate::strength::{key_weakness, signature_weakness};
use crate::{CertificateKind, Servers};

/// Why a certificate could never vouch or help.
enum Unfit {
    /// As this kind it could not; as another it might.
    NotThis(String),
    /// As no kind: its key, its signature or its form is not acceptable.
    Weak(String),
}

/// Refuses what could never vouch or help as what it is to be; returns what is odd. Whether it
/// signed itself the caller knows.
pub(super) fn check(
    certificate: &Certificate,
    kind: CertificateKind,
    servers: &Servers,
    self_signed: bool,
) -> Result<Vec<String>, ImportError> {
    let outline = Outline::read(&certificate.der).map_err(|why| {
        let why = Unfit::Weak(format!("it cannot be read: {}", why.0));
        refusal(certificate, kind, &why)
    })?;
    let unfit = weakness(&certificate.der, &outline, kind);
    if unfit.is_none() && kind == CertificateKind::Pin && *servers == Servers::Any {
        return Err(ImportError::input(
            format!(
                "{} is a pin, and only a CA can vouch for any server",
                named(certificate)
            ),
            "name the servers that it is for with --server",
        ));
    }
    match unfit.or_else(|| not_this(&outline, kind)) {
        Some(why) => Err(refusal(certificate, kind, &why)),
        None => Ok(oddities(certificate, &outline, self_signed)),
    }
}

fn weakness(der: &[u8], outline: &Outline<'_>, kind: CertificateKind) -> Option<Unfit> {
    if outline.version != 3 {
        return Some(Unfit::Weak(version_weakness(outline.version)));
    }
    let signature = match kind {
        // Nothing rests on the signature of an anchor.
        CertificateKind::Anchor => None,
        _ => signature_weakness(outline),
    };
    key_weakness(outline)
        .or(signature)
        .or_else(|| unreadable_to_webpki(der, kind))
        .map(Unfit::Weak)
}

fn not_this(outline: &Outline<'_>, kind: CertificateKind) -> Option<Unfit> {
    let ca = outline.is_ca() && outline.may_sign_certificates();
    (kind != CertificateKind::Pin && !ca)
        .then(|| Unfit::NotThis("it is no CA certificate by its own extensions".to_owned()))
}

/// What is odd about a certificate that is taken all the same.
fn oddities(certificate: &Certificate, outline: &Outline<'_>, self_signed: bool) -> Vec<String> {
    let signature = signature_weakness(outline).map(|weakness| {
        format!(
            "{}: {weakness}; nothing rests on the signature of an anchor, so it is taken",
            named(certificate)
        )
    });
    let foreign = (outline.self_issued() && !self_signed).then(|| {
        format!(
            "{} names itself as its issuer, but was not signed with its own key",
            named(certificate)
        )
    });
    signature.into_iter().chain(foreign).collect()
}

/// Whether it is, by its name, one that a server of the vendor made for itself.
pub(crate) fn is_stock(outline: &Outline<'_>) -> bool {
    common_name(outline.subject).as_deref() == Some(STOCK)
}

/// What is to be said of a CA certificate that becomes a pin without anybody having asked for it.
pub(super) fn perhaps_a_root(certificate: &Certificate, dry_run: bool) -> Option<String> {
    let outline = Outline::read(&certificate.der).ok()?;
    // Tools that make a server's certificate call it a CA as well, and say no more about it.
    let signs = outline.states_that_it_signs()
        || outline.may_sign_certificates() && !outline.has_alternative_names();
    if !outline.is_ca() || !signs || is_stock(&outline) {
        return None;
    }
    let remedy = match dry_run {
        true => "import it with --as anchor".to_owned(),
        false => format!(
            "take its scope away (anchorhold scope {one} --none) and name its servers again \
             (anchorhold scope {one} --server NAME --as anchor)",
            one = certificate.facts.fingerprint
        ),
    };
    Some(format!(
        "{} may sign others and is held as a pin, which vouches for itself and for nothing that \
         it signs; if it is the root of a CA: {remedy}",
        named(certificate)
    ))
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

fn refusal(certificate: &Certificate, kind: CertificateKind, why: &Unfit) -> ImportError {
    let name = named(certificate);
    match (why, kind) {
        (Unfit::NotThis(why), _) => ImportError::input(
            format!("{name} cannot be imported as {}: {why}", a(kind)),
            "import the certificate of the CA itself; a server's own certificate goes in with \
             --as pin",
        ),
        (Unfit::Weak(why), CertificateKind::Pin) => ImportError::input(
            format!("{name} is not acceptable: {why}"),
            "have the server use a certificate that is X.509 v3 with an RSA key of at least 2048 \
             bits or an EC key, signed with SHA-256 or better; on servers older than 8.1.4 switch \
             the default to cert256.arm",
        ),
        (Unfit::Weak(why), CertificateKind::Anchor | CertificateKind::Intermediate) => {
            ImportError::input(
                format!("{name} is not acceptable: {why}"),
                "ask whoever runs the CA for a certificate of it that is X.509 v3 with an RSA key \
                 of at least 2048 bits or an EC key, signed with SHA-256 or better",
            )
        }
    }
}

/// The common name of the certificate that every server of the vendor makes for itself.
const STOCK: &str = "TSM Self-Signed Certificate";
