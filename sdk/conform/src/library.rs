//! The plugin's table, read bare: from a library, or of a plugin that is linked into the program.

use std::ffi::{CStr, CString, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use anchorhold_abi as abi;
use anchorhold_abi::{
    Builtin, ah_entry, ah_find_ops, ah_plugin, ah_sign_ops, ah_store_ops, ah_unlock_ops,
    ah_write_ops,
};

use crate::job::Code;
use crate::read;
use crate::voice::inside;
use crate::word::Call;

/// A plugin's code, loaded.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Loaded {
    /// It is linked into the program.
    Builtin(&'static ah_plugin),
    /// A library, by its entry.
    Library(ah_entry),
}

/// A plugin's tables, each of them whole or not there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plugin {
    /// The table itself.
    pub(crate) table: ah_plugin,
    /// The functions that every store has.
    pub(crate) ops: ah_store_ops,
    /// `anchorhold.find/1`
    pub(crate) find: Option<ah_find_ops>,
    /// `anchorhold.write/1`
    pub(crate) write: Option<ah_write_ops>,
    /// `anchorhold.unlock/1`
    pub(crate) unlock: Option<ah_unlock_ops>,
    /// `anchorhold.sign/1`
    pub(crate) sign: Option<ah_sign_ops>,
}

impl Loaded {
    /// Loads the code; a library is never unloaded.
    pub(crate) fn load(code: &Code) -> Result<Self, String> {
        match code {
            Code::Builtin(id) => builtin(id),
            Code::Library(path) => library(path),
        }
    }

    /// The table that it hands over.
    pub(crate) fn table(self) -> *const ah_plugin {
        match self {
            Self::Builtin(table) => table,
            // SAFETY: R2: within a major version, the symbol of that name has that type.
            Self::Library(entry) => inside(Call::Entry, || unsafe { entry() }),
        }
    }
}

fn builtin(id: &str) -> Result<Loaded, String> {
    abi::inventory::iter::<Builtin>
        .into_iter()
        .map(|builtin| builtin.table())
        // SAFETY: R3: what a table leads to is lent for ever.
        .find(|table| unsafe { read::text(table.id) }.as_deref() == Ok(id))
        .map(Loaded::Builtin)
        .ok_or_else(|| format!("no plugin of this program has the id {id:?}"))
}

fn library(path: &Path) -> Result<Loaded, String> {
    let name = CString::new(path.as_os_str().as_bytes()).map_err(|_| "its path has a NUL")?;
    let flags = libc::RTLD_NOW | libc::RTLD_LOCAL;
    // SAFETY: R3: the name is lent for this call. What the library does when it is loaded is what
    // this process, which is there for nothing else, is to find out.
    let library = inside(Call::Load, || unsafe { libc::dlopen(name.as_ptr(), flags) });
    if library.is_null() {
        return Err(format!("it cannot be loaded: {}", loader_error()));
    }
    // SAFETY: R3: the library stays loaded, and the name is a constant.
    let entry = unsafe { libc::dlsym(library, SYMBOL.as_ptr()) };
    if entry.is_null() {
        return Err("it does not export anchorhold_plugin_v1".to_owned());
    }
    // SAFETY: R2: within a major version, the symbol of that name has that type.
    let entry = unsafe { std::mem::transmute::<*mut c_void, ah_entry>(entry) };
    Ok(Loaded::Library(entry))
}

fn loader_error() -> String {
    // SAFETY: R3: the text is the C library's, and there until it is asked again.
    let text = unsafe { libc::dlerror() };
    if text.is_null() {
        return "the loader does not say why".to_owned();
    }
    // SAFETY: R3: as above.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_string_lossy().into_owned()
}

