//! Reads the secrets that the operator stored for plugins to ask for.

use std::fmt;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use anchorhold_boundary::question::ANSWER_MAX;
use anchorhold_boundary::secret_file;
use zeroize::Zeroizing;

use crate::plan::SecretSource;

/// Why a stored secret cannot be used: the operator must act.
#[derive(Debug)]
#[non_exhaustive]
pub enum SecretError {
    /// It is longer than a plugin takes.
    TooLong {
        /// Where it is.
        source: String,
    },
    /// There is nothing in it.
    Empty {
        /// Where it is.
        source: String,
    },
    /// No service manager has handed credentials to this program.
    NoCredentials {
        /// Which credential was wanted.
        name: String,
    },
    /// Nobody has stored it: a person has to be asked.
    NotStored,
    /// It cannot be read.
    Unreadable {
        /// Where it is.
        source: String,
        /// Why.
        error: io::Error,
    },
    /// Others could read or change it.
    Unsafe {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        why: String,
    },
}

/// Reads a secret, without the end of its line. A file must be its owner's alone.
pub fn read(source: &SecretSource) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let told = source.to_string();
    let unreadable = |error| SecretError::Unreadable {
        source: told.clone(),
        error,
    };
    let file = match source {
        SecretSource::Ask => return Err(SecretError::NotStored),
        SecretSource::File(path) => {
            let file = secret_file::open(path).map_err(unreadable)?;
            check(path, &file)?;
            file
        }
        SecretSource::Credential(name) => {
            secret_file::open(&credential(name)?).map_err(unreadable)?
        }
        SecretSource::Descriptor(number) => {
            File::open(format!("/dev/fd/{number}")).map_err(unreadable)?
        }
    };
    let bytes = secret_file::read(file).map_err(unreadable)?;
    match bytes.len() {
        0 => Err(SecretError::Empty { source: told }),
        length if length > ANSWER_MAX => Err(SecretError::TooLong { source: told }),
        _ => Ok(bytes),
    }
}

/// A file must be its owner's alone.
fn check(path: &Path, file: &File) -> Result<(), SecretError> {
    let exposed = secret_file::exposure(file).map_err(|error| SecretError::Unreadable {
        source: path.display().to_string(),
        error,
    })?;
    exposed.map_or(Ok(()), |why| {
        Err(SecretError::Unsafe {
            path: path.to_owned(),
            why,
        })
    })
}

/// The directory is the service manager's, for this service only.
fn credential(name: &str) -> Result<PathBuf, SecretError> {
    let directory = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    match directory.filter(|directory| directory.is_absolute()) {
        Some(directory) => Ok(directory.join(name)),
        None => Err(SecretError::NoCredentials {
            name: name.to_owned(),
        }),
    }
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { source } => {
                write!(
                    f,
                    "{source} holds more than the {ANSWER_MAX} bytes of a secret"
                )
            }
            Self::Empty { source } => write!(f, "{source} is empty"),
            Self::NoCredentials { name } => write!(
                f,
                "the credential {name} is not there: no service manager has handed credentials \
                 to this program (CREDENTIALS_DIRECTORY is not set)"
            ),
            Self::NotStored => f.write_str("it is not stored, and a person has to be asked"),
            Self::Unreadable { source, error } => write!(f, "{source} cannot be read: {error}"),
            Self::Unsafe { path, why } => write!(f, "{}: {why}", path.display()),
        }
    }
}

impl std::error::Error for SecretError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable { error, .. } => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn stored(content: &[u8], mode: u32) -> (tempfile::TempDir, SecretSource) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pin");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        (directory, SecretSource::File(path))
    }

    fn refused(content: &[u8], mode: u32) -> String {
        let (_directory, source) = stored(content, mode);
        read(&source).unwrap_err().to_string()
    }

    #[test]
    fn a_secret_is_all_of_the_file_but_the_end_of_its_line() {
        for (content, expected) in [
            (&b"1234\n"[..], &b"1234"[..]),
            (b"1234", b"1234"),
            (b"1234\r\n", b"1234"),
            (b"1234\n\n", b"1234\n"),
            (b" 1 \xff\0", b" 1 \xff\0"),
        ] {
            let (_directory, source) = stored(content, 0o600);
            assert_eq!(read(&source).unwrap().as_slice(), expected);
        }
        let longest = [b'x'; ANSWER_MAX];
        let (_directory, source) = stored(&[&longest[..], b"\r\n"].concat(), 0o400);
        assert_eq!(read(&source).unwrap().as_slice(), longest);
    }

    #[test]
    fn what_others_can_reach_is_refused() {
        for mode in [0o640, 0o604, 0o620, 0o666, 0o610] {
            let error = refused(b"1234\n", mode);
            assert!(error.contains("chmod 600"), "{error}");
            assert!(!error.contains("1234"), "{error}");
        }
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        assert!(refused(b"", 0o600).contains("empty"));
        assert!(refused(b"\n", 0o600).contains("empty"));
        assert!(refused(&[b'x'; ANSWER_MAX + 1], 0o600).contains("more than"));
        let directory = tempfile::tempdir().unwrap();
        let missing = SecretSource::File(directory.path().join("none"));
        assert!(read(&missing).unwrap_err().to_string().contains("none"));
        let error = read(&SecretSource::File(directory.path().to_owned())).unwrap_err();
        assert!(error.to_string().contains("no plain file"), "{error}");
        assert!(matches!(
            read(&SecretSource::Ask),
            Err(SecretError::NotStored)
        ));
    }

    #[test]
    fn a_descriptor_is_read_to_its_end() {
        let (directory, _source) = stored(b"1234\n", 0o600);
        let file = File::open(directory.path().join("pin")).unwrap();
        let number = u32::try_from(file.as_raw_fd()).unwrap();
        let secret = read(&SecretSource::Descriptor(number)).unwrap();
        assert_eq!(secret.as_slice(), b"1234");
        let error = read(&SecretSource::Descriptor(u32::MAX)).unwrap_err();
        assert!(error.to_string().contains("file descriptor"), "{error}");
    }
}
