//! What may be typed after `export`.

use std::path::{Path, PathBuf};

use anchorhold_formats::kdb::Version;
use clap::{Args, ValueEnum};

use super::value::certificate_file;
use crate::fingerprint::Prefix;

/// `export`
#[derive(Args, Debug)]
pub(crate) struct Export {
    /// The certificates: their SHA-256, or at least the first 8 digits of it
    #[arg(required = true, value_name = "FINGERPRINT")]
    pub(crate) fingerprints: Vec<Prefix>,
    /// What to make; by default what the name of the file says
    #[arg(long)]
    pub(crate) format: Option<Format>,
    /// The file to make; `-` is standard output, for pem and der
    #[arg(long, short, value_name = "FILE", value_parser = certificate_file)]
    pub(crate) output: PathBuf,
    /// Protect a p12 or kdb with the password in this file, which only you can read; by default
    /// one is made up and kept in the stash (.sth) beside it
    #[arg(long, value_name = "FILE")]
    pub(crate) password_file: Option<PathBuf>,
    /// The form of the stash; one is always made for a password that is made up, and for that of
    /// --password-file where this is given
    #[arg(long, value_name = "FORM")]
    pub(crate) stash: Option<Stash>,
    /// The version of a kdb
    #[arg(long, value_name = "VERSION")]
    pub(crate) kdb_version: Option<KdbVersion>,
    /// Replace what is there
    #[arg(long)]
    pub(crate) force: bool,
}

/// What certificates are exported to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Text, one certificate after the other (.pem, .arm, .crt, .cer)
    Pem,
    /// One certificate, bare (.der)
    Der,
    /// A PKCS#12 trust store, for Java, OpenSSL and GSKit (.p12, .pfx)
    P12,
    /// A key database of GSKit (.kdb)
    Kdb,
}

impl Format {
    /// What the name of a file says; standard output gets text.
    pub(crate) fn by_name(path: &Path) -> Option<Self> {
        if path.as_os_str() == "-" {
            return Some(Self::Pem);
        }
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "arm" | "cer" | "crt" | "pem" => Some(Self::Pem),
            "der" => Some(Self::Der),
            "p12" | "pfx" => Some(Self::P12),
            "kdb" => Some(Self::Kdb),
            _ => None,
        }
    }

    /// The word that is typed for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Pem => "pem",
            Self::Der => "der",
            Self::P12 => "p12",
            Self::Kdb => "kdb",
        }
    }
}

/// The form of a stash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stash {
    /// The old one, as GSKit itself makes it with -v1stash
    V1,
    /// The current one
    V2,
}

/// The version of a key database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KdbVersion {
    /// For older levels of GSKit 8
    V4,
    /// The current one
    V6,
}

impl KdbVersion {
    /// The same as its format knows it.
    pub(crate) const fn of_database(self) -> Version {
        match self {
            Self::V4 => Version::V4,
            Self::V6 => Version::V6,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_says_what_to_make() {
        for (name, format) in [
            ("-", Some(Format::Pem)),
            ("a.pem", Some(Format::Pem)),
            ("cert256.ARM", Some(Format::Pem)),
            ("a.der", Some(Format::Der)),
            ("dir.der/a.P12", Some(Format::P12)),
            ("a.pfx", Some(Format::P12)),
            ("a.kdb", Some(Format::Kdb)),
            ("a.jks", None),
            ("kdb", None),
            ("a.", None),
        ] {
            assert_eq!(Format::by_name(Path::new(name)), format, "{name}");
        }
    }
}
