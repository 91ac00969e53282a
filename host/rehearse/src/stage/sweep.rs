//! Taking out of a store that outlives the act what the act put there.

use super::{Trouble, Troupe, blocking};
use anchorhold_kernel::certificate::fingerprint;
use std::path::Path;
use std::sync::Arc;

/// Empties the stores; they were empty before, which the caller has seen to.
pub(super) async fn sweep(troupe: &Troupe, home: &Path) -> Result<(), Trouble> {
    let (plans, open_stores) = ((troupe.make_plans)(home), Arc::clone(&troupe.open_stores));
    blocking(move || {
        let kernel = open_stores(plans);
        for store in kernel.stores() {
            for item in store.fresh_snapshot()?.items() {
                store.remove_certificate(&fingerprint(&item.der), &item.label)?;
            }
        }
        Ok(())
    })
    .await
}
