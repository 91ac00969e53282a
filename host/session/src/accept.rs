//! Acceptance on first use: intent, store, read back, record, and only then anything is sent.
//!
//! A machine may die between any two steps, and other processes import, raise and accept
//! meanwhile. So each step that counts looks again whether acceptance still applies, in the same
//! change of the ledger that it makes.

mod allowed;
mod settle;

pub use settle::{Settled, settle};

pub(crate) use settle::settle_server;

use crate::code::Code;
use crate::context::Context;
use crate::decision::{Facts, Then};
use crate::error::ConnectError;
use crate::learnt::{self, Learnt};
use crate::server::Server;
use crate::situation::Situation;
use allowed::{allowed, scope_row, withdraw};
use anchorhold_kernel::Store;
use anchorhold_kernel::import::free_label;
use anchorhold_state::{Event, Intent, IntentEnd, LockGuard, Record, ServerName, StateError};
use std::ops::ControlFlow;
use std::time::Duration;

/// A step of an acceptance that was taken; the machine may die after each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The ledger holds the intent.
    Intended,
    /// The store holds the certificate.
    Written,
    /// The certificate was read back.
    ReadBack,
    /// The ledger holds scope and record, and the intent is over.
    Recorded,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 4] = [
        Self::Intended,
        Self::Written,
        Self::ReadBack,
        Self::Recorded,
    ];
}

/// What came of an acceptance.
#[derive(Clone, Debug)]
pub(crate) enum Accepted {
    /// The certificate is held, in this store, and the server is strict.
    Kept { store: String },
    /// Another process changed what is held or how the server stands: the sign-on begins again.
    Overtaken,
    /// It is not held, and nothing was changed.
    Refused { code: Code, why: String },
}

/// Accepts a certificate for a server that the facts allow it for; waits for disks.
pub(crate) fn accept(
    context: &Context,
    server: &Server,
    der: Vec<u8>,
    learnt: &Learnt,
    facts: &Facts,
) -> Result<Accepted, ConnectError> {
    let _lock = context.state.lock(&lock_name(&server.name))?;
    let epoch = context.state.epoch()?;
    let again = Situation::look_fresh(context, server)?.told(facts);
    if context.rules.decide(&again.facts).then != Then::Accept {
        return Ok(Accepted::Overtaken);
    }
    let Some(store) = destination(context, server) else {
        return Ok(Accepted::Refused {
            code: Code::NoWritableStore,
            why: NO_STORE.to_owned(),
        });
    };
    let intent = match intend(context, server, store, learnt, epoch)? {
        Ok(intent) => intent,
        Err(ended) => return Ok(ended),
    };
    pause(context, Step::Intended)?;
    if !write(context, store, der, &intent)? {
        return Ok(Accepted::Overtaken);
    }
    pause(context, Step::Written)?;
    if !holds(store, &intent)? {
        end(context, &intent.server, IntentEnd::Undone)?;
        let why = format!(
            "store \"{}\" took the certificate and does not list it",
            intent.store
        );
        return Ok(Accepted::Refused {
            code: Code::StoreUnavailable,
            why,
        });
    }
    pause(context, Step::ReadBack)?;
    if !record(context, server, &intent, learnt)? {
        withdraw(context, store, &intent)?;
        return Ok(Accepted::Overtaken);
    }
    pause(context, Step::Recorded)?;
    Ok(Accepted::Kept {
        store: intent.store,
    })
}

/// Where acceptance writes to: the policy's store, else the server's first file store; always one
/// that is asked for this server and can be written now.
pub(crate) fn destination<'a>(context: &'a Context, server: &Server) -> Option<&'a Store> {
    let wanted = server.policy.accept_into.as_deref();
    context
        .stores(server)
        .iter()
        .filter_map(|name| context.kernel.store(name))
        .filter(|store| match wanted {
            Some(wanted) => store.name() == wanted,
            None => store.is_file_store(),
        })
        .find(|store| store.writable())
}

