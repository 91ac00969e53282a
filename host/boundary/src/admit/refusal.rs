//! Why a file is not admitted: what was found, what was expected, and what mends it.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::manifest::ManifestError;

/// Why a library, or its manifest, is not admitted: the operator must act.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// It cannot be loaded as it lies there, and no copy of it can be made.
    CopyImpossible {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The manifest is that of another plugin.
    IdMismatch {
        /// The manifest.
        path: PathBuf,
        /// The id that it has.
        found: String,
        /// The id that the operator registered.
        expected: String,
    },
    /// The manifest names a library that is not there.
    LibraryMissing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The manifest names no library.
    LibraryUnnamed {
        /// The manifest.
        path: PathBuf,
    },
    /// The manifest cannot be used.
    ManifestInvalid {
        /// The manifest.
        path: PathBuf,
        /// Why.
        source: ManifestError,
    },
    /// It is a library, and exports no `anchorhold_plugin_v1`: it is no plugin, or one for another
    /// major version.
    NoEntry {
        /// Which library.
        path: PathBuf,
    },
    /// It is no regular file.
    NotAFile {
        /// Which.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// It is not there.
    NotFound {
        /// Which file.
        path: PathBuf,
    },
    /// Its bytes are not those that were pinned.
    PinMismatch {
        /// Which file.
        path: PathBuf,
        /// The SHA-256 that it has.
        found: [u8; 32],
        /// The SHA-256 that was pinned.
        expected: [u8; 32],
    },
    /// It was changed or replaced after it had been checked.
    Replaced {
        /// Which file.
        path: PathBuf,
    },
    /// It is larger than any such file could rightly be.
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// How many bytes it has.
        found: u64,
        /// How many it may have.
        most: u64,
    },
    /// It cannot be read.
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Others than its owner may change it.
    UnsafeMode {
        /// Which file.
        path: PathBuf,
        /// Its mode.
        found: u32,
    },
    /// It belongs to somebody who may not decide what runs here.
    UnsafeOwner {
        /// Which file.
        path: PathBuf,
        /// Its owner.
        found: u32,
        /// The user that this process runs as; root is the other one who may own it.
        expected: u32,
    },
    /// It has other libraries looked for where somebody else could put one.
    UnsafeSearch {
        /// Which library.
        path: PathBuf,
        /// Where it has them looked for.
        directory: PathBuf,
    },
    /// Somebody else could put another file in its place.
    UnsafeParent {
        /// Which file.
        path: PathBuf,
        /// The directory or link on the way to it.
        parent: PathBuf,
        /// What is wrong with it.
        fault: ParentFault,
    },
    /// It is no library of this machine.
    WrongFormat {
        /// Which file.
        path: PathBuf,
        /// What it is.
        found: String,
        /// What a library of this machine is.
        expected: String,
    },
}

/// What is wrong with a directory or a link on the way to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParentFault {
    /// It is writable by group or others.
    Mode(u32),
    /// It belongs neither to root nor to the user that this process runs as.
    Owner {
        /// Its owner.
        found: u32,
        /// The user.
        expected: u32,
    },
}

