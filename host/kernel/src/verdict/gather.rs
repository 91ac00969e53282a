//! The certificates that a path could be made of: only those whose subject is an issuer's name.

use anchorhold_boundary::item::Item;
use rustls_pki_types::CertificateDer;

use crate::Fingerprint;
use crate::outline::Outline;
use crate::verdict::presented::Chain;
use crate::view::{Part, View};

/// The certificates that a path could be made of.
#[derive(Debug, Default)]
pub(crate) struct Gathered<'a> {
    pub(crate) anchors: Vec<Candidate<'a>>,
    pub(crate) helpers: Vec<Helper<'a>>,
}

/// A held certificate that a path could start from.
#[derive(Debug)]
pub(crate) struct Candidate<'a> {
    pub(crate) part: &'a Part,
    pub(crate) item: &'a Item,
    pub(crate) der: CertificateDer<'a>,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) outline: Outline<'a>,
}

/// A certificate between the end entity and an anchor, presented or held.
#[derive(Debug)]
pub(crate) struct Helper<'a> {
    pub(crate) der: CertificateDer<'a>,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) outline: Outline<'a>,
}

/// Follows the names of issuers from the end entity up.
pub(crate) fn gather<'a>(view: &'a View, chain: &'a Chain<'a>) -> Gathered<'a> {
    let mut gathered = Gathered::default();
    let mut wanted: Vec<&[u8]> = chain
        .end_entity
        .outline
        .as_ref()
        .map(|outline| outline.issuer)
        .into_iter()
        .collect();
    let mut next = 0;
    while let Some(name) = wanted.get(next).copied() {
        next += 1;
        let before = gathered.helpers.len();
        // What is held comes first: a peer cannot crowd it out.
        for part in view.parts() {
            gathered.add_held(view, part, name);
        }
        gathered.add_presented(chain, name);
        for helper in gathered.helpers.iter().skip(before) {
            if wanted.len() < MAX_NAMES && !wanted.contains(&helper.outline.issuer) {
                wanted.push(helper.outline.issuer);
            }
        }
    }
    gathered
}

impl<'a> Gathered<'a> {
    fn add_presented(&mut self, chain: &'a Chain<'a>, name: &[u8]) {
        for presented in &chain.others {
            let Ok(outline) = presented.outline else {
                continue;
            };
            if outline.subject == name {
                self.help(presented.der.as_ref(), presented.fingerprint, outline);
            }
        }
    }

    fn add_held(&mut self, view: &'a View, part: &'a Part, name: &[u8]) {
        let Some(snapshot) = part.source.vouching() else {
            return;
        };
        for found in snapshot.by_subject(name) {
            let standing = view.standing(part, &found);
            if !standing.anchor && !standing.intermediate {
                continue;
            }
            let Ok(outline) = Outline::read(&found.item.der) else {
                continue;
            };
            // The same certificate may be held twice, and trusted only once.
            if standing.anchor && self.anchors.len() < MAX_ANCHORS {
                self.anchors.push(Candidate {
                    part,
                    item: found.item,
                    der: CertificateDer::from(&found.item.der[..]),
                    fingerprint: found.fingerprint,
                    outline,
                });
            }
            let distrusted = || {
                view.distrusting(&found.fingerprint, Some(&outline))
                    .is_some()
            };
            if standing.intermediate && !distrusted() {
                self.help(&found.item.der, found.fingerprint, outline);
            }
        }
    }

    fn help(&mut self, der: &'a [u8], fingerprint: Fingerprint, outline: Outline<'a>) {
        let known = self
            .helpers
            .iter()
            .any(|known| known.fingerprint == fingerprint);
        let named = self.helpers.iter();
        let named = named
            .filter(|known| known.outline.subject == outline.subject)
            .count();
        if !known && named < MAX_OF_ONE_NAME && self.helpers.len() < MAX_HELPERS {
            self.helpers.push(Helper {
                der: CertificateDer::from(der),
                fingerprint,
                outline,
            });
        }
    }
}

/// A path has at most eight certificates; these bounds leave room for every real cross-signing.
const MAX_NAMES: usize = 64;
const MAX_HELPERS: usize = 64;
/// A search grows with the power of this, and it is a peer that fills it.
const MAX_OF_ONE_NAME: usize = 8;
const MAX_ANCHORS: usize = 64;
