//! What a plugin needs, or may need, from the machine or from the operator.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use super::{ManifestError, SettingKind, SettingSchema};
use crate::grant::{endpoint, plain_path};

/// Something that a plugin needs from the machine or from the operator.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Need {
    /// Connections to a host and port: `connect:HOST:PORT`.
    Connect(String),
    /// Starting processes of its own: `fork`.
    Fork,
    /// The kernel's key rings: `keyring`.
    Keyring,
    /// Connections to wherever it likes: `network`.
    Network,
    /// A person who answers questions: `prompt`.
    Prompt,
    /// Being listed: `read`.
    Read,
    /// Files to read: `read:PATH`.
    ReadPath(PathBuf),
    /// The file or directory to read that a setting names: `read:$KEY`.
    ReadSetting(String),
    /// The keyring service of the session's bus: `session-bus`.
    SessionBus,
    /// Signing with its keys: `sign`.
    Sign,
    /// Connections to a Unix socket, or to those in a directory: `unix:PATH`.
    Unix(PathBuf),
    /// Being changed: `write`.
    Write,
    /// Files to change: `write:PATH`.
    WritePath(PathBuf),
    /// The file or directory to change that a setting names: `write:$KEY`.
    WriteSetting(String),
}

impl Need {
    pub(super) fn parse(text: &str) -> Result<Self, ManifestError> {
        let unknown = || ManifestError::NeedUnknown {
            need: text.to_owned(),
        };
        let path = |path: &str| plain_path(path).map_err(|_| unknown());
        Ok(match text.split_once(':') {
            None => match text {
                "fork" => Self::Fork,
                "keyring" => Self::Keyring,
                "network" => Self::Network,
                "prompt" => Self::Prompt,
                "read" => Self::Read,
                "session-bus" => Self::SessionBus,
                "sign" => Self::Sign,
                "write" => Self::Write,
                _ => return Err(unknown()),
            },
            Some(("connect", to)) if endpoint(to).is_ok() => Self::Connect(to.to_owned()),
            Some(("read", at)) => match at.strip_prefix('$') {
                Some(key) => Self::ReadSetting(key.to_owned()),
                None => Self::ReadPath(path(at)?),
            },
            Some(("unix", at)) => Self::Unix(path(at)?),
            Some(("write", at)) => match at.strip_prefix('$') {
                Some(key) => Self::WriteSetting(key.to_owned()),
                None => Self::WritePath(path(at)?),
            },
            Some(_) => return Err(unknown()),
        })
    }

    /// Whether it has no effect unless the operator grants it.
    pub fn is_for_operator(&self) -> bool {
        match self {
            Self::Connect(_)
            | Self::Fork
            | Self::Keyring
            | Self::Network
            | Self::ReadPath(_)
            | Self::SessionBus
            | Self::Unix(_)
            | Self::WritePath(_) => true,
            Self::Prompt
            | Self::Read
            | Self::ReadSetting(_)
            | Self::Sign
            | Self::Write
            | Self::WriteSetting(_) => false,
        }
    }

    /// What names a setting names one that is a path, and that only the operator writes: the path
    /// that is written there is granted.
    pub(super) fn check(
        &self,
        settings: &BTreeMap<String, SettingSchema>,
    ) -> Result<(), ManifestError> {
        let (Self::ReadSetting(key) | Self::WriteSetting(key)) = self else {
            return Ok(());
        };
        match settings.get(key) {
            Some(schema) if schema.kind == SettingKind::Path => match schema.default {
                Some(_) => Err(ManifestError::NeedOfDefault { key: key.clone() }),
                None => Ok(()),
            },
            _ => Err(ManifestError::NeedOfNoPath { key: key.clone() }),
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(to) => write!(f, "connect:{to}"),
            Self::Fork => f.write_str("fork"),
            Self::Keyring => f.write_str("keyring"),
            Self::Network => f.write_str("network"),
            Self::Prompt => f.write_str("prompt"),
            Self::Read => f.write_str("read"),
            Self::ReadPath(path) => write!(f, "read:{}", path.display()),
            Self::ReadSetting(key) => write!(f, "read:${key}"),
            Self::SessionBus => f.write_str("session-bus"),
            Self::Sign => f.write_str("sign"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Write => f.write_str("write"),
            Self::WritePath(path) => write!(f, "write:{}", path.display()),
            Self::WriteSetting(key) => write!(f, "write:${key}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn need_is_shown_as_it_is_written() {
        for text in [
            "read",
            "sign",
            "fork",
            "session-bus",
            "read:/etc/x",
            "write:$path",
            "unix:/run/x",
            "connect:[::1]:636",
        ] {
            assert_eq!(Need::parse(text).unwrap().to_string(), text);
        }
    }
}
