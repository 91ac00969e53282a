//! What is held, where, for which servers and until when.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The document of `list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// What is held, store by store.
    pub certificates: Vec<Certificate>,
    /// The stores that could not be listed; what they hold is missing above.
    #[serde(default)]
    pub failed_stores: Vec<FailedStore>,
    /// What is in scope for a server and in no store any more.
    #[serde(default)]
    pub missing: Vec<Missing>,
}

/// A certificate that is in scope and that no store holds any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// The SHA-256 of the certificate, 64 hexadecimal digits.
    pub sha256: String,
    /// For whom it would vouch.
    pub servers: Servers,
    /// `pin`, `anchor` or `intermediate`.
    pub kind: String,
    /// The same for people.
    pub message: String,
}

/// One certificate in one store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The SHA-256 of the certificate, 64 hexadecimal digits.
    pub sha256: String,
    /// Whom it is about.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// From when it is valid, RFC 3339.
    pub not_before: String,
    /// Until when it is valid, RFC 3339.
    pub not_after: String,
    /// Its label in the store.
    pub label: String,
    /// The store.
    pub store: String,
    /// For whom it vouches.
    pub servers: Servers,
    /// `pin`, `anchor`, `intermediate`, `distrust` or `key`; the fingerprint of a private key is
    /// that of its public half.
    pub kind: String,
    /// What is odd about it.
    pub note: Option<String>,
}

/// A store that could not be listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedStore {
    /// The store.
    pub store: String,
    /// Why.
    pub message: String,
}

/// For whom a certificate vouches: a list of names, `"any"` or `"none"`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Servers {
    /// Every server.
    Any,
    /// These.
    Named(Vec<String>),
    /// Nobody.
    #[default]
    None,
}

impl Serialize for Servers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Any => serializer.serialize_str(ANY),
            Self::Named(names) => names.serialize(serializer),
            Self::None => serializer.serialize_str(NONE),
        }
    }
}

impl<'de> Deserialize<'de> for Servers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Names(Vec<String>),
            Word(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Names(names) => Ok(Self::Named(names)),
            Written::Word(word) if word == ANY => Ok(Self::Any),
            Written::Word(word) if word == NONE => Ok(Self::None),
            Written::Word(word) => Err(D::Error::unknown_variant(&word, &[ANY, NONE])),
        }
    }
}

const ANY: &str = "any";
const NONE: &str = "none";
