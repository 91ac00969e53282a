//! A plugin's table: copied, checked, typed.

use std::ffi::CStr;

use anchorhold_abi as abi;
use anchorhold_abi::{
    Growing, ah_byte_sink, ah_bytes, ah_call, ah_config, ah_error, ah_find_ops, ah_health, ah_host,
    ah_item_sink, ah_page, ah_plugin, ah_query, ah_sign_ops, ah_status, ah_store, ah_str,
    ah_unlock_ops, ah_write_ops,
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

/// `ah_find_ops.find`.
pub(crate) type Find = unsafe extern "C" fn(
    *mut ah_store,
    *const ah_call,
    *const ah_query,
    *const ah_item_sink,
    *mut ah_error,
) -> ah_status;
/// `ah_unlock_ops.unlock` and `ah_unlock_ops.lock`.
pub(crate) type TurnKey =
    unsafe extern "C" fn(*mut ah_store, *const ah_call, *mut ah_error) -> ah_status;
/// `ah_sign_ops.schemes`.
pub(crate) type Schemes = unsafe extern "C" fn(
    *mut ah_store,
    *const ah_call,
    ah_bytes,
    *mut u16,
    usize,
    *mut usize,
    *mut ah_error,
) -> ah_status;
/// `ah_sign_ops.sign`.
pub(crate) type Sign = unsafe extern "C" fn(
    *mut ah_store,
    *const ah_call,
    ah_bytes,
    u16,
    ah_bytes,
    *const ah_byte_sink,
    *mut ah_error,
) -> ah_status;

/// The functions of a plugin whose stores have a lock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LockCalls {
    pub(crate) unlock: TurnKey,
    pub(crate) lock: TurnKey,
}

/// The functions of a plugin whose stores have private keys.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SignCalls {
    pub(crate) schemes: Schemes,
    pub(crate) sign: Sign,
}

/// A plugin's table with every mandatory function in its place.
#[derive(Debug)]
pub(crate) struct Adopted {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) abi_minor: u16,
    pub(crate) manifest: Manifest,
    pub(crate) thread_safe: bool,
    pub(crate) thread_affine: bool,
    pub(crate) panic_is_abort: bool,
    pub(crate) open: Open,
    pub(crate) close: Close,
    pub(crate) health: HealthCall,
    pub(crate) list: List,
    pub(crate) apply: Option<Apply>,
    pub(crate) writes_whole: bool,
    pub(crate) find: Option<Find>,
    pub(crate) locks: Option<LockCalls>,
    pub(crate) signs: Option<SignCalls>,
}

