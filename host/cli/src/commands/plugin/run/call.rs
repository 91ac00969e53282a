//! The calls, and what came of each.

use anchorhold_api as api;
use anchorhold_boundary::batch::{Batch, Change, Effect};
use anchorhold_boundary::health::Health;
use anchorhold_boundary::item::{Decision, Item, Kind, Purpose, Rule};
use anchorhold_boundary::query::{By, Query};
use anchorhold_boundary::{CallError, CallLimits, OpenStore, Status};
use anchorhold_kernel::certificate::fingerprint;

use super::Trace;
use crate::args::plugin::PluginCall;
use crate::output::counted;

/// What came of a call.
#[derive(Default)]
pub(super) struct Called {
    pub(super) health: Option<api::RunHealth>,
    pub(super) generation: u64,
    pub(super) items: Vec<api::RunItem>,
    pub(super) skipped: u64,
    pub(super) outcomes: Vec<String>,
}

/// Makes a call, after the store was unlocked where that is needed. Questions are answered where
/// the contract lets a call ask any.
pub(super) fn make(
    call: PluginCall,
    certificates: &[Vec<u8>],
    store: &dyn OpenStore,
    trace: &Trace,
) -> Result<Called, CallError> {
    let locked = match once(call, certificates, store, trace) {
        Err(error) if error.status == Status::Locked => error,
        made => return made,
    };
    let unlocked = store.unlock(&asking());
    match trace.seen("unlock", unlocked, |()| "its lock is open".to_owned()) {
        Ok(()) => once(call, certificates, store, trace),
        Err(error) if error.status == Status::Unsupported => Err(locked),
        Err(error) => Err(error),
    }
}

fn once(
    call: PluginCall,
    certificates: &[Vec<u8>],
    store: &dyn OpenStore,
    trace: &Trace,
) -> Result<Called, CallError> {
    match call {
        PluginCall::Find => find(certificates, store, trace),
        PluginCall::Health => health(store, trace),
        PluginCall::Import => import(certificates, store, trace),
        PluginCall::List => list(store, trace),
    }
}

fn health(store: &dyn OpenStore, trace: &Trace) -> Result<Called, CallError> {
    let health = trace.seen("health", store.health(), |health| {
        health.state.word().to_owned()
    })?;
    Ok(Called {
        generation: health.generation,
        health: Some(shown(health)),
        ..Called::default()
    })
}

fn list(store: &dyn OpenStore, trace: &Trace) -> Result<Called, CallError> {
    let listing = trace.seen("list", store.list(&CallLimits::default()), |listing| {
        let items = counted(listing.items.len(), "item");
        format!("{items} at generation {}", listing.generation)
    })?;
    Ok(Called {
        generation: listing.generation,
        items: listing.items.iter().map(item).collect(),
        skipped: count(listing.skipped),
        ..Called::default()
    })
}

fn find(
    certificates: &[Vec<u8>],
    store: &dyn OpenStore,
    trace: &Trace,
) -> Result<Called, CallError> {
    let mut called = Called::default();
    for der in certificates {
        let sha256 = fingerprint(der);
        let query = Query::new(By::Sha256(sha256.0));
        let found = trace.seen(
            &format!("find {sha256}"),
            store.find(&query, &CallLimits::default()),
            |found| counted(found.items.len(), "item"),
        )?;
        called.items.extend(found.items.iter().map(item));
        called.skipped += count(found.skipped);
    }
    Ok(called)
}

fn import(
    certificates: &[Vec<u8>],
    store: &dyn OpenStore,
    trace: &Trace,
) -> Result<Called, CallError> {
    let certificates = certificates.iter();
    let batch = Batch {
        changes: certificates
            .map(|der| Change::Put(Item::certificate(der.clone(), "plugin run".to_owned())))
            .collect(),
        ..Batch::default()
    };
    let result = store.apply(&batch, &asking());
    let outcomes = trace.seen("apply", result, |outcomes| {
        format!("{} changes", outcomes.len())
    });
    let outcomes = outcomes.map_err(|error| error.error)?;
    Ok(Called {
        outcomes: outcomes
            .iter()
            .map(|outcome| effect(outcome.effect).to_owned())
            .collect(),
        ..Called::default()
    })
}

/// The limits of a call that may ask.
fn asking() -> CallLimits {
    let mut limits = CallLimits::default();
    limits.may_prompt = true;
    limits
}

fn shown(health: Health) -> api::RunHealth {
    api::RunHealth {
        state: health.state.word().to_owned(),
        detail: health.detail,
        generation: health.generation,
        items: health.item_count,
        writable: health.writable,
        watching: health.watching,
    }
}

fn item(item: &Item) -> api::RunItem {
    api::RunItem {
        kind: kind(item.kind).to_owned(),
        id: item.id.0.iter().map(|byte| format!("{byte:02x}")).collect(),
        sha256: fingerprint(&item.der).to_string(),
        label: item.label.clone(),
        rules: item.rules.iter().map(rule).collect(),
        read_only: item.read_only,
    }
}

fn rule(rule: &Rule) -> String {
    let decision = match rule.decision {
        Decision::Anchor => "anchor",
        Decision::Neutral => "neutral",
        _ => "distrust",
    };
    let purpose = match rule.purpose {
        Purpose::Any => "any purpose",
        Purpose::Client => "client",
        Purpose::Code => "code",
        Purpose::Email => "email",
        Purpose::Server => "server",
        Purpose::Timestamp => "timestamp",
        _ => "another purpose",
    };
    match rule.issued_before {
        0 => format!("{decision} for {purpose}"),
        before => format!("{decision} for {purpose}, if issued before {before}"),
    }
}

const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Crl => "crl",
        Kind::IssuerSerial => "issuer-serial",
        Kind::PrivateKey => "private-key",
        Kind::SpkiSha256 => "spki-sha256",
        _ => "certificate",
    }
}

const fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::New => "new",
        Effect::Removed => "removed",
        Effect::Updated => "updated",
        _ => "unchanged",
    }
}

fn count(number: usize) -> u64 {
    number.try_into().unwrap_or(u64::MAX)
}
