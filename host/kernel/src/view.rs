//! What one server's stores hold for it, frozen for one question or many.

mod entry;
mod part;
mod scope;

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use anchorhold_boundary::item::Item;
use rustls_pki_types::CertificateDer;

use crate::outline::Outline;
use crate::snapshot::{Position, Snapshot};
use crate::verdict::memory::Memory;
use crate::verdict::{Question, Verdict, judge};
use crate::{CertificateKind, Fingerprint, ScopeTable, ServerName, Servers};

pub use entry::{Entry, EntryKind, EntryServers};
pub(crate) use entry::{entries_of, likely_kind};
pub(crate) use part::{Part, PartScope, Source};
pub(crate) use scope::{Standing, by_row, standing_by};

/// Whether something is held for a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// Nothing is.
    No,
    /// A store could not be listed, and the others hold nothing.
    Unanswered {
        /// The store.
        store: String,
        /// Why it did not answer.
        why: String,
    },
    /// These are; of a store whose every anchor is in scope, one stands for all.
    Yes(Vec<Fingerprint>),
}

/// What a server's stores hold, frozen for one question or many.
#[derive(Debug)]
pub struct View {
    server: Option<ServerName>,
    parts: Vec<Part>,
    scope: ScopeTable,
    memory: Arc<Memory>,
    /// What is held by name, found when first asked for.
    named: OnceLock<Arc<[Fingerprint]>>,
}

impl View {
    /// What stores hold for a server.
    pub(crate) fn of_stores(
        server: ServerName,
        parts: Vec<Part>,
        scope: ScopeTable,
        memory: Arc<Memory>,
    ) -> Self {
        Self {
            server: Some(server),
            parts,
            scope,
            memory,
            named: OnceLock::new(),
        }
    }

    /// A view of certificates out of files, without any store: everything in `anchors` is one.
    ///
    /// `name` stands where the name of a store would.
    pub fn of_certificates(name: &str, anchors: Vec<Vec<u8>>, intermediates: Vec<Vec<u8>>) -> Self {
        let part = |ders: Vec<Vec<u8>>, kind| {
            let items = ders
                .into_iter()
                .map(|der| Item::certificate(der, String::new()))
                .collect();
            Part {
                store: name.to_owned(),
                plugin: String::new(),
                version: String::new(),
                critical: true,
                scope: PartScope::Everything(kind),
                source: Source::Fresh(Arc::new(Snapshot::new(0, items))),
            }
        };
        Self {
            server: None,
            parts: vec![
                part(anchors, CertificateKind::Anchor),
                part(intermediates, CertificateKind::Intermediate),
            ],
            scope: ScopeTable::default(),
            memory: Arc::default(),
            named: OnceLock::new(),
        }
    }

    /// The server whose view this is; none where it is one of files.
    pub fn server(&self) -> Option<&ServerName> {
        self.server.as_ref()
    }

    /// Whether something is held for the server.
    ///
    /// What is expired, weak, distrusted or neutral counts: what stops vouching never opens
    /// acceptance again.
    pub fn held(&self) -> Held {
        let found: BTreeSet<_> = self
            .held_by_name()
            .iter()
            .copied()
            .chain(self.held_for_any())
            .collect();
        if !found.is_empty() {
            return Held::Yes(found.into_iter().collect());
        }
        match self
            .parts
            .iter()
            .find_map(|part| Some((part, part.source.silence()?)))
        {
            Some((part, why)) => Held::Unanswered {
                store: part.store.clone(),
                why: why.to_owned(),
            },
            None => Held::No,
        }
    }

    /// Whether the chain, end entity first, is good for the server.
    pub fn judge(&self, chain: &[CertificateDer<'_>], question: &Question<'_>) -> Verdict {
        judge(self, chain, question)
    }

    /// Everything that the stores hold, in their order, for a list.
    pub fn entries(&self) -> Vec<Entry> {
        self.parts
            .iter()
            .flat_map(|part| entries_of(part, &self.scope))
            .collect()
    }

    /// The stores that could not be listed, each with the reason.
    pub fn silent(&self) -> Vec<(String, String)> {
        self.parts
            .iter()
            .filter_map(|part| Some((part.store.clone(), part.source.silence()?.to_owned())))
            .collect()
    }

    /// What is held for this server by name.
    pub(crate) fn held_by_name(&self) -> &Arc<[Fingerprint]> {
        self.named.get_or_init(|| {
            let Some(server) = &self.server else {
                return Arc::default();
            };
            let rows = self.scope.rows.iter().filter_map(|(fingerprint, row)| {
                let named = matches!(&row.servers, Servers::Named(names) if names.contains(server));
                named.then_some(*fingerprint)
            });
            let told = self.parts.iter().flat_map(|part| part.told_for(server));
            let mut found: Vec<_> = rows
                .filter(|fingerprint| self.has(fingerprint))
                .chain(told)
                .collect();
            found.sort_unstable();
            found.dedup();
            found.into()
        })
    }

    /// What is held for every server; one stands for all of a store that is wholly in scope.
    fn held_for_any(&self) -> impl Iterator<Item = Fingerprint> {
        let rows = self.scope.rows.iter().filter_map(|(fingerprint, row)| {
            (row.servers == Servers::Any && self.has(fingerprint)).then_some(*fingerprint)
        });
        rows.chain(self.parts.iter().filter_map(Part::stands_for_any))
    }

    /// Whether a store that answered holds the certificate.
    fn has(&self, fingerprint: &Fingerprint) -> bool {
        self.parts
            .iter()
            .filter_map(|part| part.source.vouching())
            .any(|snapshot| snapshot.certificate(fingerprint).is_some())
    }

    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// The store that distrusts a certificate, if one does; also one that is down.
    pub(crate) fn distrusting(
        &self,
        fingerprint: &Fingerprint,
        outline: Option<&Outline<'_>>,
    ) -> Option<&str> {
        self.parts.iter().find_map(|part| {
            let snapshot = part.source.distrusting()?;
            snapshot
                .distrust()
                .find(fingerprint, outline)
                .map(|_| part.store.as_str())
        })
    }

    /// Every copy of a certificate in the stores of this view, in scope or not, with its store; also
    /// of stores that are down. What one copy limits no other copy lifts.
    pub(crate) fn copies<'v>(
        &'v self,
        der: &'v [u8],
        subject: &'v [u8],
    ) -> impl Iterator<Item = (&'v Part, &'v Item)> {
        self.parts.iter().flat_map(move |part| {
            let snapshot = part.source.distrusting();
            let copies = snapshot.map(|snapshot| snapshot.equals(der, subject));
            copies
                .into_iter()
                .flatten()
                .map(move |found| (part, found.item))
        })
    }

    /// What an item is to this server.
    pub(crate) fn standing(&self, part: &Part, found: &Position<'_>) -> Standing {
        scope::standing(part, found, &self.scope, self.server.as_ref())
    }
}

#[cfg(test)]
mod tests;
