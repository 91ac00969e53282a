//! What is asked of a store, and what the caller allows.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::item::{self, KINDS, PURPOSES};
use crate::batch::{Batch, Change};
use crate::query::{By, Query};
use crate::table::CallLimits;
use crate::wire::WireError;
use crate::wire::field::{Reader, Writer};

/// The most bytes of a DER Name or a serial number.
const KEY_MAX: usize = 64 << 10;

/// What the caller allows one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// What is left of the time; 0 is no limit.
    pub(crate) timeout_ms: u32,
    /// Whether questions are answered.
    pub(crate) may_prompt: bool,
    /// For the logs.
    pub(crate) trace_id: u64,
}

impl Limits {
    /// What is left of what the caller allows.
    pub(crate) fn left(limits: &CallLimits, deadline: Option<Instant>) -> Self {
        let left = deadline.map(|deadline| {
            let left = deadline.saturating_duration_since(Instant::now());
            u32::try_from(left.as_millis()).unwrap_or(u32::MAX).max(1)
        });
        Self {
            timeout_ms: left.unwrap_or(0),
            may_prompt: limits.may_prompt,
            trace_id: limits.trace_id,
        }
    }

    /// The same, as a store in this process is called; `cancel` is set when the host calls off.
    pub(crate) fn to_call(&self, cancel: Arc<AtomicBool>) -> CallLimits {
        CallLimits {
            timeout: (self.timeout_ms != 0).then(|| Duration::from_millis(self.timeout_ms.into())),
            cancel: Some(cancel),
            may_prompt: self.may_prompt,
            trace_id: self.trace_id,
            ..CallLimits::default()
        }
    }
}

pub(super) fn write_limits(out: &mut Writer<'_>, limits: &Limits) {
    let Limits {
        timeout_ms,
        may_prompt,
        trace_id,
    } = limits;
    out.u32(*timeout_ms);
    out.flag(*may_prompt);
    out.u64(*trace_id);
}

pub(super) fn read_limits(from: &mut Reader<'_>) -> Result<Limits, WireError> {
    Ok(Limits {
        timeout_ms: from.u32()?,
        may_prompt: from.flag()?,
        trace_id: from.u64()?,
    })
}

pub(super) fn write_query(out: &mut Writer<'_>, query: &Query) {
    let Query { by, kinds, purpose } = query;
    match by {
        By::Id(id) => {
            out.u8(0);
            out.bytes(id);
        }
        By::IssuerSerial { issuer, serial } => {
            out.u8(1);
            out.bytes(issuer);
            out.bytes(serial);
        }
        By::Sha256(digest) => {
            out.u8(2);
            out.bytes(digest);
        }
        By::SpkiSha256(digest) => {
            out.u8(3);
            out.bytes(digest);
        }
        By::Subject(name) => {
            out.u8(4);
            out.bytes(name);
        }
    }
    out.count(kinds.len());
    for kind in kinds {
        out.one_of(&KINDS, kind);
    }
    out.one_of(&PURPOSES, purpose);
}

pub(super) fn read_query(from: &mut Reader<'_>) -> Result<Query, WireError> {
    let digest = |from: &mut Reader<'_>| {
        let digest = from.bytes(32, "digest")?;
        <[u8; 32]>::try_from(digest).map_err(|_| WireError::Malformed { what: "digest" })
    };
    let by = match from.u8()? {
        0 => By::Id(from.bytes(KEY_MAX, "id")?.to_vec()),
        1 => By::IssuerSerial {
            issuer: from.bytes(KEY_MAX, "issuer")?.to_vec(),
            serial: from.bytes(KEY_MAX, "serial number")?.to_vec(),
        },
        2 => By::Sha256(digest(from)?),
        3 => By::SpkiSha256(digest(from)?),
        4 => By::Subject(from.bytes(KEY_MAX, "subject")?.to_vec()),
        _ => return Err(WireError::Malformed { what: "query" }),
    };
    let count = from.count(1, 64, "kinds")?;
    let mut kinds = Vec::with_capacity(count);
    for _ in 0..count {
        kinds.push(from.one_of(&KINDS, "kind")?);
    }
    let purpose = from.one_of(&PURPOSES, "purpose")?;
    Ok(Query { by, kinds, purpose })
}

pub(super) fn write_batch(out: &mut Writer<'_>, batch: &Batch) {
    let Batch {
        changes,
        check_only,
        if_generation,
    } = batch;
    out.flag(*check_only);
    out.u64(*if_generation);
    out.count(changes.len());
    for change in changes {
        match change {
            Change::Put(put) => {
                out.u8(0);
                item::write(out, put);
            }
            Change::Remove(id) => {
                out.u8(1);
                out.bytes(&id.0);
            }
        }
    }
}

pub(super) fn read_batch(from: &mut Reader<'_>) -> Result<Batch, WireError> {
    let check_only = from.flag()?;
    let if_generation = from.u64()?;
    let count = from.count(5, usize::MAX, "changes")?;
    // A change has more bytes here than on the wire, so that room is made as they come.
    let mut changes = Vec::new();
    for _ in 0..count {
        changes.push(match from.u8()? {
            0 => Change::Put(item::read(from, item::By::Runner)?),
            1 => Change::Remove(item::read_id(from, item::By::Runner)?),
            _ => return Err(WireError::Malformed { what: "change" }),
        });
    }
    Ok(Batch {
        changes,
        check_only,
        if_generation,
    })
}

/// About how many bytes a batch has on the wire.
pub(super) fn footprint(batch: &Batch) -> usize {
    let change = |change: &Change| match change {
        Change::Put(put) => 1 + item::footprint(put),
        Change::Remove(id) => 5 + id.0.len(),
    };
    let changes = batch.changes.iter().map(change);
    changes.fold(32, usize::saturating_add)
}
