//! The rows of the scope table that a change writes, and what it means for servers.

use std::collections::BTreeMap;

use anchorhold_state::{Event, RowChange, Transaction};

use crate::{Fingerprint, ScopeRow, ScopeTable, ServerName, Servers};

/// What changes for one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerChange {
    /// The server.
    pub server: ServerName,
    /// Certificates that vouch for it, or help to, from now on and did not before; the first
    /// hundred of them.
    pub gains: Vec<Fingerprint>,
    /// How many there are.
    pub gains_total: usize,
    /// The same of those that no longer do.
    pub loses: Vec<Fingerprint>,
    /// How many there are.
    pub loses_total: usize,
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

    /// The same as it is written down before it is done.
    pub(super) fn changes(&self, before: &ScopeTable) -> Vec<RowChange> {
        let rows = self.rows.iter().map(|(fingerprint, after)| RowChange {
            fingerprint: *fingerprint,
            before: before.row(fingerprint).cloned(),
            after: after.clone(),
        });
        rows.collect()
    }

    /// The row of a certificate after the changes.
    pub(super) fn after<'r>(
        &'r self,
        before: &'r ScopeTable,
        fingerprint: &Fingerprint,
    ) -> Option<&'r ScopeRow> {
        match self.rows.get(fingerprint) {
            Some(after) => after.as_ref(),
            None => before.row(fingerprint),
        }
    }

    /// The certificates whose rows change.
    pub(super) fn fingerprints(&self) -> impl Iterator<Item = Fingerprint> {
        self.rows.keys().copied()
    }
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
