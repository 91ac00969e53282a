//! The calls of a module that cannot be made without unsafe code: its start with a text of its own,
//! the end of a signature that somebody had to allow in between, and reading what it says of its
//! objects into no more memory than there is for it, whatever sizes it names.

#![allow(unsafe_code)]

use std::ffi::CString;
use std::mem;
use std::path::Path;
use std::ptr::{self, NonNull};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Function, Pkcs11};
use cryptoki::error::{Error, Rv, RvError};
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
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

/// The calls of a module that are made here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calls {
    attributes: Attributes,
    find: Find,
    find_more: FindMore,
    find_end: FindEnd,
    sign: Option<Sign>,
}

impl Calls {
    /// Those of a module that is loaded and initialised already.
    pub(crate) fn of(path: &Path) -> Result<Self, Error> {
        let list = functions(path)?;
        // SAFETY: The module's list lives as long as the module, which is never unloaded.
        let list = unsafe { list.as_ref() };
        match (
            list.C_GetAttributeValue,
            list.C_FindObjectsInit,
            list.C_FindObjects,
            list.C_FindObjectsFinal,
        ) {
            (Some(attributes), Some(find), Some(find_more), Some(find_end)) => Ok(Self {
                attributes,
                find,
                find_more,
                find_end,
                sign: list.C_Sign,
            }),
            _ => Err(Error::NullFunctionPointer),
        }
    }

