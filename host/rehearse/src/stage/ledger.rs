//! What happens to the ledger's files while the program does not run.

use super::{Stage, Trouble};
use crate::story::Disaster;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

impl Stage<'_> {
    /// Keeps a copy of the ledger's files as they are now.
    pub(super) fn keep_ledger(&mut self) -> Result<(), Trouble> {
        self.opened = None;
        let kept = self.kept_dir();
        fs::create_dir_all(&kept)?;
        copy(&ledger_files(&self.state_dir())?, &kept)
    }

    /// The program ends, and something happens to the ledger's files.
    pub(super) fn lose_ledger(&mut self, disaster: Disaster) -> Result<(), Trouble> {
        self.opened = None;
        let files = ledger_files(&self.state_dir())?;
        for file in &files {
            fs::remove_file(file)?;
        }
        match disaster {
            Disaster::Deleted => Ok(()),
            Disaster::Damaged => {
                let first = files.iter().min();
                let ledger = first.ok_or_else(|| Trouble("there was no ledger".to_owned()))?;
                fs::write(ledger, [0xA5; 8_192])?;
                Ok(())
            }
            Disaster::RolledBack => copy(&ledger_files(&self.kept_dir())?, &self.state_dir()),
        }
    }

    fn kept_dir(&self) -> PathBuf {
        self.home.path().join("kept")
    }
}

/// The database and what it keeps beside itself; the shortest name is the database.
fn ledger_files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with("ledger.db") {
            files.push(entry.path());
        }
    }
    if files.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            "there is no ledger",
        ));
    }
    Ok(files)
}

fn copy(files: &[PathBuf], to: &Path) -> Result<(), Trouble> {
    for file in files {
        if let Some(name) = file.file_name() {
            fs::copy(file, to.join(name))?;
        }
    }
    Ok(())
}
