//! Whether an acceptance still applies, and what is left of one that does not.

use super::end;
use crate::context::Context;
use crate::error::ConnectError;
use anchorhold_kernel::Store;
use anchorhold_state::{
    Allow, CertificateKind, Event, Intent, IntentEnd, ScopeRow, Servers, Transaction,
};
use std::collections::BTreeSet;

/// Whether the server may still be given the certificate: it is not strict, or was lowered for
/// this, and nothing else came into its scope by name.
pub(super) fn allowed(
    context: &Context,
    change: &Transaction<'_>,
    intent: &Intent,
) -> Result<bool, ConnectError> {
    let standing = change.server(&intent.server);
    let now = context.now().unix_timestamp();
    let open = match standing.lowered(now) {
        Some(lowered) => lowered.allow == Allow::Accept,
        None => !standing.is_strict(),
    };
    if !open || change.intent(&intent.server) != Some(intent) {
        return Ok(false);
    }
    // The writers' lock is held, so the table that is read is the table that is changed.
    let table = context.state.scope_for(&intent.server)?;
    let mut others = table.rows.iter().filter(|(fingerprint, row)| {
        **fingerprint != intent.fingerprint && matches!(row.servers, Servers::Named(_))
    });
    Ok(others.next().is_none())
}

/// The certificate's row once it vouches for the server too; the text says why it cannot.
pub(super) fn scope_row(
    context: &Context,
    intent: &Intent,
) -> Result<Result<ScopeRow, String>, ConnectError> {
    let known = context.state.scope_row(&intent.fingerprint)?;
    let mut servers = match known {
        None => BTreeSet::new(),
        Some(ScopeRow {
            kind: CertificateKind::Pin,
            servers: Servers::Named(names),
        }) => names,
        Some(_) => {
            return Ok(Err(format!(
                "{} is held as a CA for other servers, and acceptance does not change that",
                intent.fingerprint
            )));
        }
    };
    servers.insert(intent.server.clone());
    Ok(Ok(ScopeRow {
        kind: CertificateKind::Pin,
        servers: Servers::Named(servers),
    }))
}

/// Takes the certificate out again, unless it vouches for somebody, and ends the intent. What an
/// operator had put there under another label stays.
pub(super) fn withdraw(
    context: &Context,
    store: &Store,
    intent: &Intent,
) -> Result<(), ConnectError> {
    if context.state.scope_row(&intent.fingerprint)?.is_none() {
        store.remove_certificate(&intent.fingerprint, &intent.label)?;
        let mut change = context.state.write(&context.actor, context.now())?;
        change.note(
            Event::new("acceptance-withdrawn", "acceptance did not apply any more")
                .server(&intent.server)
                .certificate(intent.fingerprint)
                .store(intent.store.as_str()),
        );
        change.commit()?;
    }
    end(context, &intent.server, IntentEnd::Undone)
}
