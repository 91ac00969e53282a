//! What a new store was given beside its settings, and how it is confined with that.

use serde::{Deserialize, Serialize};

/// What a store may reach, who answers its questions, and how its plugin is confined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// What is known of the module that it loads, where that is known.
    pub profile: Option<Profile>,
    /// What its plugin may reach.
    pub grants: Vec<Given>,
    /// The environment of its process.
    pub env: Vec<Given>,
    /// Where each of its secrets comes from; never the secret.
    pub secrets: Vec<Given>,
    /// `in-process` or `runner`.
    pub isolation: String,
    /// `full`, `partial` or `none`: how much of the sandbox is enforced.
    pub sandbox: String,
    /// Why that is less than all of it, or what it allows.
    pub sandbox_note: String,
    /// `imported`, `cka-trusted` or `all`, where its items are those of a token.
    pub trust: Option<String>,
    /// What of it vouches, in words.
    pub vouches: String,
}

/// What is known of a PKCS#11 module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// What it is called.
    pub name: String,
    /// Whether it was tried with the module itself; else it is from the maker's manual.
    pub tested: bool,
}

/// Something that a store was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// What it is, as it stands in the configuration file.
    pub what: String,
    /// Where it comes from, or what it is for.
    pub why: String,
}