/// Writes down what is about to be done, unless the ledger moved on since the look.
fn intend(
    context: &Context,
    server: &Server,
    store: &Store,
    learnt: &Learnt,
    epoch: u64,
) -> Result<Result<Intent, Accepted>, ConnectError> {
    let label = free_label(&*store.snapshot()?, &server.name);
    let now = context.now();
    let intent = Intent {
        server: server.name.clone(),
        fingerprint: learnt.certificate,
        store: store.name().to_owned(),
        label,
        at: now.unix_timestamp(),
    };
    let mut change = context.state.write(&context.actor, now)?;
    if context.state.epoch()? != epoch {
        return Ok(Err(Accepted::Overtaken));
    }
    if let Some(open) = change.intent(&server.name) {
        let why = format!(
            "an acceptance of {} into store \"{}\" has not ended, and that store does not tell \
             what became of it",
            open.fingerprint, open.store
        );
        return Ok(Err(Accepted::Refused {
            code: Code::StoreUnavailable,
            why,
        }));
    }
    if let Err(why) = scope_row(context, &intent)? {
        return Ok(Err(Accepted::Refused {
            code: Code::AcceptanceNeedsValid,
            why,
        }));
    }
    change.ensure_server(&server.name)?;
    // With the address, so that what is settled after a power cut is strict there as well.
    if let Some(known) = change.server(&server.name).record {
        change.put_record(&Record {
            endpoint: Some(server.endpoint()),
            ..known
        });
    }
    change.begin_intent(&intent);
    change.commit()?;
    Ok(Ok(intent))
}

/// Puts the certificate into the store, unless it is there already under whatever label; false
/// if that failed because acceptance does not apply any more.
fn write(
    context: &Context,
    store: &Store,
    der: Vec<u8>,
    intent: &Intent,
) -> Result<bool, ConnectError> {
    if holds(store, intent)? {
        return Ok(true);
    }
    let Err(error) = store.put_certificate(der, intent.label.clone()) else {
        return Ok(true);
    };
    let change = context.state.write(&context.actor, context.now())?;
    let applies = allowed(context, &change, intent)?;
    drop(change);
    // Only a listing tells what a failed write did; where there is none, the intent stays open
    // and is settled at the next start.
    if holds(store, intent).is_ok_and(|held| !held) {
        end(context, &intent.server, IntentEnd::Undone)?;
    }
    if applies {
        Err(error.into())
    } else {
        Ok(false)
    }
}

/// Completes record and scope; false if acceptance does not apply any more.
fn record(
    context: &Context,
    server: &Server,
    intent: &Intent,
    learnt: &Learnt,
) -> Result<bool, ConnectError> {
    let mut change = context.state.write(&context.actor, context.now())?;
    if !allowed(context, &change, intent)? {
        return Ok(false);
    }
    let Ok(row) = scope_row(context, intent)? else {
        return Ok(false);
    };
    change.put_scope(intent.fingerprint, &row);
    learnt::complete(&mut change, context, server, learnt)?;
    change.end_intent(&intent.server, IntentEnd::Completed);
    change.note(accepted(intent));
    change.commit()?;
    Ok(true)
}

/// What the journal says of an acceptance.
fn accepted(intent: &Intent) -> Event {
    Event::new("accepted-on-first-use", intent.label.as_str())
        .server(&intent.server)
        .certificate(intent.fingerprint)
        .store(intent.store.as_str())
}

fn end(context: &Context, server: &ServerName, how: IntentEnd) -> Result<(), ConnectError> {
    let mut change = context.state.write(&context.actor, context.now())?;
    change.end_intent(server, how);
    change.commit()?;
    Ok(())
}

fn holds(store: &Store, intent: &Intent) -> Result<bool, ConnectError> {
    Ok(store
        .fresh_snapshot()?
        .certificate(&intent.fingerprint)
        .is_some())
}

fn pause(context: &Context, step: Step) -> Result<(), ConnectError> {
    match context.pause.as_ref().map(|pause| pause(step)) {
        Some(ControlFlow::Break(())) => Err(ConnectError::Interrupted),
        Some(ControlFlow::Continue(())) | None => Ok(()),
    }
}

/// The server's lock, if nobody holds it now.
fn lock_now(context: &Context, server: &ServerName) -> Result<Option<LockGuard>, ConnectError> {
    match context
        .state
        .lock_within(&lock_name(server), Duration::ZERO)
    {
        Ok(guard) => Ok(Some(guard)),
        Err(StateError::Busy { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn lock_name(server: &ServerName) -> String {
    format!("server-{}", server.folded())
}

const NO_STORE: &str = "none of the stores that are asked for it is a file store that can be \
                        written now, or the one that its policy names as accept_into is not";
