//! Imports, removals and changes of scope over stores in memory and a real ledger.

mod copying;
mod effects;
mod failures;
mod importing;
mod kinds;
mod labels;
mod narrowing;
mod removing;
mod replacing;
mod scoping;
mod settling;
mod undertakings;

use std::collections::BTreeSet;

use anchorhold_state::{Actor, State};
use tempfile::TempDir;
use time::OffsetDateTime;

use super::*;
use crate::fixture::Stores;

/// The certificates of a file without a password.
fn found(bytes: &[u8]) -> Vec<Certificate> {
    detect(bytes, None).unwrap().certificates
}

/// Stores and a ledger.
struct Bench {
    stores: Stores,
    state: State,
    home: TempDir,
}

impl Bench {
    fn new(names: &[&str]) -> Self {
        Self::of(Stores::new(names))
    }

    fn of(stores: Stores) -> Self {
        let home = TempDir::new().unwrap();
        let state = State::open(&home.path().join("state")).unwrap();
        Self {
            stores,
            state,
            home,
        }
    }

    /// What somebody asks for who imports these for one server into every store.
    fn request(&self, ders: &[&[u8]], servers: &[&str]) -> Request {
        Request {
            certificates: ders.iter().flat_map(|der| found(der)).collect(),
            servers: Servers::Named(names(servers)),
            stores: self.stores.names.clone(),
            kind: None,
            label: None,
            replace: None,
            strict: false,
            dry_run: false,
            actor: actor(),
            now: now(),
            known: self.known(&["TSM1", "TSM2"]),
        }
    }

    fn known(&self, servers: &[&str]) -> Vec<KnownServer> {
        let stores = &self.stores.names;
        servers
            .iter()
            .map(|name| KnownServer {
                name: ServerName::new(*name),
                stores: stores.clone(),
                accepts: true,
            })
            .collect()
    }

    fn import(&self, request: &Request) -> Result<ImportReport, ImportError> {
        import(&self.stores.kernel, &self.state, request)
    }

    #[track_caller]
    fn imported(&self, request: &Request) -> ImportReport {
        self.import(request).unwrap()
    }

    /// The labels of a store.
    fn labels(&self, store: usize) -> Vec<String> {
        self.stores.contents[store]
            .items()
            .into_iter()
            .map(|item| item.label)
            .collect()
    }

    /// The events of the journal, each with what it concerns.
    fn events(&self) -> Vec<String> {
        self.state
            .journal()
            .unwrap()
            .into_iter()
            .map(|entry| entry.event)
            .collect()
    }

    /// Whether anything was ever written to the ledger.
    fn is_untouched(&self) -> bool {
        !self.home.path().join("state").exists()
    }
}

fn names(names: &[&str]) -> BTreeSet<ServerName> {
    names.iter().map(|name| ServerName::new(*name)).collect()
}

fn actor() -> Actor {
    Actor::new("root", "test")
}

/// 2030-01-01.
fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_893_456_000).unwrap()
}

#[track_caller]
fn input(result: Result<impl std::fmt::Debug, ImportError>, word: &str) -> ImportError {
    let error = result.unwrap_err();
    assert!(
        error.to_string().contains(word),
        "\"{word}\" is not in: {error}"
    );
    assert_eq!(error.whose(), Whose::Caller);
    assert!(!error.remedy().is_empty());
    error
}
