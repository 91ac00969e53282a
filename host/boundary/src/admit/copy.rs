//! A private copy of a library and of what it has looked for beside itself, for where its bytes
//! cannot be loaded from sealed memory.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use crate::admit::elf::Wants;
use crate::admit::look::{Look, Stamp};
use crate::admit::place::Place;
use crate::admit::search::{self, plain};
use crate::admit::{LIBRARY_MAX, Refusal, seal};
use crate::private_directory::{self, PrivateDirectory};

/// A private directory with a library in it; removed when dropped. What was loaded from it stays
/// loaded.
#[derive(Debug)]
pub(super) struct PrivateCopy {
    /// Where the library is in it.
    pub(super) library: PathBuf,
    /// The copied library.
    pub(super) file: File,
    /// The SHA-256 of what was copied.
    pub(super) digest: [u8; 32],
    /// What the copies look like.
    pub(super) looks: Vec<Look>,
    /// Where all of it lies.
    _root: PrivateDirectory,
}

impl PrivateCopy {
    /// Copies what is sealed in memory to where its file may be run; it has nothing beside it.
    pub(super) fn of_memory(memory: File, real: &Path) -> Result<Self, Refusal> {
        Self::make(&Place::of_memory(memory, real)?, &Wants::default())
    }

    /// Copies a library, and with it the libraries that it asks for beside itself, each of them
    /// checked as the library itself is. They lie to one another in the copy as they do in place.
    pub(super) fn make(library: &Place, wants: &Wants) -> Result<Self, Refusal> {
        let failed = |why: &io::Error| Refusal::CopyImpossible {
            path: library.real.clone(),
            why: why.to_string(),
        };
        let mut last = io::Error::other("there is no directory for it");
        for place in private_directory::places() {
            let root = match PrivateDirectory::make(&place) {
                Ok(root) => root,
                Err(error) => {
                    last = error;
                    continue;
                }
            };
            let copy = Copying::begin(root).fill(library, wants)?;
            match copy {
                Ok(copy) if seal::can_be_run(&copy.file) => return Ok(copy),
                Ok(copy) => {
                    let what = format!("{} does not let files be run", place.display());
                    last = io::Error::other(what);
                    drop(copy);
                }
                Err(error) => last = error,
            }
        }
        Err(failed(&last))
    }
}

/// A copy under way; what there is of it is removed where it does not succeed.
struct Copying {
    root: PrivateDirectory,
    looks: Vec<Look>,
    copied: BTreeSet<PathBuf>,
    left: u64,
}

impl Copying {
    fn begin(root: PrivateDirectory) -> Self {
        Self {
            root,
            looks: Vec::new(),
            copied: BTreeSet::new(),
            left: LIBRARY_MAX,
        }
    }

    /// The outer error is the operator's to mend; with the inner one another directory may do.
    fn fill(mut self, library: &Place, wants: &Wants) -> Result<io::Result<PrivateCopy>, Refusal> {
        let (path, digest) = match self.put(library)? {
            Ok(put) => put,
            Err(error) => return Ok(Err(error)),
        };
        let mut open = beside(&library.real, wants);
        while let Some(wanted) = open.pop() {
            // What is not there is looked for elsewhere by the loader.
            let place = match Place::find(&wanted) {
                Err(Refusal::NotFound { .. }) => continue,
                place => place?,
            };
            if self.copied.contains(&wanted) || self.copied.len() > LIBRARIES_MAX {
                continue;
            }
            let further = Wants::read(&place.file);
            search::check(&wanted, &further)?;
            open.extend(beside(&wanted, &further));
            // It is asked for by the name of the link, where it is one.
            let mut place = place;
            place.real = wanted;
            if let Err(error) = self.put(&place)? {
                return Ok(Err(error));
            }
        }
        Ok(File::open(&path).map(|file| PrivateCopy {
            _root: self.root,
            library: path,
            file,
            digest,
            looks: self.looks,
        }))
    }

    /// Copies one file to where it belongs below the root.
    fn put(&mut self, place: &Place) -> Result<io::Result<(PathBuf, [u8; 32])>, Refusal> {
        let below = place.real.components().filter_map(|part| match part {
            Component::Normal(name) => Some(name),
            _ => None,
        });
        let path = self.root.path().join(below.collect::<PathBuf>());
        let copied = write(place, &path, self.left);
        let digest = match copied {
            Ok(Some(digest)) => digest,
            Ok(None) => {
                return Err(Refusal::TooLarge {
                    path: place.real.clone(),
                    found: place.size,
                    most: self.left,
                });
            }
            Err(error) => return Ok(Err(error)),
        };
        self.left = self.left.saturating_sub(place.size);
        self.copied.insert(place.real.clone());
        match fs::metadata(&path) {
            Ok(metadata) => self.looks.push(Look {
                path: path.clone(),
                stamp: Stamp::of(&metadata),
            }),
            Err(error) => return Ok(Err(error)),
        }
        Ok(Ok((path, digest)))
    }
}

fn write(place: &Place, path: &Path, most: u64) -> io::Result<Option<[u8; 32]>> {
    if let Some(parent) = path.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(parent)?;
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    let digest = seal::copy(&place.file, most, &mut file)?;
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o500))?;
    Ok(digest)
}

/// Where the libraries would be that a library asks for beside itself.
pub(super) fn beside(library: &Path, wants: &Wants) -> Vec<PathBuf> {
    let here = library.parent().unwrap_or_else(|| Path::new("/"));
    let mut paths = Vec::new();
    for directory in wants.beside() {
        let directory = plain(&here.join(OsStr::from_bytes(directory)));
        for name in wants.needed.iter().filter(|name| !name.contains(&b'/')) {
            paths.push(directory.join(OsStr::from_bytes(name)));
        }
    }
    paths
}

const LIBRARIES_MAX: usize = 64;
