//! Every plugin there is, sorted by id.

use std::fmt;
use std::path::PathBuf;

use anchorhold_boundary::admit::{self, Admitted, Pins, Refusal};
use anchorhold_boundary::grant::Grant;
use anchorhold_boundary::{Fault, Plugin};

/// The plugins that stores may name.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    /// Sorted by id, each id once.
    entries: Vec<Entry>,
    faults: Vec<RegistryFault>,
}

/// A plugin that stores may name.
#[derive(Clone, Debug)]
pub enum Entry {
    /// It is linked into the program.
    Builtin(Plugin),
    /// It is a library that the operator registered; it is admitted whenever a store is opened.
    Library(LibraryPlan),
}

/// A library as the operator registered it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LibraryPlan {
    /// The id of the plugin.
    pub id: String,
    /// Where its manifest is.
    pub manifest: PathBuf,
    /// What both its files have to be.
    pub pins: Pins,
    /// What it may reach, in all of its stores.
    pub grants: Vec<Grant>,
}

/// A plugin that cannot be used, and is not in the way of any other.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistryFault {
    /// What is linked in cannot be used.
    Builtin(Fault),
    /// A library was registered with the id of a plugin that is linked in; that one counts.
    Taken {
        /// The id.
        id: String,
        /// The manifest of the library.
        manifest: PathBuf,
    },
    /// Two libraries were registered with one id; neither counts.
    Twice {
        /// The id.
        id: String,
        /// Their manifests.
        manifests: [PathBuf; 2],
    },
}

impl Registry {
    /// The plugins that are linked into the program.
    pub fn builtin() -> Self {
        let mut registry = Self::default();
        for found in Plugin::builtins() {
            match found {
                Ok(plugin) => registry.add(plugin),
                Err(fault) => registry.faults.push(RegistryFault::Builtin(fault)),
            }
        }
        registry
    }

    /// Exactly these; of two with one id the first counts.
    pub fn of(plugins: impl IntoIterator<Item = Plugin>) -> Self {
        let mut registry = Self::default();
        plugins.into_iter().for_each(|plugin| registry.add(plugin));
        registry
    }

    /// The same with the libraries that the operator registered.
    #[must_use]
    pub fn with_libraries(mut self, libraries: Vec<LibraryPlan>) -> Self {
        let mut twice: Vec<String> = Vec::new();
        for library in libraries {
            match self.position(&library.id) {
                Err(_) if twice.contains(&library.id) => {}
                Err(position) => self.entries.insert(position, Entry::Library(library)),
                Ok(position) => match self.entries.get(position) {
                    Some(Entry::Library(first)) => {
                        self.faults.push(RegistryFault::Twice {
                            id: library.id.clone(),
                            manifests: [first.manifest.clone(), library.manifest],
                        });
                        twice.push(library.id);
                        self.entries.remove(position);
                    }
                    _ => self.faults.push(RegistryFault::Taken {
                        id: library.id,
                        manifest: library.manifest,
                    }),
                },
            }
        }
        self
    }

    /// The plugin of an id.
    pub fn entry(&self, id: &str) -> Option<&Entry> {
        self.entries.get(self.position(id).ok()?)
    }

    /// Every plugin, sorted by id.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The plugin of an id, where it is linked in.
    pub fn plugin(&self, id: &str) -> Option<&Plugin> {
        match self.entry(id)? {
            Entry::Builtin(plugin) => Some(plugin),
            Entry::Library(_) => None,
        }
    }

    /// What cannot be used.
    pub fn faults(&self) -> &[RegistryFault] {
        &self.faults
    }

    /// Why the plugin of an id is not there, or not the one that was registered, where that is so.
    pub fn fault(&self, id: &str) -> Option<&RegistryFault> {
        self.faults.iter().find(|fault| fault.id() == Some(id))
    }

    fn add(&mut self, plugin: Plugin) {
        if let Err(position) = self.position(plugin.id()) {
            self.entries.insert(position, Entry::Builtin(plugin));
        }
    }

    fn position(&self, id: &str) -> Result<usize, usize> {
        self.entries.binary_search_by(|known| known.id().cmp(id))
    }
}

