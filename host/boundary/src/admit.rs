//! Admission: what must be true of a library before a byte of it runs.
//!
//! A file is walked to once; every directory and link on the way must belong to root or to the
//! user that this process runs as, and be writable by nobody else, and so must the file. What is
//! opened then is hashed, through that descriptor, and compared with what `plugin add` wrote down.
//! Where only root can change the file or its place it is loaded by its path; everywhere else the
//! bytes that were hashed are copied into sealed memory while they are hashed, or where that cannot
//! be, into a directory that nobody else can enter, and these are the bytes that are loaded. Just
//! before that a last look is taken at every path. A manifest is read once, hashed, and parsed from
//! those very bytes.

mod copy;
mod elf;
mod look;
mod place;
mod refusal;
mod seal;
mod search;
mod setting;
pub(crate) mod step;

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use crate::admit::copy::PrivateCopy;
use crate::admit::elf::{Wants, kind};
use crate::admit::place::Place;
pub(crate) use crate::admit::place::directory_is_shared;
use crate::admit::seal::Sealing;
use crate::admit::step::Step;
use crate::load::{Loadable, Way};
use crate::manifest::{MANIFEST_MAX, Manifest, ManifestError};

pub(crate) use look::{Look, Stamp};
pub use refusal::{ParentFault, Refusal};
pub use setting::AdmittedSettings;

/// What `plugin add` wrote down of a plugin: the SHA-256 of both its files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pins {
    /// Of the library.
    pub library: [u8; 32],
    /// Of the manifest.
    pub manifest: [u8; 32],
}

/// A manifest and its library, checked in everything but the pins: what `plugin add` shows.
#[derive(Clone, Debug)]
pub struct Inspected {
    /// What the plugin says of itself.
    pub manifest: Manifest,
    /// Where the library is.
    pub library: PathBuf,
    /// What to write down.
    pub pins: Pins,
}

/// A library that may be loaded; nothing else makes one.
#[derive(Debug)]
pub struct Admitted {
    manifest: Manifest,
    manifest_text: String,
    file: AdmittedFile,
}

/// A file that was checked, and how it is loaded so that the bytes checked are the bytes loaded.
#[derive(Debug)]
pub struct AdmittedFile {
    path: PathBuf,
    real: PathBuf,
    digest: [u8; 32],
    looks: Vec<Look>,
    held: Held,
}

/// What is loaded.
#[derive(Debug)]
enum Held {
    /// The file itself, which only root can change.
    Itself(File),
    /// A sealed copy of it in memory.
    Memory(File),
    /// A copy of it in a directory that nobody else can enter.
    Copy(PrivateCopy),
}

/// Checks a manifest and its library in everything but the pins.
pub fn inspect(manifest: &Path) -> Result<Inspected, Refusal> {
    let read = ReadManifest::read(manifest, None)?;
    let library = read.library()?;
    check_format(&library.real, &library.file)?;
    search::check(&library.real, &Wants::read(&library.file))?;
    let digest = seal::digest(&library.file, LIBRARY_MAX);
    let digest = digest.map_err(|error| unreadable(&library.real, &error))?;
    Ok(Inspected {
        pins: Pins {
            library: digest.ok_or_else(|| too_large(&library))?,
            manifest: read.digest,
        },
        library: library.real,
        manifest: read.manifest,
    })
}

/// Admits the library of a manifest.
pub fn admit(manifest: &Path, pins: &Pins) -> Result<Admitted, Refusal> {
    let read = ReadManifest::read(manifest, Some(&pins.manifest))?;
    let library = read.library()?;
    let mut file = AdmittedFile::hold(library, None, Some(&pins.library))?;
    check_format(&file.real, file.held.file())?;
    file.looks.extend(read.place.looks);
    Ok(Admitted {
        manifest: read.manifest,
        manifest_text: read.text,
        file,
    })
}

/// Admits a file that a plugin loads for itself; `pin` is its SHA-256, where the operator gave it.
pub fn admit_file(path: &Path, pin: Option<[u8; 32]>) -> Result<AdmittedFile, Refusal> {
    let place = Place::find(path)?;
    step::reached(Step::LibraryOpened);
    AdmittedFile::hold(place, Some(path), pin.as_ref())
}

/// Checks that a file which a plugin is to load for itself is a library of this machine, before it
/// is configured: the loader would not say what else it is.
pub fn check_library(path: &Path) -> Result<(), Refusal> {
    let place = Place::find(path)?;
    check_kind(&place.real, &place.file)
}

