//! A store that signs with keys which stay in it.

use std::marker::PhantomData;

use anchorhold_abi as abi;
use anchorhold_abi::{
    Growing, ah_byte_sink, ah_bytes, ah_call, ah_error, ah_sign_ops, ah_status, ah_store,
};

use crate::call::Call;
use crate::error::{Error, ErrorKind};
use crate::foreign;
use crate::guard;
use crate::store::TrustStore;

/// A store with private keys: items of kind [`PrivateKey`](crate::Kind::PrivateKey), whose bytes
/// are the public half.
pub trait Sign: TrustStore {
    /// The schemes in which a key signs; [`Error::not_found`] where no key has this id. Asks
    /// nothing.
    fn schemes(&self, call: &Call<'_>, key: &[u8]) -> Result<Vec<Scheme>, Error>;

    /// Signs a message, which is not yet hashed. The signature is what TLS carries: one in ECDSA
    /// is a DER SEQUENCE, not r and s one after the other. It may ask, where [`Call::may_prompt`]
    /// says so.
    fn sign(
        &self,
        call: &Call<'_>,
        key: &[u8],
        scheme: Scheme,
        message: &[u8],
    ) -> Result<Vec<u8>, Error>;
}

/// A TLS SignatureScheme, by its code point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scheme(pub u16);

impl Scheme {
    /// RSA PKCS#1 v1.5 with SHA-256.
    pub const RSA_PKCS1_SHA256: Self = Self(0x0401);
    /// RSA PKCS#1 v1.5 with SHA-384.
    pub const RSA_PKCS1_SHA384: Self = Self(0x0501);
    /// RSA PKCS#1 v1.5 with SHA-512.
    pub const RSA_PKCS1_SHA512: Self = Self(0x0601);
    /// ECDSA on P-256 with SHA-256.
    pub const ECDSA_SECP256R1_SHA256: Self = Self(0x0403);
    /// ECDSA on P-384 with SHA-384.
    pub const ECDSA_SECP384R1_SHA384: Self = Self(0x0503);
    /// ECDSA on P-521 with SHA-512.
    pub const ECDSA_SECP521R1_SHA512: Self = Self(0x0603);
    /// RSA-PSS with SHA-256, of an rsaEncryption key.
    pub const RSA_PSS_RSAE_SHA256: Self = Self(0x0804);
    /// RSA-PSS with SHA-384, of an rsaEncryption key.
    pub const RSA_PSS_RSAE_SHA384: Self = Self(0x0805);
    /// RSA-PSS with SHA-512, of an rsaEncryption key.
    pub const RSA_PSS_RSAE_SHA512: Self = Self(0x0806);
    /// Ed25519.
    pub const ED25519: Self = Self(0x0807);
    /// Ed448.
    pub const ED448: Self = Self(0x0808);
}

/// The table for signing with a store of type `T`.
pub(crate) struct SignOps<T>(PhantomData<T>);

impl<T: Sign> SignOps<T> {
    pub(crate) const TABLE: &'static ah_sign_ops = &ah_sign_ops {
        struct_size: <ah_sign_ops as Growing>::SIZE,
        reserved: 0,
        schemes: Some(schemes::<T>),
        sign: Some(sign::<T>),
    };
}

/// # Safety
///
/// R1, R3: each pointer is NULL or lent for this call, `out` with room for `capacity` schemes;
/// `store` came out of `open`.
unsafe extern "C" fn schemes<T: Sign>(
    store: *mut ah_store,
    call: *const ah_call,
    key_id: ah_bytes,
    out: *mut u16,
    capacity: usize,
    count: *mut usize,
    err: *mut ah_error,
) -> ah_status {
    let run = |opened: &guard::Opened<T>| {
        if count.is_null() || (out.is_null() && capacity > 0) {
            return Err(Error::invalid_argument("schemes without a place for them"));
        }
        // SAFETY: R1, R3: lent for this call, which `run` does not outlive.
        let call = unsafe { Call::adopt(call, &opened.host) }?;
        // SAFETY: R3, as above.
        let key = unsafe { foreign::bytes(key_id) }?;
        let schemes = opened.store.schemes(&call, key)?;
        // SAFETY: R3: not NULL, and lent for this call.
        unsafe { count.write(schemes.len()) };
        if schemes.len() > capacity {
            return Err(Error::new(
                ErrorKind::BufferTooSmall,
                format!("the key has {} schemes", schemes.len()),
            ));
        }
        for (place, scheme) in schemes.iter().enumerate() {
            // SAFETY: R3: `out` has room for `capacity` schemes, which are no fewer.
            unsafe { out.add(place).write(scheme.0) };
        }
        Ok(())
    };
    // SAFETY: R3, as promised by the caller.
    unsafe { guard::enter(store, err, "schemes", run) }
}

/// # Safety
///
/// R1, R3: each pointer is NULL or lent for this call; `store` came out of `open`.
unsafe extern "C" fn sign<T: Sign>(
    store: *mut ah_store,
    call: *const ah_call,
    key_id: ah_bytes,
    scheme: u16,
    message: ah_bytes,
    signature: *const ah_byte_sink,
    err: *mut ah_error,
) -> ah_status {
    let run = |opened: &guard::Opened<T>| {
        // SAFETY: R1, R3: lent for this call, which `run` does not outlive.
        let call = unsafe { Call::adopt(call, &opened.host) }?;
        // SAFETY: R3, as above.
        let (key, message) = unsafe { (foreign::bytes(key_id)?, foreign::bytes(message)?) };
        // SAFETY: R1, R3, as above.
        let put = unsafe { abi::read(signature) }
            .and_then(|sink| sink.put)
            .ok_or_else(|| Error::invalid_argument("sign without ah_byte_sink, or a short one"))?;
        let made = opened.store.sign(&call, key, Scheme(scheme), message)?;
        // SAFETY: R3, R7: the sink is lent for this call, on this thread, and called once.
        match unsafe { put(signature, ah_bytes::new(&made)) } {
            abi::AH_OK => Ok(()),
            status => Err(Error::stopped(status)),
        }
    };
    // SAFETY: R3, as promised by the caller.
    unsafe { guard::enter(store, err, "sign", run) }
}
