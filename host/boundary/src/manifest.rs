//! What a plugin says of itself before it runs: its id, its needs, its settings.

mod need;
mod setting;
mod value;

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

pub use need::Need;
pub use setting::{SettingError, SettingKind, SettingSchema};
pub use value::Value;

use crate::confinement::Place;

/// The most bytes of a manifest.
pub(crate) const MANIFEST_MAX: usize = 64 << 10;

/// What the name of the setting ends with that is the pin of a library.
const PIN: &str = "_sha256";

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
    /// What it can do without, and uses where the operator grants it.
    pub may_need: Vec<Need>,
    /// Where its stores run unless the operator says otherwise, where its author asks for it: a
    /// built-in asks for a runner so.
    pub isolation: Option<Place>,
    /// What the operator may say of a store, by key.
    pub settings: BTreeMap<String, SettingSchema>,
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
    /// A setting is named as the pin of a library is, which is the operator's and the host's.
    KeyReserved {
        /// The key.
        key: String,
    },
    /// The library is no plain file name.
    LibraryMalformed {
        /// What stands there.
        library: String,
    },
    /// What it may need is nothing that an operator grants.
    MayNeedUngrantable {
        /// What stands there.
        need: String,
    },
    /// A need names a setting that has a default: its author would grant it to the plugin.
    NeedOfDefault {
        /// The setting.
        key: String,
    },
    /// A need names a setting that is not there, or is no path.
    NeedOfNoPath {
        /// The setting.
        key: String,
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
    may_need: Vec<String>,
    isolation: Option<Isolation>,
    #[serde(default)]
    settings: BTreeMap<String, setting::Written>,
}

/// What an author may ask for: never to run inside the host.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Isolation {
    Runner,
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
        check_keys(&settings)?;
        let needs = needs(&written.needs)?;
        needs.iter().try_for_each(|need| need.check(&settings))?;
        let may_need = self::needs(&written.may_need)?;
        may_need.iter().try_for_each(check_may_need)?;
        Ok(Self {
            id: written.id,
            library: written.library,
            abi: written.abi,
            needs,
            may_need,
            isolation: written.isolation.map(|Isolation::Runner| Place::Runner),
            settings,
        })
    }

    /// All that has an effect where the operator grants it: what it needs, and what it may need.
    pub fn grantable(&self) -> impl Iterator<Item = &Need> {
        self.needs.iter().chain(&self.may_need)
    }
}

fn needs(written: &[String]) -> Result<Vec<Need>, ManifestError> {
    written.iter().map(|need| Need::parse(need)).collect()
}

/// What nobody grants has its effect without a word of the operator's, or none: it is no choice of
/// anybody's, and stands among the needs.
fn check_may_need(need: &Need) -> Result<(), ManifestError> {
    if need.is_for_operator() {
        Ok(())
    } else {
        Err(ManifestError::MayNeedUngrantable {
            need: need.to_string(),
        })
    }
}

/// The pin of a library stands beside it under a name that no setting of the plugin's has, or it
/// would be the plugin's to read and nobody's to check.
fn check_keys(settings: &BTreeMap<String, SettingSchema>) -> Result<(), ManifestError> {
    let is_pin = |key: &&String| {
        let library = key.strip_suffix(PIN).and_then(|key| settings.get(key));
        library.is_some_and(|schema| schema.kind == SettingKind::Library)
    };
    match settings.keys().find(is_pin) {
        Some(key) => Err(ManifestError::KeyReserved { key: key.clone() }),
        None => Ok(()),
    }
}

