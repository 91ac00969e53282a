//! What known modules need from the machine: files, sockets, an environment.
//!
//! A profile grants nothing. It says what the operator has to grant for the module to work, and the
//! operator finds it written into the configuration of the store.

mod known;

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use std::collections::BTreeMap;

/// What a known module needs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Its short name.
    pub name: String,
    /// What its maker calls it.
    pub title: String,
    /// What its library is called.
    modules: Vec<String>,
    /// Whether it was tried with the real module, and not only read in the manual of its maker.
    pub tested: bool,
    /// Why it is no module for a store, where that is so.
    pub refused: Option<String>,
    /// Settings that the module wants, with what each is.
    #[serde(default)]
    pub wants: BTreeMap<String, String>,
    /// Settings that fit the module; what the operator types comes before.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// Devices that it opens.
    #[serde(default)]
    pub devices: Vec<String>,
    /// Groups that the user of the host has to be in.
    #[serde(default)]
    pub groups: Vec<String>,
    /// What the operator should know.
    #[serde(default)]
    notes: Vec<String>,
    configuration: Option<Configuration>,
    #[serde(default)]
    grant: Vec<Wanted>,
}

/// A file or directory that the module finds by a variable.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    variable: String,
    default: PathBuf,
    /// Keys of it whose values are paths, by the name that they have in grants.
    #[serde(default)]
    keys: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    what: String,
    why: String,
}

/// What a module needs on this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Variables for its process, each with why.
    pub env: Vec<(String, String, String)>,
    /// Grants as they are written, each with why.
    pub grants: Vec<(String, String)>,
    /// What the operator should know.
    pub notes: Vec<String>,
}

/// The profile of a module, by the name of its library, also behind links and version numbers.
pub fn find(module: &Path) -> Option<Profile> {
    let real = module.canonicalize().ok();
    let names = [Some(module), real.as_deref()];
    let names: Vec<&str> = names
        .into_iter()
        .flatten()
        .filter_map(|path| path.file_name()?.to_str())
        .collect();
    let is_of = |known: &str| names.iter().any(|name| is_named(name, known));
    known::all().find(|profile| profile.modules.iter().any(|known| is_of(known)))
}

/// Whether a file is called so, or so with a version behind it.
fn is_named(name: &str, known: &str) -> bool {
    name.strip_prefix(known).is_some_and(|rest| {
        rest.is_empty()
            || rest
                .strip_prefix('.')
                .is_some_and(|version| version.bytes().all(|b| b.is_ascii_digit() || b == b'.'))
    })
}

impl Profile {
    /// What the module needs on this machine. `variable` gives the variables that the operator has
    /// set for the module; what it finds is shown, and written down, and not looked up again.
    pub fn resolve(&self, variable: &dyn Fn(&str) -> Option<String>) -> Needs {
        let mut needs = Needs {
            notes: self.notes.clone(),
            ..Needs::default()
        };
        let mut places = BTreeMap::new();
        if let Some(configuration) = &self.configuration {
            configuration.resolve(variable, &mut places, &mut needs);
        }
        for wanted in &self.grant {
            match filled(&wanted.what, &places) {
                Some(what) => needs.grants.push((what, wanted.why.clone())),
                None => needs.notes.push(format!(
                    "grant it {} as well ({}), which could not be found out here",
                    wanted.what, wanted.why
                )),
            }
        }
        if !self.devices.is_empty() {
            needs.notes.push(format!(
                "it opens {}, which the user of this program has to be allowed to",
                self.devices.join(", ")
            ));
        }
        if !self.groups.is_empty() {
            needs.notes.push(format!(
                "the user of this program has to be in the group {}",
                self.groups.join(", ")
            ));
        }
        if !self.tested {
            needs.notes.push(format!(
                "what {} needs was read in its manual and not tried: compare `anchorhold store \
                 list` and the notes there",
                self.title
            ));
        }
        needs
    }
}

impl Configuration {
    fn resolve(
        &self,
        variable: &dyn Fn(&str) -> Option<String>,
        places: &mut BTreeMap<String, String>,
        needs: &mut Needs,
    ) {
        let path = variable(&self.variable).map_or_else(|| self.default.clone(), PathBuf::from);
        let shown = path.display().to_string();
        let why = "where the module finds its configuration".to_owned();
        needs.env.push((self.variable.clone(), shown.clone(), why));
        places.insert("configuration".to_owned(), shown);
        if self.keys.is_empty() {
            return;
        }
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                let note = format!("{} cannot be read: {error}", path.display());
                needs.notes.push(note);
                return;
            }
        };
        for (name, key) in &self.keys {
            if let Some(value) = value_of(&text, key) {
                places.insert(name.clone(), value);
            }
        }
    }
}

/// The value of a key in a text of `KEY = VALUE` lines; the last one counts.
fn value_of(text: &str, key: &str) -> Option<String> {
    let mut values = text.lines().filter_map(|line| {
        let line = line.split('#').next().unwrap_or_default();
        let (name, value) = line.split_once('=')?;
        (name.trim() == key).then(|| value.trim().to_owned())
    });
    let value = values.next_back()?;
    let plain = Path::new(&value).components().collect::<PathBuf>();
    plain
        .is_absolute()
        .then(|| plain.to_str().map(str::to_owned))
        .flatten()
}

/// A grant with its places filled in.
fn filled(text: &str, places: &BTreeMap<String, String>) -> Option<String> {
    let mut filled = text.to_owned();
    for (name, place) in places {
        filled = filled.replace(&format!("${{{name}}}"), place);
    }
    (!filled.contains("${")).then_some(filled)
}

#[cfg(test)]
mod tests;
