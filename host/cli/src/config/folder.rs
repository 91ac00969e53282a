//! A directory of configuration files, of which each decides what runs or what is trusted.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anchorhold_boundary::admit::{self, Refusal};
use serde::de::DeserializeOwned;

use super::{invalid, line_of, not_yet_or};
use crate::exit::Failure;
use crate::input;

/// A configuration file that was read after its owner and mode were checked.
#[derive(Debug)]
pub(super) struct ConfigFile {
    /// Where it is.
    pub(super) file: PathBuf,
    /// What stands in it.
    pub(super) text: String,
}

/// Reads every file of a directory, by name. Whoever can write there decides what runs or what is
/// trusted, so that nobody but root and the user who runs this may.
pub(super) fn read(directory: &Path) -> Result<Vec<ConfigFile>, Failure> {
    if matches!(directory.symlink_metadata(), Err(error) if error.kind() == ErrorKind::NotFound) {
        return Ok(Vec::new());
    }
    admit::check_directory(directory).map_err(|refusal| unsafe_file(&refusal))?;
    let unreadable = |error: &std::io::Error| {
        let message = format!("{}: cannot be read", directory.display());
        Failure::usage("config-invalid", message).because(error)
    };
    let entries = std::fs::read_dir(directory).map_err(|error| unreadable(&error))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| unreadable(&error))?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        // What begins with a dot is a file that is not finished.
        if name.is_some_and(|name| name.ends_with(".toml") && !name.starts_with('.')) {
            files.push(path);
        }
        if files.len() > FILES_MAX {
            let message = format!("{}: more than {FILES_MAX} files", directory.display());
            return Err(Failure::usage("config-invalid", message));
        }
    }
    files.sort();
    files.into_iter().map(read_file).collect()
}

/// Reads one file of such a directory.
pub(super) fn read_file(file: PathBuf) -> Result<ConfigFile, Failure> {
    let bytes = admit::read(&file, input::CONFIG_MAX).map_err(|refusal| unsafe_file(&refusal))?;
    let text = super::text_of(bytes, &file)?;
    Ok(ConfigFile { file, text })
}

impl ConfigFile {
    /// What the file says.
    pub(super) fn parse<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        toml::from_str(&self.text).map_err(|error| {
            let line = error
                .span()
                .map_or(1, |span| line_of(&self.text, span.start));
            invalid(&self.file, line, &not_yet_or(error.message()))
        })
    }
}

/// A file that decides what runs or what is trusted, and may not.
pub(crate) fn unsafe_file(refusal: &Refusal) -> Failure {
    Failure::usage("config-unsafe", refusal.to_string())
        .because_of(std::error::Error::source(refusal))
        .remedy(refusal.remedy())
}

const FILES_MAX: usize = 1000;