impl Entry {
    /// The id.
    pub fn id(&self) -> &str {
        match self {
            Self::Builtin(plugin) => plugin.id(),
            Self::Library(library) => &library.id,
        }
    }
}

impl LibraryPlan {
    /// Admits the library, if it is what was registered.
    ///
    /// # Errors
    /// What was found, and what was expected; no byte of it has run.
    pub fn admit(&self) -> Result<Admitted, Refusal> {
        let admitted = admit::admit(&self.manifest, &self.pins)?;
        if admitted.manifest().id != self.id {
            return Err(Refusal::IdMismatch {
                path: self.manifest.clone(),
                found: admitted.manifest().id.clone(),
                expected: self.id.clone(),
            });
        }
        Ok(admitted)
    }
}

impl RegistryFault {
    /// The id that cannot be used, or not as it was registered.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Builtin(_) => None,
            Self::Taken { id, .. } | Self::Twice { id, .. } => Some(id),
        }
    }
}

impl fmt::Display for RegistryFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builtin(fault) => fault.fmt(f),
            Self::Taken { id, manifest } => write!(
                f,
                "the plugin {id:?} is part of this program, so the library of {} is not used",
                manifest.display()
            ),
            Self::Twice {
                id,
                manifests: [one, other],
            } => write!(
                f,
                "two libraries are registered as {id:?}, {} and {}, so neither is used",
                one.display(),
                other.display()
            ),
        }
    }
}

impl std::error::Error for RegistryFault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Builtin(fault) => fault.source(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use anchorhold_sdk::testing::PLUGIN;

    use super::*;
    use crate::fixture::MEMORY;

    fn library(id: &str, manifest: &str) -> LibraryPlan {
        LibraryPlan {
            id: id.to_owned(),
            manifest: PathBuf::from(manifest),
            pins: Pins {
                library: [1; 32],
                manifest: [2; 32],
            },
            grants: Vec::new(),
        }
    }

    fn memory() -> Registry {
        Registry::of([Plugin::builtin(PLUGIN.builtin()).unwrap()])
    }

    fn ids(registry: &Registry) -> Vec<&str> {
        registry.entries().iter().map(Entry::id).collect()
    }

    #[test]
    fn a_plugin_is_found_by_its_id_and_there_once() {
        let memory = Plugin::builtin(PLUGIN.builtin()).unwrap();
        let registry = Registry::of([memory, memory]);
        assert_eq!(registry.entries().len(), 1);
        assert_eq!(registry.plugin(MEMORY).map(Plugin::id), Some(MEMORY));
        assert!(registry.plugin("anchorhold.testing").is_none());
        assert!(registry.faults().is_empty());
    }

    #[test]
    fn a_program_without_plugins_has_none() {
        let registry = Registry::builtin();
        assert!(registry.entries().is_empty() && registry.faults().is_empty());
    }

    #[test]
    fn libraries_stand_among_the_built_ins_by_id() {
        let registry = memory().with_libraries(vec![
            library("org.example.b", "/b"),
            library("aa.example", "/a"),
        ]);
        assert_eq!(ids(&registry), ["aa.example", MEMORY, "org.example.b"]);
        assert!(registry.plugin("aa.example").is_none());
        assert!(matches!(
            registry.entry("aa.example"),
            Some(Entry::Library(plan)) if plan.manifest == *"/a"
        ));
        assert!(registry.faults().is_empty());
    }

    #[test]
    fn a_library_with_the_id_of_a_built_in_is_told_and_does_not_count() {
        let registry = memory().with_libraries(vec![library(MEMORY, "/evil")]);
        assert!(matches!(registry.entry(MEMORY), Some(Entry::Builtin(_))));
        let fault = registry.fault(MEMORY).unwrap();
        assert!(fault.to_string().contains("/evil"), "{fault}");
    }

    #[test]
    fn of_two_libraries_with_one_id_neither_counts() {
        for count in 2..4 {
            let libraries = ["/a", "/b", "/c"].map(|at| library("org.example.x", at));
            let libraries = libraries.into_iter().take(count).collect();
            let registry = memory().with_libraries(libraries);
            assert_eq!(ids(&registry), [MEMORY]);
            let fault = registry.fault("org.example.x").unwrap();
            assert!(fault.to_string().contains("/a and /b"), "{fault}");
        }
    }
}
