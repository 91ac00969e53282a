//! What a machine that died left open: completed or undone at the next start.

use super::allowed::{allowed, scope_row, withdraw};
use super::{accepted, end, holds, lock_now};
use crate::context::Context;
use crate::error::ConnectError;
use crate::server::Server;
use anchorhold_kernel::Store;
use anchorhold_state::{Intent, IntentEnd, Record, Security};

/// What came of an intent that was found at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The store holds the certificate: scope and record are complete.
    Completed(Intent),
    /// Nobody can tell, or its owner is still at work: the intent stays.
    Left(Intent, String),
    /// The certificate is not held, or acceptance does not apply any more: nothing is left of it.
    Undone(Intent),
}

/// Completes or undoes what was open when a machine died; waits for disks, not for locks.
pub fn settle(context: &Context) -> Result<Vec<Settled>, ConnectError> {
    let open = context.state.intents()?;
    open.into_iter()
        .map(|intent| settle_one(context, intent))
        .collect()
}

/// The same for one server: a store that is slow for another one holds up nobody else.
pub(crate) fn settle_server(context: &Context, server: &Server) -> Result<(), ConnectError> {
    let open = context.state.intents()?;
    for intent in open
        .into_iter()
        .filter(|intent| intent.server == server.name)
    {
        settle_one(context, intent)?;
    }
    Ok(())
}

fn settle_one(context: &Context, intent: Intent) -> Result<Settled, ConnectError> {
    let Some(_lock) = lock_now(context, &intent.server)? else {
        return Ok(Settled::Left(
            intent,
            "another process is at work on it".to_owned(),
        ));
    };
    // Its owner may have come to the end just now.
    if !context.state.intents()?.contains(&intent) {
        return Ok(Settled::Completed(intent));
    }
    let Some(store) = context.kernel.store(&intent.store) else {
        // Whatever a store holds that is not configured, it vouches for nobody.
        end(context, &intent.server, IntentEnd::Undone)?;
        return Ok(Settled::Undone(intent));
    };
    match holds(store, &intent) {
        Err(error) => Ok(Settled::Left(intent, error.to_string())),
        Ok(false) => {
            end(context, &intent.server, IntentEnd::Undone)?;
            Ok(Settled::Undone(intent))
        }
        Ok(true) => complete(context, store, intent),
    }
}

/// The handshake had finished before the intent was written, so the peer had the key; what is
/// left to see is that nothing speaks against it by now.
fn complete(context: &Context, store: &Store, intent: Intent) -> Result<Settled, ConnectError> {
    let mut change = context.state.write(&context.actor, context.now())?;
    let row = match allowed(context, &change, &intent)? {
        true => scope_row(context, &intent)?.ok(),
        false => None,
    };
    let (Some(row), Some(record)) = (row, change.server(&intent.server).record) else {
        drop(change);
        withdraw(context, store, &intent)?;
        return Ok(Settled::Undone(intent));
    };
    change.put_scope(intent.fingerprint, &row);
    change.put_record(&Record {
        security: Security::Strict,
        announced: None,
        certificate: Some(intent.fingerprint),
        ..record
    });
    change.end_intent(&intent.server, IntentEnd::Completed);
    change.end_lowered(&intent.server);
    change.note(accepted(&intent));
    change.commit()?;
    Ok(Settled::Completed(intent))
}
