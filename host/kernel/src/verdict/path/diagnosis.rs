//! Why no path was found: the same search with relaxed rules tells what alone was in the way.

use webpki::Error;

use crate::certificate::{dn, seconds};
use crate::strength::key_weakness;
use crate::verdict::pin::{PRESENTED, reading};
use crate::verdict::trouble::Trouble;
use crate::verdict::{Code, Question};

use super::anchor::anchor_trouble;
use super::attempt::{Attempt, Path, Refused, Usage, is_too_involved};
use super::{Anchored, called};

/// Says why the strict attempt failed.
pub(super) fn explain(strict: &Attempt<'_>, question: &Question<'_>, refused: Refused) -> Anchored {
    if is_too_involved(&refused.error) {
        return hopeless(strict, &refused.error);
    }
    let relaxed = Attempt {
        usage: Usage::Any,
        with_conditions: false,
        ..*strict
    };
    let everything: Vec<_> = strict.gathered.anchors.iter().collect();
    match relaxed.run(&everything, &strict.times(question.at)) {
        Ok(path) => Anchored::Trouble(in_the_way(strict, question, &path, refused)),
        Err(still) => hopeless(strict, &still.error),
    }
}

/// A path exists; this was in its way.
fn in_the_way(
    strict: &Attempt<'_>,
    question: &Question<'_>,
    path: &Path<'_>,
    refused: Refused,
) -> Trouble {
    if let Some(trouble) = anchor_trouble(strict.view, path.anchor, question) {
        return trouble;
    }
    if let Some(trouble) = refused.condition {
        return trouble;
    }
    if question.checks.validity()
        && let Some(trouble) = dates(strict, question, path)
    {
        return trouble;
    }
    match refused.error {
        Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => Trouble::weak(
            "a certificate of the presented chain is not meant for servers by its extended key \
             usage",
        ),
        other => Trouble::weak(format!("the path is not acceptable ({other:?})")),
    }
}

/// The first certificate of a path that is out of its dates.
fn dates(strict: &Attempt<'_>, question: &Question<'_>, path: &Path<'_>) -> Option<Trouble> {
    let end_entity = strict
        .chain
        .end_entity
        .outline
        .as_ref()
        .ok()
        .map(|outline| (strict.chain.end_entity.fingerprint, *outline));
    let helpers = strict
        .gathered
        .helpers
        .iter()
        .map(|helper| (helper.fingerprint, helper.outline));
    let all: Vec<_> = end_entity.into_iter().chain(helpers).collect();
    path.fingerprints.iter().find_map(|fingerprint| {
        let (_, outline) = all.iter().find(|(known, _)| known == fingerprint)?;
        let which = called(strict.gathered, fingerprint);
        Trouble::of_dates(&which, outline.validity().ok()?, seconds(question.at))
    })
}

/// No path exists even so.
fn hopeless(strict: &Attempt<'_>, error: &Error) -> Anchored {
    if let Some(detail) = detail(error) {
        return Anchored::No(Some(detail.to_owned()));
    }
    match error {
        Error::UnknownIssuer => Anchored::No(None),
        Error::InvalidSignatureForPublicKey => match weak_key(strict) {
            Some(what) => Anchored::Trouble(Trouble::weak(what)),
            None => Anchored::No(Some(
                "its issuer has the name of a held CA, but another key signed it".to_owned(),
            )),
        },
        Error::NameConstraintViolation => Anchored::Trouble(Trouble::new(
            Code::NameMismatch,
            format!("{PRESENTED} carries names that its CA may not vouch for (name constraints)"),
            "have the certificate issued for names that the CA may vouch for",
        )),
        Error::CertDistrusted => Anchored::Trouble(Trouble::new(
            Code::Distrusted,
            "a CA of the path has a key that is distrusted everywhere".to_owned(),
            "ask the server's administrator for a certificate of another CA",
        )),
        Error::CaUsedAsEndEntity => Anchored::Trouble(Trouble::weak(format!(
            "{PRESENTED} is a CA certificate; as a server's own it counts only if it is itself \
             imported for that server"
        ))),
        Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            Anchored::Trouble(Trouble::weak(unacceptable_signature(strict)))
        }
        other => Anchored::Trouble(Trouble::weak(format!(
            "a certificate of the path is not acceptable: {}",
            reading(other)
        ))),
    }
}

/// What is to be said of chains that nothing held could make good.
fn detail(error: &Error) -> Option<&'static str> {
    match error {
        Error::EndEntityUsedAsCa => {
            Some("a certificate between it and the held CA may not sign certificates")
        }
        Error::CertExpired { .. } | Error::CertNotValidYet { .. } => {
            Some("there is no moment at which every certificate of its path is valid")
        }
        Error::PathLenConstraintViolated => {
            Some("there are more CAs between it and the held CA than the path length allows")
        }
        Error::MaximumPathBuildCallsExceeded
        | Error::MaximumPathDepthExceeded
        | Error::MaximumSignatureChecksExceeded
        | Error::MaximumNameConstraintComparisonsExceeded => {
            Some("the presented chain is more involved than any real one")
        }
        _ => None,
    }
}

fn unacceptable_signature(strict: &Attempt<'_>) -> String {
    let own = strict.chain.end_entity.outline.as_ref().ok();
    let helpers = strict.gathered.helpers.iter().map(|helper| &helper.outline);
    own.into_iter()
        .chain(helpers)
        .find_map(|outline| {
            let why = crate::strength::signature_weakness(outline)?;
            Some(format!("{} is not acceptable: {why}", dn(outline.subject)))
        })
        .unwrap_or_else(|| "a signature of the path does not fit the key of its CA".to_owned())
}

fn weak_key(strict: &Attempt<'_>) -> Option<String> {
    let helpers = strict.gathered.helpers.iter().map(|helper| &helper.outline);
    let anchors = strict.gathered.anchors.iter().map(|anchor| &anchor.outline);
    helpers.chain(anchors).find_map(|outline| {
        let why = key_weakness(outline)?;
        Some(format!(
            "the CA {} is not acceptable: {why}",
            dn(outline.subject)
        ))
    })
}
