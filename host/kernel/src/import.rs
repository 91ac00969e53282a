//! Certificates in, out, and for whom: into all named stores or into none.

mod candidate;
mod commit;
mod detect;
mod error;
mod fitness;
mod item;
mod kind;
mod label;
mod prepare;
mod preview;
mod proposal;
mod removal;
mod replacement;
mod scope;
mod warning;

use anchorhold_state::{Actor, State};
use time::OffsetDateTime;

use crate::certificate::Facts;
use crate::kernel::Kernel;
use crate::{CertificateKind, Fingerprint, ServerName, Servers};

pub use detect::detect;
pub use error::{ImportError, Whose};
pub use label::free_label;
pub use preview::ServerChange;
pub use proposal::{Proposal, propose};
pub use removal::{RemovalReport, RemovalRequest, Removed, remove};
pub use scope::{ScopeChange, ScopeReport, ScopeRequest, rescope};

/// A certificate that was found in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Its bytes.
    pub der: Vec<u8>,
    /// What a person reads about it.
    pub facts: Facts,
}

/// What is to be imported, for whom, and where to.
#[derive(Clone, Debug)]
pub struct Request {
    /// The certificates.
    pub certificates: Vec<Certificate>,
    /// The servers that they are for.
    pub servers: Servers,
    /// The stores that they go to.
    pub stores: Vec<String>,
    /// What they are; none is decided by what they look like.
    pub kind: Option<CertificateKind>,
    /// The label of the one certificate; none is the host's own.
    pub label: Option<String>,
    /// A certificate that the one imported takes the place of.
    pub replace: Option<Fingerprint>,
    /// Whether the servers become strict at once.
    pub strict: bool,
    /// Whether everything is looked at and nothing changed.
    pub dry_run: bool,
    /// Who asks.
    pub actor: Actor,
    /// When.
    pub now: OffsetDateTime,
    /// The servers that the operator has, for the preview.
    pub known: Vec<KnownServer>,
}

/// A server that the operator has, and the stores that it uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownServer {
    /// Its name.
    pub name: ServerName,
    /// Its stores, in their order.
    pub stores: Vec<String>,
}

/// What an import did, or would do.
#[derive(Clone, Debug)]
pub struct ImportReport {
    /// Each certificate in each store.
    pub imported: Vec<Imported>,
    /// Whether nothing was changed because nothing was to be.
    pub dry_run: bool,
    /// The certificate that was replaced, in each store that it was taken out of.
    pub replaced: Vec<Removed>,
    /// The servers for which something changes.
    pub changes: Vec<ServerChange>,
    /// What the operator should know.
    pub warnings: Vec<String>,
}

impl ImportReport {
    /// For whom the certificates vouch now, what was in scope before included; none where that
    /// is not the same for all of them.
    pub fn servers(&self) -> Option<&Servers> {
        let first = &self.imported.first()?.servers;
        let same = self.imported.iter().all(|one| one.servers == *first);
        same.then_some(first)
    }
}

/// One certificate in one store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The certificate.
    pub fingerprint: Fingerprint,
    /// Its label in the store.
    pub label: String,
    /// The store.
    pub store: String,
    /// What it is to its servers.
    pub kind: CertificateKind,
    /// For whom it vouches now.
    pub servers: Servers,
    /// What happened.
    pub outcome: Outcome,
}

/// What happened to a certificate in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was not there before.
    New,
    /// It was there, for the same servers.
    Unchanged,
    /// It was there, and its label, its trust or its servers changed.
    Updated,
}

impl Outcome {
    /// The word that programs read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Unchanged => "unchanged",
            Self::Updated => "updated",
        }
    }
}

/// Imports certificates: looks at everything first, writes to all stores or to none, reads back,
/// and records it all in one transaction of the state.
pub fn import(
    kernel: &Kernel,
    state: &State,
    request: &Request,
) -> Result<ImportReport, ImportError> {
    if request.dry_run {
        let prepared = prepare::prepare(kernel, &state.scope()?, request)?;
        commit::check(&prepared.work)?;
        return Ok(prepared.report(true));
    }
    // What can be refused is, before anything is made for it.
    prepare::validate(&state.scope()?, request)?;
    // From here on nobody else changes the scope table.
    let mut transaction = state.write(&request.actor, request.now)?;
    let scope = state.scope()?;
    let prepared = prepare::prepare(kernel, &scope, request)?;
    let written = commit::write(&prepared.work)?;
    prepared.record(&scope, &mut transaction, request);
    match transaction.commit() {
        Ok(()) => Ok(prepared.report(false)),
        Err(error) => Err(written.take_back(ImportError::State(error))),
    }
}

#[cfg(test)]
mod tests;