/// Reads a table and all that the host needs of what it leads to. A built-in has its manifest in
/// the table; of a library it is the text of a file, and the table has none or the very same.
///
/// # Safety
///
/// R1, R3: `table` is NULL or a plugin's table, which lives for ever.
pub(crate) unsafe fn read(table: *const ah_plugin, file: Option<&str>) -> Result<Adopted, Fault> {
    // SAFETY: R1, R3, as promised by the caller.
    let plugin = unsafe { read_table(table) }?;
    // SAFETY: R3: as long as the table.
    let (id, name, version, own) = unsafe {
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
    if file.is_some_and(|file| !own.is_empty() && own != file) {
        return Err(Fault::ManifestDiffers { id: id.to_owned() });
    }
    let manifest = Manifest::parse(file.unwrap_or(own)).map_err(|source| Fault::Manifest {
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
    let ops = unsafe { table_of(plugin.ops, id, "ops") }?.ok_or_else(|| Fault::MissingTable {
        id: id.to_owned(),
        name: "ops",
    })?;
    // SAFETY: R3, R7: [any], before any store is open.
    let extensions = unsafe { Extensions::read(&plugin, id) }?;
    Ok(Adopted {
        id: id.to_owned(),
        name: quotation::line(name.as_bytes(), 128).text,
        version: quotation::line(version.as_bytes(), 64).text,
        abi_minor: plugin.abi_minor,
        manifest,
        thread_safe: plugin.flags & abi::AH_PLUGIN_THREAD_SAFE != 0,
        thread_affine: plugin.flags & abi::AH_PLUGIN_THREAD_AFFINE != 0,
        panic_is_abort: plugin.flags & abi::AH_PLUGIN_PANIC_IS_ABORT != 0,
        open: plugin.open.ok_or_else(|| missing("open"))?,
        close: ops.close.ok_or_else(|| missing("ops.close"))?,
        health: ops.health.ok_or_else(|| missing("ops.health"))?,
        list: ops.list.ok_or_else(|| missing("ops.list"))?,
        apply: extensions.apply,
        writes_whole: extensions.writes_whole,
        find: extensions.find,
        locks: extensions.locks,
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
        return Err(Fault::MagicUnknown { found: magic });
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
    writes_whole: bool,
    find: Option<Find>,
    locks: Option<LockCalls>,
    signs: Option<SignCalls>,
}

impl Extensions {
    /// # Safety
    ///
    /// R3: the table lives for ever, and so does what it leads to.
    unsafe fn read(plugin: &ah_plugin, id: &str) -> Result<Self, Fault> {
        let missing = |name| Fault::MissingCall {
            id: id.to_owned(),
            name,
        };
        // SAFETY: R1, R3, R7: each is NULL or the table of that id; [any].
        let (write, find, unlock, sign) = unsafe {
            (
                table_of::<ah_write_ops>(extension(plugin, abi::AH_EXT_WRITE), id, "write")?,
                table_of::<ah_find_ops>(extension(plugin, abi::AH_EXT_FIND), id, "find")?,
                table_of::<ah_unlock_ops>(extension(plugin, abi::AH_EXT_UNLOCK), id, "unlock")?,
                table_of::<ah_sign_ops>(extension(plugin, abi::AH_EXT_SIGN), id, "sign")?,
            )
        };
        Ok(Self {
            writes_whole: write.is_some_and(|ops| ops.flags & abi::AH_WRITE_ATOMIC != 0),
            apply: write
                .map(|ops| ops.apply.ok_or_else(|| missing("write.apply")))
                .transpose()?,
            find: find
                .map(|ops| ops.find.ok_or_else(|| missing("find.find")))
                .transpose()?,
            locks: unlock
                .map(|ops| {
                    Ok(LockCalls {
                        unlock: ops.unlock.ok_or_else(|| missing("unlock.unlock"))?,
                        lock: ops.lock.ok_or_else(|| missing("unlock.lock"))?,
                    })
                })
                .transpose()?,
            signs: sign
                .map(|ops| {
                    Ok(SignCalls {
                        schemes: ops.schemes.ok_or_else(|| missing("sign.schemes"))?,
                        sign: ops.sign.ok_or_else(|| missing("sign.sign"))?,
                    })
                })
                .transpose()?,
        })
    }
}

/// Where the optional table of this id is; NULL where the plugin has none.
///
/// # Safety
///
/// R1, R3: the plugin's table lives for ever; `T` is the type that belongs to `id`.
unsafe fn extension<T>(plugin: &ah_plugin, id: &CStr) -> *const T {
    match plugin.extension {
        // SAFETY: R3, R7: [any], and the id is a constant.
        Some(extension) => unsafe { extension(id.as_ptr()) }.cast(),
        None => std::ptr::null(),
    }
}

/// A copy of one of the tables that the plugin's own leads to; none where that is NULL.
///
/// # Safety
///
/// R1, R3: `table` is NULL or a table of that type, which lives for ever.
unsafe fn table_of<T: Growing>(
    table: *const T,
    id: &str,
    name: &'static str,
) -> Result<Option<T>, Fault> {
    if table.is_null() {
        return Ok(None);
    }
    // SAFETY: R1, R3, as promised by the caller.
    if let Some(read) = unsafe { abi::read(table) } {
        return Ok(Some(read));
    }
    let size = if table.is_aligned() {
        // SAFETY: R1: every table starts with its size.
        unsafe { table.cast::<u32>().read() }
    } else {
        // No table lies there, of whatever size.
        0
    };
    Err(Fault::TableTooShort {
        id: id.to_owned(),
        name,
        size,
        least: T::SIZE_1_0,
    })
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
