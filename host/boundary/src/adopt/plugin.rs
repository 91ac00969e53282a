//! A plugin's table: copied, checked, typed.

use std::ffi::CStr;

use anchorhold_abi as abi;
use anchorhold_abi::{
    Growing, ah_bytes, ah_call, ah_config, ah_error, ah_find_ops, ah_health, ah_host, ah_item_sink,
    ah_page, ah_plugin, ah_sign_ops, ah_status, ah_store, ah_str, ah_unlock_ops, ah_write_ops,
};

use crate::adopt::{self, Nowhere};
use crate::manifest::{self, Manifest};
use crate::plugin::Fault;
use crate::quotation;

/// `ah_plugin.open`.
pub(crate) type Open = unsafe extern "C" fn(
    *const ah_host,
    *const ah_config,
    *mut *mut ah_store,
    *mut ah_error,
) -> ah_status;
/// `ah_store_ops.close`.
pub(crate) type Close = unsafe extern "C" fn(*mut ah_store);
/// `ah_store_ops.health`.
pub(crate) type HealthCall =
    unsafe extern "C" fn(*mut ah_store, *const ah_call, *mut ah_health, *mut ah_error) -> ah_status;
/// `ah_store_ops.list`.
pub(crate) type List = unsafe extern "C" fn(
    *mut ah_store,
    *const ah_call,
    *mut ah_page,
    *const ah_item_sink,
    *mut ah_error,
) -> ah_status;
/// `ah_write_ops.apply`.
pub(crate) type Apply = unsafe extern "C" fn(
    *mut ah_store,
    *const ah_call,
    *const abi::ah_batch,
    *const abi::ah_outcome_sink,
    *mut ah_error,
) -> ah_status;

/// A plugin's table with every mandatory function in its place.
#[derive(Debug)]
pub(crate) struct Adopted {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) manifest: Manifest,
    pub(crate) thread_safe: bool,
    pub(crate) thread_affine: bool,
    pub(crate) open: Open,
    pub(crate) close: Close,
    pub(crate) health: HealthCall,
    pub(crate) list: List,
    pub(crate) apply: Option<Apply>,
    pub(crate) finds: bool,
    pub(crate) unlocks: bool,
    pub(crate) signs: bool,
}

/// Reads a table and all that the host needs of what it leads to.
///
/// # Safety
///
/// R1, R3: `table` is NULL or a plugin's table, which lives for ever.
pub(crate) unsafe fn read(table: *const ah_plugin) -> Result<Adopted, Fault> {
    // SAFETY: R1, R3, as promised by the caller.
    let plugin = unsafe { read_table(table) }?;
    // SAFETY: R3: as long as the table.
    let (id, name, version, manifest) = unsafe {
        (
            text("id", plugin.id)?,
            text("name", plugin.name)?,
            text("version", plugin.version)?,
            text("manifest", plugin.manifest)?,
        )
    };
    if !manifest::is_id(id) {
        return Err(Fault::IdMalformed {
            id: quotation::line(id.as_bytes(), 128).text,
        });
    }
    if plugin.flags & abi::AH_PLUGIN_PANIC_IS_ABORT != 0 {
        return Err(Fault::PanicIsAbort { id: id.to_owned() });
    }
    let manifest = Manifest::parse(manifest).map_err(|source| Fault::Manifest {
        id: id.to_owned(),
        source,
    })?;
    if manifest.id != id {
        return Err(Fault::IdMismatch {
            table: id.to_owned(),
            manifest: manifest.id,
        });
    }
    let missing = |name| Fault::MissingCall {
        id: id.to_owned(),
        name,
    };
    // SAFETY: R1, R3: NULL, or constant and as long-lived as the table.
    let ops = unsafe { abi::read(plugin.ops) }.ok_or_else(|| Fault::MissingTable {
        id: id.to_owned(),
        name: "ops",
    })?;
    // SAFETY: R3, R7: [any], before any store is open.
    let extensions = unsafe { Extensions::read(&plugin, id) }?;
    Ok(Adopted {
        id: id.to_owned(),
        name: quotation::line(name.as_bytes(), 128).text,
        version: quotation::line(version.as_bytes(), 64).text,
        manifest,
        thread_safe: plugin.flags & abi::AH_PLUGIN_THREAD_SAFE != 0,
        thread_affine: plugin.flags & abi::AH_PLUGIN_THREAD_AFFINE != 0,
        open: plugin.open.ok_or_else(|| missing("open"))?,
        close: ops.close.ok_or_else(|| missing("ops.close"))?,
        health: ops.health.ok_or_else(|| missing("ops.health"))?,
        list: ops.list.ok_or_else(|| missing("ops.list"))?,
        apply: extensions.apply,
        finds: extensions.finds,
        unlocks: extensions.unlocks,
        signs: extensions.signs,
    })
}

