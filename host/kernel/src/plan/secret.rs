//! Where a store's secrets come from, as the operator writes it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use anchorhold_boundary::manifest::Value;
use serde::Deserialize;

/// A source as it was typed.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Typed {
    Table(BTreeMap<String, Value>),
    Plain(Value),
}

/// Where a secret comes from. The host reads it when the plugin asks, and never before.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretSource {
    /// A person types it.
    Ask,
    /// A credential that the service manager hands to this program.
    Credential(String),
    /// What can be read from a file descriptor that this program was started with.
    Descriptor(u32),
    /// A file that only its owner can read.
    File(PathBuf),
}

impl SecretSource {
    /// Whether nobody has to be there.
    pub fn is_stored(&self) -> bool {
        *self != Self::Ask
    }

    /// Reads what was typed; relative paths start from `base_dir`.
    pub(super) fn read(typed: Typed, base_dir: &Path) -> Result<Self, String> {
        let table = match typed {
            Typed::Table(table) => table,
            Typed::Plain(Value::String(word)) if word == "ask" => return Ok(Self::Ask),
            // Whatever stands there may be the secret itself, and is not repeated.
            Typed::Plain(_) => return Err(FORMS.to_owned()),
        };
        let mut entries = table.into_iter();
        let (Some((key, value)), None) = (entries.next(), entries.next()) else {
            return Err(FORMS.to_owned());
        };
        match (key.as_str(), value) {
            ("file", Value::String(path)) if !path.is_empty() && !path.contains('\0') => {
                Ok(Self::File(base_dir.join(path)))
            }
            ("credential", Value::String(name)) if is_credential(&name) => {
                Ok(Self::Credential(name))
            }
            ("credential", Value::String(_)) => {
                Err("the name of a credential is a file name, and no path".to_owned())
            }
            ("fd", Value::Integer(number)) => match u32::try_from(number) {
                // Standard input, output and error are used for other things.
                Ok(number) if number > 2 => Ok(Self::Descriptor(number)),
                _ => Err("fd is the number of a file descriptor, 3 or more".to_owned()),
            },
            _ => Err(FORMS.to_owned()),
        }
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ask => f.write_str("a person"),
            Self::Credential(name) => write!(f, "the credential {name}"),
            Self::Descriptor(number) => write!(f, "the file descriptor {number}"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Whether a text can name a credential of the service manager's: never a path.
pub fn is_credential(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\0'])
}

const FORMS: &str = "write { file = \"PATH\" }, { credential = \"NAME\" }, { fd = NUMBER } or \
                     \"ask\"";
