//! plugins.d: the libraries that `plugin add` has registered, one file a plugin, each with the store
//! that was made for it.

use std::path::{Path, PathBuf};

use anchorhold_boundary::admit::Pins;
use anchorhold_boundary::grant::Grant;
use anchorhold_boundary::manifest::is_id;
use anchorhold_kernel::LibraryPlan;
use anchorhold_kernel::plan::StoreTable;
use serde::Deserialize;
use toml::Spanned;

use super::folder::{self, ConfigFile};
use super::{invalid, line_of};
use crate::exit::Failure;
use crate::paths::Paths;

/// A library as it is registered.
#[derive(Clone, Debug)]
pub(crate) struct Registered {
    /// What is registered.
    pub(crate) plan: LibraryPlan,
    /// The file in which.
    pub(crate) file: PathBuf,
}

/// A `[[plugin]]` table, as typed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PluginTable {
    id: String,
    manifest: PathBuf,
    sha256: String,
    manifest_sha256: String,
    #[serde(default)]
    grant: Vec<String>,
}

/// A file of plugins.d, as typed.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Typed {
    #[serde(default)]
    pub(super) plugin: Vec<Spanned<PluginTable>>,
    #[serde(default)]
    pub(super) store: Vec<Spanned<StoreTable>>,
}

/// The directory of these files.
pub(crate) fn directory(paths: &Paths) -> PathBuf {
    paths.config.join("plugins.d")
}

/// The file of a plugin, whose id is a name and never a path.
pub(crate) fn file_of(paths: &Paths, id: &str) -> PathBuf {
    directory(paths).join(format!("{id}.toml"))
}

/// Reads every file of plugins.d, by name.
pub(super) fn read(paths: &Paths) -> Result<Vec<ConfigFile>, Failure> {
    folder::read(&directory(paths))
}

/// What a file of plugins.d says.
pub(super) fn parse(file: &ConfigFile) -> Result<Typed, Failure> {
    file.parse()
}

/// What `[[plugin]]` tables mean; relative paths start from the configuration directory.
pub(super) fn plans(
    tables: Vec<Spanned<PluginTable>>,
    text: &str,
    file: &Path,
    paths: &Paths,
) -> Result<Vec<Registered>, Failure> {
    let plans = tables.into_iter().map(|table| {
        let line = line_of(text, table.span().start);
        let plan = plan(table.into_inner(), paths);
        let plan = plan.map_err(|what| invalid(file, line, &what))?;
        Ok(Registered {
            plan,
            file: file.to_owned(),
        })
    });
    plans.collect()
}

fn plan(table: PluginTable, paths: &Paths) -> Result<LibraryPlan, String> {
    if !is_id(&table.id) {
        return Err(format!(
            "the plugin id {:?} is not made of letters, digits, '.', '_', '+' and '-'",
            table.id
        ));
    }
    let digest = |key: &str, typed: &str| {
        unhex(typed).ok_or_else(|| format!("{key} = \"{typed}\" is not 64 hexadecimal digits"))
    };
    let grants = table.grant.iter().map(|text| Grant::parse(text));
    Ok(LibraryPlan {
        pins: Pins {
            library: digest("sha256", &table.sha256)?,
            manifest: digest("manifest_sha256", &table.manifest_sha256)?,
        },
        manifest: paths.config.join(table.manifest),
        grants: grants
            .collect::<Result<_, _>>()
            .map_err(|error| error.to_string())?,
        id: table.id,
    })
}

/// The digest that hexadecimal digits write.
pub(crate) fn unhex(text: &str) -> Option<[u8; 32]> {
    if !text.is_ascii() || text.len() != 64 {
        return None;
    }
    let mut digest = [0; 32];
    for (byte, at) in digest.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests;