/// Reads a file that decides what runs, such as one of `plugins.d`, after the same checks.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>, Refusal> {
    let place = Place::find(path)?;
    let (bytes, _) = read_whole(&place, most)?;
    Ok(bytes)
}

/// Checks a directory of files that decide what runs: nobody but root and this user can change
/// what is in it.
pub fn check_directory(path: &Path) -> Result<(), Refusal> {
    place::check_directory(path)
}

impl Admitted {
    /// What the plugin says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The very text of its manifest.
    pub fn manifest_text(&self) -> &str {
        &self.manifest_text
    }

    /// The library.
    pub fn file(&self) -> &AdmittedFile {
        &self.file
    }

    /// Makes a private copy of what is sealed in memory, for where memory cannot be loaded, and for
    /// debuggers, which read no symbols from memory.
    pub fn into_copy(self) -> Result<Self, Refusal> {
        Ok(Self {
            file: self.file.into_copy()?,
            ..self
        })
    }
}

impl AdmittedFile {
    /// Where it lies, as it was named.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The SHA-256 of what is loaded.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// What is loaded; it is loaded through no other descriptor.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.held.file().as_fd()
    }

    /// How it is loaded.
    pub fn way(&self) -> Way {
        match &self.held {
            Held::Itself(_) => Way::ByPath,
            Held::Memory(_) => Way::Sealed,
            Held::Copy(copy) => Way::Copied(copy.library.clone()),
        }
    }

    /// The libraries that whoever loads it has to see: itself, unless it is in memory, and those
    /// that it has looked for beside itself.
    pub fn libraries(&self) -> Vec<PathBuf> {
        match &self.held {
            Held::Itself(file) => {
                let mut libraries = vec![self.real.clone()];
                let beside = copy::beside(&self.real, &Wants::read(file));
                libraries.extend(beside.into_iter().filter(|path| path.exists()));
                libraries
            }
            Held::Memory(_) => Vec::new(),
            Held::Copy(copy) => copy.looks.iter().map(|look| look.path.clone()).collect(),
        }
    }

    /// Where it lies, without any link.
    pub(crate) fn real(&self) -> &Path {
        &self.real
    }

    /// The paths to look at again just before it is loaded, and what they have to lead to.
    pub(crate) fn looks(&self) -> &[Look] {
        &self.looks
    }

    /// What is loaded, for a load in this process. Its descriptor is never closed: the loader
    /// knows what it has loaded by the number as well, and would take a later file of the same
    /// number for this one.
    pub(crate) fn leak(&self) -> std::io::Result<Loadable> {
        Ok(Loadable {
            descriptor: crate::load::leak(self.descriptor().try_clone_to_owned()?),
            way: self.way(),
            path: self.real.clone(),
            digest: self.digest,
            looks: self.looks.clone(),
        })
    }

    /// Decides how a file is loaded, and hashes what will be.
    fn hold(place: Place, path: Option<&Path>, pin: Option<&[u8; 32]>) -> Result<Self, Refusal> {
        if place.size > LIBRARY_MAX {
            return Err(too_large(&place));
        }
        let (held, digest) = if place.only_root {
            let digest = seal::digest(&place.file, LIBRARY_MAX);
            let digest = digest.map_err(|error| unreadable(&place.real, &error))?;
            let digest = digest.ok_or_else(|| too_large(&place))?;
            let file = place.file.try_clone();
            (
                Held::Itself(file.map_err(|error| unreadable(&place.real, &error))?),
                digest,
            )
        } else {
            hold_bytes(&place)?
        };
        if let Some(expected) = pin.filter(|pin| **pin != digest) {
            return Err(Refusal::PinMismatch {
                path: place.real,
                found: digest,
                expected: *expected,
            });
        }
        search::check(&place.real, &Wants::read(held.file()))?;
        step::reached(Step::LibraryHeld);
        let mut looks = place.looks;
        if let Held::Copy(copy) = &held {
            looks.extend(copy.looks.iter().cloned());
        }
        Ok(Self {
            path: path.unwrap_or(&place.real).to_owned(),
            real: place.real,
            digest,
            looks,
            held,
        })
    }

    fn into_copy(mut self) -> Result<Self, Refusal> {
        let Held::Memory(memory) = &self.held else {
            return Ok(self);
        };
        let memory = memory.try_clone();
        let memory = memory.map_err(|error| unreadable(&self.real, &error))?;
        let copy = PrivateCopy::of_memory(memory, &self.real)?;
        self.looks.extend(copy.looks.iter().cloned());
        self.held = Held::Copy(copy);
        Ok(self)
    }
}

