//! The option files of the vendor's client, dsm.sys and dsm.opt: what they say of each server.
//!
//! Reading is pure: [`parse`] takes bytes, and [`read`] only fetches them. Every value keeps the
//! file and line that say it, and every mistake is told, not only the first. What is not sure is
//! refused: two values for one option, a word that is no option, an option that decides how a
//! session is secured but stands where it does not count.

mod assembly;
mod directory;
mod effective;
mod entry;
mod error;
mod known;
mod line;
mod place;
mod replication;
mod setting;
mod stanza;
#[cfg(test)]
mod tests;
mod value;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use assembly::Assembly;
use line::LONGEST_FILE;

pub use crate::decision::SslRequired;
pub use directory::{Found, files_in, find, vendor_directories};
pub use effective::Effective;
pub use error::{Mistake, OptionError, OptionsError};
pub use place::{Place, Placed};
pub use stanza::{CommMethod, OtherOption, Stanza, StanzaKind};

/// What a set of option files says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// The files read, in order.
    pub files: Vec<PathBuf>,
    /// The servers, in the order of their stanzas; no two of a kind share a name.
    pub stanzas: Vec<Stanza>,
    /// DEFAULTServer of the system file; names one of the stanzas.
    pub default_server: Option<Placed<String>>,
    /// SErvername of the user file; names one of the stanzas.
    pub chosen: Option<Placed<String>>,
    /// Options that belong to no stanza: the user file's, and those above the first stanza.
    pub others: Vec<OtherOption>,
    /// What is allowed but worth saying.
    pub notes: Vec<OptionNote>,
}

/// Something in an option file that is allowed but worth saying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionNote {
    /// The line.
    pub place: Place,
    /// What there is to say.
    pub text: String,
}

impl fmt::Display for OptionNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.text)
    }
}

/// One option file: its name, for messages, and its content.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The name as it was given.
    pub path: &'a Path,
    /// The content.
    pub bytes: &'a [u8],
    /// Which of the two files it is.
    pub role: SourceRole,
}

/// Which of the client's two files a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceRole {
    /// dsm.sys, or a dsm.opt that holds everything: it describes the servers.
    System,
    /// dsm.opt beside a dsm.sys: it picks a server.
    User,
}

/// Reads option files: dsm.sys or the only dsm.opt as `system`, dsm.opt beside it as `user`.
pub fn read(system: &[PathBuf], user: &[PathBuf]) -> Result<Options, OptionsError> {
    let system = system.iter().map(|path| (path, SourceRole::System));
    let user = user.iter().map(|path| (path, SourceRole::User));
    let mut files: Vec<(&PathBuf, SourceRole)> = Vec::new();
    for file in system.chain(user) {
        // A file named twice is one file, not two that claim the same servers.
        if !files.contains(&file) {
            files.push(file);
        }
    }
    let mut contents = Vec::new();
    let mut unreadable = Vec::new();
    for (path, role) in files {
        match content(path) {
            Ok(bytes) => contents.push((path, bytes, role)),
            Err(error) => unreadable.push((path.clone(), error)),
        }
    }
    let sources: Vec<Source<'_>> = contents
        .iter()
        .map(|(path, bytes, role)| Source {
            path,
            bytes,
            role: *role,
        })
        .collect();
    // Only the whole set of files shows whether a name leads anywhere.
    let complete = unreadable.is_empty();
    match assemble(&sources, complete) {
        Ok(options) if complete => Ok(options),
        Ok(_) => Err(OptionsError {
            unreadable,
            mistakes: Vec::new(),
        }),
        Err(mistakes) => Err(OptionsError {
            unreadable,
            mistakes,
        }),
    }
}

/// Makes sense of the content of option files.
pub fn parse(sources: &[Source<'_>]) -> Result<Options, OptionsError> {
    assemble(sources, true).map_err(|mistakes| OptionsError {
        unreadable: Vec::new(),
        mistakes,
    })
}

fn assemble(sources: &[Source<'_>], complete: bool) -> Result<Options, Vec<OptionError>> {
    let mut assembly = Assembly::default();
    for source in sources {
        assembly.add(source);
    }
    if complete {
        assembly.check();
    }
    assembly.finish()
}

/// A file's content, or so much of it that it is seen to be too long.
fn content(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let mut bytes = Vec::new();
    let limit = u64::try_from(LONGEST_FILE).unwrap_or(u64::MAX);
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl Options {
    /// Finds a server by its name; case does not count.
    pub fn stanza(&self, name: &str) -> Option<&Stanza> {
        let name = name.to_lowercase();
        self.stanzas
            .iter()
            .find(|stanza| stanza.name.to_lowercase() == name)
    }

    /// The server that is meant where none is named: the user file's, else the system file's
    /// default, else the only one there is.
    pub fn default_stanza(&self) -> Option<&Stanza> {
        if let Some(named) = self.chosen.as_ref().or(self.default_server.as_ref()) {
            return self.stanza(&named.value);
        }
        let mut servers = self
            .stanzas
            .iter()
            .filter(|stanza| !stanza.is_replication());
        servers.next().filter(|_| servers.next().is_none())
    }
}
