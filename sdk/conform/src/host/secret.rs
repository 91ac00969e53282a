//! Memory for secrets, which is asked for, wiped and counted.

use std::ffi::c_void;
use std::ptr;

use anchorhold_abi::ah_host;

use crate::arena::{Loan, Use};
use crate::host::find;
use crate::voice::breach;
use crate::word::{Call, Thing};

/// More than this is no secret.
const SIZE_MAX: usize = 1 << 20;

/// `ah_host_secret_mem.take`.
///
/// # Safety
///
/// R3: `host` is known by its address alone.
pub(super) unsafe extern "C" fn take(host: *const ah_host, size: usize) -> *mut c_void {
    let Some(state) = find(host, "take of secret memory") else {
        return ptr::null_mut();
    };
    if size == 0 || size > SIZE_MAX {
        return ptr::null_mut();
    }
    // A piece begins where any value may, so its size is made whole.
    let whole = size.div_ceil(16) * 16;
    let loan = Loan::new(Call::Open, Thing::SecretMemory, Use::Out, &vec![0; whole]);
    let Ok(loan) = loan else {
        return ptr::null_mut();
    };
    let address = loan.address_mut::<c_void>();
    if let Ok(mut memory) = state.memory.lock() {
        memory.insert(address.addr(), loan);
    }
    address
}

/// `ah_host_secret_mem.give_back`.
///
/// # Safety
///
/// R3: `host` and `ptr` are known by their addresses alone.
pub(super) unsafe extern "C" fn give_back(host: *const ah_host, ptr: *mut c_void, size: usize) {
    let Some(state) = find(host, "give_back of secret memory") else {
        return;
    };
    let taken = state
        .memory
        .lock()
        .ok()
        .and_then(|mut memory| memory.remove(&ptr.addr()));
    match taken {
        None if ptr.is_null() => {}
        None => breach("gave back secret memory that it does not have"),
        Some(loan) => {
            if loan.contents().len() != size.div_ceil(16) * 16 {
                breach(format!(
                    "gave back secret memory as {size} bytes, and took another size"
                ));
            }
        }
    }
}
