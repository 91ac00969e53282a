//! The item that a certificate becomes in a store, new or changed.

use anchorhold_boundary::item::{Decision, Item, Purpose, Rule};

use crate::certificate::common_name;
use crate::import::candidate::Candidate;
use crate::import::kind::named;
use crate::import::label::{Labels, for_server, for_subject, foreign, names_server};
use crate::import::{ImportError, Request};
use crate::outline::Outline;
use crate::snapshot::{Trust, trust};
use crate::store::Store;
use crate::{CertificateKind, Servers};

/// A certificate that the store does not hold yet.
pub(super) fn new_item(
    store: &Store,
    labels: &mut Labels,
    candidate: &Candidate<'_>,
    request: &Request,
    inherited: Option<&String>,
) -> Result<Item, ImportError> {
    let label = new_label(store, labels, candidate, request, inherited)?;
    let mut item = Item::certificate(candidate.certificate.der.clone(), label);
    if candidate.kind == CertificateKind::Intermediate {
        item.rules.clear();
    }
    item.scope = scope_text(&candidate.row.servers);
    Ok(item)
}

/// A certificate that the store holds: with the label, the trust and the scope that it gets.
pub(super) fn changed_item(
    store: &Store,
    labels: &mut Labels,
    candidate: &Candidate<'_>,
    request: &Request,
    item: &Item,
) -> Result<Item, ImportError> {
    if trust(item) == Trust::Distrust {
        return Err(ImportError::input(
            format!(
                "store \"{}\" distrusts {}",
                store.name(),
                named(candidate.certificate)
            ),
            "take the distrust out of that store first, if it is an error",
        ));
    }
    let mut new = item.clone();
    if let Some(label) = request.label.as_ref().filter(|label| **label != item.label) {
        labels.release(&item.label);
        if labels.contains(label) {
            return Err(label_taken(store, label));
        }
        new.label = labels.take(label);
    }
    if candidate.kind != CertificateKind::Intermediate && trust(item) == Trust::Neutral {
        new.rules.retain(|rule| rule.purpose != Purpose::Server);
        new.rules.push(ANCHOR);
    }
    // A store that keeps no scope lists none, and is not told one again and again.
    if !item.scope.trim().is_empty() && !item.read_only {
        new.scope = scope_text(&candidate.row.servers);
    }
    if new != *item && item.read_only {
        return Err(read_only(store, item));
    }
    Ok(new)
}

/// An item cannot be changed.
pub(super) fn read_only(store: &Store, item: &Item) -> ImportError {
    ImportError::input(
        format!(
            "store \"{}\" does not let \"{}\" be changed",
            store.name(),
            item.label
        ),
        "use another store",
    )
}

fn new_label(
    store: &Store,
    labels: &mut Labels,
    candidate: &Candidate<'_>,
    request: &Request,
    inherited: Option<&String>,
) -> Result<String, ImportError> {
    let own = own_label(candidate, request);
    // A label that names a server is not for what is no server's own.
    let inherited = inherited.filter(|label| own.is_some() || names_server(label).is_none());
    if let Some(wanted) = request.label.as_ref().or(inherited) {
        if labels.contains(wanted) {
            return Err(label_taken(store, wanted));
        }
        return Ok(labels.take(wanted));
    }
    if own.is_none()
        && let Some(label) = candidate.certificate.label.as_deref()
        && let Some(label) = foreign(label)
        && !labels.contains(label)
    {
        return Ok(labels.take(label));
    }
    let label = own.unwrap_or_else(|| {
        let outline = Outline::read(&candidate.certificate.der).ok();
        let name = outline.and_then(|outline| common_name(outline.subject));
        for_subject(&candidate.certificate.facts, name)
    });
    Ok(labels.take(&label))
}

/// The label of a server's own certificate, which it signed itself.
fn own_label(candidate: &Candidate<'_>, request: &Request) -> Option<String> {
    let (CertificateKind::Pin, Servers::Named(names)) = (candidate.kind, &request.servers) else {
        return None;
    };
    let server = names.first().filter(|_| candidate.self_signed)?;
    Some(for_server(server))
}

/// Servers as a store is told them.
fn scope_text(servers: &Servers) -> String {
    match servers {
        Servers::Any => "*".to_owned(),
        Servers::Named(names) => names
            .iter()
            .map(crate::ServerName::as_str)
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

fn label_taken(store: &Store, label: &str) -> ImportError {
    ImportError::input(
        format!(
            "store \"{}\" already has another certificate with the label \"{label}\"",
            store.name()
        ),
        "choose another --label, or leave it out",
    )
}

const ANCHOR: Rule = Rule {
    purpose: Purpose::Server,
    decision: Decision::Anchor,
    issued_before: 0,
};
