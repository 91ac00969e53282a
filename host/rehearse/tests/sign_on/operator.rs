//! An operator who works on the same home with a program of his own, while a client is at work.

use crate::bench::{actor, print_of, program};
use anchorhold_kernel::import::{RemovalRequest, Request, detect, import, remove};
use anchorhold_kernel::{Fingerprint, ServerName, Servers};
use anchorhold_rehearse::certificate::Credential;
use anchorhold_state::{Allow, Intent, Lowered, State, Transaction};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use time::OffsetDateTime;

/// Somebody who works on the same home with a program of his own.
#[derive(Clone)]
pub(crate) struct Operator {
    home: PathBuf,
    pub(crate) server: ServerName,
}

impl Operator {
    pub(crate) fn new(home: &Path, server: &str) -> Self {
        Self {
            home: home.to_owned(),
            server: ServerName::new(server),
        }
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Transaction<'_>)) {
        let state = State::open(&self.home.join("state")).expect("a state");
        let now = OffsetDateTime::now_utc();
        let mut transaction = state.write(&actor(), now).expect("a change");
        change(&mut transaction);
        transaction.commit().expect("committed");
    }

    pub(crate) fn raise(&self) {
        self.change(|change| change.raise(&self.server));
    }

    pub(crate) fn lower(&self, allow: Allow) {
        let lowered = Lowered {
            allow,
            until: None,
            reason: "a test".to_owned(),
        };
        self.change(|change| change.lower(&self.server, lowered));
    }

    /// Writes down an acceptance that has not ended.
    pub(crate) fn intend(&self, certificate: Fingerprint, store: &str) -> Intent {
        let intent = Intent {
            server: self.server.clone(),
            fingerprint: certificate,
            store: store.to_owned(),
            label: "a late one".to_owned(),
            at: 0,
        };
        self.change(|change| change.begin_intent(&intent));
        intent
    }

    /// Imports a certificate into the first store, `--strict` or not.
    pub(crate) fn import(&self, credential: &Credential, label: Option<&str>, strict: bool) {
        let program = program(&self.home, Vec::new());
        let request = Request {
            certificates: detect(credential.end_entity(), None)
                .expect("a certificate")
                .certificates,
            servers: Servers::Named(BTreeSet::from([self.server.clone()])),
            stores: vec!["keydb".to_owned()],
            kind: None,
            label: label.map(str::to_owned),
            replace: None,
            strict,
            dry_run: false,
            actor: actor(),
            now: OffsetDateTime::now_utc(),
            known: Vec::new(),
        };
        import(&program.kernel, &program.state, &request).expect("imported");
    }

    /// Removes a certificate for every server and from every store.
    pub(crate) fn remove(&self, credential: &Credential) {
        let program = program(&self.home, Vec::new());
        let request = RemovalRequest {
            fingerprint: print_of(credential),
            servers: None,
            stores: None,
            dry_run: false,
            actor: actor(),
            now: OffsetDateTime::now_utc(),
            known: Vec::new(),
        };
        remove(&program.kernel, &program.state, &request).expect("removed");
    }

    /// Puts a certificate into the first store, and tells nobody for whom.
    pub(crate) fn put(&self, credential: &Credential, label: &str) {
        let program = program(&self.home, Vec::new());
        let store = program.kernel.store("keydb").expect("a store");
        let der = credential.end_entity().to_vec();
        store.put_certificate(der, label.to_owned()).expect("put");
    }
}
