//! A module, loaded and initialised once in a process.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anchorhold_sdk::{Error, ErrorKind};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::RvError;

use crate::error::{answer, failed};
use crate::raw;

/// The modules of this process, by their path. None is ever finalised or unloaded: real ones crash
/// then, and another store may use the same.
static MODULES: Mutex<BTreeMap<PathBuf, Loaded>> = Mutex::new(BTreeMap::new());

struct Loaded {
    module: Pkcs11,
    told: Option<CString>,
}

/// The module at this path; loaded and initialised where nobody has done so.
pub(crate) fn module(path: &Path, told: Option<&CString>) -> Result<Pkcs11, Error> {
    let mut modules = MODULES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(loaded) = modules.get(path) {
        if loaded.told.as_ref() != told {
            return Err(Error::new(
                ErrorKind::InvalidState,
                "another store in this process has initialised the module in another way: let \
                 each run in a process of its own, with isolation = \"runner\"",
            ));
        }
        return Ok(loaded.module.clone());
    }
    let module = Pkcs11::new(path).map_err(|error| unloadable(path, &error))?;
    // One more owner that never lets go keeps the library where it is.
    mem::forget(module.clone());
    let initialized = match told {
        None => module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)),
        Some(text) => raw::initialize_with(&module, text),
    };
    match initialized {
        Ok(()) => {}
        // Something else in this process came first, and it serves as well where the module was to
        // be told nothing: nobody knows what that told it.
        Err(error)
            if answer(&error) == Some(RvError::CryptokiAlreadyInitialized) && told.is_none() => {}
        Err(error) => return Err(failed(&format!("the module {}", path.display()), &error)),
    }
    let loaded = Loaded {
        module: module.clone(),
        told: told.cloned(),
    };
    modules.insert(path.to_owned(), loaded);
    Ok(module)
}

/// Why a library is no module that can be used here, with everything that the loader said.
fn unloadable(path: &Path, error: &cryptoki::error::Error) -> Error {
    let mut message = format!(
        "{} cannot be loaded as a PKCS#11 module: {error}",
        path.display()
    );
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let text = error.to_string();
        if !message.contains(&text) {
            message.push_str(": ");
            message.push_str(&text);
        }
        cause = error.source();
    }
    Error::new(ErrorKind::Unsupported, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_module_is_named_with_the_loaders_words() {
        for path in ["/nonexistent.so", "/bin/true"] {
            let error = module(Path::new(path), None).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.message().contains(path), "{error}");
        }
    }
}
