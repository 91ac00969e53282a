//! Where option files are looked for when none is named.

use std::io::ErrorKind::NotFound;
use std::path::{Path, PathBuf};

/// The option files of one directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// dsm.sys, or dsm.opt where it is the only one.
    pub system: Vec<PathBuf>,
    /// dsm.opt beside a dsm.sys.
    pub user: Vec<PathBuf>,
}

/// The directories in which the vendor's installation keeps dsm.sys and dsm.opt, the
/// backup-archive client's first.
///
/// Fixed, not taken from DSM_DIR, DSMI_DIR or DSM_CONFIG: no environment variable changes what
/// is trusted.
pub fn vendor_directories() -> Vec<PathBuf> {
    DIRECTORIES.iter().map(PathBuf::from).collect()
}

/// The option files in the first of the directories that has any.
pub fn find<P: AsRef<Path>>(directories: impl IntoIterator<Item = P>) -> Option<Found> {
    directories
        .into_iter()
        .find_map(|directory| files_in(directory.as_ref()))
}

/// The option files of one directory: dsm.sys with dsm.opt beside it, or a dsm.opt that holds
/// everything.
pub fn files_in(directory: &Path) -> Option<Found> {
    let there = |name: &str| {
        let path = directory.join(name);
        // What cannot be looked at counts as there, so that it is reported and not passed over.
        let absent = matches!(path.symlink_metadata(), Err(error) if error.kind() == NotFound);
        (!absent).then_some(path)
    };
    match (there("dsm.sys"), there("dsm.opt")) {
        (None, None) => None,
        (None, Some(only)) => Some(Found {
            system: vec![only],
            user: Vec::new(),
        }),
        (Some(system), user) => Some(Found {
            system: vec![system],
            user: user.into_iter().collect(),
        }),
    }
}

#[cfg(windows)]
const DIRECTORIES: &[&str] = &[
    r"C:\Program Files\Tivoli\TSM\baclient",
    r"C:\Program Files\Common Files\Tivoli\TSM\api64",
];

#[cfg(target_os = "macos")]
const DIRECTORIES: &[&str] = &[
    "/Library/Preferences/Tivoli Storage Manager",
    "/Library/Application Support/tivoli/tsm/client/ba/bin",
    "/Library/Application Support/tivoli/tsm/client/api/bin",
];

#[cfg(target_os = "aix")]
const DIRECTORIES: &[&str] = &[
    "/usr/tivoli/tsm/client/ba/bin64",
    "/usr/tivoli/tsm/client/ba/bin",
    "/usr/tivoli/tsm/client/api/bin64",
];

#[cfg(not(any(windows, target_os = "macos", target_os = "aix")))]
const DIRECTORIES: &[&str] = &[
    "/opt/tivoli/tsm/client/ba/bin",
    "/opt/tivoli/tsm/client/api/bin64",
];
