//! What came of one change, as the plugin pushed it.

use anchorhold_abi as abi;
use anchorhold_abi::ah_outcome;

use crate::adopt::item::checked_id;
use crate::adopt::{self, Nowhere};
use crate::batch::{Effect, Outcome};
use crate::status::CallError;

/// Reads the outcome that must be the one of the change at `expected`, of `count` changes.
///
/// # Safety
///
/// R1, R3: `outcome` is NULL or the plugin's struct, lent with all it leads to for this call.
pub(crate) unsafe fn read(
    outcome: *const ah_outcome,
    expected: usize,
    count: usize,
) -> Result<Outcome, CallError> {
    // SAFETY: R1, R3, as promised by the caller.
    let raw = unsafe { abi::read(outcome) }
        .ok_or_else(|| CallError::protocol("it pushed no outcome, or one shorter than in 1.0"))?;
    let index = usize::try_from(raw.index).unwrap_or(usize::MAX);
    if index != expected || index >= count {
        return Err(CallError::protocol(format!(
            "it pushed the outcome of change {index} after {expected} of {count}"
        )));
    }
    let effect = match raw.what {
        abi::AH_NEW => Effect::New,
        abi::AH_UNCHANGED => Effect::Unchanged,
        abi::AH_REMOVED => Effect::Removed,
        abi::AH_UPDATED => Effect::Updated,
        what => {
            return Err(CallError::protocol(format!(
                "the effect {what} is not known"
            )));
        }
    };
    // SAFETY: R3, as promised by the caller.
    let id = unsafe { adopt::bytes(raw.id) }
        .map_err(|Nowhere| CallError::protocol("the id of an outcome leads nowhere"))?;
    Ok(Outcome {
        index,
        effect,
        id: checked_id(id)?,
    })
}
