//! Why an admitted library is no plugin after all.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

use crate::admit::Refusal;
use crate::load::{Loadable, Way};
use crate::plugin::Fault;
use crate::quotation;

/// Why a library is not loaded, or not adopted once it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadError {
    /// Its table cannot be used: its author must act.
    Faulty {
        /// Which library.
        path: PathBuf,
        /// Why.
        source: Fault,
    },
    /// It has no symbol `anchorhold_plugin_v1`: it is no plugin, or one for another major version.
    NoEntry {
        /// Which library.
        path: PathBuf,
        /// What the loader said, fit to be shown.
        why: String,
    },
    /// The loader does not load it: another machine's, no library at all, or one that lacks
    /// another one.
    NotLoaded {
        /// Which library.
        path: PathBuf,
        /// What the loader said, fit to be shown.
        why: String,
    },
    /// It was built so that a panic ends the whole process, and may run in a runner only.
    PanicIsAbort {
        /// Which library.
        path: PathBuf,
    },
    /// It is not what was admitted any more.
    Refused(Refusal),
}

impl LoadError {
    /// The word that programs read; it is never renamed.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Faulty { source, .. } => source.code(),
            Self::NoEntry { .. } => "no-entry",
            Self::NotLoaded { .. } => "not-loaded",
            Self::PanicIsAbort { .. } => "panic-is-abort",
            Self::Refused(refusal) => refusal.code(),
        }
    }

    /// What to do next.
    pub fn remedy(&self) -> String {
        match self {
            Self::Faulty { .. } | Self::NoEntry { .. } => {
                "ask the plugin's author; to see what is wrong with it: anchorhold plugin check \
                 LIBRARY"
                    .to_owned()
            }
            Self::NotLoaded { .. } => {
                "install what the loader misses, or a library that is built for this machine"
                    .to_owned()
            }
            Self::PanicIsAbort { .. } => {
                "run it in a runner: write isolation = \"runner\" for its store".to_owned()
            }
            Self::Refused(refusal) => refusal.remedy(),
        }
    }

    pub(super) fn not_loaded(library: &Loadable, error: &libloading::Error) -> Self {
        Self::NotLoaded {
            path: library.path.clone(),
            why: told(library, error),
        }
    }

    pub(super) fn no_entry(library: &Loadable, error: &libloading::Error) -> Self {
        Self::NoEntry {
            path: library.path.clone(),
            why: told(library, error),
        }
    }
}

/// What the loader itself said, of the paths that the operator knows.
fn told(library: &Loadable, error: &libloading::Error) -> String {
    let mut text = error.to_string();
    if let Some(source) = error.source() {
        text = source.to_string();
    }
    quotation::line(in_place(library, &text).as_bytes(), WHY_MAX).text
}

/// A text with the paths of a copy made into those of what was copied.
pub(super) fn in_place(library: &Loadable, text: &str) -> String {
    let path = library.path.to_string_lossy();
    match &library.way {
        Way::ByPath => text.to_owned(),
        Way::Sealed => text.replace(&library.memory(), &path),
        Way::Copied(copy) => {
            let copy = copy.to_string_lossy();
            // In a copy everything lies as it does below the root.
            match copy.strip_suffix(&*path) {
                Some(root) if !root.is_empty() => text.replace(root, ""),
                _ => text.replace(&*copy, &path),
            }
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Faulty { path, .. } => {
                write!(f, "{}: the plugin cannot be used", path.display())
            }
            Self::NoEntry { path, why } => write!(
                f,
                "{}: the symbol anchorhold_plugin_v1 is expected, and is not there: {why:?}",
                path.display()
            ),
            Self::NotLoaded { path, why } => {
                write!(f, "{}: the system's loader says {why:?}", path.display())
            }
            Self::PanicIsAbort { path } => write!(
                f,
                "{}: it is built with panic = \"abort\", so that a bug in it would end this \
                 program",
                path.display()
            ),
            Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}

impl Error for LoadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Faulty { source, .. } => Some(source),
            Self::Refused(refusal) => refusal.source(),
            _ => None,
        }
    }
}

const WHY_MAX: usize = 1024;
