//! Which signatures of intermediate certificates were found good before.
//!
//! Whether a signature is good depends on nothing but key, algorithm, message and signature, so
//! the answer can be kept by the digest of these four. Only good ones are kept, only of issuers:
//! the signature on an end-entity certificate is verified every time.

use std::collections::HashSet;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use aws_lc_rs::digest::{Context, SHA256};
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm};

/// The signatures that were found good, bounded.
#[derive(Default)]
pub(crate) struct Memory {
    known: RwLock<Generations>,
}

/// When the newer set is full it becomes the older one, and what was the older is forgotten.
#[derive(Default)]
struct Generations {
    newer: HashSet<[u8; 32]>,
    older: HashSet<[u8; 32]>,
}

impl Memory {
    fn contains(&self, key: &[u8; 32]) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.newer.contains(key) || known.older.contains(key)
    }

    fn insert(&self, key: [u8; 32]) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.newer.len() >= GENERATION {
            known.older = std::mem::take(&mut known.newer);
        }
        known.newer.insert(key);
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

/// An algorithm that remembers.
pub(crate) struct Remembering<'m> {
    pub(crate) algorithm: &'static dyn SignatureVerificationAlgorithm,
    pub(crate) memory: &'m Memory,
    /// What is signed of the end entity; it is verified every time.
    pub(crate) end_entity: &'m [u8],
}

impl SignatureVerificationAlgorithm for Remembering<'_> {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        if message == self.end_entity {
            return self
                .algorithm
                .verify_signature(public_key, message, signature);
        }
        let key = self.key(public_key, message, signature);
        if self.memory.contains(&key) {
            return Ok(());
        }
        self.algorithm
            .verify_signature(public_key, message, signature)?;
        self.memory.insert(key);
        Ok(())
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.public_key_alg_id()
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.algorithm.signature_alg_id()
    }

    fn fips(&self) -> bool {
        self.algorithm.fips()
    }
}

impl Remembering<'_> {
    /// Itself as webpki takes it.
    pub(crate) fn as_algorithm(&self) -> &dyn SignatureVerificationAlgorithm {
        self
    }

    /// The digest of everything that the answer depends on, each part with its length.
    fn key(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> [u8; 32] {
        let key_algorithm = self.algorithm.public_key_alg_id();
        let signature_algorithm = self.algorithm.signature_alg_id();
        let mut context = Context::new(&SHA256);
        for part in [
            &*key_algorithm,
            &*signature_algorithm,
            public_key,
            message,
            signature,
        ] {
            context.update(&part.len().to_le_bytes());
            context.update(part);
        }
        let mut key = [0; 32];
        key.copy_from_slice(context.finish().as_ref());
        key
    }
}

impl fmt::Debug for Remembering<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Remembering").field(&self.algorithm).finish()
    }
}

/// Two generations of these are 128 KiB of digests.
const GENERATION: usize = 2048;
