//! A plugin: its table, adopted, and what it says of itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anchorhold_abi::{Builtin, ah_plugin};

use crate::adopt;
use crate::adopt::plugin::Adopted;
use crate::manifest::{Manifest, ManifestError};
use crate::open_store::Identity;
use crate::question::Prompter;
use crate::services::LogSink;
use crate::status::CallError;
use crate::table::Table;

/// A plugin whose table was checked. It lives as long as the program: nothing is ever unloaded.
#[derive(Clone, Copy)]
pub struct Plugin(&'static Adopted);

/// What one store is opened with.
#[derive(Clone)]
#[non_exhaustive]
pub struct StoreConfig {
    /// What the operator calls it.
    pub store_name: String,
    /// As [`Manifest::check_settings`] returns them.
    pub settings: Vec<(String, String)>,
    /// A directory of its own, where it has one.
    pub state_dir: Option<PathBuf>,
    /// Where its log goes.
    pub log: LogSink,
    /// Who answers its questions, where anybody does.
    pub prompter: Option<Arc<dyn Prompter>>,
    /// Called when it announces a change, with the generation that it tells; the same rules as for
    /// the log.
    pub announce: Option<Arc<dyn Fn(u64) + Send + Sync>>,
}

/// A plugin that cannot be used, and why: its author must act.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Another plugin of the program has the same id.
    Duplicate {
        /// The id.
        id: String,
    },
    /// The id is no reverse-DNS name of letters, digits, `.`, `_`, `+` and `-`.
    IdMalformed {
        /// The id, fit to be shown.
        id: String,
    },
    /// The table holds another manifest than the file beside the library.
    ManifestDiffers {
        /// Whose.
        id: String,
    },
    /// The table and the manifest name different ids.
    IdMismatch {
        /// In the table.
        table: String,
        /// In the manifest.
        manifest: String,
    },
    /// It speaks a major version of the contract that this host does not.
    MajorUnknown {
        /// Which.
        major: u16,
    },
    /// Its manifest cannot be used.
    Manifest {
        /// Whose.
        id: String,
        /// Why.
        source: ManifestError,
    },
    /// A function is missing that the contract demands.
    MissingCall {
        /// Whose.
        id: String,
        /// Which.
        name: &'static str,
    },
    /// A table is missing that the contract demands.
    MissingTable {
        /// Whose.
        id: String,
        /// Which.
        name: &'static str,
    },
    /// There is no table: NULL, or where none can be.
    NotAPlugin,
    /// The table does not begin as a plugin's does.
    MagicUnknown {
        /// What stands where the magic number should.
        found: u32,
    },
    /// It was built so that a panic ends the whole program.
    PanicIsAbort {
        /// Whose.
        id: String,
    },
    /// A text leads nowhere or is not UTF-8.
    TextMalformed {
        /// Which.
        name: &'static str,
    },
    /// One of the tables that it leads to is shorter than in version 1.0.
    TableTooShort {
        /// Whose.
        id: String,
        /// Which.
        name: &'static str,
        /// What it states.
        size: u32,
        /// What version 1.0 has.
        least: u32,
    },
    /// The table is shorter than in version 1.0.
    TooShort {
        /// What it states.
        size: u32,
        /// What version 1.0 has.
        least: u32,
    },
}

impl StoreConfig {
    /// A store without settings, whose log goes nowhere.
    pub fn new(store_name: impl Into<String>) -> Self {
        Self {
            store_name: store_name.into(),
            settings: Vec::new(),
            state_dir: None,
            log: Arc::new(|_, _| {}),
            prompter: None,
            announce: None,
        }
    }
}

impl fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreConfig")
            .field("store_name", &self.store_name)
            .field("settings", &self.settings)
            .field("state_dir", &self.state_dir)
            .finish_non_exhaustive()
    }
}

