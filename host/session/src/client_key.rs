//! The client's own key, which stays in its store: what is shown of it, and signatures with it.

use crate::code::Code;
use crate::context::Context;
use crate::server::Server;
use anchorhold_kernel::certificate::{Facts, fingerprint, moment};
use anchorhold_kernel::{Fingerprint, Kernel, KeyPair, KeyPairError, StoreError, Unlocking};
use rustls::client::ResolvesClientCert;
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{Error, SignatureAlgorithm, SignatureScheme};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::{Handle, RuntimeFlavor};

/// The key that a policy names, found and ready to sign.
///
/// It is shown to a server only once a held certificate has vouched for that server: rustls
/// verifies the server before it makes the client's signature, in either version of TLS. A server
/// chooses nothing about it but whether it is asked for, and one of the schemes that it can.
#[derive(Clone)]
pub(crate) struct ClientKey(Arc<Found>);

/// A key, and where it is.
struct Found {
    kernel: Arc<Kernel>,
    store: String,
    label: String,
    pair: KeyPair,
}

impl ClientKey {
    /// Finds the key of a server, where its policy names one. This may wait for its store, and for
    /// a person who unlocks it where one may be asked.
    pub(crate) fn find(
        context: &Context,
        server: &Server,
        by: Unlocking,
    ) -> Result<Option<Self>, KeyPairError> {
        let Some(named) = &server.policy.client_key else {
            return Ok(None);
        };
        let Some(store) = context.kernel.store(&named.store) else {
            return Err(KeyPairError::NoKeys);
        };
        Ok(Some(Self(Arc::new(Found {
            kernel: Arc::clone(&context.kernel),
            store: named.store.clone(),
            label: named.label.clone(),
            pair: store.key_pair(&named.label, by)?,
        }))))
    }

    /// The store that holds it.
    pub(crate) fn store(&self) -> &str {
        &self.0.store
    }

    /// What the policy calls it.
    pub(crate) fn label(&self) -> &str {
        &self.0.label
    }

    /// Which certificate is shown.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        fingerprint(self.certificate())
    }

    /// Whether it wants its PIN for every signature.
    pub(crate) fn asks_each_use(&self) -> bool {
        self.0.pair.asks_each_use
    }

    /// Why a server may refuse the certificate that is shown, by the clock here.
    ///
    /// That it is past its time endangers nobody but the client's own wish to sign on, and the
    /// clock that counts is the server's: so it is told of, and the server decides.
    pub(crate) fn out_of_time(&self, context: &Context) -> Option<String> {
        let facts = Facts::read(self.certificate()).ok()?;
        let at = moment(context.now().unix_timestamp());
        let what = if facts.expired(at) {
            format!("expired at {}", facts.not_after_text())
        } else if facts.not_yet_valid(at) {
            format!("is not valid before {}", facts.not_before_text())
        } else {
            return None;
        };
        Some(format!(
            "the client's own certificate, \"{}\" in store \"{}\", {what}, and the server may \
             refuse it",
            self.label(),
            self.store()
        ))
    }

    fn certificate(&self) -> &[u8] {
        self.0.pair.chain.first().map_or(&[], |first| first)
    }
}

/// What a sign-on that needs the key then comes to.
pub(crate) fn code(error: &KeyPairError) -> Code {
    match error {
        KeyPairError::Store(_) => Code::StoreUnavailable,
        KeyPairError::Mismatch => Code::ClientKeyMismatch,
        _ => Code::ClientKeyMissing,
    }
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientKey")
            .field("store", &self.0.store)
            .field("label", &self.0.label)
            .finish_non_exhaustive()
    }
}

/// What rustls asks in one handshake when a server wants a certificate, and what came of that.
pub(crate) fn answering(key: Option<&ClientKey>) -> (Arc<dyn ResolvesClientCert>, Arc<Asked>) {
    let asked = Arc::<Asked>::default();
    let certified = key.map(|key| {
        let chain = key.0.pair.chain.clone();
        let key = StoreKey(Arc::new(Shared {
            found: Arc::clone(&key.0),
            asked: Arc::clone(&asked),
        }));
        Arc::new(CertifiedKey::new(chain, Arc::new(key)))
    });
    let resolver = Resolver {
        certified,
        asked: Arc::clone(&asked),
    };
    (Arc::new(resolver), asked)
}

