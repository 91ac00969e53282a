//! Which servers a change of scope concerns, and what it does to them.

use std::collections::BTreeMap;

use anchorhold_state::{Event, Transaction};

use crate::import::KnownServer;
use crate::kernel::Kernel;
use crate::view::Held;
use crate::{CertificateKind, Fingerprint, ScopeRow, ScopeTable, ServerName, Servers};

/// What changes for one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerChange {
    /// The server.
    pub server: ServerName,
    /// The certificates that are in its scope from now on.
    pub gains: Vec<Fingerprint>,
    /// The certificates that no longer are.
    pub loses: Vec<Fingerprint>,
    /// Whether acceptance on first use stops applying, because something is held now.
    pub acceptance_stops: bool,
    /// Whether nothing is held any more that vouches, as an intermediate does not by itself.
    pub nothing_left: bool,
}

/// The rows of the scope table that change; none where a row goes.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    rows: BTreeMap<Fingerprint, Option<ScopeRow>>,
}

impl Rows {
    pub(super) fn put(&mut self, fingerprint: Fingerprint, row: ScopeRow) {
        self.rows.insert(fingerprint, Some(row));
    }

    pub(super) fn remove(&mut self, fingerprint: Fingerprint) {
        self.rows.insert(fingerprint, None);
    }

    /// Writes the changes of a table into a transaction, and who loses by them.
    pub(super) fn record(&self, before: &ScopeTable, transaction: &mut Transaction<'_>) {
        for (fingerprint, row) in &self.rows {
            match row {
                Some(row) => transaction.put_scope(*fingerprint, row),
                None => transaction.remove_scope(*fingerprint),
            }
            let servers = |row: &ScopeRow| row.servers.clone();
            let (old, new) = (
                before.row(fingerprint).map(servers),
                row.as_ref().map(servers),
            );
            if let Some(losers) = old.and_then(|old| losers(&old, new.as_ref())) {
                let event = Event::new("scope-lost", format!("it no longer vouches for {losers}"));
                transaction.note(event.certificate(*fingerprint));
            }
        }
    }

    /// The certificates that come into the scope of a server, and those that leave it.
    fn difference(
        &self,
        before: &ScopeTable,
        after: &ScopeTable,
        server: &ServerName,
    ) -> (Vec<Fingerprint>, Vec<Fingerprint>) {
        let only = |one: &ScopeTable, other: &ScopeTable| {
            let covered = self.rows.keys().filter(|digest| one.covers(digest, server));
            covered
                .filter(|digest| !other.covers(digest, server))
                .copied()
                .collect()
        };
        (only(after, before), only(before, after))
    }

    /// The table after the changes.
    fn applied(&self, scope: &ScopeTable) -> ScopeTable {
        let mut after = scope.clone();
        for (fingerprint, row) in &self.rows {
            match row {
                Some(row) => after.rows.insert(*fingerprint, row.clone()),
                None => after.rows.remove(fingerprint),
            };
        }
        after
    }
}

/// What the changes do to the servers that the operator has; those that they leave alone are left
/// out. The stores are those that a certificate is about to be written to.
pub(super) fn changes(
    kernel: &Kernel,
    scope: &ScopeTable,
    rows: &Rows,
    stores: &[String],
    known: &[KnownServer],
) -> Vec<ServerChange> {
    if rows.rows.is_empty() {
        return Vec::new();
    }
    let after = rows.applied(scope);
    known
        .iter()
        .filter_map(|known| {
            let (gains, loses) = rows.difference(scope, &after, &known.name);
            if gains.is_empty() && loses.is_empty() {
                return None;
            }
            let held = |table: &ScopeTable| {
                kernel
                    .view(&known.name, &known.stores, table.clone())
                    .held()
            };
            let (before, later) = (held(scope), held(&after));
            let written = known.stores.iter().any(|store| stores.contains(store));
            let gets = !gains.is_empty() && (written || later != Held::No);
            let stops_vouching = any_vouches(&loses, scope)
                && !(written && any_vouches(&gains, &after))
                && kernel
                    .view(&known.name, &known.stores, after.clone())
                    .vouches_for_nothing();
            Some(ServerChange {
                server: known.name.clone(),
                acceptance_stops: before == Held::No && gets,
                nothing_left: stops_vouching,
                gains,
                loses,
            })
        })
        .collect()
}

/// Whether one of the certificates vouches by itself, as an intermediate does not.
fn any_vouches(certificates: &[Fingerprint], table: &ScopeTable) -> bool {
    certificates
        .iter()
        .filter_map(|fingerprint| table.row(fingerprint))
        .any(|row| row.kind != CertificateKind::Intermediate)
}

/// The servers of an old row that are not in a new one, for people; none where there is none.
fn losers(old: &Servers, new: Option<&Servers>) -> Option<String> {
    match (old, new) {
        (_, Some(Servers::Any)) => None,
        (Servers::Any, _) => Some("any server".to_owned()),
        (Servers::Named(old), new) => {
            let gone = old
                .iter()
                .filter(|name| new.is_none_or(|new| !new.contains(name)));
            let gone: Vec<_> = gone.map(ServerName::as_str).collect();
            (!gone.is_empty()).then(|| gone.join(", "))
        }
    }
}
