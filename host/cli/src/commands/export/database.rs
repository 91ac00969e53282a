//! Databases of certificates: their passwords, their stashes and their bytes.

use std::fmt;

use anchorhold_formats::edit::{Edits, Entry};
use anchorhold_formats::p12::{self, Randomness};
use anchorhold_formats::{kdb, sth};
use zeroize::Zeroizing;

use super::selection::Selection;
use crate::args::export::{Export, Format, KdbVersion, Stash};
use crate::commands::source::Given;
use crate::exit::Failure;

/// What protects a database, and where that is kept.
pub(super) struct Protection {
    password: Zeroizing<Vec<u8>>,
    stash: Option<Stash>,
}

impl Protection {
    /// The password that was given; or one that is made up, and then kept in a stash.
    pub(super) fn of(args: &Export) -> Result<Self, Failure> {
        let Some(path) = &args.password_file else {
            return Ok(Self {
                password: random_password()?,
                stash: Some(args.stash.unwrap_or(Stash::V2)),
            });
        };
        let password = Given::read(path)?.into_password();
        let unfit = |why: &str| {
            let message = format!("{}: {why}", path.display());
            Failure::usage("password-unfit", message).remedy("put another password there")
        };
        if password.is_empty() {
            return Err(unfit("an empty password protects nothing"));
        }
        if std::str::from_utf8(&password).is_err() || password.iter().any(u8::is_ascii_control) {
            return Err(unfit("it is no line of text"));
        }
        Ok(Self {
            password,
            stash: args.stash,
        })
    }

    /// Whether a stash is made.
    pub(super) const fn has_stash(&self) -> bool {
        self.stash.is_some()
    }

    /// What others may make of the password.
    pub(super) fn warning(&self, format: Format) -> Option<String> {
        (format == Format::P12 && !self.password.is_ascii()).then(|| {
            "the password is not plain ASCII: GSKit opens no p12 with such a one".to_owned()
        })
    }

    /// The bytes of the stash, where one is made.
    pub(super) fn stash(&self) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
        let Some(form) = self.stash else {
            return Ok(None);
        };
        let (mut salt, mut filler) = ([0; 32], Zeroizing::new([0; sth::MAX_PASSWORD]));
        fill(&mut salt)?;
        fill(&mut *filler)?;
        let stash = match form {
            Stash::V1 => sth::write_v1(&self.password, &filler),
            Stash::V2 => sth::write_v2(&self.password, &salt, &filler),
        };
        stash.map(Some).map_err(|error| {
            Failure::usage("password-unfit", "the stash cannot be made")
                .because(&error)
                .remedy("use another password, or leave --stash out")
        })
    }

    /// The bytes of a database with these certificates, and no others.
    pub(super) fn seal(
        &self,
        format: Format,
        args: &Export,
        selection: &Selection<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let entries = selection.certificates().iter();
        let entries: Vec<Entry<'_>> = entries
            .map(|one| Entry {
                label: &one.label,
                der: one.der,
            })
            .collect();
        let bytes = match format {
            Format::Kdb => self.key_database(args, entries)?,
            _ => self.pkcs12(&entries)?,
        };
        Ok(Zeroizing::new(bytes))
    }

    fn pkcs12(&self, entries: &[Entry<'_>]) -> Result<Vec<u8>, Failure> {
        let mut random = Randomness {
            salt: [0; 16],
            iv: [0; 16],
            mac_salt: [0; 16],
        };
        fill(&mut random.salt)?;
        fill(&mut random.iv)?;
        fill(&mut random.mac_salt)?;
        let text = Zeroizing::new(String::from_utf8_lossy(&self.password).into_owned());
        let mut password = p12::Password::new(&text);
        p12::write(entries, &mut password, &random).map_err(|error| unwritten(&error))
    }

    fn key_database(&self, args: &Export, added: Vec<Entry<'_>>) -> Result<Vec<u8>, Failure> {
        let mut salt = kdb::Salt::default();
        fill(&mut salt)?;
        let version = args.kdb_version.unwrap_or(KdbVersion::V6).of_database();
        let edits = Edits {
            added,
            ..Edits::default()
        };
        kdb::create(version, &edits, &self.password, &salt).map_err(|error| unwritten(&error))
    }
}

impl fmt::Debug for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protection")
            .field("stash", &self.stash)
            .finish_non_exhaustive()
    }
}

/// A password that nobody knows yet.
fn random_password() -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut random = Zeroizing::new([0; sth::RANDOM_PASSWORD]);
    fill(&mut *random)?;
    Ok(sth::random_password(&random))
}

fn fill(bytes: &mut [u8]) -> Result<(), Failure> {
    getrandom::fill(bytes).map_err(|error| {
        Failure::failed("no-randomness", "this machine gives no random numbers").because(&error)
    })
}

fn unwritten(error: &dyn std::error::Error) -> Failure {
    Failure::failed("export-failed", "the certificates cannot be written so")
        .because(error)
        .remedy("export them as pem")
}
