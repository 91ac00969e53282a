//! Every plugin there is, sorted by id.

use anchorhold_boundary::{Fault, Plugin};

/// The plugins that stores may name.
#[derive(Debug, Default)]
pub struct Registry {
    /// Sorted by id, each id once.
    plugins: Vec<Plugin>,
    faults: Vec<Fault>,
}

impl Registry {
    /// The plugins that are linked into the program.
    pub fn builtin() -> Self {
        let mut registry = Self::default();
        for found in Plugin::builtins() {
            match found {
                Ok(plugin) => registry.add(plugin),
                Err(fault) => registry.faults.push(fault),
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

    /// The plugin of an id.
    pub fn plugin(&self, id: &str) -> Option<&Plugin> {
        let position = self
            .plugins
            .binary_search_by(|known| known.id().cmp(id))
            .ok()?;
        self.plugins.get(position)
    }

    /// Every plugin, sorted by id.
    pub fn plugins(&self) -> &[Plugin] {
        &self.plugins
    }

    /// What is linked in and cannot be used.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    fn add(&mut self, plugin: Plugin) {
        if let Err(position) = self
            .plugins
            .binary_search_by(|known| known.id().cmp(plugin.id()))
        {
            self.plugins.insert(position, plugin);
        }
    }
}

#[cfg(test)]
mod tests {
    use anchorhold_sdk::testing::PLUGIN;

    use super::*;
    use crate::fixture::MEMORY;

    #[test]
    fn a_plugin_is_found_by_its_id_and_there_once() {
        let memory = Plugin::builtin(PLUGIN.builtin()).unwrap();
        let registry = Registry::of([memory, memory]);
        assert_eq!(registry.plugins().len(), 1);
        assert_eq!(registry.plugin(MEMORY).map(Plugin::id), Some(MEMORY));
        assert!(registry.plugin("anchorhold.testing").is_none());
        assert!(registry.faults().is_empty());
    }

    #[test]
    fn a_program_without_plugins_has_none() {
        let registry = Registry::builtin();
        assert!(registry.plugins().is_empty() && registry.faults().is_empty());
    }
}
