//! The bundle of roots that a system keeps for all of its programs.

use std::io;
use std::path::{Path, PathBuf};

use anchorhold_sdk::Error;

use super::{look_at_directory, read_directory, read_file};
use crate::roots::Gathered;
use crate::stamp::Stamps;

/// Where systems keep their bundle: what their own tools make of the roots that are in force. The
/// first that is there is the system's.
const BUNDLES: [&str; 13] = [
    // Debian, Ubuntu, Arch, Gentoo.
    "/etc/ssl/certs/ca-certificates.crt",
    // Red Hat, Fedora.
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    // SUSE.
    "/etc/ssl/ca-bundle.pem",
    "/var/lib/ca-certificates/ca-bundle.pem",
    // Alpine, OpenBSD.
    "/etc/ssl/cert.pem",
    "/etc/pki/tls/cacert.pem",
    "/opt/etc/ssl/certs/ca-certificates.crt",
    "/usr/local/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
    "/etc/openssl/certs/ca-certificates.crt",
    "/etc/certs/ca-certificates.crt",
    "/etc/ssl/cacert.pem",
];

/// Where they keep them one by one, for where there is no bundle. Beside a bundle these are not
/// looked at: what else lies there, such as a machine's own certificate, is no root of anybody's.
const DIRECTORIES: [&str; 4] = [
    "/etc/ssl/certs",
    "/etc/pki/tls/certs",
    "/etc/openssl/certs",
    "/etc/certs/CA",
];

/// Where the roots of this system are looked for.
#[derive(Debug)]
pub(crate) struct System {
    pub(super) bundles: Vec<PathBuf>,
    pub(super) directories: Vec<PathBuf>,
}

impl Default for System {
    fn default() -> Self {
        Self {
            bundles: BUNDLES.iter().map(PathBuf::from).collect(),
            directories: DIRECTORIES.iter().map(PathBuf::from).collect(),
        }
    }
}

impl System {
    /// Reads them; where they were.
    pub(super) fn read(&self, into: &mut Gathered) -> Result<String, Error> {
        if let Some(bundle) = first(&self.bundles) {
            read_file(bundle, into).map_err(|error| hinted(&error))?;
            return Ok(bundle.display().to_string());
        }
        match first(&self.directories) {
            Some(directory) => {
                read_directory(directory, into).map_err(|error| hinted(&error))?;
                Ok(directory.display().to_string())
            }
            None => Err(Error::unavailable(self.missing())),
        }
    }

    /// What they look like; also of those that are not there, which may come.
    #[expect(clippy::unnecessary_wraps, reason = "other systems cannot tell")]
    pub(super) fn stamps(&self) -> Option<Stamps> {
        let mut stamps = Stamps::default();
        self.bundles.iter().for_each(|bundle| stamps.add(bundle));
        if first(&self.bundles).is_none()
            && let Some(directory) = first(&self.directories)
        {
            look_at_directory(directory, &mut stamps);
        }
        Some(stamps)
    }

    fn missing(&self) -> String {
        let all = self.bundles.iter().chain(&self.directories);
        let all: Vec<_> = all.map(|path| path.display().to_string()).collect();
        // What to do comes first: what is long is cut where it is shown short.
        format!(
            "no roots are found: install ca-certificates, set `file` or `directory`, or grant a \
             runner read:/etc/ssl/certs; looked at {}",
            all.join(", ")
        )
    }
}

/// The first that is there, or cannot be told not to be: another one would be another system's.
fn first(paths: &[PathBuf]) -> Option<&Path> {
    let is_missing = |path: &Path| match path.metadata() {
        Ok(_) => false,
        Err(why) => matches!(
            why.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
        ),
    };
    let mut paths = paths.iter().map(PathBuf::as_path);
    paths.find(|path| !is_missing(path))
}

fn hinted(error: &Error) -> Error {
    Error::new(error.kind(), format!("{}{IN_RUNNER}", error.message()))
}

const IN_RUNNER: &str = "; a runner has to be granted it, as with read:/etc/ssl/certs";