    /// Ends a signature that was begun in this session, with everything that is signed at once:
    /// mechanisms that do not hash take it in no other way.
    pub(crate) fn sign_begun(self, session: &Session, data: &[u8]) -> Result<Vec<u8>, Error> {
        let sign = self.sign.ok_or(Error::NullFunctionPointer)?;
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

    /// The objects that fit, and no more than one beyond `most`.
    pub(crate) fn find(
        self,
        session: &Session,
        template: &[Attribute],
        most: usize,
    ) -> Result<Vec<ObjectHandle>, Error> {
        self.find_in(session.handle(), template, most)
    }

    fn find_in(
        self,
        session: ck::CK_SESSION_HANDLE,
        template: &[Attribute],
        most: usize,
    ) -> Result<Vec<ObjectHandle>, Error> {
        let mut wanted: Vec<ck::CK_ATTRIBUTE> = template.iter().map(Into::into).collect();
        let count = ck::CK_ULONG::try_from(wanted.len())?;
        // SAFETY: `wanted` has `count` attributes, whose values are borrowed from `template`, and
        // both outlive the call, which only reads them.
        let answered = unsafe { (self.find)(session, wanted.as_mut_ptr(), count) };
        Rv::from(answered).into_result(Function::FindObjectsInit)?;
        let found = self.find_all(session, most);
        // SAFETY: It takes nothing but the number of the session.
        let ended = unsafe { (self.find_end)(session) };
        let found = found?;
        Rv::from(ended).into_result(Function::FindObjectsFinal)?;
        Ok(found)
    }

    fn find_all(
        self,
        session: ck::CK_SESSION_HANDLE,
        most: usize,
    ) -> Result<Vec<ObjectHandle>, Error> {
        let mut found = Vec::new();
        let mut room: [ck::CK_OBJECT_HANDLE; AT_ONCE] = [0; AT_ONCE];
        while found.len() <= most {
            let mut filled = 0;
            // SAFETY: `room` has AT_ONCE places, and outlives the call, as does `filled`.
            let answered = unsafe {
                (self.find_more)(
                    session,
                    room.as_mut_ptr(),
                    ck::CK_ULONG::try_from(AT_ONCE)?,
                    &raw mut filled,
                )
            };
            Rv::from(answered).into_result(Function::FindObjects)?;
            // More than there was room for is no answer.
            let handles = room.get(..usize::try_from(filled)?);
            let handles = handles.ok_or(Error::InvalidValue)?;
            if handles.is_empty() {
                break;
            }
            let left = most.saturating_add(1).saturating_sub(found.len());
            found.extend(handles.iter().take(left).map(|handle| {
                // SAFETY: The module gave it as the handle of an object, and judges it again
                // wherever it is used.
                unsafe { ObjectHandle::new_from_raw(*handle) }
            }));
        }
        Ok(found)
    }

    /// What an object has of the attributes that are wanted. One that is longer than anybody needs,
    /// or not of the kind that the standard has for it, is left out as if the object had none.
    pub(crate) fn attributes(
        self,
        session: &Session,
        object: ObjectHandle,
        wanted: &[AttributeType],
    ) -> Result<Vec<Attribute>, Error> {
        self.attributes_in(session.handle(), object.handle(), wanted)
    }

    fn attributes_in(
        self,
        session: ck::CK_SESSION_HANDLE,
        object: ck::CK_OBJECT_HANDLE,
        wanted: &[AttributeType],
    ) -> Result<Vec<Attribute>, Error> {
        let mut read = self.read(session, object, wanted, usual)?;
        // What did not fit, or is not there; modules do not always say which.
        let left: Vec<AttributeType> = wanted
            .iter()
            .zip(&read)
            .filter(|(of, value)| value.is_none() && most(**of) > usual(**of))
            .map(|(of, _)| *of)
            .collect();
        if !left.is_empty() {
            read.extend(self.read(session, object, &left, most)?);
        }
        Ok(read.into_iter().flatten().collect())
    }

    /// Each of the attributes, where it is there and fits into so many bytes.
    fn read(
        self,
        session: ck::CK_SESSION_HANDLE,
        object: ck::CK_OBJECT_HANDLE,
        wanted: &[AttributeType],
        room: fn(AttributeType) -> usize,
    ) -> Result<Vec<Option<Attribute>>, Error> {
        let mut rooms: Vec<Vec<u8>> = wanted.iter().map(|of| vec![0; room(*of)]).collect();
        let mut template = Vec::with_capacity(wanted.len());
        for (of, room) in wanted.iter().zip(&mut rooms) {
            template.push(ck::CK_ATTRIBUTE {
                type_: (*of).into(),
                pValue: room.as_mut_ptr().cast(),
                ulValueLen: ck::CK_ULONG::try_from(room.len())?,
            });
        }
        let count = ck::CK_ULONG::try_from(template.len())?;
        // SAFETY: `template` has `count` attributes, each with as much room as it says, and all of
        // it outlives the call.
        let answered = unsafe { (self.attributes)(session, object, template.as_mut_ptr(), count) };
        match Rv::from(answered) {
            // Of some attributes there is nothing then, and their lengths say so.
            Rv::Error(
                RvError::AttributeSensitive
                | RvError::AttributeTypeInvalid
                | RvError::BufferTooSmall,
            ) => {}
            answered => answered.into_result(Function::GetAttributeValue)?,
        }
        let values = wanted.iter().zip(&template).zip(&mut rooms);
        Ok(values
            .map(|((of, said), room)| {
                // A length beyond the room is that of something that was not written.
                let length = usize::try_from(said.ulValueLen).ok()?;
                let value = room.get_mut(..length)?;
                let value = ck::CK_ATTRIBUTE {
                    type_: (*of).into(),
                    pValue: value.as_mut_ptr().cast(),
                    ulValueLen: said.ulValueLen,
                };
                Attribute::try_from(value).ok()
            })
            .collect())
    }
}

/// How many bytes an attribute seldom has more of.
fn usual(of: AttributeType) -> usize {
    match of {
        AttributeType::Value => 4096,
        AttributeType::VendorDefined(_) => WORD,
        of => of.fixed_size().unwrap_or(512),
    }
}

/// How many bytes of an attribute are read at the most.
fn most(of: AttributeType) -> usize {
    match of {
        AttributeType::Value => VALUE_MAX,
        AttributeType::VendorDefined(_) => WORD,
        of => of.fixed_size().unwrap_or(64 << 10),
    }
}

/// The list of functions of a module that is loaded already.
fn functions(path: &Path) -> Result<NonNull<ck::CK_FUNCTION_LIST>, Error> {
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
    NonNull::new(list).ok_or(Error::NullFunctionPointer)
}

/// C_GetAttributeValue.
type Attributes = unsafe extern "C" fn(
    ck::CK_SESSION_HANDLE,
    ck::CK_OBJECT_HANDLE,
    *mut ck::CK_ATTRIBUTE,
    ck::CK_ULONG,
) -> ck::CK_RV;

/// C_FindObjectsInit.
type Find =
    unsafe extern "C" fn(ck::CK_SESSION_HANDLE, *mut ck::CK_ATTRIBUTE, ck::CK_ULONG) -> ck::CK_RV;

/// C_FindObjects.
type FindMore = unsafe extern "C" fn(
    ck::CK_SESSION_HANDLE,
    *mut ck::CK_OBJECT_HANDLE,
    ck::CK_ULONG,
    *mut ck::CK_ULONG,
) -> ck::CK_RV;

/// C_FindObjectsFinal.
type FindEnd = unsafe extern "C" fn(ck::CK_SESSION_HANDLE) -> ck::CK_RV;

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
/// The most bytes of a certificate that are read.
pub(crate) const VALUE_MAX: usize = 256 << 10;
/// What the makers of modules have of their own holds a number here.
const WORD: usize = size_of::<ck::CK_ULONG>();
/// How many objects a module is asked for at a time.
const AT_ONCE: usize = 256;

#[cfg(test)]
mod tests;
