//! What the operator says of one server that the option files cannot say.

use crate::decision::Plain;
use crate::level::{Level, NotALevel};
use anchorhold_state::Fingerprint;
use data_encoding::HEXLOWER_PERMISSIVE;
use serde::Deserialize;
use std::fmt;

/// `[server.NAME]` of anchorhold.toml, as typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerTable {
    /// The stores that are asked for this server, in order.
    pub stores: Option<Vec<String>>,
    /// The store that acceptance writes to.
    pub accept_into: Option<String>,
    /// `sha256:…`: the only certificate that acceptance may take.
    pub expect: Option<String>,
    /// `address` (the default), `off`, or another expected name.
    pub name_check: Option<String>,
    /// `allow` (the default) or `never`.
    pub plain: Option<String>,
    /// The level, where the server cannot be asked.
    pub level: Option<String>,
    /// `local` (the default) or `ldap`.
    pub authentication: Option<String>,
    /// `warn` (the default) or `hold`.
    pub tls_floor: Option<String>,
    /// `warn` (the default) or `hold`.
    pub level_floor: Option<String>,
    /// `HOST:PORT` of a server that is no stanza.
    pub address: Option<String>,
    /// The key that this client signs on with, where the server wants one.
    pub client_key: Option<KeyName>,
}

/// A key that stays in a store.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyName {
    /// The store.
    pub store: String,
    /// The label of the key, or of its certificate.
    pub label: String,
}

/// What the name in a certificate is compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Name {
    /// The server's address.
    #[default]
    Address,
    /// Nothing: the operator's word, and journalled.
    Off,
    /// This name.
    Other(String),
}

/// What happens where a server falls below what is recorded of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Floor {
    /// The session is refused.
    Hold,
    /// The session goes on, and the journal tells it.
    #[default]
    Warn,
}

/// `[server.NAME]`, as meant.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The stores that are asked, in order; none is the operator's default.
    pub stores: Option<Vec<String>>,
    /// The store that acceptance writes to.
    pub accept_into: Option<String>,
    /// The only certificate that acceptance may take.
    pub expect: Option<Fingerprint>,
    /// What the name in a certificate is compared with.
    pub name: Name,
    /// Whether plain sessions are allowed at an earlier level.
    pub plain: Plain,
    /// The declared level.
    pub level: Option<Level>,
    /// Whether the server is declared to authenticate with LDAP; `None` is not declared.
    pub ldap: Option<bool>,
    /// What a lower TLS version than recorded leads to.
    pub tls_floor: Floor,
    /// What a lower level than recorded leads to.
    pub level_floor: Floor,
    /// Host and port of a server that is no stanza.
    pub address: Option<(String, u16)>,
    /// The key that this client signs on with, where the server wants one.
    pub client_key: Option<KeyName>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            stores: None,
            accept_into: None,
            expect: None,
            name: Name::Address,
            plain: Plain::Allow,
            level: None,
            ldap: None,
            tls_floor: Floor::Warn,
            level_floor: Floor::Warn,
            address: None,
            client_key: None,
        }
    }
}

/// A value in `[server.NAME]` that means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PolicyError {
    /// The address is not HOST:PORT.
    Address(String),
    /// The certificate is not `sha256:` and 64 hexadecimal digits.
    Expect(String),
    /// The level is none.
    Level(NotALevel),
    /// The word is not among those allowed.
    Word {
        /// The key.
        key: &'static str,
        /// What was written.
        value: String,
        /// What may be written.
        allowed: &'static str,
    },
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(value) => {
                write!(
                    f,
                    "address = \"{value}\" is not HOST:PORT, such as \"db1.example:5432\""
                )
            }
            Self::Expect(value) => {
                write!(
                    f,
                    "expect = \"{value}\" is not \"sha256:\" and 64 hexadecimal digits"
                )
            }
            Self::Level(error) => write!(f, "level: {error}"),
            Self::Word {
                key,
                value,
                allowed,
            } => {
                write!(f, "{key} = \"{value}\" is not allowed; it may be {allowed}")
            }
        }
    }
}

impl std::error::Error for PolicyError {}

