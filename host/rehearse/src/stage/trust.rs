//! The operator's imports and removals on a stage, as the command line does them.

use super::{Stage, Trouble, actor, blocking, name_of};
use crate::story::{Certificate, Field, Observed};
use anchorhold_kernel::certificate::fingerprint;
use anchorhold_kernel::import::{self, RemovalRequest, Request, detect, remove};
use anchorhold_kernel::{CertificateKind, Kernel, ServerName, Servers};
use anchorhold_state::{Lowered, State};
use std::collections::BTreeSet;
use time::OffsetDateTime;

impl Stage<'_> {
    pub(super) async fn import(
        &mut self,
        certificate: Certificate,
        server: &'static str,
        observed: &mut Observed,
    ) -> Result<(), Trouble> {
        // A single self-signed certificate for a server is a pin unless the operator says that it
        // is a CA's.
        let kind = (certificate == Certificate::Root).then_some(CertificateKind::Anchor);
        let der = self.certificate(certificate)?;
        let opened = self.opened().await?;
        let name = name_of(server);
        let kind =
            blocking(move || import(&opened.kernel, &opened.state, &der, &name, kind)).await?;
        observed.set(Field::Outcome, "imported");
        observed.set(Field::Kind, super::deed::kind(kind));
        Ok(())
    }

    pub(super) async fn remove(
        &mut self,
        certificate: Certificate,
        server: &'static str,
    ) -> Result<(), Trouble> {
        let request = RemovalRequest {
            fingerprint: fingerprint(&self.certificate(certificate)?),
            servers: Some(BTreeSet::from([name_of(server)])),
            stores: None,
            dry_run: false,
            actor: actor(),
            now: OffsetDateTime::now_utc(),
            known: Vec::new(),
        };
        let opened = self.opened().await?;
        blocking(move || {
            remove(&opened.kernel, &opened.state, &request)?;
            Ok(())
        })
        .await
    }
}

/// Imports one certificate for one server into the first store, and says as what it counts.
pub(crate) fn import(
    kernel: &Kernel,
    state: &State,
    der: &[u8],
    server: &ServerName,
    kind: Option<CertificateKind>,
) -> Result<CertificateKind, Trouble> {
    let request = Request {
        certificates: detect(der, None)?.certificates,
        servers: Servers::Named(BTreeSet::from([server.clone()])),
        stores: first_store(kernel)?,
        kind,
        label: None,
        replace: None,
        strict: false,
        dry_run: false,
        actor: actor(),
        now: OffsetDateTime::now_utc(),
        known: Vec::new(),
    };
    let report = import::import(kernel, state, &request)?;
    let imported = report.imported.first();
    imported
        .map(|imported| imported.kind)
        .ok_or_else(|| Trouble("nothing was imported".to_owned()))
}

fn first_store(kernel: &Kernel) -> Result<Vec<String>, Trouble> {
    let first = kernel.stores().first();
    let store = first.ok_or_else(|| Trouble("there is no store".to_owned()))?;
    Ok(vec![store.name().to_owned()])
}

/// Makes the ledger of a home say of a server what another one says.
pub(crate) fn mark(
    state: &State,
    server: &ServerName,
    strict: bool,
    lowered: Option<Lowered>,
) -> Result<(), Trouble> {
    if !strict && lowered.is_none() {
        return Ok(());
    }
    let mut change = state.write(&actor(), OffsetDateTime::now_utc())?;
    change.ensure_server(server)?;
    if strict {
        change.raise(server);
    }
    if let Some(lowered) = lowered {
        change.lower(server, lowered);
    }
    change.commit()?;
    Ok(())
}
