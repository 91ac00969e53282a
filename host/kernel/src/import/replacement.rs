//! The certificate that a new one takes the place of.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::import::preview::Rows;
use crate::import::{ImportError, Request};
use crate::kernel::Kernel;
use crate::plan::StoreScope;
use crate::snapshot::Snapshot;
use crate::store::Store;
use crate::{Fingerprint, ScopeRow, ScopeTable, ServerName, Servers};

/// Takes the replaced certificate out of the scope of the request's servers; returns it where it
/// goes out of the stores as well, because nobody is left. Where somebody is, a note says who.
pub(super) fn replacement(
    kernel: &Kernel,
    scope: &ScopeTable,
    request: &Request,
    rows: &mut Rows,
    notes: &mut Vec<String>,
) -> Result<Option<Fingerprint>, ImportError> {
    let Some(old) = request.replace else {
        return Ok(None);
    };
    if request
        .certificates
        .iter()
        .any(|new| new.facts.fingerprint == old)
    {
        return Err(ImportError::input(
            "a certificate cannot take its own place",
            "leave --replace out, or name the certificate that goes",
        ));
    }
    let Some(row) = scope.row(&old) else {
        return unscoped(kernel, request, old);
    };
    check_scope(old, &row.servers, &request.servers)?;
    match without(&row.servers, &request.servers) {
        Some(servers) => {
            notes.push(format!(
                "the certificate {old} no longer vouches for {}; it stays for {}",
                listed(&request.servers),
                listed(&servers)
            ));
            rows.put(
                old,
                ScopeRow {
                    kind: row.kind,
                    servers,
                },
            );
            Ok(None)
        }
        None => {
            rows.remove(old);
            Ok(Some(old))
        }
    }
}

/// The servers of the first that are not of the second; none where none is left.
pub(super) fn without(from: &Servers, gone: &Servers) -> Option<Servers> {
    match (from, gone) {
        (_, Servers::Any) => None,
        (Servers::Any, Servers::Named(_)) => Some(Servers::Any),
        (Servers::Named(from), Servers::Named(gone)) => {
            let left: BTreeSet<_> = from.difference(gone).cloned().collect();
            (!left.is_empty()).then_some(Servers::Named(left))
        }
    }
}

/// What the table does not name is replaced only where its store is believed, or is meant for
/// every server: elsewhere it has vouched for nobody.
fn unscoped(
    kernel: &Kernel,
    request: &Request,
    old: Fingerprint,
) -> Result<Option<Fingerprint>, ImportError> {
    let holders: Vec<&Store> = request
        .stores
        .iter()
        .filter_map(|name| kernel.store(name))
        .filter(|store| {
            let held = |snapshot: Arc<Snapshot>| snapshot.certificate(&old).is_some();
            store.snapshot().is_ok_and(held)
        })
        .collect();
    if holders.is_empty() {
        return Err(ImportError::NotHeld {
            fingerprint: old,
            stores: request.stores.clone(),
        });
    }
    let speaks = |store: &&Store| store.plan().scope != StoreScope::Imported;
    if holders.iter().any(speaks) {
        return Ok(Some(old));
    }
    Err(does_not_vouch(old, &request.servers, None))
}

/// Refuses the replacement of what did not vouch for all of the servers.
fn check_scope(old: Fingerprint, from: &Servers, gone: &Servers) -> Result<(), ImportError> {
    match (from, gone) {
        (Servers::Any, Servers::Any) => Ok(()),
        (Servers::Any, Servers::Named(_)) => Err(ImportError::input(
            format!("{old} vouches for any server, and single ones cannot be taken from it"),
            format!(
                "leave --replace out, or narrow it first: anchorhold scope {old} --server NAME..."
            ),
        )),
        (Servers::Named(names), Servers::Any) if !names.is_empty() => Ok(()),
        (Servers::Named(names), Servers::Named(gone))
            if !names.is_empty() && gone.is_subset(names) =>
        {
            Ok(())
        }
        (Servers::Named(names), gone) => Err(does_not_vouch(old, gone, Some(names))),
    }
}

fn does_not_vouch(
    old: Fingerprint,
    servers: &Servers,
    known: Option<&BTreeSet<ServerName>>,
) -> ImportError {
    let strangers: BTreeSet<ServerName> = match servers {
        Servers::Any => return not_scoped(old, &BTreeSet::new(), known),
        Servers::Named(names) => names
            .iter()
            .filter(|name| known.is_none_or(|known| !known.contains(*name)))
            .cloned()
            .collect(),
    };
    not_scoped(old, &strangers, known)
}

/// A certificate does not vouch for these servers, but for those; no servers are any.
pub(super) fn not_scoped(
    fingerprint: Fingerprint,
    strangers: &BTreeSet<ServerName>,
    known: Option<&BTreeSet<ServerName>>,
) -> ImportError {
    let names = |names: Option<&BTreeSet<ServerName>>, none: &str| match names
        .filter(|names| !names.is_empty())
    {
        Some(names) => listed(&Servers::Named(names.clone())),
        None => none.to_owned(),
    };
    ImportError::input(
        format!(
            "{fingerprint} does not vouch for {}, but for {}",
            names(Some(strangers), "any server"),
            names(known, "no server")
        ),
        "see what is held for whom: anchorhold list",
    )
}

/// Servers in a sentence.
pub(super) fn listed(servers: &Servers) -> String {
    match servers {
        Servers::Any => "any server".to_owned(),
        Servers::Named(names) => {
            let names: Vec<_> = names.iter().map(ServerName::as_str).collect();
            names.join(", ")
        }
    }
}
