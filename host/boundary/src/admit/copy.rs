//! A private copy of a library and of what it has looked for beside itself, for where its bytes
//! cannot be loaded from sealed memory.

mod left;

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
use crate::admit::{LIBRARY_MAX, Refusal, place, seal};

/// A directory that only this user can enter, with a library in it; removed when dropped. What was
/// loaded from it stays loaded.
#[derive(Debug)]
pub(super) struct PrivateCopy {
    /// The directory.
    root: PathBuf,
    /// Where the library is in it.
    pub(super) library: PathBuf,
    /// The copied library.
    pub(super) file: File,
    /// The SHA-256 of what was copied.
    pub(super) digest: [u8; 32],
    /// What the copies look like.
    pub(super) looks: Vec<Look>,
    /// As long as it is open, this is no copy that was left behind.
    _held: File,
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
        for place in places() {
            let root = match private_directory(&place) {
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

impl Drop for PrivateCopy {
    fn drop(&mut self) {
        // What cannot be removed lies in nobody's way; there is nobody to tell.
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// A copy under way; what there is of it is removed where it does not succeed.
struct Copying {
    root: Option<PathBuf>,
    looks: Vec<Look>,
    copied: BTreeSet<PathBuf>,
    left: u64,
}

impl Copying {
    fn begin(root: PathBuf) -> Self {
        Self {
            root: Some(root),
            looks: Vec::new(),
            copied: BTreeSet::new(),
            left: LIBRARY_MAX,
        }
    }

    /// The outer error is the operator's to mend; with the inner one another directory may do.
    fn fill(mut self, library: &Place, wants: &Wants) -> Result<io::Result<PrivateCopy>, Refusal> {
        let Some(root) = self.root.clone() else {
            return Ok(Err(io::ErrorKind::NotFound.into()));
        };
        let (path, digest) = match self.put(&root, library)? {
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
            if let Err(error) = self.put(&root, &place)? {
                return Ok(Err(error));
            }
        }
        let opened = File::open(&path).and_then(|file| Ok((file, left::hold(&root)?)));
        let made = opened.map(|(file, held)| PrivateCopy {
            _held: held,
            root,
            library: path,
            file,
            digest,
            looks: std::mem::take(&mut self.looks),
        });
        if made.is_ok() {
            self.root = None;
        }
        Ok(made)
    }

    /// Copies one file to where it belongs below the root.
    fn put(
        &mut self,
        root: &Path,
        place: &Place,
    ) -> Result<io::Result<(PathBuf, [u8; 32])>, Refusal> {
        let below = place.real.components().filter_map(|part| match part {
            Component::Normal(name) => Some(name),
            _ => None,
        });
        let path = root.join(below.collect::<PathBuf>());
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

impl Drop for Copying {
    fn drop(&mut self) {
        if let Some(root) = &self.root {
            // As for a copy that succeeded.
            let _ = fs::remove_dir_all(root);
        }
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

/// Makes a new directory that nobody else can enter.
fn private_directory(parent: &Path) -> io::Result<PathBuf> {
    place::directory_is_shared(parent).map_err(io::Error::other)?;
    left::sweep(parent);
    for attempt in 0..ATTEMPTS {
        let path = parent.join(left::name(std::process::id(), attempt));
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Where a copy may lie, the best first. No environment variable has a say in it.
fn places() -> Vec<PathBuf> {
    let me = rustix::process::geteuid();
    let own = if me.is_root() {
        PathBuf::from("/run")
    } else {
        PathBuf::from(format!("/run/user/{}", me.as_raw()))
    };
    vec![own, PathBuf::from("/var/tmp"), PathBuf::from("/tmp")]
}

const ATTEMPTS: u32 = 1000;
const LIBRARIES_MAX: usize = 64;
