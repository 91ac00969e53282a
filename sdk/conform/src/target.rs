//! What is to be checked: from a path or an id to a plugin with its manifest.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anchorhold_abi as abi;
use anchorhold_boundary::admit;
use anchorhold_boundary::manifest::Manifest;

use crate::job::Code;
use crate::read;

/// A plugin to be checked.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) code: Code,
    pub(crate) manifest: Option<Manifest>,
    pub(crate) manifest_text: Option<String>,
    pub(crate) manifest_path: Option<PathBuf>,
    /// What is wrong with the manifests beside the library that cannot be used, any of which may be
    /// the one that names it.
    pub(crate) manifest_faults: Vec<String>,
}

/// Wrong usage: nothing was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misuse {
    /// What is wrong.
    pub message: String,
    /// What to do instead, may be empty.
    pub remedy: String,
}

impl Misuse {
    pub(crate) fn new(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Misuse {}

impl Target {
    /// Finds what a word on the command line names.
    pub(crate) fn find(named: &Path) -> Result<Self, Misuse> {
        if named
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            return Self::of_manifest(named);
        }
        if named.is_file() {
            return Self::of_library(named);
        }
        let id = named.to_str().unwrap_or_default();
        Self::of_builtin(id).ok_or_else(|| {
            let known = builtins().join(", ");
            let known = match known.as_str() {
                "" => "there is none".to_owned(),
                known => format!("those are {known}"),
            };
            Misuse::new(
                format!(
                    "{} is no file and no plugin of this program",
                    named.display()
                ),
                format!("name a library, a manifest, or a plugin of this program; {known}"),
            )
        })
    }

    /// Why it is not registered where it lies, and what mends that.
    pub(crate) fn refusal(&self) -> Option<String> {
        let Code::Library(library) = &self.code else {
            return None;
        };
        let admitted = match &self.manifest_path {
            Some(manifest) => admit::inspect(manifest).map(drop),
            None => admit::admit_file(library, None).map(drop),
        };
        let refusal = admitted.err()?;
        Some(format!("{refusal}; {}", refusal.remedy()))
    }

    fn of_manifest(path: &Path) -> Result<Self, Misuse> {
        let path = absolute(path)?;
        let text = text_of(&path)?;
        let manifest = parsed(&path, &text)?;
        let Some(library) = &manifest.library else {
            return Err(Misuse::new(
                format!("{} names no library", path.display()),
                "write library = \"NAME.so\" into it, the file beside it",
            ));
        };
        let library = path.with_file_name(library);
        if !library.is_file() {
            return Err(Misuse::new(
                format!(
                    "{} names {}, which is not there",
                    path.display(),
                    library.display()
                ),
                "build the library first",
            ));
        }
        Ok(Self {
            code: Code::Library(library),
            manifest: Some(manifest),
            manifest_text: Some(text),
            manifest_path: Some(path),
            manifest_faults: Vec::new(),
        })
    }

    fn of_library(path: &Path) -> Result<Self, Misuse> {
        let path = absolute(path)?;
        let mut target = Self {
            code: Code::Library(path.clone()),
            manifest: None,
            manifest_text: None,
            manifest_path: None,
            manifest_faults: Vec::new(),
        };
        let Some(directory) = path.parent() else {
            return Ok(target);
        };
        let mut manifests: Vec<PathBuf> = fs::read_dir(directory)
            .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
            .unwrap_or_default();
        manifests.retain(|file| file.to_string_lossy().ends_with(".plugin.toml"));
        manifests.sort();
        for file in manifests {
            let read = text_of(&file).and_then(|text| Ok((parsed(&file, &text)?, text)));
            let (manifest, text) = match read {
                Ok(read) => read,
                Err(misuse) => {
                    target.manifest_faults.push(misuse.message);
                    continue;
                }
            };
            let name = path.file_name().and_then(|name| name.to_str());
            if name.is_some() && manifest.library.as_deref() == name {
                target.manifest = Some(manifest);
                target.manifest_text = Some(text);
                target.manifest_path = Some(file);
                target.manifest_faults.clear();
                break;
            }
        }
        Ok(target)
    }

    fn of_builtin(id: &str) -> Option<Self> {
        let table = tables().find(|table| id_of(table).as_deref() == Some(id))?;
        // SAFETY: R3: what a table leads to is lent for ever.
        let text = unsafe { read::text(table.manifest) }.ok()?;
        Some(Self {
            code: Code::Builtin(id.to_owned()),
            manifest: Manifest::parse(&text).ok(),
            manifest_text: Some(text),
            manifest_path: None,
            manifest_faults: Vec::new(),
        })
    }
}

fn absolute(path: &Path) -> Result<PathBuf, Misuse> {
    fs::canonicalize(path)
        .map_err(|error| Misuse::new(format!("{}: {error}", path.display()), String::new()))
}

fn text_of(path: &Path) -> Result<String, Misuse> {
    fs::read_to_string(path)
        .map_err(|error| Misuse::new(format!("{} cannot be read: {error}", path.display()), ""))
}

fn parsed(path: &Path, text: &str) -> Result<Manifest, Misuse> {
    Manifest::parse(text).map_err(|error| {
        let source = std::error::Error::source(&error);
        let source = source
            .map(|source| format!(": {source}"))
            .unwrap_or_default();
        Misuse::new(format!("{}: {error}{source}", path.display()), "")
    })
}

fn tables() -> impl Iterator<Item = &'static abi::ah_plugin> {
    let builtins = abi::inventory::iter::<abi::Builtin>.into_iter();
    builtins.map(|builtin| builtin.table())
}

fn id_of(table: &abi::ah_plugin) -> Option<String> {
    // SAFETY: R3: what a table leads to is lent for ever.
    unsafe { read::text(table.id) }.ok()
}

fn builtins() -> Vec<String> {
    let mut ids: Vec<String> = tables().filter_map(id_of).collect();
    ids.sort();
    ids
}
