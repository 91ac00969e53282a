//! One attempt to build a path with webpki, strict or relaxed.

use std::cell::RefCell;

use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::{
    EndEntityCert, Error, ExtendedKeyUsageValidator, KeyPurposeIdIter, KeyUsage, VerifiedPath,
    anchor_from_trusted_cert,
};

use anchorhold_boundary::item::Item;
use anchorhold_formats::der::SEQUENCE;

use crate::Fingerprint;
use crate::certificate::{dn, moment, seconds};
use crate::outline::only;
use crate::provider::algorithms;
use crate::snapshot::{Trust, trust};
use crate::strength::key_weakness;
use crate::verdict::Code;
use crate::verdict::gather::{Candidate, Gathered, Helper};
use crate::verdict::memory::Remembering;
use crate::verdict::pin::{PRESENTED, too_new};
use crate::verdict::presented::Chain;
use crate::verdict::trouble::Trouble;
use crate::view::{Part, View};

/// One attempt to build a path.
pub(super) struct Attempt<'a> {
    pub(super) view: &'a View,
    pub(super) chain: &'a Chain<'a>,
    pub(super) end_entity: &'a EndEntityCert<'a>,
    pub(super) gathered: &'a Gathered<'a>,
    pub(super) usage: Usage,
    /// Whether what a store says beyond the certificate counts.
    pub(super) with_conditions: bool,
}

/// A path that was found.
pub(super) struct Path<'a> {
    pub(super) anchor: &'a Candidate<'a>,
    /// From the end entity up.
    pub(super) fingerprints: Vec<Fingerprint>,
}

/// Why none was found.
pub(super) struct Refused {
    pub(super) error: Error,
    /// What a store's condition was against, where that was the reason.
    pub(super) condition: Option<Trouble>,
}

/// Which purposes are acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usage {
    /// Every one.
    Any,
    /// Authenticating a TLS server.
    Server,
}

impl ExtendedKeyUsageValidator for Usage {
    fn validate(&self, iter: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        match self {
            Self::Any => Ok(()),
            Self::Server => KeyUsage::server_auth().validate(iter),
        }
    }
}

