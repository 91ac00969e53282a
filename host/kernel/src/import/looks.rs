//! What the certificates of one import are to each other: which signed themselves, and which issued
//! others.

use std::collections::HashMap;

use crate::certificate::looks_self_signed;
use crate::import::Certificate;
use crate::outline::Outline;
use crate::snapshot::in_shares;
use crate::strength::is_signed_by;

/// What the certificates of one import look like. A signature takes longer to verify than all else
/// that is looked at, so that each is verified once, and none that nothing depends on.
pub(super) struct Looks<'c> {
    certificates: &'c [Certificate],
    /// As many as certificates, in the same order.
    self_signed: Vec<bool>,
    /// Those that did not sign themselves, by the name of their issuer.
    issued: HashMap<&'c [u8], Vec<usize>>,
}

impl<'c> Looks<'c> {
    /// Looks at all of them.
    pub(super) fn of(certificates: &'c [Certificate]) -> Self {
        let self_signed = in_shares(certificates, |certificate| {
            Outline::read(&certificate.der).is_ok_and(|outline| looks_self_signed(&outline))
        });
        let mut issued: HashMap<&[u8], Vec<usize>> = HashMap::new();
        let others = certificates.iter().zip(&self_signed).enumerate();
        for (place, (certificate, _)) in others.filter(|(_, (_, own))| !**own) {
            if let Ok(outline) = Outline::read(&certificate.der) {
                issued.entry(outline.issuer).or_default().push(place);
            }
        }
        Self {
            certificates,
            self_signed,
            issued,
        }
    }

    /// Whether the certificate at a place signed itself, as far as can be told.
    pub(super) fn self_signed(&self, place: usize) -> bool {
        self.self_signed.get(place).copied().unwrap_or(false)
    }

    /// Whether a CA certificate has issued another of these that is not its own renewal: one that
    /// signs itself may have been made with the same key and name.
    pub(super) fn has_issued_any(&self, issuer: &Outline<'_>) -> bool {
        if !issuer.is_ca() {
            return false;
        }
        let of_name = self.issued.get(issuer.subject).into_iter().flatten();
        let of_name = of_name.filter_map(|place| self.certificates.get(*place));
        // Where many have one name, and it signed none of the first, it is somebody else's name.
        let mut outlines = of_name
            .take(TRIED)
            .filter_map(|certificate| Outline::read(&certificate.der).ok());
        outlines.any(|other| is_signed_by(&other, issuer))
    }
}

/// So many signatures are tried with the key of one certificate.
const TRIED: usize = 64;
