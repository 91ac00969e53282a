//! What the operator's home knows of one server, as far as it can be carried to another home.

use crate::certificate::Validity;
use crate::stage::Trouble;
use anchorhold_kernel::{CertificateKind, EntryKind, Fingerprint, Held};
use anchorhold_session::context::Context;
use anchorhold_session::level::{Era, Level};
use anchorhold_session::server::Server;
use anchorhold_state::{Lowered, Record, Standing};
use std::fmt;
use time::OffsetDateTime;

/// What is known of one server.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// The level that is declared, else the one that was last told inside TLS.
    pub(super) level: Option<Level>,
    pub(super) strict: bool,
    pub(super) lowered: Option<Lowered>,
    pub(super) held: Vec<HeldCertificate>,
    /// A store that did not answer, and why.
    silent: Option<(String, String)>,
    notes: Vec<String>,
}

/// A certificate that is held for the server.
#[derive(Clone, Debug)]
pub(super) struct HeldCertificate {
    fingerprint: Fingerprint,
    pub(super) kind: CertificateKind,
    pub(super) validity: Validity,
}

impl Known {
    /// Reads ledger and stores; waits for the disk.
    pub(super) fn look(context: &Context, server: &Server) -> Result<Self, Trouble> {
        let standing = context.state.server(&server.name)?;
        let now = (context.clock)();
        let mut known = Self {
            level: level(server, &standing),
            strict: standing.is_strict(),
            lowered: standing.lowered(now.unix_timestamp()).cloned(),
            held: Vec::new(),
            silent: None,
            notes: Vec::new(),
        };
        known.look_at_ledger(context, server, &standing)?;
        known.look_at_stores(context, server)?;
        known.look_at_policy(context, server);
        Ok(known)
    }

    /// Whether the server is known to be enhanced, so that "before" is over for it.
    pub(super) fn is_enhanced(&self) -> bool {
        self.level.is_some_and(|level| level.era() == Era::Enhanced)
    }

    fn look_at_ledger(
        &mut self,
        context: &Context,
        server: &Server,
        standing: &Standing,
    ) -> Result<(), Trouble> {
        if standing.lost {
            self.notes
                .push("what the ledger knew of it is lost".to_owned());
        }
        if !self.strict
            && let Some(twin) = context.state.strict_at(&server.endpoint(), &server.name)?
        {
            self.strict = true;
            self.notes.push(format!(
                "strict because {} has the same address",
                twin.server
            ));
        }
        Ok(())
    }

    fn look_at_stores(&mut self, context: &Context, server: &Server) -> Result<(), Trouble> {
        let view = context.view(server)?;
        match view.held() {
            Held::No => {}
            Held::Unanswered { store, why } => self.silent = Some((store, why)),
            Held::Yes(fingerprints) => {
                for entry in view.entries() {
                    let EntryKind::Certificate(kind) = entry.kind else {
                        continue;
                    };
                    let seen = |held: &HeldCertificate| held.fingerprint == entry.fingerprint;
                    if fingerprints.contains(&entry.fingerprint) && !self.held.iter().any(seen) {
                        let facts = entry.facts()?;
                        let from = OffsetDateTime::from_unix_timestamp(facts.not_before)?;
                        let until = OffsetDateTime::from_unix_timestamp(facts.not_after)?;
                        self.held.push(HeldCertificate {
                            fingerprint: entry.fingerprint,
                            kind,
                            validity: Validity { from, until },
                        });
                    }
                }
            }
        }
        Ok(())
    }

    /// What of the policy cannot be carried over.
    fn look_at_policy(&mut self, context: &Context, server: &Server) {
        if let Some(expected) = server.policy.expect {
            self.notes
                .push(format!("acceptance would take sha256:{expected} only"));
        }
        let kernel = &context.kernel;
        let destination = match &server.policy.accept_into {
            Some(name) => kernel.store(name).is_some(),
            None => {
                let mut stores = context.stores(server).iter();
                stores.any(|name| {
                    kernel
                        .store(name)
                        .is_some_and(|store| store.is_file_store())
                })
            }
        };
        if server.ssl && !self.is_enhanced() {
            let note = "before the upgrade TCPPort has to be the server's SSL-only port";
            self.notes.push(note.to_owned());
        }
        if server.accept && !destination {
            self.notes
                .push("no store could take an accepted certificate".to_owned());
        }
    }

    /// Whether a store of it does not answer.
    pub(super) fn is_silent(&self) -> bool {
        self.silent.is_some()
    }
}

/// Where a session with SSL No was completed inside TLS, the server is enhanced whether or not it
/// said so.
fn level(server: &Server, standing: &Standing) -> Option<Level> {
    let recorded = |record: &Record| record.level.as_ref()?.value.parse().ok();
    let told = || standing.record.as_ref().and_then(recorded);
    let implied = || {
        let record = standing.record.as_ref()?;
        (record.last_session.is_some() && !server.ssl).then_some(super::ENHANCED)
    };
    server.policy.level.or_else(told).or_else(implied)
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let security = if self.strict {
            "strict"
        } else {
            "transitional"
        };
        f.write_str(security)?;
        match self.level {
            Some(level) => write!(f, ", level {level}")?,
            None => f.write_str(", level unknown")?,
        }
        if let Some(lowered) = &self.lowered {
            write!(f, ", lowered by hand to {}", lowered.allow)?;
        }
        match (&self.silent, self.held.is_empty()) {
            (Some((store, why)), _) => write!(f, ", store \"{store}\" does not answer: {why}")?,
            (None, true) => f.write_str(", no certificate is held")?,
            (None, false) => {}
        }
        for held in &self.held {
            let kind = kind(held.kind);
            let until = held.validity.until.date();
            write!(
                f,
                ", held: {kind} sha256:{} until {until}",
                held.fingerprint
            )?;
        }
        self.notes.iter().try_for_each(|note| write!(f, ", {note}"))
    }
}

fn kind(kind: CertificateKind) -> &'static str {
    match kind {
        CertificateKind::Anchor => "anchor",
        CertificateKind::Intermediate => "intermediate",
        CertificateKind::Pin => "pin",
    }
}