impl<'a> Attempt<'a> {
    /// Tries the times in order.
    pub(super) fn run(
        &self,
        anchors: &[&'a Candidate<'a>],
        times: &[UnixTime],
    ) -> Result<Path<'a>, Refused> {
        let mut refused = Refused {
            error: Error::UnknownIssuer,
            condition: None,
        };
        for time in times {
            match self.run_at(anchors, *time) {
                Ok(path) => return Ok(path),
                Err(why) => refused = why,
            }
            // Another time would take as long, and a peer could have that for nothing.
            if is_too_involved(&refused.error) {
                break;
            }
        }
        Err(refused)
    }

    /// Times at which as many certificates as possible are valid, the nearest to `at` first.
    pub(super) fn times(&self, at: UnixTime) -> Vec<UnixTime> {
        let helpers = self.gathered.helpers.iter().map(|helper| &helper.outline);
        let windows: Vec<(i64, i64)> = helpers
            .filter_map(|outline| outline.validity().ok())
            .take(MAX_TIMES)
            .collect();
        let own = self
            .chain
            .end_entity
            .outline
            .as_ref()
            .ok()
            .and_then(|o| o.validity().ok());
        let Some(own) = own else { return vec![at] };
        let at = seconds(at);
        let nearest = at.clamp(own.0, own.1);
        let mut times = vec![nearest];
        times.extend(
            windows
                .iter()
                .map(|window| nearest.clamp(window.0, window.1)),
        );
        times.retain(|time| (own.0..=own.1).contains(time));
        times.dedup();
        times.into_iter().map(moment).collect()
    }

    fn run_at(&self, candidates: &[&'a Candidate<'a>], at: UnixTime) -> Result<Path<'a>, Refused> {
        let (candidates, anchors): (Vec<_>, Vec<_>) = candidates
            .iter()
            .filter_map(|candidate| {
                Some((*candidate, anchor_from_trusted_cert(&candidate.der).ok()?))
            })
            .unzip();
        let helpers: Vec<CertificateDer<'_>> = self
            .gathered
            .helpers
            .iter()
            .map(|helper| helper.der.clone())
            .collect();
        let remembering = self.remembering();
        let algorithms: Vec<_> = remembering.iter().map(Remembering::as_algorithm).collect();
        let condition = RefCell::new(None);
        let conditions = |path: &VerifiedPath<'_>| {
            let candidate = of_path(&candidates, &anchors, path).ok_or(Error::UnknownIssuer)?;
            self.check_conditions(candidate, path, &algorithms, at)
                .map_err(|(error, trouble)| {
                    condition.replace(trouble);
                    error
                })
        };
        let refused = |error, condition| Refused { error, condition };
        let path = self
            .end_entity
            .verify_for_usage(
                &algorithms,
                &anchors,
                &helpers,
                at,
                self.usage,
                None,
                Some(&conditions),
            )
            .map_err(|error| refused(error, condition.take()))?;
        let anchor = of_path(&candidates, &anchors, &path)
            .ok_or_else(|| refused(Error::UnknownIssuer, None))?;
        Ok(Path {
            anchor,
            fingerprints: self.fingerprints(anchor, &path),
        })
    }

    /// The accepted algorithms, each with the memory of what was verified before.
    fn remembering(&self) -> Vec<Remembering<'_>> {
        let end_entity = self
            .chain
            .end_entity
            .outline
            .as_ref()
            .map_or(&[][..], |outline| outline.signed);
        let memory = self.view.memory();
        algorithms()
            .all
            .iter()
            .map(|algorithm| Remembering {
                algorithm: *algorithm,
                memory,
                end_entity,
            })
            .collect()
    }

    /// What a store says of its anchor beyond the certificate, and what webpki does not look at.
    fn check_conditions(
        &self,
        candidate: &Candidate<'_>,
        path: &VerifiedPath<'_>,
        algorithms: &[&dyn SignatureVerificationAlgorithm],
        at: UnixTime,
    ) -> Result<(), (Error, Option<Trouble>)> {
        let helpers = self
            .helpers_of(path)
            .ok_or((Error::EndEntityUsedAsCa, None))?;
        if !helpers
            .iter()
            .all(|helper| helper.outline.may_sign_certificates())
        {
            return Err((Error::EndEntityUsedAsCa, None));
        }
        // webpki knows the limits of intermediates, but nothing of an anchor's own. A self-issued
        // certificate does not count (RFC 5280, 4.2.1.9).
        let between = helpers
            .iter()
            .filter(|helper| !helper.outline.self_issued())
            .count();
        let between = u64::try_from(between).unwrap_or(u64::MAX);
        match candidate.outline.path_length() {
            Ok(limit) if limit.is_none_or(|limit| between <= limit) => {}
            Ok(_) | Err(_) => return Err((Error::PathLenConstraintViolated, None)),
        }
        if !self.with_conditions {
            return Ok(());
        }
        let weak = helpers.iter().find_map(|helper| {
            let why = key_weakness(&helper.outline)?;
            let which = dn(helper.outline.subject);
            Some(Trouble::weak(format!(
                "the intermediate CA {which} is not acceptable: {why}"
            )))
        });
        if weak.is_some() {
            return Err((Error::CertDistrusted, weak));
        }
        // The same certificate may be held by several stores, and each of them may limit it.
        let outline = &candidate.outline;
        for (part, copy) in self.view.copies(&candidate.der, outline.subject) {
            if let Trust::Anchor { issued_before } = trust(copy)
                && issued_before != 0
                && !self.is_issued_before(issued_before)
            {
                return Err((
                    Error::CertDistrusted,
                    Some(too_new(PRESENTED, &part.store, issued_before)),
                ));
            }
            if !copy.name_constraints.is_empty() {
                self.check_store_constraints(candidate, copy, path, algorithms, at)
                    .map_err(|error| (error, Some(out_of_constraints(candidate, part))))?;
            }
        }
        Ok(())
    }

    /// The helpers between the end entity and the anchor of a path.
    fn helpers_of(&self, path: &VerifiedPath<'_>) -> Option<Vec<&Helper<'a>>> {
        let find = |der: CertificateDer<'_>| {
            let mut helpers = self.gathered.helpers.iter();
            helpers.find(|helper| helper.der == der)
        };
        path.intermediate_certificates()
            .map(|certificate| find(certificate.der()))
            .collect()
    }

    fn is_issued_before(&self, limit: i64) -> bool {
        self.chain
            .end_entity
            .outline
            .as_ref()
            .ok()
            .and_then(|outline| outline.validity().ok())
            .is_some_and(|(not_before, _)| not_before < limit)
    }

    /// The same path once more, with the store's name constraints in place of the anchor's own.
    fn check_store_constraints(
        &self,
        candidate: &Candidate<'_>,
        copy: &Item,
        path: &VerifiedPath<'_>,
        algorithms: &[&dyn SignatureVerificationAlgorithm],
        at: UnixTime,
    ) -> Result<(), Error> {
        let constraints = only(&copy.name_constraints, SEQUENCE).map_err(|_| Error::BadDer)?;
        let anchor = anchor_from_trusted_cert(&candidate.der)?;
        let constrained = [TrustAnchor {
            name_constraints: Some(constraints.into()),
            ..anchor
        }];
        let helpers: Vec<CertificateDer<'_>> = path
            .intermediate_certificates()
            .map(|certificate| certificate.der())
            .collect();
        self.end_entity
            .verify_for_usage(
                algorithms,
                &constrained,
                &helpers,
                at,
                self.usage,
                None,
                None,
            )
            .map(|_| ())
    }

    fn fingerprints(&self, anchor: &Candidate<'_>, path: &VerifiedPath<'_>) -> Vec<Fingerprint> {
        let helpers = self.helpers_of(path).unwrap_or_default();
        let between = helpers.into_iter().map(|helper| helper.fingerprint);
        std::iter::once(self.chain.end_entity.fingerprint)
            .chain(between)
            .chain(std::iter::once(anchor.fingerprint))
            .collect()
    }
}

/// Whether the search was given up because there was too much to search.
pub(super) fn is_too_involved(error: &Error) -> bool {
    matches!(
        error,
        Error::MaximumNameConstraintComparisonsExceeded
            | Error::MaximumPathBuildCallsExceeded
            | Error::MaximumSignatureChecksExceeded
    )
}

/// The candidate whose anchor a path ends in: webpki lends back one of the anchors it was lent.
fn of_path<'a>(
    candidates: &[&'a Candidate<'a>],
    anchors: &[TrustAnchor<'_>],
    path: &VerifiedPath<'_>,
) -> Option<&'a Candidate<'a>> {
    let position = anchors
        .iter()
        .position(|anchor| std::ptr::eq(anchor, path.anchor()))?;
    candidates.get(position).copied()
}

fn out_of_constraints(candidate: &Candidate<'_>, part: &Part) -> Trouble {
    Trouble::new(
        Code::NameMismatch,
        format!(
            "store \"{}\" lets the held CA {} vouch for certain names only, and the presented \
             certificate carries others",
            part.store,
            dn(candidate.outline.subject)
        ),
        "have the certificate issued for names that the CA may vouch for",
    )
}

const MAX_TIMES: usize = 8;
