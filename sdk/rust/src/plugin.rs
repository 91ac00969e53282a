//! The table of a plugin, and the macros that make it and hand it over.

use std::ffi::{CStr, c_char, c_void};
use std::fmt;
use std::ptr;

use anchorhold_abi as abi;
use anchorhold_abi::{Growing, ah_plugin, ah_str};

use crate::query::{Find, FindOps};
use crate::sign::{Sign, SignOps};
use crate::store::{self, StoreOps, TrustStore};
use crate::unlock::{Unlock, UnlockOps};
use crate::write::{Write, WriteOps};

/// A plugin's table. Only [`plugin!`](crate::plugin!) makes one, so it keeps the contract.
#[repr(transparent)]
pub struct Plugin(ah_plugin);

impl Plugin {
    /// The table as C has it.
    pub const fn table(&'static self) -> &'static ah_plugin {
        &self.0
    }

    /// The ids of the optional tables that it has, of those that this version knows.
    pub fn offers(&'static self) -> Vec<&'static str> {
        let known = [
            abi::AH_EXT_FIND,
            abi::AH_EXT_WRITE,
            abi::AH_EXT_UNLOCK,
            abi::AH_EXT_SIGN,
        ];
        let has = |id: &&CStr| {
            self.0.extension.is_some_and(|extension| {
                // SAFETY: R7: [any], and the id is a constant.
                !unsafe { extension(id.as_ptr()) }.is_null()
            })
        };
        known
            .into_iter()
            .filter(has)
            .filter_map(|id| id.to_str().ok())
            .collect()
    }

    /// The plugin as part of the host; [`builtin!`](crate::builtin!) hands it over.
    #[cfg(feature = "builtin")]
    pub const fn builtin(&'static self) -> abi::Builtin {
        // SAFETY: R1 to R8: the table consists of the functions of this crate and of constants.
        unsafe { abi::Builtin::new(&self.0) }
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin").finish_non_exhaustive()
    }
}

/// On which threads the host makes the calls that change something or take long; `health` is
/// called on any thread, at any time, whatever this says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Threads {
    /// Several at a time, on any thread.
    Any,
    /// One at a time, and all on one thread, as is opening.
    One,
    /// One at a time, on any thread.
    #[default]
    Serial,
}

impl Threads {
    const fn flags(self) -> u32 {
        match self {
            Self::Any => abi::AH_PLUGIN_THREAD_SAFE,
            Self::One => abi::AH_PLUGIN_THREAD_AFFINE,
            Self::Serial => 0,
        }
    }
}

/// What `plugin!` says of a plugin.
pub trait Description: 'static {
    /// The type of its stores.
    type Store: TrustStore;
    /// Reverse DNS.
    const ID: &'static str;
    /// For people.
    const NAME: &'static str;
    /// The plugin's own.
    const VERSION: &'static str;
    /// TOML.
    const MANIFEST: &'static str;
    /// Which calls run where.
    const THREADS: Threads;
    /// What its stores can do besides being listed.
    const EXTENSIONS: &'static [Extension];
}

/// An optional table, with its id.
#[derive(Debug)]
pub struct Extension {
    id: &'static CStr,
    table: *const c_void,
}

impl Extension {
    /// Stores that can be asked without being listed.
    pub const fn find<T: Find>() -> Self {
        Self {
            id: abi::AH_EXT_FIND,
            table: ptr::from_ref(FindOps::<T>::TABLE).cast(),
        }
    }

    /// Stores with private keys.
    pub const fn sign<T: Sign>() -> Self {
        Self {
            id: abi::AH_EXT_SIGN,
            table: ptr::from_ref(SignOps::<T>::TABLE).cast(),
        }
    }

    /// Stores that have a lock.
    pub const fn unlock<T: Unlock>() -> Self {
        Self {
            id: abi::AH_EXT_UNLOCK,
            table: ptr::from_ref(UnlockOps::<T>::TABLE).cast(),
        }
    }

    /// Stores that can be changed.
    pub const fn write<T: Write>() -> Self {
        Self {
            id: abi::AH_EXT_WRITE,
            table: ptr::from_ref(WriteOps::<T>::TABLE).cast(),
        }
    }
}