impl Held {
    fn file(&self) -> &File {
        match self {
            Self::Itself(file) | Self::Memory(file) => file,
            Self::Copy(copy) => &copy.file,
        }
    }
}

/// What the loader would refuse without a good word, or only once the library's code has run.
fn check_format(path: &Path, file: &File) -> Result<(), Refusal> {
    check_kind(path, file)?;
    match kind::exports(file, ENTRY) {
        Some(false) => Err(Refusal::NoEntry {
            path: path.to_owned(),
        }),
        // What cannot be seen without the loader, the loader says.
        Some(true) | None => Ok(()),
    }
}

fn check_kind(path: &Path, file: &File) -> Result<(), Refusal> {
    match kind::odd(file) {
        None => Ok(()),
        Some(found) => Err(Refusal::WrongFormat {
            path: path.to_owned(),
            found,
            expected: kind::expected(),
        }),
    }
}

/// Copies what others than root can change to where nobody can.
fn hold_bytes(place: &Place) -> Result<(Held, [u8; 32]), Refusal> {
    let wants = Wants::read(&place.file);
    // What is looked for beside a library is not beside its memory.
    if !wants.are_beside() {
        let name = place.real.file_name().unwrap_or_default().to_string_lossy();
        let sealing = seal::seal(&place.file, &name, LIBRARY_MAX);
        match sealing.map_err(|error| unreadable(&place.real, &error))? {
            Sealing::Done(memory, digest) => return Ok((Held::Memory(memory), digest)),
            Sealing::TooLarge => return Err(too_large(place)),
            Sealing::Forbidden => {}
        }
    }
    let copy = PrivateCopy::make(place, &wants)?;
    let digest = copy.digest;
    Ok((Held::Copy(copy), digest))
}

/// A manifest that was read once.
struct ReadManifest {
    place: Place,
    text: String,
    digest: [u8; 32],
    manifest: Manifest,
}

impl ReadManifest {
    fn read(path: &Path, pin: Option<&[u8; 32]>) -> Result<Self, Refusal> {
        let place = Place::find(path)?;
        step::reached(Step::ManifestOpened);
        let most = u64::try_from(MANIFEST_MAX).unwrap_or(u64::MAX);
        let (bytes, digest) = read_whole(&place, most)?;
        if let Some(expected) = pin.filter(|pin| **pin != digest) {
            return Err(Refusal::PinMismatch {
                path: path.to_owned(),
                found: digest,
                expected: *expected,
            });
        }
        step::reached(Step::ManifestRead);
        let invalid = |source| Refusal::ManifestInvalid {
            path: path.to_owned(),
            source,
        };
        let text = String::from_utf8(bytes).map_err(|_| {
            invalid(ManifestError::NotAManifest {
                why: "it is not UTF-8".to_owned(),
            })
        })?;
        let manifest = Manifest::parse(&text).map_err(invalid)?;
        Ok(Self {
            place,
            text,
            digest,
            manifest,
        })
    }

    /// The library, which lies beside the manifest.
    fn library(&self) -> Result<Place, Refusal> {
        let Some(name) = &self.manifest.library else {
            return Err(Refusal::LibraryUnnamed {
                path: self.place.real.clone(),
            });
        };
        let library = self.place.sibling(name).map_err(|refusal| match refusal {
            Refusal::NotFound { path } => Refusal::LibraryMissing { path },
            other => other,
        })?;
        step::reached(Step::LibraryOpened);
        Ok(library)
    }
}

/// Reads a whole file, and hashes what was read.
fn read_whole(place: &Place, most: u64) -> Result<(Vec<u8>, [u8; 32]), Refusal> {
    let mut bytes = Vec::new();
    let digest = seal::copy(&place.file, most, &mut bytes);
    match digest.map_err(|error| unreadable(&place.real, &error))? {
        Some(digest) => Ok((bytes, digest)),
        None => Err(Refusal::TooLarge {
            path: place.real.clone(),
            found: place.size,
            most,
        }),
    }
}

fn too_large(place: &Place) -> Refusal {
    Refusal::TooLarge {
        path: place.real.clone(),
        found: place.size,
        most: LIBRARY_MAX,
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Refusal {
    Refusal::Unreadable {
        path: path.to_owned(),
        why: error.to_string(),
    }
}

/// The one symbol that a plugin exports.
const ENTRY: &[u8] = b"anchorhold_plugin_v1";
/// The most bytes of a library.
const LIBRARY_MAX: u64 = 1 << 30;
