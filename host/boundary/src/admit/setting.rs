//! The settings of a store, and the libraries among them: admitted by the host, and loaded by the
//! plugin.

use std::collections::BTreeMap;
use std::mem;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use crate::admit::{AdmittedFile, Refusal, admit_file};
use crate::load::Way;
use crate::manifest::{Manifest, SettingKind};

/// Checked settings, and the files among them that were admitted.
#[derive(Debug)]
pub struct AdmittedSettings {
    /// The settings as the plugin's manifest has them, by key.
    pub texts: Vec<(String, String)>,
    /// The files that the plugin loads for itself, by the setting that names them.
    pub files: Vec<(String, AdmittedFile)>,
}

impl AdmittedSettings {
    /// Admits the libraries among settings that the manifest has checked; `pins` are the SHA-256
    /// of those of them that the operator gave.
    pub fn admit(
        texts: Vec<(String, String)>,
        pins: &BTreeMap<String, [u8; 32]>,
        manifest: &Manifest,
    ) -> Result<Self, Refusal> {
        let mut files = Vec::new();
        for (key, path) in &texts {
            let schema = manifest.settings.get(key);
            if schema.is_some_and(|schema| schema.kind == SettingKind::Library) {
                let file = admit_file(Path::new(path), pins.get(key).copied())?;
                files.push((key.clone(), file));
            }
        }
        Ok(Self { texts, files })
    }

    /// The settings without the files, which travel by themselves.
    pub fn without_files(&self) -> Vec<(String, String)> {
        let is_file = |key: &str| self.files.iter().any(|(file, _)| file == key);
        let texts = self.texts.iter().filter(|(key, _)| !is_file(key));
        texts.cloned().collect()
    }

    /// The settings for a plugin of this process, which loads exactly what was admitted. Its
    /// descriptors stay open for ever: the loader would take another file of the same number for
    /// the same one.
    pub fn into_here(self) -> Vec<(String, String)> {
        let Self { mut texts, files } = self;
        for (key, file) in files {
            let path = match file.way() {
                Way::ByPath => file.path().to_owned(),
                Way::Copied(copy) => copy,
                Way::Sealed => {
                    PathBuf::from(format!("/proc/self/fd/{}", file.descriptor().as_raw_fd()))
                }
            };
            for (_, text) in texts.iter_mut().filter(|(of, _)| *of == key) {
                *text = path.display().to_string();
            }
            mem::forget(file);
        }
        texts
    }
}