/// The table of the plugin that `D` describes.
pub const fn plugin<D: Description>() -> Plugin {
    let panics = if cfg!(panic = "abort") {
        abi::AH_PLUGIN_PANIC_IS_ABORT
    } else {
        0
    };
    Plugin(ah_plugin {
        struct_size: <ah_plugin as Growing>::SIZE,
        magic: abi::AH_MAGIC,
        abi_major: abi::AH_ABI_MAJOR,
        abi_minor: abi::AH_ABI_MINOR,
        flags: D::THREADS.flags() | panics,
        id: ah_str::new(D::ID),
        name: ah_str::new(D::NAME),
        version: ah_str::new(D::VERSION),
        manifest: ah_str::new(D::MANIFEST),
        ops: StoreOps::<D::Store>::TABLE,
        extension: Some(extension::<D>),
        open: Some(store::open::<D::Store>),
    })
}

/// `ah_plugin.extension`.
///
/// # Safety
///
/// R3: `id` is NULL or a NUL-terminated text, lent for this call.
unsafe extern "C" fn extension<D: Description>(id: *const c_char) -> *const c_void {
    if id.is_null() {
        return ptr::null();
    }
    // SAFETY: R3, as promised by the caller.
    let id = unsafe { CStr::from_ptr(id) };
    let found = D::EXTENSIONS.iter().find(|extension| extension.id == id);
    found.map_or(ptr::null(), |extension| extension.table)
}

/// Makes the table of a plugin.
///
/// `store` implements [`TrustStore`](crate::TrustStore), and every trait that `also` names, of
/// [`Find`](crate::Find), [`Sign`](crate::Sign), [`Unlock`](crate::Unlock) and
/// [`Write`](crate::Write); the compiler refuses a plugin that claims more than it does. `threads` is one of
/// [`Threads`](crate::Threads), `Serial` where it is left out.
///
/// ```text
/// anchorhold_sdk::plugin! {
///     pub static PLUGIN:
///     store: LdapStore,
///     id: "org.example.ldap",
///     name: "LDAP directory",
///     version: env!("CARGO_PKG_VERSION"),
///     manifest: include_str!("../plugin.toml"),
///     also: [Write],
///     threads: Serial,
/// }
/// ```
#[macro_export]
macro_rules! plugin {
    (
        $(#[$attribute:meta])*
        $visibility:vis static $plugin:ident :
        store: $store:ty,
        id: $id:expr,
        name: $name:expr,
        version: $version:expr,
        manifest: $manifest:expr
        $(, also: [$($extension:ident),* $(,)?])?
        $(, threads: $threads:ident)?
        $(,)?
    ) => {
        $(#[$attribute])*
        $visibility static $plugin: $crate::Plugin = {
            struct Described;
            impl $crate::__private::Description for Described {
                type Store = $store;
                const ID: &'static str = $id;
                const NAME: &'static str = $name;
                const VERSION: &'static str = $version;
                const MANIFEST: &'static str = $manifest;
                const THREADS: $crate::Threads = $crate::plugin!(@threads $($threads)?);
                const EXTENSIONS: &'static [$crate::__private::Extension] =
                    &[$($($crate::plugin!(@extension $extension $store)),*)?];
            }
            $crate::__private::plugin::<Described>()
        };
    };
    (@threads) => { $crate::Threads::Serial };
    (@threads $threads:ident) => { $crate::Threads::$threads };
    (@extension Find $store:ty) => { $crate::__private::Extension::find::<$store>() };
    (@extension Sign $store:ty) => { $crate::__private::Extension::sign::<$store>() };
    (@extension Unlock $store:ty) => { $crate::__private::Extension::unlock::<$store>() };
    (@extension Write $store:ty) => { $crate::__private::Extension::write::<$store>() };
}

/// Exports a plugin from a library of crate type `cdylib`: the one symbol that the host looks for.
/// A library has one plugin, so a crate calls this once; the rest of it stays hidden.
#[macro_export]
macro_rules! export {
    ($plugin:path) => {
        /// The entry of the plugin contract: returns a constant.
        // SAFETY: R2: the name belongs to this major version, and a library has it once.
        #[unsafe(no_mangle)]
        pub extern "C" fn anchorhold_plugin_v1() -> *const $crate::__private::ah_plugin {
            $plugin.table()
        }
    };
}

/// Hands a plugin over as part of the program that it is linked into. The host finds it only if
/// something else of the crate is used, if only `use the_crate as _;`.
#[cfg(feature = "builtin")]
#[macro_export]
macro_rules! builtin {
    ($plugin:path) => {
        $crate::__private::inventory::submit! { $plugin.builtin() }
    };
}
