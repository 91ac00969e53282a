//! What a store is asked for that can answer without being listed.

use std::fmt;
use std::marker::PhantomData;

use anchorhold_abi as abi;
use anchorhold_abi::{
    Growing, ah_call, ah_error, ah_find_ops, ah_item_sink, ah_query, ah_status, ah_store,
};

use crate::call::Call;
use crate::error::{Error, ErrorKind};
use crate::foreign;
use crate::guard;
use crate::item::{Kind, Purpose};
use crate::page::Items;
use crate::store::TrustStore;

/// A store that can be asked for certain items, since it is too large or too far away to list.
pub trait Find: TrustStore {
    /// Pushes every item that fits. Nothing pushed means that there certainly is none: where
    /// nobody knows, it is an error, such as [`Error::unavailable`]. Never prompts: answers
    /// [`Error::locked`] instead.
    ///
    /// The host checks what is pushed against the query, and takes nothing else.
    fn find(&self, call: &Call<'_>, query: &Query<'_>, items: &mut Items<'_>) -> Result<(), Error>;
}

/// By what items are looked for. Names and numbers are compared byte by byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum By<'a> {
    /// The id of an item.
    Id(&'a [u8]),
    /// The DER Name of the issuer, and the contents of the DER INTEGER of the serial number.
    IssuerSerial {
        /// The issuer.
        issuer: &'a [u8],
        /// The serial number.
        serial: &'a [u8],
    },
    /// The SHA-256 of the item's bytes.
    Sha256(&'a [u8; 32]),
    /// The SHA-256 of the SubjectPublicKeyInfo.
    SpkiSha256(&'a [u8; 32]),
    /// The DER Name of the subject; of a revocation list, of its issuer.
    Subject(&'a [u8]),
}

/// One question.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Query<'a> {
    by: By<'a>,
    /// A bit for each kind; 0 is every kind.
    kinds: u32,
    purpose: Purpose,
}

impl<'a> Query<'a> {
    /// A question that no host asks, for a plugin's own tests: every kind, for any purpose.
    pub fn new(by: By<'a>) -> Self {
        Self {
            by,
            kinds: 0,
            purpose: Purpose::Any,
        }
    }

    /// The same for one more kind, and for no others than were named so.
    #[must_use]
    pub fn of_kind(mut self, kind: Kind) -> Self {
        self.kinds |= bit(kind);
        self
    }

    /// The same for one purpose.
    #[must_use]
    pub fn for_purpose(mut self, purpose: Purpose) -> Self {
        self.purpose = purpose;
        self
    }

    /// By what.
    pub fn by(&self) -> By<'a> {
        self.by
    }

    /// Whether items of this kind are asked for.
    pub fn wants(&self, kind: Kind) -> bool {
        self.kinds == 0 || self.kinds & bit(kind) != 0
    }

    /// For which purpose. A store that has no use for it leaves it alone: the host looks at the
    /// rules of what is pushed.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// # Safety
    ///
    /// R1, R3: `query` is NULL or the host's struct, lent with all it leads to for `'a`.
    unsafe fn adopt(query: *const ah_query) -> Result<Self, Error> {
        // SAFETY: R1, R3, as promised by the caller.
        let read = unsafe { abi::read(query) }
            .ok_or_else(|| Error::invalid_argument("find without ah_query, or a short one"))?;
        // SAFETY: R3: both are lent for `'a`.
        let (key, serial) = unsafe { (foreign::bytes(read.key)?, foreign::bytes(read.serial)?) };
        let digest = || {
            <&[u8; 32]>::try_from(key)
                .map_err(|_| Error::invalid_argument("a digest that has not 32 bytes"))
        };
        let by = match read.by {
            abi::AH_BY_ID => By::Id(key),
            abi::AH_BY_ISSUER_SERIAL => By::IssuerSerial {
                issuer: key,
                serial,
            },
            abi::AH_BY_SHA256 => By::Sha256(digest()?),
            abi::AH_BY_SPKI_SHA256 => By::SpkiSha256(digest()?),
            abi::AH_BY_SUBJECT => By::Subject(key),
            by => return Err(Error::unsupported(format!("queries of kind {by}"))),
        };
        Ok(Self {
            by,
            kinds: read.kinds,
            purpose: match read.purpose {
                abi::AH_FOR_CLIENT => Purpose::Client,
                abi::AH_FOR_CODE => Purpose::Code,
                abi::AH_FOR_EMAIL => Purpose::Email,
                abi::AH_FOR_SERVER => Purpose::Server,
                abi::AH_FOR_TIMESTAMP => Purpose::Timestamp,
                // Of a purpose that is not known everything is of use (R2).
                _ => Purpose::Any,
            },
        })
    }
}

impl fmt::Debug for Query<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query")
            .field("by", &self.by)
            .field("kinds", &self.kinds)
            .field("purpose", &self.purpose)
            .finish()
    }
}

