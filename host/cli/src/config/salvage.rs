//! What of a configuration with mistakes can still be used, and all of the mistakes.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use anchorhold_kernel::plan::{StorePlan, StoreTable};
use toml::Spanned;

use super::folder::{self, ConfigFile};
use super::plugins::{self, PluginTable};
use super::{Config, Typed, add_stores, invalid, line_of, not_yet_or, policies, stores, text_of};
use crate::exit::Failure;
use crate::input;
use crate::paths::Paths;

impl Config {
    /// What can be used, and everything that is wrong with the rest; only a configuration without
    /// a mistake is one to act on.
    pub(crate) fn salvage(paths: &Paths) -> (Self, Vec<Failure>) {
        let first = match Self::read(paths) {
            Ok(config) => return (config, Vec::new()),
            Err(failure) => failure,
        };
        let mut salvage = Salvage {
            config: Self::default(),
            known: Vec::new(),
            faults: Vec::new(),
        };
        salvage.add_all(paths);
        if salvage.faults.is_empty() {
            salvage.faults.push(first);
        }
        (salvage.config, salvage.faults)
    }
}

/// What was salvaged so far.
struct Salvage {
    config: Config,
    /// The stores that servers may name, those that cannot be used among them.
    known: Vec<StorePlan>,
    faults: Vec<Failure>,
}

impl Salvage {
    fn add_all(&mut self, paths: &Paths) {
        let file = paths.file();
        let text = self.text(&file);
        let typed = text.as_deref().and_then(|text| self.typed(text, &file));
        let text = text.unwrap_or_default();
        let added = self.keep(plugins::read(paths));
        let made = self.keep(stores::read(paths));
        let readable = added.is_some() && made.is_some();
        let mut servers = BTreeMap::new();
        if let Some(typed) = typed {
            if typed.store.is_empty() {
                self.take(Config::default_store(&paths.base));
            }
            self.add_stores(typed.store, &text, &file, paths);
            self.add_plugins(typed.plugin, &text, &file, paths);
            servers = typed.server;
        }
        for one in added.iter().flatten() {
            self.add_file(one, paths);
        }
        for one in made.iter().flatten() {
            if let Some(tables) = self.keep(stores::parse(one)) {
                self.place(tables, one, paths);
            }
        }
        // Servers may name the stores of every file.
        for (name, table) in servers {
            if !readable {
                // A store that stands where nothing could be read may be there all the same.
                let named = table.stores.iter().flatten().chain(&table.accept_into);
                let named = named.map(|store| StorePlan::new(store, "", &paths.base));
                self.known.extend(named);
            }
            let one = BTreeMap::from([(name, table)]);
            let policies = policies(one, &text, &file, &self.known);
            let policies = self.keep(policies).unwrap_or_default();
            self.config.policies.extend(policies);
        }
    }

    /// The text of anchorhold.toml, an empty one where there is none.
    fn text(&mut self, file: &Path) -> Option<String> {
        if matches!(file.symlink_metadata(), Err(error) if error.kind() == ErrorKind::NotFound) {
            return Some(String::new());
        }
        let bytes = self.keep(input::read(file, input::CONFIG_MAX))?;
        self.config.file = Some(file.to_owned());
        self.keep(text_of(bytes, file))
    }

    fn typed(&mut self, text: &str, file: &Path) -> Option<Typed> {
        let typed = toml::from_str(text).map_err(|error| {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            invalid(file, line, &not_yet_or(error.message()))
        });
        self.keep(typed)
    }

    /// A file that others may change decides nothing, least of all what runs.
    fn add_plugins(
        &mut self,
        tables: Vec<Spanned<PluginTable>>,
        text: &str,
        file: &Path,
        paths: &Paths,
    ) {
        if tables.is_empty() {
            return;
        }
        let checked = self.keep(folder::read_file(file.to_owned()));
        if checked.is_none_or(|checked| checked.text != text) {
            return;
        }
        for table in tables {
            let plans = plugins::plans(vec![table], text, file, paths);
            let plans = self.keep(plans).unwrap_or_default();
            self.config.plugins.extend(plans);
        }
    }

    fn add_file(&mut self, one: &ConfigFile, paths: &Paths) {
        let Some(typed) = self.keep(plugins::parse(one)) else {
            return;
        };
        let plans = plugins::plans(typed.plugin, &one.text, &one.file, paths);
        let plans = self.keep(plans).unwrap_or_default();
        self.config.plugins.extend(plans);
        self.place(typed.store, one, paths);
    }

