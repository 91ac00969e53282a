//! Trees of files: that of this project, and those that a program may or may not have changed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// The root of this project's tree.
pub(crate) fn repository() -> PathBuf {
    let cli = Path::new(env!("CARGO_MANIFEST_DIR"));
    cli.join("../..").canonicalize().expect("the tree is there")
}

/// A SHA-256 in lower-case hexadecimal digits.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

/// Every file below a directory, with its mode and content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Snapshot {
    files: BTreeMap<PathBuf, (u32, Vec<u8>)>,
}

impl Snapshot {
    /// A directory as it is now; one that is not there has no files.
    pub(crate) fn of(root: &Path) -> Self {
        let mut snapshot = Self::default();
        snapshot.add(root, root);
        snapshot
    }

    /// Whether there is nothing at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The names of the files that are new, gone, or of other content or mode.
    pub(crate) fn changed_since(&self, before: &Self) -> Vec<PathBuf> {
        let names = self.files.keys().chain(before.files.keys());
        let mut changed: Vec<PathBuf> = names
            .filter(|name| self.files.get(*name) != before.files.get(*name))
            .cloned()
            .collect();
        changed.sort();
        changed.dedup();
        changed
    }

    fn add(&mut self, root: &Path, directory: &Path) {
        // A file may vanish between its listing and its reading.
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            let Ok(metadata) = path.symlink_metadata() else {
                continue;
            };
            let name = path.strip_prefix(root).expect("below the root").to_owned();
            if metadata.is_dir() {
                self.files
                    .insert(name.clone(), (metadata.mode(), Vec::new()));
                self.add(root, &path);
            } else if let Ok(content) = fs::read(&path) {
                self.files.insert(name, (metadata.mode(), content));
            }
        }
    }
}
