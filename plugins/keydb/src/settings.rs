//! What the operator says of a key database.

use anchorhold_formats::kdb::Version;
use anchorhold_sdk::{Config, Error};

use crate::stash::Form;

/// What the operator says of a key database, but where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// None where it is our own, or nobody else minds who writes it.
    pub(crate) adoption: Option<Adoption>,
    /// Of a stash that is made here.
    pub(crate) stash: Form,
    /// Of a `.kdb` that is made here.
    pub(crate) version: Version,
}

/// What may be done with a database that another program made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Adoption {
    /// It is only read.
    Read,
    /// It is also written, whoever else does so.
    Write,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            adoption: None,
            stash: Form::V2,
            version: Version::V6,
        }
    }
}

impl Settings {
    /// Reads them; what is not said is as it is by default.
    pub(crate) fn read(config: &Config<'_>) -> Result<Self, Error> {
        let default = Self::default();
        let adoption = [("read", Adoption::Read), ("write", Adoption::Write)];
        let stash = [("v1", Form::V1), ("v2", Form::V2)];
        let version = [("v4", Version::V4), ("v6", Version::V6)];
        Ok(Self {
            adoption: choice(config, "adopt", adoption)?,
            stash: choice(config, "stash", stash)?.unwrap_or(default.stash),
            version: choice(config, "version", version)?.unwrap_or(default.version),
        })
    }
}

/// The one of two that the operator chose; none where nothing is said.
fn choice<T: Copy>(
    config: &Config<'_>,
    key: &str,
    known: [(&str, T); 2],
) -> Result<Option<T>, Error> {
    let Some(text) = config.text(key) else {
        return Ok(None);
    };
    match known.iter().find(|(name, _)| *name == text) {
        Some((_, value)) => Ok(Some(*value)),
        None => {
            let [(one, _), (other, _)] = known;
            Err(Error::invalid_argument(format!(
                "setting {key:?} is {text:?}; it is {one:?} or {other:?}"
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &[(&str, &str)]) -> Result<Settings, Error> {
        Settings::read(&Config::new("keydb", settings))
    }

    #[test]
    fn what_is_not_said_is_as_it_is_by_default() {
        assert_eq!(read(&[("path", "/x.p12")]), Ok(Settings::default()));
    }

    #[test]
    fn each_choice_is_taken() {
        let settings = read(&[("adopt", "read"), ("stash", "v1"), ("version", "v4")]).unwrap();
        assert_eq!(settings.adoption, Some(Adoption::Read));
        assert_eq!((settings.stash, settings.version), (Form::V1, Version::V4));
        let settings = read(&[("adopt", "write"), ("stash", "v2"), ("version", "v6")]).unwrap();
        assert_eq!(settings.adoption, Some(Adoption::Write));
        assert_eq!((settings.stash, settings.version), (Form::V2, Version::V6));
    }

    #[test]
    fn what_is_no_choice_is_refused_with_those_that_are() {
        for (key, value, allowed) in [
            ("adopt", "yes", "\"read\" or \"write\""),
            ("adopt", "", "\"read\" or \"write\""),
            ("stash", "V1", "\"v1\" or \"v2\""),
            ("version", "v3", "\"v4\" or \"v6\""),
        ] {
            let error = read(&[(key, value)]).unwrap_err();
            let text = error.message();
            assert!(text.contains(key) && text.contains(allowed), "{text}");
        }
    }
}
