//! The calls of a module that cannot be made without unsafe code: its start with a text of its own,
//! and the end of a signature that somebody had to allow in between.

#![allow(unsafe_code)]

use std::ffi::CString;
use std::mem;
use std::path::Path;
use std::ptr::{self, NonNull};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Function, Pkcs11};
use cryptoki::error::{Error, Rv};
use cryptoki::session::Session;
use cryptoki_sys as ck;

/// Initialises a module that wants to be told something, as those of NSS do.
pub(crate) fn initialize_with(module: &Pkcs11, text: &CString) -> Result<(), Error> {
    let reserved = NonNull::from(text.as_c_str()).cast();
    // SAFETY: The text ends in NUL and outlives the call; a module that is told a text by its
    // maker's rules reads it as one, and keeps no pointer to it.
    let arguments =
        unsafe { CInitializeArgs::new_with_reserved(CInitializeFlags::OS_LOCKING_OK, reserved) };
    module.initialize(arguments)
}

/// Ends a signature that was begun in this session, with everything that is signed at once:
/// mechanisms that do not hash take it in no other way. `path` is where the module was loaded from.
pub(crate) fn sign_begun(path: &Path, session: &Session, data: &[u8]) -> Result<Vec<u8>, Error> {
    let sign = sign_of(path)?;
    let length = ck::CK_ULONG::try_from(data.len())?;
    let mut room = vec![0_u8; SIGNATURE_MAX];
    let mut filled = ck::CK_ULONG::try_from(room.len())?;
    // SAFETY: The session is open in this module. `data` has `length` bytes, which C_Sign only
    // reads; `room` has `filled` bytes for the signature, and both outlive the call.
    let answered = unsafe {
        sign(
            session.handle(),
            data.as_ptr().cast_mut(),
            length,
            room.as_mut_ptr(),
            &raw mut filled,
        )
    };
    Rv::from(answered).into_result(Function::Sign)?;
    room.truncate(usize::try_from(filled)?);
    Ok(room)
}

/// C_Sign of a module that is loaded already, out of its own list of functions.
fn sign_of(path: &Path) -> Result<Sign, Error> {
    // SAFETY: The module is loaded and initialised, so that its own code at loading has run before.
    let module = unsafe { ck::Pkcs11::new(path) }.map_err(Error::LibraryLoading)?;
    // One more owner that never lets go: what is found here is used for as long as the process is.
    let module = mem::ManuallyDrop::new(module);
    let mut list = ptr::null_mut();
    let Ok(functions) = &module.C_GetFunctionList else {
        return Err(Error::NullFunctionPointer);
    };
    // SAFETY: The function is that of the standard, and writes one pointer to where it is told.
    let answered = unsafe { functions(&raw mut list) };
    Rv::from(answered).into_result(Function::GetFunctionList)?;
    let list = NonNull::new(list).ok_or(Error::NullFunctionPointer)?;
    // SAFETY: The module's list lives as long as the module, which is never unloaded.
    let sign = unsafe { (*list.as_ptr()).C_Sign };
    sign.ok_or(Error::NullFunctionPointer)
}

/// C_Sign.
type Sign = unsafe extern "C" fn(
    ck::CK_SESSION_HANDLE,
    *mut ck::CK_BYTE,
    ck::CK_ULONG,
    *mut ck::CK_BYTE,
    *mut ck::CK_ULONG,
) -> ck::CK_RV;

/// The most bytes of a signature: those of an RSA key of 32,768 bits.
const SIGNATURE_MAX: usize = 4096;
