//! The chain that was presented, read once.

use rustls_pki_types::CertificateDer;

use crate::Fingerprint;
use crate::certificate::fingerprint;
use crate::outline::{Outline, Unreadable};

/// One presented certificate.
#[derive(Clone, Debug)]
pub(crate) struct Presented<'c> {
    pub(crate) der: &'c CertificateDer<'c>,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) outline: Result<Outline<'c>, Unreadable>,
}

/// A chain of at least one certificate, end entity first.
#[derive(Clone, Debug)]
pub(crate) struct Chain<'c> {
    pub(crate) end_entity: Presented<'c>,
    /// The others, each once.
    pub(crate) others: Vec<Presented<'c>>,
}

impl<'c> Chain<'c> {
    /// Reads a chain; none where it is empty or longer than any real one.
    pub(crate) fn read(chain: &'c [CertificateDer<'c>]) -> Option<Self> {
        let (end_entity, rest) = chain.split_first()?;
        if chain.len() > MAX_PRESENTED {
            return None;
        }
        let end_entity = Presented::read(end_entity);
        let mut others: Vec<Presented<'c>> = Vec::with_capacity(rest.len());
        for der in rest {
            let other = Presented::read(der);
            let known = std::iter::once(&end_entity)
                .chain(&others)
                .any(|known| known.fingerprint == other.fingerprint);
            if !known {
                others.push(other);
            }
        }
        Some(Self { end_entity, others })
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Presented<'c>> {
        std::iter::once(&self.end_entity).chain(&self.others)
    }

    pub(crate) fn fingerprints(&self) -> Vec<Fingerprint> {
        self.all().map(|presented| presented.fingerprint).collect()
    }
}

impl<'c> Presented<'c> {
    fn read(der: &'c CertificateDer<'c>) -> Self {
        Self {
            der,
            fingerprint: fingerprint(der),
            outline: Outline::read(der),
        }
    }
}

/// More certificates than this are not looked at: real chains have two to five.
pub(crate) const MAX_PRESENTED: usize = 32;
