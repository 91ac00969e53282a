//! What was read of the roots, and what was not.

use std::collections::BTreeMap;

use anchorhold_sdk::Health;
use sha2::{Digest, Sha256};

use crate::certificate::{Certificate, Id};

/// How many reasons are kept.
const REASONS_MAX: usize = 5;

/// All that was found while reading.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// Each certificate once, however often it is there.
    certificates: BTreeMap<Id, Certificate>,
    missed: Missed,
}

/// What could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Missed {
    pub(crate) count: usize,
    /// Why, of the first few.
    pub(crate) reasons: Vec<String>,
}

/// The roots, in an order that depends on nothing but themselves.
#[derive(Debug)]
pub(crate) struct Roots {
    pub(crate) certificates: Vec<Certificate>,
    pub(crate) missed: Missed,
    pub(crate) generation: u64,
}

impl Gathered {
    pub(crate) fn certificate(&mut self, certificate: Certificate) {
        self.certificates.insert(certificate.id, certificate);
    }

    /// Notes so many faults that have one reason.
    pub(crate) fn faults(&mut self, count: usize, reason: impl FnOnce() -> String) {
        self.missed.count = self.missed.count.saturating_add(count);
        if self.missed.reasons.len() < REASONS_MAX {
            let reason = reason();
            if !self.missed.reasons.contains(&reason) {
                self.missed.reasons.push(reason);
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }

    pub(crate) fn missed(&self) -> &Missed {
        &self.missed
    }

    /// The roots that these are.
    pub(crate) fn finish(self) -> Roots {
        let mut digest = Sha256::new();
        self.certificates.keys().for_each(|id| digest.update(id));
        let digest: Id = digest.finalize().into();
        Roots {
            certificates: self.certificates.into_values().collect(),
            missed: self.missed,
            generation: Health::generation_of(&digest),
        }
    }
}

impl Missed {
    /// In one sentence, where there is anything to say.
    pub(crate) fn sentence(&self) -> Option<String> {
        let first = self.reasons.first()?;
        Some(match self.count {
            1 => format!("1 root could not be read: {first}"),
            count => format!("{count} roots could not be read, the first: {first}"),
        })
    }

    /// With all the reasons that are known.
    pub(crate) fn in_full(&self) -> String {
        let reasons = self.reasons.join("; ");
        let more = match self.count.checked_sub(self.reasons.len()) {
            None | Some(0) => "",
            Some(_) => "; and more like these",
        };
        match self.count {
            1 => format!("1 root could not be read: {reasons}"),
            count => format!("{count} roots could not be read: {reasons}{more}"),
        }
    }
}
