//! What the labels of a store propose, where the host's own table says nothing.

use std::collections::BTreeSet;

use crate::certificate::Facts;
use crate::import::kind::unscoped_kind;
use crate::import::label::names_server;
use crate::kernel::Kernel;
use crate::view::EntryServers;
use crate::{CertificateKind, Fingerprint, ScopeTable, ServerName, Servers};

/// What a label proposes; anybody who can write to a store can write a label, so a person decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The certificate.
    pub fingerprint: Fingerprint,
    /// The store that holds it.
    pub store: String,
    /// Its label there.
    pub label: String,
    /// The server that the label names.
    pub server: ServerName,
    /// What it would be.
    pub kind: CertificateKind,
    /// What a person reads about it.
    pub facts: Facts,
    /// Whether its store marks its trust in a way that is not known, so that a label is too little
    /// to let it vouch.
    pub trust_unknown: bool,
}

/// What the labels of the stores propose for certificates that have no scope.
pub fn propose(kernel: &Kernel, stores: &[String], scope: &ScopeTable) -> Vec<Proposal> {
    let (entries, _) = kernel.entries(stores, scope);
    let nobody = Servers::Named(BTreeSet::new());
    entries
        .into_iter()
        .filter(|entry| entry.is_certificate() && entry.servers == EntryServers::None)
        .filter_map(|entry| {
            // A row without a server only keeps what the certificate is.
            let row = scope.row(&entry.fingerprint);
            let kind = match row {
                Some(row) if row.servers != nobody => return None,
                Some(row) => row.kind,
                // The label is the one of a server's own certificate.
                None => match unscoped_kind(entry.item()?, &nobody) {
                    CertificateKind::Anchor => CertificateKind::Pin,
                    kind => kind,
                },
            };
            let facts = entry.facts().ok()?;
            Some(Proposal {
                trust_unknown: entry.item()?.trust_unknown,
                fingerprint: entry.fingerprint,
                server: names_server(&entry.label)?,
                kind,
                store: entry.store,
                label: entry.label,
                facts,
            })
        })
        .collect()
}
