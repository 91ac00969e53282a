//! Which servers a certificate that is held already vouches for.

use std::collections::BTreeSet;

use anchorhold_state::{Actor, State};
use time::OffsetDateTime;

use crate::certificate::{Facts, looks_self_signed};
use crate::import::candidate::union;
use crate::import::kind::check;
use crate::import::preview::{Rows, changes};
use crate::import::{Certificate, ImportError, KnownServer, ServerChange};
use crate::kernel::Kernel;
use crate::outline::Outline;
use crate::verdict::sentence;
use crate::view::likely_kind;
use crate::{CertificateKind, Fingerprint, ScopeRow, ScopeTable, ServerName, Servers};

/// What is to change.
#[derive(Clone, Debug)]
pub struct ScopeRequest {
    /// The certificates.
    pub fingerprints: Vec<Fingerprint>,
    /// What happens to their scope.
    pub change: ScopeChange,
    /// What they are, where they have no scope yet; none is decided by what they look like.
    pub kind: Option<CertificateKind>,
    /// Whether everything is looked at and nothing changed.
    pub dry_run: bool,
    /// Who asks.
    pub actor: Actor,
    /// When.
    pub now: OffsetDateTime,
    /// The servers that the operator has, for the preview.
    pub known: Vec<KnownServer>,
}

/// What happens to the scope of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScopeChange {
    /// These servers are added.
    Add(BTreeSet<ServerName>),
    /// It vouches for every server.
    Any,
    /// It vouches for none.
    None,
}

/// What a change of scope did, or would do.
#[derive(Clone, Debug)]
pub struct ScopeReport {
    /// Each certificate with its row before and after.
    pub rows: Vec<(Fingerprint, Option<ScopeRow>, Option<ScopeRow>)>,
    /// The servers for which something changes.
    pub changes: Vec<ServerChange>,
    /// Whether nothing was changed because nothing was to be.
    pub dry_run: bool,
    /// What the operator should know.
    pub warnings: Vec<String>,
}

/// Changes which servers certificates vouch for; all of them or none.
pub fn rescope(
    kernel: &Kernel,
    state: &State,
    request: &ScopeRequest,
) -> Result<ScopeReport, ImportError> {
    if request.dry_run {
        return Ok(prepare(kernel, &state.scope()?, request)?.0);
    }
    let mut transaction = state.write(&request.actor, request.now)?;
    let (report, rows) = prepare(kernel, &state.scope()?, request)?;
    rows.record(&mut transaction);
    transaction.commit()?;
    Ok(report)
}

fn prepare(
    kernel: &Kernel,
    scope: &ScopeTable,
    request: &ScopeRequest,
) -> Result<(ScopeReport, Rows), ImportError> {
    let mut rows = Rows::default();
    let mut report = ScopeReport {
        rows: Vec::new(),
        changes: Vec::new(),
        dry_run: request.dry_run,
        warnings: Vec::new(),
    };
    for fingerprint in &request.fingerprints {
        let before = scope.row(fingerprint);
        let after = row(kernel, *fingerprint, before, request, &mut report.warnings)?;
        if before != after.as_ref() {
            match &after {
                Some(row) => rows.put(*fingerprint, row.clone()),
                None => rows.remove(*fingerprint),
            }
        }
        report.rows.push((*fingerprint, before.cloned(), after));
    }
    report.changes = changes(kernel, scope, &rows, &[], &request.known);
    Ok((report, rows))
}

fn row(
    kernel: &Kernel,
    fingerprint: Fingerprint,
    before: Option<&ScopeRow>,
    request: &ScopeRequest,
    warnings: &mut Vec<String>,
) -> Result<Option<ScopeRow>, ImportError> {
    let added = match &request.change {
        ScopeChange::None if before.is_some() => return Ok(None),
        ScopeChange::None => Servers::Named(BTreeSet::new()),
        ScopeChange::Any => Servers::Any,
        ScopeChange::Add(names) => Servers::Named(names.clone()),
    };
    let der = find(kernel, fingerprint)?;
    if request.change == ScopeChange::None {
        return Ok(None);
    }
    let fixed = before.map(|row| row.kind);
    if let (Some(fixed), Some(asked)) = (fixed, request.kind)
        && fixed != asked
    {
        return Err(ImportError::input(
            format!("{fingerprint} is in scope already, and what a certificate is stays as it is"),
            format!("take its scope away first: anchorhold scope {fingerprint} --none"),
        ));
    }
    let kind = fixed.or(request.kind).unwrap_or_else(|| kind_of(&der));
    let facts = Facts::read(&der).map_err(|error| {
        ImportError::input(
            format!("{fingerprint}: {error}"),
            "remove it from its store",
        )
    })?;
    let odd = check(&Certificate { der, facts }, kind, &added)?;
    warnings.extend(odd.iter().map(|odd| sentence(odd)));
    Ok(Some(ScopeRow {
        kind,
        servers: union(before.map(|row| &row.servers), &added),
    }))
}

/// The certificate, from whichever store holds it.
fn find(kernel: &Kernel, fingerprint: Fingerprint) -> Result<Vec<u8>, ImportError> {
    let mut silent = None;
    for store in kernel.stores() {
        match store.snapshot() {
            Ok(snapshot) => {
                if let Some(item) = snapshot.certificate(&fingerprint) {
                    return Ok(item.der.clone());
                }
            }
            Err(error) => {
                silent.get_or_insert(error);
            }
        }
    }
    // A store that did not answer might hold it.
    Err(silent.map_or_else(
        || ImportError::NotHeld {
            fingerprint,
            stores: kernel
                .stores()
                .iter()
                .map(|store| store.name().to_owned())
                .collect(),
        },
        ImportError::Store,
    ))
}

/// What a certificate would be if it were imported alone for one server.
pub(super) fn kind_of(der: &[u8]) -> CertificateKind {
    if looks_self_signed(der) {
        return CertificateKind::Pin;
    }
    Outline::read(der).map_or(CertificateKind::Pin, |outline| likely_kind(&outline))
}