/// The table itself, checked in the order in which its bytes can be believed: the first eight mean
/// the same in every major version.
///
/// # Safety
///
/// R1, R3: `table` is NULL or a plugin's table, which lives for ever.
unsafe fn read_table(table: *const ah_plugin) -> Result<ah_plugin, Fault> {
    if table.is_null() || !table.is_aligned() {
        return Err(Fault::NotAPlugin);
    }
    // SAFETY: R1: `struct_size` and `magic` are there in every major version.
    let [size, magic] = unsafe { table.cast::<[u32; 2]>().read() };
    if magic != abi::AH_MAGIC {
        return Err(Fault::NotAPlugin);
    }
    let short = Fault::TooShort {
        size,
        least: ah_plugin::SIZE_1_0,
    };
    let major_end = std::mem::offset_of!(ah_plugin, abi_minor);
    if usize::try_from(size).is_ok_and(|size| size < major_end) {
        return Err(short);
    }
    // SAFETY: R1: the struct is long enough to have the field.
    let major = unsafe { (&raw const (*table).abi_major).read() };
    if major != abi::AH_ABI_MAJOR {
        return Err(Fault::MajorUnknown { major });
    }
    // SAFETY: R1, R3, as promised by the caller.
    unsafe { abi::read(table) }.ok_or(short)
}

struct Extensions {
    apply: Option<Apply>,
    finds: bool,
    unlocks: bool,
    signs: bool,
}

impl Extensions {
    /// # Safety
    ///
    /// R3: the table lives for ever, and so does what it leads to.
    unsafe fn read(plugin: &ah_plugin, id: &str) -> Result<Self, Fault> {
        let short = |name| Fault::MissingTable {
            id: id.to_owned(),
            name,
        };
        let missing = |name| Fault::MissingCall {
            id: id.to_owned(),
            name,
        };
        let whole = |there: bool, name| if there { Ok(true) } else { Err(missing(name)) };
        // SAFETY: R1, R3, R7: each is NULL or the table of that id; [any].
        let (write, find, unlock, sign) = unsafe {
            (
                extension::<ah_write_ops>(plugin, abi::AH_EXT_WRITE)
                    .ok_or_else(|| short("write"))?,
                extension::<ah_find_ops>(plugin, abi::AH_EXT_FIND).ok_or_else(|| short("find"))?,
                extension::<ah_unlock_ops>(plugin, abi::AH_EXT_UNLOCK)
                    .ok_or_else(|| short("unlock"))?,
                extension::<ah_sign_ops>(plugin, abi::AH_EXT_SIGN).ok_or_else(|| short("sign"))?,
            )
        };
        Ok(Self {
            apply: write
                .map(|ops| ops.apply.ok_or_else(|| missing("write.apply")))
                .transpose()?,
            finds: find.map_or(Ok(false), |ops| whole(ops.find.is_some(), "find.find"))?,
            unlocks: unlock.map_or(Ok(false), |ops| {
                whole(
                    ops.unlock.is_some() && ops.lock.is_some(),
                    "unlock.unlock or lock",
                )
            })?,
            signs: sign.map_or(Ok(false), |ops| {
                whole(
                    ops.schemes.is_some() && ops.sign.is_some(),
                    "sign.schemes or sign",
                )
            })?,
        })
    }
}

/// The optional table of this id: `Some(None)` where the plugin has none, `None` where it is
/// shorter than in version 1.0.
///
/// # Safety
///
/// R1, R3: the plugin's table lives for ever; `T` is the type that belongs to `id`.
unsafe fn extension<T: Growing>(plugin: &ah_plugin, id: &CStr) -> Option<Option<T>> {
    let Some(extension) = plugin.extension else {
        return Some(None);
    };
    // SAFETY: R3, R7: [any], and the id is a constant.
    let table = unsafe { extension(id.as_ptr()) }.cast::<T>();
    if table.is_null() {
        return Some(None);
    }
    // SAFETY: R1, R3: the table of that id, constant and for ever.
    unsafe { abi::read(table) }.map(Some)
}

/// # Safety
///
/// R3: what `field` points to lives for ever.
unsafe fn text(name: &'static str, field: ah_str) -> Result<&'static str, Fault> {
    // SAFETY: R3, as promised by the caller.
    let bytes = unsafe {
        adopt::bytes(ah_bytes {
            ptr: field.ptr.cast(),
            len: field.len,
        })
    };
    let bytes = bytes.map_err(|Nowhere| Fault::TextMalformed { name })?;
    std::str::from_utf8(bytes).map_err(|_| Fault::TextMalformed { name })
}
