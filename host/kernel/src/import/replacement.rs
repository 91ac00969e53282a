//! The certificate that a new one takes the place of.

use std::collections::BTreeSet;

use crate::import::preview::Rows;
use crate::import::{ImportError, Request};
use crate::kernel::Kernel;
use crate::{Fingerprint, ScopeRow, ScopeTable, Servers};

/// Takes the replaced certificate out of the scope of the request's servers; returns it where it
/// goes out of the stores as well, because nobody is left.
pub(super) fn replacement(
    kernel: &Kernel,
    scope: &ScopeTable,
    request: &Request,
    rows: &mut Rows,
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
        if is_held(kernel, request, &old) {
            return Ok(Some(old));
        }
        return Err(ImportError::NotHeld {
            fingerprint: old,
            stores: request.stores.clone(),
        });
    };
    match without(&row.servers, &request.servers) {
        Some(servers) => {
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

fn is_held(kernel: &Kernel, request: &Request, fingerprint: &Fingerprint) -> bool {
    request
        .stores
        .iter()
        .filter_map(|name| kernel.store(name)?.snapshot().ok())
        .any(|snapshot| snapshot.certificate(fingerprint).is_some())
}
