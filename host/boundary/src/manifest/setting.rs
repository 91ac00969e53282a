//! The settings of a store: what the operator wrote, against what the manifest allows.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::Deserialize;

use crate::manifest::{Manifest, Value};

/// One setting, as the manifest describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SettingSchema {
    /// Which values it takes.
    pub kind: SettingKind,
    /// Whether a store without it is refused.
    pub required: bool,
    /// What holds where the operator says nothing, as canonical text; a relative path is still
    /// relative here.
    pub default: Option<String>,
    /// One sentence for people, may be empty.
    pub help: String,
}

/// Which values a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SettingKind {
    /// True or false.
    Bool,
    /// A time span, passed on in milliseconds.
    Duration,
    /// A whole number.
    Integer,
    /// A library that the plugin loads, an absolute path when passed on.
    Library,
    /// Any number of texts; the key is repeated when passed on.
    List,
    /// A path, absolute when passed on.
    Path,
    /// Never passed on: the plugin asks for it by name.
    Secret,
    /// Any text.
    String,
}

/// A setting that does not fit: the operator must act.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingError {
    /// Text that is no time span.
    DurationMalformed {
        /// The key.
        key: String,
        /// The text.
        text: String,
    },
    /// Text with a NUL in it, which no plugin can read.
    HasNul {
        /// The key.
        key: String,
    },
    /// A required setting is not there.
    Missing {
        /// The key.
        key: String,
    },
    /// A path that cannot be made absolute, or is not UTF-8 then.
    PathMalformed {
        /// The key.
        key: String,
    },
    /// A secret, which never stands among the settings.
    Secret {
        /// The key.
        key: String,
    },
    /// The plugin has no such setting.
    Unknown {
        /// The key.
        key: String,
        /// Those it has.
        allowed: Vec<String>,
    },
    /// A value of another type.
    WrongType {
        /// The key.
        key: String,
        /// What it takes.
        expected: SettingKind,
        /// What stands there.
        found: &'static str,
    },
}

/// A setting as the manifest has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    #[serde(rename = "type")]
    kind: SettingKind,
    #[serde(default)]
    required: bool,
    default: Option<Value>,
    #[serde(default)]
    help: String,
}

impl Manifest {
    /// Turns what the operator wrote into what the plugin reads: canonical text, by key, a list as
    /// its key repeated, with the defaults where nothing is written. Relative paths are joined to
    /// `base_dir`.
    pub fn check_settings(
        &self,
        given: &BTreeMap<String, Value>,
        base_dir: &Path,
    ) -> Result<Vec<(String, String)>, SettingError> {
        if let Some(key) = given.keys().find(|key| !self.settings.contains_key(*key)) {
            // Secrets are not among the keys to write: they are given elsewhere.
            let is_allowed = |(_, schema): &(_, &SettingSchema)| schema.kind != SettingKind::Secret;
            let allowed = self
                .settings
                .iter()
                .filter(is_allowed)
                .map(|(key, _)| key.clone());
            return Err(SettingError::Unknown {
                key: key.clone(),
                allowed: allowed.collect(),
            });
        }
        let mut checked = Vec::new();
        for (key, schema) in &self.settings {
            let texts = match (given.get(key), &schema.default) {
                (Some(value), _) => canonical(key, schema.kind, value)?,
                (None, Some(default)) => vec![default.clone()],
                (None, None) if schema.required && schema.kind != SettingKind::Secret => {
                    return Err(SettingError::Missing { key: key.clone() });
                }
                (None, None) => Vec::new(),
            };
            for text in texts {
                let text = match schema.kind {
                    SettingKind::Path | SettingKind::Library => absolute(key, &text, base_dir)?,
                    _ => text,
                };
                checked.push((key.clone(), text));
            }
        }
        Ok(checked)
    }
}

