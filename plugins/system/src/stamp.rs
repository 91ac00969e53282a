//! Whether files are still what they were, without reading them.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What files looked like, each by its path, in one order. A file that is not there has a look too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamps(Vec<(PathBuf, Option<Stamp>)>);

/// What one file looked like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
    /// Which file it is, and when anything of it changed, where the system tells.
    identity: [u64; 4],
}

impl Stamps {
    /// Looks at a file or directory.
    pub(crate) fn add(&mut self, path: &Path) {
        let stamp = fs::metadata(path).ok().map(|found| Stamp {
            size: found.len(),
            modified: found.modified().ok(),
            identity: identity(&found),
        });
        self.0.push((path.to_owned(), stamp));
    }
}

#[cfg(unix)]
fn identity(found: &Metadata) -> [u64; 4] {
    use std::os::unix::fs::MetadataExt;
    [
        found.dev(),
        found.ino(),
        found.ctime().cast_unsigned(),
        found.ctime_nsec().cast_unsigned(),
    ]
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> [u64; 4] {
    [0; 4]
}