impl Plugin {
    /// Reads the tables that a plugin hands over, and says what is wrong with them.
    pub(crate) fn read(table: *const ah_plugin) -> Result<Self, String> {
        if table.is_null() {
            return Err("anchorhold_plugin_v1 returned NULL".to_owned());
        }
        // SAFETY: R1: in every major version, a table begins with its size and the magic number.
        let (size, magic) = unsafe { ((*table).struct_size, (*table).magic) };
        if magic != abi::AH_MAGIC {
            return Err(format!(
                "the magic number of ah_plugin is {magic:#010x}, and must be {:#010x}",
                abi::AH_MAGIC
            ));
        }
        let least = <ah_plugin as abi::Growing>::SIZE_1_0;
        // SAFETY: R1, R3: the table states its size, and is a constant.
        let table = unsafe { abi::read(table) }.ok_or_else(|| {
            format!("ah_plugin has {size} bytes, and version 1.0 of it has {least}")
        })?;
        if table.abi_major != abi::AH_ABI_MAJOR {
            return Err(format!(
                "abi_major is {}, and must be {}",
                table.abi_major,
                abi::AH_ABI_MAJOR
            ));
        }
        // SAFETY: R1, R3: NULL, or a constant that states its size.
        let ops = unsafe { abi::read(table.ops) }.ok_or("ah_store_ops is missing or too short")?;
        let functions = [
            ("open", table.open.is_some()),
            ("extension", table.extension.is_some()),
            ("close", ops.close.is_some()),
            ("health", ops.health.is_some()),
            ("list", ops.list.is_some()),
        ];
        if let Some((name, _)) = functions.iter().find(|(_, is_there)| !is_there) {
            return Err(format!("the function {name} is missing"));
        }
        let mut plugin = Self {
            table,
            ops,
            find: None,
            write: None,
            unlock: None,
            sign: None,
        };
        plugin.read_extensions()?;
        Ok(plugin)
    }

    fn read_extensions(&mut self) -> Result<(), String> {
        self.find = self.table_of(abi::AH_EXT_FIND)?;
        whole("find", self.find.map(|ops| ops.find.is_some()))?;
        self.write = self.table_of(abi::AH_EXT_WRITE)?;
        whole("write", self.write.map(|ops| ops.apply.is_some()))?;
        self.unlock = self.table_of(abi::AH_EXT_UNLOCK)?;
        whole(
            "unlock",
            self.unlock
                .map(|ops| ops.unlock.is_some() && ops.lock.is_some()),
        )?;
        self.sign = self.table_of(abi::AH_EXT_SIGN)?;
        whole(
            "sign",
            self.sign
                .map(|ops| ops.schemes.is_some() && ops.sign.is_some()),
        )
    }

    fn table_of<T: abi::Growing>(&self, id: &CStr) -> Result<Option<T>, String> {
        let table = self.extension(id)?;
        if table.is_null() {
            return Ok(None);
        }
        // SAFETY: R1, R3: the table of that id, a constant that states its size.
        let read = unsafe { abi::read(table.cast::<T>()) };
        let name = id.to_string_lossy();
        read.map(Some)
            .ok_or_else(|| format!("the table {name} is shorter than in version 1.0"))
    }

    /// The table of an id, as the plugin answers.
    pub(crate) fn extension(&self, id: &CStr) -> Result<*const c_void, String> {
        use crate::arena::{Loan, Use};
        use crate::word::Thing;
        let extension = self.table.extension.ok_or("there is no extension")?;
        let loan = Loan::new(
            Call::Extension,
            Thing::Text,
            Use::In,
            id.to_bytes_with_nul(),
        )?;
        // SAFETY: R3: the id is lent for this call.
        Ok(inside(Call::Extension, || unsafe {
            extension(loan.address())
        }))
    }

    /// Whether the flag is set.
    pub(crate) fn has(&self, flag: u32) -> bool {
        self.table.flags & flag != 0
    }
}

fn whole(name: &str, is_whole: Option<bool>) -> Result<(), String> {
    match is_whole {
        Some(false) => Err(format!("the table of {name} lacks a function")),
        _ => Ok(()),
    }
}

const SYMBOL: &CStr = c"anchorhold_plugin_v1";
