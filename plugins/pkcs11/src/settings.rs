//! What the operator says of a store.

use std::ffi::CString;
use std::path::PathBuf;

use anchorhold_sdk::{Config, Error};

use crate::uri::Uri;

/// What the operator says of a store, read.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The library of the module.
    pub(crate) module: PathBuf,
    /// What the module is told at its start.
    pub(crate) reserved: Option<CString>,
    /// Which token is meant; none is every one.
    pub(crate) wanted: Uri,
    /// Which certificates vouch.
    pub(crate) trust: Trust,
    /// Whether nothing is listed before the store is unlocked.
    pub(crate) login_always: bool,
    /// Whether nothing is ever written.
    pub(crate) read_only: bool,
}

/// Which certificates of a token vouch, as far as the token is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Every one; which of them count for a server is the host's to say.
    Held,
    /// Those that the security officer has marked.
    Marked,
}

impl Settings {
    pub(crate) fn read(config: &Config<'_>) -> Result<Self, Error> {
        Ok(Self {
            module: config.required("module")?.into(),
            reserved: reserved(config)?,
            wanted: wanted(config)?,
            trust: match config.text("trust") {
                None | Some("imported" | "all") => Trust::Held,
                Some("cka-trusted") => Trust::Marked,
                Some(other) => {
                    return Err(wrong(&format!(
                        "trust = \"{other}\" is not allowed; it may be \"imported\", \
                         \"cka-trusted\" or \"all\""
                    )));
                }
            },
            login_always: match config.text("login") {
                None | Some("when-needed") => false,
                Some("always") => true,
                Some(other) => {
                    return Err(wrong(&format!(
                        "login = \"{other}\" is not allowed; it may be \"when-needed\" or \
                         \"always\""
                    )));
                }
            },
            read_only: config.flag("read_only")?.unwrap_or(false),
        })
    }
}

/// The token, named in one way or in the other.
fn wanted(config: &Config<'_>) -> Result<Uri, Error> {
    let (token, serial) = (config.text("token"), config.text("serial"));
    let Some(uri) = config.text("uri") else {
        return Ok(Uri {
            token: token.map(str::to_owned),
            serial: serial.map(str::to_owned),
            ..Uri::default()
        });
    };
    if token.is_some() || serial.is_some() {
        return Err(wrong(
            "uri stands for token and serial: leave out one or the other",
        ));
    }
    Uri::parse(uri).map_err(|error| wrong(&format!("uri = \"{uri}\": {error}")))
}

/// What the module is told: for those of NSS, where the database is.
fn reserved(config: &Config<'_>) -> Result<Option<CString>, Error> {
    let text = match (config.text("configdir"), config.text("reserved")) {
        (None, None) => return Ok(None),
        (None, Some(text)) => text.to_owned(),
        (Some(_), Some(_)) => {
            return Err(wrong("configdir and reserved exclude each other"));
        }
        (Some(directory), None) => {
            if directory.contains(['\'', '"', '\\']) {
                return Err(wrong(
                    "a configdir with quotation marks or backslashes in its name",
                ));
            }
            let read_only = config.flag("read_only")?.unwrap_or(false);
            let flags = if read_only { "readOnly" } else { "" };
            format!(
                "configdir='sql:{directory}' certPrefix='' keyPrefix='' secmod='secmod.db' \
                 flags={flags}"
            )
        }
    };
    CString::new(text)
        .map(Some)
        .map_err(|_| wrong("what the module is told has a NUL in it"))
}

fn wrong(what: &str) -> Error {
    Error::invalid_argument(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &[(&'static str, &'static str)]) -> Result<Settings, Error> {
        let settings = [&[("module", "/m.so")], settings].concat();
        Settings::read(&Config::new("hsm", &settings))
    }

    #[test]
    fn a_token_is_named_in_one_way() {
        let label = read(&[("token", "corp"), ("serial", "1")]).unwrap();
        assert_eq!(label.wanted.token.as_deref(), Some("corp"));
        let uri = read(&[("uri", "pkcs11:token=corp;serial=1")]).unwrap();
        assert_eq!(uri.wanted, label.wanted);
        assert!(read(&[("uri", "pkcs11:token=corp"), ("token", "corp")]).is_err());
    }

    #[test]
    fn words_that_mean_nothing_are_refused() {
        assert!(read(&[("trust", "everything")]).is_err());
        assert!(read(&[("login", "never")]).is_err());
        assert!(read(&[("configdir", "/a'b")]).is_err());
        assert!(read(&[("configdir", "/a"), ("reserved", "x")]).is_err());
        assert_eq!(
            read(&[("trust", "cka-trusted")]).unwrap().trust,
            Trust::Marked
        );
        assert_eq!(read(&[]).unwrap().trust, Trust::Held);
    }

    #[test]
    fn nss_is_told_where_its_database_is() {
        let told = |read_only| {
            let settings = [("configdir", "/srv/nss"), ("read_only", read_only)];
            let told = read(&settings).unwrap().reserved.unwrap();
            told.into_string().unwrap()
        };
        assert!(told("false").starts_with("configdir='sql:/srv/nss' "));
        assert!(told("true").ends_with("flags=readOnly"));
    }
}
