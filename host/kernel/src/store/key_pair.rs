//! A key that stays in its store, with the certificate that belongs to it.

use std::fmt;

use anchorhold_boundary::item::{Item, ItemId, Kind};
use anchorhold_boundary::status::{CallError, Status};
use anchorhold_boundary::table::CallLimits;
use rustls_pki_types::CertificateDer;

use crate::outline::Outline;
use crate::snapshot::Snapshot;
use crate::store::answers::Whom;
use crate::store::{Store, StoreError, StoreErrorKind, lock};

/// A key that stays in its store, with what a peer is shown of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPair {
    /// The key, as its store knows it.
    pub key: ItemId,
    /// Its SubjectPublicKeyInfo, DER.
    pub public: Vec<u8>,
    /// The certificate of the key, and those that the store holds between it and its root.
    pub chain: Vec<CertificateDer<'static>>,
    /// The TLS signature schemes of the key, best first.
    pub schemes: Vec<u16>,
    /// Whether the key wants its PIN for every signature.
    pub asks_each_use: bool,
}

/// Who may open a store that hides its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unlocking {
    /// Whoever there is: what is stored, or a person.
    Anybody,
    /// What is stored, and nobody is asked.
    Stored,
}

/// Why a store has no such pair.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyPairError {
    /// Nothing in the store has the label.
    LabelMissing {
        /// The labels of the keys there are.
        keys: Vec<String>,
    },
    /// A key has the label, and the store holds no certificate of it.
    NoCertificate,
    /// A certificate has the label, and the store shows no key of it.
    NoKey,
    /// Key and certificate have the label, and do not belong together.
    Mismatch,
    /// The key signs in no way that TLS has.
    NoScheme,
    /// Its plugin has no keys.
    NoKeys,
    /// The store did not answer.
    Store(StoreError),
}

impl fmt::Display for KeyPairError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LabelMissing { keys } if keys.is_empty() => {
                f.write_str("it holds neither a key nor a certificate of that label, nor any key")
            }
            Self::LabelMissing { keys } => write!(
                f,
                "it holds neither a key nor a certificate of that label; its keys are: {}",
                keys.join(", ")
            ),
            Self::NoCertificate => f.write_str(
                "it holds the key, and no certificate of that key: put the certificate beside it",
            ),
            Self::NoKey => {
                f.write_str("it holds a certificate of that label, and no key that belongs to it")
            }
            Self::Mismatch => f.write_str(
                "the key and the certificate of that label do not belong together: their public \
                 keys differ",
            ),
            Self::NoScheme => f.write_str("the key signs in no way that TLS has"),
            Self::NoKeys => f.write_str("its plugin has no keys to sign with"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for KeyPairError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) => Some(error),
            _ => None,
        }
    }
}

impl From<StoreError> for KeyPairError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Store {
    /// The pair of this label. A store that hides its keys is unlocked by those who may.
    pub fn key_pair(&self, label: &str, by: Unlocking) -> Result<KeyPair, KeyPairError> {
        let instance = self.instance().map_err(|kind| self.error(kind))?;
        let identity = instance.opened.store.identity();
        if !identity.can_sign {
            return Err(KeyPairError::NoKeys);
        }
        let can_unlock = identity.can_unlock;
        let first = match self.snapshot() {
            Ok(snapshot) => find(&snapshot, label),
            Err(error) if can_unlock && error.status() == Some(Status::Locked) => {
                Err(KeyPairError::NoKey)
            }
            Err(error) => return Err(error.into()),
        };
        let found = match first {
            Err(KeyPairError::LabelMissing { .. } | KeyPairError::NoKey) if can_unlock => {
                self.unlock_for_keys(by)?;
                let fresh = self.fresh_snapshot()?;
                find(&fresh, label)
            }
            found => found,
        };
        let mut pair = found?;
        let limits = CallLimits::within(self.plan.timeout);
        let schemes = self
            .call(&instance, |store| store.schemes(&pair.key, &limits))
            .map_err(|error| self.error(StoreErrorKind::Call(error)))?;
        if schemes.is_empty() {
            return Err(KeyPairError::NoScheme);
        }
        pair.schemes = schemes;
        Ok(pair)
    }

    /// Signs a message with a key, within the time that a caller of this store waits. A store that
    /// lost its unlocking meanwhile, as a token does that was taken out and put back, is unlocked
    /// once more with what is stored.
    pub fn sign(&self, key: &ItemId, scheme: u16, message: &[u8]) -> Result<Vec<u8>, StoreError> {
        let instance = self.instance().map_err(|kind| self.error(kind))?;
        let asks = self.asks_each_use(key);
        let limits = match (asks, self.answers.has_person()) {
            (true, true) => lock::asking(self.person_waits()),
            (true, false) => lock::asking(self.plan.timeout),
            (false, _) => CallLimits::within(self.plan.timeout),
        };
        let sign = || {
            let sign = || self.call(&instance, |store| store.sign(key, scheme, message, &limits));
            match asks {
                true => self.answers.during(Whom::Anybody, sign),
                false => sign(),
            }
        };
        let signed = match sign() {
            Err(error) if error.status == Status::Locked && self.has_key_for(&instance) => {
                self.unlock_with_stored(&instance).and_then(|()| sign())
            }
            signed => signed,
        };
        signed.map_err(|error| self.error(StoreErrorKind::Call(error)))
    }

