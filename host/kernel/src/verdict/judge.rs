//! The order in which a chain is judged: distrust, pin, path, and what a missing store means.

use rustls_pki_types::CertificateDer;

use crate::Fingerprint;
use crate::verdict::mistake;
use crate::verdict::path::{Anchored, anchored};
use crate::verdict::pin::{Pinned, pinned};
use crate::verdict::presented::{Chain, MAX_PRESENTED};
use crate::verdict::trouble::Trouble;
use crate::verdict::words;
use crate::verdict::{By, Code, How, Question, Verdict};
use crate::view::View;

/// Judges a chain, end entity first.
pub(crate) fn judge(
    view: &View,
    presented: &[CertificateDer<'_>],
    question: &Question<'_>,
) -> Verdict {
    let Some(chain) = Chain::read(presented) else {
        return refuse(view, Vec::new(), &unreadable(presented.len()));
    };
    if let Some(trouble) = distrusted(view, &chain) {
        return refuse(view, chain.fingerprints(), &trouble);
    }
    let trouble = match pinned(view, &chain, question) {
        Pinned::Vouches(by) => {
            let path = vec![chain.end_entity.fingerprint];
            return trust(view, &chain, by, path, question);
        }
        Pinned::Trouble(trouble) => Some(trouble),
        Pinned::No => None,
    };
    let trouble = match (anchored(view, &chain, question), trouble) {
        (Anchored::Vouches(by, path), _) => return trust(view, &chain, by, path, question),
        // What is wrong with the very certificate that is held says more than any path.
        (_, Some(trouble)) => trouble,
        (Anchored::Trouble(trouble), None) => mistake::instead_of(trouble, view, &chain),
        (Anchored::No(detail), None) => {
            let trouble = words::nothing_vouches(view, &chain, detail.as_deref());
            mistake::instead_of(trouble, view, &chain)
        }
    };
    let trouble = missing_store(view, &trouble).unwrap_or(trouble);
    refuse(view, chain.fingerprints(), &trouble)
}

fn trust(
    view: &View,
    chain: &Chain<'_>,
    by: By,
    path: Vec<Fingerprint>,
    question: &Question<'_>,
) -> Verdict {
    let message = match by.how {
        How::Pin => words::by_pin(view, &by),
        How::Anchor => words::by_anchor(view, &by, question.name),
    };
    if let Some(part) = view.parts().iter().find(|part| part.is_missed()) {
        let trouble = words::store_missed(part, Some(&message));
        return refuse(view, chain.fingerprints(), &trouble);
    }
    Verdict {
        trusted: true,
        code: Code::Trusted,
        by: Some(by),
        chain: path,
        message,
        remedy: None,
        warnings: words::warnings(view),
        held: view.held_by_name().clone(),
        misfiled: None,
    }
}

fn refuse(view: &View, chain: Vec<Fingerprint>, trouble: &Trouble) -> Verdict {
    Verdict {
        trusted: false,
        code: trouble.code,
        by: None,
        chain,
        message: words::sentence(&trouble.what),
        remedy: Some(words::sentence(&trouble.remedy)),
        warnings: words::warnings(view),
        held: view.held_by_name().clone(),
        misfiled: trouble.misfiled.as_deref().copied(),
    }
}

/// What a store distrusts is refused wherever in the chain it appears.
fn distrusted(view: &View, chain: &Chain<'_>) -> Option<Trouble> {
    chain.all().enumerate().find_map(|(position, presented)| {
        let store = view.distrusting(&presented.fingerprint, presented.outline.as_ref().ok())?;
        let which = match position {
            0 => "the presented certificate",
            _ => "a certificate of the presented chain",
        };
        Some(Trouble::distrusted(which, &presented.fingerprint, store))
    })
}

/// A store that did not answer might hold what is needed: then nobody can say no for certain.
fn missing_store(view: &View, trouble: &Trouble) -> Option<Trouble> {
    if trouble.code == Code::Distrusted {
        return None;
    }
    let missed = view.parts().iter().find(|part| part.is_missed());
    let silent = || {
        let needed = trouble.code == Code::CertificateNeeded;
        view.parts()
            .iter()
            .find(|part| needed && part.source.silence().is_some())
    };
    missed
        .or_else(silent)
        .map(|part| words::store_missed(part, Some(&trouble.what)))
}

fn unreadable(count: usize) -> Trouble {
    if count == 0 {
        Trouble::weak("no certificate was presented")
    } else {
        Trouble::weak(format!(
            "{count} certificates were presented; at most {MAX_PRESENTED} are looked at"
        ))
    }
}
