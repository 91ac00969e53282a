//! stores.d: the stores that `store create` has made or adopted, one file a store.

use std::path::{Path, PathBuf};

use anchorhold_kernel::plan::StoreTable;
use serde::Deserialize;
use toml::Spanned;

use super::folder::{self, ConfigFile};
use super::invalid;
use crate::exit::Failure;
use crate::paths::Paths;

/// A file of stores.d, as typed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Typed {
    pub(super) store: Vec<Spanned<StoreTable>>,
}

/// The directory of these files.
pub(crate) fn directory(paths: &Paths) -> PathBuf {
    paths.config.join("stores.d")
}

/// The file of a store, whose name is never a path.
pub(crate) fn file_of(paths: &Paths, name: &str) -> PathBuf {
    directory(paths).join(format!("{name}.toml"))
}

/// Reads every file of stores.d, by name.
pub(super) fn read(paths: &Paths) -> Result<Vec<ConfigFile>, Failure> {
    folder::read(&directory(paths))
}

/// The one store of a file, which has the file's name: so no two files make the same store, and a
/// store is found by looking for its file.
pub(super) fn parse(file: &ConfigFile) -> Result<Vec<Spanned<StoreTable>>, Failure> {
    let Typed { store } = file.parse()?;
    let [table] = &store[..] else {
        let what = format!(
            "one [[store]] stands in such a file, and here are {}",
            store.len()
        );
        return Err(invalid(&file.file, 1, &what));
    };
    let name = &table.get_ref().name;
    if !is_file_of(&file.file, name) {
        let line = super::line_of(&file.text, table.span().start);
        let what = format!("the store \"{name}\" stands in a file of its own name: {name}.toml");
        return Err(invalid(&file.file, line, &what));
    }
    Ok(store)
}

fn is_file_of(file: &Path, name: &str) -> bool {
    file.file_stem().and_then(|stem| stem.to_str()) == Some(name)
}

#[cfg(test)]
mod tests;
