//! Whether a held anchor may vouch at all, whatever path there is.

use crate::certificate::{dn, seconds};
use crate::snapshot::{Trust, trust};
use crate::strength::key_weakness;
use crate::verdict::gather::Candidate;
use crate::verdict::trouble::Trouble;
use crate::verdict::{Code, Question};
use crate::view::View;

/// Why a held anchor may not vouch.
pub(super) fn anchor_trouble(
    view: &View,
    candidate: &Candidate<'_>,
    question: &Question<'_>,
) -> Option<Trouble> {
    let outline = &candidate.outline;
    if let Some(store) = view.distrusting(&candidate.fingerprint, Some(outline)) {
        return Some(Trouble::distrusted(
            &called(candidate),
            &candidate.fingerprint,
            store,
        ));
    }
    if trust(candidate.item) == Trust::Neutral {
        let (store, which) = (&candidate.part.store, called(candidate));
        return Some(Trouble::new(
            Code::CertificateMismatch,
            format!("store \"{store}\" does not trust {which} for servers"),
            "import it again as an anchor, or mark it as trusted in that store",
        ));
    }
    if let Some(why) = unfit(candidate, question) {
        return Some(Trouble::weak(format!("{} {why}", called(candidate))));
    }
    match outline.validity() {
        Ok(validity) if question.checks.validity() => {
            Trouble::of_dates(&called(candidate), validity, seconds(question.at))
        }
        Ok(_) => None,
        Err(why) => Some(Trouble::weak(format!(
            "{} cannot be read: {}",
            called(candidate),
            why.0
        ))),
    }
}

/// What of its own extensions and key keeps it from being an anchor for servers.
fn unfit(candidate: &Candidate<'_>, question: &Question<'_>) -> Option<String> {
    let outline = &candidate.outline;
    if outline.version != 3 || !outline.is_ca() || !outline.may_sign_certificates() {
        return Some(
            "is no CA certificate by its own extensions, so nothing can rest on it".to_owned(),
        );
    }
    if question.checks.purpose() && !outline.may_vouch_for_servers() {
        return Some("is not meant for servers by its extended key usage".to_owned());
    }
    key_weakness(outline).map(|why| format!("is not acceptable: {why}"))
}

fn called(candidate: &Candidate<'_>) -> String {
    format!("the held CA {}", dn(candidate.outline.subject))
}