impl SettingSchema {
    pub(super) fn new(key: &str, written: Written) -> Result<Self, SettingError> {
        let mut default = None;
        if let Some(value) = &written.default {
            let texts = canonical(key, written.kind, value)?;
            // A list has no default: there is no text that is a list.
            let [text] = texts.as_slice() else {
                return Err(wrong_type(key, SettingKind::String, value));
            };
            default = Some(text.clone());
        }
        Ok(Self {
            kind: written.kind,
            required: written.required,
            default,
            help: written.help,
        })
    }
}

/// The texts that are passed on for a value; paths are still as they were written.
fn canonical(key: &str, kind: SettingKind, value: &Value) -> Result<Vec<String>, SettingError> {
    let texts = match (kind, value) {
        (SettingKind::Secret, _) => {
            return Err(SettingError::Secret {
                key: key.to_owned(),
            });
        }
        (SettingKind::Bool, Value::Bool(flag)) => vec![flag.to_string()],
        (SettingKind::Integer, Value::Integer(number)) => vec![number.to_string()],
        (SettingKind::Duration, Value::String(text)) => vec![milliseconds(key, text)?.to_string()],
        (SettingKind::List, Value::List(texts)) => texts.clone(),
        (
            SettingKind::String | SettingKind::Path | SettingKind::Library | SettingKind::List,
            Value::String(text),
        ) => vec![text.clone()],
        _ => return Err(wrong_type(key, kind, value)),
    };
    if texts.iter().any(|text| text.contains('\0')) {
        return Err(SettingError::HasNul {
            key: key.to_owned(),
        });
    }
    Ok(texts)
}

fn absolute(key: &str, text: &str, base_dir: &Path) -> Result<String, SettingError> {
    let malformed = || SettingError::PathMalformed {
        key: key.to_owned(),
    };
    if text.is_empty() {
        return Err(malformed());
    }
    let path = std::path::absolute(base_dir.join(text)).map_err(|_| malformed())?;
    path.into_os_string().into_string().map_err(|_| malformed())
}

/// A number and a unit: `500ms`, `30s`, `5m`, `2h`, `7d`.
fn milliseconds(key: &str, text: &str) -> Result<u64, SettingError> {
    let malformed = || SettingError::DurationMalformed {
        key: key.to_owned(),
        text: text.to_owned(),
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits).ok_or_else(malformed)?;
    let factor = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        "d" => 24 * 60 * 60 * 1000,
        _ => return Err(malformed()),
    };
    let number: u64 = number.parse().map_err(|_| malformed())?;
    number.checked_mul(factor).ok_or_else(malformed)
}

fn wrong_type(key: &str, expected: SettingKind, value: &Value) -> SettingError {
    let found = match value {
        Value::Bool(_) => "true or false",
        Value::Integer(_) => "a whole number",
        Value::List(_) => "a list",
        Value::String(_) => "a text",
    };
    SettingError::WrongType {
        key: key.to_owned(),
        expected,
        found,
    }
}

impl fmt::Display for SettingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "true or false",
            Self::Duration => "a duration in quotes, such as \"30s\"",
            Self::Integer => "a whole number",
            Self::Library => "the path of a library",
            Self::List => "a list of texts",
            Self::Path => "a path",
            Self::Secret => "a secret",
            Self::String => "a text in quotes",
        })
    }
}

impl fmt::Display for SettingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DurationMalformed { key, text } => write!(
                f,
                "setting {key:?}: {text:?} is no duration; write a number and one of ms, s, m, h, d"
            ),
            Self::HasNul { key } => write!(f, "setting {key:?} has a NUL in it"),
            Self::Missing { key } => write!(f, "setting {key:?} is missing"),
            Self::PathMalformed { key } => write!(f, "setting {key:?} is no usable path"),
            Self::Secret { key } => write!(
                f,
                "{key:?} is a secret and never stands among the settings; write it under secrets"
            ),
            Self::Unknown { key, allowed } if allowed.is_empty() => {
                write!(f, "setting {key:?} is not known; this plugin has none")
            }
            Self::Unknown { key, allowed } => {
                write!(
                    f,
                    "setting {key:?} is not known; allowed are {}",
                    allowed.join(", ")
                )
            }
            Self::WrongType {
                key,
                expected,
                found,
            } => {
                write!(f, "setting {key:?} takes {expected}, and not {found}")
            }
        }
    }
}

