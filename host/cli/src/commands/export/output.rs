//! The files that an export makes: whole or not at all, and never by accident in the place of
//! another.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anchorhold_state::replace::{self, Whole};
use zeroize::Zeroizing;

use crate::args::export::Export;
use crate::commands::damage;
use crate::exit::Failure;
use crate::home::Home;
use crate::input;

/// Where an export goes.
pub(super) struct Output<'a> {
    path: &'a Path,
    force: bool,
}

/// One file of an export.
pub(super) struct Piece {
    path: PathBuf,
    bytes: Zeroizing<Vec<u8>>,
    /// Whether it is its owner's alone.
    secret: bool,
}

impl Piece {
    /// What anybody may read.
    pub(super) fn public(path: &Path, bytes: Vec<u8>) -> Self {
        Self {
            path: path.to_owned(),
            bytes: Zeroizing::new(bytes),
            secret: false,
        }
    }

    /// What is its owner's alone.
    pub(super) fn secret(path: &Path, bytes: Zeroizing<Vec<u8>>) -> Self {
        Self {
            path: path.to_owned(),
            bytes,
            secret: true,
        }
    }

    /// The mode that it gets; what anybody may read keeps the mode that it has.
    fn mode(&self) -> u32 {
        if self.secret {
            return 0o600;
        }
        let there = fs::symlink_metadata(&self.path);
        there.map_or(0o644, |there| there.permissions().mode() & 0o777)
    }
}

impl<'a> Output<'a> {
    /// Looks whether the files can be made, before any work is done for them.
    pub(super) fn look(args: &'a Export, stash: bool, home: &Home) -> Result<Self, Failure> {
        let output = Self {
            path: &args.output,
            force: args.force,
        };
        if output.is_standard() {
            return Ok(output);
        }
        let mut files = vec![args.output.clone()];
        if stash {
            files.push(stash_of(&args.output));
        }
        for file in &files {
            refuse_store(file, home)?;
        }
        if let [file, stash] = &files[..] {
            if file == stash {
                let message = format!("{} is the name of its own stash", file.display());
                return Err(Failure::usage("usage", message).remedy("give it another name"));
            }
            refuse_neighbour(file, stash)?;
        }
        let taken = |file: &&PathBuf| file.symlink_metadata().is_ok();
        if let Some(file) = files.iter().find(taken).filter(|_| !args.force) {
            return Err(there(file));
        }
        Ok(output)
    }

    /// Whether it is standard output.
    pub(super) fn is_standard(&self) -> bool {
        input::is_standard_input(self.path)
    }

    /// The file.
    pub(super) const fn path(&self) -> &Path {
        self.path
    }

    /// Makes the files. All of them are whole on the disk before the first gets its name, so that
    /// a full disk leaves what was there as it was.
    pub(super) fn write(&self, pieces: &[Piece]) -> Result<(), Failure> {
        let whole = pieces.iter().map(|piece| {
            let whole = replace::prepare(&piece.path, &piece.bytes, piece.mode());
            let whole = whole.map_err(|error| unwritten(&piece.path, &error))?;
            Ok((piece.path.as_path(), whole))
        });
        let whole: Vec<(&Path, Whole)> = whole.collect::<Result<_, Failure>>()?;
        let mut made: Vec<&Path> = Vec::new();
        for (path, whole) in whole {
            let named = match self.force {
                true => whole.replace(),
                false => whole.add(),
            };
            if let Err(error) = named {
                if !self.force {
                    // A stash without its database is of no use to anybody.
                    for path in made {
                        let _ = fs::remove_file(path);
                    }
                }
                return Err(match error.kind() {
                    io::ErrorKind::AlreadyExists => there(path),
                    _ => unwritten(path, &error),
                });
            }
            made.push(path);
        }
        Ok(())
    }
}

/// The stash of a database.
pub(super) fn stash_of(path: &Path) -> PathBuf {
    path.with_extension("sth")
}

fn there(path: &Path) -> Failure {
    let message = format!("{} is there already", path.display());
    Failure::usage("output-refused", message)
        .remedy("name a file that does not exist, or replace this one with --force")
}

fn unwritten(path: &Path, error: &io::Error) -> Failure {
    let message = format!("{}: cannot be written", path.display());
    let caller = matches!(
        error.kind(),
        io::ErrorKind::InvalidInput
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::NotFound
            | io::ErrorKind::PermissionDenied
    );
    let failure = match caller {
        true => Failure::usage("output-refused", message),
        false => Failure::failed("output-failed", message),
    };
    failure
        .because(error)
        .remedy("name a file in a directory that is there and that you can write to")
}

/// The files of a store are changed by import, scope and remove alone, and what is beside them for
/// their sake by no export.
fn refuse_store(path: &Path, home: &Home) -> Result<(), Failure> {
    for store in home.kernel()?.stores() {
        let Some(database) = damage::database(store) else {
            continue;
        };
        let mut files = [".lock", ".before-anchorhold"]
            .map(|more| beside(&database, more))
            .to_vec();
        files.extend(["sth", "idx"].map(|extension| database.with_extension(extension)));
        files.push(database);
        if files.iter().any(|file| same(file, path)) {
            let message = format!("{} is a file of store \"{}\"", path.display(), store.name());
            return Err(Failure::usage("output-refused", message)
                .remedy("name another file: a store is changed by import and remove alone"));
        }
    }
    refuse_own(path, home)
}

/// What decides what is trusted, and what is known of the servers, is no place for an export.
fn refuse_own(path: &Path, home: &Home) -> Result<(), Failure> {
    let (Some(place), own) = (real(path), home.paths.own()) else {
        return Ok(());
    };
    let is_own = |own: &PathBuf| real(own).is_some_and(|own| place.starts_with(own));
    if !own.iter().any(is_own) {
        return Ok(());
    }
    let message = format!("{} is a file of anchorhold's own", path.display());
    Err(Failure::usage("output-refused", message)
        .remedy("name another file, outside of its configuration and state"))
}

/// A stash is that of every database of its name, and a new one would lock another database.
fn refuse_neighbour(file: &Path, stash: &Path) -> Result<(), Failure> {
    if stash.symlink_metadata().is_err() {
        return Ok(());
    }
    let neighbours = DATABASES.iter().map(|kind| file.with_extension(kind));
    let mut neighbours = neighbours.filter(|one| one != file && one.symlink_metadata().is_ok());
    let Some(neighbour) = neighbours.next() else {
        return Ok(());
    };
    let message = format!(
        "{} holds the password of {}, and would be replaced",
        stash.display(),
        neighbour.display()
    );
    Err(Failure::usage("output-refused", message)
        .remedy("give the file another name, or a password of your own with --password-file"))
}

/// What the databases are called that have a stash.
const DATABASES: [&str; 3] = ["kdb", "p12", "pfx"];

/// Whether two paths lead to one place.
fn same(one: &Path, other: &Path) -> bool {
    matches!((real(one), real(other)), (Some(one), Some(other)) if one == other)
}

/// Where a path leads; none where its directory is not there.
fn real(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok().or_else(|| {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        Some(folder.canonicalize().ok()?.join(path.file_name()?))
    })
}

/// A file whose name is that of `path` and more.
fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(more);
    path.with_file_name(name)
}
