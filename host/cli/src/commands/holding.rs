//! What the stores hold, in the form that several commands look things up in.

use anchorhold_api as api;
use anchorhold_kernel::{
    CertificateKind, Entry, EntryServers, Fingerprint, ScopeTable, ServerName, Servers,
};
use time::OffsetDateTime;

use super::validity;
use crate::exit::{Exit, Failure};
use crate::fingerprint::{NotOne, Prefix};
use crate::home::Home;

/// What some stores hold, and what is said of it.
#[derive(Debug)]
pub(super) struct Holding {
    /// What they hold, store by store.
    pub(super) entries: Vec<Entry>,
    /// The stores that could not be listed.
    pub(super) failed: Vec<api::FailedStore>,
    /// The scope table.
    pub(super) scope: ScopeTable,
}

impl Holding {
    /// What the named stores hold; all of them where none is named.
    pub(super) fn look(home: &Home, stores: &[String]) -> Result<Self, Failure> {
        let kernel = home.kernel()?;
        let stores = match stores.is_empty() {
            true => kernel
                .stores()
                .iter()
                .map(|store| store.name().to_owned())
                .collect(),
            false => stores.to_vec(),
        };
        let scope = home.state()?.scope()?;
        let (entries, silent) = kernel.entries(&stores, &scope);
        let failed = silent.into_iter();
        Ok(Self {
            entries,
            failed: failed
                .map(|(store, message)| api::FailedStore { store, message })
                .collect(),
            scope,
        })
    }

    /// The certificate that a fingerprint, perhaps cut short, names.
    pub(super) fn find(&self, prefix: &Prefix) -> Result<Fingerprint, Failure> {
        let held = self.entries.iter().map(|entry| &entry.fingerprint);
        let scoped = self.scope.rows.keys();
        prefix
            .find(held.chain(scoped))
            .map_err(|why| self.not_one(prefix, why))
    }

    /// The entries of one certificate.
    pub(super) fn of<'a>(&'a self, one: &'a Fingerprint) -> impl Iterator<Item = &'a Entry> {
        self.entries
            .iter()
            .filter(move |entry| entry.fingerprint == *one)
    }

    /// Whom a certificate is about, where a store holds it.
    pub(super) fn subject(&self, one: &Fingerprint) -> String {
        let facts = self.of(one).find_map(|entry| entry.facts().ok());
        facts.map_or_else(|| "held by no store".to_owned(), |facts| facts.subject)
    }

    fn not_one(&self, prefix: &Prefix, why: NotOne) -> Failure {
        match why {
            NotOne::Several(several) => {
                let several: Vec<String> = several.iter().map(ToString::to_string).collect();
                let message = format!(
                    "{prefix} begins the fingerprint of several: {}",
                    several.join(", ")
                );
                Failure::usage("fingerprint-ambiguous", message).remedy("give more of its digits")
            }
            NotOne::Unknown if self.failed.is_empty() => {
                let message = format!("no store holds a certificate whose SHA-256 begins {prefix}");
                Failure::usage("certificate-unknown", message).remedy(LIST)
            }
            NotOne::Unknown => {
                let mut failure = Failure::failed(
                    "store-unavailable",
                    format!("no store that answers holds a certificate that begins {prefix}"),
                );
                failure.causes = self
                    .failed
                    .iter()
                    .map(|failed| format!("store \"{}\": {}", failed.store, failed.message))
                    .collect();
                failure
            }
        }
    }
}

/// The exit status of an answer that leaves some stores out.
pub(super) fn exit_of(failed: &[api::FailedStore]) -> Exit {
    if failed.is_empty() {
        Exit::Done
    } else {
        Exit::Failed
    }
}

/// The names are those of stores, or it is wrong usage.
pub(super) fn check_stores(home: &Home, names: &[String]) -> Result<(), Failure> {
    let kernel = home.kernel()?;
    match names.iter().find(|name| kernel.store(name).is_none()) {
        None => Ok(()),
        Some(name) => Err(unknown_store(home, name)?),
    }
}

/// Why a name is no store's.
pub(super) fn unknown_store(home: &Home, name: &str) -> Result<Failure, Failure> {
    let known: Vec<&str> = home
        .kernel()?
        .stores()
        .iter()
        .map(|store| store.name())
        .collect();
    let message = format!("no store \"{name}\"; there are: {}", known.join(", "));
    let remedy = format!(
        "name one of them, make it with `store create`, or add a [[store]] of that name to {}",
        home.paths.file().display()
    );
    Ok(Failure::usage("unknown-store", message).remedy(remedy))
}

/// One line of a list.
pub(super) fn certificate(entry: &Entry, now: OffsetDateTime) -> api::Certificate {
    let facts = entry.facts().ok().filter(|_| entry.is_certificate());
    let dates = facts.as_ref().and_then(|facts| validity::note(facts, now));
    let notes: Vec<String> = dates.into_iter().chain(entry.note.clone()).collect();
    let text = |of: fn(&anchorhold_kernel::certificate::Facts) -> String| {
        facts.as_ref().map(of).unwrap_or_default()
    };
    api::Certificate {
        sha256: entry.fingerprint.to_string(),
        subject: text(|facts| facts.subject.clone()),
        issuer: text(|facts| facts.issuer.clone()),
        not_before: text(|facts| facts.not_before_text()),
        not_after: text(|facts| facts.not_after_text()),
        label: entry.label.clone(),
        store: entry.store.clone(),
        servers: listed_servers(&entry.servers),
        kind: entry.kind.as_str().to_owned(),
        note: (!notes.is_empty()).then(|| notes.join("; ")),
    }
}

/// For whom a listed item vouches.
pub(super) fn listed_servers(servers: &EntryServers) -> api::Servers {
    match servers {
        EntryServers::Any => api::Servers::Any,
        EntryServers::Named(names) => api::Servers::Named(texts(names)),
        EntryServers::None => api::Servers::None,
    }
}

/// For whom a row of the scope table says that a certificate vouches.
pub(super) fn scoped_servers(servers: Option<&Servers>) -> api::Servers {
    match servers {
        Some(Servers::Any) => api::Servers::Any,
        // A row without a server only keeps what the certificate is.
        Some(Servers::Named(names)) if !names.is_empty() => api::Servers::Named(texts(names)),
        Some(Servers::Named(_)) | None => api::Servers::None,
    }
}

/// The word for a kind.
pub(super) fn kind_word(kind: CertificateKind) -> &'static str {
    match kind {
        CertificateKind::Anchor => "anchor",
        CertificateKind::Intermediate => "intermediate",
        CertificateKind::Pin => "pin",
    }
}

/// What shows the fingerprints that there are.
const LIST: &str = "see what is held: anchorhold list";

fn texts<'a>(names: impl IntoIterator<Item = &'a ServerName>) -> Vec<String> {
    names.into_iter().map(ToString::to_string).collect()
}