impl Plugin {
    /// Every plugin that is linked into the program, sorted by id, and after them a fault for each
    /// that cannot be used.
    pub fn builtins() -> Vec<Result<Self, Fault>> {
        let mut usable = BTreeMap::new();
        let mut faults = Vec::new();
        let mut seen = BTreeSet::new();
        for builtin in anchorhold_abi::inventory::iter::<Builtin>
            .into_iter()
            .copied()
        {
            // The same table handed over twice is one plugin.
            if !seen.insert(std::ptr::from_ref(builtin.table()).addr()) {
                continue;
            }
            match Self::builtin(builtin) {
                Ok(plugin) if usable.contains_key(plugin.id()) => {
                    faults.push(Fault::Duplicate {
                        id: plugin.id().to_owned(),
                    });
                }
                Ok(plugin) => {
                    usable.insert(plugin.id(), plugin);
                }
                Err(fault) => faults.push(fault),
            }
        }
        usable
            .into_values()
            .map(Ok)
            .chain(faults.into_iter().map(Err))
            .collect()
    }

    /// Adopts a plugin that is linked into the program.
    pub fn builtin(builtin: Builtin) -> Result<Self, Fault> {
        // SAFETY: R1, R3: whoever made the `Builtin` vouched for its table.
        unsafe { Self::adopt(builtin.table()) }
    }

    /// Adopts a table, once however often it is asked for.
    ///
    /// # Safety
    ///
    /// R1 to R8: `table` is NULL or a plugin's table that keeps the contract, and lives for ever.
    pub(crate) unsafe fn adopt(table: *const ah_plugin) -> Result<Self, Fault> {
        static ADOPTED: Mutex<BTreeMap<usize, Result<Plugin, Fault>>> = Mutex::new(BTreeMap::new());
        let mut adopted = ADOPTED.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = adopted.entry(table.addr()).or_insert_with(|| {
            // SAFETY: R1, R3, as promised by the caller.
            let read = unsafe { adopt::plugin::read(table, None) }?;
            if read.panic_is_abort {
                return Err(Fault::PanicIsAbort { id: read.id });
            }
            Ok(Self::keep(read))
        });
        entry.clone()
    }

    /// Adopts the table of a library whose manifest is the text of a file.
    ///
    /// # Safety
    ///
    /// As for [`adopt`](Self::adopt).
    pub(crate) unsafe fn adopt_library(
        table: *const ah_plugin,
        manifest: &str,
    ) -> Result<Self, Fault> {
        // SAFETY: R1, R3, as promised by the caller.
        unsafe { adopt::plugin::read(table, Some(manifest)) }.map(Self::keep)
    }

    /// A plugin is for ever, so what was read of it is, too.
    fn keep(read: Adopted) -> Self {
        Self(Box::leak(Box::new(read)))
    }

    /// Reverse DNS, equal to the manifest's.
    pub fn id(&self) -> &'static str {
        &self.0.id
    }

    /// For people.
    pub fn name(&self) -> &'static str {
        &self.0.name
    }

    /// The plugin's own version.
    pub fn version(&self) -> &'static str {
        &self.0.version
    }

    /// What it says of itself.
    pub fn manifest(&self) -> &'static Manifest {
        &self.0.manifest
    }

    /// Whether a panic in it ends the whole process.
    pub(crate) fn panic_is_abort(&self) -> bool {
        self.0.panic_is_abort
    }

    /// Whether its stores can be written; one that cannot just now says so in its health.
    pub fn can_write(&self) -> bool {
        self.0.apply.is_some()
    }

    /// Whether a batch of changes to one of its stores happens whole or not at all.
    pub fn writes_whole(&self) -> bool {
        self.0.writes_whole
    }

    /// Whether its stores can be asked without being listed.
    pub fn can_find(&self) -> bool {
        self.0.find.is_some()
    }

    /// Whether its stores have a lock.
    pub fn can_unlock(&self) -> bool {
        self.0.locks.is_some()
    }

    /// Whether its stores have private keys.
    pub fn can_sign(&self) -> bool {
        self.0.signs.is_some()
    }

    /// What it says of itself, as it is shown.
    pub fn identity(&self) -> Identity {
        Identity {
            id: self.0.id.clone(),
            name: self.0.name.clone(),
            version: self.0.version.clone(),
            abi_minor: self.0.abi_minor,
            can_write: self.can_write(),
            writes_whole: self.writes_whole(),
            can_find: self.can_find(),
            can_unlock: self.can_unlock(),
            can_sign: self.can_sign(),
        }
    }

    /// Opens one store.
    pub fn open(&self, config: StoreConfig) -> Result<Table, CallError> {
        Table::open(*self, config)
    }

    pub(crate) fn adopted(&self) -> &'static Adopted {
        self.0
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Plugin").field(&self.id()).finish()
    }
}

