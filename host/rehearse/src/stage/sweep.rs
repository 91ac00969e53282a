//! Taking out of a store that outlives the act what the act put there.

use super::{Trouble, blocking};
use crate::MakePlans;
use anchorhold_kernel::certificate::fingerprint;
use anchorhold_kernel::{Kernel, Registry};
use std::path::Path;
use std::sync::Arc;

/// Empties the stores; they were empty before, which the caller has seen to.
pub(super) async fn sweep(make_plans: &MakePlans, home: &Path) -> Result<(), Trouble> {
    let plans = make_plans(home);
    blocking(move || {
        let kernel = Kernel::open(plans, &Registry::builtin(), Arc::new(|_, _| {}));
        for store in kernel.stores() {
            for item in store.fresh_snapshot()?.items() {
                store.remove_certificate(&fingerprint(&item.der), &item.label)?;
            }
        }
        Ok(())
    })
    .await
}
