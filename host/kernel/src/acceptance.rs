//! What a server that nothing is held for presents, and whether first use may take it.

use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::EndEntityCert;

use crate::Fingerprint;
use crate::certificate::{dn, fingerprint, rfc3339, seconds, version_weakness};
use crate::outline::Outline;
use crate::strength::{is_signed_by, key_weakness, signature_weakness};

/// What a server presented at first contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presented {
    /// A certificate that somebody else signed; the text says who.
    CaSigned(String),
    /// Exactly one certificate, self-signed, valid now, with acceptable key and algorithms.
    SelfSigned(Fingerprint),
    /// Anything else; the text says what is wrong.
    Unacceptable(String),
}

/// Says what was presented, end entity first.
///
/// Whether something distrusts it, and whether it is the one that is expected, the caller says.
pub fn assess(chain: &[CertificateDer<'_>], at: UnixTime) -> Presented {
    let Some(first) = chain.first() else {
        return Presented::Unacceptable("no certificate was presented".to_owned());
    };
    let outline = match Outline::read(first) {
        Ok(outline) => outline,
        Err(why) => {
            return Presented::Unacceptable(format!("the certificate cannot be read: {}", why.0));
        }
    };
    if !outline.self_issued() {
        return Presented::CaSigned(format!(
            "the certificate {} was issued by {}",
            dn(outline.subject),
            dn(outline.issuer)
        ));
    }
    match fault(chain, first, &outline, at) {
        Some(what) => Presented::Unacceptable(what),
        None => Presented::SelfSigned(fingerprint(first)),
    }
}

fn fault(
    chain: &[CertificateDer<'_>],
    first: &CertificateDer<'_>,
    outline: &Outline<'_>,
    at: UnixTime,
) -> Option<String> {
    if chain.len() > 1 {
        return Some(format!(
            "{} certificates were presented instead of one",
            chain.len()
        ));
    }
    if outline.version != 3 {
        return Some(version_weakness(outline.version));
    }
    if let Some(weakness) = key_weakness(outline).or_else(|| signature_weakness(outline)) {
        return Some(format!("the certificate is not acceptable: {weakness}"));
    }
    if !is_signed_by(outline, outline) {
        return Some(
            "the certificate names itself as its issuer, but was not signed with its own key"
                .to_owned(),
        );
    }
    if let Err(why) = EndEntityCert::try_from(first) {
        return Some(format!("the certificate is not acceptable: {why:?}"));
    }
    match outline.validity() {
        Ok(validity) => date_fault(validity, seconds(at)),
        Err(why) => Some(format!("the certificate cannot be read: {}", why.0)),
    }
}

fn date_fault((not_before, not_after): (i64, i64), at: i64) -> Option<String> {
    let now = rfc3339(at);
    if at < not_before {
        let from = rfc3339(not_before);
        return Some(format!(
            "the certificate is not valid before {from}, and the clock of this machine says {now}"
        ));
    }
    (at > not_after).then(|| {
        let end = rfc3339(not_after);
        format!("the certificate has expired: it was valid until {end}, and it is {now}")
    })
}

#[cfg(test)]
mod tests;