impl Fault {
    /// The word that programs read; it is never renamed.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Duplicate { .. } => "id-duplicate",
            Self::IdMalformed { .. } => "id-malformed",
            Self::IdMismatch { .. } => "id-mismatch",
            Self::MagicUnknown { .. } => "magic-unknown",
            Self::MajorUnknown { .. } => "major-unknown",
            Self::Manifest { .. } => "manifest-invalid",
            Self::ManifestDiffers { .. } => "manifest-differs",
            Self::MissingCall { .. } => "missing-call",
            Self::MissingTable { .. } => "missing-table",
            Self::NotAPlugin => "not-a-plugin",
            Self::PanicIsAbort { .. } => "panic-is-abort",
            Self::TableTooShort { .. } | Self::TooShort { .. } => "table-too-short",
            Self::TextMalformed { .. } => "text-malformed",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicate { id } => write!(f, "two plugins of this program have the id {id:?}"),
            Self::IdMalformed { id } => write!(
                f,
                "the plugin id {id:?} is not made of letters, digits, '.', '_', '+' and '-'"
            ),
            Self::IdMismatch { table, manifest } => {
                write!(f, "the plugin {table:?} has the manifest of {manifest:?}")
            }
            Self::MajorUnknown { major } => write!(
                f,
                "the plugin speaks version {major} of the plugin contract, this host version {}",
                anchorhold_abi::AH_ABI_MAJOR
            ),
            Self::Manifest { id, .. } => write!(f, "the manifest of {id:?} cannot be used"),
            Self::MissingCall { id, name } => {
                write!(f, "the plugin {id:?} lacks the function {name:?}")
            }
            Self::MissingTable { id, name } => {
                write!(f, "the plugin {id:?} lacks the table {name:?}")
            }
            Self::NotAPlugin => f.write_str("this is no plugin: it has no table"),
            Self::MagicUnknown { found } => write!(
                f,
                "this is no plugin: its table begins with {found:#010x}, and a plugin's with \
                 {:#010x}",
                anchorhold_abi::AH_MAGIC
            ),
            Self::ManifestDiffers { id } => write!(
                f,
                "the table of the plugin {id:?} holds another manifest than the file beside its \
                 library"
            ),
            Self::PanicIsAbort { id } => write!(
                f,
                "the plugin {id:?} is built with panic = \"abort\", so that a bug in it would end \
                 this program: build it with panic = \"unwind\""
            ),
            Self::TextMalformed { name } => {
                write!(f, "the plugin's {name} leads nowhere or is not UTF-8")
            }
            Self::TableTooShort {
                id,
                name,
                size,
                least,
            } => write!(
                f,
                "the table {name:?} of the plugin {id:?} has {size} bytes, and version 1.0 of the \
                 contract has {least}"
            ),
            Self::TooShort { size, least } => write!(
                f,
                "the plugin's table has {size} bytes, and version 1.0 of the contract has {least}"
            ),
        }
    }
}

impl std::error::Error for Fault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Manifest { source, .. } => Some(source),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
