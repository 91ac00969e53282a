//! From an admitted library to a plugin's table.

mod error;

use std::collections::BTreeMap;
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, BorrowedFd, IntoRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anchorhold_abi::ah_entry;
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use sha2::{Digest, Sha256};

use crate::admit::step::{self, Step};
use crate::admit::{Admitted, Look, Refusal};
use crate::confinement::Place;
use crate::plugin::Plugin;

pub use error::LoadError;

/// How a file is loaded so that the bytes checked are the bytes loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// By its path, since only root can change it or put another one in its place.
    ByPath,
    /// From a copy in sealed memory.
    Sealed,
    /// From a copy in a directory that nobody else can enter.
    Copied(PathBuf),
}

/// A library on its way into this process.
#[derive(Clone, Debug)]
pub(crate) struct Loadable {
    /// What was checked; it is never closed, so that its number is never used again.
    pub(crate) descriptor: BorrowedFd<'static>,
    /// How it is loaded.
    pub(crate) way: Way,
    /// Where it lies, without any link.
    pub(crate) path: PathBuf,
    /// The SHA-256 of what is loaded.
    pub(crate) digest: [u8; 32],
    /// What to look at again just before.
    pub(crate) looks: Vec<Look>,
}

impl Loadable {
    /// By what path its descriptor is opened again.
    fn memory(&self) -> String {
        format!("/proc/self/fd/{}", self.descriptor.as_raw_fd())
    }
}

/// Keeps a descriptor open until the process ends.
pub(crate) fn leak(descriptor: OwnedFd) -> BorrowedFd<'static> {
    let number = descriptor.into_raw_fd();
    // SAFETY: R3: nobody owns the descriptor any more, so nobody closes it, ever.
    unsafe { BorrowedFd::borrow_raw(number) }
}

impl Plugin {
    /// Loads a library into this process. Where this machine does not load memory, a private copy
    /// is loaded.
    pub fn from_library(admitted: Admitted) -> Result<Self, LoadError> {
        let loadable = leaked(&admitted)?;
        let loaded = load(&loadable, admitted.manifest_text(), Place::InProcess);
        if loadable.way != Way::Sealed || !matches!(loaded, Err(LoadError::NotLoaded { .. })) {
            return loaded;
        }
        let Ok(copied) = admitted.into_copy() else {
            return loaded;
        };
        match load(&leaked(&copied)?, copied.manifest_text(), Place::InProcess) {
            // What the loader said first is about the file that the operator knows.
            Err(LoadError::NotLoaded { .. }) => loaded,
            again => again,
        }
    }

    /// Loads a library into this process as it was admitted. A copy that was made of it is there
    /// for as long as the caller keeps it, and with it what a debugger reads.
    pub fn from_kept_library(admitted: &Admitted) -> Result<Self, LoadError> {
        load(
            &leaked(admitted)?,
            admitted.manifest_text(),
            Place::InProcess,
        )
    }
}

fn leaked(admitted: &Admitted) -> Result<Loadable, LoadError> {
    let file = admitted.file();
    look_at_all(file.looks()).map_err(LoadError::Refused)?;
    file.leak().map_err(|error| LoadError::NotLoaded {
        path: file.real().to_owned(),
        why: error.to_string(),
    })
}

/// Loads a library, once however often it is asked for, and adopts its table.
pub(crate) fn load(
    library: &Loadable,
    manifest_text: &str,
    place: Place,
) -> Result<Plugin, LoadError> {
    /// What was loaded, by the digests of library and manifest. What failed is tried again.
    static LOADED: Mutex<BTreeMap<[[u8; 32]; 2], Plugin>> = Mutex::new(BTreeMap::new());
    step::reached(Step::HandedOver);
    look_again(library)?;
    let key = [library.digest, Sha256::digest(manifest_text).into()];
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    let plugin = match loaded.get(&key) {
        Some(plugin) => *plugin,
        None => {
            let plugin = load_first(library, manifest_text)?;
            loaded.insert(key, plugin);
            plugin
        }
    };
    if place == Place::InProcess && plugin.panic_is_abort() {
        return Err(LoadError::PanicIsAbort {
            path: library.path.clone(),
        });
    }
    Ok(plugin)
}

fn load_first(library: &Loadable, manifest_text: &str) -> Result<Plugin, LoadError> {
    if library.way != Way::ByPath {
        step::reached(Step::LookedAgain);
    }
    let memory = PathBuf::from(library.memory());
    let file: &Path = match &library.way {
        Way::ByPath => &library.path,
        Way::Sealed => &memory,
        Way::Copied(copy) => copy,
    };
    // SAFETY: R5: what runs on loading is what the operator admitted, whose author promised the
    // contract; the bytes are those that were checked.
    let opened = unsafe { Library::open(Some(file), RTLD_NOW | RTLD_LOCAL) };
    // Nothing is ever unloaded: threads, atexit handlers and what the table leads to stay valid.
    let opened = ManuallyDrop::new(opened.map_err(|error| LoadError::not_loaded(library, &error))?);
    step::reached(Step::Loaded);
    look_again(library)?;
    // SAFETY: R2: within a major version the symbol of that name has that type.
    let entry = unsafe { opened.get::<ah_entry>(ENTRY) };
    let entry = entry.map_err(|error| LoadError::no_entry(library, &error))?;
    // SAFETY: R3, R5: the entry returns a constant, and the library is never unloaded.
    let table = unsafe { entry() };
    // SAFETY: R1 to R8: NULL or the table of a library that stays for ever, whose author promised
    // the contract.
    let adopted = unsafe { Plugin::adopt_library(table, manifest_text) };
    adopted.map_err(|source| LoadError::Faulty {
        path: library.path.clone(),
        source,
    })
}

/// Looks at every path while all of the file system can be seen.
pub(crate) fn look_at_all(looks: &[Look]) -> Result<(), Refusal> {
    looks.iter().try_for_each(|look| look.again(true))
}

/// Looks once more at what every path leads to. A runner sees nothing but what it was granted by
/// now, yet what is loaded by its path has to be there.
fn look_again(library: &Loadable) -> Result<(), LoadError> {
    let mut looks = library.looks.iter();
    looks
        .try_for_each(|look| {
            let is_loaded = library.way == Way::ByPath && look.path == library.path;
            look.again(is_loaded)
        })
        .map_err(LoadError::Refused)
}

/// The one exported symbol.
const ENTRY: &[u8] = b"anchorhold_plugin_v1\0";

#[cfg(test)]
mod tests;