impl ServerTable {
    /// What was typed, as it is meant.
    pub fn policy(self) -> Result<Policy, PolicyError> {
        let floor = |key, value| {
            choose(
                key,
                value,
                "\"warn\" or \"hold\"",
                &[("warn", Floor::Warn), ("hold", Floor::Hold)],
            )
        };
        let plain = [("allow", Plain::Allow), ("never", Plain::Never)];
        let ldap = [("local", false), ("ldap", true)];
        Ok(Policy {
            stores: self.stores,
            accept_into: self.accept_into,
            expect: self.expect.map(|text| fingerprint(&text)).transpose()?,
            name: match self.name_check {
                None => Name::Address,
                Some(word) if word == "address" => Name::Address,
                Some(word) if word == "off" => Name::Off,
                Some(name) => Name::Other(name),
            },
            plain: choose("plain", self.plain, "\"allow\" or \"never\"", &plain)?
                .unwrap_or(Plain::Allow),
            level: self
                .level
                .map(|text| text.parse())
                .transpose()
                .map_err(PolicyError::Level)?,
            ldap: choose(
                "authentication",
                self.authentication,
                "\"local\" or \"ldap\"",
                &ldap,
            )?,
            tls_floor: floor("tls_floor", self.tls_floor)?.unwrap_or_default(),
            level_floor: floor("level_floor", self.level_floor)?.unwrap_or_default(),
            address: self.address.map(endpoint).transpose()?,
            client_key: self.client_key,
        })
    }
}

fn choose<T: Copy>(
    key: &'static str,
    value: Option<String>,
    allowed: &'static str,
    words: &[(&str, T)],
) -> Result<Option<T>, PolicyError> {
    let Some(value) = value else { return Ok(None) };
    words
        .iter()
        .find(|(word, _)| *word == value)
        .map(|(_, meaning)| Some(*meaning))
        .ok_or(PolicyError::Word {
            key,
            value,
            allowed,
        })
}

fn fingerprint(text: &str) -> Result<Fingerprint, PolicyError> {
    let refused = || PolicyError::Expect(text.to_owned());
    let digits = text.strip_prefix("sha256:").ok_or_else(refused)?;
    let digits: String = digits.chars().filter(|digit| *digit != ':').collect();
    let bytes = HEXLOWER_PERMISSIVE
        .decode(digits.as_bytes())
        .map_err(|_| refused())?;
    bytes.try_into().map(Fingerprint).map_err(|_| refused())
}

/// Takes HOST:PORT apart; a literal IPv6 address stands in brackets.
fn endpoint(text: String) -> Result<(String, u16), PolicyError> {
    let parts = text.rsplit_once(':').and_then(|(host, port)| {
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        // An address with more colons and no brackets could be read in two ways.
        let host = bare.or_else(|| (!host.contains(':')).then_some(host))?;
        let port = port.parse().ok().filter(|port| *port != 0)?;
        (!host.is_empty()).then(|| (host.to_owned(), port))
    });
    parts.ok_or(PolicyError::Address(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Result<Policy, PolicyError> {
        toml::from_str::<ServerTable>(text)
            .expect("well-formed TOML")
            .policy()
    }

    #[test]
    fn an_empty_table_is_the_default() {
        let policy = table("").expect("valid");
        assert_eq!((policy.plain, policy.name), (Plain::Allow, Name::Address));
        assert_eq!((policy.ldap, policy.level), (None, None));
    }

    #[test]
    fn addresses_are_host_and_port() {
        for (text, expected) in [
            ("db1.example:5432", Some(("db1.example", 5432))),
            ("[::1]:1500", Some(("::1", 1500))),
            ("::1:1500", None),
            ("db1.example", None),
            (":5432", None),
            ("db1.example:0", None),
            ("db1.example:70000", None),
        ] {
            let got = table(&format!("address = \"{text}\""))
                .ok()
                .and_then(|p| p.address);
            assert_eq!(
                got,
                expected.map(|(host, port)| (host.to_owned(), port)),
                "{text}"
            );
        }
    }

    #[test]
    fn a_wrong_word_names_what_is_allowed() {
        let error = table("plain = \"sometimes\"").expect_err("refused");
        let text = "plain = \"sometimes\" is not allowed; it may be \"allow\" or \"never\"";
        assert_eq!(error.to_string(), text);
        assert!(table("level = \"eight\"").is_err());
        assert!(table("expect = \"sha256:00\"").is_err());
        assert!(table("expect = \"00\"").is_err());
    }

    #[test]
    fn an_expected_fingerprint_may_have_colons() {
        let digits = ["AB"; 32].join(":");
        let policy = table(&format!("expect = \"sha256:{digits}\"")).expect("valid");
        assert_eq!(policy.expect, Some(Fingerprint([0xAB; 32])));
    }
}
