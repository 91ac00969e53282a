//! Path validation over the few anchors that can be issuers.

mod anchor;
mod attempt;
mod diagnosis;

use webpki::EndEntityCert;

use crate::Fingerprint;
use crate::certificate::dn;
use crate::verdict::gather::{Candidate, Gathered, gather};
use crate::verdict::name::name_trouble;
use crate::verdict::pin::{own_weakness, reading};
use crate::verdict::presented::Chain;
use crate::verdict::trouble::Trouble;
use crate::verdict::{By, How, Question};
use crate::view::View;

use anchor::anchor_trouble;
use attempt::{Attempt, Path, Usage};

/// What comes of looking for a path.
pub(crate) enum Anchored {
    /// Nothing that is held could vouch; perhaps a word about why.
    No(Option<String>),
    /// Something that is held would vouch, but for this.
    Trouble(Trouble),
    /// A path leads to an anchor: by what, and the path from the end entity up.
    Vouches(By, Vec<Fingerprint>),
}

/// Looks for a path from the presented certificate to an anchor of the view.
pub(crate) fn anchored(view: &View, chain: &Chain<'_>, question: &Question<'_>) -> Anchored {
    if let Some(weakness) = own_weakness(&chain.end_entity) {
        return Anchored::Trouble(weakness);
    }
    let end_entity = match EndEntityCert::try_from(chain.end_entity.der) {
        Ok(end_entity) => end_entity,
        Err(why) => return Anchored::Trouble(Trouble::weak(reading(&why))),
    };
    let gathered = gather(view, chain);
    if gathered.anchors.is_empty() {
        return Anchored::No(None);
    }
    let fit: Vec<&Candidate<'_>> = gathered
        .anchors
        .iter()
        .filter(|candidate| anchor_trouble(view, candidate, question).is_none())
        .collect();
    let attempt = Attempt {
        view,
        chain,
        end_entity: &end_entity,
        gathered: &gathered,
        usage: if question.checks.purpose() {
            Usage::Server
        } else {
            Usage::Any
        },
        with_conditions: true,
    };
    let times = if question.checks.validity() {
        vec![question.at]
    } else {
        attempt.times(question.at)
    };
    match attempt.run(&fit, &times) {
        Ok(path) => vouched(&end_entity, question, &path),
        Err(refused) => diagnosis::explain(&attempt, question, refused),
    }
}

/// A path was found: what is left is the name.
fn vouched(end_entity: &EndEntityCert<'_>, question: &Question<'_>, path: &Path<'_>) -> Anchored {
    if question.checks.name()
        && let Some(trouble) = name_trouble(end_entity, question.name)
    {
        return Anchored::Trouble(trouble);
    }
    let by = By {
        fingerprint: path.anchor.fingerprint,
        store: path.anchor.part.store.clone(),
        plugin: path.anchor.part.plugin.clone(),
        version: path.anchor.part.version.clone(),
        how: How::Anchor,
    };
    Anchored::Vouches(by, path.fingerprints.clone())
}

/// How a certificate of a path is called in a sentence.
fn called(gathered: &Gathered<'_>, fingerprint: &Fingerprint) -> String {
    gathered
        .helpers
        .iter()
        .find(|helper| helper.fingerprint == *fingerprint)
        .map_or_else(
            || crate::verdict::pin::PRESENTED.to_owned(),
            |helper| format!("the intermediate CA {}", dn(helper.outline.subject)),
        )
}
