//! Which servers a certificate that is held already vouches for.

use std::collections::BTreeSet;

use anchorhold_boundary::item::Item;
use anchorhold_state::{Actor, State};
use time::OffsetDateTime;

use crate::certificate::{Facts, looks_self_signed};
use crate::import::candidate::union;
use crate::import::effect::changes;
use crate::import::fitness::{check, perhaps_a_root};
use crate::import::kind::{a, unscoped_kind};
use crate::import::preview::Rows;
use crate::import::{Certificate, ImportError, KnownServer, ServerChange};
use crate::kernel::Kernel;
use crate::outline::Outline;
use crate::verdict::sentence;
use crate::{CertificateKind, EntryKind, Fingerprint, ScopeRow, ScopeTable, ServerName, Servers};

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
    /// It vouches for none; what it is stays known.
    None,
    /// It vouches for these servers and no others.
    Only(BTreeSet<ServerName>),
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
    let before = state.scope()?;
    let (report, rows) = prepare(kernel, &before, request)?;
    rows.record(&before, &mut transaction);
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
            // A row is never taken out here: it is what keeps the kind.
            if let Some(row) = &after {
                rows.put(*fingerprint, row.clone());
            }
        }
        report.rows.push((*fingerprint, before.cloned(), after));
    }
    report.changes = changes(kernel, scope, &rows, &[], &request.known);
    Ok((report, rows))
}

/// The row of a certificate after the change; none where it has none and gets none.
fn row(
    kernel: &Kernel,
    fingerprint: Fingerprint,
    before: Option<&ScopeRow>,
    request: &ScopeRequest,
    warnings: &mut Vec<String>,
) -> Result<Option<ScopeRow>, ImportError> {
    let servers = match &request.change {
        ScopeChange::Add(names) => union(
            before.map(|row| &row.servers),
            &Servers::Named(names.clone()),
        ),
        ScopeChange::Any => Servers::Any,
        ScopeChange::None => Servers::Named(BTreeSet::new()),
        ScopeChange::Only(names) => Servers::Named(names.clone()),
    };
    if let Some(before) = before {
        check_kind(fingerprint, before, request.kind)?;
        if is_within(&servers, &before.servers) {
            // What vouches for fewer needs no look at the certificate, which may be gone.
            return Ok(Some(ScopeRow {
                kind: before.kind,
                servers,
            }));
        }
    }
    let item = find(kernel, fingerprint)?;
    if servers == Servers::Named(BTreeSet::new()) {
        return Ok(None);
    }
    let facts = Facts::read(&item.der).map_err(|error| {
        ImportError::input(
            format!("{fingerprint}: {error}"),
            "remove it from its store",
        )
    })?;
    let known = request.kind.or_else(|| before.map(|row| row.kind));
    let kind = known.unwrap_or_else(|| unscoped_kind(&item, &servers));
    let certificate = Certificate {
        der: item.der,
        facts,
        label: Some(item.label),
    };
    let self_signed =
        Outline::read(&certificate.der).is_ok_and(|outline| looks_self_signed(&outline));
    let odd = check(&certificate, kind, &servers, self_signed)?;
    let root = match known {
        None if kind == CertificateKind::Pin => perhaps_a_root(&certificate, false),
        _ => None,
    };
    warnings.extend(odd.iter().chain(&root).map(|odd| sentence(odd)));
    Ok(Some(ScopeRow { kind, servers }))
}

/// Refuses a kind that is not the one that the certificate has already. Where it vouches for
/// nobody, nobody depends on what it is.
fn check_kind(
    fingerprint: Fingerprint,
    before: &ScopeRow,
    asked: Option<CertificateKind>,
) -> Result<(), ImportError> {
    let is_free = before.servers == Servers::Named(BTreeSet::new());
    let Some(asked) = asked.filter(|asked| *asked != before.kind && !is_free) else {
        return Ok(());
    };
    Err(ImportError::input(
        format!(
            "{fingerprint} is known as {} already, and what a certificate is stays as it is",
            a(before.kind)
        ),
        format!(
            "take its scope away (anchorhold scope {fingerprint} --none), then name its servers \
             again with --as {}",
            EntryKind::Certificate(asked).as_str()
        ),
    ))
}

/// Whether all of the first are among the second.
fn is_within(servers: &Servers, others: &Servers) -> bool {
    match (servers, others) {
        (_, Servers::Any) => true,
        (Servers::Any, Servers::Named(_)) => false,
        (Servers::Named(servers), Servers::Named(others)) => servers.is_subset(others),
    }
}

/// The certificate, from whichever store holds it.
fn find(kernel: &Kernel, fingerprint: Fingerprint) -> Result<Item, ImportError> {
    let mut silent = None;
    for store in kernel.stores() {
        match store.snapshot() {
            Ok(snapshot) => {
                if let Some(item) = snapshot.certificate(&fingerprint) {
                    return Ok(item.clone());
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
