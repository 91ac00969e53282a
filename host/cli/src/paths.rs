//! Where configuration, state and stores are.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::exit::Failure;

/// Where configuration, state and stores are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Paths {
    /// The directory of anchorhold.toml and, where none are named, of the option files.
    pub(crate) config: PathBuf,
    /// The directory of ledger, journal and locks.
    pub(crate) state: PathBuf,
    /// The directory that relative paths of stores start from.
    pub(crate) base: PathBuf,
}

/// What of the process decides where things are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    /// Whether it runs as root.
    pub(crate) root: bool,
    /// HOME.
    pub(crate) home: Option<OsString>,
    /// XDG_CONFIG_HOME.
    pub(crate) config: Option<OsString>,
    /// XDG_STATE_HOME.
    pub(crate) state: Option<OsString>,
    /// XDG_DATA_HOME.
    pub(crate) data: Option<OsString>,
}

impl Surroundings {
    /// Those of this process.
    pub(crate) fn here() -> Self {
        Self {
            root: rustix::process::geteuid().is_root(),
            home: std::env::var_os("HOME"),
            config: std::env::var_os("XDG_CONFIG_HOME"),
            state: std::env::var_os("XDG_STATE_HOME"),
            data: std::env::var_os("XDG_DATA_HOME"),
        }
    }
}

impl Paths {
    /// Finds them; creates nothing.
    pub(crate) fn find(home: Option<&Path>, around: &Surroundings) -> Result<Self, Failure> {
        if let Some(home) = home {
            return Self::under(home);
        }
        if around.root {
            let base = PathBuf::from("/var/lib/anchorhold");
            return Ok(Self {
                config: PathBuf::from("/etc/anchorhold"),
                state: base.join(STATE),
                base,
            });
        }
        Ok(Self {
            config: xdg(around.config.as_ref(), around, ".config")?,
            state: xdg(around.state.as_ref(), around, ".local/state")?,
            base: xdg(around.data.as_ref(), around, ".local/share")?,
        })
    }

    /// The configuration file.
    pub(crate) fn file(&self) -> PathBuf {
        self.config.join("anchorhold.toml")
    }

    /// What decides what plugins may do, which none of them is granted to change.
    pub(crate) fn own(&self) -> Vec<PathBuf> {
        let options = ["dsm.sys", "dsm.opt", "plugins.d", "stores.d"];
        let options = options.map(|name| self.config.join(name));
        let mut own = vec![self.file(), self.state.clone()];
        own.extend(options);
        own
    }

    fn under(home: &Path) -> Result<Self, Failure> {
        if home.as_os_str().is_empty() {
            return Err(Failure::usage(
                "usage",
                "--home needs a directory, and got an empty name",
            ));
        }
        if home.exists() && !home.is_dir() {
            let message = format!("--home {}: this is no directory", home.display());
            return Err(Failure::usage("home-invalid", message));
        }
        // A store keeps its path for longer than this process may keep its working directory.
        let home = std::path::absolute(home).map_err(|error| {
            Failure::usage("home-invalid", format!("--home {}", home.display())).because(&error)
        })?;
        Ok(Self {
            config: home.clone(),
            state: home.join(STATE),
            base: home,
        })
    }
}

/// A directory of the XDG rules, which say that a relative one does not count.
fn xdg(
    given: Option<&OsString>,
    around: &Surroundings,
    below_home: &str,
) -> Result<PathBuf, Failure> {
    let absolute = |path: &OsString| Some(PathBuf::from(path)).filter(|path| path.is_absolute());
    let root = given.and_then(absolute).or_else(|| {
        around
            .home
            .as_ref()
            .and_then(absolute)
            .map(|home| home.join(below_home))
    });
    root.map(|root| root.join(crate::invocation::PROGRAM))
        .ok_or_else(|| {
            Failure::usage(
                "home-unknown",
                "neither HOME nor the XDG variables name a directory",
            )
            .remedy("name one with --home DIR")
        })
}

const STATE: &str = "state";

#[cfg(test)]
mod tests {
    use super::*;

    fn user(home: Option<&str>) -> Surroundings {
        Surroundings {
            home: home.map(OsString::from),
            ..Surroundings::default()
        }
    }

    #[test]
    fn home_holds_everything() {
        let paths = Paths::find(Some(Path::new("/try/out")), &user(None)).expect("found");
        assert_eq!(paths.file(), Path::new("/try/out/anchorhold.toml"));
        assert_eq!(paths.state, Path::new("/try/out/state"));
        assert_eq!(paths.base, Path::new("/try/out"));
        let relative = Paths::find(Some(Path::new("h")), &user(None)).expect("found");
        assert!(relative.base.is_absolute() && relative.base.ends_with("h"));
    }

    #[test]
    fn a_home_that_is_no_directory_is_refused() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        assert!(Paths::find(Some(file.path()), &user(None)).is_err());
        assert!(Paths::find(Some(Path::new("")), &user(None)).is_err());
    }

    #[test]
    fn root_has_the_directories_of_the_machine() {
        let around = Surroundings {
            root: true,
            ..user(Some("/root"))
        };
        let paths = Paths::find(None, &around).expect("found");
        assert_eq!(paths.config, Path::new("/etc/anchorhold"));
        assert_eq!(paths.state, Path::new("/var/lib/anchorhold/state"));
        assert_eq!(paths.base, Path::new("/var/lib/anchorhold"));
    }

    #[test]
    fn anybody_else_has_the_xdg_directories() {
        let paths = Paths::find(None, &user(Some("/home/ada"))).expect("found");
        assert_eq!(paths.config, Path::new("/home/ada/.config/anchorhold"));
        assert_eq!(paths.state, Path::new("/home/ada/.local/state/anchorhold"));
        assert_eq!(paths.base, Path::new("/home/ada/.local/share/anchorhold"));
        let around = Surroundings {
            config: Some(OsString::from("/xdg/config")),
            state: Some(OsString::from("relative")),
            data: Some(OsString::from("/xdg/data")),
            ..user(Some("/home/ada"))
        };
        let paths = Paths::find(None, &around).expect("found");
        assert_eq!(paths.config, Path::new("/xdg/config/anchorhold"));
        assert_eq!(paths.state, Path::new("/home/ada/.local/state/anchorhold"));
        assert_eq!(paths.base, Path::new("/xdg/data/anchorhold"));
    }

    #[test]
    fn nobody_without_a_home_is_given_one() {
        let failure = Paths::find(None, &user(None)).expect_err("refused");
        assert!(failure.remedy.expect("a remedy").contains("--home"));
        assert!(Paths::find(None, &user(Some("not/absolute"))).is_err());
    }
}
