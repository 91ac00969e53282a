//! What is done on a stage: by the operator, by a server, and by fate.

use super::report::{Errand, NOT_SENT, observe, security};
use super::{Opened, Stage, Trouble, actor, blocking, name_of};
use crate::program::Markers;
use crate::story::{Action, Certificate, Field, Observed, Script};

use anchorhold_kernel::certificate::fingerprint;
use anchorhold_session::accept;
use anchorhold_session::connect::{Wish, connect};
use anchorhold_session::context::Pause;
use anchorhold_session::decision::Security;
use anchorhold_session::error::ConnectError;
use anchorhold_session::report::Report;
use anchorhold_state::{Allow, CertificateKind, Lowered, State, Transaction};

use std::ops::ControlFlow;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use time::OffsetDateTime;

impl Stage<'_> {
    /// Does one thing and takes down what came of it.
    pub(super) async fn act(
        &mut self,
        action: &Action,
        observed: &mut Observed,
    ) -> Result<(), Trouble> {
        match action {
            Action::Connect(name) => self.connect(name, None, observed).await,
            Action::DieAfter(name, step) => {
                self.connect(name, Some(dying_after(*step)), observed).await
            }
            Action::Import(certificate, name) => self.import(*certificate, name, observed).await,
            Action::Inject(name, bytes) => self.inject(name, bytes),
            Action::Inspect(name) => self.inspect(name, observed).await,
            Action::KeepLedger => self.keep_ledger(),
            Action::Ledger(disaster) => self.lose_ledger(*disaster),
            Action::LowerToPlain(name) => self.lower_to_plain(name).await,
            Action::Raise(name) => self.raise(name).await,
            Action::Remove(certificate, name) => self.remove(*certificate, name).await,
            Action::Restart => self.restart().await,
            Action::Server(name, change) => self.role(name)?.house.change(*change),
            Action::StoreDown(down) => {
                self.store_down = *down;
                self.opened = None;
                Ok(())
            }
            Action::Write(name, script) => {
                let role = self
                    .roles
                    .get_mut(name)
                    .ok_or_else(|| Trouble::absent(name))?;
                role.script = Script::clone(script);
                Ok(())
            }
        }
    }

    fn inject(&self, name: &str, bytes: &[u8]) -> Result<(), Trouble> {
        let waits = &self.line.waits_for_bytes;
        waits.store(!bytes.is_empty(), Ordering::SeqCst);
        self.role(name)?.house.inject(bytes);
        Ok(())
    }

    async fn lower_to_plain(&mut self, name: &'static str) -> Result<(), Trouble> {
        let lowered = Lowered {
            allow: Allow::Plain,
            until: None,
            reason: "the server went back".to_owned(),
        };
        self.change(move |change| change.lower(&name_of(name), lowered))
            .await
    }

    async fn raise(&mut self, name: &'static str) -> Result<(), Trouble> {
        self.change(move |change| change.raise(&name_of(name)))
            .await
    }

    async fn connect(
        &mut self,
        name: &'static str,
        pause: Option<Pause>,
        observed: &mut Observed,
    ) -> Result<(), Trouble> {
        let mut context = self.context().await?;
        context.pause = pause;
        let server = self.server(name)?;
        let house = Arc::clone(&self.role(name)?.house);
        // What earlier sessions left on the wire belongs to them.
        house.wire();
        let wish = Wish { data_channel: true };
        let (report, session) = match connect(&context, &server, wish).await {
            Ok(ended) => ended,
            Err(ConnectError::Interrupted) => {
                observed.set(Field::Outcome, "died");
                observed.set(Field::Metadata, NOT_SENT);
                observed.set(Field::Object, NOT_SENT);
                return Ok(());
            }
            Err(error) => return Err(Trouble::of(&error)),
        };
        let errand = match session {
            Some(mut session) => {
                let markers = Markers::fresh()?;
                let delivered = markers.send(&mut session).await;
                session.close().await;
                Some(Errand { markers, delivered })
            }
            None => None,
        };
        observe(observed, &report, errand.as_ref(), &house.wire());
        if let Some(by) = self.vouched(&report) {
            observed.set(Field::By, by);
        }
        self.check_ledger(name, &report, observed).await
    }

    /// The ledger must say what the report says, but for what only lifts this one sign-on.
    async fn check_ledger(
        &mut self,
        name: &'static str,
        report: &Report,
        observed: &mut Observed,
    ) -> Result<(), Trouble> {
        let state = self.opened().await?.state;
        let recorded = blocking(move || recorded(&state, name)).await?;
        let reported = security(report.session_security);
        if recorded != reported && !report.warns("strict-by-endpoint") {
            observed.set(
                Field::Security,
                format!("{reported}, in the ledger {recorded}"),
            );
        }
        Ok(())
    }

    /// What people call the certificate that vouched.
    fn vouched(&self, report: &Report) -> Option<&'static str> {
        let used = report.certificate.as_ref()?.fingerprint;
        if used == fingerprint(self.notary.root()) {
            return Some("the root");
        }
        let mut houses = self.roles.values().map(|role| &role.house);
        houses.find_map(|house| {
            let mut papers = house.papers();
            papers.find_map(|(paper, der)| (fingerprint(der) == used).then(|| paper.as_str()))
        })
    }

    async fn inspect(
        &mut self,
        name: &'static str,
        observed: &mut Observed,
    ) -> Result<(), Trouble> {
        let opened = self.opened().await?;
        let seen = blocking(move || Inspected::of(&opened, name)).await?;
        // After a sign-on the outcome is what that came to.
        if !observed.has(Field::Outcome) {
            observed.set(Field::Outcome, "inspected");
        }
        observed.set(Field::Security, seen.security);
        observed.set(Field::Stored, seen.stored.to_string());
        observed.set(Field::Held, seen.kinds.len().to_string());
        observed.set(Field::Open, seen.open.to_string());
        if let [kind] = seen.kinds[..] {
            observed.set(Field::Kind, kind);
        }
        if let Some(version) = seen.tls_version {
            observed.set(Field::RecordedTls, version);
        }
        Ok(())
    }

    async fn change(
        &mut self,
        change: impl FnOnce(&mut Transaction<'_>) + Send + 'static,
    ) -> Result<(), Trouble> {
        let state = self.opened().await?.state;
        blocking(move || {
            let mut transaction = state.write(&actor(), OffsetDateTime::now_utc())?;
            change(&mut transaction);
            Ok(transaction.commit()?)
        })
        .await
    }

    pub(super) fn certificate(&self, certificate: Certificate) -> Result<Vec<u8>, Trouble> {
        match certificate {
            Certificate::Root => Ok(self.notary.root().to_vec()),
            Certificate::Of(server, paper) => self.role(server)?.house.certificate(paper),
        }
    }
}

