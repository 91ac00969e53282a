//! Mistakes that somebody made with a chain or an import, told by what was presented and is held.

use crate::certificate::dn;
use crate::outline::Outline;
use crate::snapshot::Position;
use crate::strength::is_signed_by;
use crate::verdict::pin::own_weakness;
use crate::verdict::presented::Chain;
use crate::verdict::trouble::Trouble;
use crate::verdict::{Code, words};
use crate::view::{Part, Standing, View};
use crate::{Fingerprint, ServerName};

/// The mistake behind a refusal, where one can be told; else the refusal itself.
pub(super) fn instead_of(trouble: Trouble, view: &View, chain: &Chain<'_>) -> Trouble {
    out_of_order(&trouble, chain)
        .or_else(|| held_as_anchor(view, chain))
        .or_else(|| issuer_is_pin(&trouble, view, chain))
        .unwrap_or(trouble)
}

/// A CA comes first and an end entity after it.
fn out_of_order(trouble: &Trouble, chain: &Chain<'_>) -> Option<Trouble> {
    let first = chain.end_entity.outline.as_ref().ok()?;
    let mut others = chain
        .others
        .iter()
        .filter_map(|one| one.outline.as_ref().ok());
    let own = others.find(|other| !other.is_ca() && !other.self_issued())?;
    first.is_ca().then(|| {
        Trouble::new(
            trouble.code,
            format!(
                "the first certificate is a CA ({}), and that of a server ({}) comes after it",
                dn(first.subject),
                dn(own.subject)
            ),
            "put the server's own certificate first, then the CAs that lead from it to one that \
             is held",
        )
    })
}

/// The presented certificate is held, as a CA that paths start from.
fn held_as_anchor(view: &View, chain: &Chain<'_>) -> Option<Trouble> {
    let presented = &chain.end_entity;
    // What could not be a pin either is no better off for being imported as one.
    let fit = own_weakness(presented).is_none();
    let ca = presented.outline.as_ref().is_ok_and(Outline::is_ca);
    if !fit || !ca {
        return None;
    }
    let is_anchor = |standing: Standing| standing.anchor && !standing.pin;
    let part = view.parts().iter().find(|part| {
        held(part).into_iter().any(|snapshot| {
            snapshot
                .certificates(&presented.fingerprint)
                .any(|found| is_anchor(view.standing(part, &found)))
        })
    })?;
    let Some(server) = view.server() else {
        return Some(Trouble::new(
            Code::CertificateMismatch,
            "the presented certificate is itself one of the given anchors, and a CA vouches for \
             what it has signed, not for itself as a server",
            "give the server's own certificate first; one that a server signed itself vouches as \
             a pin: import it with --as pin and ask with --server",
        ));
    };
    let trouble = Trouble::new(
        Code::CertificateMismatch,
        format!(
            "store \"{}\" holds the presented certificate ({}) as an anchor, which vouches for \
             what it has signed, not for itself as a server",
            part.store, presented.fingerprint
        ),
        format!(
            "if it is the server's own: {}",
            again(&presented.fingerprint, server, "pin")
        ),
    );
    Some(trouble.of_misfiled(presented.fingerprint))
}

/// A held pin has issued what was presented: it was imported as the wrong kind.
fn issuer_is_pin(trouble: &Trouble, view: &View, chain: &Chain<'_>) -> Option<Trouble> {
    let server = view.server()?;
    if trouble.code != Code::CertificateMismatch {
        return None;
    }
    let (fingerprint, name, store) = chain
        .all()
        .filter_map(|one| one.outline.as_ref().ok())
        // A renewal may have been signed with the key and the name of the old one.
        .filter(|issued| !issued.self_issued())
        .find_map(|issued| view.parts().iter().find_map(|part| pin(view, part, issued)))?;
    let trouble = Trouble::new(
        trouble.code,
        format!(
            "{}; the CA that issued it, {name} ({fingerprint}), is held in store \"{store}\" as a \
             pin, which vouches for itself only",
            trouble.what
        ),
        format!(
            "if it may vouch for the server: {}",
            again(&fingerprint, server, "anchor")
        ),
    );
    Some(trouble.of_misfiled(fingerprint))
}

/// The pin of a store that has issued a certificate.
fn pin<'v>(
    view: &View,
    part: &'v Part,
    issued: &Outline<'_>,
) -> Option<(Fingerprint, String, &'v str)> {
    let is_pin = |found: &Position<'_>| {
        let standing = view.standing(part, found);
        standing.pin && !standing.anchor
    };
    held(part)?
        .by_subject(issued.issuer)
        .filter(is_pin)
        .take(MAX_PINS)
        .find_map(|found| {
            let outline = Outline::read(&found.item.der).ok()?;
            let issuer = outline.is_ca()
                && outline.may_sign_certificates()
                && is_signed_by(issued, &outline);
            issuer.then(|| (found.fingerprint, dn(outline.subject), part.store.as_str()))
        })
}

fn held(part: &Part) -> Option<&crate::snapshot::Snapshot> {
    part.source.vouching().map(|snapshot| &**snapshot)
}

/// The commands that make a held certificate something else.
fn again(fingerprint: &Fingerprint, server: &ServerName, kind: &str) -> String {
    format!(
        "anchorhold remove {fingerprint} --all, then anchorhold import --server {} --as {kind} FILE",
        words::quoted(server.as_str())
    )
}

/// Many servers may have pins of one name; no more signatures than this are verified.
const MAX_PINS: usize = 16;