    /// Adds the stores of a file beside anchorhold.toml, and where they stand.
    fn place(&mut self, tables: Vec<Spanned<StoreTable>>, one: &ConfigFile, paths: &Paths) {
        let before = self.config.stores.len();
        self.add_stores(tables, &one.text, &one.file, paths);
        let new = self.config.stores.iter().skip(before);
        let placed = new.map(|store| (store.name.clone(), one.file.clone()));
        self.config.placed.extend(placed);
    }

    fn add_stores(
        &mut self,
        tables: Vec<Spanned<StoreTable>>,
        text: &str,
        file: &Path,
        paths: &Paths,
    ) {
        for table in tables {
            let (name, plugin) = (&table.get_ref().name, &table.get_ref().plugin);
            let told = StorePlan::new(name, plugin, &paths.base);
            let added = add_stores(&mut self.config.stores, vec![table], text, file, paths);
            self.keep(added);
            self.known.push(told);
        }
    }

    fn take(&mut self, plan: StorePlan) {
        self.known.push(plan.clone());
        self.config.stores.push(plan);
    }

    fn keep<T>(&mut self, found: Result<T, Failure>) -> Option<T> {
        found.map_err(|fault| self.faults.push(fault)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paths::Surroundings;

    fn salvaged(text: &str) -> (Config, Vec<String>) {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join("anchorhold.toml"), text).expect("written");
        let paths = Paths::find(Some(directory.path()), &Surroundings::default());
        let (config, faults) = Config::salvage(&paths.expect("found"));
        let faults = faults.iter().map(|fault| fault.message.clone());
        (config, faults.collect())
    }

    #[test]
    fn what_is_sound_is_whole() {
        let (config, faults) = salvaged("[server.A]\naddress = \"h:1\"\n");
        assert_eq!((config.stores.len(), config.policies.len()), (1, 1));
        assert!(faults.is_empty(), "{faults:?}");
    }

    #[test]
    fn every_mistake_is_told_and_the_rest_is_kept() {
        let (config, faults) = salvaged(
            "[[store]]\nname = \"a\"\nplugin = \"p\"\ntimeout = \"soon\"\n\
             [[store]]\nname = \"b\"\nplugin = \"p\"\n\
             [server.X]\nstores = [\"a\", \"b\"]\n\
             [server.Y]\nstores = [\"c\"]\n\
             [server.Z]\nplain = \"perhaps\"\n",
        );
        let names: Vec<_> = config.stores.iter().map(|store| &*store.name).collect();
        assert_eq!(names, ["b"]);
        // A store with a mistake is there all the same, and may be named.
        assert_eq!(config.policies.len(), 1);
        let [soon, unknown, perhaps] = &faults[..] else {
            panic!("{faults:?}")
        };
        assert!(soon.contains(":1: ") && soon.contains("timeout"), "{soon}");
        assert!(unknown.contains("\"c\""), "{unknown}");
        assert!(perhaps.contains("plain"), "{perhaps}");
    }

    #[test]
    fn a_file_that_others_may_change_registers_nothing() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("anchorhold.toml");
        let pin = "0".repeat(64);
        let text = format!(
            "[[plugin]]\nid = \"org.example.x\"\nmanifest = \"/x\"\nsha256 = \"{pin}\"\n\
             manifest_sha256 = \"{pin}\"\n[[store]]\nname = \"a\"\nplugin = \"p\"\n"
        );
        std::fs::write(&file, text).expect("written");
        let paths = Paths::find(Some(directory.path()), &Surroundings::default());
        let paths = paths.expect("found");
        for (mode, plugins) in [(0o644, 1), (0o666, 0)] {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(&file, permissions).expect("set");
            let (config, faults) = Config::salvage(&paths);
            assert_eq!(config.plugins.len(), plugins, "{mode:o}");
            assert_eq!(config.stores.len(), 1, "{mode:o}");
            assert_eq!(faults.is_empty(), plugins == 1, "{mode:o}: {faults:?}");
        }
    }

    #[test]
    fn a_file_that_is_no_toml_leaves_nothing() {
        let (config, faults) = salvaged("[[store]\n");
        assert!(config.stores.is_empty());
        assert_eq!(faults.len(), 1, "{faults:?}");
    }

    #[test]
    fn what_only_shows_as_a_whole_is_told_too() {
        let (_, faults) =
            salvaged("[server.X]\nplain = \"never\"\n[server.x]\nplain = \"never\"\n");
        assert_eq!(faults.len(), 1, "{faults:?}");
    }
}
