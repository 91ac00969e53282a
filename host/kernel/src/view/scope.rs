//! What an item is to a server: by the host's table, by the store's configured scope.

use anchorhold_boundary::item::{Item, Kind};

use crate::certificate;
use crate::outline::Outline;
use crate::plan::StoreScope;
use crate::snapshot::{Position, Trust, trust};
use crate::view::part::{Part, PartScope};
use crate::{CertificateKind, ScopeRow, ScopeTable, ServerName, Servers};

/// What an item is to a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// It may be the presented certificate.
    pub(crate) pin: bool,
    /// A path may start from it.
    pub(crate) anchor: bool,
    /// It helps to build paths.
    pub(crate) intermediate: bool,
}

impl Standing {
    /// What it is by either of two stores.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            pin: self.pin || other.pin,
            anchor: self.anchor || other.anchor,
            intermediate: self.intermediate || other.intermediate,
        }
    }

    /// Whether it may vouch by itself.
    pub(crate) fn vouches(self) -> bool {
        self.pin || self.anchor
    }

    /// Whether it is anything at all.
    pub(crate) fn counts(self) -> bool {
        self.vouches() || self.intermediate
    }

    const NONE: Self = Self {
        pin: false,
        anchor: false,
        intermediate: false,
    };

    fn of(kind: CertificateKind) -> Self {
        match kind {
            CertificateKind::Anchor => Self {
                anchor: true,
                ..Self::NONE
            },
            CertificateKind::Intermediate => Self {
                intermediate: true,
                ..Self::NONE
            },
            CertificateKind::Pin => Self {
                pin: true,
                ..Self::NONE
            },
        }
    }
}

/// What an item of a store is to a server; a view without a server has everything in scope.
pub(crate) fn standing(
    part: &Part,
    found: &Position<'_>,
    scope: &ScopeTable,
    server: Option<&ServerName>,
) -> Standing {
    let row = scope.row(&found.fingerprint);
    standing_by(part, found.item, row, server)
}

/// The same of an item by its row of the table, if it has one.
pub(crate) fn standing_by(
    part: &Part,
    item: &Item,
    row: Option<&ScopeRow>,
    server: Option<&ServerName>,
) -> Standing {
    if item.kind != Kind::Certificate {
        return Standing::NONE;
    }
    let configured = match part.scope {
        PartScope::Everything(kind) => return Standing::of(kind),
        PartScope::Configured(configured) => configured,
    };
    let Some(server) = server else {
        return Standing::NONE;
    };
    if let Some(row) = row.filter(|row| row.servers.contains(server)) {
        return by_row(row.kind, &row.servers);
    }
    let fixed = row.map(|row| row.kind);
    match configured {
        // Nobody can tell what its store says of it, so its store does not speak for it.
        _ if item.trust_unknown => Standing::NONE,
        StoreScope::Imported => Standing::NONE,
        StoreScope::Any => of_any(item, fixed),
        StoreScope::Store => told(item, server, fixed),
    }
}

/// A pin for every server is none at all, wherever it comes from.
pub(crate) fn by_row(kind: CertificateKind, servers: &Servers) -> Standing {
    match (kind, servers) {
        (CertificateKind::Pin, Servers::Any) => Standing::NONE,
        (kind, _) => Standing::of(kind),
    }
}

/// In a store whose anchors are for all servers: CA certificates that it calls anchors.
fn of_any(item: &Item, fixed: Option<CertificateKind>) -> Standing {
    let anchor = matches!(trust(item), Trust::Anchor { .. })
        && Outline::read(&item.der).is_ok_and(|outline| outline.is_ca());
    match fixed {
        _ if !anchor => Standing::NONE,
        Some(CertificateKind::Pin) => Standing::NONE,
        Some(kind) => Standing::of(kind),
        None => Standing::of(CertificateKind::Anchor),
    }
}

/// In a store that is believed.
fn told(item: &Item, server: &ServerName, fixed: Option<CertificateKind>) -> Standing {
    let tells = tells(item);
    let by_name = tells.names(server);
    if !by_name && !tells.all() {
        return Standing::NONE;
    }
    let Some(kind) = fixed.or_else(|| told_kind(item)) else {
        return Standing::NONE;
    };
    let mut standing = Standing::of(kind);
    standing.pin &= by_name;
    // The store does not say which of the two a self-signed CA certificate is, so it is both.
    if fixed.is_none() && kind == CertificateKind::Anchor && by_name {
        standing.pin = certificate::is_self_signed(&item.der);
    }
    standing
}

/// What a certificate is where only its store speaks for it; none where it is none.
pub(crate) fn told_kind(item: &Item) -> Option<CertificateKind> {
    if item.kind != Kind::Certificate {
        return None;
    }
    let outline = Outline::read(&item.der).ok()?;
    let trusted = matches!(trust(item), Trust::Anchor { .. });
    Some(match (outline.is_ca(), trusted) {
        (true, true) => CertificateKind::Anchor,
        (true, false) => CertificateKind::Intermediate,
        (false, _) => CertificateKind::Pin,
    })
}

/// What a store says of whom an item is meant for.
pub(crate) fn tells(item: &Item) -> Tells<'_> {
    Tells(&item.scope)
}

/// Servers as a store names them: one a line, `*` for all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tells<'a>(&'a str);

impl<'a> Tells<'a> {
    /// Whether it is meant for all.
    pub(crate) fn all(self) -> bool {
        self.lines().any(|line| line == "*")
    }

    /// Whether a server is named.
    pub(crate) fn names(self, server: &ServerName) -> bool {
        self.lines()
            .any(|line| line != "*" && ServerName::new(line) == *server)
    }

    /// The servers that are named.
    pub(crate) fn servers(self) -> impl Iterator<Item = ServerName> + use<'a> {
        self.lines()
            .filter(|line| *line != "*")
            .map(ServerName::new)
    }

    fn lines(self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.0
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
    }
}
