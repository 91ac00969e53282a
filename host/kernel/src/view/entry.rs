//! What a list shows of a store.

use std::sync::Arc;

use anchorhold_boundary::item::{Item, Kind};

use crate::certificate::{CertificateError, Facts};
use crate::import::{is_stock, names_server};
use crate::outline::Outline;
use crate::plan::StoreScope;
use crate::snapshot::{Position, Snapshot, Trust, trust};
use crate::view::part::{Part, PartScope};
use crate::view::scope::{Tells, tells, told_kind};
use crate::{CertificateKind, Fingerprint, ScopeTable, ServerName, Servers};

/// One certificate or distrusted thing of one store, as a list shows it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The SHA-256 of the certificate; of a key or a distrusted issuer, of its bytes.
    pub fingerprint: Fingerprint,
    /// The store that holds it.
    pub store: String,
    /// Its label there.
    pub label: String,
    /// What it is.
    pub kind: EntryKind,
    /// For whom it vouches.
    pub servers: EntryServers,
    /// What is odd about it; the dates are the reader's to compare.
    pub note: Option<String>,
    snapshot: Arc<Snapshot>,
    position: usize,
}

impl Entry {
    /// The item behind it.
    pub fn item(&self) -> Option<&Item> {
        self.snapshot.items().get(self.position)
    }

    /// Its bytes: a certificate, or what is distrusted.
    pub fn der(&self) -> &[u8] {
        self.item().map_or(&[], |item| &item.der)
    }

    /// What a person reads about it, if it is a certificate that can be read.
    pub fn facts(&self) -> Result<Facts, CertificateError> {
        Facts::with_fingerprint(self.der(), self.fingerprint)
    }

    /// Whether it is a certificate, and not something else that is distrusted.
    pub fn is_certificate(&self) -> bool {
        self.item()
            .is_some_and(|item| item.kind == Kind::Certificate)
    }
}

/// What a listed item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A certificate, with what the scope table says, or what it would be by default.
    Certificate(CertificateKind),
    /// Something that is refused wherever it appears.
    Distrust,
    /// A private key, which stays in its store and vouches for nobody.
    Key,
}

impl EntryKind {
    /// The word that programs read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Certificate(CertificateKind::Anchor) => "anchor",
            Self::Certificate(CertificateKind::Intermediate) => "intermediate",
            Self::Certificate(CertificateKind::Pin) => "pin",
            Self::Distrust => "distrust",
            Self::Key => "key",
        }
    }
}

/// For whom a listed item vouches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryServers {
    /// Every server that uses the store.
    Any,
    /// These.
    Named(Vec<ServerName>),
    /// Nobody: it has no scope.
    None,
}

impl EntryServers {
    /// Whether the server is among them.
    pub fn contains(&self, server: &ServerName) -> bool {
        match self {
            Self::Any => true,
            Self::Named(names) => names.contains(server),
            Self::None => false,
        }
    }
}

/// Everything of one store that a list shows, in the store's order.
pub(crate) fn entries_of(part: &Part, scope: &ScopeTable) -> Vec<Entry> {
    let Some(snapshot) = part.source.distrusting() else {
        return Vec::new();
    };
    snapshot
        .positions()
        .filter(|found| {
            matches!(
                found.item.kind,
                Kind::Certificate | Kind::IssuerSerial | Kind::PrivateKey | Kind::SpkiSha256
            )
        })
        .map(|found| entry(part, snapshot, &found, scope))
        .collect()
}

fn entry(part: &Part, snapshot: &Arc<Snapshot>, found: &Position<'_>, scope: &ScopeTable) -> Entry {
    let outline = Outline::read(&found.item.der);
    let distrusted = trust(found.item) == Trust::Distrust || found.item.kind != Kind::Certificate;
    let row = scope.row(&found.fingerprint);
    let kind = match row {
        _ if found.item.kind == Kind::PrivateKey => EntryKind::Key,
        _ if distrusted => EntryKind::Distrust,
        Some(row) => EntryKind::Certificate(row.kind),
        None => EntryKind::Certificate(unscoped_kind(part, found.item)),
    };
    Entry {
        fingerprint: found.fingerprint,
        store: part.store.clone(),
        label: found.item.label.clone(),
        kind,
        servers: servers(part, found.item, row.map(|row| &row.servers), kind),
        note: note(
            snapshot,
            found,
            outline.as_ref().err().map(|error| error.0.as_str()),
            kind,
        ),
        snapshot: Arc::clone(snapshot),
        position: found.position,
    }
}

