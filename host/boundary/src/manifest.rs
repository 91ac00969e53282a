//! What a plugin says of itself before it runs: its id, its needs, its settings.

mod setting;
mod value;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

pub use setting::{SettingError, SettingKind, SettingSchema};
pub use value::Value;

/// The most bytes of a manifest.
const MANIFEST_MAX: usize = 64 << 10;

/// A plugin's manifest, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Manifest {
    /// Equal to the id in the table.
    pub id: String,
    /// The file beside the manifest; none for a built-in.
    pub library: Option<String>,
    /// The major version of the contract.
    pub abi: u32,
    /// What it cannot do without.
    pub needs: Vec<Need>,
    /// What the operator may say of a store, by key.
    pub settings: BTreeMap<String, SettingSchema>,
}

/// Something that a plugin needs from the machine or from the operator.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Need {
    /// Connections to a host and port: `connect:HOST:PORT`.
    Connect(String),
    /// Connections to wherever it likes: `network`.
    Network,
    /// A person who answers questions: `prompt`.
    Prompt,
    /// Being listed: `read`.
    Read,
    /// Files to read: `read:PATH`.
    ReadPath(PathBuf),
    /// Signing with its keys: `sign`.
    Sign,
    /// Connections to a Unix socket: `unix:PATH`.
    Unix(PathBuf),
    /// Being changed: `write`.
    Write,
    /// Files to change: `write:PATH`.
    WritePath(PathBuf),
}

/// A manifest that cannot be used: the plugin's author must act.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ManifestError {
    /// It is written for another major version of the contract.
    AbiUnknown {
        /// Which.
        abi: u32,
    },
    /// The default of a setting does not fit its type.
    DefaultMalformed(SettingError),
    /// There is none.
    Empty,
    /// The id is no reverse-DNS name of letters, digits, `.`, `_`, `+` and `-`.
    IdMalformed {
        /// The id.
        id: String,
    },
    /// A setting's key is not made of small letters, digits, `_` and `-`.
    KeyMalformed {
        /// The key.
        key: String,
    },
    /// The library is no plain file name.
    LibraryMalformed {
        /// What stands there.
        library: String,
    },
    /// A need is not known.
    NeedUnknown {
        /// What stands there.
        need: String,
    },
    /// It is no TOML, or has keys or values that do not belong there.
    NotAManifest {
        /// Where and why.
        why: String,
    },
    /// It is longer than 64 KiB.
    TooLong,
}

/// A manifest as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    library: Option<String>,
    abi: u32,
    #[serde(default)]
    needs: Vec<String>,
    #[serde(default)]
    settings: BTreeMap<String, setting::Written>,
}

impl Manifest {
    /// Reads a manifest.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        if text.trim().is_empty() {
            return Err(ManifestError::Empty);
        }
        if text.len() > MANIFEST_MAX {
            return Err(ManifestError::TooLong);
        }
        let written: Written =
            toml::from_str(text).map_err(|error| ManifestError::NotAManifest {
                why: error.to_string(),
            })?;
        if written.abi != u32::from(anchorhold_abi::AH_ABI_MAJOR) {
            return Err(ManifestError::AbiUnknown { abi: written.abi });
        }
        if !is_id(&written.id) {
            return Err(ManifestError::IdMalformed { id: written.id });
        }
        if let Some(library) = written.library.as_ref().filter(|library| !is_id(library)) {
            return Err(ManifestError::LibraryMalformed {
                library: library.clone(),
            });
        }
        let mut settings = BTreeMap::new();
        for (key, setting) in written.settings {
            if !is_key(&key) {
                return Err(ManifestError::KeyMalformed { key });
            }
            let schema =
                SettingSchema::new(&key, setting).map_err(ManifestError::DefaultMalformed)?;
            settings.insert(key, schema);
        }
        Ok(Self {
            id: written.id,
            library: written.library,
            abi: written.abi,
            needs: written
                .needs
                .iter()
                .map(|need| Need::parse(need))
                .collect::<Result<_, _>>()?,
            settings,
        })
    }
}

impl Need {
    fn parse(text: &str) -> Result<Self, ManifestError> {
        let unknown = || ManifestError::NeedUnknown {
            need: text.to_owned(),
        };
        let path = |path: &str| {
            let path = PathBuf::from(path);
            if path.is_absolute() {
                Ok(path)
            } else {
                Err(unknown())
            }
        };
        Ok(match text.split_once(':') {
            None => match text {
                "network" => Self::Network,
                "prompt" => Self::Prompt,
                "read" => Self::Read,
                "sign" => Self::Sign,
                "write" => Self::Write,
                _ => return Err(unknown()),
            },
            Some(("connect", to)) if is_endpoint(to) => Self::Connect(to.to_owned()),
            Some(("read", at)) => Self::ReadPath(path(at)?),
            Some(("unix", at)) => Self::Unix(path(at)?),
            Some(("write", at)) => Self::WritePath(path(at)?),
            Some(_) => return Err(unknown()),
        })
    }
}

/// Whether a text can name a plugin, or the file of its library: never a path, never an option.
pub(crate) fn is_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte);
    (1..=128).contains(&text.len())
        && text.bytes().all(allowed)
        && text
            .bytes()
            .next()
            .is_some_and(|first| first.is_ascii_alphanumeric())
}