/// What one handshake asked of the client.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// The server wants a certificate.
    asked: AtomicBool,
    /// It got one, and a signature.
    signed: AtomicBool,
    /// Why the key's store did not sign, where that is so.
    fault: Mutex<Option<StoreError>>,
}

impl Asked {
    /// Whether the server wants a certificate.
    pub(crate) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Acquire)
    }

    /// Whether the server got one, and a signature.
    pub(crate) fn is_signed(&self) -> bool {
        self.signed.load(Ordering::Acquire)
    }

    /// Why the store did not sign, where that is what ended the handshake.
    pub(crate) fn take_fault(&self) -> Option<StoreError> {
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        fault.take()
    }

    fn fail(&self, error: StoreError) {
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        *fault = Some(error);
    }
}

/// Shows the one certificate, where there is one, to whoever asks for one; the issuers that a
/// server says it likes are no more than a hint, and the operator has chosen already.
#[derive(Debug)]
struct Resolver {
    certified: Option<Arc<CertifiedKey>>,
    asked: Arc<Asked>,
}

impl ResolvesClientCert for Resolver {
    fn resolve(
        &self,
        _root_hint_subjects: &[&[u8]],
        sigschemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        self.asked.asked.store(true, Ordering::Release);
        let certified = self.certified.as_ref()?;
        certified.key.choose_scheme(sigschemes)?;
        Some(Arc::clone(certified))
    }

    fn has_certs(&self) -> bool {
        self.certified.is_some()
    }
}

/// What a key and its signatures work with in one handshake.
struct Shared {
    found: Arc<Found>,
    asked: Arc<Asked>,
}

impl Shared {
    fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, Error> {
        let Found {
            kernel,
            store,
            pair,
            ..
        } = &*self.found;
        let store = kernel.store(store);
        let store = store.ok_or_else(|| Error::General("the store of the key is gone".into()))?;
        let sign = || store.sign(&pair.key, scheme.into(), message);
        let signed = match Handle::try_current().map(|handle| handle.runtime_flavor()) {
            // The thread waits for a token; others take over what else it has to do.
            Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(sign),
            _ => sign(),
        };
        match signed {
            Ok(signature) => {
                self.asked.signed.store(true, Ordering::Release);
                Ok(signature)
            }
            Err(error) => {
                let text = format!("the client's key did not sign: {error}");
                self.asked.fail(error);
                Err(Error::General(text))
            }
        }
    }
}

#[derive(Clone)]
struct StoreKey(Arc<Shared>);

impl SigningKey for StoreKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let schemes = self.0.found.pair.schemes.iter();
        let scheme = schemes
            .map(|scheme| SignatureScheme::from(*scheme))
            .find(|scheme| offered.contains(scheme))?;
        Some(Box::new(StoreSigner {
            shared: Arc::clone(&self.0),
            scheme,
        }))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        let public = self.0.found.pair.public.as_slice();
        Some(SubjectPublicKeyInfoDer::from(public))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        let first = self.0.found.pair.schemes.first().copied();
        match SignatureScheme::from(first.unwrap_or_default()) {
            SignatureScheme::ED25519 | SignatureScheme::ED448 => SignatureAlgorithm::ED25519,
            SignatureScheme::ECDSA_NISTP256_SHA256
            | SignatureScheme::ECDSA_NISTP384_SHA384
            | SignatureScheme::ECDSA_NISTP521_SHA512 => SignatureAlgorithm::ECDSA,
            _ => SignatureAlgorithm::RSA,
        }
    }
}

struct StoreSigner {
    shared: Arc<Shared>,
    scheme: SignatureScheme,
}

impl Signer for StoreSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        self.shared.sign(self.scheme, message)
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreKey")
            .field("store", &self.0.found.store)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for StoreSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreSigner")
            .field("scheme", &self.scheme)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
