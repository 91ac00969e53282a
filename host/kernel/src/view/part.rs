//! One store of a view: what it holds, how fresh that is, and what of it is in scope.

use std::sync::Arc;
use std::time::Duration;

use crate::plan::StoreScope;
use crate::snapshot::Snapshot;
use crate::view::scope::{tells, told_kind};
use crate::{CertificateKind, Fingerprint, ServerName};

/// One store of a view.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) store: String,
    pub(crate) plugin: String,
    pub(crate) version: String,
    pub(crate) critical: bool,
    pub(crate) scope: PartScope,
    pub(crate) source: Source,
}

/// What of a store is in scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PartScope {
    /// Everything, as this; for certificates out of a file.
    Everything(CertificateKind),
    /// As the operator configured.
    Configured(StoreScope),
}

/// What a store last said, and whether that still counts.
#[derive(Debug)]
pub(crate) enum Source {
    /// It cannot be listed; what it distrusted when it last could still counts.
    Down {
        last: Option<Arc<Snapshot>>,
        why: String,
    },
    /// It was listed.
    Fresh(Arc<Snapshot>),
    /// It cannot be listed; the operator lets its last snapshot count for a while.
    Stale {
        last: Arc<Snapshot>,
        age: Duration,
        why: String,
    },
}

impl Source {
    /// What the store distrusts, however old.
    pub(crate) fn distrusting(&self) -> Option<&Arc<Snapshot>> {
        match self {
            Self::Down { last, .. } => last.as_ref(),
            Self::Fresh(snapshot) | Self::Stale { last: snapshot, .. } => Some(snapshot),
        }
    }

    /// What may vouch, and counts as held.
    pub(crate) fn vouching(&self) -> Option<&Arc<Snapshot>> {
        match self {
            Self::Down { .. } => None,
            Self::Fresh(snapshot) | Self::Stale { last: snapshot, .. } => Some(snapshot),
        }
    }

    /// Why the store could not be listed, where it could not.
    pub(crate) fn silence(&self) -> Option<&str> {
        match self {
            Self::Down { why, .. } | Self::Stale { why, .. } => Some(why),
            Self::Fresh(_) => None,
        }
    }
}

impl Part {
    /// Whether a verdict must do without it although it counts.
    pub(crate) fn is_missed(&self) -> bool {
        self.critical && matches!(self.source, Source::Down { .. })
    }

    /// What the store itself says is meant for a server by name, where it is believed.
    pub(crate) fn told_for(&self, server: &ServerName) -> Vec<Fingerprint> {
        if self.scope != PartScope::Configured(StoreScope::Store) {
            return Vec::new();
        }
        let Some(snapshot) = self.source.vouching() else {
            return Vec::new();
        };
        snapshot
            .positions()
            .filter(|found| tells(found.item).names(server) && told_kind(found.item).is_some())
            .map(|found| found.fingerprint)
            .collect()
    }

    /// One certificate for all, where the store's anchors are in scope for every server.
    pub(crate) fn stands_for_any(&self) -> Option<Fingerprint> {
        let snapshot = self.source.vouching()?;
        match self.scope {
            PartScope::Configured(StoreScope::Imported) => None,
            PartScope::Configured(StoreScope::Store) => snapshot
                .positions()
                .find(|found| tells(found.item).all() && told_kind(found.item).is_some())
                .map(|found| found.fingerprint),
            PartScope::Configured(StoreScope::Any) | PartScope::Everything(_) => {
                snapshot.first_anchor().map(|found| found.fingerprint)
            }
        }
    }
}