fn is_key(text: &str) -> bool {
    let allowed = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-'
    };
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

fn is_endpoint(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && !host.contains(char::is_whitespace) && port.parse::<u16>().is_ok()
    })
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AbiUnknown { abi } => write!(
                f,
                "it is written for version {abi} of the plugin contract, this host speaks {}",
                anchorhold_abi::AH_ABI_MAJOR
            ),
            Self::DefaultMalformed(_) => f.write_str("the default of a setting does not fit"),
            Self::Empty => f.write_str("there is no manifest"),
            Self::IdMalformed { id } => write!(
                f,
                "the id {id:?} is not made of letters, digits, '.', '_', '+' and '-'"
            ),
            Self::KeyMalformed { key } => write!(
                f,
                "the setting {key:?} is not named with small letters, digits, '_' and '-'"
            ),
            Self::LibraryMalformed { library } => write!(
                f,
                "the library {library:?} must be the name of a file beside the manifest"
            ),
            Self::NeedUnknown { need } => write!(
                f,
                "the need {need:?} is none of read, write, sign, prompt, network, read:/PATH, \
                 write:/PATH, unix:/PATH and connect:HOST:PORT"
            ),
            Self::NotAManifest { why } => f.write_str(why.trim_end()),
            Self::TooLong => write!(f, "it is longer than {MANIFEST_MAX} bytes"),
        }
    }
}

impl std::error::Error for ManifestError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::DefaultMalformed(source) => Some(source),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LDAP: &str = r#"
        id = "org.example.ldap"
        library = "libtrust_ldap.so"
        abi = 1
        needs = ["read", "network", "read:/etc/ldap", "connect:ldap.example:636"]

        [settings.url]
        type = "string"
        required = true

        [settings.timeout]
        type = "duration"
        default = "5s"
        help = "How long one search may take."
    "#;

    fn refused(from: &str, to: &str) -> ManifestError {
        let text = LDAP.replace(from, to);
        assert_ne!(text, LDAP, "{from:?} is not in the manifest");
        Manifest::parse(&text).unwrap_err()
    }

    #[test]
    fn manifest_is_read_whole() {
        let manifest = Manifest::parse(LDAP).unwrap();
        assert_eq!(manifest.id, "org.example.ldap");
        assert_eq!(manifest.library.as_deref(), Some("libtrust_ldap.so"));
        assert_eq!(
            manifest.needs,
            [
                Need::Read,
                Need::Network,
                Need::ReadPath("/etc/ldap".into()),
                Need::Connect("ldap.example:636".to_owned()),
            ]
        );
        assert!(manifest.settings["url"].required);
        assert_eq!(
            manifest.settings["timeout"].default.as_deref(),
            Some("5000")
        );
        assert_eq!(
            manifest.settings["timeout"].help,
            "How long one search may take."
        );
    }

    #[test]
    fn id_is_a_name_and_never_a_path() {
        for id in ["", "../x", "a/b", "-x", ".hidden", "a b", "é"] {
            let refused = refused("org.example.ldap", id);
            assert_eq!(refused, ManifestError::IdMalformed { id: id.to_owned() });
        }
    }

    #[test]
    fn library_is_a_file_beside_the_manifest() {
        for library in ["../x.so", "/lib/x.so", ""] {
            let refused = refused("libtrust_ldap.so", library);
            assert_eq!(
                refused,
                ManifestError::LibraryMalformed {
                    library: library.to_owned()
                }
            );
        }
    }

    #[test]
    fn what_is_not_known_is_refused() {
        assert_eq!(
            refused("abi = 1", "abi = 2"),
            ManifestError::AbiUnknown { abi: 2 }
        );
        let need = refused("\"network\"", "\"everything\"");
        assert_eq!(
            need,
            ManifestError::NeedUnknown {
                need: "everything".to_owned()
            }
        );
        assert!(need.to_string().contains("connect:HOST:PORT"));
        for (from, to) in [
            ("read:/etc/ldap", "read:etc/ldap"),
            ("connect:ldap.example:636", "connect:ldap.example"),
            ("connect:ldap.example:636", "connect:ldap.example:99999"),
        ] {
            assert_eq!(
                refused(from, to),
                ManifestError::NeedUnknown {
                    need: to.to_owned()
                }
            );
        }
        let misspelt = refused("required", "requird").to_string();
        assert!(misspelt.contains("requird"), "{misspelt}");
        let kind = refused("\"string\"", "\"text\"").to_string();
        assert!(kind.contains("text"), "{kind}");
        assert!(matches!(
            refused("settings.url", "settings.URL"),
            ManifestError::KeyMalformed { .. }
        ));
    }

    #[test]
    fn default_must_fit_its_type() {
        let refused = refused("\"5s\"", "\"soon\"");
        assert!(
            matches!(refused, ManifestError::DefaultMalformed(_)),
            "{refused:?}"
        );
        assert!(
            std::error::Error::source(&refused)
                .unwrap()
                .to_string()
                .contains("timeout")
        );
    }

    #[test]
    fn nothing_and_too_much_are_refused() {
        assert_eq!(Manifest::parse(" \n"), Err(ManifestError::Empty));
        let long = format!("{LDAP}# {}", "x".repeat(MANIFEST_MAX));
        assert_eq!(Manifest::parse(&long), Err(ManifestError::TooLong));
    }
}