fn bit(kind: Kind) -> u32 {
    1_u32.checked_shl(kind.raw()).unwrap_or(0)
}

/// The table for asking a store of type `T`.
pub(crate) struct FindOps<T>(PhantomData<T>);

impl<T: Find> FindOps<T> {
    pub(crate) const TABLE: &'static ah_find_ops = &ah_find_ops {
        struct_size: <ah_find_ops as Growing>::SIZE,
        reserved: 0,
        find: Some(find::<T>),
    };
}

/// # Safety
///
/// R1, R3: each pointer is NULL or lent for this call; `store` came out of `open`.
unsafe extern "C" fn find<T: Find>(
    store: *mut ah_store,
    call: *const ah_call,
    query: *const ah_query,
    sink: *const ah_item_sink,
    err: *mut ah_error,
) -> ah_status {
    let run = |opened: &guard::Opened<T>| {
        // SAFETY: R1, R3: lent for this call, which `run` does not outlive.
        let call = unsafe { Call::adopt(call, &opened.host) }?;
        // SAFETY: R1, R3, as above.
        let query = unsafe { Query::adopt(query) }?;
        // SAFETY: R1, R3, R7: lent for this call, on this thread.
        let mut items = unsafe { Items::adopt(sink, usize::MAX) }?;
        let found = opened.store.find(&call, &query, &mut items);
        items.verdict()?;
        found.map_err(|error| match error.kind() {
            // Nothing found is no error, so this one is about something else.
            ErrorKind::NotFound => Error::internal(error.message()),
            _ => error,
        })
    };
    // SAFETY: R3, as promised by the caller.
    unsafe { guard::enter(store, err, "find", run) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anchorhold_abi::ah_bytes;

    fn adopted(by: u32, key: &[u8]) -> Result<Query<'_>, Error> {
        let mut raw = ah_query::blank();
        raw.by = by;
        raw.key = ah_bytes::new(key);
        raw.kinds = 1 << 31 | 1 << abi::AH_KIND_CRL;
        raw.purpose = 77;
        // SAFETY: R3: the key lives as long as the query.
        unsafe { Query::adopt(&raw const raw) }
    }

    #[test]
    fn digest_has_32_bytes() {
        let digest = [7; 32];
        assert_eq!(
            adopted(abi::AH_BY_SHA256, &digest).unwrap().by(),
            By::Sha256(&digest)
        );
        for key in [&digest[..31], &[], &[7; 33]] {
            let error = adopted(abi::AH_BY_SPKI_SHA256, key).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        }
    }

    #[test]
    fn what_a_later_host_asks_is_answered_as_far_as_it_is_known() {
        // R2
        let query = adopted(abi::AH_BY_ID, b"1").unwrap();
        assert!(query.wants(Kind::Crl) && !query.wants(Kind::Certificate));
        assert_eq!(query.purpose(), Purpose::Any);
        let error = adopted(6, b"1").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn query_without_kinds_wants_every_kind() {
        let query = Query::new(By::Id(b"1"));
        assert!(query.wants(Kind::Crl) && query.wants(Kind::Certificate));
        let query = query.of_kind(Kind::PrivateKey).for_purpose(Purpose::Client);
        assert!(query.wants(Kind::PrivateKey) && !query.wants(Kind::Certificate));
        assert_eq!(query.purpose(), Purpose::Client);
    }
}