/// Whether a text can name a plugin, or the file of its library: never a path, never an option.
pub fn is_id(text: &str) -> bool {
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
            Self::KeyReserved { key } => write!(
                f,
                "the setting {key:?} is named as the pin of a library is, which the host reads"
            ),
            Self::LibraryMalformed { library } => write!(
                f,
                "the library {library:?} must be the name of a file beside the manifest"
            ),
            Self::MayNeedUngrantable { need } => write!(
                f,
                "may_need names {need:?}, which nobody grants; it stands among the needs or nowhere"
            ),
            Self::NeedOfDefault { key } => write!(
                f,
                "a need names the setting {key:?}, which has a default, and what is reached is for \
                 the operator to write"
            ),
            Self::NeedOfNoPath { key } => write!(
                f,
                "a need names the setting {key:?}, and there is no setting of that name and of the \
                 type path"
            ),
            Self::NeedUnknown { need } => write!(
                f,
                "the need {need:?} is none of read, write, sign, prompt, network, fork, keyring, \
                 session-bus, read:/PATH, read:$SETTING, write:/PATH, write:$SETTING, unix:/PATH and \
                 connect:HOST:PORT"
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
    fn need_may_name_a_setting_that_is_a_path() {
        let with = |needs: &str| {
            Manifest::parse(&format!(
                "id = 'a'\nabi = 1\nneeds = [{needs}]\n\
                 [settings]\npath.type = 'path'\nurl.type = 'string'"
            ))
        };
        assert_eq!(
            with("'read:$path', 'write:$path', 'fork', 'keyring'")
                .unwrap()
                .needs,
            [
                Need::ReadSetting("path".to_owned()),
                Need::WriteSetting("path".to_owned()),
                Need::Fork,
                Need::Keyring,
            ]
        );
        for (need, key) in [
            ("'read:$url'", "url"),
            ("'write:$pth'", "pth"),
            ("'read:$'", ""),
        ] {
            let key = key.to_owned();
            assert_eq!(with(need), Err(ManifestError::NeedOfNoPath { key }));
        }
        let up = with("'read:/etc/../root'").unwrap_err();
        assert!(matches!(up, ManifestError::NeedUnknown { .. }), "{up}");
    }

    #[test]
    fn what_may_be_needed_is_for_the_operator_to_grant() {
        let with = |may_need: &str| {
            Manifest::parse(&format!(
                "id = 'a'\nabi = 1\nneeds = ['read', 'fork']\nmay_need = [{may_need}]\n\
                 [settings]\npath.type = 'path'"
            ))
        };
        let manifest = with("'read:/', 'unix:/run', 'session-bus'").unwrap();
        let all: Vec<String> = manifest.grantable().map(ToString::to_string).collect();
        assert_eq!(all, ["read", "fork", "read:/", "unix:/run", "session-bus"]);
        assert_eq!(manifest.may_need.len(), 3);
        for need in ["read", "prompt", "read:$path", "write:$path", "write:$none"] {
            let refused = with(&format!("'{need}'")).unwrap_err();
            assert!(refused.to_string().contains(need), "{refused}");
            let need = need.to_owned();
            assert_eq!(refused, ManifestError::MayNeedUngrantable { need });
        }
        let unknown = with("'everything'").unwrap_err();
        assert!(matches!(unknown, ManifestError::NeedUnknown { .. }));
        assert!(
            Manifest::parse("id = 'a'\nabi = 1")
                .unwrap()
                .may_need
                .is_empty()
        );
    }

    #[test]
    fn author_grants_the_plugin_nothing_by_a_default() {
        let with = |need: &str, kind: &str| {
            Manifest::parse(&format!(
                "id = 'a'\nabi = 1\nneeds = [{need}]\n\
                 [settings.dir]\ntype = '{kind}'\ndefault = '/root'\n"
            ))
        };
        for need in ["'read:$dir'", "'write:$dir'"] {
            let key = "dir".to_owned();
            let refused = with(need, "path").unwrap_err();
            assert_eq!(refused, ManifestError::NeedOfDefault { key });
        }
        // Where nothing is granted by it, a path may have a default.
        assert!(with("", "path").is_ok());
        assert!(with("'read'", "string").is_ok());
    }

    #[test]
    fn pin_of_a_library_is_no_setting_of_the_plugins() {
        let with = |kind: &str| {
            Manifest::parse(&format!(
                "id = 'a'\nabi = 1\n[settings]\nmodule.type = '{kind}'\n\
                 module_sha256.type = 'string'\n"
            ))
        };
        let key = "module_sha256".to_owned();
        assert_eq!(with("library"), Err(ManifestError::KeyReserved { key }));
        assert!(with("path").is_ok());
    }

    #[test]
    fn author_may_ask_for_a_runner_and_nothing_less() {
        assert_eq!(Manifest::parse(LDAP).unwrap().isolation, None);
        let asks = LDAP.replace("abi = 1", "abi = 1\nisolation = \"runner\"");
        let manifest = Manifest::parse(&asks).unwrap();
        assert_eq!(manifest.isolation, Some(Place::Runner));
        let less = refused("abi = 1", "abi = 1\nisolation = \"in-process\"").to_string();
        assert!(less.contains("in-process"), "{less}");
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
