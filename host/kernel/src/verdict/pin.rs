//! Whether the presented certificate is one that is held, byte for byte.

use webpki::EndEntityCert;

use crate::certificate::{seconds, version_weakness};
use crate::snapshot::{Position, Trust, trust};
use crate::strength::{key_weakness, signature_weakness};
use crate::verdict::presented::{Chain, Presented};
use crate::verdict::trouble::Trouble;
use crate::verdict::{By, Code, How, Question};
use crate::view::{Part, View};

/// What comes of looking for a pin.
pub(crate) enum Pinned {
    /// One equals the presented certificate and vouches.
    Vouches(By),
    /// None equals it.
    No,
    /// One equals it and does not vouch.
    Trouble(Trouble),
}

/// Looks for a pin that equals the presented certificate.
pub(crate) fn pinned(view: &View, chain: &Chain<'_>, question: &Question<'_>) -> Pinned {
    let presented = &chain.end_entity;
    let mut trouble = None;
    for part in view.parts() {
        for found in matching(view, part, presented, question) {
            match vouches(view, &found, part, presented, question) {
                Ok(()) => return Pinned::Vouches(by(&found, part)),
                Err(why) => {
                    trouble.get_or_insert(why);
                }
            }
        }
    }
    trouble.map_or(Pinned::No, Pinned::Trouble)
}

/// The pins of one store that equal what is presented; the same may be held twice.
fn matching<'v>(
    view: &'v View,
    part: &'v Part,
    presented: &Presented<'_>,
    question: &Question<'_>,
) -> Vec<Position<'v>> {
    let Some(snapshot) = part.source.vouching() else {
        return Vec::new();
    };
    let is_pin = |found: &Position<'_>| view.standing(part, found).pin;
    if !question.checks.pin() {
        return snapshot.positions().filter(is_pin).collect();
    }
    let der = presented.der.as_ref();
    match &presented.outline {
        Ok(outline) => snapshot
            .equals(der, outline.subject)
            .filter(is_pin)
            .collect(),
        // What cannot be read may be held all the same, and is then told apart from a stranger.
        Err(_) => snapshot
            .certificates(&presented.fingerprint)
            .filter(|found| found.item.der == der && is_pin(found))
            .collect(),
    }
}

fn by(found: &Position<'_>, part: &Part) -> By {
    By {
        fingerprint: found.fingerprint,
        store: part.store.clone(),
        plugin: part.plugin.clone(),
        version: part.version.clone(),
        how: How::Pin,
    }
}

/// Whether the store of a pin trusts it at all.
fn trusted(found: &Position<'_>, part: &Part) -> Result<(), Trouble> {
    match trust(found.item) {
        Trust::Anchor { .. } => Ok(()),
        Trust::Distrust => Err(Trouble::distrusted(
            PRESENTED,
            &found.fingerprint,
            &part.store,
        )),
        Trust::Neutral => Err(Trouble::new(
            Code::CertificateMismatch,
            format!(
                "store \"{}\" holds the presented certificate and does not trust it for servers",
                part.store
            ),
            "import it again, or mark it as trusted in that store",
        )),
    }
}

/// Checks everything but the bytes.
fn vouches(
    view: &View,
    found: &Position<'_>,
    part: &Part,
    presented: &Presented<'_>,
    question: &Question<'_>,
) -> Result<(), Trouble> {
    trusted(found, part)?;
    let outline = presented
        .outline
        .as_ref()
        .map_err(|why| Trouble::weak(format!("{PRESENTED} cannot be read: {}", why.0)))?;
    if let Some(weakness) = own_weakness(presented) {
        return Err(weakness);
    }
    if let Some(weakness) = signature_weakness(outline) {
        return Err(Trouble::weak(format!(
            "{PRESENTED} is not acceptable: {weakness}"
        )));
    }
    let validity = outline
        .validity()
        .map_err(|why| Trouble::weak(format!("{PRESENTED} cannot be read: {}", why.0)))?;
    if question.checks.validity()
        && let Some(trouble) = Trouble::of_dates(PRESENTED, validity, seconds(question.at))
    {
        return Err(trouble);
    }
    // What another store limits, this one does not lift.
    for (part, copy) in view.copies(presented.der, outline.subject) {
        if let Trust::Anchor { issued_before } = trust(copy)
            && issued_before != 0
            && validity.0 >= issued_before
        {
            return Err(too_new(PRESENTED, &part.store, issued_before));
        }
    }
    Ok(())
}

/// Why a presented certificate could not be any server's own, whoever vouches for it.
pub(crate) fn own_weakness(presented: &Presented<'_>) -> Option<Trouble> {
    let outline = match &presented.outline {
        Ok(outline) => outline,
        Err(why) => {
            return Some(Trouble::weak(format!(
                "{PRESENTED} cannot be read: {}",
                why.0
            )));
        }
    };
    if outline.version != 3 {
        let why = version_weakness(outline.version);
        return Some(Trouble::weak(format!(
            "{PRESENTED} is not acceptable: {why}"
        )));
    }
    if let Some(why) = key_weakness(outline) {
        return Some(Trouble::weak(format!(
            "{PRESENTED} is not acceptable: {why}"
        )));
    }
    // What webpki cannot read could not sign the handshake either.
    EndEntityCert::try_from(presented.der)
        .err()
        .map(|why| Trouble::weak(format!("{PRESENTED} is not acceptable: {}", reading(&why))))
}

/// A store trusts only what was issued before a time.
pub(crate) fn too_new(which: &str, store: &str, issued_before: i64) -> Trouble {
    Trouble::new(
        Code::Distrusted,
        format!(
            "{which} was issued too late: store \"{store}\" trusts only what was issued before {}",
            crate::certificate::rfc3339(issued_before)
        ),
        "ask the server's administrator for a certificate of another CA",
    )
}

/// Why webpki could not read a certificate, for people.
pub(crate) fn reading(error: &webpki::Error) -> String {
    match error {
        webpki::Error::UnsupportedCriticalExtension => {
            "it has a critical extension that is not known here".to_owned()
        }
        webpki::Error::ExtensionValueInvalid => {
            "it has an extension twice, or one that cannot be read".to_owned()
        }
        other => format!("it cannot be read ({other:?})"),
    }
}

/// How the end entity is called in a sentence.
pub(crate) const PRESENTED: &str = "the presented certificate";
