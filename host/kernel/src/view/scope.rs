//! What an item is to a server: by the host's table, by the store's configured scope.

use anchorhold_boundary::item::{Item, Kind};

use crate::certificate;
use crate::outline::Outline;
use crate::plan::StoreScope;
use crate::snapshot::{Position, Trust, trust};
use crate::view::part::{Part, PartScope};
use crate::{CertificateKind, ScopeTable, ServerName, Servers};

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
    if found.item.kind != Kind::Certificate {
        return Standing::NONE;
    }
    let configured = match part.scope {
        PartScope::Everything(kind) => return Standing::of(kind),
        PartScope::Configured(configured) => configured,
    };
    let Some(server) = server else {
        return Standing::NONE;
    };
    let row = scope.row(&found.fingerprint);
    if let Some(row) = row.filter(|row| row.servers.contains(server)) {
        return by_row(row.kind, &row.servers);
    }
    let fixed = row.map(|row| row.kind);
    match configured {
        StoreScope::Imported => Standing::NONE,
        StoreScope::Any => of_any(found.item, fixed),
        StoreScope::Store => told(found.item, server, fixed),
    }
}

/// A pin for every server is none at all, wherever it comes from.
fn by_row(kind: CertificateKind, servers: &Servers) -> Standing {
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
