//! Files of certificates as a command line names them, opened with their passwords where they
//! have one.

use std::collections::HashSet;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anchorhold_boundary::question::ANSWER_MAX;
use anchorhold_boundary::secret_file;
use anchorhold_formats::sth;
use anchorhold_kernel::import::{self, Found, ImportError};
use zeroize::Zeroizing;

use crate::exit::Failure;
use crate::input;

/// What was found in several files: every certificate once, in their order.
pub(super) fn read(files: &[PathBuf], password: Option<&Path>) -> Result<Found, Failure> {
    let password = password.map(Given::read).transpose()?;
    let mut all = Found::default();
    let mut known = HashSet::new();
    for file in files {
        let found = take(file, password.as_ref())?;
        let certificates = found.certificates.into_iter();
        let new = certificates.filter(|one| known.insert(one.facts.fingerprint));
        all.certificates.extend(new);
        all.notes.extend(found.notes);
        all.warnings.extend(found.warnings);
    }
    Ok(all)
}

/// What is found in one file. Where it needs a password and none is given, the stash beside it is
/// tried; nothing is guessed, and nobody is asked.
pub(super) fn take(path: &Path, password: Option<&Given>) -> Result<Found, Failure> {
    let bytes = input::read(path, input::CERTIFICATES_MAX)?;
    let name = input::shown(path);
    let mut found = match import::detect(&bytes, None) {
        Err(ImportError::Locked { .. }) => unlock(path, &bytes, password)?,
        other => other.map_err(|error| refused(path, &error))?,
    };
    for text in found.notes.iter_mut().chain(&mut found.warnings) {
        *text = format!("{name}: {text}");
    }
    Ok(found)
}

/// A password out of the file that was named for it.
pub(super) struct Given {
    path: PathBuf,
    password: Zeroizing<Vec<u8>>,
}

impl Given {
    /// Reads it, without the end of its line; it may be empty. The file must be its owner's alone.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let unusable = |why: &str| {
            let message = format!("{}: {why}", path.display());
            Failure::usage("secret-unreadable", message).remedy(
                "give a file that holds the password and nothing else, and that only you can read",
            )
        };
        let unreadable = |error: io::Error| unusable("cannot be read").because(&error);
        let file = secret_file::open(path).map_err(unreadable)?;
        if let Some(why) = secret_file::exposure(&file).map_err(unreadable)? {
            return Err(unusable(&why));
        }
        let password = secret_file::read(file).map_err(unreadable)?;
        if password.len() > ANSWER_MAX {
            let why = format!("it holds more than the {ANSWER_MAX} bytes of a password");
            return Err(unusable(&why));
        }
        Ok(Self {
            path: path.to_owned(),
            password,
        })
    }

    /// The password, and nothing of where it was.
    pub(super) fn into_password(self) -> Zeroizing<Vec<u8>> {
        self.password
    }

    /// The password.
    fn password(&self) -> &[u8] {
        &self.password
    }
}

fn unlock(path: &Path, bytes: &[u8], given: Option<&Given>) -> Result<Found, Failure> {
    let stash = stash_of(path);
    if let Some(given) = given {
        return import::detect(bytes, Some(given.password())).map_err(|error| {
            let beside = stash.filter(|stash| stash.exists());
            let instead = beside.map(|stash| {
                format!(
                    ", or leave --password-file out, and the password in {} is taken",
                    stash.display()
                )
            });
            let remedy = format!("give the right one{}", instead.unwrap_or_default());
            not_opened(path, &error, &given.path, &remedy)
        });
    }
    let Some(stash) = stash else {
        return Err(no_password(path));
    };
    let Some(password) = beside(&stash)? else {
        return Err(no_password(path));
    };
    let mut found = import::detect(bytes, Some(&password)).map_err(|error| {
        let remedy = "the stash is that of another file, or of an older state of this one: bring \
                      both over together, or give import the password in a file that only you can \
                      read, with --password-file";
        not_opened(path, &error, &stash, remedy)
    })?;
    let note = format!("opened with the password in its stash, {}", stash.display());
    found.notes.insert(0, note);
    Ok(found)
}

/// Where the stash of a file would be.
fn stash_of(path: &Path) -> Option<PathBuf> {
    let stash = path.with_extension("sth");
    (!input::is_standard_input(path) && stash != path).then_some(stash)
}

/// The password in a stash, where there is one.
fn beside(stash: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
    let unreadable = |error: &dyn std::error::Error| {
        Failure::usage(
            "stash-unreadable",
            format!("{}: cannot be read", stash.display()),
        )
        .because(error)
        .remedy("give import the password in a file that only you can read, with --password-file")
    };
    let file = match secret_file::open(stash) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| unreadable(&error))?,
    };
    // Whoever has these bytes has the password, so that they are read without leaving copies.
    let mut bytes = Zeroizing::new(Vec::with_capacity(CAPACITY));
    file.take(STASH_MAX)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(&error))?;
    let password = sth::read(&bytes);
    password.map(Some).map_err(|error| unreadable(&error))
}

/// Why a file is wrong input.
fn refused(path: &Path, error: &ImportError) -> Failure {
    let message = format!("{}: {error}", input::shown(path));
    Failure::usage("input-invalid", message).remedy(error.remedy())
}

fn no_password(path: &Path) -> Failure {
    let message = format!(
        "{}: it is protected by a password, and none is given",
        input::shown(path)
    );
    let beside = stash_of(path)
        .map(|stash| format!(", or bring its stash over too, as {}", stash.display()))
        .unwrap_or_default();
    Failure::usage("password-needed", message).remedy(format!(
        "give import the password in a file that only you can read, with \
         --password-file{beside}"
    ))
}

/// Why a file was not opened with a password: it is the wrong one, or there is more to it.
fn not_opened(path: &Path, error: &ImportError, from: &Path, remedy: &str) -> Failure {
    if !matches!(error, ImportError::Locked { .. }) {
        return refused(path, error);
    }
    let message = format!(
        "{}: the password in {} does not open it",
        input::shown(path),
        from.display()
    );
    Failure::usage("password-wrong", message).remedy(remedy)
}

/// More than a stash has, and room for it that is never too small.
const STASH_MAX: u64 = 1 << 10;
const CAPACITY: usize = 4 << 10;