impl std::error::Error for SettingError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        Manifest::parse(
            r#"
            id = "org.example.every"
            abi = 1
            [settings]
            path = { type = "path", required = true }
            module = { type = "library" }
            wait = { type = "duration", default = "2s" }
            slot = { type = "integer" }
            quick = { type = "bool", default = false }
            tokens = { type = "list" }
            pin = { type = "secret", required = true }
            "#,
        )
        .unwrap()
    }

    fn check(settings: &str) -> Result<Vec<(String, String)>, SettingError> {
        let given: BTreeMap<String, Value> = toml::from_str(settings).unwrap();
        manifest().check_settings(&given, Path::new("/etc/anchorhold"))
    }

    fn refused(settings: &str) -> String {
        check(settings).unwrap_err().to_string()
    }

    #[test]
    fn values_become_canonical_text() {
        let checked = check(
            r#"
            path = "stores/a.p12"
            module = "/usr/lib/x.so"
            wait = "5m"
            slot = -1
            quick = true
            tokens = ["b", "a"]
            "#,
        )
        .unwrap();
        let checked: Vec<_> = checked
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        assert_eq!(
            checked,
            [
                ("module", "/usr/lib/x.so"),
                ("path", "/etc/anchorhold/stores/a.p12"),
                ("quick", "true"),
                ("slot", "-1"),
                ("tokens", "b"),
                ("tokens", "a"),
                ("wait", "300000"),
            ]
        );
    }

    #[test]
    fn defaults_stand_where_nothing_is_written() {
        let checked = check("path = \"/p\"").unwrap();
        let text = |key: &str| {
            checked
                .iter()
                .find(|(name, _)| name == key)
                .map(|(_, text)| text.as_str())
        };
        assert_eq!(text("wait"), Some("2000"));
        assert_eq!(text("quick"), Some("false"));
        assert_eq!(text("slot"), None);
        assert_eq!(text("pin"), None);
    }

    #[test]
    fn unknown_setting_names_those_that_are_allowed() {
        assert_eq!(
            refused("path = \"/p\"\npth = 1"),
            "setting \"pth\" is not known; allowed are module, path, quick, slot, tokens, wait"
        );
    }

    #[test]
    fn missing_setting_is_named() {
        assert_eq!(refused(""), "setting \"path\" is missing");
    }

    #[test]
    fn wrong_type_says_what_it_takes() {
        assert_eq!(
            refused("path = \"/p\"\nwait = 5"),
            "setting \"wait\" takes a duration in quotes, such as \"30s\", and not a whole number"
        );
        assert!(refused("path = 1").contains("takes a path"));
        assert!(refused("path = \"/p\"\nquick = \"yes\"").contains("takes true or false"));
        assert!(refused("path = \"/p\"\nslot = [\"1\"]").contains("not a list"));
    }

    #[test]
    fn durations_have_a_unit_and_fit() {
        for text in [
            "",
            "5",
            "s",
            "-5s",
            "5 s",
            "5sec",
            "1.5s",
            "99999999999999999999s",
        ] {
            let message = refused(&format!("path = \"/p\"\nwait = \"{text}\""));
            assert!(message.contains("is no duration"), "{message}");
        }
        assert!(refused("path = \"/p\"\nwait = \"18446744073709551615d\"").contains("no duration"));
    }

    #[test]
    fn secret_never_stands_among_the_settings() {
        assert!(refused("path = \"/p\"\npin = \"1234\"").contains("under secrets"));
    }

    #[test]
    fn text_with_nul_is_refused() {
        assert!(refused("path = \"/p\\u0000x\"").contains("NUL"));
        assert!(refused("path = \"\"").contains("no usable path"));
    }
}