    /// Whether a key wants its PIN for every signature, as far as the store was listed.
    fn asks_each_use(&self, key: &ItemId) -> bool {
        let last = self.last_snapshot();
        last.is_some_and(|(snapshot, _)| {
            let mut items = snapshot.items().iter();
            items.any(|item| item.id == *key && item.asks_each_use)
        })
    }

    /// Opens it, where anybody can: a stored secret is tried once, and then a person is asked.
    fn unlock_for_keys(&self, by: Unlocking) -> Result<(), StoreError> {
        if by == Unlocking::Anybody && self.answers.has_person() {
            return self.unlock(None);
        }
        let unlocked = match self.answers.has_stored() {
            true => self
                .instance()
                .map_err(|kind| self.error(kind))
                .and_then(|instance| {
                    let unlocked = self.unlock_with_stored(&instance);
                    unlocked.map_err(|error| self.error(StoreErrorKind::Call(error)))
                }),
            false => {
                let why =
                    "it shows its keys once it is unlocked, and what unlocks it is not stored";
                Err(self.error(StoreErrorKind::Call(CallError::new(Status::Locked, why))))
            }
        };
        self.outdate();
        unlocked
    }
}

/// Finds the pair; the label may be that of the key or of its certificate.
fn find(snapshot: &Snapshot, label: &str) -> Result<KeyPair, KeyPairError> {
    let of = |kind: Kind| {
        let items = snapshot.items().iter();
        items.filter(move |item| item.kind == kind)
    };
    let labelled = |item: &&Item| item.label == label;
    let certificates: Vec<(&Item, Outline<'_>)> = of(Kind::Certificate)
        .filter_map(|item| Some((item, Outline::read(&item.der).ok()?)))
        .collect();
    let mut named_keys = of(Kind::PrivateKey).filter(labelled).peekable();
    let mut named_certificates = certificates
        .iter()
        .filter(|(item, _)| item.label == label)
        .peekable();
    let (has_key, has_certificate) = (
        named_keys.peek().is_some(),
        named_certificates.peek().is_some(),
    );
    for key in named_keys {
        if let Some(leaf) = best(&certificates, &key.der) {
            return Ok(pair(key, leaf, &certificates));
        }
    }
    for leaf in named_certificates {
        if has_key {
            return Err(KeyPairError::Mismatch);
        }
        let key = of(Kind::PrivateKey).find(|key| key.der == leaf.1.spki);
        if let Some(key) = key {
            return Ok(pair(key, leaf, &certificates));
        }
    }
    Err(match (has_key, has_certificate) {
        (true, _) => KeyPairError::NoCertificate,
        (false, true) => KeyPairError::NoKey,
        (false, false) => KeyPairError::LabelMissing {
            keys: of(Kind::PrivateKey)
                .map(|key| key.label.clone())
                .filter(|label| !label.is_empty())
                .collect(),
        },
    })
}

type Read<'a> = (&'a Item, Outline<'a>);

/// Of several certificates of one key the one that ends last.
fn best<'c, 'a>(certificates: &'c [Read<'a>], public: &[u8]) -> Option<&'c Read<'a>> {
    let fitting = certificates.iter().filter(|(_, read)| read.spki == public);
    fitting.max_by_key(|(_, read)| read.validity().map_or(i64::MIN, |(_, end)| end))
}

fn pair(key: &Item, leaf: &Read<'_>, certificates: &[Read<'_>]) -> KeyPair {
    KeyPair {
        key: key.id.clone(),
        public: key.der.clone(),
        chain: chain(leaf, certificates),
        schemes: Vec::new(),
        asks_each_use: key.asks_each_use,
    }
}

/// The certificate, and those above it that the store holds; never a root, which a peer has or
/// does not believe.
fn chain(leaf: &Read<'_>, certificates: &[Read<'_>]) -> Vec<CertificateDer<'static>> {
    let mut chain = vec![leaf.0.der.as_slice()];
    let mut issuer = leaf.1.issuer;
    while chain.len() < CHAIN_MAX {
        let above = certificates.iter().find(|(item, read)| {
            read.subject == issuer
                && read.is_ca()
                && !read.self_issued()
                && !chain.contains(&item.der.as_slice())
        });
        let Some((item, read)) = above else { break };
        chain.push(&item.der);
        issuer = read.issuer;
    }
    chain
        .into_iter()
        .map(|der| CertificateDer::from(der.to_vec()))
        .collect()
}

/// The most certificates that a peer is shown.
const CHAIN_MAX: usize = 8;

#[cfg(test)]
mod tests;