impl Refusal {
    /// The word that programs read; it is never renamed.
    pub fn code(&self) -> &'static str {
        match self {
            Self::CopyImpossible { .. } => "copy-impossible",
            Self::IdMismatch { .. } => "id-mismatch",
            Self::LibraryMissing { .. } => "library-missing",
            Self::LibraryUnnamed { .. } | Self::ManifestInvalid { .. } => "manifest-invalid",
            Self::NoEntry { .. } => "no-entry",
            Self::NotAFile { .. } => "not-a-file",
            Self::NotFound { .. } => "not-found",
            Self::PinMismatch { .. } | Self::Replaced { .. } => "pin-mismatch",
            Self::TooLarge { .. } => "too-large",
            Self::Unreadable { .. } => "unreadable",
            Self::UnsafeMode { .. } => "unsafe-mode",
            Self::UnsafeOwner { .. } => "unsafe-owner",
            Self::UnsafeParent { .. } => "unsafe-parent",
            Self::UnsafeSearch { .. } => "unsafe-search-path",
            Self::WrongFormat { .. } => "wrong-format",
        }
    }

    /// The file that it is about.
    pub fn path(&self) -> &Path {
        match self {
            Self::CopyImpossible { path, .. }
            | Self::IdMismatch { path, .. }
            | Self::LibraryMissing { path }
            | Self::LibraryUnnamed { path }
            | Self::ManifestInvalid { path, .. }
            | Self::NoEntry { path }
            | Self::NotAFile { path, .. }
            | Self::NotFound { path }
            | Self::PinMismatch { path, .. }
            | Self::Replaced { path }
            | Self::TooLarge { path, .. }
            | Self::Unreadable { path, .. }
            | Self::UnsafeMode { path, .. }
            | Self::UnsafeOwner { path, .. }
            | Self::UnsafeParent { path, .. }
            | Self::UnsafeSearch { path, .. }
            | Self::WrongFormat { path, .. } => path,
        }
    }

    /// What to do next; a command of this program where one mends it.
    pub fn remedy(&self) -> String {
        self.remedy_of("ID", "MANIFEST")
    }

    /// The same where it is known which plugin this is about, and where its manifest is as it would
    /// be typed.
    pub fn remedy_of(&self, id: &str, manifest: &str) -> String {
        match self {
            Self::CopyImpossible { .. } => {
                "install it below /usr or /opt, where only root can write, so that it needs no copy"
                    .to_owned()
            }
            Self::IdMismatch { path, .. } => format!(
                "find out why this is the manifest of another plugin; to register it as what it \
                 is: anchorhold plugin add {}",
                path.display()
            ),
            Self::LibraryMissing { .. } => format!(
                "install the library beside its manifest, or take the plugin out: anchorhold \
                 plugin remove {id}"
            ),
            Self::LibraryUnnamed { .. } | Self::ManifestInvalid { .. } => {
                "ask the author of the plugin for a manifest that this release understands"
                    .to_owned()
            }
            Self::NoEntry { .. } => {
                "check that the manifest names the library that was meant; its author exports the \
                 entry with AH_EXPORT, in C++ as extern \"C\""
                    .to_owned()
            }
            Self::NotAFile { .. } => "name a regular file".to_owned(),
            Self::NotFound { .. } => "name a file that is there".to_owned(),
            Self::PinMismatch { .. } | Self::Replaced { .. } => format!(
                "find out who changed it and why; only then: anchorhold plugin add {manifest} \
                 --update"
            ),
            Self::TooLarge { .. } => "check that this is the file that was meant".to_owned(),
            Self::Unreadable { path, .. } => {
                format!("let this user read it: chmod u+r {}", path.display())
            }
            Self::UnsafeMode { path, .. } => format!(
                "make sure that nobody has changed it, then: chmod go-w {}",
                path.display()
            ),
            Self::UnsafeOwner { path, .. } => format!(
                "make sure that it is what was meant, then, as root: chown root {}",
                path.display()
            ),
            Self::UnsafeSearch { path, .. } => format!(
                "link it without that directory: patchelf --remove-rpath {0} takes its run path \
                 out, patchelf --replace-needed PATH NAME {0} a path",
                path.display()
            ),
            Self::WrongFormat { .. } => format!(
                "build it for {}, as a library: cc -shared -fPIC, or crate-type = [\"cdylib\"]; \
                 or install the package for this machine",
                std::env::consts::ARCH
            ),
            Self::UnsafeParent { parent, fault, .. } => match fault {
                ParentFault::Mode(_) => format!("chmod go-w {}", parent.display()),
                ParentFault::Owner { .. } => format!(
                    "install it where only root or you can write, or, as root: chown -h root {}",
                    parent.display()
                ),
            },
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path().display())?;
        match self {
            Self::CopyImpossible { why, .. } => {
                write!(f, "it has to be copied to be loaded, and that fails: {why}")
            }
            Self::IdMismatch {
                found, expected, ..
            } => write!(
                f,
                "this is the manifest of {found:?}, and {expected:?} is registered"
            ),
            Self::LibraryMissing { .. } => {
                f.write_str("the library that the manifest names is not there")
            }
            Self::LibraryUnnamed { .. } => {
                f.write_str("the manifest names no library, as if it were that of a built-in")
            }
            Self::ManifestInvalid { .. } => f.write_str("the manifest cannot be used"),
            Self::NotAFile { found, .. } => {
                write!(f, "this is {found}, and a regular file is expected")
            }
            Self::NoEntry { .. } => {
                f.write_str("the symbol anchorhold_plugin_v1 is expected, and is not exported")
            }
            Self::NotFound { .. } => f.write_str("there is no such file"),
            Self::PinMismatch {
                found, expected, ..
            } => write!(
                f,
                "its SHA-256 is {}, and {} is pinned",
                hex(found),
                hex(expected)
            ),
            Self::Replaced { .. } => {
                f.write_str("it was changed or replaced after it had been checked")
            }
            Self::TooLarge { found, most, .. } => {
                write!(f, "it has {found} bytes, and at most {most} are expected")
            }
            Self::Unreadable { why, .. } => write!(f, "it cannot be read: {why}"),
            Self::UnsafeMode { found, .. } => write!(
                f,
                "its mode is {:04o}, so that others than its owner may change it",
                found & 0o7777
            ),
            Self::UnsafeOwner {
                found, expected, ..
            } => write!(f, "{}", Owner(*found, *expected)),
            Self::UnsafeSearch { directory, .. } => write!(
                f,
                "it has libraries looked for in {:?}, where somebody else could put one",
                directory.display().to_string()
            ),
            Self::WrongFormat {
                found, expected, ..
            } => write!(f, "this is {found}, and {expected} is expected"),
            Self::UnsafeParent { parent, fault, .. } => {
                write!(f, "on the way to it, {}: ", parent.display())?;
                match fault {
                    ParentFault::Mode(mode) => write!(
                        f,
                        "its mode is {:04o}, so that others than its owner may replace what is in \
                         it",
                        mode & 0o7777
                    ),
                    ParentFault::Owner { found, expected } => {
                        write!(f, "{}", Owner(*found, *expected))
                    }
                }
            }
        }
    }
}

impl std::error::Error for Refusal {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::ManifestInvalid { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Whose it is, and whose it may be.
struct Owner(u32, u32);

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(found, expected) = self;
        write!(f, "it belongs to the user {found}, and root")?;
        if *expected != 0 {
            write!(f, " or the user {expected}, who runs this,")?;
        }
        f.write_str(" is expected")
    }
}

/// A digest as people write it.
pub(crate) fn hex(digest: &[u8; 32]) -> String {
    use fmt::Write as _;
    digest
        .iter()
        .fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
