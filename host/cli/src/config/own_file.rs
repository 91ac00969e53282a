//! A configuration file that this program writes itself: whole or not at all, and put back where
//! the configuration would not be one with it.

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anchorhold_boundary::admit;
use anchorhold_state::replace;

use super::Config;
use super::folder::unsafe_file;
use super::remark::{Remark, annotated};
use crate::exit::Failure;
use crate::input;
use crate::output::say;
use crate::ownership;
use crate::paths::Paths;

/// A configuration file of this program's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnFile {
    path: PathBuf,
    before: Option<Vec<u8>>,
}

impl OwnFile {
    /// The file at a path as it is; there need not be one.
    pub(crate) fn of(path: PathBuf) -> Result<Self, Failure> {
        if matches!(path.symlink_metadata(), Err(error) if error.kind() == ErrorKind::NotFound) {
            return Ok(Self { path, before: None });
        }
        let bytes = admit::read(&path, input::CONFIG_MAX);
        let bytes = bytes.map_err(|refusal| unsafe_file(&refusal))?;
        Ok(Self {
            path,
            before: Some(bytes),
        })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there is one.
    pub(crate) fn is_there(&self) -> bool {
        self.before.is_some()
    }

    /// What stands in it; nothing where there is none.
    pub(crate) fn table(&self) -> Result<toml::Table, Failure> {
        let bytes = self.before.as_deref().unwrap_or_default();
        toml::from_str(&String::from_utf8_lossy(bytes)).map_err(|error| {
            Failure::usage("config-invalid", self.path.display().to_string()).because(&error)
        })
    }

    /// Whether nobody has changed it since it was read.
    pub(crate) fn is_as_before(&self) -> Result<bool, Failure> {
        Ok(Self::of(self.path.clone())? == *self)
    }

    /// Writes it, and reads it back with the whole configuration, to which it has to fit.
    pub(crate) fn write(
        &self,
        head: &str,
        table: &toml::Table,
        remarks: &[Remark],
        paths: &Paths,
    ) -> Result<(), Failure> {
        let directory = self.directory();
        make(&paths.config)
            .and_then(|()| make(directory))
            .map_err(|error| self.unwritten(&error))?;
        admit::check_directory(directory).map_err(|refusal| unsafe_file(&refusal))?;
        let text = annotated(table, remarks).map_err(|error| self.unwritten(&error))?;
        replace::atomic(&self.path, format!("{head}{text}").as_bytes(), 0o644)
            .map_err(|error| self.unwritten(&error))?;
        if let Err(failure) = Config::read(paths) {
            self.restore();
            return Err(failure);
        }
        Ok(())
    }

    /// Takes it away.
    pub(crate) fn remove(&self) -> Result<(), Failure> {
        fs::remove_file(&self.path)
            .and_then(|()| fs::File::open(self.directory())?.sync_all())
            .map_err(|error| self.unwritten(&error))
    }

    /// Puts it back as it was; what cannot be put back is told with the failure that led to it.
    pub(crate) fn restore(&self) {
        let restored = match &self.before {
            Some(bytes) => replace::atomic(&self.path, bytes, 0o644),
            None => fs::remove_file(&self.path),
        };
        if let Err(error) = restored {
            let text = format!(
                "{} could not be put back as it was: {error}",
                self.path.display()
            );
            say("warning", &text);
        }
    }

    fn directory(&self) -> &Path {
        self.path.parent().unwrap_or_else(|| Path::new("/"))
    }

    fn unwritten(&self, error: &dyn std::error::Error) -> Failure {
        let message = format!("{}: cannot be written", self.path.display());
        let failure = Failure::failed("output-failed", message).because(error);
        match ownership::obstacle(&self.path) {
            Some(obstacle) => failure.remedy(format!(
                "{obstacle}; run it as the owner, or let this user write there"
            )),
            None => failure,
        }
    }
}

/// Makes a directory in which nobody else may write, where there is none.
fn make(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(directory)
}