/// Ends an acceptance right after a step, as a power cut would.
fn dying_after(last: accept::Step) -> Pause {
    Arc::new(move |step| {
        if step == last {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })
}

/// What ledger, scope and stores have of one server.
struct Inspected {
    security: &'static str,
    tls_version: Option<String>,
    kinds: Vec<&'static str>,
    stored: usize,
    open: usize,
}

impl Inspected {
    fn of(opened: &Opened, server: &'static str) -> Result<Self, Trouble> {
        let Opened { kernel, state } = opened;
        let name = name_of(server);
        let mut stored = 0;
        for store in kernel.stores() {
            // A store that is down holds nothing that anybody could see.
            if let Ok(snapshot) = store.fresh_snapshot() {
                stored += snapshot.items().len();
            }
        }
        let rows = state.scope_for(&name)?.rows;
        Ok(Self {
            security: recorded(state, server)?,
            tls_version: state
                .server(&name)?
                .record
                .and_then(|record| record.tls_version),
            kinds: rows.values().map(|row| kind(row.kind)).collect(),
            stored,
            open: state.intents()?.len(),
        })
    }
}

fn recorded(state: &State, server: &str) -> Result<&'static str, Trouble> {
    let strict = state.server(&name_of(server))?.is_strict();
    Ok(security(if strict {
        Security::Strict
    } else {
        Security::Transitional
    }))
}

pub(super) fn kind(kind: CertificateKind) -> &'static str {
    match kind {
        CertificateKind::Anchor => "anchor",
        CertificateKind::Intermediate => "intermediate",
        CertificateKind::Pin => "pin",
    }
}
