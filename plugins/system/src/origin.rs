//! Where roots are read from: the system's own bundle, or what the operator names.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anchorhold_sdk::{Config, Error};

use crate::pem;
use crate::roots::{Gathered, Roots};
use crate::stamp::Stamps;

#[cfg(not(any(target_os = "macos", windows)))]
mod bundle;
#[cfg(any(target_os = "macos", windows))]
mod native;

#[cfg(not(any(target_os = "macos", windows)))]
pub(crate) use bundle::System;
#[cfg(any(target_os = "macos", windows))]
pub(crate) use native::System;

/// The most files of one directory.
const FILES_MAX: usize = 10_000;

/// Where roots are read from.
#[derive(Debug)]
pub(crate) enum Origin {
    /// What the operator names: a file, a directory of files, or both.
    Named {
        file: Option<PathBuf>,
        directory: Option<PathBuf>,
    },
    /// What the system has.
    System(System),
}

impl Origin {
    /// What the settings say. Nothing else has a say in it, above all not the environment.
    pub(crate) fn new(config: &Config<'_>) -> Self {
        let named = |key| config.text(key).map(PathBuf::from);
        match (named("file"), named("directory")) {
            (None, None) => Self::System(System::default()),
            (file, directory) => Self::Named { file, directory },
        }
    }

    /// Reads them. Where nothing can be read, that is an error.
    pub(crate) fn read(&self) -> Result<Roots, Error> {
        let mut gathered = Gathered::default();
        let place = match self {
            Self::System(system) => system.read(&mut gathered)?,
            Self::Named { file, directory } => {
                if let Some(file) = file {
                    read_file(file, &mut gathered)?;
                }
                if let Some(directory) = directory {
                    read_directory(directory, &mut gathered)?;
                }
                let named = [file, directory].into_iter().flatten();
                let named: Vec<_> = named.map(|path| path.display().to_string()).collect();
                named.join(" and ")
            }
        };
        if gathered.is_empty() {
            let why = gathered.missed().sentence();
            let why = why.map_or_else(String::new, |why| format!("; {why}"));
            return Err(Error::malformed(format!(
                "there is no certificate in PEM in {place}{why}"
            )));
        }
        Ok(gathered.finish())
    }

    /// What it looks like, without reading it; none where that says nothing.
    pub(crate) fn stamps(&self) -> Option<Stamps> {
        match self {
            Self::System(system) => system.stamps(),
            Self::Named { file, directory } => {
                let mut stamps = Stamps::default();
                if let Some(file) = file {
                    stamps.add(file);
                }
                if let Some(directory) = directory {
                    look_at_directory(directory, &mut stamps);
                }
                Some(stamps)
            }
        }
    }
}

/// Reads a file that has to be there.
fn read_file(path: &Path, into: &mut Gathered) -> Result<(), Error> {
    pem::read(path, into).map_err(|why| unreadable(path, &why))
}

/// Reads every file of a directory that has to be there, and of what lies below it nothing. What is
/// there by several names is read once.
fn read_directory(path: &Path, into: &mut Gathered) -> Result<(), Error> {
    let files = files(path).map_err(|why| unreadable(path, &why))?;
    let mut seen = BTreeSet::new();
    for file in files {
        let real = match file.canonicalize() {
            Ok(real) => real,
            // A link to what was removed.
            Err(why) if why.kind() == io::ErrorKind::NotFound => continue,
            Err(why) => {
                into.faults(1, || format!("{}: {why}", file.display()));
                continue;
            }
        };
        if real.is_dir() || !seen.insert(real) {
            continue;
        }
        if let Err(why) = pem::read(&file, into) {
            into.faults(1, || format!("{}: {why}", file.display()));
        }
    }
    Ok(())
}

fn look_at_directory(path: &Path, stamps: &mut Stamps) {
    stamps.add(path);
    // What cannot be listed has one look, until it can be.
    for file in files(path).unwrap_or_default() {
        stamps.add(&file);
    }
}

/// What lies in a directory, in order.
fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        files.push(entry?.path());
        if files.len() > FILES_MAX {
            let what = format!("more than {FILES_MAX} files lie there");
            return Err(io::Error::other(what));
        }
    }
    files.sort_unstable();
    Ok(files)
}

fn unreadable(path: &Path, why: &io::Error) -> Error {
    let message = format!("{} cannot be read: {why}", path.display());
    match why.kind() {
        io::ErrorKind::PermissionDenied => Error::denied(message),
        _ => Error::unavailable(message),
    }
}

#[cfg(test)]
mod tests;
