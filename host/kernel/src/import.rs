//! Certificates in, out, and for whom: into all named stores or into none.

mod candidate;
mod commit;
mod copy;
mod detect;
mod effect;
mod error;
mod fitness;
mod image;
mod item;
mod kind;
mod label;
mod looks;
mod moment;
mod prepare;
mod preview;
mod proposal;
mod removal;
mod replacement;
mod restore;
mod scope;
mod settle;
mod warning;

use anchorhold_state::{Actor, State};
use time::OffsetDateTime;

use crate::certificate::Facts;
use crate::import::looks::Looks;
use crate::kernel::Kernel;
use crate::{CertificateKind, Fingerprint, ScopeTable, ServerName, Servers};

pub use copy::{Copied, CopyReport, CopyRequest, LeftOut, copy};
pub use detect::{Found, detect};
pub use error::{ImportError, Whose};
pub(crate) use fitness::is_stock;
pub use label::free_label;
pub(crate) use label::names_server;
pub use preview::ServerChange;
pub use proposal::{Proposal, propose};
pub use removal::{RemovalReport, RemovalRequest, Removed, remove};
pub use scope::{ScopeChange, ScopeReport, ScopeRequest, rescope};
pub use settle::{LeftAlone, Settled, SettledEnd, settle};

/// A certificate that was found in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Its bytes.
    pub der: Vec<u8>,
    /// What a person reads about it.
    pub facts: Facts,
    /// What the container that it was found in calls it, where it was in one and has a name there.
    pub label: Option<String>,
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
    /// Whether a certificate may be taken from it on first contact.
    pub accepts: bool,
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
    let looks = Looks::of(&request.certificates);
    if request.dry_run {
        let scope = state.scope()?;
        let mut prepared = prepare::prepare(kernel, &scope, request, &looks)?;
        commit::check(&mut prepared.work)?;
        return Ok(prepared.report(true));
    }
    // What can be refused is, before anything is made for it.
    prepare::validate(&rows_of(state, &request.certificates)?, request, &looks)?;
    // From here on nobody else changes the scope table, or begins a change to stores.
    let transaction = state.write(&request.actor, request.now)?;
    let transaction = commit::begin(kernel, state, transaction, &request.stores)?;
    let scope = state.scope()?;
    let mut prepared = prepare::prepare(kernel, &scope, request, &looks)?;
    let work = std::mem::take(&mut prepared.work);
    let deed = prepared.deed(&scope, request);
    commit::carry_out(work, deed, state, transaction)?;
    Ok(prepared.report(false))
}

/// What the scope table says of these certificates, at least.
fn rows_of(state: &State, certificates: &[Certificate]) -> Result<ScopeTable, ImportError> {
    if certificates.len() > effect::FEW {
        return Ok(state.scope()?);
    }
    let mut table = ScopeTable::default();
    for Certificate { facts, .. } in certificates {
        if let Some(row) = state.scope_row(&facts.fingerprint)? {
            table.rows.insert(facts.fingerprint, row);
        }
    }
    Ok(table)
}

#[cfg(test)]
mod tests;