/// What a certificate is that the host's own table does not name: as its store is configured, or
/// else what it would be if it were scoped to a server.
fn unscoped_kind(part: &Part, item: &Item) -> CertificateKind {
    let told = match part.scope {
        PartScope::Everything(kind) => Some(kind),
        PartScope::Configured(StoreScope::Any) => {
            let anchor = matches!(trust(item), Trust::Anchor { .. })
                && Outline::read(&item.der).is_ok_and(|outline| outline.is_ca());
            anchor.then_some(CertificateKind::Anchor)
        }
        PartScope::Configured(StoreScope::Store) if !item.scope.trim().is_empty() => {
            told_kind(item)
        }
        PartScope::Configured(StoreScope::Store | StoreScope::Imported) => None,
    };
    told.unwrap_or_else(|| {
        Outline::read(&item.der)
            .as_ref()
            .map_or(CertificateKind::Pin, |outline| likely_kind(item, outline))
    })
}

/// What a held certificate would be if it were scoped to a server without a word: what names
/// itself as its issuer is the server's own, unless it is a CA's and lies where nobody imported it,
/// as an anchor that its store lets nobody change, and neither its label nor its name is that of a
/// server's own. Its signature is not looked at, for a list of thousands asks this of each.
pub(crate) fn likely_kind(item: &Item, outline: &Outline<'_>) -> CertificateKind {
    let told = item.read_only
        && matches!(trust(item), Trust::Anchor { .. })
        && names_server(&item.label).is_none()
        && !is_stock(outline);
    match (outline.is_ca(), outline.self_issued()) {
        (true, false) => CertificateKind::Intermediate,
        (true, true) if told => CertificateKind::Anchor,
        _ => CertificateKind::Pin,
    }
}

fn servers(part: &Part, item: &Item, row: Option<&Servers>, kind: EntryKind) -> EntryServers {
    let EntryKind::Certificate(kind) = kind else {
        return EntryServers::None;
    };
    let ca = Outline::read(&item.der).is_ok_and(|outline| outline.is_ca());
    let anchors = ca && matches!(trust(item), Trust::Anchor { .. });
    let any = match part.scope {
        PartScope::Everything(_) => true,
        PartScope::Configured(_) if item.trust_unknown => false,
        PartScope::Configured(StoreScope::Any) => anchors && kind != CertificateKind::Pin,
        PartScope::Configured(StoreScope::Store) => tells(item).all() && told_kind(item).is_some(),
        PartScope::Configured(StoreScope::Imported) => false,
    };
    if any || row == Some(&Servers::Any) {
        return EntryServers::Any;
    }
    let mut names: Vec<ServerName> = match row {
        Some(Servers::Named(names)) => names.iter().cloned().collect(),
        _ => Vec::new(),
    };
    if part.scope == PartScope::Configured(StoreScope::Store) && !item.trust_unknown {
        names.extend(Tells::servers(tells(item)));
        names.sort();
        names.dedup();
    }
    if names.is_empty() {
        EntryServers::None
    } else {
        EntryServers::Named(names)
    }
}

fn note(
    snapshot: &Snapshot,
    found: &Position<'_>,
    unreadable: Option<&str>,
    kind: EntryKind,
) -> Option<String> {
    if kind == EntryKind::Key {
        return Some("a private key, which stays in its store".to_owned());
    }
    if found.item.kind != Kind::Certificate {
        let what = match found.item.kind {
            Kind::IssuerSerial => "an issuer and serial number that the store distrusts",
            _ => "a key that the store distrusts",
        };
        let broken = snapshot.distrust().unreadable().contains(&found.position);
        return Some(if broken {
            format!("{what}, but it cannot be read")
        } else {
            what.into()
        });
    }
    if let Some(why) = unreadable {
        return Some(format!("cannot be read and vouches for nothing: {why}"));
    }
    match (kind, trust(found.item)) {
        (EntryKind::Distrust, _) => Some("the store distrusts it".to_owned()),
        (EntryKind::Certificate(CertificateKind::Intermediate), _) => None,
        (_, Trust::Neutral) => Some("the store does not trust it for servers".to_owned()),
        (_, Trust::Anchor { .. }) if found.item.trust_unknown => Some(
            "flags-unknown: its store marks it in a way that is not known, so it vouches only for \
             whom scope names"
                .to_owned(),
        ),
        _ => None,
    }
}
