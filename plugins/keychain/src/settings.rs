//! What the operator says of a store.

use std::path::PathBuf;

use anchorhold_sdk::{Config, Error};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// What the operator says of a store, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) kind: Kind,
    /// The label of the collection; none is the default one.
    pub(crate) collection: Option<String>,
    /// What the entries of this store are called.
    pub(crate) account: String,
    /// Where the file is.
    pub(crate) directory: PathBuf,
}

/// Which keychain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The key rings of the kernel.
    Keyutils,
    /// That of macOS or Windows.
    Native,
    /// The Secret Service of a Linux desktop.
    SecretService,
}

impl Settings {
    pub(crate) fn read(config: &Config<'_>) -> Result<Self, Error> {
        let directory = config.state_dir().ok_or_else(|| {
            Error::invalid_argument(
                "the store has no directory of its own to keep its certificates in: the host's \
                 state directory cannot be written",
            )
        })?;
        let kind = match config.text("keychain") {
            Some("keyutils") => Kind::Keyutils,
            Some("native") => Kind::Native,
            Some("secret-service") => Kind::SecretService,
            None if cfg!(target_os = "linux") => Kind::SecretService,
            None => Kind::Native,
            Some(other) => {
                return Err(Error::invalid_argument(format!(
                    "keychain = \"{other}\" is not allowed; it may be \"secret-service\", \
                     \"keyutils\" or \"native\""
                )));
            }
        };
        let collection = config.text("collection").map(str::to_owned);
        if collection.is_some() && kind != Kind::SecretService {
            return Err(Error::invalid_argument(
                "only the Secret Service has collections: leave out the setting collection",
            ));
        }
        let account = match config.text("account") {
            Some(account) if is_account(account) => account.to_owned(),
            Some(account) => {
                return Err(Error::invalid_argument(format!(
                    "account = \"{account}\" is not allowed: it is 1 to 100 letters, digits, \
                     dots, dashes and underscores"
                )));
            }
            None => {
                let digest = Sha256::digest(directory.as_os_str().as_encoded_bytes());
                let digest = HEXLOWER.encode(digest.get(..4).unwrap_or_default());
                format!("{}-{digest}", config.store_name())
            }
        };
        Ok(Self {
            kind,
            collection,
            account,
            directory: directory.to_owned(),
        })
    }
}

fn is_account(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    (1..=100).contains(&text.len()) && text.bytes().all(allowed)
}
